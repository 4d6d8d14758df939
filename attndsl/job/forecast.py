"""What scoring a library on stored patterns will cost, said before it starts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import fail
from attndsl.job.splits import FEW, StoreSplit
from attndsl.runtime.baselines import baselines
from attndsl.runtime.budget import budget
from attndsl.runtime.pattern_store import PatternStore
from attndsl.runtime.selection import ArraySplit, fitting_precision, report, select
from attndsl.runtime.shares import available_threads

T = TypeVar("T")
REPEATS = 3
ELSE_BYTES = 16 << 20
"""What any job takes: threads, a parsed text, the table."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Sizes of the job, and its CPU seconds, seconds of waiting and bytes at the peak.

    Included: evaluating the programs on every text, choosing on train texts, and reporting on held-out texts at
    full length. Not included: starting up, and compiling our own kernels where they are not cached yet.
    """

    programs: int
    heads: int
    train_texts: int
    heldout_texts: int
    tokens: int
    cpu_seconds: float
    seconds: float
    bytes: int

    def to_json(self) -> dict[str, float | int]:
        return asdict(self)


def find_store(path: Path) -> PatternStore:
    """The store in ``path``: the folder itself, or the only one below it, as in a run's ``patterns``. E0520."""
    if (path / "store.json").exists() or not path.is_dir():
        return PatternStore(path)
    below = sorted(found.parent for found in path.glob("*/store.json"))
    if len(below) > 1:
        raise fail(
            "E0520", f"{path} holds {len(below)} pattern stores",
            help=f"name one of them: {', '.join(str(folder) for folder in below[:4])}",
        )  # fmt: skip
    return PatternStore(below[0] if below else path)


def _cpu(work: Callable[[], T]) -> tuple[float, T]:
    started = time.process_time()
    found = work()
    return time.process_time() - started, found


def _evaluation(train: StoreSplit, middle: int) -> tuple[float, float]:
    """CPU seconds of a text, median of a few: (reading and parsing it, running all programs on it)."""
    kernel = train.kernel
    kernel.predict(train.table(middle))  # compiles, and loads what reads texts
    fresh, warm = [], []
    for text in [i for i in range(len(train)) if i != middle][:REPEATS] or [middle]:
        reading, table = _cpu(partial(train.table, text))
        first, _ = _cpu(partial(kernel.predict, table))  # answers what programs ask of the text
        again, _ = _cpu(partial(kernel.predict, table))
        warm.append(again)
        fresh.append(reading + max(0.0, first - again))
    return float(np.median(fresh)), float(np.median(warm))


def without_programs(patterns: NDArray[np.float32], causal: bool) -> tuple[float, float]:
    """CPU seconds of a text beside programs, median of a few: (choosing, reporting); baselines are most of both."""
    heads = [str(i) for i in range(len(patterns))]
    text = ArraySplit([(patterns[:1], patterns)])
    again = ArraySplit(text.sentences)
    choosing, reporting = [], []
    for _ in range(REPEATS + 1):
        taken, selection = _cpu(partial(select, text, names=["0"], heads=heads, causal=causal))
        choosing.append(taken)
        reporting.append(_cpu(partial(report, selection, again))[0])
    return float(np.median(choosing[1:])), float(np.median(reporting[1:]))


def forecast(train: StoreSplit, held_out: StoreSplit, threads: int | None = None) -> Forecast:
    """Predict ``select`` and ``report`` on these splits from their sizes and a short measurement on a few texts.

    Raises DiagnosticError E0535 for a split without text.
    """
    for split, what in ((train, "train"), (held_out, "held-out")):
        if not len(split):
            raise fail("E0535", f"the {what} split has no sentence", help="extract patterns of both splits")
    lengths = np.array([min(text.tokens, train.length or text.tokens) for text in train.texts])
    middle = int(np.argsort(lengths, kind="stable")[len(lengths) // 2])
    causal, patterns = train.store.settings.causal, train.heads(middle)
    heads, n = patterns.shape[0], patterns.shape[1]
    programs, trivial = len(train.kernel.programs), len(baselines(n, causal=causal).kind)
    reading, running = _evaluation(train, middle)
    choosing, reporting = without_programs(patterns, causal)
    workers = threads or available_threads()
    precision = fitting_precision(programs, heads, len(train), n, causal)
    scoring = budget(programs, heads, len(train), n, causal=causal, precision=precision, threads=workers)
    again = 0 if precision == "float64" else len(train)  # the exact pass over candidates: about the best of each head
    share = min(1.0, heads / programs)
    few = share if share <= FEW else 1.0
    alone = reading * (len(train) + again + len(held_out)) + running * (len(train) + few * (again + len(held_out)))
    shared = scoring.cpu_seconds + choosing * len(train) + reporting * (len(held_out) + again)
    matrix = 4 * n * n
    first = scoring.bytes + matrix * (programs + trivial + heads)
    last = matrix * (3 * min(programs, heads) + 2 * trivial + 3 * heads)  # as they are, checked, and read in float64
    peak = max(first, last) + ELSE_BYTES
    return Forecast(programs, heads, len(train), len(held_out), n, shared + alone, shared / workers + alone, peak)
