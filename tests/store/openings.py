"""Units of work for tests of pools: plain functions on small files, and workers that die when they are told to."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from attndsl.dsl.diagnostics import fail
from attndsl.store.folder import RunFolder, Written
from attndsl.store.units import Do, Unit


def work(folder: RunFolder, unit: Unit) -> Sequence[Written]:
    """``args``: ``text`` is written; ``deaths`` so many workers die of it first; ``error`` is what it raises."""
    marks = folder.path / "marks"
    marks.mkdir(exist_ok=True)
    seen = len(list(marks.glob(f"{unit.key}-*")))
    (marks / f"{unit.key}-{seen}").touch()
    if seen < unit.args.get("deaths", 0):
        os.kill(os.getpid(), signal.SIGKILL)
    if "error" in unit.args:
        raise fail(unit.args["error"], "asked for")
    if seen < unit.args.get("hiccups", 0):
        raise OSError(5, "input/output error")
    return [folder.put(f"out/{unit.key}.txt", unit.args["text"].encode())]


@dataclass(frozen=True)
class OpenFolder:
    """A worker over a folder."""

    path: Path

    def open(self) -> Do:
        return partial(work, RunFolder(self.path))


def unit(key: str, **args: object) -> Unit:
    return Unit("write", key, f"file {key}", {"text": f"text of {key}", **args})
