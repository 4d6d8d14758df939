"""Changes of the rows of some queries, in the matrix itself."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

from numba import njit, uint64

from attndsl.runtime.machine.loops import INNER, OPTIONS, OUT, OUTER, ROW, STEP, A, B, C

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
    """Rows whose guard is true are changed where the mask is true."""
    n, im, ix = uint64(e[s + INNER]), e[s + B + STEP], e[s + C + STEP]
    for _ in range(e[s + OUTER]):
        uo, um, ux = uint64(o), uint64(m), uint64(x)
        one = float(u[uint64(g)])
        if one != 0.0 and (im == 1 or u[um]):
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
        o += e[s + OUT + ROW]
        g += e[s + A + ROW]
        m += e[s + B + ROW]
        x += e[s + C + ROW]
