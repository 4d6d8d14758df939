"""Giving up privileges: what the zygote drops before it serves, and what each child drops before it runs a program."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
from typing import Any

from attndsl.runtime.sandbox import landlock, seccomp

INPUT_FD, OUTPUT_FD = 3, 4
_NOBODY = 65534
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
_NEW_USER, _NEW_NET, _NEW_IPC, _NEW_UTS = 0x10000000, 0x40000000, 0x08000000, 0x04000000
_CAPSET_VERSION = 0x20080522


def load_libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def own_namespaces(libc: ctypes.CDLL) -> list[str]:
    """Enter fresh network, IPC and host-name namespaces if the machine lets us; gives what was entered.

    A bonus: no level depends on it. Must run before any thread starts.
    """
    apart = _NEW_NET | _NEW_IPC | _NEW_UTS
    if os.geteuid() == 0 and libc.unshare(apart) == 0:
        return ["network", "ipc", "uts"]
    if libc.unshare(_NEW_USER | apart) == 0:
        return ["user", "network", "ipc", "uts"]
    return []


def drop_privileges(libc: ctypes.CDLL) -> None:
    """Become nobody where we are root, lose every capability, and never gain anything again.

    Raises OSError when one of the steps fails.
    """
    if os.geteuid() == 0 and os.getuid() == 0:
        for capability in range(64):
            libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    header = (ctypes.c_uint32 * 2)(_CAPSET_VERSION, 0)
    if libc.capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError(ctypes.get_errno(), "capset refused")
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs refused")
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def lock_zygote(libc: ctypes.CDLL) -> dict[str, Any]:
    """Everything the zygote gives up; its children inherit it. Gives facts for ``levels.py``."""
    drop_privileges(libc)
    with open("/proc/self/status", encoding="ascii") as file:
        facts = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    rights = {"capabilities": int(facts["CapEff"], 16), "no_new_privs": facts.get("NoNewPrivs") == "1"}
    return {**rights, "landlock": landlock.deny_all(libc), "uid": os.getuid(), "seccomp": seccomp.machine() is not None}


def take_descriptors(input_fd: int, output_fd: int) -> None:
    """Move the two pipes to their fixed places and close every other descriptor, 0 to 2 included."""
    high_in = fcntl.fcntl(input_fd, fcntl.F_DUPFD, 64)
    high_out = fcntl.fcntl(output_fd, fcntl.F_DUPFD, 64)
    os.closerange(0, 64)
    os.dup2(high_in, INPUT_FD)
    os.dup2(high_out, OUTPUT_FD)
    os.closerange(5, max(high_in, high_out) + 64)


def limit_resources(memory_bytes: int, stack_bytes: int, cpu_seconds: int, virtual_bytes: int) -> None:
    """Set the hard limits of a child; ``virtual_bytes`` is what the zygote already maps."""
    limits = {
        resource.RLIMIT_AS: virtual_bytes + memory_bytes,
        resource.RLIMIT_STACK: stack_bytes,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_NOFILE: 5,
    }
    for name in ("RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_SIGPENDING"):
        if hasattr(resource, name):
            limits[getattr(resource, name)] = 0
    for which, value in limits.items():
        _, hard = resource.getrlimit(which)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def lock_child(libc: ctypes.CDLL, request: dict[str, Any], virtual_bytes: int, prepared: Any) -> None:
    """Everything a child gives up, the seccomp filter last. Raises OSError when a step fails."""
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != request["parent"]:
        raise OSError(3, "the zygote died first")
    limit_resources(request["memory"], request["stack"], request["cpu"], virtual_bytes)
    if request.get("seccomp", True):
        if prepared is None:
            raise OSError(38, "no seccomp filter for this machine")
        seccomp.install(libc, prepared)
