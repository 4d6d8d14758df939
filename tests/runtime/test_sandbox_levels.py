"""Isolation levels: every wall is proved by trying, and below the asked level nothing runs."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pytest

from attndsl.runtime.sandbox import LEVELS, SandboxError, levels, seccomp, status
from attndsl.runtime.sandbox.limits import Limits
from attndsl.runtime.sandbox.worker import Zygote

linux = pytest.mark.skipif(sys.platform != "linux", reason="programs are isolated on Linux only")
FULL: dict[str, Any] = {"seccomp": True, "landlock": 7, "namespaces": ["network"]}


@linux
def test_every_wall_of_this_machine_is_proved() -> None:
    found = status()
    assert found.level in LEVELS
    assert json.loads(json.dumps(found.as_data()))["level"] == found.level
    held = {wall.name: wall.holds for wall in found.walls}
    needed = ("privileges", "descriptors", "files", "network", "processes", "signals", "memory", "clock")
    assert [name for name in needed if not held[name]] == []
    assert held["network, seen from outside"]


@linux
def test_a_probe_that_gets_through_lowers_the_level(monkeypatch: pytest.MonkeyPatch) -> None:
    real = levels._probe

    def leaky(zygote: Any, probe: str, seccomp: bool, *args: Any, **request: Any) -> str:
        return (
            "OPENED as descriptor 5" if probe == "open" and seccomp else real(zygote, probe, seccomp, *args, **request)
        )

    monkeypatch.setattr(levels, "_probe", leaky)
    found = status()
    assert found.level == "process"
    assert "files" in found.reason


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        (FULL, "namespaces"),
        ({**FULL, "namespaces": []}, "landlock"),
        ({**FULL, "landlock": 0}, "seccomp"),
        ({**FULL, "seccomp": False}, "process"),
    ],
)
def test_below_the_asked_level_it_refuses(facts: dict[str, Any], level: str) -> None:
    assert levels.level_of(facts) == level
    for asked in LEVELS:
        if LEVELS.index(asked) <= LEVELS.index(level):
            levels.require(asked, facts)
        else:
            with pytest.raises(SandboxError) as caught:
                levels.require(asked, facts)
            assert caught.value.code == "E0420"
            assert level in str(caught.value)


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_refuse_with_the_reason(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(SandboxError) as caught:
        levels.check_platform()
    assert caught.value.code == "E0420"
    found = status()
    assert (found.level, found.walls) == ("none", ())
    assert platform in found.reason


@linux
def test_the_zygote_has_neither_our_environment_nor_our_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTNDSL_TEST_SECRET", "CANARY")
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    zygote = Zygote()
    try:
        zygote.start()
        # Seen from outside: a process that dropped privileges is readable by root and by nobody else.
        if os.getuid() == 0:
            with open(f"/proc/{zygote.pid}/environ", "rb") as file:
                assert b"CANARY" not in file.read()
            assert len(os.listdir(f"/proc/{zygote.pid}/fd")) == 4  # the null device three times, and the control socket
        os.close(writer)
        os.set_blocking(reader, False)
        assert os.read(reader, 1) == b""  # end of file: nobody else holds the other end
    finally:
        zygote.close()
        os.close(reader)


@linux
def test_a_dead_zygote_is_replaced() -> None:
    zygote = Zygote()
    try:
        zygote.fork().close()
        os.kill(zygote.pid, 9)
        child = zygote.fork(Limits())
        assert child.close() == -9
        assert zygote.starts == 2
    finally:
        zygote.close()


@linux
def test_children_die_with_their_zygote() -> None:
    zygote = Zygote()
    zygote.start()
    child = zygote.fork()
    assert os.path.exists(f"/proc/{child.pid}")
    zygote.close()
    import select

    poller = select.poll()
    poller.register(child._handle, select.POLLIN)
    assert poller.poll(5000)  # a pidfd becomes readable when its process ends


@pytest.mark.parametrize("name", sorted(seccomp.MACHINES))
def test_the_filter_allows_what_it_says_on_every_architecture(name: str) -> None:
    table = seccomp.MACHINES[name]
    program = seccomp.filter_program(table, 3, 4)
    numbers = table.numbers
    run = lambda number, *args, audit=table.audit: simulate(program, number, audit, args)  # noqa: E731
    assert run(numbers["read"], 3) == seccomp.ALLOW
    assert run(numbers["read"], 0) == seccomp.EPERM
    assert run(numbers["write"], 4) == seccomp.ALLOW
    assert run(numbers["write"], 3) == seccomp.EPERM
    assert run(numbers["mmap"], 0, 4096, 3, 0x22) == seccomp.ALLOW
    assert run(numbers["mmap"], 0, 4096, 7, 0x22) == seccomp.KILL
    assert run(numbers["mmap"], 0, 4096, 3, 0x02) == seccomp.KILL
    assert run(numbers["mprotect"], 0, 4096, 1) == seccomp.ALLOW
    assert run(numbers["mprotect"], 0, 4096, 5) == seccomp.KILL
    assert run(numbers["exit_group"]) == seccomp.ALLOW
    assert run(numbers["openat"]) == seccomp.EPERM
    assert run(numbers["read"], 3, audit=0x40000003) == seccomp.KILL  # a 32-bit call
    assert run(0x40000000 | numbers["read"], 3) == seccomp.KILL  # an x32 call
    allowed = {number for number in range(600) if run(number, 3, 0, 0, 0) not in (seccomp.KILL, seccomp.EPERM)}
    assert len(allowed) <= 16


def simulate(program: list[seccomp.Instruction], number: int, audit: int, args: tuple[int, ...]) -> int:
    """What the kernel would answer: an interpreter of the five instructions that the filter uses."""
    memory = {0: number, 4: audit, **{16 + 8 * i: value & 0xFFFFFFFF for i, value in enumerate(args)}}
    loaded, at = 0, 0
    while True:
        code, yes, no, value = program[at]
        if code == 0x20:
            loaded, at = memory.get(value, 0), at + 1
        elif code == 0x06:
            return value
        else:
            holds = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}[code]
            at += 1 + (yes if holds else no)
