"""Sums, lookbacks and counts over a whole axis as unknown functions, one for all bodies that are proved equal.

No quantifier reaches the solver: a reduction is a function of its free positions, named by its body. Two reductions
with bodies that are equal at every position are the same function. Facts that tie them to their bodies (what ``first``
finds holds, a count is above zero where something is found) are given at the positions that occur.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import z3

from attndsl.compiler.ir import Op, is_word_axis
from attndsl.runtime.equivalence.signs import never_negative
from attndsl.runtime.equivalence.terms import Env, Terms, axis_size

Equal = Callable[[Any, Any, "list[Any]"], bool]
"""Whether two terms are equal wherever the conditions hold, as far as can be proved."""

BOUND = z3.Int("@bound")


def free(number: int) -> Any:
    """The name of a free position inside a body: by order, since the same body is met under other axes."""
    return z3.Int(f"@{number}")


@dataclass
class _Known:
    body: Any
    function: Any
    places: int


@dataclass
class Reductions:
    """All reductions of one proof. ``equal`` decides whether two bodies are the same."""

    equal: Equal
    terms: Terms = field(init=False)
    facts: list[Any] = field(default_factory=list)
    _known: dict[tuple[Any, ...], list[_Known]] = field(default_factory=dict)
    _said: set[tuple[int, ...]] = field(default_factory=set)
    _kept: list[Any] = field(default_factory=list)
    _signs: dict[int, bool] = field(default_factory=dict)

    def __call__(self, op: Op, env: Env, exact: bool) -> Any:
        """The term of a reduction, or of a rank, at the positions of ``env``."""
        axis = op.attr
        outer = [a for a in op.args[0].axes if a != axis]
        inside = {a: free(i) for i, a in enumerate(outer)} | {axis: BOUND}
        places = [env[a] for a in outer]
        body = z3.simplify(self.terms.at(op.args[0], inside, exact))
        if op.name in ("any", "first", "last"):
            return self._lookback(op, body, places, axis)
        if op.name == "rank":
            return self._apply("rank", body, [*places, env[axis]], axis, exact, z3.IntSort(), len(places))
        sort = z3.IntSort() if body.is_int() else z3.RealSort()
        if op.name == "sum" and str(body) == "0":
            return z3.IntVal(0)
        if op.name == "sum" and _is_count(body):
            return self._count(body, places, axis)
        found = self._apply(op.name, body, places, axis, exact and not body.is_int(), sort, len(places))
        if op.name == "sum" and not exact and self.never_negative(op):
            self._say(found, found >= 0)
        return found

    def never_negative(self, op: Op) -> bool:
        """Whether no term of a sum is below zero."""
        if self.terms.facts.low(op.args[0]) >= 0:
            return True
        if op.id not in self._signs:
            inside = {a: free(i) for i, a in enumerate(a for a in op.args[0].axes if a != op.attr)} | {op.attr: BOUND}
            given = self._inside(op.attr, len(inside) - 1)
            self._signs[op.id] = never_negative(
                op.args[0], inside, self.terms, lambda goal, more: self.equal(goal, z3.BoolVal(True), [*given, *more])
            )
        return self._signs[op.id]

    # ------------------------------------------------------------ lookbacks

    def _lookback(self, op: Op, body: Any, places: list[Any], axis: str) -> Any:
        """``any`` is a ``first`` that finds something; what does not depend on the position is asked outside."""
        outside, body = _split(body)
        first = self._found("first", body, places, axis)
        holds = z3.substitute(outside, *self._into(places)) if outside is not None else None
        if op.name == "any":
            return first >= 0 if holds is None else z3.And(holds, first >= 0)
        found = first
        if op.name == "last":
            found = self._found("last", body, places, axis)
            self._say(found, (found >= 0) == (first >= 0), found >= first)
        return found if holds is None else z3.If(holds, found, z3.IntVal(-1))

    def _found(self, kind: str, body: Any, places: list[Any], axis: str) -> Any:
        if z3.is_false(body):
            return z3.IntVal(-1)
        found = self._apply(kind, body, places, axis, False, z3.IntSort(), len(places))
        there = z3.substitute(body, (BOUND, found), *self._into(places))
        self._say(found, found >= -1, found < axis_size(self.terms, axis), z3.Implies(found >= 0, there))
        return found

    def _count(self, body: Any, places: list[Any], axis: str) -> Any:
        """The number of positions where a condition holds."""
        condition = body.arg(0)
        outside, inner = _split(condition)
        first = self._found("first", inner, places, axis)
        found = self._apply("count", inner, places, axis, False, z3.IntSort(), len(places))
        self._say(found, found >= 0, (found > 0) == (first >= 0), found <= axis_size(self.terms, axis))
        if outside is None:
            return found
        return z3.If(z3.substitute(outside, *self._into(places)), found, z3.IntVal(0))

    @staticmethod
    def _into(places: list[Any]) -> list[tuple[Any, Any]]:
        return [(free(i), place) for i, place in enumerate(places)]

    # ------------------------------------------------------------ one function for all equal bodies

    def _apply(
        self, kind: str, body: Any, places: list[Any], axis: str, exact: bool, sort: Any, free_places: int
    ) -> Any:
        key = (kind, is_word_axis(axis), len(places), exact, sort.name())
        known = self._known.setdefault(key, [])
        function = next((k.function for k in known if k.body.eq(body)), None)
        if function is None:
            inside = self._inside(axis, free_places)
            function = next((k.function for k in known if self.equal(k.body, body, inside)), None)
            number = sum(map(len, self._known.values()))
            if function is None:
                function = z3.Function(f"{kind} {number}", *(z3.IntSort() for _ in places), sort) if places else None
                function = function if function is not None else z3.Const(f"{kind} {number}", sort)
            known.append(_Known(body, function, free_places))
        return function(*places) if places else function

    def _inside(self, axis: str, places: int) -> list[Any]:
        """The positions that a body is asked at."""
        found = [BOUND >= 0, axis_size(self.terms, axis) > BOUND]
        return found + [free(i) >= 0 for i in range(places)]

    def say_inverse(self, divisor: Any, inverse: Any) -> None:
        """The sign of 1 / x is that of x."""
        self._say(inverse, z3.Implies(divisor > 0, inverse > 0), z3.Implies(divisor < 0, inverse < 0))

    def _say(self, about: Any, *facts: Any) -> None:
        """Facts about one term, each once; terms inside bodies keep theirs, at the positions of the body."""
        for number, fact in enumerate(facts):
            key = (about.get_id(), number, fact.get_id())
            if key not in self._said:
                self._said.add(key)
                self._kept += [about, fact]
                self.facts.append(fact)


def _split(condition: Any) -> tuple[Any, Any]:
    """The part of a conjunction that does not depend on the bound position (None without one), and the rest."""
    parts = condition.children() if z3.is_and(condition) else [condition]
    apart = [part for part in parts if not _mentions(part, BOUND)]
    rest = [part for part in parts if _mentions(part, BOUND)]
    if not apart:
        return None, condition
    return z3.And(*apart), z3.And(*rest) if rest else z3.BoolVal(True)


def _mentions(term: Any, name: Any) -> bool:
    seen: set[int] = set()
    stack = [term]
    while stack:
        at = stack.pop()
        if at.get_id() in seen:
            continue
        seen.add(at.get_id())
        if at.eq(name):
            return True
        stack.extend(at.children())
    return False


def _is_count(body: Any) -> bool:
    """``if P then 1 else 0``."""
    return bool(
        z3.is_app_of(body, z3.Z3_OP_ITE)
        and all(z3.is_int_value(arg) or z3.is_rational_value(arg) for arg in body.children()[1:])
        and str(body.arg(1)) == "1"
        and str(body.arg(2)) == "0"
    )
