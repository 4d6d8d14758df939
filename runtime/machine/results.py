"""What becomes of a finished row: the matrix as it is, a pattern, or a packed pattern.

A pattern row is what ``runtime/pattern.normalise`` makes of it. Rows that need care (not finite, sums near the ends of
float64) are not finished here: the program is marked and done again by that function.
"""

# mypy: disable-error-code="call-arg, no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

import numpy as np
from numba import njit, uint64

from attndsl.runtime.machine.lanes import (
    ALL,
    LANES,
    WORD,
    announce_write,
    lowest_bits,
    scale_lanes,
    scale_some,
    weigh_positive,
    weigh_some,
    weigh_word,
)
from attndsl.runtime.machine.loops import OPTIONS

SMALLEST, LARGEST = 1e-290, 1e290
"""Sums outside are left to the careful way, which divides by the largest weight first."""

LINE = 16
"""Numbers of a pattern in a cache line."""

RAW, PATTERN, PACKED_UINT8, PACKED_INT16, PACKED_FLOAT = range(5)
CARE, EMPTY, FILLED = range(3)


@njit(**OPTIONS)
def _weigh(x, ua, low, high):
    """(sum, whether a sign is minus) of x[ua + low : ua + high]."""
    total = 0.0
    minus = uint64(0)
    while low + uint64(WORD) <= high:
        more, sign = weigh_word(x, ua + low, ALL)
        total += more
        minus |= sign
        low += uint64(WORD)
    if low < high:
        more, sign = weigh_some(x, ua + low, lowest_bits(high - low))
        total += more
        minus |= sign
    return total, minus


@njit(**OPTIONS)
def _weigh_positive(x, ua, high):
    """The sum of the positive values of x[ua : ua + high]."""
    total = 0.0
    for low in range(uint64(0), high, uint64(WORD)):
        total += weigh_positive(x, ua + low, lowest_bits(high - low))[0]
    return total


@njit(**OPTIONS)
def announce_row(out, at, n):
    """Ask for the memory of a pattern row that is written soon."""
    for place in range(at, at + uint64(n), uint64(LINE)):
        announce_write(out, place)


@njit(**OPTIONS)
def pattern_row(out, at, n, x, ua, filled, fill, seen):
    """Make a pattern row out[at : at + n] of x[ua : ua + filled] followed by ``fill``; keys from ``seen`` on get
    nothing.

    A word of numbers of x from any of its places on can be read. Returns ``FILLED``, ``EMPTY`` (the row is all zero
    then), or ``CARE`` with the row untouched.
    """
    n, filled, seen = uint64(n), uint64(filled), uint64(seen)
    middle = min(filled, seen)
    total, minus = _weigh(x, ua, uint64(0), middle)
    flaw = total * 0.0  # not zero where a number, or the sum of all, is not finite
    if minus != 0:
        total = _weigh_positive(x, ua, middle)
    if middle < filled:
        flaw += _weigh(x, ua, middle, filled)[0] * 0.0
    beyond = 0.0
    if filled < n:
        flaw += fill * 0.0
        if filled < seen and fill > 0.0:
            beyond = fill
            total += fill * (seen - filled)
    if flaw != 0.0 or total > LARGEST or (total < SMALLEST and total != 0.0):
        return CARE
    if total == 0.0:
        _fill_row(out, at, uint64(0), n, 0.0)
        return EMPTY
    scale = 1.0 / total
    j = uint64(0)
    if minus == 0:
        while j + uint64(LANES) <= middle:
            scale_lanes(out, at + j, x, ua + j, ALL, scale)
            j += uint64(LANES)
    while j < middle and j + uint64(LANES) <= n:
        scale_some(out, at + j, x, ua + j, lowest_bits(middle - j), scale)
        j += uint64(LANES)
    while j < middle:
        value = x[ua + j] * scale
        out[at + j] = np.float32(value if value > 0.0 else 0.0)
        j += uint64(1)
    _fill_row(out, at, middle, seen, beyond * scale)
    _fill_row(out, at, max(seen, j), n, 0.0)
    return FILLED


@njit(**OPTIONS)
def _fill_row(out, at, low, high, value):
    for j in range(low, high):
        out[at + j] = np.float32(value)


@njit(**OPTIONS)
def raw_row(row, x, ua, filled, fill):
    """Copy x[ua : ua + filled], then ``fill``."""
    filled = uint64(filled)
    for j in range(filled):
        row[j] = x[ua + j]
    for j in range(filled, uint64(len(row))):
        row[j] = fill
