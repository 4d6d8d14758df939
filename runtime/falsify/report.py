"""A finished counterexample as data: the text, both patterns side by side, and the suspects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.falsify.blame import Suspect, blame
from attndsl.runtime.falsify.judge import Head, Judge, Trial
from attndsl.runtime.falsify.search import Hunt
from attndsl.runtime.falsify.shrink import Shrunk

BLAMED_TEXTS = 12
WORST_ROWS = 5
TOP_KEYS = 3


@dataclass(frozen=True)
class Row:
    """One query row: ``apart`` is the share of weight that lies elsewhere; the keys with most weight on each side."""

    query: int
    apart: float
    program: tuple[tuple[int, float], ...]
    head: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Counterexample:
    """A text below the threshold. ``found`` is the trial as the search met it, ``trial`` what it was shrunk to."""

    trial: Trial
    found: Trial
    minimal: bool
    threshold: float
    tokens: tuple[str, ...]
    rows: tuple[Row, ...]
    suspects: tuple[Suspect, ...]
    program: NDArray[np.float32]
    head: NDArray[np.float32]

    def _repr_html_(self) -> str:
        from attndsl.runtime.shown import counterexample_html

        return counterexample_html(self)


def counterexample(judge: Judge, state: Hunt, first: Trial, shrunk: Shrunk, causal: bool) -> Counterexample:
    """Put together what is known. Blame is taken over the shrunk text and other failing ones, the lowest IoU first."""
    trial = shrunk.trial
    table = judge.table(trial.text)
    head = judge.head_on(trial)
    predicted = judge.kernel.patterns(table)
    failing = [trial, *_others(trial, [*state.breaking, *shrunk.breaking])]
    passing = [other for other in state.sample if other.iou >= state.threshold][:BLAMED_TEXTS]
    suspects = blame(
        judge.kernel.program, _with_heads(judge, failing), _with_heads(judge, passing), causal
    )  # fmt: skip
    return Counterexample(
        trial, first, shrunk.finished, state.threshold, shown_tokens(table),
        worst_rows(predicted.patterns[0], head), tuple(suspects), predicted.patterns[0], head,
    )  # fmt: skip


def _others(trial: Trial, breaking: Sequence[Trial]) -> list[Trial]:
    others = {other.text: other for other in breaking if other.text != trial.text}
    return sorted(others.values(), key=lambda other: other.iou)[: BLAMED_TEXTS - 1]


def _with_heads(judge: Judge, trials: Sequence[Trial]) -> list[tuple[TokenTable, NDArray[np.float32]]]:
    return [(judge.table(trial.text), judge.head_on(trial)) for trial in trials]


def shown_tokens(table: TokenTable) -> tuple[str, ...]:
    """The surface text of each token; the vocabulary string where there is none."""
    return tuple(surface or raw for surface, raw in zip(table.surface, table.raw, strict=True))


def worst_rows(program: NDArray[np.float32], head: NDArray[np.float32]) -> tuple[Row, ...]:
    """The query rows that differ most, worst first; rows that agree are left out."""
    apart = np.abs(program.astype(np.float64) - head).sum(axis=1) / 2
    order = sorted(range(len(apart)), key=lambda q: (-apart[q], q))[:WORST_ROWS]
    return tuple(Row(q, float(apart[q]), top_keys(program[q]), top_keys(head[q])) for q in order if apart[q] > 5e-3)


def top_keys(row: NDArray[np.float32]) -> tuple[tuple[int, float], ...]:
    """The keys with the most weight, of equal ones the earlier first."""
    order = sorted(range(len(row)), key=lambda k: (-row[k], k))[:TOP_KEYS]
    return tuple((k, float(row[k])) for k in order if row[k] > 0)


def head_of_ids(patterns: Any) -> Head:
    """A head from what gives patterns [1, n, n] of rows of token ids."""

    def run(tables: Sequence[TokenTable]) -> list[NDArray[np.float32]]:
        return [found[0] for found in patterns([table.ids for table in tables])]

    return run
