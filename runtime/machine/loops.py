"""Loops over contiguous rows of the two heaps, one small compiled function per kind of operation.

Operands are where they begin (``o`` the result, ``a``, ``b``, ``c``); how often the two loops run and how far each
moves an operand is read from the shape ``e[s : s + WIDTH]``. Inner steps of operands are 1 or 0, the result's is 1.
Values are float64 (heap ``f``), truth values uint8 0 or 1 (heap ``u``).

Two things keep the vector code alive: unsigned indices, which cannot wrap around, and steps that are read anew for
every row, because a compiler that knows them joins the overlap checks of all rows and gives up on steps below zero.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, uint64

from attndsl.compiler.bytecode import LOOPS, OPERANDS

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}

WIDTH = LOOPS + OPERANDS * (LOOPS + 1)
"""Numbers of one shape: how often each loop runs; for each operand its start and its step in each loop."""

OUT, A, B, C = (LOOPS + (LOOPS + 1) * operand for operand in range(OPERANDS))
OUTER, INNER = LOOPS - 2, LOOPS - 1  # the two loops that are run here
ROW, STEP = LOOPS - 1, LOOPS  # from an operand's start: its step per row and per element


def binary(function):
    """``out[i] = function(a[i], b[i])``."""

    @njit(**OPTIONS)
    def loops(out, x, y, e, s, o, a, b):
        n = uint64(e[s + INNER])
        ia, ib = e[s + A + STEP], e[s + B + STEP]
        for _ in range(e[s + OUTER]):
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
            o += e[s + OUT + ROW]
            a += e[s + A + ROW]
            b += e[s + B + ROW]

    return loops


def unary(function):
    """``out[i] = function(a[i])``."""

    @njit(**OPTIONS)
    def loops(out, x, e, s, o, a):
        n = uint64(e[s + INNER])
        for _ in range(e[s + OUTER]):
            uo, ua = uint64(o), uint64(a)
            if e[s + A + STEP] == 1:
                for j in range(n):
                    out[uo + j] = function(x[ua + j])
            else:
                value = function(x[ua])
                for j in range(n):
                    out[uo + j] = value
            o += e[s + OUT + ROW]
            a += e[s + A + ROW]

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
    whole = np.floor(quotient)
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
def _power(x, y):
    """x**y; what needs no C library is what most counts and switches ask for."""
    if y == 0.0:
        return 1.0
    if y == 1.0 or x == 1.0:
        return x
    return x * x if y == 2.0 else x**y


# Operations that cost much more than a step through memory, in one loop: it keeps the machine small.
FLOORDIV, MOD, POW, LOG, TANH, SIN, COS = range(7)


@njit(**OPTIONS)
def costly(kind, out, x, y, e, s, o, a, b):
    """``out[i] = function(a[i], b[i])`` for functions without vector code."""
    for _ in range(e[s + OUTER]):
        for j in range(e[s + INNER]):
            left, right = x[uint64(a + j * e[s + A + STEP])], y[uint64(b + j * e[s + B + STEP])]
            if kind == FLOORDIV:
                value = _floor_divide(left, right)
            elif kind == MOD:
                value = _remainder(left, right)
            elif kind == POW:
                value = _power(left, right)
            elif kind == LOG:
                value = np.log(left)
            elif kind == SIN:
                value = math.sin(left)
            elif kind == COS:
                value = math.cos(left)
            else:
                value = math.tanh(left)
            out[uint64(o + j)] = value
        o += e[s + OUT + ROW]
        a += e[s + A + ROW]
        b += e[s + B + ROW]


def _function(function):
    return njit(**OPTIONS)(function)


add = binary(_function(lambda x, y: x + y))
sub = binary(_function(lambda x, y: x - y))
mul = binary(_function(lambda x, y: x * y))
div = binary(_function(lambda x, y: x / y))
smaller = binary(_function(lambda x, y: y if y < x else x))
larger = binary(_function(lambda x, y: y if y > x else x))
less = binary(_function(lambda x, y: np.uint8(x < y)))
less_equal = binary(_function(lambda x, y: np.uint8(x <= y)))
equal = binary(_function(lambda x, y: np.uint8(x == y)))

negative = unary(_function(lambda x: -x))
absolute = unary(_function(lambda x: abs(x)))
root = unary(_function(lambda x: np.sqrt(x)))
down = unary(_function(lambda x: np.floor(x)))
up = unary(_function(lambda x: np.ceil(x)))
nearest = unary(_function(lambda x: np.rint(x)))
toward_zero = unary(_function(lambda x: np.trunc(x)))
negated = unary(_function(lambda x: np.uint8(x ^ 1)))
number = unary(_function(lambda x: float(x)))


def chooser():
    """``out[i] = x[i] if mask[i] else y[i]``, for one kind of value."""

    @njit(**OPTIONS)
    def loops(out, mask, x, y, e, s, o, m, a, b):
        n = uint64(e[s + INNER])
        ia, ib = e[s + B + STEP], e[s + C + STEP]
        for _ in range(e[s + OUTER]):
            uo, um, ua, ub = uint64(o), uint64(m), uint64(a), uint64(b)
            if e[s + A + STEP] == 0:
                if mask[um]:
                    _copy_row(out, uo, x, ua, ia, n)
                else:
                    _copy_row(out, uo, y, ub, ib, n)
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
            o += e[s + OUT + ROW]
            m += e[s + A + ROW]
            a += e[s + B + ROW]
            b += e[s + C + ROW]

    return loops


@njit(**OPTIONS)
def _copy_row(out, uo, x, ua, ia, n):
    if ia == 1:
        for j in range(n):
            out[uo + j] = x[ua + j]
    else:
        value = x[ua]
        for j in range(n):
            out[uo + j] = value


choose = chooser()
choose_truth = chooser()


@njit(**OPTIONS)
def add_if(f, u, e, s, o, a, m, b):
    """``out[i] = a[i] + (b[i] if m[i] else 0)``."""
    n = uint64(e[s + INNER])
    ia, im, ib = e[s + A + STEP], e[s + B + STEP], e[s + C + STEP]
    for _ in range(e[s + OUTER]):
        uo, um, ua, ub = uint64(o), uint64(m), uint64(a), uint64(b)
        if im == 1 and ia == 1 and ib == 0:
            right = f[ub]
            for j in range(n):
                left = f[ua + j]
                f[uo + j] = left + (right if u[um + j] else 0.0)
        elif im == 1 and ia == 1:
            for j in range(n):
                left, right = f[ua + j], f[ub + j]
                f[uo + j] = left + (right if u[um + j] else 0.0)
        elif im == 0 and not u[um]:
            _copy_row(f, uo, f, ua, ia, n)
        else:
            va, vb, vm = uint64(ia), uint64(ib), uint64(im)
            for j in range(n):
                f[uo + j] = f[ua + j * va] + (f[ub + j * vb] if u[um + j * vm] else 0.0)
        o += e[s + OUT + ROW]
        a += e[s + A + ROW]
        m += e[s + B + ROW]
        b += e[s + C + ROW]


def copier():
    """``out[i] = x[i]`` with any steps, for one kind of value."""

    @njit(**OPTIONS)
    def loops(out, x, e, s, o, a):
        io, ia = e[s + OUT + STEP], e[s + A + STEP]
        for _ in range(e[s + OUTER]):
            if io == 1 and (ia == 0 or ia == 1):  # a step may be -1: distances
                _copy_row(out, uint64(o), x, uint64(a), ia, uint64(e[s + INNER]))
            else:
                for j in range(e[s + INNER]):
                    out[uint64(o + j * io)] = x[uint64(a + j * ia)]
            o += e[s + OUT + ROW]
            a += e[s + A + ROW]

    return loops


@njit(**OPTIONS)
def join(u, e, s, o, a):
    """``out[i] |= x[i]``; x may be one value."""
    n, ia = uint64(e[s + INNER]), e[s + A + STEP]
    for _ in range(e[s + OUTER]):
        uo, ua = uint64(o), uint64(a)
        if ia == 1:
            for j in range(n):
                u[uo + j] = np.uint8(u[uo + j] | u[ua + j])
        elif u[ua]:
            for j in range(n):
                u[uo + j] = np.uint8(1)
        o += e[s + OUT + ROW]
        a += e[s + A + ROW]


def gatherer():
    """``out[i] = x[... index[i] ...]`` along an axis; its size is the start of the fourth operand, its step the step
    there. An index outside is clipped, nan is 0."""

    @njit(**OPTIONS)
    def loops(out, x, index, e, s, o, a, b):
        n = uint64(e[s + INNER])
        size, along = e[s + C], e[s + C + STEP]
        ia, ib = e[s + A + STEP], e[s + B + STEP]
        for _ in range(e[s + OUTER]):
            uo = uint64(o)
            if size == 0:
                for j in range(n):
                    out[uo + j] = 0
            elif ib == 0 and ia == 1:
                ua = uint64(a + _clipped(index[uint64(b)], size) * along)
                for j in range(n):
                    out[uo + j] = x[ua + j]
            else:
                for j in range(e[s + INNER]):
                    place = a + j * ia + _clipped(index[uint64(b + j * ib)], size) * along
                    out[uint64(o + j)] = x[uint64(place)]
            o += e[s + OUT + ROW]
            a += e[s + A + ROW]
            b += e[s + B + ROW]

    return loops


@njit(**OPTIONS)
def _clipped(value, size):
    if not value > 0.0:  # nan too
        return 0
    return int(value) if value < size else size - 1


copy, copy_truth = copier(), copier()
gather, gather_truth = gatherer(), gatherer()
