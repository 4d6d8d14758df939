"""Programs that differ from a given one in one piece: each rule of the compiler that holds for the program is nearly
met, or met otherwise, by some of them. Which of them are programs at all is for the checker to say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from attndsl.dsl import nodes as N

NUMBERS = (0.0, 1.0, -1.0, 2.0)
VARIABLES = ("q", "k", "t")
TEXTS = ("", "the")
FAMILIES = (
    ("+", "-", "*", "/", "//", "%", "**"),
    ("==", "!=", "<", "<=", ">", ">="),
    ("set", "add", "scale", "raise", "cap"),
    ("sum", "max", "min", "count"),
    ("min", "max"),
    ("abs", "exp", "sqrt", "floor", "round", "trunc"),
    ("raw", "text"),
    ("is_punct", "word_start", "special"),
)
"""Words of which one can stand where the other does: operators, actions, sums of a row, functions, features."""
AGGREGATES = (
    ("count", "any", "first", "last"),
    ("sum", "product", "largest", "smallest", "all", "argmax", "argmin", "nth"),
)
"""Kinds of aggregates without a value, and with one."""
ENDS = (None, "first", "self", "uniform", "nothing")
PAIRS = (("left", "right"), ("then", "otherwise"), ("row", "column"), ("lower", "upper"))
"""Fields that can change places."""
DROPPED = ("when", "weight", "where", "domain", "lower", "upper")
"""Fields that need not be there."""


def near(program: N.Program) -> Iterator[N.Program]:
    """The program with one piece changed, in a fixed order."""
    for items in _near_tuple(program.items):
        yield replace(program, items=items)
    for at in range(len(program.items)):
        if len(program.items) > 1:
            yield replace(program, items=program.items[:at] + program.items[at + 1 :])
        yield replace(program, items=program.items[: at + 1] + program.items[at:])


def _near_tuple(values: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    for at, value in enumerate(values):
        for other in _near(value):
            yield (*values[:at], other, *values[at + 1 :])


def _near(value: Any) -> Iterator[Any]:
    """What can stand in the place of a node, or differs from it further below."""
    if not is_dataclass(value):
        return
    yield from _otherwise(value)
    for field in fields(value):
        if field.name in ("span", "comments", "trailing"):
            continue
        inner = getattr(value, field.name)
        below = _near_tuple(inner) if isinstance(inner, tuple) else _near(inner)
        yield from (replace(value, **{field.name: new}) for new in below)  # type: ignore[type-var]


def _otherwise(node: Any) -> Iterator[Any]:
    """Other nodes in the place of this one, its parts unchanged."""
    match node:
        case N.Number(value=value):
            yield from (N.Number(x) for x in (*NUMBERS, value + 0.5) if x != value)
        case N.Var(name=name):
            yield from (N.Var(x) for x in VARIABLES if x != name)
        case N.Text(value=text):
            yield from (N.Text(x) for x in TEXTS if x != text)
        case N.SelfPosition():
            yield N.FirstPosition()
        case N.FirstPosition():
            yield N.SelfPosition()
        case N.And(left=left, right=right):
            yield from (N.Or(left, right), N.And(left, N.Not(right)), N.And(left, left))
        case N.Or(left=left, right=right):
            yield from (N.And(left, right), N.Or(N.Not(left), right), N.Or(right, right))
        case N.Rule(value=value):
            yield from (replace(node, value=x) for x in _asking(value))
            yield replace(node, target=N.At(value))
        case N.Normalize():
            yield from (replace(node, empty=x) for x in ENDS if x != node.empty)
    yield from _fields_otherwise(node)


def _asking(value: N.Expr) -> Iterator[N.Expr]:
    """What can fail, or not, by the sign of a number and whether it is whole: facts for which the compiler looks."""
    one = N.Number(1.0)
    yield from (N.Binary("/", one, value), N.Binary("/", one, N.Binary("+", value, one)))
    yield from (N.Binary("**", N.Number(-1.0), value), N.Binary("**", value, N.Number(-1.0)))


def _fields_otherwise(node: Any) -> Iterator[Any]:
    """The node with a word, a switch or the places of two parts changed, without a part, or one of its parts alone."""
    names = [field.name for field in fields(node)]
    for name in names:
        now = getattr(node, name)
        if isinstance(now, bool):
            yield replace(node, **{name: not now})
        elif name in ("op", "kind", "action", "name"):
            families = AGGREGATES if isinstance(node, N.Aggregate) else FAMILIES
            words = dict.fromkeys(word for family in families if now in family for word in family)
            yield from (replace(node, **{name: word}) for word in words if word != now)
        elif name in DROPPED and now is not None:
            yield replace(node, **{name: None})
    for one, other in PAIRS:
        if one in names and other in names:
            yield replace(node, **{one: getattr(node, other), other: getattr(node, one)})
    if isinstance(node, N.Expr):
        yield from (part for part in N.children(node) if isinstance(part, N.Expr))
