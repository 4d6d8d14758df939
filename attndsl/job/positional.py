"""A control for replacement: attention that knows positions only, learnt from train patterns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Head = tuple[int, int]


@dataclass(frozen=True)
class PositionalBaseline:
    """Per head: the mean weight of the first key, float64 [heads], and of every other key by its lookback,
    float64 [heads, lookbacks], over all queries of the train texts. Rows are normalised after the causal cut."""

    heads: tuple[Head, ...]
    first: NDArray[np.float64]
    by_lookback: NDArray[np.float64]

    @classmethod
    def of(cls, run: Any) -> PositionalBaseline:
        """From the stored patterns of a run's train texts."""
        return cls.from_patterns(tuple(run.heads), [run.store.pattern(text.id) for text in run.texts("train")])

    @classmethod
    def from_patterns(cls, heads: tuple[Head, ...], patterns: Sequence[NDArray[np.float32]]) -> PositionalBaseline:
        """``patterns``: one [heads, n, n] per text."""
        longest = max(pattern.shape[1] for pattern in patterns)
        first, queries = np.zeros(len(heads)), 0
        total, count = np.zeros((len(heads), longest)), np.zeros(longest)
        for pattern in patterns:
            n = pattern.shape[1]
            first += pattern[:, 1:, 0].sum(axis=1, dtype=np.float64)  # the first query has no other key
            queries += n - 1
            for lookback in range(n - 1):
                of_lookback = pattern[:, range(1 + lookback, n), range(1, n - lookback)]
                total[:, lookback] += of_lookback.sum(axis=1, dtype=np.float64)
                count[lookback] += n - 1 - lookback
        return cls(heads, first / max(queries, 1), total / np.maximum(count, 1))

    def provider(self, heads: Sequence[Head]) -> Callable[[Sequence[int]], NDArray[np.float32]]:
        """The provider of ``models.inject`` for some of the heads."""
        rows = [self.heads.index(head) for head in heads]

        def patterns(ids: Sequence[int]) -> NDArray[np.float32]:
            n = len(ids)
            lookback = np.arange(n)[:, None] - np.arange(n)[None]
            known = (lookback >= 0) & (lookback < self.by_lookback.shape[1])
            found = np.where(known, self.by_lookback[rows][:, np.where(known, lookback, 0)], 0.0)
            found[:, :, 0] = self.first[rows][:, None]
            sums = found.sum(axis=2, keepdims=True)
            found[:, :, 0] += (sums == 0)[:, :, 0]  # a row without weight goes to the first token, as programs' do
            return (found / np.where(sums == 0, 1, sums)).astype(np.float32)

        return patterns
