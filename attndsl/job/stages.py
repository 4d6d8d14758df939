"""Results of finished stages as files: a rerun reads them, a changed input makes new ones."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attndsl.dsl.diagnostics import DiagnosticError, fail

if TYPE_CHECKING:
    from attndsl.store.folder import RunFolder
    from attndsl.store.meter import Meter
    from attndsl.store.units import Unit, Units


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
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> DiagnosticError:
    """The diagnostic E0805 for a file that could not be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return fail(
        "E0805", f"cannot write {path}: {'the disk is full' if full else (error.strerror or str(error)).lower()}",
        help=("free space" if full else "choose another place")
        + "; finished work is kept, the same command goes on from there",
    )  # fmt: skip


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


class Stages:
    """The results of stages of one run as JSON files in ``OUT/stages``; every stage is a unit of work in the ledger."""

    def __init__(self, folder: RunFolder, units: Units) -> None:
        self._folder, self._units = folder, units
        self._begun: dict[str, Meter] = {}

    def load(self, name: str, key: str) -> Any | None:
        """The result of a finished stage, or None; then the stage has begun. A damaged file counts as not finished."""
        unit = self._unit(name, key)
        outputs = self._units.outputs(unit)
        if outputs is not None:
            try:
                return json.loads(self._folder.read(outputs[0]))
            except DiagnosticError as error:
                self._units.gone(unit, str(error))
        self._begun[unit.id] = self._units.begin(unit)
        return None

    def save(self, name: str, key: str, result: Any) -> None:
        unit = self._unit(name, key)
        data = json.dumps(result, ensure_ascii=False).encode("utf-8", "replace")
        written = self._folder.put(f"stages/{unit.id}.json", data)
        self._units.end(unit, [written], self._begun.pop(unit.id).usage())

    def _unit(self, name: str, key: str) -> Unit:
        from attndsl.store.units import Unit

        return Unit(name, key, name)
