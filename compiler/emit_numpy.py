"""IR on numpy arrays: the portable back end, and the reference for the faster ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from attndsl.compiler.ir import Op, ordered
from attndsl.compiler.texts import code_of, text_map


def _first(array: np.ndarray, dim: int) -> np.ndarray:
    if array.shape[dim] == 0:
        return np.full(_without(array.shape, dim), -1.0)
    return np.where(array.any(axis=dim), array.argmax(axis=dim), -1).astype(np.float64)


def _last(array: np.ndarray, dim: int) -> np.ndarray:
    if array.shape[dim] == 0:
        return np.full(_without(array.shape, dim), -1.0)
    from_end = np.flip(array, axis=dim).argmax(axis=dim)
    return np.where(array.any(axis=dim), array.shape[dim] - 1 - from_end, -1).astype(np.float64)


def _sum(array: np.ndarray, dim: int) -> np.ndarray:
    """In ascending order, as the interpreter adds, so that a sum compared with a number decides the same way."""
    if array.size == array.shape[dim] > 0:
        return np.asarray(np.take(np.add.accumulate(array, axis=dim), -1, axis=dim))
    return np.asarray(np.ascontiguousarray(np.moveaxis(array, dim, 0)).sum(axis=0))


def _without(shape: tuple[int, ...], dim: int) -> tuple[int, ...]:
    return shape[:dim] + shape[dim + 1 :]


class NumpyBackend:
    """Operations for ``array_machine.Machine``; values are float64, bool and int64 arrays."""

    elementwise: ClassVar[dict[str, Any]] = {
        "add": np.add,
        "sub": np.subtract,
        "mul": np.multiply,
        "div": np.divide,
        "floordiv": np.floor_divide,
        "mod": np.mod,
        "pow": np.power,
        "neg": np.negative,
        "min": lambda a, b: np.where(b < a, b, a),
        "max": lambda a, b: np.where(b > a, b, a),
        "abs": np.abs,
        "exp": np.exp,
        "log": np.log,
        "sqrt": np.sqrt,
        "tanh": np.tanh,
        "sin": np.sin,
        "cos": np.cos,
        "floor": np.floor,
        "ceil": np.ceil,
        "round": np.round,
        "trunc": np.trunc,
        "lt": np.less,
        "le": np.less_equal,
        "eq": np.equal,
        "and": np.logical_and,
        "or": np.logical_or,
        "not": np.logical_not,
        "float": lambda a: a.astype(np.float64),
        "select": np.where,
    }
    reductions: ClassVar[dict[str, Any]] = {
        "any": lambda a, dim: a.any(axis=dim),
        "sum": _sum,
        "product": lambda a, dim: a.prod(axis=dim),
        "maximum": lambda a, dim: a.max(axis=dim, initial=-np.inf),
        "minimum": lambda a, dim: a.min(axis=dim, initial=np.inf),
        "first": _first,
        "last": _last,
    }

    def leaf(self, array: np.ndarray) -> np.ndarray:
        return array

    def arange(self, start: int, stop: int) -> np.ndarray:
        return np.arange(start, stop, dtype=np.float64)

    def constant(self, value: float | bool) -> np.ndarray:
        return np.asarray(value, dtype=np.bool_ if isinstance(value, bool) else np.float64)

    def text_code(self, text: str) -> np.ndarray:
        return np.asarray(code_of(text), dtype=np.int64)

    def map_text(self, op: Op, arrays: list[np.ndarray]) -> np.ndarray:
        name, constants = op.attr
        function = text_map(name, constants, op.dtype, len(arrays))
        if len(arrays) == 1:
            return np.asarray(function(arrays[0]))
        left, right = np.broadcast_arrays(*arrays)
        return np.asarray(function(left, right))

    def gather(
        self, array: np.ndarray, index: np.ndarray, axes: tuple[str, ...], axis: str, index_axes: tuple[str, ...]
    ) -> np.ndarray:
        result_axes = ordered([a for a in axes if a != axis] + list(index_axes))
        dim = axes.index(axis)
        sizes = dict(zip(index_axes, index.shape, strict=True)) | dict(zip(axes, array.shape, strict=True))
        if array.shape[dim] == 0:
            return np.zeros(tuple(sizes[a] for a in result_axes), dtype=array.dtype)
        clipped = np.clip(np.nan_to_num(index, nan=0.0), 0, array.shape[dim] - 1).astype(np.int64)
        places = []
        for a in axes:
            if a == axis:
                lengths = dict(zip(index_axes, clipped.shape, strict=True))
                places.append(clipped.reshape(tuple(lengths.get(r, 1) for r in result_axes)))
            else:
                places.append(np.arange(sizes[a]).reshape(tuple(sizes[a] if r == a else 1 for r in result_axes)))
        return np.asarray(array[tuple(places)])

    def rank(self, array: np.ndarray, dim: int) -> np.ndarray:
        return np.asarray(np.cumsum(array, axis=dim) - array, dtype=np.float64)

    def permute(self, array: np.ndarray, order: Sequence[int]) -> np.ndarray:
        return np.transpose(array, order)

    def full(self, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        return np.broadcast_to(array, shape)

    def first_true(self, array: np.ndarray) -> tuple[int, ...] | None:
        if not array.any():
            return None
        return tuple(int(i) for i in np.unravel_index(int(array.argmax()), array.shape))
