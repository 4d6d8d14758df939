"""Names that iterations add to and now and then set anew: ``count += 1``, and ``count = 0`` at a full stop.

Such a name holds the value that was set last, and what was added since then.
"""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import climbing
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.forms import restarts
from attndsl.dsl.pyimport.lift.rounding import near
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.view import View


def restarted(view: View, var: Term, end: Term, old: Term) -> tuple[Term, Term] | None:
    """The name at the start of an iteration, and after the loop; None when it changes in another way."""
    found = restarts(end, var)
    if found is None or not view.ordered:
        return None
    kind, assigned, value, changed, by = found
    values: list[Term] = []
    for before in (True, False):
        at, exists = view.last(assigned, before)
        x = view.binder.var
        since = T.fresh(x.kind)
        anew = near(_changed(view, kind, T.conj((_after(view, x, since), changed)), by, before), value)
        ever = near(_changed(view, kind, changed, by, before), old)
        merge = T.add if kind == "add" else T.mul
        there = merge(T.subst(value, {x: at}), T.subst(anew, {since: at}))
        values.append(T.ite(exists, there, merge(old, ever)))
    return values[0], values[1]


def _changed(view: View, kind: str, where: Term, by: Term, before: bool) -> Term:
    if kind == "mul":
        return view.fold("product", where, by, before)
    if T.is_const(by):
        return T.mul(by, view.fold("count", where, T.NONE, before))
    return view.fold("sum", where, by, before)


def _after(view: View, x: Term, since: Term) -> Term:
    op = "<" if view.binder.descending else ">"
    if view.binder.climbs:
        return climbing.comes_after(view.binder, x, since)
    if view.binder.over_words:
        return T.mk("cmp", op, (T.windex(x), T.windex(since)), "bool")
    return T.mk("cmp", op, (x, since), "bool")


def as_first(view: View, t: Term, var: Term, old: Term) -> Term:
    """In the first iteration the name still holds its old value: setting that again changes nothing."""
    b = view.binder
    if b.over_words or not view.ordered:
        return t
    if t.op in ("linear", "bin"):  # ``(0 if i == 0 else level) + 1``
        own = [a for a in t.args if var.data in a.free]
        changed = {a: new for a in own if (new := as_first(view, a, var, old)) is not a}
        return T.subst(t, changed) if changed else t
    if t.op != "ite":
        return t
    c, then, other = t.args
    then, other = as_first(view, then, var, old), as_first(view, other, var, old)
    first = T.compare("==", b.var, T.sub(b.high, T.ONE) if b.descending else b.low)
    facts = (*view.m.state.path, *b.conditions())
    for side, condition in ((then, c), (other, T.not_(c))):
        parts = condition.args if condition.op == "and" else (condition,)
        if side is old and view.m.prover.implies((*facts, *parts), first):
            then, other = (var, other) if side is then else (then, var)
    return T.ite(c, then, other)
