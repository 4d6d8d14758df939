"""Facts about operations that let the machine do less: distances, keys that no query sees, signs, rows that are needed.

*Affine*: a sum of positions with whole coefficients and a constant, exact in floating point. *Known beyond*: the value
that an operation has wherever its key lies after the query, when that is one constant. A causal program is known to be
zero there, and reductions lose nothing by stopping at the query, so half of the work is never done.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from attndsl.compiler.ir import ARITHMETIC, COMPARISONS, CONVERSIONS, FUNCTIONS, LOGIC, REDUCTIONS, Op

DISTANCE_AXIS = "t1000000"
"""Axis of values that depend on y - x alone; it has 2 n - 1 places, from -(n - 1) to n - 1."""

ELEMENTWISE = frozenset({*ARITHMETIC, *FUNCTIONS, *COMPARISONS, *LOGIC, *CONVERSIONS, "select", "add_if"})
FOLDS = frozenset({*REDUCTIONS, "count", "sum_if"})
RUNNING = frozenset({"running_sum", "running_count", "running_last", "next_true"})
"""Operations along an axis (their ``attr``). Up to and with each place: sum, number of true values, index of the last
true value or -1. From each place on: index of the first true value, or infinity."""
MASKED = frozenset({"sum_masked", "product_masked", "maximum_masked", "minimum_masked"})
PRODUCTS = MASKED | {"any_where", "count_where", "sum_where", "product_where", "maximum_where", "minimum_where"}
"""Reductions of two tables over an axis: where the first, a truth value, holds, rows of the second are folded; in those
that are masked the second says where the third, which is the same along the row, is."""
PLACED = frozenset({"any_at", "count_at"})
"""Reductions over an axis of one key for each true value; ``attr`` is (the axis, the axis of the key)."""
Affine = tuple[dict[str, int], float]


def affine(op: Op, memo: dict[int, Affine | None]) -> Affine | None:
    """Coefficients of positions and the constant, or None."""
    if op.id not in memo:
        memo[op.id] = _affine(op, memo)
    return memo[op.id]


def _affine(op: Op, memo: dict[int, Affine | None]) -> Affine | None:
    if op.name == "iota":
        return {op.attr: 1}, 0.0
    if op.name == "const" and op.dtype == "f":
        exact = abs(op.attr) < 2.0**30 and (op.attr * 1024).is_integer()
        return ({}, op.attr) if exact else None
    if op.name not in ("add", "sub", "neg"):
        return None
    parts = [affine(arg, memo) for arg in op.args]
    if any(part is None for part in parts):
        return None
    signs = {"add": (1, 1), "sub": (1, -1), "neg": (-1,)}[op.name]
    total: dict[str, int] = {}
    constant = 0.0
    for sign, part in zip(signs, parts, strict=True):
        assert part is not None
        constant += sign * part[1]
        for axis, coefficient in part[0].items():
            total[axis] = total.get(axis, 0) + sign * coefficient
    return {axis: c for axis, c in total.items() if c}, constant


def difference(a: Op, b: Op, memo: dict[int, Affine | None]) -> Affine | None:
    """a - b as an affine form."""
    left, right = affine(a, memo), affine(b, memo)
    if left is None or right is None:
        return None
    total = dict(left[0])
    for axis, coefficient in right[0].items():
        total[axis] = total.get(axis, 0) - coefficient
    return {axis: c for axis, c in total.items() if c}, left[1] - right[1]


class Beyond:
    """Values after the query: ``known(op, axis)`` is the constant that ``op`` has wherever ``axis`` > q, or None."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], float | bool | None] = {}
        self._affine: dict[int, Affine | None] = {}

    def known(self, op: Op, axis: str) -> float | bool | None:
        if op.name == "const":
            return op.attr  # type: ignore[no-any-return]
        if axis not in op.axes:
            return None
        key = (op.id, axis)
        if key not in self._known:
            self._known[key] = self._find(op, axis)
        return self._known[key]

    def _find(self, op: Op, axis: str) -> float | bool | None:
        if op.name == "distance":
            return self.known(op.args[0], DISTANCE_AXIS) if op.axes == ("q", axis) else None
        if op.name in ("lt", "le", "eq"):
            found = self._compared(op, axis)
            if found is not None:
                return found
        parts = [self.known(arg, axis) for arg in op.args]
        match op.name:
            case "and":
                if False in _bools(parts) or self._bounded(op, axis):
                    return False
                return True if parts == [True, True] else None
            case "or":
                return True if True in _bools(parts) else (False if parts == [False, False] else None)
            case "select":
                return self._chosen(op, parts)
            case "put_at" | "update":  # (kind, whether nothing after the query is changed)
                kept = op.attr[1] or (op.attr[0] == "set" and parts[3] is not None and _same(parts[0], parts[3]))
                return parts[0] if kept else None
            case "add_if":
                return parts[0] if parts[1] is False else None
            case "sub" if parts[0] == -math.inf and parts[1] is None:
                return -math.inf  # less a row's own maximum: where that is not finite, the whole row is an error
            case "any" | "sum" | "count" | "sum_if":
                empty = parts[0] is False or parts[0] == 0
                return (False if op.name == "any" else 0.0) if empty else None
            case "first" | "last":
                return -1.0 if parts[0] is False else None
            case "each":
                return op.args[1].attr if self.known(op.attr.mask, axis) is False else None
        if op.name in _FOLDS and None not in parts:
            with np.errstate(all="ignore"):
                value = _FOLDS[op.name](*parts)
            return bool(value) if op.dtype == "b" else float(value)
        return None

    def _limited(self, op: Op, query: str) -> bool:
        """True for "x where x <= p", with a p that is never after the query."""
        return any(
            term.name in ("lt", "le") and term.args[0] is op.args[1] and self.up_to_query(term.args[1], query)
            for term in conjunction(op.args[0])
        )

    def _bounded(self, op: Op, axis: str) -> bool:
        """True for "the key is p, and p is not after the query", in any order among other conditions."""
        terms = conjunction(op)
        places = [arg for term in terms if term.name == "eq" and _has_iota(term, axis) for arg in term.args]
        return any(_not_after(term, place) for term in terms for place in places)

    def _chosen(self, op: Op, parts: list[float | bool | None]) -> float | bool | None:
        if parts[0] is not None:
            return parts[1] if parts[0] else parts[2]
        return parts[1] if parts[1] is not None and _same(parts[1], parts[2]) else None

    def _compared(self, op: Op, axis: str) -> bool | None:
        """A comparison where the axis is beyond: keys after a query, and distances, are at least one; and a key after
        the query is after everything that is not."""
        for key, other, key_is_left in ((op.args[0], op.args[1], True), (op.args[1], op.args[0], False)):
            if key.name == "iota" and key.attr == axis and axis != DISTANCE_AXIS and self.up_to_query(other):
                return not (key_is_left or op.name == "eq")
        form = difference(op.args[0], op.args[1], self._affine)
        if form is None or abs(form[0].get(axis, 0)) != 1 or len(form[0]) != 1:
            return None
        constant = form[1]
        if form[0][axis] == 1:  # d + c with d >= 1
            beyond = constant + 1 >= 0 if op.name == "lt" else constant + 1 > 0
            return False if beyond else None
        if op.name == "eq":  # c - d
            return False if constant < 1 else None
        return True if (constant < 1 if op.name == "lt" else constant <= 1) else None

    def up_to_query(self, op: Op, query: str = "q") -> bool:
        """True for positions that are never after the query (and for numbers below all positions). ``query`` is the
        name of its axis in values that are read through a view."""
        if set(op.axes) - {query}:
            return False
        match op.name:
            case "iota":
                return bool(op.attr == query)
            case "const":
                return bool(op.attr <= 0)
            case "rename":
                return self.up_to_query(op.args[0], op.attr[0] if op.attr[1] == query else query)
            case "sub":
                return self.up_to_query(op.args[0], query) and non_negative(op.args[1], {})
            case "add":
                return any(
                    self.up_to_query(a, query) and b.name == "const" and b.attr <= 0
                    for a, b in (op.args, op.args[::-1])
                )
            case "first" | "last":
                return query == "q" and self.known(op.args[0], op.attr) is False
            case "gather" if op.args[0].name == "running_last":
                return self.up_to_query(op.args[1], query)  # the last match up to a place is not after it
            case "select":
                limited = self.up_to_query(op.args[1], query) or self._limited(op, query)
                return limited and self.up_to_query(op.args[2], query)
            case "min":
                return any(self.up_to_query(arg, query) for arg in op.args)
            case "max":
                return all(self.up_to_query(arg, query) for arg in op.args)
            case "floor" | "ceil" | "round" | "trunc":
                return self.up_to_query(op.args[0], query)
        return False


def _not_after(term: Op, place: Op) -> bool:
    """True for the condition that a place is not after the query, which may be a view of one over another axis."""
    query = "q"
    if term.name == "rename" and term.attr[1] == "q":
        query = term.attr[0]
        term = term.args[0]
        if place.name == "rename" and place.attr == (query, "q"):
            place = place.args[0]
    return term.name == "le" and term.args[0] is place and (term.args[1].name, term.args[1].attr) == ("iota", query)


def conjunction(op: Op) -> list[Op]:
    """The conditions that must all hold."""
    return [term for arg in op.args for term in conjunction(arg)] if op.name == "and" else [op]


def _has_iota(op: Op, axis: str) -> bool:
    return any(arg.name == "iota" and arg.attr == axis for arg in op.args)


def _bools(parts: list[float | bool | None]) -> list[bool]:
    return [part for part in parts if isinstance(part, bool)]


def _same(a: float | bool | None, b: float | bool | None) -> bool:
    return type(a) is type(b) and repr(a) == repr(b)


_FOLDS: dict[str, Any] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative, "exp": np.exp,
    "min": lambda a, b: b if b < a else a, "max": lambda a, b: b if b > a else a, "abs": abs,
    "float": float, "not": lambda a: not a, "lt": np.less, "le": np.less_equal, "eq": np.equal,
}  # fmt: skip

NEUTRAL: dict[str, float | bool] = {
    "any": False, "sum": 0.0, "count": False, "sum_if": False, "product": 1.0, "maximum": -math.inf,
    "minimum": math.inf, "first": False, "last": False,
}  # fmt: skip
"""The value of the first argument that a reduction may leave out."""


def needed_in_full(ops: Iterable[Op], beyond: Beyond, roots: set[tuple[int, str]]) -> set[tuple[int, str]]:
    """(operation, axis) whose values after the query somebody reads. ``ops`` lists users before what they use."""
    full = set(roots)
    for op in ops:
        if op.name == "distance":
            continue
        for place, arg in enumerate(op.args):
            for axis in arg.axes:
                if axis != "q" and _needs(op, place, arg, axis, beyond, full):
                    full.add((arg.id, axis))
    return full


def stops_at_query(op: Op, beyond: Beyond) -> bool:
    """True for a reduction whose values after the query change nothing."""
    return _same(beyond.known(op.args[0], op.attr), NEUTRAL[op.name])


def _needs(op: Op, place: int, arg: Op, axis: str, beyond: Beyond, full: set[tuple[int, str]]) -> bool:
    if op.name in FOLDS and op.attr == axis:
        return not stops_at_query(op, beyond)
    if op.name in PRODUCTS and op.attr == axis:
        return beyond.known(op.args[0], axis) is not False
    if op.name == "each" or (op.name in PLACED and op.attr[0] == axis):
        return True
    looks_up = op.name == "gather" and place == 0 and (axis == op.attr or op.attr == "q")
    if op.name in ("rename", "turned") or looks_up:
        return True
    return (op.id, axis) in full


def non_negative(op: Op, memo: dict[int, bool]) -> bool:
    """True when no value is below zero (it may still be none of the numbers)."""
    if op.id not in memo:
        memo[op.id] = _non_negative(op, memo)
    return memo[op.id]


def _non_negative(op: Op, memo: dict[int, bool]) -> bool:
    match op.name:
        case "const":
            return bool(op.attr >= 0)
        case "iota" | "n" | "float" | "abs" | "exp" | "sqrt":
            return True
        case "each":
            found = op.attr
            return found.kind != "last" and non_negative(found.value, memo)
        case "rank" | "running_count" | "next_true" | "count_where" | "count_at":
            return True
        case "sum_where" | "product_where" | "minimum_where" | "sum_masked" | "product_masked" | "minimum_masked":
            return non_negative(op.args[-1], memo)
        case "running_sum" | "turned":
            return non_negative(op.args[0], memo)
        case "add" | "mul" | "div" | "min" | "sum" | "product" | "minimum" | "maximum" | "floordiv":
            return all(non_negative(arg, memo) for arg in op.args)
        case "max":
            return any(non_negative(arg, memo) for arg in op.args)
        case "pow" | "gather" | "rename" | "round" | "floor" | "trunc" | "ceil":
            return non_negative(op.args[0], memo)
        case "put_at" | "update":
            return non_negative(op.args[0], memo) and non_negative(op.args[3], memo)
        case "select":
            return non_negative(op.args[1], memo) and non_negative(op.args[2], memo)
    return False
