"""Reductions of conditions that concern different axes -> products of two tables.

``any(w where overlaps(q, w) and head(w, k))`` never needs the values over q, w and k: for each query, the rows of the
second table are joined for those words where the first holds. The first, the *guard*, is nearly always sparse (a token
overlaps one word, a word has few children), so that the work is that of one row of keys for each true value in it.

    any(w where G(q, w) and B(k, w))              ->  any_where(G, B)
    count(w where G(q, w) and B(k, w))            ->  count_where(G, B)
    sum(x(k, w) for w where G(q, w) and B(k, w))  ->  sum_where(G, if B then x else 0)
    sum(x(q, w) for w where G(q, w) and B(k, w))  ->  sum_masked(G, B, x)

Products, largest and smallest values are contracted as sums are.

A condition k = p(q, w) singles out one key for each true value of the guard; the others on k are asked there:

    any(w where G(q, w) and k = p(q, w) and B(k, w))    ->  any_at(G and B(p(q, w), w), p)      and count_at
"""

from __future__ import annotations

from attndsl.compiler.build import Builder
from attndsl.compiler.bytecode_facts import NEUTRAL, conjunction
from attndsl.compiler.bytecode_rebuild import remade
from attndsl.compiler.bytecode_scans import Folded, taken_apart
from attndsl.compiler.ir import Op, axis_rank, ordered

_OF_NUMBERS = ("sum", "product", "maximum", "minimum")


class Contractor:
    """The step for ``bytecode_rebuild.rebuilt``."""

    def __init__(self) -> None:
        self.b = Builder()

    def __call__(self, op: Op, args: tuple[Op, ...]) -> Op:
        folded = taken_apart(op, args[0]) if op.name in ("any", *_OF_NUMBERS) else None
        found = None if folded is None else self.placed(folded, op.attr) or self.product(folded, op.attr)
        return remade(self.b, op, args) if found is None else found

    def placed(self, folded: Folded, axis: str) -> Op | None:
        """The reduction as one key for each true value of the guard, or None where no condition names the key."""
        if folded.kind not in ("any", "count"):
            return None
        terms = conjunction(folded.mask)
        for number, term in enumerate(terms):
            for key, place in _keys(term):
                if axis not in place.axes or len(place.axes) < 2 or key.attr == axis:
                    continue
                others = [*terms[:number], *terms[number + 1 :]]
                there = self.b.and_(*(t for t in others if key.attr in t.axes))
                if set(there.axes) - {axis, key.attr}:
                    continue
                here = self.b.and_(*(t for t in others if key.attr not in t.axes))
                guard = self.b.and_(here, self.b.gather(there, key.attr, place))
                axes = ordered({*guard.axes, *place.axes, key.attr} - {axis})
                name = "any_at" if folded.kind == "any" else "count_at"
                parts = (self.b.spread(guard, axis), place)
                return self.b.graph.op(name, parts, (axis, key.attr), axes, "b" if name == "any_at" else "f")
        return None

    def product(self, folded: Folded, axis: str) -> Op | None:
        """The reduction as a product of two tables, or None where one condition joins all axes."""
        terms = conjunction(folded.mask)
        mine = set(folded.value.axes) - {axis} if folded.value else set()
        groups = _components([*(set(term.axes) - {axis} for term in terms), mine])
        if len(groups) < 2:
            return None
        along = _row(groups, mine, inside=True)
        beside = along is None  # the value belongs to the guard
        along = _row(groups, mine, inside=False) if along is None else along
        if along is None:
            return None
        guard = self.b.and_(*(term for term in terms if not set(term.axes) & along))
        table = self.b.and_(*(term for term in terms if set(term.axes) & along))
        return self.contracted(folded, axis, guard, table, beside, along)

    def contracted(self, folded: Folded, axis: str, guard: Op, table: Op, beside: bool, along: set[str]) -> Op | None:
        value = folded.value
        parts: list[Op] = []
        if value is not None:
            neutral = self.b.const(float(NEUTRAL[folded.kind]))
            if not beside:
                table = self.b.select(table, value, neutral)
            else:
                parts = [self.b.spread(value, axis)]
                if guard.name == "const":
                    guard = self.b.not_(self.b.binary("eq", value, neutral))
        guard, table = self.b.spread(guard, axis), self.b.spread(table, axis)
        if not set(table.axes) >= along:
            return None
        inner = max(along, key=axis_rank)
        table = self.b.graph.op("turned", (table,), inner, table.axes, table.dtype)
        axes = ordered({a for part in (guard, table, *parts) for a in part.axes} - {axis})
        name = f"{folded.kind}_{'masked' if beside else 'where'}"
        return self.b.graph.op(name, (guard, table, *parts), axis, axes, "b" if folded.kind == "any" else "f")


def _keys(term: Op) -> list[tuple[Op, Op]]:
    """(key, place) of a condition that a key is at a place; the key is never the query."""
    if term.name != "eq" or term.args[0].dtype != "f":
        return []
    pairs = (term.args, term.args[::-1])
    return [(a, b) for a, b in pairs if a.name == "iota" and a.attr != "q" and a.attr not in b.axes]


def _components(axes: list[set[str]]) -> list[set[str]]:
    """Axes that some condition joins."""
    groups: list[set[str]] = []
    for found in filter(None, axes):
        joined = [group for group in groups if group & found]
        groups = [group for group in groups if not group & found] + [found.union(*joined)]
    return groups


def _row(groups: list[set[str]], value: set[str], inside: bool) -> set[str] | None:
    """The axes of the second table: keys if possible, never those of the query, with or without those of the value;
    None where there are none."""
    free = [group for group in groups if "q" not in group and (value <= group if inside else not value & group)]
    return max(free, key=lambda group: ("k" in group, min(map(axis_rank, group)))) if free else None
