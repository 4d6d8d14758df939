"""Names that are None again at every second change, whichever way a program's branches and jumps say so."""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.left_behind import stripped
from attndsl.dsl.pyimport.lift.merge import subst_value
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Choice, NoneValue, Scalar, Value


def turned_on(unset: Term, held: Value, end: Value) -> tuple[Term, Value] | None:
    """Where an iteration changes the name, and what it then holds if it was None; None where it does not go back and
    forth. ``held``: what it holds before the iteration, if it is not None; ``end``: what it holds after it."""
    was_none, was_set = (_pruned(subst_value(end, {unset: t}), ()) for t in (T.TRUE, T.FALSE))
    where = _is_none(was_set)
    on, kept = stripped(was_none, NoneValue()), stripped(was_set, NoneValue())
    if on is None or kept not in (None, held) or T.not_(_is_none(was_none)) is not where:
        return None
    return where, on


def _is_none(v: Value) -> Term:
    if isinstance(v, Choice):
        return T.ite(v.condition, _is_none(v.then), _is_none(v.other))
    return T.const(isinstance(v, NoneValue))


def _pruned(v: Value, known: tuple[Term, ...]) -> Value:
    """The value without alternatives that the conditions around them exclude."""
    while isinstance(v, Choice) or (isinstance(v, Scalar) and v.term.op == "ite"):
        c, then, other = (v.condition, v.then, v.other) if isinstance(v, Choice) else _sides(v)
        if c in known:
            v = then
        elif T.not_(c) in known:
            v = other
        elif isinstance(v, Choice):
            sides = (_pruned(x, (*known, *T.parts(d))) for x, d in ((then, c), (other, T.not_(c))))
            return _choice(c, *sides)
        else:
            return v
    return v


def _sides(v: Scalar) -> tuple[Term, Value, Value]:
    c, then, other = v.term.args
    return c, Scalar(then, v.numpy), Scalar(other, v.numpy)


def _choice(c: Term, then: Value, other: Value) -> Value:
    return then if then == other else Choice(c, then, other)
