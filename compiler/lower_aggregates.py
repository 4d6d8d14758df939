"""Lookbacks and aggregates -> reductions over an axis of their own."""

from __future__ import annotations

from attndsl.compiler.ir import Op
from attndsl.compiler.lower_base import Path, Scope
from attndsl.compiler.lower_tables import TableLowering
from attndsl.compiler.values import Chosen, Lowered, NodeSet, Value
from attndsl.dsl import nodes as N
from attndsl.dsl.types import BOOL, NUM, WORD, WORDS, Kind


class AggregateLowering(TableLowering):
    """Binders and what is made of the nodes they run over."""

    # ------------------------------------------------------------ aggregates

    def binder(self, binder: N.Binder, axis: str, scope: Scope, path: Path) -> tuple[Scope, Op]:
        """The scope with the variable on ``axis``, and where along it the variable runs."""
        place = self.b.iota(axis)
        terms: list[Op | None] = []
        kind = NUM
        needs_limit = self.typed.causal
        if binder.domain is not None:
            nodes = self.lower(binder.domain, scope, path)
            kind = self.kind_of_nodes(nodes)
            assert isinstance(nodes, NodeSet | Chosen)
            needs_limit &= kind is NUM
            terms.append(self.related(nodes, place))
        for bound, is_open, is_lower in (
            (binder.lower, binder.lower_open, True),
            (binder.upper, binder.upper_open, False),
        ):
            if bound is None:
                continue
            value = self.number(bound, scope, path)
            if not is_lower and self.visible(value.op):
                needs_limit = False
            a, b = (value.op, place) if is_lower else (place, value.op)
            terms += [value.present, self.b.binary("lt" if is_open else "le", a, b)]
        if needs_limit:
            terms.append(self.b.binary("le", place, self.b.iota("q")))
        inner = {**scope, binder.var: Value(place, kind)}
        mask = self.b.and_(*terms)
        if binder.where is not None:
            mask = self.b.and_(mask, self.truth(binder.where, inner, (*path, mask)))
        return inner, mask

    def binder_axis(self, binder: N.Binder, scope: Scope, path: Path) -> str:
        if binder.domain is None:
            return f"t{self.depth}"
        kind = self.kind_of_nodes(self.lower(binder.domain, scope, path))
        return f"w{self.depth}" if kind is WORD else f"t{self.depth}"

    def kind_of_nodes(self, nodes: Lowered) -> Kind:
        """WORD for a set of words, NUM for a set of tokens."""
        while isinstance(nodes, Chosen):
            nodes = nodes.then
        assert isinstance(nodes, NodeSet), "the checker lets a variable run over words and tokens only"
        return WORD if nodes.kind is WORDS else NUM

    def aggregate(self, node: N.Aggregate, scope: Scope, path: Path) -> Value:
        axis = self.binder_axis(node.binder, scope, path)
        self.depth += 1
        try:
            inner, mask = self.binder(node.binder, axis, scope, path)
            return self.fold(node, axis, inner, self.b.spread(mask, axis), scope, path)
        finally:
            self.depth -= 1

    def fold(self, node: N.Aggregate, axis: str, inner: Scope, mask: Op, scope: Scope, path: Path) -> Value:
        kind = WORD if axis[0] == "w" else NUM
        if node.kind in ("first", "last"):
            return self.found(self.b.reduce(node.kind, mask, axis), kind)
        if node.kind == "any":
            return Value(self.b.reduce("any", mask, axis), BOOL)
        if node.kind == "count":
            return Value(self.b.reduce("sum", self.b.number(mask), axis), NUM)
        assert node.value is not None
        if node.kind == "nth":
            return self.nth(self.number(node.value, scope, path), mask, axis, kind)
        if node.kind == "all":
            holds = self.truth(node.value, inner, (*path, mask))
            return Value(self.b.not_(self.b.reduce("any", self.b.and_(mask, self.b.not_(holds)), axis)), BOOL)
        value = self.number(node.value, inner, (*path, mask))
        mask = self.b.and_(mask, value.present)
        if node.kind in ("sum", "product"):
            neutral = self.b.const(0.0 if node.kind == "sum" else 1.0)
            return Value(self.b.reduce(node.kind, self.b.select(mask, value.op, neutral), axis), NUM)
        largest = node.kind in ("largest", "argmax")
        beyond = self.b.const(float("-inf") if largest else float("inf"))
        masked = self.b.select(mask, value.op, beyond)
        best = self.b.reduce("maximum" if largest else "minimum", masked, axis)
        if node.kind in ("largest", "smallest"):
            return Value(best, NUM, self.b.reduce("any", mask, axis))
        return self.found(self.b.reduce("first", self.b.and_(mask, self.b.binary("eq", value.op, best)), axis), kind)

    def found(self, index: Op, kind: Kind) -> Value:
        return Value(index, kind, self.b.binary("le", self.b.const(0.0), index))

    def nth(self, rank: Value, mask: Op, axis: str, kind: Kind) -> Value:
        total = self.b.reduce("sum", self.b.number(mask), axis)
        negative = self.b.binary("lt", rank.op, self.b.const(0.0))
        wanted = self.b.select(negative, self.b.binary("add", rank.op, total), rank.op)
        hit = self.b.and_(mask, self.b.binary("eq", self.b.rank(mask, axis), wanted))
        found = self.found(self.b.reduce("first", hit, axis), kind)
        # -0.3 / 0.1 is no whole number, but 7 more than it is: rounding makes it one
        whole = None if self.b.integral(rank.op) else self.b.binary("eq", self.b.unary("floor", rank.op), rank.op)
        return Value(found.op, kind, self.b.and_(rank.present, whole, found.present))
