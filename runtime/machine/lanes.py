"""Vectors of 64 truth values and of 8 numbers, written as such.

Rows of keys are short: what a compiler puts around a loop that it made vectors of (tests whether the arrays overlap,
what is left over at the end) costs as much as the row. Truth values of one row are asked as bits of one 64-bit number,
a *word*; numbers are changed eight at a time under eight of those bits, a *lane* each.

Registers lie ``runtime/machine/link.py`` apart, so that reading a whole vector at their end stays within the heap.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types, uint64
from numba.extending import intrinsic

from attndsl.runtime.machine.loops import OPTIONS

WORD, LANES = 64, 8
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_LITTLE = np.dtype("<u8") == np.dtype(np.uint64)
_DOUBLES, _SINGLES = ir.VectorType(ir.DoubleType(), LANES), ir.VectorType(ir.FloatType(), LANES)


def _vector(context: Any, builder: Any, kind: Any, array: Any, at: Any, vector: Any) -> Any:
    """The address of the vector that begins at array[at]."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), ir.PointerType(vector))


def _chosen(builder: Any, bits: Any) -> Any:
    """Eight conditions of the lowest bits of a word."""
    octet = builder.trunc(bits, ir.IntType(LANES))
    return builder.bitcast(octet if _LITTLE else builder.bitreverse(octet), ir.VectorType(ir.IntType(1), LANES))


def _spread(builder: Any, value: Any) -> Any:
    """Eight times the same number."""
    one = builder.insert_element(ir.Constant(_DOUBLES, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    places = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(_DOUBLES, ir.Undefined), places)


@intrinsic
def truths(typing_context: Any, u: Any, at: Any) -> Any:
    """The 64 truth values from u[at] on as bits, the first as the lowest."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        octets = ir.VectorType(ir.IntType(8), WORD)
        values = builder.load(_vector(context, builder, signature.args[0], *args, octets), align=1)
        found = builder.icmp_unsigned("!=", values, ir.Constant(octets, [0] * WORD))
        word = builder.bitcast(found, ir.IntType(WORD))
        return word if _LITTLE else builder.bitreverse(word)

    return types.uint64(u, types.uint64), code


@intrinsic
def lowest(typing_context: Any, word: Any) -> Any:
    """The place of the lowest bit of a word that is not zero."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), code


def changers(combined: Callable[[Any, Any, Any], Any]) -> tuple[Any, Any]:
    """``f[at + j] = combined(f[at + j], x[j])`` for those of eight lanes whose bit is 1; x is one number, or begins at
    a place of ``f``."""

    def store(context: Any, builder: Any, signature: Any, args: Any, new: Any) -> Any:
        place = _vector(context, builder, signature.args[0], args[0], args[1], _DOUBLES)
        old = builder.load(place, align=8)
        made = builder.select(_chosen(builder, args[2]), combined(builder, old, new), old)
        builder.store(made, place, align=8)
        return context.get_dummy_value()

    @intrinsic
    def by_one(typing_context: Any, f: Any, at: Any, bits: Any, value: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return store(context, builder, signature, args, _spread(builder, args[3]))

        return types.none(f, types.uint64, types.uint64, types.float64), code

    @intrinsic
    def by_many(typing_context: Any, f: Any, at: Any, bits: Any, value_at: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            place = _vector(context, builder, signature.args[0], args[0], args[3], _DOUBLES)
            return store(context, builder, signature, args, builder.load(place, align=8))

        return types.none(f, types.uint64, types.uint64, types.uint64), code

    return by_one, by_many


@intrinsic
def scaled(typing_context: Any, out: Any, at: Any, x: Any, x_at: Any, bits: Any, scale: Any) -> Any:
    """``out[at + j] = float32(x[x_at + j] * scale)`` for eight lanes; 0 for numbers that are not above it, and for
    lanes whose bit is 0."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _vector(context, builder, signature.args[2], args[2], args[3], _DOUBLES)
        zeros = ir.Constant(_DOUBLES, [0.0] * LANES)
        value = builder.fmul(builder.load(place, align=8), _spread(builder, args[5]))
        above = builder.and_(builder.fcmp_ordered(">", value, zeros), _chosen(builder, args[4]))
        single = builder.fptrunc(builder.select(above, value, zeros), _SINGLES)
        builder.store(single, _vector(context, builder, signature.args[0], args[0], args[1], _SINGLES), align=4)
        return context.get_dummy_value()

    return types.none(out, types.uint64, x, types.uint64, types.uint64, types.float64), code


@njit(**OPTIONS)
def true_places(u, at, step, low, high):
    """The truth values of places low..low+63 as a word, zero from place ``high`` on; place j lies at
    u[at + j * step]."""
    count = high - low
    word = uint64(0)
    if step == 1:
        word = truths(u, uint64(at + low))
    elif step == 0:
        word = ALL if u[uint64(at)] else uint64(0)
    else:
        for j in range(min(count, WORD)):
            word |= uint64(u[uint64(at + (low + j) * step)]) << uint64(j)
    return word if count >= WORD else word & ((uint64(1) << uint64(count)) - uint64(1))
