"""What a piece of work took: time by clocks that only go forward, processor time, and the peak of memory."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

from attndsl.store.ledger import Usage

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


class Meter:
    """Measures from its making on."""

    def __init__(self) -> None:
        _forget_peak()
        self._seconds, self._cpu = time.monotonic(), time.process_time()

    def usage(self) -> Usage:
        return Usage(
            time.monotonic() - self._seconds, time.process_time() - self._cpu, peak_bytes(),
            worker=f"{socket.gethostname()}:{os.getpid()}",
        )  # fmt: skip


def peak_bytes() -> int:
    """The greatest resident memory of this process, on Linux since the last ``Meter`` was made; 0 where unknown."""
    try:
        for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        import resource
    except ImportError:  # not on Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _forget_peak() -> None:
    """Start the kernel's record of the peak anew; where that is not permitted, the peak is that of the process."""
    try:
        _RESET.write_text("5", encoding="ascii")
    except OSError:
        return
