"""One process at a time works on a run: a second one is told who does, and takes over from one that is dead.

In a folder the operating system holds the lock (flock), so that it ends with the process, however that ends. File
systems without locks, and URLs, have a file that names the owner. At a URL the owner counts in it: a count that stands
still for a while, by this machine's monotonic clock, is the count of a dead process. No decision reads the time of day.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.job.stages import cannot_write
from attndsl.store.processes import Owner, is_alive, named, this_process
from attndsl.store.remote import Remote

FILE = "lock.json"
BEAT = 10.0
"""Seconds between two counts of the owner of a run at a URL."""
DEAD_AFTER = 4
"""Beats that a count may stand still."""

_HELD: dict[Path, FolderLock] = {}


class FolderLock:
    """The lock of a folder, held until ``release`` or the end of the process. ``left``: the owner that ended without
    releasing it. The same process may take it several times. Raises E0910 (in use), E0805 (cannot write)."""

    def __init__(self, folder: Path) -> None:
        self.left: Owner | None = None
        self._path = folder / FILE
        self._key = folder.resolve()
        self._inside = _HELD.get(self._key)
        if self._inside is not None:
            return
        try:
            self._file = open(self._path, "a+b")  # noqa: SIM115 - kept open: the lock lives as long
        except OSError as error:
            raise cannot_write(self._path, error) from error
        try:
            self._take()
        except BaseException:
            self._file.close()
            raise
        _HELD[self._key] = self

    def release(self) -> None:
        """Let others in; again is no harm."""
        if self._inside is None and _HELD.pop(self._key, None) is not None:
            with contextlib.suppress(OSError):
                self._file.truncate(0)
            self._file.close()

    def _take(self) -> None:
        before = self._owner()
        locked = _flock(self._file)
        if locked is False or (locked is None and before is not None and is_alive(before) is not False):
            raise in_use(self._path.parent, before)
        if before is not None and before.get("pid"):
            self.left = before
        owner = {**this_process(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
        try:
            self._file.truncate(0)
            self._file.write(json.dumps(owner).encode())
            self._file.flush()
        except OSError as error:
            raise cannot_write(self._path, error) from error

    def _owner(self) -> Owner | None:
        self._file.seek(0)
        return _parsed(self._file.read())


def release_all() -> None:
    """End every lock that this process holds: a command is over."""
    for lock in list(_HELD.values()):
        lock.release()


def owner_of(folder: Path) -> Owner | None:
    """Who works on the run in a folder now; None when nobody does."""
    path = folder / FILE
    try:
        with path.open("rb") as file:
            owner = _parsed(file.read())
            if owner is None or path.parent.resolve() in _HELD:
                return owner
            locked = _flock(file, shared=True)
    except FileNotFoundError:
        return None
    if locked is None:
        return owner if is_alive(owner) is not False else None
    return None if locked else owner


def in_use(where: Path | str, owner: Owner | None) -> DiagnosticError:
    """The diagnostic E0910 for a run that another process works on."""
    who = named(owner) if owner else "another process"
    since = f" since {owner['since']}" if owner and "since" in owner else ""
    gone = owner is not None and is_alive(owner) is None
    advice = f"; if that process is gone, remove {where}/{FILE}" if gone else ""
    return fail(
        "E0910", f"{who} works on the run in {where}{since}",
        help=f"wait for it, or choose another folder with --out{advice}",
    )  # fmt: skip


def _parsed(data: bytes) -> Owner | None:
    try:
        found = json.loads(data)
    except ValueError:
        return None
    return found if isinstance(found, dict) and found else None


def _flock(file: Any, shared: bool = False) -> bool | None:
    """Whether the lock could be had; None where the system or the file system has no locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        fcntl.flock(file.fileno(), (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


class RemoteLock:
    """The lock of a run at a URL. ``lost``: another process has taken over, and nothing more may be written.

    Raises E0910 while the owner counts, E0527. ``beat`` and ``sleep`` are for tests.
    """

    def __init__(
        self, remote: Remote, *, beat: float = BEAT, sleep: Callable[[float], None] = time.sleep,
        notify: Callable[[str], None] = lambda text: None,
    ) -> None:  # fmt: skip
        self.remote, self.left = remote, self._free(remote, beat, sleep, notify)
        self.lost = threading.Event()
        self._token, self._count, self._beat = secrets.token_hex(8), 0, beat
        self._ended = threading.Event()
        self._since = datetime.now(UTC).isoformat(timespec="seconds")
        self._claim(sleep)
        self._thread = threading.Thread(target=self._count_on, name="attndsl-lock", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise E0910 when another process has taken the run over."""
        if self.lost.is_set():
            raise in_use(self.remote.url, self._read())

    def release(self) -> None:
        if self._ended.is_set():
            return
        self._ended.set()
        self._thread.join()
        if not self.lost.is_set() and self._read().get("token") == self._token:
            self.remote.remove(FILE)

    def _claim(self, sleep: Callable[[float], None]) -> None:
        """Of two that find the run free, the store lets one create the file. Of two that take over from a dead process,
        one may remove what the other has created: the last one stays, and the other finds out now or at its next beat.
        """
        if self.left is not None:
            self.remote.remove(FILE)
        # A try that is repeated because its answer was lost finds its own file: the token tells.
        self.remote.create(FILE, self._content())
        sleep(min(1.0, self._beat / 4))
        if self._read().get("token") != self._token:
            raise in_use(self.remote.url, self._read())

    @staticmethod
    def _free(
        remote: Remote, beat: float, sleep: Callable[[float], None], notify: Callable[[str], None]
    ) -> Owner | None:
        """Wait until an owner is known to be dead; that owner, None without one. Content that cannot be read may be
        one that is being written: it is watched like any other."""
        content = remote.read(FILE)
        if content is None:
            return None
        before = _parsed(content) or {}
        if before and is_alive(before) is False:
            return before
        notify(f"{named(before)} has worked on the run in {remote.url}; waiting {DEAD_AFTER * beat:.0f} s for a sign")
        for _ in range(DEAD_AFTER):
            sleep(beat)
            now = remote.read(FILE)
            if now is None:
                return None
            if now != content:
                raise in_use(remote.url, _parsed(now))
        return before

    def _read(self) -> Owner:
        return _parsed(self.remote.read(FILE) or b"") or {}

    def _write(self) -> None:
        self.remote.write(FILE, self._content())

    def _content(self) -> bytes:
        owner = {**this_process(), "since": self._since, "token": self._token, "count": self._count}
        return json.dumps(owner).encode()

    def _count_on(self) -> None:
        while not self._ended.wait(self._beat):
            try:
                if self._read().get("token") != self._token:
                    self.lost.set()
                    return
                self._count += 1
                self._write()
            except DiagnosticError:  # the URL cannot be reached: the next unit of work says so, or it is back
                continue
