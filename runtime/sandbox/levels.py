"""How strongly this machine can isolate a program, proved by trying, and the least a caller accepts.

Levels, each with all of the ones before it:

- ``process``: a separate process without privileges, with resource limits and a clock; not enough for strangers' code
- ``seccomp``: and a system call filter, under which no file, socket or process can be had
- ``landlock``: and a second, independent wall in front of files, TCP and signals
- ``namespaces``: and a network, IPC and host name of its own
"""

from __future__ import annotations

import os
import socket
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from attndsl.runtime.sandbox import border, frames
from attndsl.runtime.sandbox.errors import SandboxError, sandbox_error
from attndsl.runtime.sandbox.limits import Limits

LEVELS = ("process", "seccomp", "landlock", "namespaces")
DEFAULT_LEVEL = "seccomp"


@dataclass(frozen=True)
class Wall:
    """One wall: whether it holds here, what was tried, and what happened."""

    name: str
    holds: bool
    tried: str
    happened: str


@dataclass(frozen=True)
class Status:
    """The walls of this machine and the level they make; ``reason`` says why it is not higher."""

    level: str
    walls: tuple[Wall, ...]
    platform: str
    user: str
    reason: str = ""

    def as_data(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)


def level_of(facts: dict[str, Any]) -> str:
    """The level that a zygote's facts make."""
    if not facts.get("seccomp"):
        return "process"
    if not facts.get("landlock"):
        return "seccomp"
    return "namespaces" if facts.get("namespaces") else "landlock"


def require(level: str, facts: dict[str, Any]) -> None:
    """Raise SandboxError: E0421 for an unknown level, E0420 when the machine is below the level."""
    if level not in LEVELS:
        raise sandbox_error(
            "E0421", "unavailable", f"unknown isolation level {level!r}", help=f"one of {', '.join(LEVELS)}"
        )
    found = level_of(facts)
    if LEVELS.index(found) < LEVELS.index(level):
        raise sandbox_error(
            "E0420",
            "unavailable",
            f"this machine isolates at level {found!r}, and {level!r} was asked for",
            help="run `attndsl sandbox status` to see which wall is missing",
        )


def check_platform() -> None:
    """Raise SandboxError E0420 where there is no process isolation at all."""
    if sys.platform != "linux":
        raise sandbox_error(
            "E0420",
            "unavailable",
            f"programs cannot be isolated on {sys.platform}",
            help="compiling works everywhere; only running a program as Python needs Linux (or engine='monty')",
        )


def status() -> Status:
    """The walls of this machine, each proved by walking into it from a locked process. Takes about two seconds."""
    user = f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
    try:
        check_platform()
        return _status_linux(user)
    except SandboxError as error:
        return Status("none", (), sys.platform, user, error.diagnostics[0].headline)


def _status_linux(user: str) -> Status:
    from attndsl.runtime.sandbox.worker import Zygote

    zygote = Zygote()
    try:
        zygote.start()
        walls = _prove(zygote)
        facts = dict(zygote.facts)
    finally:
        zygote.close()
    holds = {wall.name: wall.holds for wall in walls}
    if not all(holds[name] for name in ("privileges", "descriptors", "memory", "clock")):
        level = "none"
    else:
        facts["seccomp"] = facts.get("seccomp") and all(holds[n] for n in ("files", "network", "processes", "signals"))
        facts["landlock"] = facts.get("landlock") and holds["files, second wall"]
        level = level_of(facts)
    missing = [wall.name for wall in walls if not wall.holds]
    reason = "" if not missing else "not held: " + ", ".join(missing)
    return Status(level, tuple(walls), f"{sys.platform} {os.uname().release} {os.uname().machine}", user, reason)


def _prove(zygote: Any) -> list[Wall]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(4)
        listener.setblocking(False)
        port = listener.getsockname()[1]
        walls = [
            _privileges(zygote),
            _descriptors(zygote),
            _tried(zygote, "files", "open", "open /etc/passwd"),
            _tried(zygote, "network", "connect", "connect to a listening loopback port", port=port),
            _tried(zygote, "processes", "fork", "fork"),
            _tried(zygote, "signals", "signal", "signal the parent", pid=os.getpid()),
            _tried(zygote, "memory", "allocate", "allocate twice the limit"),
            _clock(zygote),
            _tried(
                zygote, "files, second wall", "open", "open /etc/passwd without the system call filter", seccomp=False
            ),
            _tried(zygote, "processes, second wall", "fork", "fork without the system call filter", seccomp=False),
            _tried(
                zygote, "network, second wall", "connect", "connect without the system call filter", False, port=port
            ),
        ]
        try:
            listener.accept()[0].close()
            walls.append(Wall("network, seen from outside", False, "listen on loopback", "a connection ARRIVED"))
        except BlockingIOError:
            walls.append(Wall("network, seen from outside", True, "listen on loopback", "no connection arrived"))
    spaces = zygote.facts.get("namespaces") or []
    walls.append(Wall("namespaces", bool(spaces), "unshare", ", ".join(spaces) or "not permitted (a bonus)"))
    return walls


_PROBE_LIMITS = Limits(megabytes=64)


def _probe(zygote: Any, probe: str, seccomp: bool, seconds: float = 5.0, **request: Any) -> str:
    """What happened to a locked child that tried something."""
    from attndsl.runtime.sandbox.worker import ChildGone, DeadlinePassed

    child = zygote.fork(_PROBE_LIMITS, seccomp)
    try:
        data = border.message(frames.PROBE, {"name": probe, "memory": _PROBE_LIMITS.megabytes << 20, **request})
        return border.split_text(child.ask(data, seconds)[2])[1]
    except ChildGone:
        return f"killed by signal {-child.close()}"
    except DeadlinePassed:
        return "killed by the parent's clock"
    finally:
        child.close()


def _tried(zygote: Any, name: str, probe: str, tried: str, seccomp: bool = True, **request: Any) -> Wall:
    happened = _probe(zygote, probe, seccomp, **request)
    return Wall(name, happened.startswith(("refused", "killed by signal")), tried, happened)


def _privileges(zygote: Any) -> Wall:
    facts = zygote.facts
    holds = facts.get("uid") != 0 and facts.get("capabilities") == 0 and bool(facts.get("no_new_privs"))
    happened = (
        f"uid {facts.get('uid')}, capabilities {facts.get('capabilities')}, no_new_privs {facts.get('no_new_privs')}"
    )
    return Wall("privileges", holds, "read /proc/self/status", happened)


def _descriptors(zygote: Any) -> Wall:
    happened = _probe(zygote, "describe", seccomp=False)
    held = "descriptors 2," in happened
    return Wall("descriptors", held, "count open descriptors and environment variables", happened)


def _clock(zygote: Any) -> Wall:
    started = time.monotonic()
    happened = _probe(zygote, "loop", seccomp=True, seconds=0.5)
    late = time.monotonic() - started
    return Wall("clock", happened.startswith("killed") and late < 5, "loop for ever", f"{happened} after {late:.1f} s")
