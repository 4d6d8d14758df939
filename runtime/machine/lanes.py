"""Vectors of 64 truth values and of 8 numbers, written as such.

Rows of keys are short: what a compiler puts around a loop that it made vectors of (tests whether the arrays overlap,
what is left over at the end) costs as much as the row. Truth values of one row are asked as bits of one 64-bit number,
a *word*; numbers are changed eight at a time under eight of those bits, a *lane* each.

A vector, or eight of them, may be read beyond the end of a register: ``runtime/machine/link.py`` leaves room behind
the last one. What is read there changes nothing.
"""

# mypy: disable-error-code="assignment, call-arg, no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types, uint64
from numba.extending import intrinsic

from attndsl.runtime.machine.loops import INNER, OPTIONS, OUT, OUTER, ROW, STEP, A, B

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


def _scaler(plain: bool) -> Any:
    """``out[at + j] = float32(x[x_at + j] * scale)`` for eight lanes; unless ``plain``, 0 for numbers that are not
    above it, and for lanes whose bit is 0."""

    @intrinsic
    def scaled(typing_context: Any, out: Any, at: Any, x: Any, x_at: Any, bits: Any, scale: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            values = builder.load(_vector(context, builder, signature.args[2], args[2], args[3], _DOUBLES), align=8)
            if not plain:
                values = builder.select(_chosen(builder, args[4]), values, ir.Constant(_DOUBLES, [0.0] * LANES))
                values = _positive(builder, values)
            found = builder.fptrunc(builder.fmul(values, _spread(builder, args[5])), _SINGLES)
            place = _vector(context, builder, signature.args[0], args[0], args[1], _SINGLES)
            builder.store(found, place, align=4)
            return context.get_dummy_value()

        return types.none(out, types.uint64, x, types.uint64, types.uint64, types.float64), code

    return scaled


scale_lanes, scale_some = _scaler(True), _scaler(False)


def _weigher(whole: bool, positive: bool) -> Any:
    """(sum, whether a sign is minus) of 64 numbers from x[at] on, or of those whose bit is 1; of the ``positive``
    ones only."""

    @intrinsic
    def weighed(typing_context: Any, x: Any, at: Any, word: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            zeros = ir.Constant(_DOUBLES, [0.0] * LANES)
            numbers = []
            for low in range(0, WORD, LANES):
                moved = ir.Constant(ir.IntType(WORD), low)
                at = builder.add(args[1], moved)
                values = builder.load(_vector(context, builder, signature.args[0], args[0], at, _DOUBLES), align=8)
                if not whole:
                    values = builder.select(_chosen(builder, builder.lshr(args[2], moved)), values, zeros)
                numbers.append(_positive(builder, values) if positive else values)
            whole_numbers = ir.VectorType(ir.IntType(WORD), LANES)
            signs = [builder.bitcast(values, whole_numbers) for values in numbers]
            minus = builder.icmp_signed("<", _paired(builder.or_, signs), ir.Constant(whole_numbers, [0] * LANES))
            octet = builder.zext(builder.bitcast(minus, ir.IntType(LANES)), ir.IntType(WORD))
            return context.make_tuple(builder, signature.return_type, (_sum(builder, numbers), octet))

        return types.Tuple((types.float64, types.uint64))(x, types.uint64, types.uint64), code

    return weighed


def _positive(builder: Any, values: Any) -> Any:
    zeros = ir.Constant(_DOUBLES, [0.0] * LANES)
    return builder.select(builder.fcmp_ordered(">", values, zeros), values, zeros)


weigh_word, weigh_some = _weigher(True, False), _weigher(False, False)
weigh_positive = _weigher(False, True)


def _paired(combined: Any, vectors: list[Any]) -> Any:
    """All vectors in one, combined in pairs."""
    while len(vectors) > 1:
        vectors = [combined(a, b) for a, b in zip(vectors[::2], vectors[1::2], strict=True)]
    return vectors[0]


def _sum(builder: Any, vectors: list[Any]) -> Any:
    """The sum of all numbers of these vectors, added in pairs."""
    found = _paired(builder.fadd, vectors)
    for width in (4, 2, 1):
        halves = [
            builder.shuffle_vector(found, found, ir.Constant(ir.VectorType(ir.IntType(32), width), list(places)))
            for places in (range(width), range(width, 2 * width))
        ]
        found = builder.fadd(*halves)
    return builder.extract_element(found, ir.Constant(ir.IntType(32), 0))


@intrinsic
def announce_write(typing_context: Any, out: Any, at: Any) -> Any:
    """Ask for the memory at out[at], to be written soon."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number, pointer = ir.IntType(32), ir.PointerType(ir.IntType(8))
        function = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        place = _vector(context, builder, signature.args[0], *args, ir.IntType(8))
        write, keep, data = (ir.Constant(number, value) for value in (1, 3, 1))
        builder.call(builder.module.declare_intrinsic("llvm.prefetch", [pointer], function), [place, write, keep, data])
        return context.get_dummy_value()

    return types.none(out, types.uint64), code


def joiner(joined: Callable[[Any, Any, Any], Any]) -> tuple[Any, Any]:
    """``out[j] = joined(a[j], b[j])`` for rows of truth values, each step of a and b 1 or 0; and the same for those of
    64 of them whose bit is 1."""

    def values(context: Any, builder: Any, kind: Any, u: Any, at: Any, many: bool) -> Any:
        octets = ir.VectorType(ir.IntType(8), WORD)
        if many:
            return builder.load(_vector(context, builder, kind, u, at, octets), align=1)
        one = builder.load(_vector(context, builder, kind, u, at, ir.IntType(8)))
        first = builder.insert_element(ir.Constant(octets, ir.Undefined), one, ir.Constant(ir.IntType(32), 0))
        places = ir.Constant(ir.VectorType(ir.IntType(32), WORD), [0] * WORD)
        return builder.shuffle_vector(first, ir.Constant(octets, ir.Undefined), places)

    def of_words(a_many: bool, b_many: bool) -> Any:
        @intrinsic
        def word(typing_context: Any, u: Any, o: Any, a: Any, b: Any, bits: Any) -> Any:
            def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
                u, o, a, b, bits = args
                kind, octets = signature.args[0], ir.VectorType(ir.IntType(8), WORD)
                left, right = values(context, builder, kind, u, a, a_many), values(context, builder, kind, u, b, b_many)
                place = _vector(context, builder, kind, u, o, octets)
                bits = bits if _LITTLE else builder.bitreverse(bits)
                chosen = builder.bitcast(bits, ir.VectorType(ir.IntType(1), WORD))
                old = builder.load(place, align=1)
                builder.store(builder.select(chosen, joined(builder, left, right), old), place, align=1)
                return context.get_dummy_value()

            return types.none(u, types.uint64, types.uint64, types.uint64, types.uint64), code

        return word

    both_many, left_many = of_words(True, True), of_words(True, False)
    right_many, both_one = of_words(False, True), of_words(False, False)

    @njit(**OPTIONS)
    def rows(u, e, s, o, a, b):
        n, ia, ib = uint64(e[s + INNER]), e[s + A + STEP], e[s + B + STEP]
        for _ in range(e[s + OUTER]):
            uo, ua, ub = uint64(o), uint64(a), uint64(b)
            for low in range(uint64(0), n, uint64(WORD)):
                bits = lowest_bits(n - low)
                if ia == 1 and ib == 1:
                    both_many(u, uo + low, ua + low, ub + low, bits)
                elif ib == 1:
                    right_many(u, uo + low, ua, ub + low, bits)
                elif ia == 1:
                    left_many(u, uo + low, ua + low, ub, bits)
                else:
                    both_one(u, uo + low, ua, ub, bits)
            o += e[s + OUT + ROW]
            a += e[s + A + ROW]
            b += e[s + B + ROW]

    return rows, both_many


join_rows, join_word = joiner(lambda builder, a, b: builder.or_(a, b))
meet_rows, _ = joiner(lambda builder, a, b: builder.and_(a, b))


@njit(**OPTIONS)
def lowest_bits(count):
    """A word whose first ``count`` bits are 1, all of them where there are more."""
    return ALL if count >= uint64(WORD) else (uint64(1) << count) - uint64(1)


def word_changers(combined: Callable[[Any, Any, Any], Any]) -> tuple[Any, Any]:
    """As ``changers``, for the 64 numbers from f[at] on whose bit in a word is 1."""
    by_one, by_many = changers(combined)

    @njit(**OPTIONS)
    def word_by_one(f, at, word, value):
        if word == ALL:
            for lane in range(uint64(0), uint64(WORD), uint64(LANES)):
                by_one(f, at + lane, ALL, value)
            return
        while word != 0:
            lane = lowest(word) & uint64(56)
            by_one(f, at + lane, word >> lane, value)
            word &= ~(uint64(255) << lane)

    @njit(**OPTIONS)
    def word_by_many(f, at, word, value_at):
        if word == ALL:
            for lane in range(uint64(0), uint64(WORD), uint64(LANES)):
                by_many(f, at + lane, ALL, value_at + lane)
            return
        while word != 0:
            lane = lowest(word) & uint64(56)
            by_many(f, at + lane, word >> lane, value_at + lane)
            word &= ~(uint64(255) << lane)

    return word_by_one, word_by_many


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
    return word & lowest_bits(uint64(count))
