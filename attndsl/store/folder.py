"""The files of one run: written whole or not at all, checked when they are read, copied to the run's URL."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.job.stages import cannot_write, write_bytes
from attndsl.store.remote import Remote, url_of, working_folder

_LEFT = (".*.part", ".attndsl-*")  # what a kill leaves of a file that was being written


@dataclass(frozen=True, slots=True)
class Written:
    """A finished file of a run: its name in the folder, its size, and its checksum (none for shards of patterns,
    which carry a checksum of every text inside). ``holds``: keys of the texts in a shard, which machines that have not
    got it can know from nowhere else."""

    name: str
    bytes: int
    sha256: str | None = None
    holds: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For the ledger."""
        content = asdict(self)
        return {name: value for name, value in content.items() if name != "holds" or value}

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Written:
        return cls(content["name"], int(content["bytes"]), content.get("sha256"), tuple(content.get("holds", ())))


class RunFolder:
    """``path`` is the folder on this machine; ``remote`` the run's URL, None where the folder is all there is."""

    def __init__(self, out: Path | str) -> None:
        url = url_of(out)
        self.remote = Remote(url) if url is not None else None
        self.path = working_folder(url) if url is not None else Path(out)
        self.shown = url if url is not None else str(out)
        make_folder(self.path, self.shown)

    def put(self, name: str, data: bytes) -> Written:
        """Write a file and return its size and checksum. Raises E0805, E0527."""
        write_bytes(self.path / name, data)
        self.sent(name)
        return Written(name, len(data), hashlib.sha256(data).hexdigest())

    def put_text(self, name: str, text: str) -> Written:
        """``put`` of a text in UTF-8; half surrogates, which no file can hold, are replaced."""
        return self.put(name, text.encode("utf-8", "replace"))

    def written(self, path: Path) -> Written:
        """A file of the run that something else wrote: copied to the URL, with its size and checksum."""
        name, data = path.relative_to(self.path).as_posix(), path.read_bytes()
        self.sent(name)
        return Written(name, len(data), hashlib.sha256(data).hexdigest())

    def sent(self, name: str) -> None:
        """Copy a file that is on disk already to the run's URL."""
        if self.remote is not None:
            self.remote.put(name, self.path / name)

    def sent_if_missing(self, name: str) -> None:
        """The same where the file is here and not there: it is new, or was removed there."""
        if self.remote is not None and (self.path / name).exists() and self.remote.size(name) is None:
            self.sent(name)

    def read(self, written: Written) -> bytes:
        """The content of a finished file. Raises E0525 when it is missing or is not what was written."""
        path = self.path / written.name
        data = _content(path)
        if _differs(data, written) and self.remote is not None:
            self.remote.get(written.name, path)
            data = _content(path)
        if data is None:
            raise damaged_file(path, "it is missing")
        if _differs(data, written):
            raise damaged_file(path, "its checksum is wrong")
        return data

    def has(self, written: Written) -> bool:
        """Whether a finished file is there in its full size, here or at the URL; its content is checked by readers."""
        if self.is_here(written):
            return True
        if self.remote is None:
            return False
        return self.remote.size(written.name) == written.bytes

    def fetch(self, under: str) -> None:
        """Get what is at the URL and not here in the same size: a file, or all files of a folder."""
        if self.remote is None:
            return
        for name, size in self.remote.names(under).items():
            if _size(self.path / name) != size:
                self.remote.get(name, self.path / name)

    def fetch_longer(self, under: str) -> list[str]:
        """Get files that only grow (of records, each written on one machine) where the URL has more of them than this
        machine. The names of those of which this machine has more: it was stopped before they were sent."""
        if self.remote is None:
            return []
        there = self.remote.names(under)
        for name, size in there.items():
            if (_size(self.path / name) or 0) < size:
                self.remote.get(name, self.path / name)
        here = [path for path in (self.path / under).glob("*") if not path.name.startswith(".")]
        names = [path.relative_to(self.path).as_posix() for path in sorted(here)]
        return [name for name in names if (_size(self.path / name) or 0) > there.get(name, 0)]

    def is_here(self, written: Written) -> bool:
        """Whether a finished file is on this machine in its full size."""
        return _size(self.path / written.name) == written.bytes

    def remove(self, name: str) -> None:
        """Remove a file here and at the URL. Raises E0805."""
        try:
            (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(self.path / name, error) from error
        if self.remote is not None:
            self.remote.remove(name)

    def sweep(self) -> None:
        """Remove what killed processes left of files that were being written; to be called by who holds the lock."""
        for pattern in _LEFT:
            for path in self.path.rglob(pattern):
                path.unlink(missing_ok=True)

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A temporary path to write a large file to, put in place when the block ends. Raises E0805, E0527."""
        path = self.path / name
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield part
            os.replace(part, path)
        except OSError as error:
            raise cannot_write(path, error) from error
        finally:
            part.unlink(missing_ok=True)
        self.sent(name)


def make_folder(path: Path, shown: str) -> None:
    """Make the folder of a run, now: after an hour of work it would be too late. Raises DiagnosticError E0805."""
    if path.exists() and not path.is_dir():
        raise fail("E0805", f"cannot write {shown}: it is a file", help="name a folder with --out")
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise fail("E0805", f"cannot write into {shown}: {reason}", help="name another folder with --out") from error


def damaged_file(path: Path, why: str) -> DiagnosticError:
    """The diagnostic E0525 for a finished file that is not what was written."""
    return fail("E0525", f"{path} is damaged: {why}", help="run the same command again: it is made anew")


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return None


def _differs(data: bytes | None, written: Written) -> bool:
    if data is None or len(data) != written.bytes:
        return True
    return written.sha256 is not None and hashlib.sha256(data).hexdigest() != written.sha256
