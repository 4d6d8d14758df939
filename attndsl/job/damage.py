"""What each replacement costs by itself: marginal damage per head, orders made from it, and rank correlations.

Damage is the rise of the mean next-token loss, in nats per token, on given texts, when this head alone is replaced.
Order and choice are made on train texts; curves are measured on held-out ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from attndsl.models.perplexity import Losses

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


Variant = tuple[Sequence[Head], Any]
"""Heads, and what stands in for them: a provider of ``models.inject``."""


def variant_losses(
    loaded: Any,
    texts: Sequence[str],
    variants: Sequence[Variant],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Losses, NDArray[np.float64]]:
    """Losses of the unmodified model, and the summed loss of each text with each variant: float64 [variants, texts].

    Layers below the first replaced head of a variant are not run again.
    """
    from attndsl.models.inject import inject
    from attndsl.models.perplexity import Losses, losses
    from attndsl.models.prefix import Prefix

    model, tokenizer, layout = loaded.model, loaded.tokenizer, loaded.layout
    prefix = Prefix(model, layout)
    base, nll = [], np.empty((len(variants), len(texts)))
    for column, text in enumerate(texts):
        with prefix.kept():
            base.append(losses(model, tokenizer, [text]))
        for row, (heads, provider) in enumerate(variants):
            first = min((layer for layer, _ in heads), default=0)
            with (
                inject(model, heads, provider, layout=layout, outside_window="renormalize"),
                prefix.below(first),
            ):
                nll[row, column] = losses(model, tokenizer, [text]).nll[0]
            if progress is not None:
                progress(column * len(variants) + row + 1, len(texts) * len(variants))
    unmodified = Losses(np.concatenate([one.nll for one in base]), np.concatenate([one.tokens for one in base]))
    return unmodified, nll


def marginal_damage(
    loaded: Any,
    texts: Sequence[str],
    programs: Mapping[Head, Any],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Damage:
    """The damage of each head's program when it alone stands in."""
    variants = single_variants(programs, loaded.tokenizer)
    base, nll = variant_losses(loaded, texts, variants, progress=progress)
    return Damage(tuple(programs), (nll - base.nll) / base.tokens)


def single_variants(programs: Mapping[Head, Any], tokenizer: Any) -> list[Variant]:
    """Each head replaced alone; heads with the same program share its provider, which keeps what it compiled."""
    from attndsl.job.replacement import provider_of

    distinct = {id(program): program for program in programs.values()}
    made = {key: provider_of([program], True, tokenizer) for key, program in distinct.items()}
    return [([head], made[id(program)]) for head, program in programs.items()]


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
    known = [value for value in found if not np.isnan(value)]  # a draw of equal heads has no order
    low, high = np.percentile(known, [2.5, 97.5]) if known else (np.nan, np.nan)
    return float(low), rank_correlation(damage.mean(axis=1), values), float(high)
