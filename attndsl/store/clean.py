"""Old patterns can go: what was made of them is kept, and they are made again when something needs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attndsl.store.ledger import Ledger
from attndsl.store.lock import FolderLock, RemoteLock
from attndsl.store.status import existing, kind_of

DROPPED = {"extract": "patterns", "score": "sums", "rescore": "sums", "measure": "sums"}
"""What can be dropped, by the kind of its unit."""


def clean(out: Path | str, what: str, notify: Callable[[str], None]) -> dict[str, int]:
    """Remove ``patterns``, ``sums`` (of blocks of texts) or ``all`` of both; files and bytes that were freed.

    Raises DiagnosticError E0812 (no run there), E0910 (a process works on it), E0805.
    """
    folder = existing(out)
    lock = FolderLock(folder.path)
    remote = RemoteLock(folder.remote, notify=notify) if folder.remote is not None else None
    freed = {"files": 0, "bytes": 0}
    try:
        folder.sweep()
        ledger = Ledger(folder)
        for unit, outputs in list(ledger.state.done.items()):
            kind = DROPPED.get(kind_of(unit))
            if kind is None or what not in (kind, "all"):
                continue
            ledger.dropped(unit)  # first: a file without its record is only left over, a record without its file is not
            for written in outputs:
                folder.remove(written.name)
                freed["files"] += 1
                freed["bytes"] += written.bytes
        ledger.close()
    finally:
        if remote is not None:
            remote.release()
        lock.release()
    return freed
