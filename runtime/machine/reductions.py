"""Reductions of the machine.

Inner form: the reduced axis is the inner loop. Outer form: it is the outer one, the inner loop runs along the result.
Sums are added in ascending order, so that a sum that is compared with a number decides as the interpreter does.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

import numpy as np
from numba import njit, uint64

from attndsl.runtime.machine.loops import INNER, OPTIONS, OUT, OUTER, ROW, STEP, A, B
from attndsl.runtime.machine.octets import first_true, last_true


@njit(**OPTIONS)
def _sums(f, e, s, o, x):
    """Sums of rows, each in ascending order as the interpreter adds; eight rows at a time hide the wait for an add."""
    inner, outer = e[s + INNER], e[s + OUTER]
    step, row, so = e[s + A + STEP], e[s + A + ROW], e[s + OUT + ROW]
    done = 0
    while done + 8 <= outer:
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
        for j in range(inner):
            at = x + j * step
            s0 += f[uint64(at)]
            s1 += f[uint64(at + row)]
            s2 += f[uint64(at + 2 * row)]
            s3 += f[uint64(at + 3 * row)]
            s4 += f[uint64(at + 4 * row)]
            s5 += f[uint64(at + 5 * row)]
            s6 += f[uint64(at + 6 * row)]
            s7 += f[uint64(at + 7 * row)]
        for r, value in enumerate((s0, s1, s2, s3, s4, s5, s6, s7)):
            f[uint64(o + r * so)] = value
        x += 8 * row
        o += 8 * so
        done += 8
    for _ in range(done, outer):
        total = 0.0
        for j in range(inner):
            total += f[uint64(x + j * step)]
        f[uint64(o)] = total
        x += row
        o += so


@njit(**OPTIONS)
def _sums_if(f, u, e, s, o, m, x):
    """Sums of the values whose mask is true, each row in ascending order, eight rows at a time."""
    inner, outer = e[s + INNER], e[s + OUTER]
    im, sm, ix, sx, so = e[s + A + STEP], e[s + A + ROW], e[s + B + STEP], e[s + B + ROW], e[s + OUT + ROW]
    done = 0
    while done + 8 <= outer:
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
        for j in range(inner):
            at, on = x + j * ix, m + j * im
            s0 += f[uint64(at)] if u[uint64(on)] else 0.0
            s1 += f[uint64(at + sx)] if u[uint64(on + sm)] else 0.0
            s2 += f[uint64(at + 2 * sx)] if u[uint64(on + 2 * sm)] else 0.0
            s3 += f[uint64(at + 3 * sx)] if u[uint64(on + 3 * sm)] else 0.0
            s4 += f[uint64(at + 4 * sx)] if u[uint64(on + 4 * sm)] else 0.0
            s5 += f[uint64(at + 5 * sx)] if u[uint64(on + 5 * sm)] else 0.0
            s6 += f[uint64(at + 6 * sx)] if u[uint64(on + 6 * sm)] else 0.0
            s7 += f[uint64(at + 7 * sx)] if u[uint64(on + 7 * sm)] else 0.0
        for r, value in enumerate((s0, s1, s2, s3, s4, s5, s6, s7)):
            f[uint64(o + r * so)] = value
        x += 8 * sx
        m += 8 * sm
        o += 8 * so
        done += 8
    for _ in range(done, outer):
        total = 0.0
        for j in range(inner):
            if u[uint64(m + j * im)]:
                total += f[uint64(x + j * ix)]
        f[uint64(o)] = total
        x += sx
        m += sm
        o += so


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
    if not last:
        first = first_true(mask, m, step, 0, inner)
        return float(first) if first < inner else -1.0
    return float(last_true(mask, m, step, inner))


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


KINDS = ("count", "sum", "sum_if", "product", "maximum", "minimum", "first", "last")
COUNT, SUM, SUM_IF, PRODUCT, MAXIMUM, MINIMUM, FIRST, LAST = range(8)


@njit(**OPTIONS)
def fold(kind, f, u, e, s, o, x, px, m, pm):
    """Inner form of every reduction to a number: one result per row. ``px`` and ``pm`` say which operand of the shape
    ``x`` (in ``f``) and ``m`` (in ``u``) are."""
    if kind == SUM:
        _sums(f, e, s, o, x)
        return
    if kind == SUM_IF:
        _sums_if(f, u, e, s, o, m, x)
        return
    inner = e[s + INNER]
    ix, im = e[s + px + STEP], e[s + pm + STEP]
    for _ in range(e[s + OUTER]):
        if kind == COUNT:
            value = _count(u, m, im, inner)
        elif kind == PRODUCT:
            value = _product(f, x, ix, inner)
        elif kind in (MAXIMUM, MINIMUM):
            value = _extreme(f, x, ix, inner, kind == MAXIMUM)
        else:
            value = _place(u, m, im, inner, kind == LAST)
        f[uint64(o)] = value
        o += e[s + OUT + ROW]
        x += e[s + px + ROW]
        m += e[s + pm + ROW]


@njit(**OPTIONS)
def fold_any(u, e, s, o, m, pm):
    """Inner form of "is any true"."""
    for _ in range(e[s + OUTER]):
        u[uint64(o)] = _any(u, m, e[s + pm + STEP], e[s + INNER])
        o += e[s + OUT + ROW]
        m += e[s + pm + ROW]


@njit(**OPTIONS)
def _neutral(kind):
    if kind == PRODUCT:
        return 1.0
    if kind == MAXIMUM:
        return -np.inf
    if kind == MINIMUM:
        return np.inf
    return -1.0 if kind in (FIRST, LAST) else 0.0


@njit(**OPTIONS)
def fold_rows(kind, f, u, e, s, o, x, px, m, pm):
    """Outer form of every reduction to a number: the rows are folded into one row of results."""
    inner = e[s + INNER]
    io, ix, im = e[s + OUT + STEP], e[s + px + STEP], e[s + pm + STEP]
    for j in range(inner):
        f[uint64(o + j * io)] = _neutral(kind)
    for i in range(e[s + OUTER]):
        for j in range(inner):
            place = uint64(o + j * io)
            if kind == SUM:
                f[place] += f[uint64(x + j * ix)]
            elif kind == COUNT:
                f[place] += u[uint64(m + j * im)]
            elif kind == SUM_IF:
                if u[uint64(m + j * im)]:
                    f[place] += f[uint64(x + j * ix)]
            elif kind == PRODUCT:
                f[place] *= f[uint64(x + j * ix)]
            elif kind in (MAXIMUM, MINIMUM):
                f[place] = _more_extreme(f[place], f[uint64(x + j * ix)], kind == MAXIMUM)
            elif u[uint64(m + j * im)] and (kind == LAST or f[place] < 0.0):
                f[place] = float(i)
        x += e[s + px + ROW]
        m += e[s + pm + ROW]


@njit(**OPTIONS)
def fold_rows_any(u, e, s, o, m, pm):
    """Outer form of "is any true"."""
    inner = e[s + INNER]
    io, im = e[s + OUT + STEP], e[s + pm + STEP]
    for j in range(inner):
        u[uint64(o + j * io)] = 0
    for _ in range(e[s + OUTER]):
        for j in range(inner):
            place = uint64(o + j * io)
            u[place] = np.uint8(u[place] | u[uint64(m + j * im)])
        m += e[s + pm + ROW]
