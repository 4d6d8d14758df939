"""The system calls a locked child may make: a classic BPF filter, built for x86-64 and aarch64.

What a running program needs is memory (anonymous, never executable), reading its input pipe, writing its output pipe,
and ending. A few calls that libraries try and survive without answer EPERM; everything else kills the process. The
filter is plain data (Linux ``seccomp(2)``, ``bpf(4)``) handed to the kernel through ctypes; it needs no privilege
once no_new_privs is set, and can never be taken off.
"""

from __future__ import annotations

import ctypes
import platform
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from attndsl.runtime.sandbox.names import listed

ALLOW = 0x7FFF0000
KILL = 0x80000000
EPERM = 0x00050000 | 1

_LOAD, _JEQ, _JGE, _JSET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _ARGS = 0, 4, 16
_PROT_EXEC, _MAP_ANONYMOUS = 4, 0x20
_X32 = 0x40000000


@dataclass(frozen=True)
class Machine:
    """System call numbers of one architecture; ``audit`` is the kernel's AUDIT_ARCH value."""

    audit: int
    numbers: dict[str, int]


MACHINES = {
    "x86_64": Machine(
        0xC000003E,
        {
            "read": 0, "write": 1, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigreturn": 15, "mremap": 25,
            "madvise": 28, "exit": 60, "futex": 202, "clock_gettime": 228, "exit_group": 231, "sched_yield": 24,
            "gettimeofday": 96, "restart_syscall": 219,
            "close": 3, "fstat": 5, "lseek": 8, "rt_sigaction": 13, "rt_sigprocmask": 14, "ioctl": 16, "getpid": 39,
            "sysinfo": 99, "sigaltstack": 131, "gettid": 186, "sched_getaffinity": 204, "openat": 257, "open": 2,
            "stat": 4, "access": 21, "newfstatat": 262, "prlimit64": 302, "getrandom": 318, "readlink": 89,
            "getrusage": 98,
        },
    ),
    "aarch64": Machine(
        0xC00000B7,
        {
            "read": 63, "write": 64, "mmap": 222, "mprotect": 226, "munmap": 215, "brk": 214, "rt_sigreturn": 139,
            "mremap": 216, "madvise": 233, "exit": 93, "futex": 98, "clock_gettime": 113, "exit_group": 94,
            "sched_yield": 124, "gettimeofday": 169, "restart_syscall": 128,
            "close": 57, "fstat": 80, "lseek": 62, "rt_sigaction": 134, "rt_sigprocmask": 135, "ioctl": 29,
            "getpid": 172, "sysinfo": 179, "sigaltstack": 132, "gettid": 178, "sched_getaffinity": 123, "openat": 56,
            "newfstatat": 79, "prlimit64": 261, "getrandom": 278, "readlinkat": 78, "getrusage": 165,
        },
    ),
}  # fmt: skip

_PLAIN = listed(
    "munmap brk rt_sigreturn mremap madvise exit futex clock_gettime exit_group sched_yield "
    "gettimeofday restart_syscall"
)
_REFUSED = listed(
    "close fstat lseek rt_sigaction rt_sigprocmask ioctl getpid sysinfo sigaltstack gettid "
    "sched_getaffinity openat open "
    "stat access newfstatat prlimit64 getrandom readlink readlinkat getrusage"
)

Instruction = tuple[int, int, int, int]


def machine() -> Machine | None:
    """The system call table of this machine, or None where there is no filter for it."""
    return MACHINES.get(platform.machine())


def filter_program(table: Machine, input_fd: int, output_fd: int) -> list[Instruction]:
    """The filter as (code, jump if true, jump if false, value) instructions."""
    numbers = table.numbers
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH),
        (_JEQ, 1, 0, table.audit),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_JGE, 0, 1, _X32),
        (_RETURN, 0, 0, KILL),
    ]
    for name in _PLAIN:
        program += [(_JEQ, 0, 1, numbers[name]), (_RETURN, 0, 0, ALLOW)]
    for name in _REFUSED:
        if name in numbers:
            program += [(_JEQ, 0, 1, numbers[name]), (_RETURN, 0, 0, EPERM)]
    program += _argument_rules(numbers, input_fd, output_fd)
    return [*program, (_RETURN, 0, 0, KILL)]


def _argument_rules(numbers: dict[str, int], input_fd: int, output_fd: int) -> Iterator[Instruction]:
    """Calls that depend on an argument; each rule ends in a return. Only the low 32 bits of an argument matter."""
    for name, descriptor in (("read", input_fd), ("write", output_fd)):
        yield (_JEQ, 0, 4, numbers[name])
        yield (_LOAD, 0, 0, _ARGS)
        yield (_JEQ, 0, 1, descriptor)
        yield (_RETURN, 0, 0, ALLOW)
        yield (_RETURN, 0, 0, EPERM)
    yield (_JEQ, 0, 4, numbers["mprotect"])
    yield (_LOAD, 0, 0, _ARGS + 16)
    yield (_JSET, 0, 1, _PROT_EXEC)
    yield (_RETURN, 0, 0, KILL)
    yield (_RETURN, 0, 0, ALLOW)
    yield (_JEQ, 0, 6, numbers["mmap"])
    yield (_LOAD, 0, 0, _ARGS + 16)
    yield (_JSET, 3, 0, _PROT_EXEC)
    yield (_LOAD, 0, 0, _ARGS + 24)
    yield (_JSET, 0, 1, _MAP_ANONYMOUS)
    yield (_RETURN, 0, 0, ALLOW)
    yield (_RETURN, 0, 0, KILL)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def prepare(input_fd: int, output_fd: int) -> tuple[_Program, ctypes.Array[ctypes.c_char]] | None:
    """The filter in the kernel's form, made before forking so that a child only hands it over."""
    table = machine()
    if table is None:
        return None
    code = b"".join(struct.pack("=HBBI", *i) for i in filter_program(table, input_fd, output_fd))
    buffer = ctypes.create_string_buffer(code, len(code))
    return _Program(len(code) // 8, ctypes.addressof(buffer)), buffer


def install(libc: ctypes.CDLL, prepared: tuple[_Program, ctypes.Array[ctypes.c_char]]) -> None:
    """Switch the filter on for this process, for good. Raises OSError when the kernel refuses."""
    if libc.prctl(22, 2, ctypes.byref(prepared[0]), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp filter refused")
