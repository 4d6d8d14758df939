"""IR on torch tensors: the same operations on any device torch has, in float64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from attndsl.compiler.emit_numpy import NumpyBackend
from attndsl.compiler.ir import Op, ordered
from attndsl.compiler.texts import code_of

_TYPES = {np.dtype(np.float64): torch.float64, np.dtype(np.bool_): torch.bool, np.dtype(np.int64): torch.int64}


def _first(array: torch.Tensor, dim: int) -> torch.Tensor:
    if array.shape[dim] == 0:
        return torch.full(_without(array.shape, dim), -1.0, dtype=torch.float64, device=array.device)
    index = array.to(torch.int8).argmax(dim=dim)
    return torch.where(array.any(dim=dim), index, -1).to(torch.float64)


def _last(array: torch.Tensor, dim: int) -> torch.Tensor:
    if array.shape[dim] == 0:
        return torch.full(_without(array.shape, dim), -1.0, dtype=torch.float64, device=array.device)
    from_end = torch.flip(array, (dim,)).to(torch.int8).argmax(dim=dim)
    return torch.where(array.any(dim=dim), array.shape[dim] - 1 - from_end, -1).to(torch.float64)


def _sum(array: torch.Tensor, dim: int) -> torch.Tensor:
    """On the CPU in ascending order, as the interpreter adds; accelerators add in their own order."""
    if array.device.type != "cpu" or array.shape[dim] == 0:
        return array.sum(dim=dim)
    return torch.cumsum(array, dim=dim).select(dim, -1)


def _without(shape: Sequence[int], dim: int) -> tuple[int, ...]:
    return tuple(shape[:dim]) + tuple(shape[dim + 1 :])


def _extreme(fold: Any, empty: float) -> Any:
    def reduce(array: torch.Tensor, dim: int) -> torch.Tensor:
        if array.shape[dim] == 0:
            return torch.full(_without(array.shape, dim), empty, dtype=torch.float64, device=array.device)
        result: torch.Tensor = fold(array, dim=dim)
        return result

    return reduce


class TorchBackend:
    """Operations for ``array_machine.Machine`` on a torch device. Text functions are answered on the CPU."""

    elementwise: ClassVar[dict[str, Any]] = {
        "add": torch.add,
        "sub": torch.sub,
        "mul": torch.mul,
        "div": torch.div,
        "floordiv": lambda a, b: torch.div(a, b, rounding_mode="floor"),
        "mod": torch.remainder,
        "pow": torch.pow,
        "neg": torch.neg,
        "min": lambda a, b: torch.where(b < a, b, a),
        "max": lambda a, b: torch.where(b > a, b, a),
        "abs": torch.abs,
        "exp": torch.exp,
        "log": torch.log,
        "sqrt": torch.sqrt,
        "tanh": torch.tanh,
        "sin": torch.sin,
        "cos": torch.cos,
        "floor": torch.floor,
        "ceil": torch.ceil,
        "round": torch.round,
        "trunc": torch.trunc,
        "lt": torch.lt,
        "le": torch.le,
        "eq": torch.eq,
        "and": torch.logical_and,
        "or": torch.logical_or,
        "not": torch.logical_not,
        "float": lambda a: a.to(torch.float64),
        "select": torch.where,
    }
    reductions: ClassVar[dict[str, Any]] = {
        "any": lambda a, dim: a.any(dim=dim),
        "sum": _sum,
        "product": lambda a, dim: a.prod(dim=dim),
        "maximum": _extreme(torch.amax, float("-inf")),
        "minimum": _extreme(torch.amin, float("inf")),
        "first": _first,
        "last": _last,
    }

    def __init__(self, device: str = "cpu") -> None:
        self.device = torch.device(device)
        self._texts = NumpyBackend()

    def leaf(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.array(array, order="C")).to(self.device)

    def arange(self, start: int, stop: int) -> torch.Tensor:
        return torch.arange(start, stop, dtype=torch.float64, device=self.device)

    def constant(self, value: float | bool) -> torch.Tensor:
        return torch.tensor(value, dtype=torch.bool if isinstance(value, bool) else torch.float64, device=self.device)

    def text_code(self, text: str) -> torch.Tensor:
        return torch.tensor(code_of(text), dtype=torch.int64, device=self.device)

    def map_text(self, op: Op, arrays: list[torch.Tensor]) -> torch.Tensor:
        return self.leaf(self._texts.map_text(op, [array.cpu().numpy() for array in arrays]))

    def gather(
        self, array: torch.Tensor, index: torch.Tensor, axes: tuple[str, ...], axis: str, index_axes: tuple[str, ...]
    ) -> torch.Tensor:
        result_axes = ordered([a for a in axes if a != axis] + list(index_axes))
        dim = axes.index(axis)
        sizes = dict(zip(index_axes, index.shape, strict=True)) | dict(zip(axes, array.shape, strict=True))
        if array.shape[dim] == 0:
            return torch.zeros(tuple(sizes[a] for a in result_axes), dtype=array.dtype, device=self.device)
        clipped = torch.nan_to_num(index, nan=0.0).clamp(0, array.shape[dim] - 1).to(torch.int64)
        places = []
        for a in axes:
            if a == axis:
                lengths = dict(zip(index_axes, clipped.shape, strict=True))
                places.append(clipped.reshape(tuple(lengths.get(r, 1) for r in result_axes)))
            else:
                shape = tuple(sizes[a] if r == a else 1 for r in result_axes)
                places.append(torch.arange(sizes[a], device=self.device).reshape(shape))
        return array[tuple(places)]

    def rank(self, array: torch.Tensor, dim: int) -> torch.Tensor:
        numbers = array.to(torch.float64)
        return torch.cumsum(numbers, dim=dim) - numbers

    def permute(self, array: torch.Tensor, order: Sequence[int]) -> torch.Tensor:
        return array.permute(*order) if len(order) > 1 else array

    def full(self, array: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        return array.expand(shape)

    def first_true(self, array: torch.Tensor) -> tuple[int, ...] | None:
        if not bool(array.any()):
            return None
        flat = int(array.reshape(-1).to(torch.int8).argmax())
        return tuple(int(i) for i in np.unravel_index(flat, tuple(array.shape)))
