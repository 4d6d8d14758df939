"""Who a process is, so that another one can tell whether it still runs; no clock is asked."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

Owner = dict[str, Any]


def this_process() -> Owner:
    """Host, process id, when the process started (in ticks since the machine started), and which start of the
    machine that was: process ids are used again, these together are not."""
    pid = os.getpid()
    return {"host": socket.gethostname(), "pid": pid, "boot": _boot(), "ticks": _ticks(pid)}


def is_alive(owner: Owner) -> bool | None:
    """Whether the process still runs; None where that cannot be known, as on another machine."""
    if owner.get("host") != socket.gethostname():
        return None
    if owner.get("boot") != _boot():
        return False
    pid = int(owner["pid"])
    ticks = _ticks(pid)
    if ticks is not None:
        return bool(ticks == owner.get("ticks"))
    if Path("/proc/self/stat").exists():
        return False
    return _answers(pid)


def named(owner: Owner) -> str:
    """``process 4711 on HOST``."""
    return f"process {owner.get('pid', '?')} on {owner.get('host', 'an unknown machine')}"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _ticks(pid: int) -> int | None:
    """Field 22 of /proc/PID/stat, behind the name in brackets, which may hold anything; a zombie runs no more."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _answers(pid: int) -> bool | None:
    if sys.platform == "win32":  # there os.kill would end it
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
