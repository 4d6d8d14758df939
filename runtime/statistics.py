"""Means, medians and 95% intervals over sentences, per head and over heads, and paired differences.

Intervals come from the bootstrap over sentences (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13:
percentile interval), because scores in [0, 1] with few sentences are skewed. Sentences are drawn, not heads: the heads
of one model see the same sentences, so all heads share each draw. Percentile intervals of S values are too narrow by
about ``sqrt((S - 1) / S)``; their distance from the point is divided by that factor (the narrowness bias of Hesterberg,
The American Statistician 69, 2015). The draws are seeded, so a figure printed twice is the same figure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from attndsl.dsl.diagnostics import fail

DRAWS = 2000
"""Enough for the ends of a 95% interval to move by about 2% of its width between seeds."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A point and its interval; ``low`` and ``high`` are NaN when there is only one sentence."""

    point: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Summary:
    """``mean`` and ``median`` over sentences with intervals; ``count`` sentences."""

    mean: Interval
    median: float
    count: int


def _scores(values: ArrayLike, dimensions: int) -> NDArray[np.float64]:
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != dimensions or scores.shape[-1] == 0:
        raise fail("E0535", f"scores have shape {scores.shape}", help="give one figure per sentence, at least one")
    if not np.isfinite(scores).all():
        raise fail("E0531", "a score is not finite", help="leave out sentences without a score")
    return scores


def bootstrap_means(scores: NDArray[np.float64], *, draws: int = DRAWS, seed: int = 0) -> NDArray[np.float64]:
    """Means of ``scores`` ``[..., S]`` under ``draws`` resamples of the sentences, float64 ``[..., draws]``."""
    count = scores.shape[-1]
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws) / count
    result: NDArray[np.float64] = scores @ weights.T
    return result


def mean_intervals(
    values: ArrayLike, *, level: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(mean, low, high), float64 ``[H]`` each, of scores ``[H, S]``; low and high are NaN for one sentence.

    Raises E0535 (no sentence) and E0531 (a score that is not finite).
    """
    scores = _scores(values, 2)
    mean = scores.mean(axis=1)
    count = scores.shape[1]
    if count < 2:
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    resampled = bootstrap_means(scores, draws=draws, seed=seed)
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(resampled, [tail, 100 - tail], axis=1)
    widen = np.sqrt(count / (count - 1))
    return mean, mean - (mean - low) * widen, mean + (high - mean) * widen


def summarise(values: ArrayLike, *, level: float = 0.95, seed: int = 0) -> Summary:
    """Summary of one head's scores ``[S]``, one per sentence. Errors as ``mean_intervals``.

    >>> summarise([0.5, 0.7, 0.6]).mean.point
    0.6
    """
    scores = _scores(values, 1)
    mean, low, high = mean_intervals(scores[None], level=level, seed=seed)
    point = float(np.round(mean[0], 15))
    return Summary(Interval(point, float(low[0]), float(high[0])), float(np.median(scores)), len(scores))


def over_heads(values: ArrayLike, *, level: float = 0.95, seed: int = 0) -> Summary:
    """Mean over heads of scores ``[H, S]`` with its interval over sentences, and the median of the heads' means."""
    scores = _scores(values, 2)
    if not len(scores):
        raise fail("E0535", "there is no head to summarise", help="give scores [H, S] with at least one head")
    of_sentences = summarise(scores.mean(axis=0), level=level, seed=seed)
    return Summary(of_sentences.mean, float(np.median(scores.mean(axis=1))), scores.shape[1])


def paired_difference(first: ArrayLike, second: ArrayLike, *, level: float = 0.95, seed: int = 0) -> Summary:
    """Summary of ``first - second``, both ``[S]`` on the same sentences in the same order; positive: first is higher.

    Pairing removes what both share (a hard sentence is hard for both). Raises E0533 when the lengths differ.
    """
    a, b = _scores(first, 1), _scores(second, 1)
    if a.shape != b.shape:
        raise fail("E0533", f"{len(a)} and {len(b)} scores cannot be paired", help="give scores of the same sentences")
    return summarise(a - b, level=level, seed=seed)
