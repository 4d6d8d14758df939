"""What ``attndsl sandbox status`` tries inside a locked child, to prove a wall by walking into it.

Each probe is fixed code of ours, no program; it returns what happened as text, or the process dies trying, which the
parent reports.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any


def _errno(error: OSError) -> str:
    return f"refused: {os.strerror(error.errno or 0)}"


def open_file(request: dict[str, Any]) -> str:
    """Open a file that every user may read."""
    try:
        descriptor = os.open(request.get("path", "/etc/passwd"), os.O_RDONLY)
    except OSError as error:
        return _errno(error)
    return f"OPENED as descriptor {descriptor}"


def connect(request: dict[str, Any]) -> str:
    """Connect to a port of the loopback interface on which the parent listens."""
    try:
        with socket.socket() as client:
            client.settimeout(2)
            client.connect(("127.0.0.1", request["port"]))
    except OSError as error:
        return _errno(error)
    return "CONNECTED"


def fork(request: dict[str, Any]) -> str:
    """Start another process."""
    try:
        child = os.fork()
    except OSError as error:
        return _errno(error)
    if child == 0:
        os._exit(0)
    return f"FORKED process {child}"


def allocate(request: dict[str, Any]) -> str:
    """Take twice the memory limit."""
    try:
        block = bytearray(2 * request["memory"])
    except MemoryError:
        return "refused: MemoryError"
    return f"ALLOCATED {len(block)} bytes"


def loop(request: dict[str, Any]) -> str:
    """Run until killed."""
    while True:
        pass


def signal_parent(request: dict[str, Any]) -> str:
    """Send signal 0 to the process that asked."""
    try:
        os.kill(request["pid"], 0)
    except OSError as error:
        return _errno(error)
    return "SIGNALLED"


def describe(request: dict[str, Any]) -> str:
    """What the child still holds: environment variables, user id, open descriptors."""
    held = 0
    for descriptor in range(256):
        try:
            os.fstat(descriptor)
            held += 1
        except OSError:
            continue
    return f"environment {len(os.environ)}, descriptors {held}, uid {os.getuid()}"


PROBES: dict[str, Callable[[dict[str, Any]], str]] = {
    "open": open_file,
    "connect": connect,
    "fork": fork,
    "allocate": allocate,
    "loop": loop,
    "signal": signal_parent,
    "describe": describe,
}
