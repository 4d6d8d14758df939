"""What each replacement costs by itself: marginal damage per head, orders made from it, and rank correlations.

Damage is the rise of the mean next-token loss, in nats per token, on given texts, when this head alone is replaced.
Order and choice are made on train texts; curves are measured on held-out ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Head = tuple[int, int]


@dataclass(frozen=True)
class Damage:
    """Of some heads: ``nats`` float64 [heads, texts], the rise of the mean loss per token of each text."""

    heads: tuple[Head, ...]
    nats: NDArray[np.float64]

    def order(self) -> list[Head]:
        """Heads by mean damage, the least first; equal ones in their given order."""
        return [self.heads[i] for i in np.argsort(self.nats.mean(axis=1), kind="stable")]

    def intervals(self, seed: int = 0) -> NDArray[np.float64]:
        """Mean with a 95% interval over texts, float64 [heads, 3]: low, mean, high."""
        from attndsl.runtime.statistics import mean_intervals

        mean, low, high = mean_intervals(self.nats, seed=seed)
        return np.stack([low, mean, high], axis=1)


def marginal_damage(
    loaded: Any,
    texts: Sequence[str],
    programs: Mapping[Head, Any],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Damage:
    """The damage of each head's program when it alone stands in; one pass over the texts per head."""
    from attndsl.job.replacement import provider_of
    from attndsl.models.inject import inject
    from attndsl.models.perplexity import losses

    base = losses(loaded.model, loaded.tokenizer, texts).mean_nll
    rows = []
    for number, (head, program) in enumerate(programs.items(), start=1):
        provider = provider_of([program], True, loaded.tokenizer)
        with inject(loaded.model, [head], provider, layout=loaded.layout, outside_window="renormalize"):
            rows.append(losses(loaded.model, loaded.tokenizer, texts).mean_nll - base)
        if progress is not None:
            progress(number, len(programs))
    return Damage(tuple(programs), np.array(rows).reshape(len(programs), len(texts)))


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Spearman's rank correlation of two lists of numbers; ties share the mean of their ranks. nan where one is
    constant.

    >>> rank_correlation([1, 2, 3, 4], [10, 20, 30, 5])
    -0.2
    """
    a, b = _ranks(first), _ranks(second)
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float(np.round((a * b).sum() / scale, 12)) if scale else float("nan")


def _ranks(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    _, inverse, counts = np.unique(array, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle: NDArray[np.float64] = last - (counts - 1) / 2
    return middle[inverse]


def rank_interval(
    damage: NDArray[np.float64], score: ArrayLike, *, draws: int = 1000, seed: int = 0
) -> tuple[float, float, float]:
    """Rank correlation of mean damage [heads, texts] with a score per head: (low, point, high), 95% over heads and
    texts resampled together."""
    heads, texts = damage.shape
    values = np.asarray(score, dtype=np.float64)
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        rows, columns = rng.integers(0, heads, heads), rng.integers(0, texts, texts)
        found.append(rank_correlation(damage[rows][:, columns].mean(axis=1), values[rows]))
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return float(low), rank_correlation(damage.mean(axis=1), values), float(high)
