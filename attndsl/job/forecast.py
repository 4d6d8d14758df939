"""What scoring a library on stored patterns will cost, said before it starts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from attndsl.dsl.diagnostics import fail
from attndsl.job.splits import StoreSplit
from attndsl.runtime.baselines import baselines
from attndsl.runtime.budget import budget
from attndsl.runtime.exact import pair_scores
from attndsl.runtime.pattern_store import PatternStore
from attndsl.runtime.scorer import available_threads

REPEATS = 3


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


def _median(work: Callable[[], object]) -> float:
    """CPU seconds, after a first call that compiles and fills caches."""
    work()
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return float(np.median(times))


def forecast(train: StoreSplit, held_out: StoreSplit, threads: int | None = None) -> Forecast:
    """Predict ``select`` and ``report`` on these splits from their sizes and a short measurement on one text.

    Raises DiagnosticError E0535 for a split without text.
    """
    for split, what in ((train, "train"), (held_out, "held-out")):
        if not len(split):
            raise fail("E0535", f"the {what} split has no sentence", help="extract patterns of both splits")
    lengths = np.array([text.tokens for text in train.texts])
    middle = int(np.argsort(lengths, kind="stable")[len(lengths) // 2])
    causal, patterns = train.store.settings.causal, train.heads(middle)
    heads, n = patterns.shape[0], patterns.shape[1]
    programs, trivial = len(train.kernel.programs), len(baselines(n, causal=causal).kind)
    table = train.table(middle)
    evaluation = _median(lambda: train.kernel.predict(table))
    pairs = np.repeat(np.arange(heads)[:, None], 2, axis=1)
    exact = _median(lambda: pair_scores(patterns, patterns, pairs, causal=causal))
    workers = threads or available_threads()
    scoring = budget(programs + trivial, heads, len(train), n, causal=causal, threads=workers)
    shared = scoring.cpu_seconds + exact * len(held_out)
    alone = evaluation * (len(train) + len(held_out))
    room = 4 * n * n * (programs + trivial + heads)
    return Forecast(
        programs, heads, len(train), len(held_out), n, shared + alone, shared / workers + alone, scoring.bytes + room
    )
