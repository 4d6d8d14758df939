"""Results of finished stages as files: a rerun reads them, a changed input makes new ones."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from attndsl.dsl.diagnostics import fail


def digest(*parts: Any) -> str:
    """A short address of JSON-able inputs."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def write_text(path: Path, text: str) -> None:
    """``write_bytes`` of a text in UTF-8; half surrogates, which no file can hold, are replaced."""
    write_bytes(path, text.encode("utf-8", "replace"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: temporary file, flush to disk, rename. Raises DiagnosticError E0805."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".attndsl-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o666 & ~_umask())  # mkstemp makes files that only their owner may read
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise fail(
            "E0805", f"cannot write {path}: {'the disk is full' if full else (error.strerror or str(error)).lower()}",
            help=("free space" if full else "choose another place")
            + "; finished work is kept, the same command goes on from there",
        ) from error  # fmt: skip


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


class Stages:
    """The stage files of one run, in ``OUT/stages``."""

    def __init__(self, out: Path) -> None:
        self.folder = out / "stages"

    def load(self, name: str, key: str) -> Any | None:
        """The result of a finished stage, or None. A damaged file counts as not finished."""
        path = self.folder / f"{name}-{key}.json"
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
            return None

    def save(self, name: str, key: str, result: Any) -> None:
        write_text(self.folder / f"{name}-{key}.json", json.dumps(result, ensure_ascii=False))
