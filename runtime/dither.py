"""Bytes that are right on average: thresholds shared by all patterns, and how far sums of minima can then be off.

Cell c of every pattern, program and head alike, is stored as ``floor(STEPS * weight + u_c)`` with one threshold
``u_c``, uniform in [0, 1), per cell and sentence. The difference of two stored cells is then on average ``STEPS`` times
the difference of the weights, so ``sum(min) = (A + B - sum|a - b|) / 2``, with the exact weights A and B, is
unbiased, where rounding to the nearest byte would lose every weight below half a step. docs/scoring.md derives the
bounds used here.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from attndsl.runtime.jit import cached_njit

STEPS = 254
"""Bytes per weight of 1: rows may sum to 1.001, and ``254 * 1.001 + 1`` is still below 256."""

DOUBT = 40.0
"""A bound fails with probability at most ``2 exp(-DOUBT)``, 8.5e-18; a job takes one per pair and sentence."""

_SEED = 0x5EED
_ROUNDING = 2.0**-15
"""Steps by which single precision may move a threshold: two roundings of numbers below 256, and a grid of 2**-24."""


@lru_cache(maxsize=8)
def dither(size: int, draw: int) -> NDArray[np.float32]:
    """Thresholds float32 ``[size]`` in [0, 1), independent between cells and between draws. Read-only."""
    thresholds = np.random.default_rng([_SEED, size, draw]).random(size, dtype=np.float32)
    thresholds.setflags(write=False)
    return thresholds


MOST = 1 / 16
"""Greatest variance, in squared steps, that a cell adds to half a sum of differences."""


def deviation(variance: NDArray[np.float64] | float, steepest: float = 1.0) -> NDArray[np.float64]:
    """Bernstein's bound: what a sum of minima (or of IoUs, each at most ``steepest`` times as steep) hardly exceeds.

    ``variance``: of the whole sum, which is one of independent terms of mean 0 and of at most half a step each. The
    root t of ``t**2 / (2 (variance + term t / 3)) = DOUBT``.
    """
    third = steepest / (2 * STEPS) * DOUBT / 3
    bound: NDArray[np.float64] = third + np.sqrt(third * third + 2 * DOUBT * np.asarray(variance))
    return bound


def cell_bounds(size: int) -> tuple[float, float, float]:
    """(Greatest variance, greatest error, shift by single precision) of a sum of minima over ``size`` cells."""
    most, shift = size * MOST / STEPS**2, size * _ROUNDING / STEPS
    return most, float(deviation(most)) + shift, shift


@cached_njit(nogil=True, error_model="numpy")
def spread(sums, left, right, left_variance, right_variance, bounds, first, stop, iou, variance, rest):  # type: ignore[no-untyped-def]
    """(IoU, its variance, what else it may be off by) of rows first..stop-1; returns the steepest slope.

    With T the weight of both patterns, m the true and x the found sum of minima, and ``g(m) = m / (T - m)``:
    g(x) - g(m) is ``g'(m) (x - m)``, whose variance is known, plus at most ``g''(x + error) error**2 / 2``. Where the
    error is no small part of T the figure may be off by 1.
    """
    most, error, shift = bounds
    steepest = 0.0
    for p in range(first, stop):
        for h in range(len(right)):
            both = left[p] + right[h]
            found = sums[p, h]
            if error > 0.125 * both:
                found = min(max(found, 0.0), 0.5 * both)
                iou[p, h] = found / (both - found) if both > 0.0 else 1.0
                variance[p, h] = 0.0
                rest[p, h] = 1.0 if both > 0.0 else 0.0
                continue
            inverse = 1.0 / (both - found - error)
            slope = both * inverse * inverse
            iou[p, h] = found / (both - found)
            variance[p, h] = min(left_variance[p] + right_variance[h], most) * slope * slope
            rest[p, h] = slope * (inverse * error * error + shift)
            steepest = max(steepest, slope)
    return steepest


def margin(variance: NDArray[np.float64], rest: NDArray[np.float64], steepest: float) -> NDArray[np.float64]:
    """How far a sum of IoUs over sentences may be off, from the sums of what ``spread`` gave."""
    return deviation(variance, steepest) + rest
