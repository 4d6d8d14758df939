"""One file of the pattern store: a safetensors file with the patterns of a few texts.

Written in one go and put in place atomically; read lazily, by memory map. Each text is two tensors, ``KEY.ids``
(int64 [n]) and ``KEY.pattern`` (float32 [heads, n, n]), and one line of metadata with the checksum of both.
"""

from __future__ import annotations

import errno
import json
import os
import struct
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import DiagnosticError, fail

_DTYPES: dict[str, type[np.generic]] = {"F32": np.float32, "I64": np.int64}
_MAX_HEADER = 100_000_000  # the limit of the safetensors format itself


@dataclass(frozen=True)
class StoredText:
    """One text in a shard: token ids int64 [n], patterns float32 [heads, n, n], and facts about it as JSON data."""

    ids: NDArray[np.int64]
    patterns: NDArray[np.float32]
    facts: dict[str, Any]


def write_atomically(path: Path, chunks: list[bytes | memoryview]) -> None:
    """Write a file so that it is there whole or not at all, also after a crash. Raises E0522 (full disk, no right)."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):  # where it could not be made it cannot be removed: the first error tells
            part.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> DiagnosticError:
    """The diagnostic E0522 for a file that could not be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return fail(
        "E0522",
        f"cannot write {path}: {'the disk is full' if full else error.strerror or error}",
        help="free some space or choose another folder, then run again: what is finished is kept"
        if full
        else "choose a folder that can be written",
    )


def write_shard(path: Path, texts: Mapping[str, StoredText]) -> None:
    """Write the texts, by key, as one safetensors file. Raises E0522."""
    header: dict[str, Any] = {"__metadata__": {}}
    chunks: list[bytes | memoryview] = []
    at = 0
    for key, text in texts.items():
        checksum = 0
        for name, dtype, array in (
            ("ids", "I64", np.ascontiguousarray(text.ids, "<i8")),
            ("pattern", "F32", np.ascontiguousarray(text.patterns, "<f4")),
        ):
            data = _bytes(array)
            header[f"{key}.{name}"] = {
                "dtype": dtype,
                "shape": list(array.shape),
                "data_offsets": [at, at + array.nbytes],
            }
            checksum = zlib.crc32(data, checksum)
            at += array.nbytes
            chunks.append(data)
        header["__metadata__"][key] = json.dumps({**text.facts, "crc32": checksum})
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    write_atomically(path, [struct.pack("<Q", len(encoded)), encoded, *chunks])


class Shard:
    """A shard opened for reading. Raises E0521 when the file is not whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                (length,) = struct.unpack("<Q", file.read(8))
                if length > min(size, _MAX_HEADER):
                    raise ValueError("the header is cut off")
                self._header: dict[str, Any] = json.loads(file.read(length))
            self._start = 8 + length
            self._facts = {k: json.loads(v) for k, v in self._header.pop("__metadata__").items()}
            end = max((t["data_offsets"][1] for t in self._header.values()), default=0)
            if self._start + end != size:
                raise ValueError(f"{size} bytes where {self._start + end} are needed")
        except (struct.error, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise damaged(path, str(error)) from error

    @property
    def keys(self) -> list[str]:
        return list(self._facts)

    def facts(self, key: str) -> dict[str, Any]:
        """What was noted of a text when it was written."""
        return {name: value for name, value in self._facts[key].items() if name != "crc32"}

    def length(self, key: str) -> int:
        """Number of tokens of a text."""
        return int(self._header[f"{key}.ids"]["shape"][0])

    def ids(self, key: str) -> NDArray[np.int64]:
        return self._array(f"{key}.ids")

    def patterns(self, key: str) -> NDArray[np.float32]:
        """float32 [heads, n, n], mapped read-only: only what is touched is read."""
        return self._array(f"{key}.pattern")

    def check(self, key: str) -> None:
        """Read a text once and compare its checksum. Raises E0521."""
        checksum = 0
        for array in (self.ids(key), self.patterns(key)):
            checksum = zlib.crc32(_bytes(array), checksum)
        if checksum != self._facts[key].get("crc32"):
            raise damaged(self.path, f"the checksum of text {key[:12]} is wrong")

    def _array(self, name: str) -> NDArray[Any]:
        entry = self._header[name]
        shape, dtype = tuple(entry["shape"]), _DTYPES[entry["dtype"]]
        if 0 in shape:
            return np.zeros(shape, dtype)
        return np.memmap(self.path, dtype, "r", self._start + entry["data_offsets"][0], shape)


def _bytes(array: NDArray[Any]) -> memoryview:
    """The values of an array without a copy (a copy where they are scattered)."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def damaged(path: Path, why: str) -> DiagnosticError:
    """The diagnostic E0521 for a shard that is not whole."""
    return fail(
        "E0521",
        f"{path} is damaged: {why}",
        help="extract the patterns again: damaged files are replaced, whole ones kept",
    )


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; Windows cannot open folders, and there the rename itself must do."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
