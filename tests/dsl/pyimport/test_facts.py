"""What the prover knows of a number by how it is made: true in every small world, and recorded.

A fact that is too strong is found by trying all values; one that is gone shows in the record (``tests/golden/terms``).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from term_meaning import World, meaning, shown
from test_terms import over, same_as_recorded, the, words

from attndsl.dsl.pyimport.lift import elimination, linear
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.emit import KEY, Q
from attndsl.dsl.pyimport.lift.linear import Prover
from attndsl.dsl.pyimport.lift.term import Term

TEXTS = (("the",), ("b", "a", "the"), ("the", "the"))
WORLDS = [
    World(t, {"q": q, "k": k, "x": q / 2, "y": y})
    for t in TEXTS
    for q in range(len(t))
    for k in range(len(t))
    for y in (-3, 2)
]
ORDERS = ("==", "!=", "<", "<=", ">", ">=")


@pytest.fixture(autouse=True)
def _anew() -> None:
    T.clear()
    linear.forget()


def _y() -> Term:
    """A number of any sign."""
    return T.mk("var", "y", (), "int")


def _found(kind: str, where: Callable[[Term], Term], low: Term = T.ZERO, high: Term = T.N) -> Term:
    return over(kind, where, low, high, (lambda at: Q) if kind == "nth" else None)


def _searches() -> Iterator[Term]:
    for kind, low, high in itertools.product(
        ("first", "last", "nth", "argmax", "argmin"), (T.ZERO, T.ONE, Q), (T.N, KEY)
    ):
        yield _found(kind, the, low, high)
    size = T.mk("var", "x", (), "float")
    limits: list[Callable[[Term], Term]] = [
        lambda at: T.mk("cmp", "<", (at, Q), "bool"), lambda at: T.mk("cmp", "<=", (at, Q), "bool"),
        lambda at: T.mk("cmp", ">", (at, Q), "bool"), lambda at: T.mk("cmp", "<", (Q, at), "bool"),
        lambda at: T.mk("cmp", "<", (at, size), "bool"), lambda at: T.mk("cmp", "!=", (at, Q), "bool"),
        lambda at: T.mk("cmp", "<", (at, T.sub(T.N, at)), "bool"),
        lambda at: T.mk("cmp", "<", (at, over("first", the)), "bool"),
        lambda at: T.conj((the(at), T.mk("cmp", "<", (at, Q), "bool"))), lambda at: T.some(over("first", the, at)),
    ]  # fmt: skip
    for where in limits:
        yield _found("first", where)
    yield words("first")
    yield words("count")


def _numbers() -> list[Term]:
    size, y, text = T.mk("var", "x", (), "float"), _y(), T.feature(Q, "raw", "str")
    counts = [over("count", the, low, high) for low in (T.ZERO, T.ONE, Q) for high in (T.N, KEY)]
    calls = [T.mk("func", f, (a, b), "int") for f in ("min", "max") for a, b in ((Q, y), (y, T.ONE))]
    calls += [T.mk("func", f, (y,), "int") for f in ("abs", "trunc")]
    calls += [T.mk("func", "len", (text,), "int"), T.mk("func", "max", (size, size), "float")]
    divided = [T.mk("bin", op, (y, T.const(c)), "int") for op in ("%", "//", "*") for c in (1, 3, -2)]
    divided += [T.mk("bin", op, (y, T.add(Q, T.ONE)), "int") for op in ("%", "//")]
    sides = [T.const(2), T.const(-1), T.const(0.5), Q, y, T.N, over("count", the), over("first", the)]
    choices = [
        T.mk("ite", None, (the(Q), a, b), "int" if a.kind == b.kind == "int" else "num") for a in sides for b in sides
    ]
    deep = T.mk("ite", None, (the(KEY), T.ONE, choices[0]), "int")
    return [
        T.N, T.windex(words("first")), *counts, words("count"), *_searches(), *calls, *divided, *choices, deep,
        T.mk("method", "find", (text, T.const("h")), "int"), T.mk("method", "count", (text, T.const("h")), "int"),
        Q, y, size, T.const(3), T.add(Q, y), over("sum", the, value=lambda at: T.const(-1)),
    ]  # fmt: skip


def _meant(t: Term, world: World) -> object:
    """Its value, or None where the worlds do not say it."""
    try:
        return meaning(t, world)
    except (AssertionError, KeyError):
        return None


def test_a_fact_of_a_number_is_never_below_zero_and_recorded(request: pytest.FixtureRequest) -> None:
    lines = []
    for t in _numbers():
        facts, least = linear.atom_facts(t), linear._least(t)
        for world in WORLDS:
            value = _meant(t, world)
            for fact in facts if value is not None else ():
                found = _meant(fact, world)
                assert not isinstance(found, int) or found >= 0, (shown(t), shown(fact))
            assert least is None or not isinstance(value, int) or value >= least, shown(t)
        lines.append(f"{shown(t)}: {', '.join(map(shown, facts)) or 'nothing'}; at least {least}\n")
    same_as_recorded("facts", lines, request)


def test_the_cases_of_a_number_are_all_there_are_and_recorded(request: pytest.FixtureRequest) -> None:
    lines = []
    for t in _numbers():
        cases = linear._cases(t)
        for world in WORLDS if cases is not None else ():
            assert cases is None or _meant(t, world) is None or meaning(cases, world), shown(t)
        lines += [f"{shown(t)}: {shown(cases)}\n"] if cases is not None else []
    same_as_recorded("cases", lines, request)


def test_the_rows_of_a_comparison_say_the_same_and_are_recorded(request: pytest.FixtureRequest) -> None:
    y, lines = _y(), []
    sides = [
        (Q, y),
        (T.add(Q, T.ONE), T.mul(T.const(2), y)),
        (T.sub(Q, y), T.const(3)),
        (T.N, T.sub(Q, T.const(2))),
        (Q, Q),
    ]
    for op, (a, b) in itertools.product(ORDERS, sides):
        c = T.mk("cmp", op, (a, b), "bool")
        rows = [({elimination.atom(number): k for number, k in atoms}, rest) for atoms, rest in linear._rows_of(c)]
        for world in WORLDS:
            held = all(sum(k * meaning(t, world) for t, k in atoms.items()) + rest >= 0 for atoms, rest in rows)
            assert op == "!=" or held == meaning(c, world), shown(c)
        said = [" + ".join([f"{k}{shown(t)}" for t, k in atoms.items()] + [str(rest)]) for atoms, rest in rows]
        lines.append(f"{shown(c)}: {'; '.join(said) or 'nothing'}\n")
    same_as_recorded("rows", lines, request)


def test_numbers_that_differ_from_a_bound_leave_it() -> None:
    """x != 0 sharpens x >= 0 to x >= 1, and x <= 0 to x <= -1; of eight conditions of the kind."""
    prover = Prover()
    numbers = [T.mk("var", f"x{i}", (), "int") for i in range(10)]
    for op, sign in ((">=", 1), ("<=", -1)):
        for x in numbers[:2]:
            bound, other = T.compare(op, x, T.const(2)), T.compare("!=", x, T.const(2))
            assert prover.implies((bound, other), T.compare(op, x, T.const(2 + sign)))
            assert not prover.implies((bound, other), T.compare(op, x, T.const(2 + 2 * sign)))
            assert not prover.implies((bound,), T.compare(op, x, T.const(2 + sign)))
    bounds = [T.compare(">=", x, T.ZERO) for x in numbers]
    others = [T.compare("!=", x, T.ZERO) for x in numbers]
    for at, x in enumerate(numbers):
        assert prover.implies((*bounds, *others), T.compare(">=", x, T.ONE)) == (at < 8)
    unknown = T.compare("!=", over("first", the), T.ZERO)
    assert not prover.implies((unknown, T.compare(">=", over("first", the), T.ZERO)), T.compare(">", T.ONE, T.N))


def test_choices_count_up_to_a_number() -> None:
    """Of conditions that say one thing or another three are told apart, and one of the numbers that are choices."""
    prover = Prover()
    numbers = [T.mk("var", f"x{i}", (), "int") for i in range(5)]
    y = _y()
    either = [T.disj((T.compare(">", x, T.const(3)), T.compare(">", x, T.const(4 + i)))) for i, x in enumerate(numbers)]
    plain = [T.mk("or", None, (T.compare(">", x, T.const(3)), T.compare("==", x, T.const(3))), "bool") for x in numbers]
    for at, x in enumerate(numbers):
        assert prover.implies(tuple(plain), T.compare(">=", x, T.const(3))) == (at < 3)
        assert prover.implies((plain[at],), T.compare(">=", x, T.const(3)))
        assert not prover.implies((plain[at],), T.compare(">", x, T.const(3)))
    assert prover.implies((either[0],), T.compare(">", numbers[0], T.const(3)))
    many = T.mk("or", None, tuple(T.compare("==", y, T.const(c)) for c in (1, 2, 3)), "bool")
    more = T.mk("or", None, tuple(T.compare("==", y, T.const(c)) for c in (1, 2, 3, 4)), "bool")
    assert prover.implies((many,), T.compare(">", y, T.ZERO))
    assert not prover.implies((more,), T.compare(">", y, T.ZERO))
    texts = T.mk("or", None, (T.compare(">", y, T.ONE), the(Q)), "bool")
    assert not prover.implies((texts,), T.compare(">", y, T.ONE))
    for least in (T.ONE, T.ZERO):
        assert prover.implies((texts, T.not_(the(Q))), T.compare(">", y, least))


def test_what_is_said_follows_in_whatever_form_it_is_said() -> None:
    prover, first, y = Prover(), over("first", the), _y()
    both = T.conj((the(Q), the(KEY)))
    assert prover.implies((), T.TRUE)
    assert prover.implies((both,), the(Q))
    assert prover.implies((both,), both)
    assert prover.implies((T.compare("==", T.feature(first, "raw", "str"), T.const("the")),), T.some(first))
    assert not prover.implies((the(Q),), T.some(first))
    inside = T.compare("<", first, T.N)
    assert not prover.implies((), inside)
    assert prover.implies((T.some(first),), inside)
    assert prover.implies((T.compare(">", first, y),), inside)
    last = over("last", the)
    assert prover.implies((T.some(last),), T.compare("<", last, T.N))
    assert not prover.implies((T.some(first),), T.compare("<", over("last", the, Q), T.N))
    assert prover.implies((T.compare("<=", Q, y), T.compare(">=", Q, y)), T.compare("==", Q, y))


def test_conditions_are_taken_together_with_those_before_them() -> None:
    numbers = [T.mk("var", f"x{i}", (), "int") for i in range(5)]
    circle = [T.compare("<", a, b) for a, b in itertools.pairwise([*numbers, numbers[0]])]
    for at in range(len(circle)):
        turned = [*circle[at:], *circle[:at]]
        for cut in range(len(circle)):
            start = tuple(turned[:cut])
            assert Prover().impossible(turned[cut:], start)
            assert not Prover().impossible(turned[cut + 1 :], start)
            assert not Prover().impossible(turned[max(cut, 1) : -1], start)


def test_numbers_between_whole_numbers_are_no_contradiction() -> None:
    """Of y > x > z for a number x with a fraction, y may be the next whole number after z."""
    prover, y, z, size = Prover(), _y(), T.mk("var", "z", (), "int"), T.mk("var", "x", (), "float")
    for one, other in (
        (T.mk("cmp", ">", (y, size), "bool"), T.mk("cmp", "<", (z, size), "bool")),
        (T.mk("cmp", "<", (size, y), "bool"), T.mk("cmp", ">", (size, z), "bool")),
    ):
        assert not prover.implies((one, other), T.compare(">", y, T.add(z, T.ONE)))
