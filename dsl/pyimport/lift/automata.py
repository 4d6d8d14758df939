"""Names of two values that an iteration sets, resets, keeps or turns round: ``mode = "quote"`` and back again.

What an iteration makes of each of the two values says which of the four it does. Since the last iteration that set or
reset the name, each turn brings the other value: the number of turns is all that counts. So it is with a name that is
None or a place, as to whether it is None; the place is that of the last iteration that gave one.
"""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import questions
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.merge import merge_values, subst_value
from attndsl.dsl.pyimport.lift.resetting import _after
from attndsl.dsl.pyimport.lift.runs import _free, _leaves
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Choice, NoneValue, Scalar, Value, Word
from attndsl.dsl.pyimport.lift.view import View


def two_states(view: View, var: Term, end: Term, old: Term) -> tuple[Term, Term] | None:
    """The name at the start of an iteration and after the loop; None where it may hold a third value."""
    values = _values(var, end, old)
    if values is None or not view.ordered or view.binder.keys or view.binder.climbs:
        return None
    a, b = values
    sides = [_where(T.subst(end, {var: value}), b) for value in values]
    begun = old if var.kind == "bool" else T.const(old is b)
    if any(side is None or var.data in side.free or _may_fail(side) for side in sides):
        return None
    off, on = (side for side in sides if side is not None)
    states = _states(view, off, on, begun)
    return (states[0], states[1]) if var.kind == "bool" else (T.ite(states[0], b, a), T.ite(states[1], b, a))


def _values(var: Term, end: Term, old: Term) -> tuple[Term, Term] | None:
    """The two written values, the first one last; of a flag, false and true."""
    if not var.kind == end.kind == old.kind:
        return None
    if var.kind == "bool":
        return T.FALSE, T.TRUE
    found: dict[Term, None] = {old: None}
    todo = [end]
    while todo:
        t = todo.pop()
        if t.op == "ite":
            todo += t.args[1:]
        elif t is not var:
            found[t] = None
    if len(found) != 2 or not all(T.is_const(t) and t.kind == var.kind for t in found):
        return None
    first, second = found
    return second, first


def _where(t: Term, value: Term) -> Term | None:
    """Where a choice of the two values is this one."""
    if t.kind == "bool":
        return t
    if t.op != "ite":
        return T.const(t is value)
    then, other = _where(t.args[1], value), _where(t.args[2], value)
    return None if then is None or other is None else T.ite(t.args[0], then, other)


def _states(view: View, off: Term, on: Term, begun: Term) -> list[Term]:
    """Whether the second value is there, at the start of an iteration and after the loop.

    ``off``: an iteration that finds the first value makes it the second; ``on``: one that finds the second keeps it.
    """
    x = view.binder.var
    both = T.conj((off, on)), T.conj((T.not_(off), T.not_(on)))
    fixed = T.disj(c for c in both if not questions.always(view.m.prover, T.not_(c), T.TRUE))
    turned = T.conj((off, T.not_(on)))
    states = []
    for before in (True, False):
        last, exists = view.last(fixed, before)
        if fixed is T.FALSE:
            exists = T.FALSE
        since = T.fresh(x.kind)
        anew = view.fold("count", T.conj((_after(view, x, since), turned)), T.NONE, before)
        ever = view.fold("count", turned, T.NONE, before)
        later = _turned(T.subst(off, {x: last}), T.subst(anew, {since: last}))
        states.append(T.ite(exists, later, _turned(begun, ever)))
    return states


def _turned(state: Term, times: Term) -> Term:
    odd = T.compare("==", T.arith("%", times, T.const(2)), T.ONE)
    return T.ite(odd, T.not_(state), state)


def set_or_none(view: View, var: Term, unset: Term, end: Value) -> list[tuple[Term, Value]] | None:
    """Of a name that is None at first: whether it is None, and what it holds else, at the start of an iteration and
    after the loop. None where the value decides what becomes of it."""
    if not view.ordered or view.binder.keys or view.binder.climbs:
        return None
    off, on = (_none_where(subst_value(end, {unset: t})) for t in (T.FALSE, T.TRUE))
    leaves = _leaves(end, ())
    if any({var.data, unset.data} & side.free for side in (off, on)) or any(_may_fail(c) for c, _ in leaves):
        return None
    states = _states(view, off, on, T.TRUE)
    where: list[Term] = []
    value: Value | None = None
    for c, leaf in _leaves(subst_value(end, {unset: states[0]}), ()):
        if isinstance(leaf, NoneValue) or (isinstance(leaf, Scalar | Word) and leaf.term is var):
            continue
        if not _free(leaf, var, unset) or var.data in c.free:
            return None
        where.append(c)
        value = leaf if value is None else merge_values(c, leaf, value)
    if value is None:
        return None
    found: list[tuple[Term, Value]] = []
    for none, before in zip(states, (True, False), strict=True):
        last, exists = view.last(T.disj(where), before)
        given = subst_value(value, {view.binder.var: last})
        if isinstance(given, Scalar) and given.term.kind == "int":  # there is one where the name is not None
            given = Scalar(T.ite(exists, given.term, T.ZERO), given.numpy)
        found.append((none, given))
    return found


def _none_where(v: Value) -> Term:
    if isinstance(v, Choice):
        return T.ite(v.condition, _none_where(v.then), _none_where(v.other))
    return T.const(isinstance(v, NoneValue))


def _may_fail(t: Term) -> bool:
    """It would now be asked in iterations in which Python does not ask it."""
    return not t.total or bool(t.marks & T.MAY_FAIL)
