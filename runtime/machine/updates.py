"""Changes of the rows of some queries, in the matrix itself."""

# mypy: disable-error-code="call-arg, no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, uint64

from attndsl.runtime.machine.lanes import ALL, WORD, lowest, lowest_bits, true_places, truths, word_changers
from attndsl.runtime.machine.loops import INNER, OPTIONS, OUT, OUTER, ROW, STEP, A, B, C

SET, ADD, MUL, DIV, MAX, MIN = range(6)  # as in compiler/bytecode_updates.py
_, PUT_ADD, PUT_MUL, PUT_MAX, PUT_MIN = range(5)  # as in compiler/bytecode_places.py


def row_updater(combined: Any) -> Any:
    """``f[o + j] = combined(f[o + j], f[x + j])`` where the mask is true, for the rows whose guard is true; steps of
    mask and value are 1 or 0."""
    by_one, by_many = word_changers(combined)

    @njit(**OPTIONS)
    def row(f, u, uo, um, ux, im, ix, n):
        if im == 0 and not u[um]:
            return
        for low in range(uint64(0), n, uint64(WORD)):
            word = (truths(u, um + low) if im == 1 else ALL) & lowest_bits(n - low)
            if ix == 0:
                by_one(f, uo + low, word, f[ux])
            else:
                by_many(f, uo + low, word, ux + low)

    @njit(**OPTIONS)
    def rows(f, u, e, s, o, g, m, x):
        n, im, ix = uint64(e[s + INNER]), e[s + B + STEP], e[s + C + STEP]
        so, sm, sx = e[s + OUT + ROW], e[s + B + ROW], e[s + C + ROW]
        for low in range(0, e[s + OUTER], WORD):
            guards = true_places(u, g, e[s + A + ROW], low, e[s + OUTER])
            while guards != 0:
                i = low + np.int64(lowest(guards))
                guards &= guards - uint64(1)
                row(f, u, uint64(o + i * so), uint64(m + i * sm), uint64(x + i * sx), im, ix, n)

    return rows


_set, _add, _mul, _div, _max, _min = (
    row_updater(combined)
    for combined in (
        lambda builder, old, new: new,
        lambda builder, old, new: builder.fadd(old, new),
        lambda builder, old, new: builder.fmul(old, new),
        lambda builder, old, new: builder.fdiv(old, new),
        lambda builder, old, new: builder.select(builder.fcmp_ordered(">", new, old), new, old),
        lambda builder, old, new: builder.select(builder.fcmp_ordered("<", new, old), new, old),
    )
)


@njit(**OPTIONS)
def update(kind, f, u, e, s, o, g, m, x):
    """Rows whose guard is true are changed where the mask is true."""
    if kind == SET:
        _set(f, u, e, s, o, g, m, x)
    elif kind == ADD:
        _add(f, u, e, s, o, g, m, x)
    elif kind == MUL:
        _mul(f, u, e, s, o, g, m, x)
    elif kind == DIV:
        _div(f, u, e, s, o, g, m, x)
    elif kind == MAX:
        _max(f, u, e, s, o, g, m, x)
    else:
        _min(f, u, e, s, o, g, m, x)


@njit(**OPTIONS)
def put_at(kind, f, u, e, s, o, a, m, b):
    """``out[row, a[row]] = b[row]`` where ``m[row]``, or combined with what is there. Other numbers than places do
    nothing. ``kind``: as in compiler/bytecode_places.py."""
    width, so, sa, sb = e[s + INNER], e[s + OUT + ROW], e[s + A + ROW], e[s + C + ROW]
    for low in range(0, e[s + OUTER], WORD):
        guards = true_places(u, m, e[s + B + ROW], low, e[s + OUTER])
        while guards != 0:
            i = low + np.int64(lowest(guards))
            guards &= guards - uint64(1)
            place = f[uint64(a + i * sa)]
            if 0.0 <= place < width and place == np.floor(place):
                at = uint64(o + i * so + int(place))
                value, old = f[uint64(b + i * sb)], f[at]
                if kind == PUT_ADD:
                    value = old + value
                elif kind == PUT_MUL:
                    value = old * value
                elif kind == PUT_MAX:
                    value = value if value > old else old
                elif kind == PUT_MIN:
                    value = value if value < old else old
                f[at] = value
