"""Python's operators on the values of a bounded program, with size limits where a result can be large."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from attndsl.runtime.loops.arrays import weigh
from attndsl.runtime.loops.containers import deque
from attndsl.runtime.loops.sized import counts
from attndsl.runtime.loops.state import (
    Run,
    bounded_list,
    check_size,
    paced,
    too_big_number,
    too_long_text,
    too_many_cells,
    walk,
)
from attndsl.runtime.loops.texts import check_percent

BinaryFunction = Callable[[Any, Any], Any]

PLAIN: dict[str, BinaryFunction] = {
    "Sub": operator.sub, "Div": operator.truediv, "FloorDiv": operator.floordiv, "Mod": operator.mod,
    "BitOr": operator.or_, "BitXor": operator.xor, "BitAnd": operator.and_, "RShift": operator.rshift,
    "Add": operator.add, "Mult": operator.mul, "Pow": operator.pow, "LShift": operator.lshift,
    "MatMult": operator.matmul,
}  # fmt: skip

IN_PLACE: dict[str, BinaryFunction] = {
    "Sub": operator.isub, "Div": operator.itruediv, "FloorDiv": operator.ifloordiv, "Mod": operator.imod,
    "BitOr": operator.ior, "BitXor": operator.ixor, "BitAnd": operator.iand, "RShift": operator.irshift,
    "Add": operator.iadd, "Mult": operator.imul, "Pow": operator.ipow, "LShift": operator.ilshift,
    "MatMult": operator.imatmul,
}  # fmt: skip

COMPARE: dict[str, BinaryFunction] = {
    "Eq": operator.eq, "NotEq": operator.ne, "Lt": operator.lt, "LtE": operator.le, "Gt": operator.gt,
    "GtE": operator.ge, "Is": operator.is_, "IsNot": operator.is_not,
    "In": lambda a, b: a in b, "NotIn": lambda a, b: a not in b,
}  # fmt: skip

UNARY: dict[str, Callable[[Any], Any]] = {
    "Not": operator.not_, "USub": operator.neg, "UAdd": operator.pos, "Invert": operator.invert,
}  # fmt: skip

_SEQUENCES = (list, tuple, str, bytes, deque)
_SETS = ("BitOr", "BitAnd", "BitXor", "Sub")
_PAID = (int, float, np.generic, np.ndarray, set, frozenset)
SMALL = frozenset({float, bool, np.float64, np.bool_, np.int64})  # results that need no look at their size


def before(run: Run, op: str, left: Any, right: Any) -> None:
    """Stop before an operation whose result would be too large to make."""
    if op == "Mult":
        _before_repeat(run, left, right)
    elif op == "Pow" and isinstance(left, int) and isinstance(right, int):
        if right > 0 and left.bit_length() * right > run.limits.bits * 2:
            raise too_big_number(run)
    elif op == "LShift" and isinstance(right, int):
        if isinstance(left, int) and right > run.limits.bits:
            raise too_big_number(run)
    elif op == "Mod" and isinstance(left, str):
        check_percent(run, left, right)
    if type(left) is Counter:
        counts(run, left, right)
    if type(left) is np.ndarray and type(right) is np.ndarray:
        _before_arrays(run, op, left, right)
        if left.itemsize > 16:
            weigh(run, left, right)
    elif type(left) is np.ndarray or type(right) is np.ndarray:
        weigh(run, left, right)


def _before_repeat(run: Run, left: Any, right: Any) -> None:
    for sequence, count in ((left, right), (right, left)):
        if isinstance(sequence, _SEQUENCES) and isinstance(count, int | np.integer) and count > 0:
            size = len(sequence) * int(count)
            if isinstance(sequence, str) and size > run.limits.characters:
                raise too_long_text(run)
            if size > run.cells:
                raise too_many_cells(run)


def _before_arrays(run: Run, op: str, left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> None:
    if op == "MatMult":
        matmul_cost(run, left, right)
    elif left.size * right.size > run.cells:
        try:
            shape = np.broadcast_shapes(left.shape, right.shape)
        except ValueError:
            return  # numpy raises its own error
        size = 1
        for extent in shape:
            size *= extent
        if size > run.cells:
            raise too_many_cells(run)


def _other_side(run: Run, op: str, left: Any, right: Any) -> Any:
    """What a list, a dict, its views or a deque take in from the right: any iterable, so it is counted here."""
    if op == "Add" and isinstance(left, list | deque):
        return bounded_list(run, right) if isinstance(left, deque) else walk(run, right)
    if op in _SETS and not isinstance(left, _PAID) and not isinstance(right, (*_PAID, dict)):
        return paced(run, bounded_list(run, right))
    return right


def matmul_cost(run: Run, left: Any, right: Any) -> None:
    """Charge a product of matrices by its multiplications (64 to a step)."""
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray) and left.ndim and right.ndim:
        inner = left.shape[-1]
        if left.ndim > 1 and right.ndim > 1:
            made = (left.size // max(inner, 1)) * (right.size // max(right.shape[-2], 1))
            if made > run.cells:
                raise too_many_cells(run)
        work = (left.size // max(inner, 1)) * inner * (right.size // max(right.shape[0], 1) if right.ndim > 1 else 1)
        run.step(work >> 6)


def binary(run: Run, op: str, left: Any, right: Any) -> Any:
    """``left op right`` with limits, for operands that are no plain small numbers."""
    before(run, op, left, right)
    if op in _SETS and not isinstance(left, _PAID):
        right = _other_side(run, op, left, right)
    value = PLAIN[op](left, right)
    if type(value) not in SMALL:
        check_size(run, value)
    return value


def in_place(run: Run, op: str, left: Any, right: Any) -> Any:
    """``left op= right`` with limits; changes lists, sets, dictionaries and arrays in place as Python does."""
    before(run, op, left, right)
    right = _other_side(run, op, left, right)
    value = IN_PLACE[op](left, right)
    if type(value) not in SMALL:
        check_size(run, value) if value is not left else run.grow(_extent(right))
    return value


def _extent(value: Any) -> int:
    return len(value) if isinstance(value, list | tuple | set | frozenset | dict | str | deque) else 1
