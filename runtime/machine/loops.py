"""Loops over contiguous rows of the two heaps, one small compiled function per kind of operation.

Every operand is (heap, first element, step per outer iteration, step per inner iteration). Inner steps of operands are 1
or 0; the result's is 1. Unsigned indices keep the compiler from looking for negative ones, which would cost the vector
code. Values are float64; truth values are uint8 0 or 1.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, uint64

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}


def binary(function):
    """``out[i] = function(a[i], b[i])``."""

    @njit(**OPTIONS)
    def loops(out, o, so, x, a, sa, ia, y, b, sb, ib, outer, inner):
        n = uint64(inner)
        for _ in range(outer):
            uo, ua, ub = uint64(o), uint64(a), uint64(b)
            if ia == 1 and ib == 1:
                for j in range(n):
                    out[uo + j] = function(x[ua + j], y[ub + j])
            elif ia == 1:
                right = y[ub]
                for j in range(n):
                    out[uo + j] = function(x[ua + j], right)
            elif ib == 1:
                left = x[ua]
                for j in range(n):
                    out[uo + j] = function(left, y[ub + j])
            else:
                value = function(x[ua], y[ub])
                for j in range(n):
                    out[uo + j] = value
            o += so
            a += sa
            b += sb

    return loops


def unary(function):
    """``out[i] = function(a[i])``."""

    @njit(**OPTIONS)
    def loops(out, o, so, x, a, sa, ia, outer, inner):
        n = uint64(inner)
        for _ in range(outer):
            uo, ua = uint64(o), uint64(a)
            if ia == 1:
                for j in range(n):
                    out[uo + j] = function(x[ua + j])
            else:
                value = function(x[ua])
                for j in range(n):
                    out[uo + j] = value
            o += so
            a += sa

    return loops


@njit(**OPTIONS)
def _floor_divide(x, y):
    """numpy's floor division, which rounds the quotient of the exact remainder."""
    if y == 0.0:
        return x / y
    rest = np.fmod(x, y)
    quotient = (x - rest) / y
    if rest != 0.0 and (y < 0.0) != (rest < 0.0):
        quotient -= 1.0
    if quotient == 0.0:
        return math.copysign(0.0, x / y)
    whole = math.floor(quotient) if math.isfinite(quotient) else quotient
    return whole + 1.0 if quotient - whole > 0.5 else whole


@njit(**OPTIONS)
def _remainder(x, y):
    """numpy's remainder: it has the sign of the divisor."""
    if y == 0.0:
        return np.nan
    rest = np.fmod(x, y)
    if rest == 0.0:
        return math.copysign(0.0, y)
    return rest + y if (y < 0.0) != (rest < 0.0) else rest


@njit(**OPTIONS)
def _number_of(x):
    return 1.0 if x != 0 else 0.0


def _inline(function):
    return njit(**OPTIONS)(function)


add = binary(_inline(lambda x, y: x + y))
sub = binary(_inline(lambda x, y: x - y))
mul = binary(_inline(lambda x, y: x * y))
div = binary(_inline(lambda x, y: x / y))
floordiv = binary(_floor_divide)
mod = binary(_remainder)
power = binary(_inline(lambda x, y: x**y))
smaller = binary(_inline(lambda x, y: y if y < x else x))
larger = binary(_inline(lambda x, y: y if y > x else x))
less = binary(_inline(lambda x, y: np.uint8(x < y)))
less_equal = binary(_inline(lambda x, y: np.uint8(x <= y)))
equal = binary(_inline(lambda x, y: np.uint8(x == y)))
both = binary(_inline(lambda x, y: np.uint8(x & y)))
either = binary(_inline(lambda x, y: np.uint8(x | y)))

negative = unary(_inline(lambda x: -x))
absolute = unary(_inline(lambda x: abs(x)))
exponential = unary(_inline(lambda x: math.exp(x)))
logarithm = unary(_inline(lambda x: np.log(x)))
root = unary(_inline(lambda x: np.sqrt(x)))
tangent = unary(_inline(lambda x: math.tanh(x)))
down = unary(_inline(lambda x: np.floor(x)))
up = unary(_inline(lambda x: np.ceil(x)))
nearest = unary(_inline(lambda x: np.rint(x)))
toward_zero = unary(_inline(lambda x: np.trunc(x)))
negated = unary(_inline(lambda x: np.uint8(x ^ 1)))
number = unary(_number_of)


@njit(**OPTIONS)
def choose(out, o, so, mask, m, sm, im, x, a, sa, ia, y, b, sb, ib, outer, inner):
    """``out[i] = x[i] if mask[i] else y[i]``."""
    n = uint64(inner)
    for _ in range(outer):
        uo, um, ua, ub = uint64(o), uint64(m), uint64(a), uint64(b)
        if im == 0:
            if mask[um]:
                _fill(out, uo, x, ua, ia, n)
            else:
                _fill(out, uo, y, ub, ib, n)
        elif ia == 1 and ib == 1:
            for j in range(n):
                left, right = x[ua + j], y[ub + j]
                out[uo + j] = left if mask[um + j] else right
        elif ia == 1:
            right = y[ub]
            for j in range(n):
                left = x[ua + j]
                out[uo + j] = left if mask[um + j] else right
        elif ib == 1:
            left = x[ua]
            for j in range(n):
                right = y[ub + j]
                out[uo + j] = left if mask[um + j] else right
        else:
            left, right = x[ua], y[ub]
            for j in range(n):
                out[uo + j] = left if mask[um + j] else right
        o += so
        m += sm
        a += sa
        b += sb


@njit(**OPTIONS)
def _fill(out, uo, x, ua, ia, n):
    if ia == 1:
        for j in range(n):
            out[uo + j] = x[ua + j]
    else:
        value = x[ua]
        for j in range(n):
            out[uo + j] = value


@njit(**OPTIONS)
def add_if(out, o, so, x, a, sa, ia, mask, m, sm, im, y, b, sb, ib, outer, inner):
    """``out[i] = x[i] + (y[i] if mask[i] else 0)``."""
    n = uint64(inner)
    for _ in range(outer):
        uo, um, ua, ub = uint64(o), uint64(m), uint64(a), uint64(b)
        if im == 1 and ia == 1 and ib == 0:
            right = y[ub]
            for j in range(n):
                left = x[ua + j]
                out[uo + j] = left + (right if mask[um + j] else 0.0)
        elif im == 1 and ia == 1:
            for j in range(n):
                left, right = x[ua + j], y[ub + j]
                out[uo + j] = left + (right if mask[um + j] else 0.0)
        elif im == 0 and not mask[um]:
            _fill(out, uo, x, ua, ia, n)
        else:
            va, vb, vm = uint64(ia), uint64(ib), uint64(im)
            for j in range(n):
                out[uo + j] = x[ua + j * va] + (y[ub + j * vb] if mask[um + j * vm] else 0.0)
        o += so
        m += sm
        a += sa
        b += sb


@njit(**OPTIONS)
def copy(out, o, so, io, x, a, sa, ia, outer, inner):
    """``out[i] = x[i]`` with any steps."""
    for _ in range(outer):
        for j in range(inner):
            out[uint64(o + j * io)] = x[uint64(a + j * ia)]
        o += so
        a += sa


@njit(**OPTIONS)
def gather(out, o, so, x, a, sa, ia, index, b, sb, ib, size, step, outer, inner):
    """``out[i] = x[... index[i] ...]`` along an axis of that size and step; an index outside is clipped, nan is 0."""
    n = uint64(inner)
    for _ in range(outer):
        uo = uint64(o)
        if size == 0:
            for j in range(n):
                out[uo + j] = 0
        elif ib == 0:
            place = a + _clipped(index[uint64(b)], size) * step
            if ia == 1:
                up_ = uint64(place)
                for j in range(n):
                    out[uo + j] = x[up_ + j]
            else:
                for j in range(inner):
                    out[uint64(o + j)] = x[uint64(place + j * ia)]
        else:
            for j in range(inner):
                place = a + j * ia + _clipped(index[uint64(b + j * ib)], size) * step
                out[uint64(o + j)] = x[uint64(place)]
        o += so
        a += sa
        b += sb


@njit(**OPTIONS)
def _clipped(value, size):
    if not value > 0.0:  # nan too
        return 0
    return int(value) if value < size else size - 1
