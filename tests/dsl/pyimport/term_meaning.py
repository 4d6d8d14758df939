"""What terms mean, worked out term by term in plain Python; shared by the tests of the lifter's algebra.

None stands for a place that is not found: what is computed from it is none, a condition on it is false, ``!=`` is true.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.terms import Term

COMPARE = {
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip
ARITHMETIC = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "ratio": lambda a, b: a / b, "//": lambda a, b: a // b, "%": lambda a, b: a % b, "**": lambda a, b: a**b,
}  # fmt: skip
FUNCTIONS = {"len": len, "abs": abs, "exp": math.exp, "max": max, "min": min, "ratio": ARITHMETIC["ratio"]}


@dataclass(frozen=True)
class World:
    """The tokens' texts and the values of the variables."""

    texts: tuple[str, ...]
    values: Mapping[str, Any]

    def having(self, name: str, value: int) -> World:
        return World(self.texts, {**self.values, name: value})


def meaning(t: Term, world: World) -> Any:
    """The value of a term. Raises ArithmeticError where Python does."""
    match t.op:
        case "const":
            return t.data
        case "none":
            return None
        case "n":
            return len(world.texts)
        case "var":
            return world.values[t.data]
        case "agg":
            return _aggregate(t, world)
        case "ite":
            return meaning(t.args[1 if meaning(t.args[0], world) else 2], world)
        case "and":
            return all(meaning(a, world) for a in t.args)
        case "or":
            return any(meaning(a, world) for a in t.args)
        case "not":
            return not meaning(t.args[0], world)
        case "some":
            return meaning(t.args[0], world) is not None
        case "absent":
            return meaning(t.args[0], world) is None
    args = [meaning(a, world) for a in t.args]
    if t.op == "cmp":
        return t.data == "!=" if None in args else COMPARE[t.data](*args)
    if None in args:
        return False if t.kind == "bool" else None
    return _strict(t, args, world)


def _strict(t: Term, args: list[Any], world: World) -> Any:
    match t.op:
        case "linear":
            return t.data[-1] + sum(c * a for c, a in zip(t.data[:-1], args, strict=True))
        case "bin":
            return ARITHMETIC[t.data](*args)
        case "neg":
            return -args[0]
        case "func":
            return FUNCTIONS[t.data](*args)
        case "feature":
            return world.texts[args[0]]
        case "windex" | "wordat":
            return args[0]
        case "member":
            return args[0] in args[1:]
        case "substring":
            return args[0] in args[1]
        case "method":
            return getattr(args[0], t.data)(*args[1:])
    raise AssertionError(f"no meaning for {t}")


def _aggregate(t: Term, world: World) -> Any:
    domain, var, low, high, where, value = t.args
    if domain is T.ALL_WORDS:
        places = range(len(world.texts))  # as many words as tokens
    else:
        first, end = meaning(low, world), meaning(high, world)
        if first is None or end is None:
            return {"count": 0, "sum": 0, "all": True}.get(t.data)
        places = range(max(first, 0), min(end, len(world.texts)))
    held = [k for k in places if meaning(where, world.having(var.data, k))]
    if t.data == "count":
        return len(held)
    if t.data in ("first", "last"):
        return held[0 if t.data == "first" else -1] if held else None
    values = [meaning(value, world.having(var.data, k)) for k in held]
    match t.data:
        case "sum":
            return sum(values)
        case "all":
            return all(values)
        case "maximum":
            return max(values, default=None)
        case "argmax":
            return max(zip(values, held, strict=True), key=lambda x: (x[0], -x[1]), default=(None, None))[1]
    raise AssertionError(f"no meaning for {t}")


def shown(t: Term) -> str:
    """A term in few words."""
    args = [shown(a) for a in t.args]
    match t.op:
        case "const":
            return repr(t.data)
        case "var":
            return str(t.data)
        case "linear":
            return "(" + " + ".join([*map("{}*{}".format, t.data, args), str(t.data[-1])]).replace("1*", "") + ")"
        case "bin" | "cmp":
            return f"({args[0]} {t.data} {args[1]})"
        case "and" | "or":
            return "(" + f" {t.op} ".join(args) + ")"
        case "ite":
            return f"({args[1]} if {args[0]} else {args[2]})"
        case "agg":
            limits = "words" if t.args[0] is T.ALL_WORDS else f"{args[2]}..{args[3]}"
            return f"{t.data}({limits} {args[4]}{'' if t.args[5] is T.NONE else ': ' + args[5]})"
    name = t.op if t.data is None else str(t.data)
    return f"{name}({', '.join(args)})" if args else name
