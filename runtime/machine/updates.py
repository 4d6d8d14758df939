"""Changes of the rows of some queries, in the matrix itself."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

from numba import njit, uint64

from attndsl.runtime.machine.loops import INNER, OPTIONS, OUT, OUTER, ROW, STEP, A, B, C
from attndsl.runtime.machine.octets import OCTET, first_true, last_true

SET, ADD, MUL, DIV, MAX, MIN = range(6)  # as in compiler/bytecode_updates.py


def row_updater(function):
    """``f[o + j] = function(f[o + j], f[x + j])`` where the mask is true; steps of mask and value are 1 or 0.

    ``one`` is 1.0, which the compiler must not know: it would store under a condition then, one value at a time.
    """
    combined = njit(**OPTIONS)(function)

    @njit(**OPTIONS)
    def row(f, u, uo, um, ux, one, im, ix, n):
        if im == 1 and ix == 1:
            for j in range(n):
                old = f[uo + j]
                new = combined(old, f[ux + j])
                f[uo + j] = new if u[um + j] else old * one
        elif im == 1:
            right = f[ux]
            for j in range(n):
                old = f[uo + j]
                new = combined(old, right)
                f[uo + j] = new if u[um + j] else old * one
        elif ix == 1:
            for j in range(n):
                f[uo + j] = combined(f[uo + j], f[ux + j])
        else:
            right = f[ux]
            for j in range(n):
                f[uo + j] = combined(f[uo + j], right)

    return row


_set, _add, _mul, _div, _max, _min = (
    row_updater(function)
    for function in (
        lambda old, new: new,
        lambda old, new: old + new,
        lambda old, new: old * new,
        lambda old, new: old / new,
        lambda old, new: new if new > old else old,
        lambda old, new: new if new < old else old,
    )
)


@njit(**OPTIONS)
def update(kind, f, u, e, s, o, g, m, x):
    """Rows whose guard is true are changed where the mask is true; keys before the first such place and after the last
    are not looked at."""
    width, im, ix = e[s + INNER], e[s + B + STEP], e[s + C + STEP]
    for _ in range(e[s + OUTER]):
        one = float(u[uint64(g)])
        if one != 0.0:
            low, high = 0, width
            if im == 1:
                # whole octets: what is left over of a vector loop goes one by one
                low = first_true(u, m, 1, 0, width) // OCTET * OCTET
                high = min(last_true(u, m, 1, width) // OCTET * OCTET + OCTET, width)
            elif not u[uint64(m)]:
                high = 0
            if low < high:
                at, mask, value = uint64(o + low), uint64(m + low * im), uint64(x + low * ix)
                _row(kind, f, u, at, mask, value, one, im, ix, uint64(high - low))
        o += e[s + OUT + ROW]
        g += e[s + A + ROW]
        m += e[s + B + ROW]
        x += e[s + C + ROW]


@njit(**OPTIONS)
def _row(kind, f, u, uo, um, ux, one, im, ix, n):
    if kind == SET:
        _set(f, u, uo, um, ux, one, im, ix, n)
    elif kind == ADD:
        _add(f, u, uo, um, ux, one, im, ix, n)
    elif kind == MUL:
        _mul(f, u, uo, um, ux, one, im, ix, n)
    elif kind == DIV:
        _div(f, u, uo, um, ux, one, im, ix, n)
    elif kind == MAX:
        _max(f, u, uo, um, ux, one, im, ix, n)
    else:
        _min(f, u, uo, um, ux, one, im, ix, n)
