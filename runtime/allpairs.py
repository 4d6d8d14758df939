"""Sums of minima of every (program, head) pair of packed patterns, at the speed of the vector units.

``min_sums(programs, heads)`` is the whole interface. Register tiles (``vectors.py``) run over windows that fit the
first-level cache, programs in groups that fit the second. The interpreter lock is released, so that threads can take
stacks each (``scorer.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import fail
from attndsl.runtime.dither import cell_bounds, spread
from attndsl.runtime.jit import cached_njit
from attndsl.runtime.packing import Packed, Precision
from attndsl.runtime.vectors import DRIVERS, NARROW, WIDE, has_feature


def vector_lanes() -> int:
    """16-bit lanes the kernels should use on the CPU that numba compiles for: 32 with AVX-512BW, else 16."""
    return WIDE if has_feature("avx512bw") else NARROW


def min_sums(programs: Packed, heads: Packed) -> NDArray[np.float64]:
    """``sum(min(A_p, B_h))`` for every program p and head h, float64 ``[P, H]``.

    Error against exact arithmetic: none beyond float64 rounding for "float64"; see ``sum_error`` for the others.
    Releases the interpreter lock. Raises E0533 when the two sides are packed differently.
    """
    return padded_sums(programs, heads)[: programs.rows, : heads.rows]


def padded_sums(programs: Packed, heads: Packed) -> NDArray[np.float64]:
    """``min_sums`` with the rows and columns that fill up register tiles: always contiguous, so that compiled code
    which goes on with them is compiled for one kind of array."""
    if programs.form != heads.form:
        raise fail("E0533", "programs and heads are packed differently", help="pack both with one layout and precision")
    place = programs.layout
    out = np.zeros((programs.data.shape[0], heads.data.shape[0]))
    driver = DRIVERS[programs.precision, place.lanes if place.lanes > 1 else vector_lanes()]
    driver(programs.data, heads.data, out, 0, programs.data.shape[0], place.window)
    if programs.precision == "uint8":
        _minima(out, programs.sums, heads.sums, 0.5 / place.scale)
    elif programs.precision == "int16":
        out /= place.scale
    return out


@cached_njit(nogil=True, error_model="numpy")
def _minima(sums, left, right, half):  # type: ignore[no-untyped-def]
    """Differences to minima, in place: ``min(a, b) = (a + b - |a - b|) / 2``."""
    for p in range(len(left)):
        for h in range(len(right)):
            sums[p, h] = 0.5 * left[p] - half * sums[p, h] + 0.5 * right[h]


def sum_error(programs: Packed, heads: Packed, sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """A bound, per pair ``[P, H]``, on how far ``min_sums`` is from the exact sum.

    int16: ``|min(a, b) - min(a', b')| <= |a - a'| + |b - b'|``, so the rounding errors of both patterns, measured at
    packing, bound the error of the sum; the integer sums themselves are exact. float32: minima are exact, and a lane
    adds at most ``window`` of them in single precision: relative error at most ``window * 2**-24`` (Higham, Accuracy
    and Stability of Numerical Algorithms, 2nd ed., eq. 4.4, all terms of one sign). float64: 1e-12
    relative, for rounding. uint8: ``dither.cell_bounds``, with the certainty said there.
    """
    if programs.precision == "uint8":
        return np.full_like(sums, cell_bounds(programs.layout.size)[1])
    return np.add.outer(programs.errors, heads.errors) + relative_error(programs) * sums


def relative_error(programs: Packed) -> float:
    """The part of ``sum_error`` that grows with the sum."""
    return 1.01 * programs.layout.window * 2.0**-24 if programs.precision == "float32" else 1e-12


@cached_njit(nogil=True, error_model="numpy")
def _finish(sums, left, right, left_error, right_error, relative, first, stop, iou, low, high):  # type: ignore[no-untyped-def]
    for p in range(first, stop):
        for h in range(len(right)):
            shared = sums[p, h]
            both = left[p] + right[h]
            iou[p, h] = shared / (both - shared) if both > shared else 1.0
            if relative > 0.0:
                error = left_error[p] + right_error[h] + relative * shared
                least = max(shared - error, 0.0)
                most = min(shared + error, min(left[p], right[h]))
                low[p, h] = least / (both - least) if both > least else 1.0
                high[p, h] = most / (both - most) if both > most else 1.0


@dataclass(frozen=True, eq=False)
class Figures:
    """IoU of every pair and what bounds its error, float64 ``[P, H]`` each.

    For "int16" and "float32" ``first`` and ``second`` are the lower and the upper bound, for "float64" they are
    ``iou`` itself. For "uint8" they are its variance and what else it may be off by, and ``steepest`` goes with them:
    see ``dither.margin``.
    """

    iou: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    steepest: float = 0.0

    @classmethod
    def empty(cls, shape: tuple[int, int], precision: Precision) -> Figures:
        """Room for the figures of ``shape`` pairs."""
        iou = np.empty(shape)
        return cls(iou, iou, iou) if precision == "float64" else cls(iou, np.empty(shape), np.empty(shape))

    def rows(self, first: int, stop: int) -> Figures:
        """The figures of programs first..stop-1, the same memory."""
        return Figures(self.iou[first:stop], self.first[first:stop], self.second[first:stop])


def pair_bounds(
    programs: Packed,
    heads: Packed,
    sums: NDArray[np.float64],
    *,
    into: Figures | None = None,
) -> Figures:
    """The figures of every pair from its sum of minima, in the memory of ``into`` if given.

    ``sums`` float64 ``[P, H]`` or larger: of ``padded_sums`` the padding is not read.

    ``IoU = m / (A + B - m)`` rises with m, so the bounds of "int16" and "float32" are its values at ``m - error`` and
    ``m + error``, the error being that of ``sum_error``. Two patterns without weight have IoU 1.
    """
    found = into or Figures.empty((programs.rows, heads.rows), programs.precision)
    both = (sums, programs.sums, heads.sums, programs.errors, heads.errors)

    every = (0, programs.rows, found.iou, found.first, found.second)
    if programs.precision == "uint8":
        return replace(found, steepest=float(spread(*both, cell_bounds(programs.layout.size), *every)))
    _finish(*both, relative_error(programs) if programs.precision != "float64" else 0.0, *every)
    return found
