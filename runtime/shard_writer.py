"""A shard written pattern by pattern, as the model gives them: no text's patterns are ever held as a whole.

The file is laid out beforehand, since sizes are known; every pattern goes to its place, and the checksums are taken
from the file at the end.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHUNK = 1 << 22
_CHECKSUM = 4294967295  # as long as any checksum, so that the header keeps its length


@dataclass(frozen=True)
class PlannedText:
    """A text of a shard before its patterns are known: token ids int64 [n], and facts about it as JSON data."""

    ids: NDArray[np.int64]
    facts: dict[str, Any]


class ShardWriter:
    """Writes the file that ``shards.write_shard`` would write of the same texts. Raises OSError.

    with ShardWriter(path, heads=12, texts={key: PlannedText(ids, facts)}) as writer:
        writer.put(key, 3, pattern)       # float32 [n, n] of the head at place 3
    """

    def __init__(self, path: Path, heads: int, texts: Mapping[str, PlannedText]) -> None:
        self._texts, self._heads = dict(texts), heads
        self._spans: dict[str, tuple[int, int, int]] = {}
        """Key to where its ids begin, where its patterns begin, and where they end, behind the header."""
        at = 0
        for key, text in self._texts.items():
            n = len(text.ids)
            patterns = at + 8 * n
            self._spans[key] = at, patterns, patterns + 4 * heads * n * n
            at = self._spans[key][2]
        self._put: dict[str, set[int]] = {key: set() for key in self._texts}
        header = self._header(dict.fromkeys(self._texts, _CHECKSUM))
        self._start = len(header)
        self.bytes = self._start + at
        self._file = open(path, "w+b", buffering=0)  # noqa: SIM115 - closed by __exit__
        self._length = len(header)

    def __enter__(self) -> ShardWriter:
        try:
            os.ftruncate(self._file.fileno(), self.bytes)
            for key, text in self._texts.items():
                self._write(self._start + self._spans[key][0], np.ascontiguousarray(text.ids, "<i8"))
        except BaseException:
            self._file.close()
            raise
        return self

    def put(self, key: str, place: int, pattern: NDArray[np.float32]) -> None:
        """The pattern float32 [n, n] of one head on one text."""
        n = len(self._texts[key].ids)
        if pattern.shape != (n, n):
            raise ValueError(f"a pattern of {n} tokens has shape {pattern.shape}")
        self._write(self._start + self._spans[key][1] + 4 * place * n * n, np.ascontiguousarray(pattern, "<f4"))
        self._put[key].add(place)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
        finally:
            self._file.close()

    def _finish(self) -> None:
        for key, places in self._put.items():
            if len(places) != self._heads:
                raise ValueError(f"text {key[:12]} has {len(places)} of {self._heads} patterns")
        header = self._header({key: self._checksum(key) for key in self._texts})
        assert len(header) == self._length
        os.pwrite(self._file.fileno(), header, 0)
        os.fsync(self._file.fileno())

    def _checksum(self, key: str) -> int:
        begin, _, end = self._spans[key]
        at, checksum = self._start + begin, 0
        while at < self._start + end:
            data = os.pread(self._file.fileno(), min(_CHUNK, self._start + end - at), at)
            if not data:
                raise OSError("the file ended before its end")
            checksum, at = zlib.crc32(data, checksum), at + len(data)
        return checksum

    def _header(self, checksums: Mapping[str, int]) -> bytes:
        """The header of a safetensors file; spaces after a checksum keep every header of these texts equally long."""
        entries: dict[str, Any] = {"__metadata__": {}}
        for key, text in self._texts.items():
            begin, middle, end = self._spans[key]
            n = len(text.ids)
            entries[f"{key}.ids"] = {"dtype": "I64", "shape": [n], "data_offsets": [begin, middle]}
            entries[f"{key}.pattern"] = {
                "dtype": "F32", "shape": [self._heads, n, n], "data_offsets": [middle, end],
            }  # fmt: skip
            facts = json.dumps({**text.facts, "crc32": checksums[key]})
            entries["__metadata__"][key] = facts + " " * (len(str(_CHECKSUM)) - len(str(checksums[key])))
        encoded = json.dumps(entries, separators=(",", ":")).encode()
        encoded += b" " * (-len(encoded) % 8)
        return struct.pack("<Q", len(encoded)) + encoded

    def _write(self, at: int, array: NDArray[Any]) -> None:
        data = array.reshape(-1).view(np.uint8).data
        while data:
            written = os.pwrite(self._file.fileno(), data, at)
            data, at = data[written:], at + written
