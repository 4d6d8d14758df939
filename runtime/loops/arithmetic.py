"""``math`` and ``operator`` for programs: what would become a large integer is stopped before it is made."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from attndsl.dsl.pyimport import vocabulary as words
from attndsl.runtime.loops import comparisons, operators
from attndsl.runtime.loops.arrays import check_index, weigh
from attndsl.runtime.loops.state import HOLDING, Run, check_size, compared, too_big_number, walk

Wrapper = Callable[..., Any]


def wrappers() -> dict[Any, Wrapper]:
    """Every function of ``math`` and ``operator`` that programs may call."""
    found: dict[Any, Wrapper] = {}
    for name in words.MATH:
        function = getattr(math, name)
        if callable(function):
            found[function] = _BIG.get(name) or _plain(function)
    found.update({getattr(operator, name): _binary(op) for name, op in _BINARY.items()})
    found.update({getattr(operator, name): _unary(op) for name, op in _UNARY.items()})
    found.update({getattr(operator, name): _comparison(getattr(operator, name)) for name in _COMPARISONS})
    found[operator.getitem] = _item
    found[operator.concat] = _concat
    found[operator.contains] = comparisons.contains
    found[operator.index] = lambda run, value: operator.index(value)
    return found


# ---------------------------------------------------------------- math


def _plain(function: Wrapper) -> Wrapper:
    def apply(run: Run, *args: Any, **kwargs: Any) -> Any:
        made = function(*[walk(run, a) if hasattr(a, "__iter__") else a for a in args], **kwargs)
        if made.__class__ is int:
            check_size(run, made)
        return made

    return apply


def _product(run: Run, items: Any, /, *, start: Any = 1) -> Any:
    for item in walk(run, items):
        start = operators.binary(run, "Mult", start, item)
    return start


def _factorial(run: Run, n: Any, /) -> int:
    if isinstance(n, int | np.integer) and n > 1 and int(n) * (int(n).bit_length() - 1) > run.limits.bits * 2:
        raise too_big_number(run)
    return _sized(run, math.factorial(n))


def _chosen(run: Run, n: Any, k: Any, /) -> int:
    _before_chosen(run, n, k, True)
    return _sized(run, math.comb(n, k))


def _arranged(run: Run, n: Any, k: Any = None, /) -> int:
    if k is None:
        return _factorial(run, n)
    _before_chosen(run, n, k, False)
    return _sized(run, math.perm(n, k))


def _before_chosen(run: Run, n: Any, k: Any, either: bool) -> None:
    """Each of the factors has about the bits of n."""
    if isinstance(n, int | np.integer) and isinstance(k, int | np.integer) and 0 <= k <= n:
        factors = min(int(k), int(n) - int(k)) if either else int(k)
        if factors * (int(n) - factors + 1).bit_length() > run.limits.bits * 2:
            raise too_big_number(run)


def _common_multiple(run: Run, *numbers: Any) -> int:
    if sum([abs(x).bit_length() for x in numbers if isinstance(x, int)]) > run.limits.bits * 2:
        raise too_big_number(run)
    return _sized(run, math.lcm(*numbers))


def _sized(run: Run, number: int) -> int:
    check_size(run, number)
    return number


_BIG: dict[str, Wrapper] = {
    "prod": _product, "factorial": _factorial, "comb": _chosen, "perm": _arranged, "lcm": _common_multiple,
}  # fmt: skip


# ---------------------------------------------------------------- operator

_BINARY = {
    "add": "Add", "sub": "Sub", "mul": "Mult", "truediv": "Div", "floordiv": "FloorDiv", "mod": "Mod", "pow": "Pow",
    "matmul": "MatMult", "and_": "BitAnd", "or_": "BitOr", "xor": "BitXor",
}  # fmt: skip
_UNARY = {"neg": "USub", "pos": "UAdd", "invert": "Invert", "not_": "Not"}
_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge", "is_", "is_not", "truth")


def _binary(op: str) -> Wrapper:
    return lambda run, a, b, /: operators.binary(run, op, a, b)


def _unary(op: str) -> Wrapper:
    function = operators.UNARY[op]

    def apply(run: Run, value: Any, /) -> Any:
        made = function(value)
        check_size(run, made)
        return made

    return apply


def _comparison(function: Wrapper) -> Wrapper:
    def apply(run: Run, *values: Any) -> Any:
        if any(value.__class__ is np.ndarray for value in values):
            weigh(run, *values)
        elif values and values[0].__class__ in HOLDING:
            compared(run, *values)
        made = function(*values)
        check_size(run, made)
        return made

    return apply


def _item(run: Run, holder: Any, at: Any, /) -> Any:
    if holder.__class__ is np.ndarray:
        check_index(run, holder, at)
    found = operator.getitem(holder, at)
    check_size(run, found)
    return found


def _concat(run: Run, a: Any, b: Any, /) -> Any:
    if not hasattr(a, "__getitem__") or not hasattr(b, "__getitem__") or isinstance(a, dict):
        return operator.concat(a, b)  # an error
    return operators.binary(run, "Add", a, b)
