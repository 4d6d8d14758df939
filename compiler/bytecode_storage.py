"""Where values lie while bytecode runs: registers, the order of their dimensions, and the loops of an instruction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attndsl.compiler.bytecode import (
    LOOPS,
    MINUS_ONE,
    ONE,
    OPERANDS,
    ROWS,
    SEEN,
    SIZES,
    START_DISTANCE,
    START_DISTANCE_OF_QUERY,
    START_IN_BLOCK,
    START_QUERY,
    START_SIZE,
    START_ZERO,
    TOKENS,
    ZERO_STRIDE,
    Storage,
)
from attndsl.compiler.ir import axis_rank, is_word_axis
from attndsl.dsl.diagnostics import fail

Product = tuple[int, ...]  # sizes whose product is meant, sorted
Stride = int | Product  # ZERO_STRIDE, MINUS_ONE or a product
Start = tuple[int, Product]


def storage_order(axis: str) -> tuple[int, int]:
    """Queries first, then keys and bound variables; rows and columns of tables last."""
    return (1 if axis in ("r", "c") else 0, axis_rank(axis))


def is_token_axis(axis: str) -> bool:
    return axis not in ("r", "c") and not is_word_axis(axis)


@dataclass(frozen=True)
class Value:
    """A register and the dimensions in the order in which they lie there; with ``distance`` a view of a vector over
    y - x for the axes (x, y)."""

    register: int
    storage: Storage
    dtype: str
    distance: tuple[str, str] | None = None

    def stride(self, axis: str) -> Stride:
        """How far one step along the axis moves."""
        if self.distance is not None:
            return ZERO_STRIDE if axis not in self.distance else MINUS_ONE if axis == self.distance[0] else ()
        for place, (name, _) in enumerate(self.storage):
            if name == axis:
                return product(code for _, code in self.storage[place + 1 :])
        return ZERO_STRIDE

    def size(self, axis: str) -> int | None:
        """The size code of an axis, None when the value lacks it."""
        return dict(self.storage).get(axis)

    def start(self, blocked: bool, without: str | None = None) -> Start:
        """Where the first element lies for the rows at work; ``without`` is an axis that is looked up, not walked."""
        if self.distance is not None:
            of_query = blocked and self.distance[0] == "q" and without != "q"
            return (START_DISTANCE_OF_QUERY if of_query else START_DISTANCE), ()
        code = self.size("q")
        stride = self.stride("q")
        if not blocked or without == "q" or code not in (TOKENS, ROWS) or isinstance(stride, int):
            return START_ZERO, ()
        return (START_QUERY if code == TOKENS else START_IN_BLOCK), stride

    def renamed(self, old: str, new: str) -> Value:
        storage = tuple((new if axis == old else axis, code) for axis, code in self.storage)
        pair = tuple(new if axis == old else axis for axis in self.distance) if self.distance else None
        return Value(self.register, storage, self.dtype, pair)  # type: ignore[arg-type]


def product(codes: object) -> Product:
    return tuple(sorted(code for code in codes if code != ONE))  # type: ignore[attr-defined]


@dataclass
class Loop:
    """One loop: how often, and the stride of each operand (out, a, b, c)."""

    count: Product
    strides: tuple[Stride, ...]


def merged(loops: list[Loop], keep: int) -> list[Loop]:
    """Neighbouring loops joined where every operand lies without gaps; the last ``keep`` stay as they are."""
    done: list[Loop] = []
    for place, loop in enumerate(loops):
        inner = place >= len(loops) - keep
        pairs = zip(done[-1].strides, loop.strides, strict=True) if done and not inner else None
        if pairs is not None and all(_joins(a, b, loop.count) for a, b in pairs):
            done[-1] = Loop(product((*done[-1].count, *loop.count)), loop.strides)
        else:
            done.append(loop)
    return done


def _joins(outer: Stride, inner: Stride, count: Product) -> bool:
    if isinstance(outer, int) or isinstance(inner, int):
        return outer == inner == ZERO_STRIDE
    return outer == product((*inner, *count))


class Tables:
    """Monomials, shapes and registers, each kept once."""

    def __init__(self) -> None:
        self.products: dict[Product, int] = {}
        self.shapes: dict[tuple[object, ...], int] = {}
        self.registers: list[tuple[int, int]] = []
        self._free: dict[tuple[int, int], list[int]] = defaultdict(list)

    def monomial(self, sizes: Product) -> int:
        return self.products.setdefault(sizes, len(self.products))

    def register(self, dtype: str, storage: Storage, lasting: bool = False) -> int:
        """A register; one that was given back where that is possible, unless it has to outlive its block."""
        key = (int(dtype == "b"), self.monomial(product(TOKENS if code == SEEN else code for _, code in storage)))
        if self._free[key] and not lasting:
            return self._free[key].pop()
        self.registers.append(key)
        return len(self.registers) - 1

    def release(self, register: int) -> None:
        self._free[self.registers[register]].append(register)

    def shape(self, loops: list[Loop], starts: list[Start], fixed: Sequence[Loop] = ()) -> int:
        """The number of a shape; ``fixed`` are outermost loops that must keep their places.

        Raises DiagnosticError E0560 for more nested loops than the machine has.
        """
        number = len(fixed) + len(loops)
        if number > LOOPS:
            raise fail(
                "E0560", f"an operation runs over {number} positions at once, the machine has {LOOPS} loops",
                help="nest fewer aggregates, or use the numpy back end",
            )  # fmt: skip
        blank = Loop((), (ZERO_STRIDE,) * OPERANDS)
        padded = [*fixed, *[blank] * (LOOPS - number), *loops]
        starts = starts + [(START_ZERO, ())] * (OPERANDS - len(starts))
        key = (
            tuple(self.monomial(loop.count) for loop in padded),
            tuple((kind, self.monomial(size)) for kind, size in starts),
            tuple(tuple(self._stride(loop, operand) for loop in padded) for operand in range(OPERANDS)),
        )
        return self.shapes.setdefault(key, len(self.shapes))

    def _stride(self, loop: Loop, operand: int) -> int:
        stride = loop.strides[operand] if operand < len(loop.strides) else ZERO_STRIDE
        return stride if isinstance(stride, int) else self.monomial(stride)

    def arrays(self) -> dict[str, NDArray[np.int32]]:
        """The tables as the fields of ``Bytecode``."""
        keys = list(self.shapes)
        exponents = [[sizes.count(code) for code in range(len(SIZES))] for sizes in self.products]
        return {
            "monomials": np.array(exponents, dtype=np.int32).reshape(-1, len(SIZES)),
            "shape_loops": np.array([key[0] for key in keys], dtype=np.int32).reshape(-1, LOOPS),
            "shape_starts": np.array([key[1] for key in keys], dtype=np.int32).reshape(-1, OPERANDS, 2),
            "shape_strides": np.array([key[2] for key in keys], dtype=np.int32).reshape(-1, OPERANDS, LOOPS),
            "registers": np.array(self.registers, dtype=np.int32).reshape(-1, 2),
        }


def table_operand(value: Value, axis: str) -> tuple[Start, Stride]:
    """The fourth operand of a gather: the size of the axis that is looked up as a start, its stride as a stride."""
    size = value.size(axis)
    assert size is not None
    return (START_SIZE, product((size,))), value.stride(axis)
