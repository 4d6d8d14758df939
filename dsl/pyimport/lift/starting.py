"""Tests that only the first iteration passes: ``if new_word or word_id < 0: word_id += 1``, from -1 on.

The name is above (or below) its first value for ever once the first iteration has ended: the test asks whether this is
the first one.
"""

from __future__ import annotations

from collections.abc import Iterator

from attndsl.dsl.pyimport.lift import cases
from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.excluding import without_choices
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Scalar, Value
from attndsl.dsl.pyimport.lift.view import View


def put_otherwise(view: View, var: Term, unset: Term | None, end: Value, old: Value) -> Iterator[Value]:
    """Other forms of the value at the end of an iteration, with fewer tests of the name itself."""
    settled = without_choices(end, frozenset(x.data for x in (var, unset) if x is not None))
    if settled != end:
        yield settled
    if isinstance(end, Scalar) and isinstance(old, Scalar):
        plainer = without_tests(view, end.term, var, old.term)
        if plainer is not end.term:
            yield Scalar(plainer, end.numpy)


def without_tests(view: View, end: Term, var: Term, old: Term) -> Term:
    """The value at the end of an iteration, in which no such test is left."""
    if var.kind != "int" or not T.is_const(old) or not view.ordered:
        return end
    for test in [x for x in T.walk(end) if x.op == "cmp"]:
        passed = T.subst(test, {var: old})
        if not T.is_const(passed):
            continue
        only_first = test if passed is T.TRUE else T.not_(test)
        if any(_leaves(view, end, only_first, old, T.compare(op, var, old), var) for op in (">", "<")):
            first = _first(view)
            end = T.subst(end, {only_first: first, T.not_(only_first): T.not_(first)})
    return end


def _leaves(view: View, end: Term, test: Term, old: Term, beyond: Term, var: Term) -> bool:
    """Each iteration ends beyond the old value, the first by passing the test and the others without it."""
    prover, facts = view.m.prover, (*view.m.state.path, *view.binder.conditions(), view.where)
    if not prover.implies((beyond,), T.not_(test)):
        return False
    begun = T.subst(end, {test: T.TRUE, T.not_(test): T.FALSE})
    later = T.subst(end, {test: T.FALSE, T.not_(test): T.TRUE})
    return cases.implies(prover, facts, T.subst(beyond, {var: T.subst(begun, {var: old})})) and cases.implies(
        prover, (*facts, beyond), T.subst(beyond, {var: later})
    )


def _first(view: View) -> Term:
    b = view.binder
    if view.where is T.TRUE and not b.over_words:
        return T.compare("==", b.var, T.sub(b.high, T.ONE) if b.descending else b.low)
    return T.not_(C.earlier("any", b, view.where, T.NONE))
