"""e**x for whole rows in vector code; numba's own calls the C library once per number.

x = k ln 2 + r with |r| <= ln 2 / 2; e**r is its Taylor sum to r**13 / 13! (relative error below 1e-17); 2**k is made
from its bits. Where the result is no ordinary float64 (overflow, below 2**-1022, nan) the C library is asked.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types, uint64
from numba.extending import intrinsic

from attndsl.runtime.machine.loops import INNER, OPTIONS, OUT, OUTER, ROW, STEP, A

LOWEST, HIGHEST = -708.0, 709.0
LOG2_E = 1.4426950408889634
# ln 2 in two parts: the first has 20 bits, so that k times it is exact.
LN2_HIGH = 0.6931467056274414
LN2_LOW = 4.7493250390316726e-07
ROUNDER = 1.5 * 2.0**52  # adding it rounds to a whole number, which stands in the low bits of the sum
FACTORS = tuple(1.0 / math.factorial(n) for n in range(14))


@intrinsic
def _from_bits(typing_context: Any, bits: Any) -> Any:
    """An int64 seen as a float64."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), code


@intrinsic
def _to_bits(typing_context: Any, number: Any) -> Any:
    """A float64 seen as an int64."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), code


@njit(**{**OPTIONS, "fastmath": {"contract"}})
def _ordinary(x):
    """e**x for LOWEST <= x <= HIGHEST."""
    shifted = x * LOG2_E + ROUNDER
    k = shifted - ROUNDER
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    total = FACTORS[13]
    total = total * r + FACTORS[12]
    total = total * r + FACTORS[11]
    total = total * r + FACTORS[10]
    total = total * r + FACTORS[9]
    total = total * r + FACTORS[8]
    total = total * r + FACTORS[7]
    total = total * r + FACTORS[6]
    total = total * r + FACTORS[5]
    total = total * r + FACTORS[4]
    total = total * r + FACTORS[3]
    total = total * r + FACTORS[2]
    total = total * r + 1.0
    total = total * r + 1.0
    return total * _from_bits((_to_bits(shifted) + 1023) << 52)


@njit(**OPTIONS)
def exponential(f, e, s, o, a):
    """``out[i] = e ** a[i]``."""
    n = uint64(e[s + INNER])
    for _ in range(e[s + OUTER]):
        uo, ua = uint64(o), uint64(a)
        if e[s + A + STEP] == 0:
            value = math.exp(f[ua])
            for j in range(n):
                f[uo + j] = value
        else:
            special = np.uint8(0)
            for j in range(n):
                x = f[ua + j]
                inside = LOWEST <= x <= HIGHEST
                nothing = x == -np.inf
                special = np.uint8(special | np.uint8(not (inside or nothing)))
                value = _ordinary(x if inside else 0.0)
                f[uo + j] = 0.0 if nothing else value
            if special:
                for j in range(n):
                    f[uo + j] = math.exp(f[ua + j])
        o += e[s + OUT + ROW]
        a += e[s + A + ROW]
