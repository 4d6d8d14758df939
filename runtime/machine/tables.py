"""Running values along an axis, and reductions that only visit the true places of a mask.

The second kind has a *guard*, which is nearly always false: a row of the result is made of the rows of a table, or of
single keys, for those places where the guard is true, in ascending order.
"""

# mypy: disable-error-code="call-arg, no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, uint64

from attndsl.runtime.machine.lanes import (
    WORD,
    join_word,
    lowest,
    lowest_bits,
    true_places,
    truths,
    word_changers,
)
from attndsl.runtime.machine.loops import INNER, OPTIONS, OUT, OUTER, ROW, STEP, A, B, C
from attndsl.runtime.machine.octets import first_true


@njit(**OPTIONS)
def rank(f, u, e, s, o, m, included):
    """Number of true values before each place of the inner axis; ``included`` 1 counts the place itself too."""
    io, im = e[s + OUT + STEP], e[s + A + STEP]
    for _ in range(e[s + OUTER]):
        before = np.int64(0)  # whole numbers: adding them takes a quarter of the time that numbers take
        for j in range(e[s + INNER]):
            true = np.int64(u[uint64(m + j * im)])
            f[uint64(o + j * io)] = float(before + included * true)
            before += true
        o += e[s + OUT + ROW]
        m += e[s + A + ROW]


@njit(**OPTIONS)
def running_sum(f, e, s, o, a):
    """Sum up to and with each place of the inner axis."""
    io, ia = e[s + OUT + STEP], e[s + A + STEP]
    for _ in range(e[s + OUTER]):
        total = 0.0
        for j in range(e[s + INNER]):
            total += f[uint64(a + j * ia)]
            f[uint64(o + j * io)] = total
        o += e[s + OUT + ROW]
        a += e[s + A + ROW]


@njit(**OPTIONS)
def running_place(last, f, u, e, s, o, m):
    """Index of the last true value up to and with each place, or -1; else the first from each place on, or infinity."""
    io, im, inner = e[s + OUT + STEP], e[s + A + STEP], e[s + INNER]
    for _ in range(e[s + OUTER]):
        found = -1.0 if last else np.inf
        for i in range(inner):
            j = i if last else inner - 1 - i
            if u[uint64(m + j * im)]:
                found = float(j)
            f[uint64(o + j * io)] = found
        o += e[s + OUT + ROW]
        m += e[s + A + ROW]


@njit(**OPTIONS)
def any_where(u, e, s, o, g, b):
    """Rows of a table joined where the guard is true."""
    outer, inner, step = e[s + OUTER], uint64(e[s + INNER]), e[s + A + ROW]
    uo = uint64(o)
    for j in range(inner):
        u[uo + j] = 0
    for first in range(0, outer, WORD):
        guards = true_places(u, g, step, first, outer)
        while guards != 0:
            ub = uint64(b + (first + np.int64(lowest(guards))) * e[s + B + ROW])
            guards &= guards - uint64(1)
            for j in range(uint64(0), inner, uint64(WORD)):
                join_word(u, uo + j, uo + j, ub + j, lowest_bits(inner - j))


@njit(**OPTIONS)
def count_where(f, u, e, s, o, g, b):
    """True values of a table counted where the guard is true."""
    outer, inner, step = e[s + OUTER], uint64(e[s + INNER]), e[s + A + ROW]
    uo = uint64(o)
    for j in range(inner):
        f[uo + j] = 0.0
    i = first_true(u, g, step, 0, outer)
    while i < outer:
        ub = uint64(b + i * e[s + B + ROW])
        for j in range(inner):
            f[uo + j] += u[ub + j]
        i = first_true(u, g, step, i + 1, outer)


SUM, PRODUCT, MAXIMUM, MINIMUM = range(4)  # in the order of the opcodes


@njit(**OPTIONS)
def _neutral(kind):
    if kind == SUM:
        return 0.0
    if kind == PRODUCT:
        return 1.0
    return -np.inf if kind == MAXIMUM else np.inf


@njit(**{**OPTIONS, "inline": "always"})
def _folded(kind, old, value):
    """Of the largest and the smallest, a value that is not a number wins."""
    if kind == SUM:
        return old + value
    if kind == PRODUCT:
        return old * value
    if kind == MAXIMUM:
        return value if value > old or value != value else old
    return value if value < old or value != value else old


def row_folder(kind):
    """``out[j] = folded(out[j], x[j])``."""

    @njit(**OPTIONS)
    def rows(f, uo, ub, inner):
        for j in range(inner):
            f[uo + j] = _folded(kind, f[uo + j], f[ub + j])

    return rows


_sum, _product, _maximum, _minimum = (row_folder(kind) for kind in (SUM, PRODUCT, MAXIMUM, MINIMUM))


def masked_folder(folded: Any) -> Any:
    """``out[j] = folded(out[j], value)`` where the mask is true."""
    by_one, _ = word_changers(folded)

    @njit(**OPTIONS)
    def row(f, u, uo, um, value, inner):
        for low in range(uint64(0), inner, uint64(WORD)):
            by_one(f, uo + low, truths(u, um + low) & lowest_bits(inner - low), value)

    return row


def _further(sign: str) -> Any:
    """The larger or the smaller of two numbers; a new one that is no number wins."""

    def folded(builder: Any, old: Any, value: Any) -> Any:
        wins = builder.or_(builder.fcmp_ordered(sign, value, old), builder.fcmp_unordered("uno", value, value))
        return builder.select(wins, value, old)

    return folded


_sum_masked = masked_folder(lambda builder, old, value: builder.fadd(old, value))
_product_masked = masked_folder(lambda builder, old, value: builder.fmul(old, value))
_maximum_masked, _minimum_masked = masked_folder(_further(">")), masked_folder(_further("<"))


@njit(**OPTIONS)
def fold_where(kind, f, u, e, s, o, g, b):
    """Rows of a table folded where the guard is true, in ascending order."""
    outer, inner, step = e[s + OUTER], uint64(e[s + INNER]), e[s + A + ROW]
    uo = uint64(o)
    for j in range(inner):
        f[uo + j] = _neutral(kind)
    i = first_true(u, g, step, 0, outer)
    while i < outer:
        ub = uint64(b + i * e[s + B + ROW])
        if kind == SUM:
            _sum(f, uo, ub, inner)
        elif kind == PRODUCT:
            _product(f, uo, ub, inner)
        elif kind == MAXIMUM:
            _maximum(f, uo, ub, inner)
        else:
            _minimum(f, uo, ub, inner)
        i = first_true(u, g, step, i + 1, outer)


@njit(**OPTIONS)
def fold_masked(kind, f, u, e, s, o, g, m, x):
    """One value for each true place of the guard, folded into the keys where its row of the mask is true."""
    outer, inner, step = e[s + OUTER], uint64(e[s + INNER]), e[s + A + ROW]
    uo = uint64(o)
    for j in range(inner):
        f[uo + j] = _neutral(kind)
    i = first_true(u, g, step, 0, outer)
    while i < outer:
        um, value = uint64(m + i * e[s + B + ROW]), f[uint64(x + i * e[s + C + ROW])]
        if kind == SUM:
            _sum_masked(f, u, uo, um, value, inner)
        elif kind == PRODUCT:
            _product_masked(f, u, uo, um, value, inner)
        elif kind == MAXIMUM:
            _maximum_masked(f, u, uo, um, value, inner)
        else:
            _minimum_masked(f, u, uo, um, value, inner)
        i = first_true(u, g, step, i + 1, outer)


@njit(**OPTIONS)
def any_at(f, u, e, s, o, g, p):
    """One key marked for each true value of the guard; other numbers than keys mark nothing."""
    outer, inner, step = e[s + OUTER], e[s + INNER], e[s + A + ROW]
    uo = uint64(o)
    for j in range(uint64(inner)):
        u[uo + j] = 0
    i = first_true(u, g, step, 0, outer)
    while i < outer:
        place = f[uint64(p + i * e[s + B + ROW])]
        if 0.0 <= place < inner and place == np.floor(place):
            u[uint64(o + int(place))] = 1
        i = first_true(u, g, step, i + 1, outer)


@njit(**OPTIONS)
def count_at(f, u, e, s, o, g, p):
    """One key counted for each true value of the guard; other numbers than keys count nothing."""
    outer, inner, step = e[s + OUTER], e[s + INNER], e[s + A + ROW]
    uo = uint64(o)
    for j in range(uint64(inner)):
        f[uo + j] = 0.0
    i = first_true(u, g, step, 0, outer)
    while i < outer:
        place = f[uint64(p + i * e[s + B + ROW])]
        if 0.0 <= place < inner and place == np.floor(place):
            f[uint64(o + int(place))] += 1.0
        i = first_true(u, g, step, i + 1, outer)
