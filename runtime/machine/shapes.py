"""Shapes for the rows at work: how often loops run and where operands lie; the next place that a body runs for."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

from numba import njit

from attndsl.compiler.bytecode import (
    LOOPS,
    OPERANDS,
    START_DISTANCE,
    START_DISTANCE_OF_QUERY,
    START_IN_BLOCK,
    START_QUERY,
    START_SIZE,
)
from attndsl.runtime.machine.loops import OPTIONS, WIDTH, A
from attndsl.runtime.machine.octets import first_true


@njit(**OPTIONS)
def bind_shapes(e, monomials, loops, starts, strides, used, n, q, block):
    """The numbers of the shapes that a segment uses, for the rows at work."""
    for s in used:
        base = s * WIDTH
        for i in range(LOOPS):
            e[base + i] = monomials[loops[s, i]]
        for operand in range(OPERANDS):
            to = base + LOOPS + operand * (LOOPS + 1)
            for i in range(LOOPS):
                stride = strides[s, operand, i]
                e[to + 1 + i] = monomials[stride] if stride >= 0 else (0 if stride == -1 else -1)
    bind_starts(e, monomials, starts, used, n, q, block)


@njit(**OPTIONS)
def bind_starts(e, monomials, starts, used, n, q, block):
    """Where operands begin: all that changes from one row of a block to the next."""
    for s in used:
        for operand in range(OPERANDS):
            kind, size = starts[s, operand, 0], monomials[starts[s, operand, 1]]
            start = 0
            if kind == START_QUERY:
                start = q * size
            elif kind == START_IN_BLOCK:
                start = (q - block) * size
            elif kind == START_DISTANCE:
                start = n - 1
            elif kind == START_DISTANCE_OF_QUERY:
                start = n - 1 - q
            elif kind == START_SIZE:
                start = size
            e[s * WIDTH + LOOPS + operand * (LOOPS + 1)] = start


@njit(**OPTIONS)
def bind_monomials(monomials, exponents, sizes):
    for m in range(len(exponents)):
        value = 1
        for i in range(len(sizes)):
            for _ in range(exponents[m, i]):
                value *= sizes[i]
        monomials[m] = value


@njit(**OPTIONS)
def next_place(u, e, s, guard, row, place):
    """The first true place of a guard from (row, place) on; the number of rows where there is none."""
    while row < e[s]:
        place = first_true(u, guard + row * e[s + A + 1], e[s + A + 2], place, e[s + 1])
        if place < e[s + 1]:
            break
        row, place = row + 1, 0
    return row, place


@njit(**OPTIONS)
def moved(e, s, first, second, third, code, places, pc):
    """Where the operands lie in one repetition of the outer three loops."""
    found = (0, 0, 0, 0)
    for p in range(OPERANDS):
        at = s + LOOPS + p * (LOOPS + 1)
        place = places[code[pc, 1 + p]] + e[at] + first * e[at + 1] + second * e[at + 2] + third * e[at + 3]
        found = (found[1], found[2], found[3], place)
    return found
