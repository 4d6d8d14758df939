"""From a node of the loop tree to the function that makes its closure. The tables are filled in ``program.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attndsl.dsl.pyimport import loops as lt

Frame = list[Any]
"""Slots of one call: outer frame, run, the Code or Comprehension it belongs to, then the variables."""
Evaluate = Callable[[Frame], Any]
Maker = Callable[[Any], Evaluate]


def spanned(function: Callable[..., Any]) -> Evaluate:
    """A closure that carries its span as the default of a second parameter, as ``failures.place_of`` wants it."""
    return function


_MAKERS: dict[type[lt.Node], Maker] = {}


def fill(makers: Mapping[type[lt.Node], Maker]) -> None:
    """Add the makers of some node classes."""
    _MAKERS.update(makers)


def expr(node: lt.Expr) -> Evaluate:
    """The closure of an expression."""
    return _MAKERS[type(node)](node)


def statement(node: lt.Statement) -> Evaluate:
    """The closure of a statement: None to go on, BREAK, CONTINUE, or a 1-tuple with the value to return."""
    return _MAKERS[type(node)](node)


def block(nodes: tuple[lt.Statement, ...]) -> Evaluate:
    """The closure of statements that run one after the other."""
    steps = tuple(statement(n) for n in nodes if not isinstance(n, lt.Pass))
    if not steps:
        return lambda f: None
    if len(steps) == 1:
        return steps[0]
    if len(steps) == 2:
        first, second = steps

        def both(f: Frame) -> Any:
            result = first(f)
            return second(f) if result is None else result

        return both

    def every(f: Frame) -> Any:
        for step in steps:
            result = step(f)
            if result is not None:
                return result
        return None

    return every
