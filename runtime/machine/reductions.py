"""Reductions of the machine. Inner form: the reduced axis is the inner loop. Outer form: it is the outer one, and the
inner loop runs along the result. Sums may be added in any order."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, uint64

from attndsl.runtime.machine.loops import OPTIONS

REORDERED: dict[str, Any] = {**OPTIONS, "fastmath": {"reassoc"}}


@njit(**REORDERED)
def _sum(x, a, step, inner):
    total = 0.0
    if step == 1:
        ua = uint64(a)
        for j in range(uint64(inner)):
            total += x[ua + j]
    else:
        for j in range(inner):
            total += x[uint64(a + j * step)]
    return total


@njit(**REORDERED)
def _sum_if(mask, m, im, x, a, ia, inner):
    total = 0.0
    um, ua = uint64(m), uint64(a)
    if im == 1 and ia == 1:
        for j in range(uint64(inner)):
            value = x[ua + j]
            total += value if mask[um + j] else 0.0
    elif ia == 0:
        value = x[ua]
        total = value * _count(mask, m, im, inner) if np.isfinite(value) else _plain_sum_if(mask, m, im, x, a, ia, inner)
    else:
        total = _plain_sum_if(mask, m, im, x, a, ia, inner)
    return total


@njit(**OPTIONS)
def _plain_sum_if(mask, m, im, x, a, ia, inner):
    total = 0.0
    for j in range(inner):
        if mask[uint64(m + j * im)]:
            total += x[uint64(a + j * ia)]
    return total


@njit(**OPTIONS)
def _count(mask, m, step, inner):
    total = np.int64(0)
    if step == 1:
        um = uint64(m)
        done = uint64(0)
        n = uint64(inner)
        while done < n:  # 255 at a time fit a byte, so that the vectors stay narrow
            stop = min(n, done + uint64(128))
            part = np.uint8(0)
            for j in range(done, stop):
                part = np.uint8(part + mask[um + j])
            total += part
            done = stop
    else:
        for j in range(inner):
            total += mask[uint64(m + j * step)]
    return float(total)


@njit(**OPTIONS)
def _product(x, a, step, inner):
    total = 1.0
    for j in range(inner):
        total *= x[uint64(a + j * step)]
    return total


@njit(**{**OPTIONS, "fastmath": {"nnan", "nsz", "reassoc"}})
def _top_of_numbers(x, ua, n):
    top = -np.inf
    for j in range(n):
        value = x[ua + j]
        top = value if value > top else top
    return top


@njit(**{**OPTIONS, "fastmath": {"nnan", "nsz", "reassoc"}})
def _bottom_of_numbers(x, ua, n):
    bottom = np.inf
    for j in range(n):
        value = x[ua + j]
        bottom = value if value < bottom else bottom
    return bottom


@njit(**OPTIONS)
def _has_nan(x, ua, n):
    found = np.uint8(0)
    for j in range(n):
        value = x[ua + j]
        found = np.uint8(found | np.uint8(value != value))
    return found != 0


@njit(**OPTIONS)
def _extreme(x, a, step, inner, largest):
    """Largest or smallest value, nan where there is one."""
    if step == 1:
        ua, n = uint64(a), uint64(inner)
        if _has_nan(x, ua, n):
            return np.nan
        return _top_of_numbers(x, ua, n) if largest else _bottom_of_numbers(x, ua, n)
    best = -np.inf if largest else np.inf
    for j in range(inner):
        best = _more_extreme(best, x[uint64(a + j * step)], largest)
    return best


@njit(**OPTIONS)
def _more_extreme(best, value, largest):
    if value != value or best != best:
        return np.nan
    if largest:
        return value if value > best else best
    return value if value < best else best


@njit(**OPTIONS)
def _place(mask, m, step, inner, last):
    """Index of the first or last true value, -1 without one."""
    if last:
        for j in range(inner - 1, -1, -1):
            if mask[uint64(m + j * step)]:
                return float(j)
    else:
        for j in range(inner):
            if mask[uint64(m + j * step)]:
                return float(j)
    return -1.0


@njit(**OPTIONS)
def _any(mask, m, step, inner):
    if step == 1:
        um = uint64(m)
        found = np.uint8(0)
        for j in range(uint64(inner)):
            found = np.uint8(found | mask[um + j])
        return found
    for j in range(inner):
        if mask[uint64(m + j * step)]:
            return np.uint8(1)
    return np.uint8(0)


SUM, COUNT, SUM_IF, PRODUCT, MAXIMUM, MINIMUM, FIRST, LAST = range(8)


@njit(**OPTIONS)
def fold(kind, out, o, so, x, a, sa, ia, mask, m, sm, im, outer, inner):
    """Inner form of every reduction to a number: one result per outer iteration."""
    for _ in range(outer):
        if kind == SUM:
            value = _sum(x, a, ia, inner)
        elif kind == COUNT:
            value = _count(mask, m, im, inner)
        elif kind == SUM_IF:
            value = _sum_if(mask, m, im, x, a, ia, inner)
        elif kind == PRODUCT:
            value = _product(x, a, ia, inner)
        elif kind == MAXIMUM or kind == MINIMUM:
            value = _extreme(x, a, ia, inner, kind == MAXIMUM)
        else:
            value = _place(mask, m, im, inner, kind == LAST)
        out[uint64(o)] = value
        o += so
        a += sa
        m += sm


@njit(**OPTIONS)
def fold_any(out, o, so, mask, m, sm, im, outer, inner):
    """Inner form of "is any true"."""
    for _ in range(outer):
        out[uint64(o)] = _any(mask, m, im, inner)
        o += so
        m += sm


@njit(**OPTIONS)
def fold_rows(kind, out, o, io, x, a, sa, ia, mask, m, sm, im, outer, inner):
    """Outer form of every reduction to a number: ``outer`` rows are folded into one row of ``inner`` results."""
    for j in range(inner):
        value = 0.0
        if kind == PRODUCT:
            value = 1.0
        elif kind == MAXIMUM:
            value = -np.inf
        elif kind == MINIMUM:
            value = np.inf
        elif kind == FIRST or kind == LAST:
            value = -1.0
        out[uint64(o + j * io)] = value
    for i in range(outer):
        for j in range(inner):
            place = uint64(o + j * io)
            if kind == SUM:
                out[place] += x[uint64(a + j * ia)]
            elif kind == COUNT:
                out[place] += mask[uint64(m + j * im)]
            elif kind == SUM_IF:
                if mask[uint64(m + j * im)]:
                    out[place] += x[uint64(a + j * ia)]
            elif kind == PRODUCT:
                out[place] *= x[uint64(a + j * ia)]
            elif kind == MAXIMUM or kind == MINIMUM:
                out[place] = _more_extreme(out[place], x[uint64(a + j * ia)], kind == MAXIMUM)
            elif mask[uint64(m + j * im)] and (kind == LAST or out[place] < 0.0):
                out[place] = float(i)
        a += sa
        m += sm


@njit(**OPTIONS)
def fold_rows_any(out, o, io, mask, m, sm, im, outer, inner):
    """Outer form of "is any true"."""
    for j in range(inner):
        out[uint64(o + j * io)] = 0
    for _ in range(outer):
        for j in range(inner):
            place = uint64(o + j * io)
            out[place] = np.uint8(out[place] | mask[uint64(m + j * im)])
        m += sm


@njit(**OPTIONS)
def rank(out, o, so, io, mask, m, sm, im, outer, inner):
    """Number of true values before each place of the inner axis."""
    for _ in range(outer):
        before = 0.0
        for j in range(inner):
            out[uint64(o + j * io)] = before
            before += mask[uint64(m + j * im)]
        o += so
        m += sm
