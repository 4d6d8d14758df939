"""Counters that stop at a floor: ``depth += 1`` at an opening bracket, ``depth = max(0, depth - 1)`` at a closing one.

An iteration maps the counter c to max(m, c + a), where a and m depend on the iteration alone. What all the iterations
before one come to has that form as well: with S the sum of a up to there, the counter is S + max(old, the largest
m - S over the iterations that have a floor m, S with their own a).
"""

from __future__ import annotations

import operator

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.view import View

_SPLITS = 5  # conditions that are told apart: each doubles the leaves
_FAR = 40  # the functions below are straight lines from here on,
_SMALL, _PARTS = 4, 24  # as their constants are no larger than the one and have no more parts than the other
_PLAIN = frozenset(("const", "var", "linear", "ite", "cmp", "and", "or", "not"))
_COMPARE = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
            ">=": operator.ge}  # fmt: skip
_Step = tuple[Term, Term, Term]  # a, m, and whether there is an m


def clamped(view: View, end: Term, var: Term, old: Term) -> tuple[Term, Term] | None:
    """The counter at the start of an iteration and after the loop; None when it changes in another way."""
    if var.kind != "int" or end.kind != "int" or not view.ordered or not T.is_const(old):
        return None
    step = _step(end, var, int(old.data), _SPLITS)
    if step is None or step[2] is T.FALSE:
        return None
    add, floor, floored = step
    there = T.sub(T.sub(floor, add), view.fold("sum", T.TRUE, add, True))
    values = []
    for before in (True, False):
        best = T.func("max", (old, view.fold("maximum", floored, there, before)), "int")
        some = view.fold("any", floored, T.NONE, before)
        values.append(T.add(view.fold("sum", T.TRUE, add, before), T.ite(some, best, old)))
    return values[0], values[1]


def _step(t: Term, var: Term, low: int, splits: int) -> _Step | None:
    """What an iteration adds, its floor, and where it has one; ``low`` is a value that the counter never leaves."""
    c = _condition(t, var)
    if c is None:
        return _of_leaf(t, var, low)
    if not splits:
        return None
    a, b = (_step(T.subst(t, {c: side}), var, low, splits - 1) for side in (T.TRUE, T.FALSE))
    if a is None or b is None:
        return None
    return T.ite(c, a[0], b[0]), T.ite(c, a[1], b[1]), T.ite(c, a[2], b[2])


def _condition(t: Term, var: Term) -> Term | None:
    """A condition inside that says nothing of the counter."""
    stack = [t]
    while stack:
        at = stack.pop()
        if at.kind == "bool" and var.data not in at.free and at not in (T.TRUE, T.FALSE):
            return at
        if at.op in _PLAIN or at.op == "func":
            stack.extend(at.args)
    return None


def _of_leaf(t: Term, var: Term, low: int) -> _Step | None:
    """A function of the counter alone: it is read off its values, up to where it is a straight line."""
    if abs(low) > _SMALL or t.size > _PARTS or t.free - {var.data} or not all(map(_is_plain, T.walk(t))):
        return None
    values = []
    for v in range(low, low + _FAR):
        values.append(_value(t, v))
    least = min(values)
    if least < low or values[-1] != values[-2] + 1:
        return None
    add = values[-1] - (low + _FAR - 1)
    floor = least if least > low + add else None
    if any(x != max(floor if floor is not None else x, low + k + add) for k, x in enumerate(values)):
        return None
    return T.const(add), T.const(floor or 0), T.const(floor is not None)


def _value(t: Term, v: int) -> int:
    """A plain term where the counter is v."""
    args = [_value(a, v) for a in t.args]
    match t.op:
        case "const":
            return int(t.data)
        case "var":
            return v
        case "linear":
            return int(sum(k * a for k, a in zip(t.data[:-1], args, strict=True)) + t.data[-1])
        case "ite":
            return args[1] if args[0] else args[2]
        case "cmp":
            return int(_COMPARE[t.data](*args))
        case "not":
            return 1 - args[0]
        case "and":
            return min(args)
        case "or":
            return max(args)
    return max(args) if t.data == "max" else min(args)


def _is_plain(t: Term) -> bool:
    if t.op == "const":
        return t.kind == "bool" or (t.kind == "int" and abs(t.data) <= _SMALL)
    if t.op == "linear":
        return all(abs(k) <= _SMALL for k in t.data) and all(abs(k) == 1 for k in t.data[:-1])
    return t.op in _PLAIN or (t.op == "func" and t.data in ("max", "min"))
