"""Rules that write one key per query -> writes at a place; conditions ordered so that few of them run over pairs.

    if k = p(q) and c(q) then x(q) else m        ->  put_at set (m, p, c, x)
    if k = p(q) and c(q) then m + x(q) else m    ->  put_at add (m, p, c, x)      also with *, max, min
    m + (if k = p(q) and c(q) then x(q) else 0)  ->  put_at add (m, p, c, x)
    max(m, 0)                                    ->  m, where m is known not to be below zero
    (q1 and k1) and (q2 and k2)                  ->  (q1 and q2) and (k1 and k2)

A written place costs the same whatever the length of the text; the choice it replaces costs a pass over all keys.
"""

from __future__ import annotations

from collections.abc import Sequence

from attndsl.compiler.build import Builder
from attndsl.compiler.bytecode_facts import Beyond, conjunction, non_negative
from attndsl.compiler.bytecode_rebuild import Conditions, remade
from attndsl.compiler.ir import IRProgram, Op, axis_rank

PUT_KINDS = ("set", "add", "mul", "max", "min")


class PlaceRewriter:
    """The step for ``bytecode_rebuild.rebuilt``."""

    def __init__(self, programs: Sequence[IRProgram]) -> None:
        self.b = Builder()
        self.beyond = Beyond()
        self._signs: dict[int, bool] = {}
        self.conditions = Conditions(programs)

    def __call__(self, op: Op, args: tuple[Op, ...]) -> Op:
        found = self._rewritten(op, args)
        self.conditions.note(op, found)
        return found

    def _rewritten(self, op: Op, args: tuple[Op, ...]) -> Op:
        if op.name == "and":
            return self.ordered(args)
        if op.name == "max" and _is(args[1], 0.0) and non_negative(args[0], self._signs):
            return args[0]
        if op.name == "select" and op.dtype == "f":
            if args[1] is args[2]:  # a raise that turned out to change nothing
                return args[1]
            put = self.chosen(*args)
            if put is not None:
                return put
        if op.name == "add":
            for matrix, choice in (args, args[::-1]):
                if choice.name == "select" and _is(choice.args[2], 0.0):
                    put = self.put("add", matrix, choice.args[0], choice.args[1])
                    if put is not None:
                        return put
                if choice.name == "put_at" and choice.attr[0] == "set" and _is(choice.args[0], 0.0):
                    _, place, condition, value = choice.args
                    put = self._at("add", matrix, place, condition, value, choice.attr[1])
                    if put is not None:
                        return put
        return remade(self.b, op, args)

    # ------------------------------------------------------------ writes

    def chosen(self, mask: Op, new: Op, matrix: Op) -> Op | None:
        if new.name in PUT_KINDS[1:] and matrix in new.args:
            other = new.args[1] if new.args[0] is matrix else new.args[0]
            if new.name in ("add", "mul") or new.args[0] is matrix:  # the order decides what max makes of nan
                found = self.put(new.name, matrix, mask, other)
                if found is not None:
                    return found
        return self.put("set", matrix, mask, new)

    def put(self, kind: str, matrix: Op, mask: Op, value: Op) -> Op | None:
        """``matrix`` with the place that ``mask`` singles out in each row changed; None where it is not one place."""
        conditions = list(self._terms(mask))
        place = next((p for p in map(_place, conditions) if p is not None), None)
        if place is None or "k" in value.axes or "k" not in mask.axes:
            return None
        rest = [term for term in conditions if _place(term) is not place]
        if any("k" in term.axes for term in rest):
            return None
        seen = self.beyond.known(mask, "k") is False
        return self._at(kind, matrix, place, self.b.and_(*rest), value, seen)

    def _at(self, kind: str, matrix: Op, place: Op, condition: Op, value: Op, seen: bool) -> Op | None:
        parts = (place, condition, value)
        axes = set(matrix.axes).union(*(part.axes for part in parts))
        if any(set(part.axes) - {"q"} for part in parts) or axes - {"q", "k"}:
            return None
        if "q" not in axes:  # the same for every query: one row, which must not become a matrix
            return None
        return self.b.graph.op("put_at", (matrix, *parts), (kind, seen), ("q", "k"), "f")

    # ------------------------------------------------------------ conditions

    def _terms(self, op: Op) -> list[Op]:
        return list(dict.fromkeys(conjunction(op)))

    def ordered(self, args: tuple[Op, ...]) -> Op:
        """The conjunction with conditions on the same axes together, those on few axes first."""
        groups: dict[tuple[str, ...], dict[Op, None]] = {}
        for term in (term for arg in args for term in self.conditions.parts(arg)):
            groups.setdefault(term.axes, {})[term] = None
        by_axes = sorted(groups, key=lambda axes: (len(axes), [axis_rank(axis) for axis in axes]))
        return self.b.and_(*(self.b.and_(*groups[axes]) for axes in by_axes))


def _place(term: Op) -> Op | None:
    """p of a condition k = p."""
    if term.name == "eq" and term.args[0].dtype == "f":
        for key, place in (term.args, term.args[::-1]):
            if key.name == "iota" and key.attr == "k" and "k" not in place.axes:
                return place
    return None


def _is(op: Op, value: float) -> bool:
    return op.name == "const" and op.dtype == "f" and op.attr == value
