"""Which searches find something, as the conditions of a path say: each condition alone decides an answer."""

from __future__ import annotations

import pytest
from test_terms import over, short, the

from attndsl.dsl.pyimport.lift import cases, linear
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.existence import certain, optional_parts
from attndsl.dsl.pyimport.lift.linear import Prover
from attndsl.dsl.pyimport.lift.term import Term


@pytest.fixture(autouse=True)
def _anew() -> None:
    T.clear()
    linear.forget()


def _cmp(op: str, a: Term, b: Term) -> Term:
    return T.mk("cmp", op, (a, b), "bool")


def _nth(place: Term) -> Term:
    return T.mk("agg", "nth", (*over("first", the).args[:5], place), "int")


def test_what_a_true_condition_reads_is_there() -> None:
    """A comparison but ``!=``, membership, a part of a text, and the question itself fail on none."""
    first = over("first", the)
    raw = T.feature(first, "raw", "str")
    a, length = T.const("a"), T.mk("func", "len", (raw,), "int")
    for p in (
        _cmp("==", raw, a),
        _cmp("<", length, T.ONE),
        T.mk("member", None, (raw, a), "bool"),
        T.mk("substring", None, (a, raw), "bool"),
        T.mk("some", None, (first,), "bool"),
        T.mk("some", None, (raw,), "bool"),
    ):
        assert certain(first, [p]), p
    for p in (
        _cmp("!=", raw, a),
        T.mk("not", None, (_cmp("==", raw, a),), "bool"),
        T.mk("some", None, (over("last", the),), "bool"),
        _cmp("==", T.ite(the(T.ZERO), first, T.ONE), T.ONE),
    ):
        assert not certain(first, [p]), p


def test_a_number_of_elements_says_that_the_first_is_there() -> None:
    first, count = over("first", the), over("count", the)
    for op, bound, enough in (
        (">", 0, True), (">", -1, False), (">=", 1, True), (">=", 0, False), ("==", 1, True), ("==", 0, False),
        ("!=", 0, True), ("!=", 1, False), ("<", 5, False), ("!=", 0.5, False),
    ):  # fmt: skip
        assert certain(first, [_cmp(op, count, T.const(bound))]) == enough, (op, bound)
    assert not certain(first, [_cmp(">", over("count", short), T.ZERO)])
    assert certain(first, [_cmp(">", count, T.ONE), _cmp("<", count, T.const(5))])


def test_a_number_of_elements_says_that_the_one_at_a_place_is_there() -> None:
    count, two = over("count", the), [_cmp(">=", over("count", the), T.const(2))]
    for place, there in ((0, True), (1, True), (2, False), (-1, False)):
        assert certain(_nth(T.const(place)), two) == there, place
    for op, bound, there in (("==", 2, True), ("==", 1, False), ("!=", 0, False), (">", 1, True)):
        assert certain(_nth(T.ONE), [_cmp(op, count, T.const(bound))]) == there, (op, bound)
    last = _nth(T.sub(count, T.ONE))
    assert certain(last, two)
    assert not certain(last, [])
    assert not certain(_nth(T.sub(count, T.const(2))), two)


def test_a_place_below_the_number_of_elements_is_there() -> None:
    """The place is a number of other elements and a constant, and a condition compares just that with the number."""
    count, other = over("count", the), over("count", short)
    place = T.add(other, T.ONE)
    for op, left, there in (
        ("<", place, True), ("<", other, False), ("<", T.add(other, T.const(3)), True), ("<=", place, False),
        ("<=", T.add(other, T.const(2)), True), ("==", place, False), ("<", T.const(9), False),
    ):  # fmt: skip
        assert certain(_nth(place), [_cmp(op, left, count)]) == there, (op, left)
        turned = {"<": ">", "<=": ">=", "==": "=="}[op]
        assert certain(_nth(place), [_cmp(turned, count, left)]) == there, (op, left)
    for told in (
        _cmp("<", T.const("a"), T.feature(T.ZERO, "raw", "str")),
        _cmp("<", T.mul(place, T.const(1.0)), count),
    ):
        assert not certain(_nth(place), [told]), told
    assert certain(_nth(other), [the(T.ZERO), _cmp("<", other, count)])
    for told in (_cmp("!=", count, T.add(place, T.ONE)), _cmp("==", count, T.add(place, T.ONE)), the(T.ZERO)):
        assert not certain(_nth(place), [T.some(other), told]), told
    sum_ = over("sum", the, value=lambda at: T.const(-1))
    for place in (T.sub(other, T.ONE), T.neg(other), sum_, T.mk("var", "x", (), "int")):
        assert not certain(_nth(place), [_cmp("<", place, count)]), place


def test_what_may_be_none_is_found_outermost_first() -> None:
    first = over("first", the)
    last = over("last", the, first)
    sure = T.ite(the(T.ZERO), T.ONE, T.const(2))
    assert optional_parts(_cmp("<", sure, T.N)) == []
    assert optional_parts(_cmp("<", T.add(first, T.ONE), sure)) == [first]
    assert optional_parts(_cmp("<", T.feature(last, "raw", "str"), T.const("a"))) == [last]
    assert optional_parts(_cmp("<", T.ite(the(T.ZERO), first, T.ONE), T.N))[0].op == "ite"


def test_what_stands_behind_a_case_counts_as_well() -> None:
    """The path around a condition that says one thing or another is the same in both cases."""
    prover, c = Prover(), T.mk("var", "c", (), "bool")
    x, y, z = (T.mk("var", name, (), "int") for name in "xyz")
    either = T.mk("ite", None, (c, T.compare("<", x, y), T.compare("<=", x, T.sub(y, T.ONE))), "bool")
    before, behind, last = T.compare("<", T.ZERO, x), T.compare("<", y, z), T.compare("<", z, T.N)
    goal = T.compare("<", T.const(2), z)
    assert cases.implies(prover, (before, either, behind, last), goal)
    assert not cases.implies(prover, (before, either, last), goal)
    assert not cases.implies(prover, (either, behind, last), goal)
