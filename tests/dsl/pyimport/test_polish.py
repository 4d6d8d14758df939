"""Rules said more simply: whatever the bounds, conditions and targets, the matrix stays what it was; and recorded.

A step that changes what a rule does is found by applying both; one that stops to apply shows in the record
(``tests/golden/terms``). Record anew with ``--update-golden``.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

import pytest
from term_meaning import World, meaning, shown
from test_terms import TEXTS, WORLDS, numbers, over, same_as_recorded, the

from attndsl.dsl.pyimport.lift import linear, polish
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.emit import KEY, Draft, Q
from attndsl.dsl.pyimport.lift.saying import Speaker
from attndsl.dsl.pyimport.lift.term import Term

CHANGES: dict[str, Any] = {
    "set": lambda old, new: new, "add": lambda old, new: old + new, "scale": lambda old, new: old * new,
    "raise": max, "cap": min, "fail": lambda old, new: old + 100,
}  # fmt: skip
DRAWN = 800


@pytest.fixture(autouse=True)
def _anew() -> None:
    T.clear()
    linear.forget()


# ---------------------------------------------------------------- what a rule does


def _keys(d: Draft, world: World) -> list[int]:
    size = len(world.texts)
    if d.target is not None:
        at = meaning(d.target, world)
        return [at] if at is not None and 0 <= at < size else []
    low = 0 if d.low is None else meaning(d.low, world)
    high = size if d.high is None else meaning(d.high, world)
    found = range(max(low, 0), min(high, size))
    return [k for k in found if all(meaning(c, world.having("k", k)) for c in d.where)]


def _applied(drafts: list[Draft], texts: tuple[str, ...]) -> list[list[float]] | None:
    """The matrix, of ones at first; None where Python fails."""
    size = len(texts)
    matrix = [[0.5 - k for k in range(size)] for _ in range(size)]
    try:
        for d in drafts:
            for q in range(size):
                world = World(texts, {"q": q, "x": q / 2})
                for k in _keys(d, world) if all(meaning(c, world) for c in d.when) else ():
                    value = meaning(d.value, world.having("k", k))
                    if value is not None:
                        matrix[q][k] = CHANGES[d.op](matrix[q][k], value)
    except ArithmeticError:
        return None
    return matrix


def _written(d: Draft) -> str:
    where = f"{'start' if d.low is None else shown(d.low)}..{'end' if d.high is None else shown(d.high)}"
    parts = [d.op, shown(d.value), "at", where if d.target is None else shown(d.target)]
    for name, given in (("where", d.where), ("when", d.when)):
        parts += [name, " and ".join(map(shown, given))] if given else []
    return " ".join(parts)


def _check(drafts: list[Draft], request_lines: list[str], compare: bool = True) -> None:
    before = [_written(d) for d in drafts]
    kept = [Draft(d.op, d.matrix, d.value, d.target, [*d.when], [*d.where], d.low, d.high) for d in drafts]
    found = [d for _, d in polish.polished(list(enumerate(drafts)), "W")]
    if compare:
        for texts in TEXTS:
            assert _applied(found, texts) == _applied(kept, texts), before
    request_lines.append(f"{'; '.join(before)}  =>  {'; '.join(map(_written, found)) or 'nothing'}\n")


# ---------------------------------------------------------------- drawn rules


def _lower() -> list[Term | None]:
    return [None, T.ZERO, T.ONE, Q, T.add(Q, T.ONE), T.func("max", (T.ZERO, T.sub(Q, T.ONE)), "int"),
            T.func("max", (T.sub(Q, T.const(2)), T.ZERO), "int"), T.func("max", (Q, T.ONE), "int")]  # fmt: skip


def _upper() -> list[Term | None]:
    return [None, T.N, Q, T.add(Q, T.ONE), T.sub(T.N, T.ONE), T.func("min", (T.N, T.add(Q, T.const(2))), "int"),
            T.func("min", (T.add(Q, T.ONE), T.N), "int"), T.func("min", (Q, T.ONE), "int"), T.ONE]  # fmt: skip


def _of_key() -> list[Term]:
    first, size = over("first", the), T.mk("var", "x", (), "float")
    places = [Q, T.sub(Q, T.ONE), T.ZERO, T.ONE, T.sub(T.N, T.ONE), T.sub(T.N, T.const(2)), first]
    return [
        *(T.compare(op, KEY, at) for op in ("==", "!=") for at in places), T.compare("==", T.sub(Q, KEY), T.const(2)),
        T.compare("!=", T.add(KEY, Q), T.sub(T.N, T.ONE)), T.compare("==", T.mul(T.const(2), KEY), Q), the(KEY),
        T.compare("<", KEY, Q), T.compare("==", KEY, size), T.compare("!=", KEY, size), T.not_(the(KEY)),
        T.compare("==", T.add(KEY, over("count", lambda at: T.compare("<", at, KEY))), Q),
        T.compare(">", T.arith("/", T.ONE, KEY, "here"), T.const(0.3)),
    ]  # fmt: skip


def _of_query() -> list[Term]:
    return [
        T.compare(">", Q, T.ZERO), T.compare("!=", Q, T.ONE), T.compare("<", T.add(Q, T.ONE), T.N), the(Q),
        T.compare("==", Q, T.ZERO), T.compare("<=", Q, T.sub(T.N, T.const(2))), T.compare(">=", Q, T.ONE),
        T.some(over("first", the)), T.compare("!=", Q, T.sub(T.N, T.ONE)), T.compare(">=", Q, T.const(2)),
        T.compare(">", T.arith("/", T.ONE, Q, "here"), T.const(0.3)),
    ]  # fmt: skip


def _targets() -> list[Term]:
    return [T.sub(Q, T.ONE), T.add(Q, T.ONE), over("first", the), Q, T.const(1), T.sub(T.sub(T.N, T.ONE), Q),
            T.add(Q, T.const(2)), T.sub(Q, T.const(2)), T.sub(T.N, T.ONE)]  # fmt: skip


def _values(rng: random.Random) -> Term:
    plain = [T.ONE, T.const(0.5), T.sub(Q, T.ZERO), T.sub(KEY, Q), T.arith("/", T.ONE, T.add(Q, T.ONE), "here"),
             over("first", the), T.arith("/", T.ONE, Q, "here"), T.ite(the(KEY), T.ONE, T.const(2))]  # fmt: skip
    if rng.random() < 0.7:
        return rng.choice(plain)
    other = rng.choice((T.const(1.0), T.const(2.0)))
    choices = [T.ite(rng.choice([*_of_key(), *_of_query()]), T.const(0.5), other) for _ in range(2)]
    choices.append(T.ite(T.conj((the(KEY), T.compare("<", T.ZERO, Q))), T.const(3.0), T.const(1.0)))
    found = T.add(T.arith("*", T.sub(KEY, Q), T.mk("var", "x", (), "float")), T.const(1.0))
    for _ in range(rng.randrange(1, 4)):
        found = T.arith(rng.choice("****+-/"), found, rng.choice((*choices, T.mk("var", "x", (), "float"))))
    return found if rng.random() < 0.9 else T.ite(the(KEY), choices[0], found)


def _without_key(t: Term) -> Term:
    return T.subst(t, {KEY: T.ZERO})


def _draft(rng: random.Random) -> Draft:
    op, value = rng.choice(("set", "set", "set", "set", "add", "scale", "fail")), _values(rng)
    when = rng.sample(_of_query(), rng.choice((0, 0, 1, 2)))
    if rng.random() < 0.4:
        target = rng.choice(_targets())
        when += [T.some(target)] if rng.random() < 0.5 and not target.total else []
        return Draft(op, "W", _without_key(value), target, when)
    where = rng.sample(_of_key(), rng.choice((0, 1, 1, 2)))
    return Draft(op, "W", value, None, when, where, rng.choice(_lower()), rng.choice(_upper()))


def test_a_rule_said_more_simply_does_the_same_and_is_recorded(request: pytest.FixtureRequest) -> None:
    rng, lines = random.Random(3), list[str]()
    for _ in range(DRAWN):
        _check([_draft(rng)], lines)
    same_as_recorded("rules", lines, request)


# ---------------------------------------------------------------- single steps


def _read() -> Term:
    return T.read("W", Q, KEY, 0)


def test_a_long_product_that_reads_weights_stays_one_rule(request: pytest.FixtureRequest) -> None:
    long = T.add(T.arith("*", T.sub(KEY, Q), T.mk("var", "x", (), "float")), T.const(1.0))
    for _ in range(3):
        long = T.arith("*", long, T.ite(the(KEY), T.const(3.0), T.const(1.0)))
    reads, lines = T.compare("<", _read(), T.ONE), list[str]()
    place = T.add(T.func("trunc", (T.read("W", Q, T.ZERO, 0),), "int"), T.ONE)
    for extra in ({}, {"where": [reads]}, {"when": [T.subst(reads, {KEY: T.ZERO})]}, {"low": place}, {"high": place}):
        rule = {"when": [], "where": [], "low": None, "high": None, **extra}
        _check([Draft("set", "W", long, None, **rule)], lines, compare=False)
        _check([Draft("add", "W", long, None, **rule)], lines, compare=False)
    _check([Draft("set", "W", _without_key(long), place, [])], lines, compare=False)
    _check([Draft("set", "W", T.arith("*", long, _read()), None, [])], lines, compare=False)
    same_as_recorded("products", lines, request)


def _raises() -> Iterator[Draft]:
    yield Draft("raise", "W", T.ZERO, None, [])
    yield Draft("raise", "W", T.const(0.0), None, [])
    yield Draft("raise", "W", T.ONE, None, [])
    yield Draft("raise", "W", Q, None, [])
    yield Draft("cap", "W", T.ZERO, None, [])
    yield Draft("raise", "W", T.ZERO, Q, [])
    yield Draft("raise", "W", T.ZERO, None, [the(Q)])
    yield Draft("raise", "W", T.ZERO, None, [], [the(KEY)])
    yield Draft("raise", "W", T.ZERO, None, [], [], T.ONE)
    yield Draft("raise", "W", T.ZERO, None, [], [], None, Q)


def test_a_floor_of_zero_goes_where_nothing_is_negative(request: pytest.FixtureRequest) -> None:
    lines: list[str] = []
    others = [Draft("set", "W", T.ONE, Q, []), Draft("add", "W", T.const(-1), Q, []),
              Draft("fail", "W", T.const(-1), Q, []),
              Draft("set", "V", T.const(-1), Q, []), Draft("mask", "W", T.const(-1), Q, []),
              Draft("normalize", "W", T.const(-1), Q, [])]  # fmt: skip
    for floor, other in itertools.product(range(10), range(len(others))):
        _check([others[other], [*_raises()][floor]], lines, compare=False)
    same_as_recorded("floors", lines, request)


def _numbers() -> list[Term]:
    size = T.mk("var", "x", (), "float")
    pool = [
        *numbers(),
        KEY,
        T.neg(size),
        T.add(Q, T.mk("var", "y", (), "int")),
        T.mul(T.const(2), Q),
        T.add(Q, T.const(-1)),
        T.sub(Q, KEY),
        T.FALSE,
        T.const("a"),
    ]
    some = [T.const(-0.5), T.const(0.5), size, Q, T.const(-1)]
    pairs = [*itertools.product(some, some)]
    bins = [T.mk("bin", op, p, "float") for op in ("+", "-", "*", "/", "ratio", "**", "//", "%") for p in pairs]
    funcs = [T.mk("func", f, (a,), "float") for f in ("exp", "abs", "sqrt", "trunc") for a in some]
    several = [T.mk("func", f, p, "float") for f in ("min", "max") for p in pairs]
    choices = [T.mk("ite", None, (the(Q), *p), "float") for p in pairs]
    sums = [
        over(k, the, value=lambda at, v=v: v)
        for k in ("sum", "product", "maximum")
        for v in (T.const(-1.0), T.const(2.0))
    ]
    text = T.mk("func", "len", (T.feature(Q, "raw", "str"),), "int")
    return [*pool, *bins, *funcs, *several, *choices, *sums, over("count", the), text]


def test_which_numbers_are_not_negative_is_recorded(request: pytest.FixtureRequest) -> None:
    lines = []
    for t in _numbers():
        found = polish._not_negative(t)
        lines.append(f"{shown(t)}: {found}\n")
    same_as_recorded("not_negative", lines, request)


def test_what_a_place_in_the_text_says_of_the_query_is_true_and_recorded(request: pytest.FixtureRequest) -> None:
    places = [T.sub(Q, T.ONE), T.add(Q, T.const(2)), T.sub(Q, T.const(2)), Q, KEY, T.mul(T.const(2), Q)]
    lines = []
    for op, c in itertools.product((">", ">=", "<", "<=", "!=", "=="), range(-2, 4)):
        size, float_ = T.mk("var", "x", (), "float"), T.const(c + 0.5)
        told = [(Q, T.const(c)), (T.sub(Q, T.N), T.const(-c)), (KEY, T.const(c)), (Q, size),
                (T.mul(T.const(2), Q), T.const(c)),
                (T.sub(T.mul(T.const(2), Q), T.N), T.const(c)), (over("first", the), T.const(c)),
                (Q, float_)]  # fmt: skip
        for (a, b), place in itertools.product(told, places):
            condition = T.mk("cmp", op, (a, b), "bool")
            found = polish._follows_from_place(condition, place)
            lines += [f"{shown(place)} says {shown(condition)}\n"] if found else []
            for world in WORLDS if found else ():
                inside = 0 <= meaning(place, world) < len(world.texts)
                assert not inside or meaning(condition, world), (condition, place)
    same_as_recorded("places", lines, request)


def test_a_comparison_is_solved_for_the_key(request: pytest.FixtureRequest) -> None:
    lines = []
    for c in _of_key():
        if c.op == "cmp" and all(a.kind == "int" for a in c.args):
            found, excluded = polish._solved(c), polish._excluded(c)
            lines.append(f"{shown(c)}: {found and shown(found)}, {excluded and shown(excluded)}\n")
    same_as_recorded("solved", lines, request)


def test_a_target_that_is_none_updates_nothing() -> None:
    """A target that a condition decides needs no question of its own; the one that is asked stays."""
    speaker, first, last = Speaker(), over("first", the), over("last", the)
    either = T.ite(the(Q), first, last)
    d = polish._rule(Draft("set", "W", T.ONE, either, [the(Q), T.some(first), T.some(over("first", _short))]), speaker)
    assert d.target is first
    assert d.when == [the(Q), T.some(over("first", _short))]
    d = polish._rule(Draft("set", "W", T.ONE, first, [the(Q), T.some(first)]), speaker)
    assert d.when == [the(Q), T.some(first)]
    sure = T.ite(the(Q), Q, T.ZERO)
    d = polish._rule(Draft("set", "W", T.ONE, sure, [the(Q), T.some(first)]), speaker)
    assert (d.target, d.when) == (Q, [the(Q), T.some(first)])


def _short(at: Term) -> Term:
    return T.compare("==", T.feature(at, "raw", "str"), T.const("a"))


def test_a_rule_of_the_matrix_is_left_alone() -> None:
    speaker = Speaker()
    for op in ("normalize", "mask"):
        d = Draft(op, "W", T.ZERO, T.ZERO, [the(Q), T.compare("<", Q, T.N)])
        assert polish._rule(d, speaker) is d
