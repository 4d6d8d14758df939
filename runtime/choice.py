"""What scoring finds: sums over sentences of every pair's figures, and the best program of each head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Choice:
    """The best program of each head on the sentences given: ``program`` int [H], ``mean_iou`` float64 [H], and
    ``iou`` float64 [H, S], one figure per sentence. Float64 figures; per sentence they are
    rounded to float32 when they come from the first pass (a relative error of 6e-8)."""

    program: NDArray[np.int64]
    mean_iou: NDArray[np.float64]
    iou: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sums:
    """Figures of all pairs added over ``sentences``: float64 [P, H] each. ``first`` and ``second`` are what ``Figures``
    holds beside the IoU (None for "float64", which has no error to bound), ``steepest`` their greatest slope."""

    sentences: int
    iou: NDArray[np.float64]
    first: NDArray[np.float64] | None
    second: NDArray[np.float64] | None
    steepest: float

    def plus(self, other: Sums) -> Sums:
        """Both together, in this order."""
        pairs = ((self.first, other.first), (self.second, other.second))
        first, second = (None if a is None or b is None else a + b for a, b in pairs)
        steepest = max(self.steepest, other.steepest)
        return Sums(self.sentences + other.sentences, self.iou + other.iou, first, second, steepest)
