"""Aggregates whose condition nothing satisfies, sums made anew of other terms, and substitution without capture."""

from __future__ import annotations

import pytest
from term_meaning import meaning
from test_terms import WORLDS, over, the

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.emit import KEY, Q
from attndsl.dsl.pyimport.lift.term import Term


@pytest.fixture(autouse=True)
def _anew() -> None:
    T.clear()


def _never(at: Term) -> Term:
    return T.FALSE


def _number(name: str) -> Term:
    return T.mk("var", name, (), "int")


def test_where_nothing_is_looked_for_is_nothing() -> None:
    found = [over(kind, _never, value=lambda at: at) for kind in ("count", "any", "sum")]
    assert found == [T.ZERO, T.FALSE, T.ZERO]
    assert over("first", _never).op == "agg"
    assert over("product", _never, value=lambda at: at).op == "agg"


def test_a_sum_of_whole_numbers_becomes_one_of_others() -> None:
    total = T.add(T.add(T.mul(T.const(2), Q), KEY), T.ONE)
    size = T.mk("var", "x", (), "float")
    for new in (size, T.add(Q, T.const(3)), T.sub(T.ZERO, Q), T.const(0.5)):
        found = T.subst(total, {KEY: new})
        assert found.kind == ("int" if new.kind == "int" else "num" if found.kind == "num" else "float")
        for world in WORLDS:
            assert meaning(found, world) == 2 * meaning(Q, world) + meaning(new, world) + 1, new
    assert T.subst(total, {KEY: T.sub(T.ZERO, T.mul(T.const(2), Q))}) is T.ONE


def _nested(inner: Term) -> Term:
    """How many y have a z before them and before ``inner``, with a token of its own."""
    return over(
        "count", lambda y: over("any", lambda z: T.conj((the(z), T.compare("<", z, y), T.compare("<", z, inner))))
    )


def test_a_variable_of_an_aggregate_is_never_taken_for_another() -> None:
    """What replaces a variable may hold aggregates itself: those around it are numbered anew, each by its own."""
    x, y = _number("x"), _number("y")
    before = [
        over("count", lambda at: T.compare("<", at, T.mul(at, Q))),
        over("count", lambda at: T.compare("<", at, y)),
    ]
    before.append(over("count", lambda at: T.compare("<", at, before[0])))
    for new in (Q, T.add(Q, T.ONE), *before, T.add(before[0], y)):
        assert T.subst(_nested(x), {x: new}) is _nested(new), new
    assert T.subst(_nested(before[0]), {Q: before[1]}) is _nested(T.subst(before[0], {Q: before[1]}))


def test_a_whole_term_is_replaced_inside_aggregates() -> None:
    x, first = _number("x"), over("first", the)
    assert T.subst(_nested(first), {first: x}) is _nested(x)
    assert T.subst(_nested(T.add(first, x)), {first: T.ONE, x: Q}) is _nested(T.add(Q, T.ONE))


def test_the_conjuncts_that_do_not_read_the_variable_stand_outside() -> None:
    outside, inside = the(Q), over("any", the)
    assert over("any", lambda at: T.conj((the(Q), the(at)))) is T.conj((outside, inside))
    assert over("any", lambda at: the(Q)) is T.conj((outside, over("any", lambda at: T.TRUE)))
