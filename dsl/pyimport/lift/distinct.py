"""Sets whose elements may be named more than once: each where it occurs for the first time."""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.membership import _holds, equal
from attndsl.dsl.pyimport.lift.merge import instantiate, subst_value
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Binder, Part, Seq


def distinct(m: Machine, seq: Seq) -> Seq:
    """A set of any scalars: each element where it occurs for the first time."""
    found: list[Part] = []
    for original in seq.parts:
        p = instantiate(original)
        if len(p.binders) > 1:
            raise m.stop("a set that nested loops fill", code="E0312")
        again = [_holds(m, p.element, instantiate(q)) for q in found]
        for b in p.binders:
            y = T.fresh(b.var.kind)
            moved = subst_value(p.element, {b.var: y})
            repeats = T.conj((T.subst(p.condition, {b.var: y}), equal(m, moved, p.element)))
            again.append(_before(b, y, repeats))
        found.append(Part(p.binders, T.conj((p.condition, *(T.not_(c) for c in again))), p.element))
    return Seq(tuple(found), True)


def _before(b: Binder, y: Term, condition: Term) -> Term:
    if b.over_words:
        order = T.mk("cmp", "<", (T.windex(y), T.windex(b.var)), "bool")
        return T.agg("any", y, b.domain, T.NONE, T.NONE, T.conj((order, condition)))
    return T.agg("any", y, T.NONE, b.low, b.var, condition)
