"""Reductions between bounds -> running values, looked up at the bounds.

``count(t before q where P(t))`` asks every pair (q, t). A running count of P is one vector; its value at q - 1 is the
answer. The same holds for sums, for the first and the last match, and for "is there any". Conditions that do not
concern the reduced position are asked outside. Both are done where they make the values in between smaller, for every
kind of bound: ``t <= q``, ``t < w.index``, ``q - 3 <= t``.

A running sum adds in the order in which the interpreter adds, so it is the very same number; with a lower bound that
would not hold, so there only counts are differences of two running values.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from attndsl.compiler.build import Builder
from attndsl.compiler.bytecode_facts import NEUTRAL, conjunction
from attndsl.compiler.bytecode_rebuild import remade
from attndsl.compiler.ir import Op, is_word_axis

_NOTHING = {"any": False, "first": -1.0, "last": -1.0, "count": 0.0, "sum": 0.0}
"""What reductions that can be looked up give where there is nothing."""


@dataclass
class Folded:
    """A reduction taken apart: where it looks, and what it folds there (None for what only asks or counts)."""

    kind: str  # any, first, last, count, or a reduction of numbers
    mask: Op
    value: Op | None = None


def taken_apart(op: Op, source: Op) -> Folded | None:
    """``op`` with the argument ``source``, or None for reductions that have no mask."""
    if op.name in ("any", "first", "last"):
        return Folded(op.name, source)
    if op.name in ("product", "maximum", "minimum"):
        chosen = source.name == "select" and _is_number(source.args[2], NEUTRAL[op.name])
        return Folded(op.name, source.args[0], source.args[1]) if chosen else None
    if op.name != "sum":
        return None
    if source.name == "float":
        return Folded("count", source.args[0])
    if source.name == "select" and source.dtype == "f":
        mask, value, other = source.args
        if _is_number(other, 0.0):
            if _is_number(value, 1.0):
                return Folded("count", mask)
            return Folded("sum", mask, value)
    return None


def _is_number(op: Op, value: float) -> bool:
    return op.name == "const" and op.dtype == "f" and bool(op.attr == value)


@dataclass
class _Parts:
    """Conditions of a reduction over an axis."""

    outside: list[Op] = field(default_factory=list)  # conditions without the axis
    upper: list[Op] = field(default_factory=list)  # comparisons axis <= E, axis < E
    lower: list[Op] = field(default_factory=list)
    rest: list[Op] = field(default_factory=list)


class ScanRewriter:
    """The step for ``bytecode_rewrite.rebuilt``."""

    def __init__(self) -> None:
        self.b = Builder()

    def __call__(self, op: Op, args: tuple[Op, ...]) -> Op:
        if op.name == "and":
            for mask, other, kept in ((*op.args, args[0]), (*op.args[::-1], args[1])):
                if says_not_empty(other, mask):
                    return kept
        folded = taken_apart(op, args[0]) if args else None
        found = None if folded is None else self.reduction(folded, op.attr)
        if found is not None:
            return found
        return remade(self.b, op, args)

    # ------------------------------------------------------------ parts

    def reduction(self, folded: Folded, axis: str) -> Op | None:
        parts = self.parts(folded.mask, axis)
        inner = set() if folded.value is None else set(folded.value.axes)
        rest = set().union({axis}, inner, *(term.axes for term in parts.rest))
        bounds = [*parts.upper, *parts.lower]
        scanned = (
            bool(bounds)
            and folded.kind in _NOTHING
            and not is_word_axis(axis)
            and not set().union(*(term.axes for term in bounds)) <= rest
            and not (parts.lower and folded.value is not None)
        )
        if not scanned and not parts.outside:
            return None
        if scanned:
            found = self.looked_up(folded, axis, parts)
        else:
            found = self.plain(folded, axis, self.b.and_(*parts.rest, *bounds))
        return self.guarded(folded.kind, self.b.and_(*parts.outside), found)

    def parts(self, mask: Op, axis: str) -> _Parts:
        parts = _Parts()
        for term in conjunction(mask):
            if axis not in term.axes:
                parts.outside.append(term)
                continue
            side = _bound_side(term, axis)
            (parts.rest if side is None else parts.upper if side == "upper" else parts.lower).append(term)
        return parts

    def guarded(self, kind: str, condition: Op, found: Op) -> Op:
        """What was found where the condition holds, else what nothing gives."""
        if kind == "any":
            return self.b.and_(condition, found)
        return self.b.select(condition, found, self.b.const(_NOTHING.get(kind, NEUTRAL.get(kind, 0.0))))

    def plain(self, folded: Folded, axis: str, mask: Op) -> Op:
        if folded.kind in ("any", "first", "last"):
            return self.b.reduce(folded.kind, mask, axis)
        if folded.value is None:
            return self.b.reduce("sum", self.b.number(self.b.spread(mask, axis)), axis)
        neutral = self.b.const(float(NEUTRAL[folded.kind]))
        return self.b.reduce(folded.kind, self.b.select(self.b.spread(mask, axis), folded.value, neutral), axis)

    # ------------------------------------------------------------ bounds

    def looked_up(self, folded: Folded, axis: str, parts: _Parts) -> Op:
        zero, last = self.b.const(0.0), self.b.binary("sub", self.b.size(), self.b.const(1.0))
        highs = [self.high(term) for term in parts.upper]
        lows = [self.low(term) for term in parts.lower]
        before = _before(highs[0]) if folded.kind == "count" and len(highs) == 1 and not lows else None
        if before is not None:
            ranks = self.b.rank(self.b.spread(self.b.and_(*parts.rest), axis), axis)
            return self.b.gather(ranks, axis, before)  # none are before the first
        # A bound that is not a number fails here, and what min and max make of it does not matter.
        there = [self.b.binary("le", zero, high) for high in highs] + [self.b.binary("le", low, last) for low in lows]
        high, low = last, zero
        for bound in highs:
            high = self.b.binary("min", bound, high)
        for bound in lows:
            low = self.b.binary("max", bound, low)
        if lows:
            there.append(self.b.binary("le", low, high))
        rest = self.b.spread(self.b.and_(*parts.rest), axis)
        found = self.between(folded, axis, rest, high, low if lows else None)
        return self.guarded(folded.kind, self.b.and_(*there), found)

    def between(self, folded: Folded, axis: str, rest: Op, high: Op, low: Op | None) -> Op:
        """The reduction of ``rest`` over low..high, which are places of the text."""
        zero, nothing = self.b.const(0.0), self.b.const(-1.0)
        if folded.value is not None:
            masked = self.b.spread(self.b.select(rest, folded.value, zero), axis)
            return self.b.gather(self.running("running_sum", masked, axis), axis, high)
        if folded.kind == "count":
            counts = self.running("running_count", rest, axis)
            upto = self.b.gather(counts, axis, high)
            if low is None:
                return upto
            before = self.b.binary("sub", low, self.b.const(1.0))
            earlier = self.b.select(self.b.binary("le", zero, before), self.b.gather(counts, axis, before), zero)
            return self.b.binary("sub", upto, earlier)
        if folded.kind == "first":
            if low is None:
                found = self.b.reduce("first", rest, axis)
                inside = self.b.and_(self.b.binary("le", found, high), self.b.binary("le", zero, found))
                return self.b.select(inside, found, nothing)
            found = self.b.gather(self.running("next_true", rest, axis), axis, low)
            return self.b.select(self.b.binary("le", found, high), found, nothing)
        if "q" in rest.axes and len(rest.axes) > 2 and set(high.axes) <= set(rest.axes):
            # running values over three positions would be kept to be asked at one place
            found = self.b.reduce("last", self.b.and_(rest, self.b.binary("le", self.b.iota(axis), high)), axis)
        else:
            found = self.b.gather(self.running("running_last", rest, axis), axis, high)
        inside = self.b.binary("le", zero if low is None else low, found)
        if folded.kind == "any":
            return inside
        return found if low is None else self.b.select(inside, found, nothing)

    def running(self, name: str, source: Op, axis: str) -> Op:
        return self.b.graph.op(name, (source,), axis, source.axes, "f")

    def high(self, term: Op) -> Op:
        """The last place that a comparison axis <= E or axis < E allows."""
        bound, strict = term.args[1], term.name == "lt"
        if not self.b.integral(bound):
            bound = self.b.unary("ceil" if strict else "floor", bound)
        return self.b.binary("sub", bound, self.b.const(1.0)) if strict else bound

    def low(self, term: Op) -> Op:
        """The first place that a comparison E <= axis or E < axis allows."""
        bound, strict = term.args[0], term.name == "lt"
        if not self.b.integral(bound):
            bound = self.b.unary("floor" if strict else "ceil", bound)
        return self.b.binary("add", bound, self.b.const(1.0)) if strict else bound


def _before(high: Op) -> Op | None:
    """p of the bound p - 1, for the position of a token."""
    if high.name != "sub" or not _is_number(high.args[1], 1.0) or high.args[0].name != "iota":
        return None
    return None if is_word_axis(high.args[0].attr) else high.args[0]


def _bound_side(term: Op, axis: str) -> str | None:
    """Whether a condition is an upper or a lower bound of the axis by something that is free of it."""
    if term.name not in ("lt", "le"):
        return None
    left, right = term.args
    if left.name == "iota" and left.attr == axis and axis not in right.axes:
        return "upper"
    if right.name == "iota" and right.attr == axis and axis not in left.axes:
        return "lower"
    return None


def says_not_empty(op: Op, mask: Op) -> bool:
    """True for "the count of the mask's row is not 0", which every true place of the mask implies."""
    if op.name != "not" or op.args[0].name != "eq":
        return False
    sides = op.args[0].args
    zero = any(side.name == "const" and side.attr == 0 for side in sides)
    return zero and any(side.name == "sum" and _counts(side.args[0], mask) for side in sides)


def _counts(source: Op, mask: Op) -> bool:
    if source.name == "float":
        return source.args[0] is mask
    if source.name != "select" or source.args[0] is not mask:
        return False
    return [(arg.name, arg.attr) for arg in source.args[1:]] == [("const", 1.0), ("const", 0.0)]
