"""An append-only file of JSON records that survives a kill: each is on disk before the caller goes on.

A record that was being written when the process died is cut off at the next opening; a record that is damaged in the
middle of the file is an error, since what follows it was written on purpose.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attndsl.dsl.diagnostics import DiagnosticError, fail

Record = dict[str, Any]


def canonical(data: Any) -> str:
    """JSON in one form only: keys sorted, no space, so that equal data are equal text."""
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def read_records(path: Path) -> list[Record]:
    """The records of a file in order; a torn last line is left out. Raises E0907 (a damaged line), E0801 (no file)."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise fail("E0801", f"there is no file {path}", help="give the file that an earlier run wrote") from None
    except OSError as error:
        raise fail("E0801", f"{path} cannot be read: {error.strerror or error}", help="check its mode") from None
    return records_of(data, path)


def records_of(data: bytes, path: Path) -> list[Record]:
    """The records in the content of a file; a torn last line is left out. Raises E0907 (a damaged line)."""
    return list(_records(data[: data.rfind(b"\n") + 1], path))


def _records(data: bytes, path: Path) -> Iterator[Record]:
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            record = json.loads(line.decode("utf-8"))
            if not isinstance(record, dict):
                raise ValueError("not an object")
        except ValueError as error:
            raise fail(
                "E0907", f"line {number} of {path} is damaged: {error}",
                help="restore the file from a copy, or begin anew in another folder with --out",
            ) from None  # fmt: skip
        yield record


class Journal:
    """Reads what is there and appends. One process at a time: a second one gets E0910 where the system can lock files.
    ``grown`` is called when a record is on disk, before the caller goes on: it may copy the file elsewhere.

    Raises E0907 (damaged), E0805 (cannot write).
    """

    def __init__(self, path: Path, grown: Callable[[], None] = lambda: None) -> None:
        self.path, self._grown = path, grown
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(path, "a+b")  # noqa: SIM115 - kept open, so that it stays locked
        except OSError as error:
            raise _cannot_write(path, error) from error
        try:
            _lock_file(self._file, path)
            self._cut_torn_record()
            self.records = read_records(path)
        except BaseException:
            self._file.close()
            raise

    def append(self, record: Record) -> None:
        """Write one record; on disk when this returns. Raises E0805."""
        line = (canonical(record) + "\n").encode("utf-8", "backslashreplace")
        with self._lock:
            try:
                self._file.write(line)
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError as error:
                raise _cannot_write(self.path, error) from error
            self.records.append(json.loads(line))
            self._grown()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _cut_torn_record(self) -> None:
        self._file.seek(0)
        data = self._file.read()
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            self._file.truncate(whole)


def _lock_file(file: Any, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise fail(
            "E0910", f"another process is writing {path}", help="wait for it, or choose another folder with --out"
        ) from None
    except OSError:  # a file system without locks
        return


def _cannot_write(path: Path, error: OSError) -> DiagnosticError:
    return fail(
        "E0805", f"cannot write {path}: {(error.strerror or str(error)).lower()}",
        help="free space or choose another place; finished work is kept, the same command goes on from there",
    )  # fmt: skip
