"""Names that hold where a run began: ``if P and start is None: start = i``, and ``start = None`` where it ends.

From None an iteration sets the name where A holds; from a value it keeps it, or sets None where R holds. Where no
iteration does both, the name holds what the first A since the last R gave, or None where there was no A since.
``start = -1`` in the place of None says the same of places in the text, where it is the same number each time.
"""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.merge import merge_values, subst_value
from attndsl.dsl.pyimport.lift.resetting import _after
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Choice, NoneValue, Scalar, Value, Word
from attndsl.dsl.pyimport.lift.view import View

_Leaves = list[tuple[Term, Value]]  # conditions and what the name is then; None for "as it was"


def since_reset(
    view: View, var: Term, unset: Term | None, own: Value, end: Value, old: Value
) -> list[tuple[Term, Value]] | None:
    """At the start of an iteration and after the loop: whether the name is set, and its value; None: no such name."""
    if view.binder.climbs:
        return None
    sides = _sides(view, var, unset, end, old)
    if sides is None:
        return None
    nothing = old.term if isinstance(old, Scalar) else T.NONE
    where, value = _set_where(sides[0], own, var, unset, nothing)
    ends = _reset_where(sides[1], own, var, unset, nothing)
    if where is None or ends is None or value is None or ends is T.FALSE:
        return None
    facts = (*view.m.state.path, *view.binder.conditions(), view.where)
    if not (_differ(where, ends) or view.m.prover.impossible([*facts, where, ends])):
        return None
    if unset is None and not _is_place(view, (*facts, where), value, old):
        return None
    return [_at(view, where, ends, value, before) for before in (True, False)]


def _differ(a: Term, b: Term) -> bool:
    """One text, or number, would have to equal two."""
    sides = [dict(said for p in T.parts(c) if (said := _values(p)) is not None) for c in (a, b)]
    return any(t in sides[1] and not values & sides[1][t] for t, values in sides[0].items())


def _values(p: Term) -> tuple[Term, frozenset[object]] | None:
    """A term, and the values of which the condition says that it is one."""
    equals = p.op == "cmp" and p.data == "==" and T.is_const(p.args[-1])
    if p.op != "member" and not equals:
        return None
    term, *values = p.args
    return term, frozenset(x.data for x in values)  # 1 and 1.0 are one


def _at(view: View, where: Term, ends: Term, value: Value, before: bool) -> tuple[Term, Value]:
    x = view.binder.var
    last, ended = view.last(ends, before)
    ever, some = view.first(where, before)
    since = T.fresh(x.kind)
    first, again = view.first(T.conj((_after(view, x, since), where)), before)
    first, again = (T.subst(t, {since: last}) for t in (first, again))
    there = T.ite(ended, again, some)
    return there, merge_values(ended, subst_value(value, {x: first}), subst_value(value, {x: ever}))


def _sides(view: View, var: Term, unset: Term | None, end: Value, old: Value) -> tuple[Value, Value] | None:
    """What an iteration makes of None, and of a value."""
    if unset is not None:
        return subst_value(end, {unset: T.TRUE}), subst_value(end, {unset: T.FALSE})
    if not (isinstance(end, Scalar) and isinstance(old, Scalar) and T.is_const(old.term) and old.term.kind == "int"):
        return None
    tests = {t for t in T.walk(end.term) if t.op == "cmp" and var in t.args and any(T.is_const(a) for a in t.args)}
    known = {}
    for t in tests:
        holds = view.m.prover.implies((T.compare(">=", var, T.ZERO),), t)
        if not holds and not view.m.prover.implies((T.compare(">=", var, T.ZERO),), T.not_(t)):
            return None
        known[t] = T.const(holds)
    return subst_value(end, {var: old.term}), subst_value(end, known)


def _is_place(view: View, facts: tuple[Term, ...], value: Value, old: Value) -> bool:
    return isinstance(value, Scalar) and value.term.kind == "int" and view.m.prover.implies(
        facts, T.compare(">=", value.term, T.ZERO)
    )  # fmt: skip


def _leaves(v: Value, under: tuple[Term, ...]) -> _Leaves:
    if isinstance(v, Choice):
        sides = (v.condition, v.then), (T.not_(v.condition), v.other)
    elif isinstance(v, Scalar) and v.term.op == "ite":
        c, a, b = v.term.args
        sides = (c, Scalar(a, v.numpy)), (T.not_(c), Scalar(b, v.numpy))
    else:
        return [(T.conj(under), v)]
    return [leaf for c, side in sides if c is not T.FALSE for leaf in _leaves(side, (*under, c))]


def _free(v: Value, var: Term, unset: Term | None) -> bool:
    """The value says nothing of the name as it was."""
    if isinstance(v, Scalar | Word):
        return not {var.data, unset.data if unset is not None else ""} & v.term.free
    return isinstance(v, NoneValue)


def _set_where(v: Value, own: Value, var: Term, unset: Term | None, nothing: Term) -> tuple[Term | None, Value | None]:
    """Where an iteration that finds None sets the name, and to what."""
    where: list[Term] = []
    value: Value | None = None
    for c, leaf in _leaves(v, ()):
        if {var.data, unset.data if unset is not None else ""} & c.free:
            return None, None
        stays = isinstance(leaf, NoneValue) or leaf == own
        if unset is None:
            stays = isinstance(leaf, Scalar) and leaf.term is nothing
        if stays:
            continue
        if not _free(leaf, var, unset):
            return None, None
        where.append(c)
        value = leaf if value is None else merge_values(c, leaf, value)
    return T.disj(where), value


def _reset_where(v: Value, own: Value, var: Term, unset: Term | None, nothing: Term) -> Term | None:
    """Where an iteration that finds a value sets None again; it keeps it everywhere else."""
    where: list[Term] = []
    for c, leaf in _leaves(v, ()):
        if {var.data, unset.data if unset is not None else ""} & c.free:
            return None
        same = leaf == own or (isinstance(leaf, Scalar | Word) and leaf.term is var)
        if same:
            continue
        gone = isinstance(leaf, NoneValue)
        if unset is None:
            gone = isinstance(leaf, Scalar) and leaf.term is nothing
        if not gone:
            return None
        where.append(c)
    return T.disj(where)
