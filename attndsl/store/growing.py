"""A file of records that only grows, such as ``calls.jsonl``, and its copy at the run's URL.

Nothing can be appended to at a URL, and to put the whole file with every record would cost the square of its length. So
its copy is in parts, ``calls/000001.jsonl`` and so on: a full part is never touched again, the last one is put anew
with every record. The parts in the order of their names are the file.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from attndsl.job.stages import write_bytes
from attndsl.store.folder import RunFolder
from attndsl.store.remote import Remote

PART_BYTES = 1 << 18


class GrowingFile:
    """To be opened before anybody writes to the file, and by who holds the lock of the run.

    Opening brings both sides together: first the records at the URL, then those that only this machine has (it was
    stopped between writing and putting them). Raises E0527, E0805.
    """

    def __init__(self, folder: RunFolder, name: str, part_bytes: int = PART_BYTES) -> None:
        self._remote, self._path = folder.remote, folder.path / name
        self._stem, self._part_bytes = PurePosixPath(name).stem, part_bytes
        self._full, self._start = 0, 0  # parts that are full, and where the first one after them begins
        if self._remote is not None:
            self._join(self._remote)

    def grown(self) -> None:
        """Put what was appended; to be called before anything is made of it. Not from two threads at once."""
        if self._remote is None:
            return
        with open(self._path, "rb") as file:
            file.seek(self._start)
            data = _whole_lines(file.read())
        while data:
            cut = len(data)
            if cut > self._part_bytes:
                cut = data.rfind(b"\n", 0, self._part_bytes) + 1 or data.find(b"\n") + 1
            self._remote.write(part_name(self._stem, self._full + 1), data[:cut])
            if cut == len(data):
                return
            self._full, self._start, data = self._full + 1, self._start + cut, data[cut:]

    def _join(self, remote: Remote) -> None:
        parts = _parts(remote, self._stem)
        there = b"".join(parts)
        here = _whole_lines(self._path.read_bytes()) if self._path.exists() else b""
        if parts:
            self._full, self._start = len(parts) - 1, len(there) - len(parts[-1])
        if here == there:
            return
        common = set(there.splitlines())
        joined = there + b"".join(line for line in here.splitlines(keepends=True) if line.rstrip(b"\n") not in common)
        if joined != here:
            write_bytes(self._path, joined)
        if joined != there:
            self.grown()


def content_at(folder: RunFolder, name: str) -> bytes:
    """The content of a growing file for who only reads, also while another process writes; empty without one."""
    if folder.remote is not None:
        return b"".join(_parts(folder.remote, PurePosixPath(name).stem))
    path = folder.path / name
    return _whole_lines(path.read_bytes()) if path.is_file() else b""


def part_name(stem: str, number: int) -> str:
    return f"{stem}/{number:06d}.jsonl"


def _parts(remote: Remote, stem: str) -> list[bytes]:
    found: list[bytes] = []
    while (data := remote.read(part_name(stem, len(found) + 1))) is not None:
        found.append(data)
    return found


def _whole_lines(data: bytes) -> bytes:
    return data[: data.rfind(b"\n") + 1]
