"""Programs of a library that are the same, or nearly: equal operations, or patterns that hardly differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.equivalence.compare import Comparison, Effort, compare
from attndsl.runtime.kernel import LibraryKernel
from attndsl.runtime.program import Program

ALIKE = 1 - 1e-6
"""Mean IoU from which two programs count as the same on the texts: float32 rounding stays above it."""
_QUICK = Effort(texts=300, rows=1500, seconds=10.0)


@dataclass(frozen=True)
class Near:
    """Two programs whose patterns have a mean IoU of at least the limit; ``comparison`` where they look the same."""

    first: str
    second: str
    iou: float
    comparison: Comparison | None = None


@dataclass(frozen=True)
class Duplicates:
    """``near``: pairs, the most alike first; ``failed``: programs that ran on none of the texts, with the reason."""

    programs: int
    texts: int
    near: tuple[Near, ...]
    failed: tuple[tuple[str, str], ...] = ()


def duplicates(
    programs: Sequence[Program], causal: bool, tables: Sequence[TokenTable], tokenizer: Any, corpus: Sequence[str],
    least: float, most_compared: int, progress: Callable[[int, int], None] | None = None,
) -> Duplicates:  # fmt: skip
    """Pairs of programs with a mean IoU of at least ``least`` on texts; those that look the same are compared as by
    ``compare``, at most ``most_compared`` of them."""
    sums, count, reasons = _sums(programs, causal, tables, progress)
    failed = tuple((programs[i].name, reasons[i]) for i in range(len(programs)) if count[i, i] == 0)
    means = np.divide(sums, count, out=np.zeros_like(sums), where=count > 0)
    upper = zip(*(side.tolist() for side in np.triu_indices(len(programs), 1)), strict=True)
    pairs = [(i, j) for i, j in upper if means[i, j] >= least]
    pairs.sort(key=lambda pair: (-means[pair], pair))
    near = []
    for number, (i, j) in enumerate(pairs):
        alike = means[i, j] >= ALIKE and number < most_compared
        found = compare(programs[i], programs[j], causal, tokenizer, corpus, _QUICK) if alike else None
        near.append(Near(programs[i].name, programs[j].name, float(means[i, j]), found))
    return Duplicates(len(programs), len(tables), tuple(near), failed)


def _sums(
    programs: Sequence[Program],
    causal: bool,
    tables: Sequence[TokenTable],
    progress: Callable[[int, int], None] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], dict[int, str]]:
    """Sums of IoU over the texts on which both programs run, how many texts those are, and why programs fail."""
    size = len(programs)
    sums, count = np.zeros((size, size)), np.zeros((size, size))
    reasons: dict[int, str] = {}
    kernel = LibraryKernel(programs, causal)
    for number, table in enumerate(tables):
        predicted = kernel.predict(table)
        reasons |= {i: str(error) for i, error in predicted.errors.items()}
        ran = np.array([i not in predicted.errors for i in range(size)])
        both = ran[:, None] & ran[None, :]
        sums += np.where(both, all_ious(predicted.patterns), 0.0)
        count += both
        if progress is not None:
            progress(number + 1, len(tables))
    return sums, count, reasons


def all_ious(patterns: NDArray[np.float32]) -> NDArray[np.float64]:
    """IoU of every two of the patterns [programs, n, n]; two that are empty are the same."""
    rows = patterns.reshape(len(patterns), -1)
    rows = rows[:, rows.any(axis=0)]  # what lies after the query is zero in all
    total = rows.sum(axis=1, dtype=np.float64)
    found = np.ones((len(rows), len(rows)))
    for i, row in enumerate(rows):
        shared = np.minimum(rows[i + 1 :], row).sum(axis=1, dtype=np.float64)
        union = total[i] + total[i + 1 :] - shared
        found[i, i + 1 :] = np.divide(shared, union, out=np.ones_like(union), where=union > 0)
        found[i + 1 :, i] = found[i, i + 1 :]
    return found
