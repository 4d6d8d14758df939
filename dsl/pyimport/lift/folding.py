"""Operations on constants, worked out while a program is lifted: within limits, since forty lines of ``x = x * x`` or
``s = s + s`` would take all time and memory. What is made of two constants is limited by ``term.const``; here are the
operations that grow faster."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from attndsl.dsl.pyimport.lift.term import MAX_TEXT, TooLarge


def _power(a: Any, b: Any) -> Any:
    math.pow(a, b)  # fails at once where the power would have no end
    return a**b


_FOLD: dict[str, Callable[[Any, Any], Any]] = {
    "/": lambda a, b: a / b,
    "ratio": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": _power,
}


def number(op: str, a: float, b: float) -> float | None:
    """``a op b`` of two constants; None where Python fails, or the number is too large to be worked out."""
    if b == 0 and not (op == "**" and a != 0):
        return None
    try:
        value = _FOLD[op](a, b)
    except (ArithmeticError, ValueError):
        return None
    return value if isinstance(value, int | float) and abs(value) < 1e300 else None


def text(method: Callable[..., Any], base: str, args: tuple[str, ...]) -> Any:
    """The method of a text, of constants. Raises TooLarge for a text that would be of another size than its parts."""
    if len(args) == 2 and (1 + len(base)) * len(args[1]) > 100 * MAX_TEXT:  # replace
        raise TooLarge
    return method(base, *args)
