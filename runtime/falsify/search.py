"""The search for a text on which a program and a head disagree: many small changes, kept where they lead somewhere.

Texts are tried in batches, because a forward pass over sixteen short texts costs little more than over three. A text
stays in the pool when its IoU is among the lowest so far, or when a rule fired in it as in no text before; texts that
are made anew go to the rules that were seen least.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from attndsl.dsl.diagnostics import fail
from attndsl.runtime.falsify.judge import Judge, Trial
from attndsl.runtime.falsify.texts import Pieces, TextMaker

BATCH = 16
POOL = 24
PROBES_AFTER = 3
DEVIATIONS = 3.0
LEAST_GAP = 0.05


@dataclass(frozen=True)
class Limits:
    """``below``: the IoU that a counterexample must be below (None: see ``usual_threshold``). ``texts`` is how many
    texts are tried at most, ``seconds`` how long at most: steps make runs alike, seconds only back them up."""

    below: float | None = None
    texts: int = 2000
    seconds: float = 60.0


@dataclass
class Hunt:
    """A search so far. ``breaking``: the trials below ``threshold``, as they were found; ``sample``: trials of plain
    corpus texts, of which ``mean`` is the mean IoU."""

    threshold: float
    mean: float
    sample: list[Trial]
    breaking: list[Trial] = field(default_factory=list)
    best: Trial | None = None
    fired: set[int] = field(default_factory=set)
    tried: int = 0
    seconds: float = 0.0
    stopped: bool = False

    @property
    def found(self) -> bool:
        return bool(self.breaking)


def usual_threshold(ious: Sequence[float]) -> float:
    """Well below what the corpus gives: three standard deviations, and at least 0.05, below the mean.

    Raises DiagnosticError E0851 where nothing is so far below: no text could then be a counterexample.
    """
    mean = statistics.fmean(ious)
    spread = statistics.stdev(ious) if len(ious) > 1 else 0.0
    threshold = mean - max(DEVIATIONS * spread, LEAST_GAP)
    if threshold <= 0:
        raise fail(
            "E0851",
            f"the program does not describe the other side: mean IoU {mean:.3f} on plain texts, standard deviation "
            f"{spread:.3f}",
            help=f"choose another program, or say what counts as a counterexample: --below {max(mean, 0.01):.2f}",
        )
    return threshold


def hunt(judge: Judge, maker: TextMaker, limits: Limits, progress: Callable[[int, int], None] | None = None) -> Hunt:
    """Search until a text is below the threshold, or a limit is reached; Ctrl-C ends it with what there is."""
    start = time.monotonic()
    order = list(maker.corpus)
    maker.random.shuffle(order)
    sample = judge(order[: judge.sample])
    threshold = limits.below if limits.below is not None else usual_threshold([trial.iou for trial in sample])
    state = Hunt(threshold, statistics.fmean(trial.iou for trial in sample), sample)
    pool = _Pool(len(judge.kernel.rules))
    try:
        _take(state, pool, sample)
        batches = 0
        while not state.found and judge.tried < limits.texts and time.monotonic() - start < limits.seconds:
            # Texts that read as texts come first: what breaks on them says more.
            _take(state, pool, judge(maker.probes() if batches == PROBES_AFTER else _next(pool, maker)))
            batches += 1
            if progress is not None:
                progress(min(judge.tried, limits.texts), limits.texts)
    except KeyboardInterrupt:
        state.stopped = True
    state.tried, state.seconds = judge.tried, time.monotonic() - start
    return state


def _take(state: Hunt, pool: _Pool, trials: Sequence[Trial]) -> None:
    for trial in trials:
        pool.add(trial)
        state.fired |= {rule for rule, rows in trial.seen if rows}
        if state.best is None or trial.iou < state.best.iou:
            state.best = trial
        if trial.iou < state.threshold:
            state.breaking.append(trial)


def _next(pool: _Pool, maker: TextMaker) -> list[Pieces]:
    """The next batch: a few passages, a few texts about the rules seen least, the rest from the pool."""
    made: list[Pieces] = [maker.passage(), maker.passage()]
    made += [maker.about(rule) for rule in pool.neglected(4)]
    while len(made) < BATCH:
        made.append(maker.mutate(pool.draw(maker)))
    return made


class _Pool:
    """Texts worth changing further: the lowest IoU, and the first of each kind of firing."""

    def __init__(self, rules: int) -> None:
        self._rules = rules
        self._low: list[Trial] = []
        self._novel: dict[tuple[int, int], Trial] = {}
        self._fired: Counter[int] = Counter()

    def add(self, trial: Trial) -> None:
        for feature in trial.seen:
            self._novel.setdefault(feature, trial)
            self._fired[feature[0]] += feature[1] > 0
        if all(trial.text != kept.text for kept in self._low):
            self._low.append(trial)
            self._low.sort(key=lambda kept: kept.iou)
            del self._low[POOL:]

    def neglected(self, count: int) -> list[int]:
        """The rules that fired in the fewest texts."""
        return sorted(range(self._rules), key=lambda rule: self._fired[rule])[:count]

    def draw(self, maker: TextMaker) -> Pieces:
        """Mostly one of the lowest, the lower the likelier; sometimes one in which a rule fired as never before."""
        if self._novel and maker.random.random() < 0.25:
            return maker.random.choice([self._novel[key] for key in sorted(self._novel)]).pieces
        return self._low[int(len(self._low) * maker.random.random() ** 2)].pieces
