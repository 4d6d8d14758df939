"""Sums of minima of every (program, head) pair of packed patterns, at the speed of the vector units.

``min_sums(programs, heads)`` is the whole interface. Register tiles (``vectors.py``) run over windows that fit the
first-level cache, programs in groups that fit the second. Ranges of programs go to threads; the interpreter lock is
released. The result does not depend on the number of threads.
"""

from __future__ import annotations

from concurrent.futures import Executor
from itertools import pairwise
from typing import Any

import numpy as np
from llvmlite import binding
from numba import njit
from numba.core import config
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import fail
from attndsl.runtime.packing import ROW_MULTIPLE, Packed
from attndsl.runtime.vectors import DRIVERS, NARROW, WIDE


def vector_lanes() -> int:
    """16-bit lanes the kernels should use on the CPU that numba compiles for: 32 with AVX-512BW, else 16.

    ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` are honoured, so a build for another CPU can be tried.
    """
    settings: Any = config
    if settings.CPU_NAME is not None or settings.CPU_FEATURES is not None:
        return WIDE if "+avx512bw" in (settings.CPU_FEATURES or "") else NARROW
    return WIDE if binding.get_host_cpu_features().get("avx512bw", False) else NARROW


def min_sums(
    programs: Packed, heads: Packed, *, executor: Executor | None = None, threads: int = 1
) -> NDArray[np.float64]:
    """``sum(min(A_p, B_h))`` for every program p and head h, float64 ``[P, H]``.

    With ``executor`` the programs are split over ``threads`` tasks. Error against exact arithmetic: none beyond float64
    rounding for "float64"; see ``sum_error`` for the others. Raises E0533 when the two sides are packed differently.
    """
    if programs.layout.key != heads.layout.key or programs.precision != heads.precision:
        raise fail("E0533", "programs and heads are packed differently", help="pack both with one layout and precision")
    place = programs.layout
    out = np.zeros((programs.data.shape[0], heads.data.shape[0]))
    driver = DRIVERS[programs.precision, place.lanes]
    rows = programs.data.shape[0]
    share = -(-rows // (max(threads, 1) * ROW_MULTIPLE)) * ROW_MULTIPLE
    spans = [(first, min(first + share, rows)) for first in range(0, rows, share)]
    if executor is None or len(spans) == 1:
        driver(programs.data, heads.data, out, 0, rows, place.window)
    else:
        work = [executor.submit(driver, programs.data, heads.data, out, a, b, place.window) for a, b in spans]
        for task in work:
            task.result()
    if programs.precision == "int16":
        out /= place.scale
    return out[: programs.rows, : heads.rows]


def sum_error(programs: Packed, heads: Packed, sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """A bound, per pair ``[P, H]``, on how far ``min_sums`` is from the exact sum.

    int16: ``|min(a, b) - min(a', b')| <= |a - a'| + |b - b'|``, so the rounding errors of both patterns, measured at
    packing, bound the error of the sum; the integer sums themselves are exact. float32: minima are exact, and a lane
    adds at most ``window`` of them in single precision: relative error at most ``window * 2**-24`` (Higham, Accuracy
    and Stability of Numerical Algorithms, 2nd ed., eq. 4.4, all terms of one sign). float64: 1e-12
    relative, for rounding.
    """
    return np.add.outer(programs.errors, heads.errors) + relative_error(programs) * sums


def relative_error(programs: Packed) -> float:
    """The part of ``sum_error`` that grows with the sum."""
    return 1.01 * programs.layout.window * 2.0**-24 if programs.precision == "float32" else 1e-12


@njit(nogil=True, cache=True, error_model="numpy")
def _finish(sums, left, right, left_error, right_error, relative, first, stop, iou, low, high):  # type: ignore[no-untyped-def]
    for p in range(first, stop):
        for h in range(sums.shape[1]):
            shared = sums[p, h]
            both = left[p] + right[h]
            iou[p, h] = shared / (both - shared) if both > shared else 1.0
            if relative > 0.0:
                error = left_error[p] + right_error[h] + relative * shared
                least = max(shared - error, 0.0)
                most = min(shared + error, min(left[p], right[h]))
                low[p, h] = least / (both - least) if both > least else 1.0
                high[p, h] = most / (both - most) if both > most else 1.0


def pair_bounds(
    programs: Packed, heads: Packed, sums: NDArray[np.float64], *, executor: Executor | None = None, threads: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(IoU, lower bound, upper bound) of every pair from its sum of minima, float64 ``[P, H]`` each.

    ``IoU = m / (A + B - m)`` rises with m, so the bounds are its values at ``m - error`` and ``m + error``, the error
    being that of ``sum_error``. For "float64" the three are one array. Two patterns without weight have IoU 1.
    """
    iou = np.empty_like(sums)
    inexact = programs.precision != "float64"
    low, high = (np.empty_like(sums), np.empty_like(sums)) if inexact else (iou, iou)
    relative = relative_error(programs) if inexact else 0.0
    rest = (sums, programs.sums, heads.sums, programs.errors, heads.errors, relative)
    if executor is None:
        _finish(*rest, 0, len(sums), iou, low, high)
    else:
        edges = np.linspace(0, len(sums), threads + 1).astype(np.int64)
        tasks = [executor.submit(_finish, *rest, a, b, iou, low, high) for a, b in pairwise(edges)]
        for task in tasks:
            task.result()
    return iou, low, high
