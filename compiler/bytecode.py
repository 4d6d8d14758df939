"""Bytecode for the one machine that runs every program: instructions as plain numbers, nothing to compile per program.

    program   := segment*                  a segment is run once, once per block of query rows, or once per row
    segment   := instruction*
    instruction := opcode, out, a, b, c, shape, extra      (int32; out, a, b, c are registers)
    register  := a piece of one of two heaps (float64, or uint8 for truth values), sized by the length of the text
                   (extra: a check's number; a result's program, with 1 as out when it ends at the query)
                   An ``each`` runs the ``extra`` instructions behind it for each row at work and each place where its
                   guard ``a`` is true; the two outermost loops of their shapes are that row and that place
    shape     := up to five nested loops, and for each operand where it starts and how far each loop moves it

Sizes are symbols until a text is at hand: a *monomial* is a product of ``SIZES``. ``compiler/emit_bytecode.py`` writes
bytecode, ``runtime/machine`` runs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.compiler.ir import IRProgram, Op

# Sizes of a dimension. SEEN is the number of keys that the queries of a block may see, ROWS the rows at work now.
ONE, TOKENS, WORDS, SEEN, ROWS, DISTANCES = range(6)
SIZES = ("one", "tokens", "words", "seen", "rows", "distances")

# How an operand finds its start: nothing, rows of the text, rows of the block, distances (y - x), one row of them; the
# last is the size of the axis that a gather looks up.
START_ZERO, START_QUERY, START_IN_BLOCK, START_DISTANCE, START_DISTANCE_OF_QUERY, START_SIZE = range(6)

# How often a segment is run.
ONCE, PER_BLOCK, PER_ROW = range(3)

LOOPS = 5
OPERANDS = 4  # out, a, b, c
MINUS_ONE, ZERO_STRIDE = -2, -1  # in the place of a monomial

FLOAT_BINARY = ("add", "sub", "mul", "div", "floordiv", "mod", "pow", "min", "max")
FLOAT_UNARY = ("neg", "abs", "exp", "log", "sqrt", "tanh", "sin", "cos", "floor", "ceil", "round", "trunc")
OPCODES: tuple[str, ...] = (
    *FLOAT_BINARY, *FLOAT_UNARY, "lt", "le", "eq", "and", "or", "not", "float", "select", "select_b", "add_if",
    "copy", "copy_b", "gather", "gather_b", "put_at", "update", "join", "rank",
    "running_sum", "running_count", "running_last", "next_true",
    "any_at", "count_at", "any_where", "count_where",
    "sum_where", "product_where", "maximum_where", "minimum_where",
    "sum_masked", "product_masked", "maximum_masked", "minimum_masked",
    "any", "count", "sum", "sum_if", "product", "maximum", "minimum", "first", "last", "check", "result",
    "each",
)  # fmt: skip
OPCODE = {name: number for number, name in enumerate(OPCODES)}


@dataclass(frozen=True)
class LeafSlot:
    """A register that is filled before the machine starts. ``op`` is the leaf; ``programs`` read it."""

    register: int
    op: Op
    programs: tuple[int, ...]


@dataclass(frozen=True)
class CheckSlot:
    """A run-time check: its program, its number there, and its axes with their sizes in storage order."""

    program: int
    number: int
    storage: tuple[tuple[str, int], ...]


@dataclass(frozen=True, eq=False)
class Bytecode:
    """Programs of one library as arrays.

    ``code`` int32 [instructions, 7]; ``segments`` int32 [segments, 6]: pass, how often, first and one past the last
    instruction, the same of its shapes in ``used_shapes`` int32; ``monomials`` int32 [monomials, 6]: exponent of
    each size; ``shape_loops`` int32 [shapes, LOOPS]:
    monomials; ``shape_starts`` int32 [shapes, OPERANDS, 2]: kind, monomial; ``shape_strides`` int32 [shapes, OPERANDS,
    LOOPS]; ``registers`` int32 [registers, 2]: heap (0 float64, 1 uint8), monomial. ``fills`` float64 [programs]: the
    value of a result beyond the keys that are seen. ``stripped`` [programs]: the own normalisation was left out,
    because the one that ends every program (``runtime/pattern.normalise``) gives the same pattern.
    """

    programs: tuple[IRProgram, ...]
    code: NDArray[np.int32]
    segments: NDArray[np.int32]
    used_shapes: NDArray[np.int32]
    monomials: NDArray[np.int32]
    shape_loops: NDArray[np.int32]
    shape_starts: NDArray[np.int32]
    shape_strides: NDArray[np.int32]
    registers: NDArray[np.int32]
    fills: NDArray[np.float64]
    leaves: tuple[LeafSlot, ...]
    checks: tuple[CheckSlot, ...]
    passes: int
    needs_words: tuple[bool, ...]
    stripped: tuple[bool, ...]

    def __str__(self) -> str:
        names = {number: name for name, number in OPCODE.items()}
        lines = []
        for level, often, low, high, *_ in self.segments.tolist():
            lines.append(f"pass {level}, {('once', 'per block', 'per row')[often]}:")
            lines += [
                f"  r{out} = {names[op]} r{a}, r{b}, r{c}  shape {shape}, {extra}"
                for op, out, a, b, c, shape, extra in self.code[low:high].tolist()
            ]
        return "\n".join(lines)


def sizes(tokens: int, words: int, seen: int, rows: int) -> list[int]:
    """The numbers behind ``SIZES``."""
    return [1, tokens, words, seen, rows, max(2 * tokens - 1, 0)]


def evaluate_monomials(monomials: NDArray[np.int32], values: list[int]) -> NDArray[np.int64]:
    """Products of sizes, int64 [monomials]."""
    products: NDArray[np.int64] = np.prod(np.asarray(values, dtype=np.int64)[None, :] ** monomials, axis=1)
    return products


Storage = tuple[tuple[str, int], ...]


def is_leaf_value(op: Any) -> bool:
    """True for operations that are answered on the host before the machine starts."""
    return isinstance(op, Op) and op.name in ("const", "text", "n", "iota", "column", "relation", "host", "answered")
