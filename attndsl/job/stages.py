"""Results of finished stages as files: a rerun reads them, a changed input makes new ones."""

from __future__ import annotations

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
    """Write a file whole or not at all: temporary file, flush to disk, rename. Raises DiagnosticError E0805."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise fail(
            "E0805", f"cannot write {path}: {error.strerror or error}",
            help="free space or choose another folder with --out; finished work is kept, the same command goes on",
        ) from error  # fmt: skip


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
