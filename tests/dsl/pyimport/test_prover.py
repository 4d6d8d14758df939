"""The lifter's prover asked about random conditions: what it proves holds in every small world, and is recorded.

A rule that proves too much is found by trying all values; one that proves too little, or elimination that takes another
way, shows in the record (``tests/golden/terms/prover.txt``). Record anew with ``--update-golden``.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest
from term_meaning import World, meaning, shown
from test_terms import over, same_as_recorded, short, the

from attndsl.dsl.pyimport.lift import cases, elimination, linear
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.linear import Prover
from attndsl.dsl.pyimport.lift.term import Term

NAMES = "xyz"
TEXTS = (("the",), ("b", "a", "the"))
WORLDS = [
    World(text, dict(zip(NAMES, values, strict=True)))
    for text in TEXTS
    for values in itertools.product(range(-2, 3), repeat=len(NAMES))
]
ASKED = 250


def _number(rng: random.Random, depth: int = 2) -> Term:
    """A whole number: a variable, the length of the text, a sum, or a choice."""
    kind = rng.randrange(9 if depth else 4)
    if kind == 0:
        return T.const(rng.randrange(-2, 3))
    if kind < 4:
        return T.N if kind == 3 and rng.random() < 0.4 else T.mk("var", rng.choice(NAMES), (), "int")
    a, b = _number(rng, depth - 1), _number(rng, depth - 1)
    if kind == 4:
        return T.func(rng.choice(("min", "max")), (a, b), "int")
    if kind == 5:
        return T.ite(_comparison(rng, depth - 1), a, b)
    if kind == 6:
        return rng.choice((over("count", the), over("first", the), over("count", short)))
    return T.arith(rng.choice("+-"), a, T.mul(T.const(rng.choice((1, 1, 2))), b))


def _comparison(rng: random.Random, depth: int) -> Term:
    op = rng.choice(("<", "<=", ">", ">=", "==", "!="))
    return T.compare(op, _number(rng, depth), _number(rng, depth))


def _condition(rng: random.Random) -> Term:
    kind = rng.randrange(8)
    if kind == 0:
        return T.disj((_comparison(rng, 1), _comparison(rng, 1)))
    if kind == 1:
        return T.not_(T.conj((_comparison(rng, 1), _comparison(rng, 0))))
    if kind == 2:
        return T.some(over("first", the))
    if kind == 3:
        return rng.choice((the(T.ZERO), T.not_(the(T.ZERO))))
    return _comparison(rng, rng.randrange(3))


def _chain(rng: random.Random) -> tuple[tuple[Term, ...], Term]:
    """Numbers one above the other, and a comparison of the first and the last that just follows, or just does not."""
    numbers = [_number(rng, rng.randrange(3)) for _ in range(rng.randrange(2, 5))]
    path = [T.compare(rng.choice(("<", "<=", "==")), a, b) for a, b in itertools.pairwise(numbers)]
    last = T.add(numbers[-1], T.const(rng.randrange(-1, 2)))
    goal = T.compare(rng.choice(("<", "<=", "!=", ">=")), numbers[0], last)
    return (*path, _condition(rng)), goal


def _questions() -> Iterator[tuple[tuple[Term, ...], Term]]:
    rng = random.Random(5)
    for _ in range(ASKED):
        path, goal = _chain(rng)
        if rng.random() < 0.4:
            path, goal = tuple(_condition(rng) for _ in range(rng.randrange(1, 5))), _condition(rng)
        if goal not in (T.TRUE, T.FALSE) and T.FALSE not in path:
            yield tuple(c for c in path if c is not T.TRUE), goal


def _holds(path: tuple[Term, ...]) -> list[World]:
    return [w for w in WORLDS if all(meaning(c, w) for c in path)]


@pytest.fixture(autouse=True)
def _anew() -> None:
    T.clear()
    linear.forget()


def test_what_is_proved_holds_and_is_recorded(request: pytest.FixtureRequest) -> None:
    prover, lines = Prover(), []
    for path, goal in _questions():
        asked = f"{' and '.join(map(shown, path)) or 'nothing'}  =>  {shown(goal)}"
        answers = {
            "implied": prover.implies(path, goal),
            "by cases": cases.implies(prover, path, goal),
            "excluded": prover.excludes(path, goal),
            "impossible": prover.impossible([goal], path),
        }
        worlds = _holds(path)
        true = [w for w in worlds if meaning(goal, w)]
        assert not answers["implied"] or len(true) == len(worlds), asked
        assert not answers["by cases"] or len(true) == len(worlds), asked
        assert not (answers["excluded"] or answers["impossible"]) or not true, asked
        lines.append(f"{asked}: {', '.join(name for name, yes in answers.items() if yes) or 'unknown'}\n")
    same_as_recorded("prover", lines, request)


def test_choices_are_told_apart_to_a_depth() -> None:
    """Each of the numbers is at least 2, whichever case holds; a fourth choice is one too many."""
    prover = Prover()
    numbers = [T.mk("var", f"x{i}", (), "int") for i in range(4)]
    plain = T.compare("<", numbers[0], T.N)
    bounds = []
    for i, x in enumerate(numbers):
        above, case = (T.compare(">", x, T.const(c)) for c in (2, 1)), T.mk("var", f"c{i}", (), "bool")
        bounds.append(T.mk("ite", None, (case, *above), "bool"))
    for count in range(1, 5):
        total = T.ZERO
        for x in numbers[:count]:
            total = T.add(total, x)
        goal = T.compare(">=", total, T.const(2 * count))
        for path in ((*bounds[:count], plain), (plain, *bounds[:count]), (bounds[0], plain, *bounds[1:count])):
            assert cases.implies(prover, path, goal) == (count <= 3), (count, path)
            assert not cases.implies(prover, path, T.compare(">", total, T.const(2 * count)))


def test_opposites_cannot_hold_together() -> None:
    """Of conditions that say nothing of numbers as well."""
    prover = Prover()
    x = T.mk("var", "x", (), "int")
    some, other = the(T.ZERO), short(x)
    assert prover.impossible([some, T.not_(some)])
    assert prover.impossible([T.not_(some)], (some,))
    assert prover.impossible([other], (some, T.not_(some)))
    assert prover.impossible([T.FALSE])
    assert prover.impossible([T.conj((other, some)), T.not_(some)])
    assert not prover.impossible([some, T.not_(other)])
    assert not prover.impossible([some], (other,))


def test_a_system_is_contradictory_only_without_a_solution(request: pytest.FixtureRequest) -> None:
    """Random systems, taken in at once and row by row; which of them are found to contradict themselves is recorded."""
    rng, lines = random.Random(11), []
    atoms = [T.mk("var", name, (), "int") for name in NAMES]
    box = [dict(zip(NAMES, v, strict=True)) for v in itertools.product(range(-5, 6), repeat=len(NAMES))]
    for _ in range(500):
        rows = []
        for _ in range(rng.randrange(2, 7)):
            some = rng.sample(atoms, rng.choice((1, 1, 2, 2, 3)))
            rows.append(({a: rng.choice((-3, -2, -1, 1, 2)) for a in some}, rng.randrange(-4, 5)))
        made = [elimination.row(*r) for r in rows]
        whole = elimination.System().extended(made, _no_facts)
        step = elimination.System()
        for r in made:
            step = step.extended([r], _no_facts)
        assert whole.contradictory == step.contradictory
        if whole.contradictory:
            assert not any(all(sum(k * v[a.data] for a, k in c.items()) + b >= 0 for c, b in rows) for v in box)
        said = [" + ".join(f"{k}{a.data}" for a, k in c.items()) + f" + {b}" for c, b in rows]
        lines.append(f"{'contradictory' if whole.contradictory else 'open'}: {'; '.join(said)}\n")
    same_as_recorded("systems", lines, request)


def _no_facts(number: int) -> tuple[elimination.Row, ...]:
    return ()


def test_rows_without_an_atom_say_only_whether_they_hold() -> None:
    x = T.mk("var", "x", (), "int")
    at_least = elimination.row({x: 1}, -3)
    for constant in (-1, 0, 1):
        alone = elimination.System().extended([((), constant)], _no_facts)
        fact: tuple[elimination.Row, ...] = (((), constant),)
        known = elimination.System().extended([at_least], dict.fromkeys(elimination._ATOMS, fact).__getitem__)
        assert alone.contradictory == known.contradictory == (constant < 0)


def test_what_is_known_of_an_atom_takes_part() -> None:
    """Facts of an atom come in with its first row, and those of atoms that the facts bring."""
    x, y = (T.mk("var", name, (), "int") for name in ("x", "y"))
    facts = {x.serial: (elimination.row({y: 1, x: -1}, 0),), y.serial: (elimination.row({y: -1}, 4),)}
    for least, impossible in ((4, False), (5, True)):
        rows = [elimination.row({x: 1}, -least)]
        assert elimination.System().extended(rows, lambda number: facts[number]).contradictory == impossible
        assert not elimination.System().extended(rows, _no_facts).contradictory


def test_rows_are_divided_down_to_whole_numbers() -> None:
    """2x - 2y >= 1 and 2y - 2x >= -1 are x - y >= 1 and y - x >= 0: no whole numbers satisfy both."""
    x, y = (T.mk("var", name, (), "int") for name in ("x", "y"))
    rows = [elimination.row({x: 2, y: -2}, -1), elimination.row({y: 2, x: -2}, 1)]
    assert [constant for _, constant in rows] == [-1, 0]
    assert elimination.System().extended(rows, _no_facts).contradictory
    assert elimination.row({x: 3}, 5)[1] == 1
    assert elimination.row({x: -3}, -4)[1] == -2
    assert elimination.row({x: 0}, 5) == ((), 5)


def test_two_rows_contradict_each_other_only_turned_round() -> None:
    x, y = (T.mk("var", name, (), "int") for name in ("x", "y"))
    least = elimination.row({x: 1, y: -1}, -1)  # x - y >= 1
    for other, answers in (
        ({y: 1, x: -1}, [True, False]), ({x: 1, y: -1}, [False, False]), ({x: 1, y: 1}, [False, False]),
        ({y: 1}, [False, False]),
    ):  # fmt: skip
        systems = [elimination.System().extended([least, elimination.row(other, c)], _no_facts) for c in (0, 1)]
        assert [s.contradictory for s in systems] == answers


def test_a_path_that_begins_as_others_do_gives_the_same_answers() -> None:
    x, y, z = (T.mk("var", name, (), "int") for name in ("x", "y", "z"))
    ordered = [T.compare("<", x, y), T.compare("<=", y, z), T.compare("<", z, T.N), T.compare("!=", x, z)]
    goals = [T.compare(op, a, b) for op in ("<", "<=", "!=", ">") for a in (x, y) for b in (z, T.N)]
    for path in itertools.permutations(ordered, 3):
        for goal, shared in itertools.product(goals, range(1, 4)):
            assert Prover().implies(path, goal, shared) == Prover().implies(path, goal)


def test_groups_of_rows_are_joined_by_a_row_between_them() -> None:
    a, b, c, d = (T.mk("var", name, (), "int") for name in ("a", "b", "c", "d"))
    rows = [elimination.row({x: 1, y: -1}, -1) for x, y in ((a, b), (c, d), (b, c))]  # a > b > c > d
    system = elimination.System()
    for r in rows:
        system = system.extended([r], _no_facts)
    assert len(system.members) == 1
    assert not system.extended([elimination.row({a: 1, d: -1}, -3)], _no_facts).contradictory
    assert system.extended([elimination.row({d: 1, a: -1}, 2)], _no_facts).contradictory
    assert elimination.System().extended(rows, _no_facts).members.keys() == system.members.keys()
    assert len(elimination.System().extended([rows[0], rows[1]], _no_facts).members) == 2


# ---------------------------------------------------------------- what elimination costs


def _climb(size: int) -> list[elimination.Row]:
    """x0 < x1 < ... of so many rows, in one group."""
    atoms = [T.mk("var", f"x{k}", (), "int") for k in range(size + 1)]
    return [elimination.row({b: 1, a: -1}, -1) for a, b in itertools.pairwise(atoms)]


def _ring(size: int) -> list[elimination.Row]:
    """So many rows that contradict each other only all together."""
    chain = _climb(size - 1)
    first, last = chain[0][0], chain[-1][0]
    low = next(a for a, k in first if k < 0)
    high = next(a for a, k in last if k > 0)
    return [*chain, (tuple(sorted([(low, 1), (high, -1)])), 0)]


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        ([[(0, 1)], [(0, -1)], [(1, 1)], [(1, 1), (2, 1)]], 1),
        ([[(0, 1)], [(0, -1)], [(1, -1)], [(1, -1), (2, -1)]], 1),
        ([[(0, 1)], [(1, 1)]], 0),
        ([[(0, 1)], [(0, -1)], [(1, 1)]], 0),
        ([[(0, 1), (1, 1)], [(0, 2)]], 0),
        ([[(0, 1), (1, 1)], [(0, 2)], [(0, -1)], [(0, -2)], [(0, -3)]], 1),
    ],
)
def test_the_atom_that_leaves_the_fewest_rows_is_eliminated(rows: list[list[tuple[int, int]]], chosen: int) -> None:
    assert elimination._cheapest({tuple(pairs): 0 for pairs in rows}) == chosen


def test_rows_that_say_no_more_leave_the_system_as_it_is() -> None:
    rows = _climb(2)
    system = elimination.System().extended(rows, _no_facts)
    assert system.extended(rows, _no_facts) is system
    assert system.extended([(pairs, c + 1) for pairs, c in rows], _no_facts) is system
    assert system.extended([(pairs, c - 1) for pairs, c in rows], _no_facts) is not system


def test_two_opposite_rows_need_no_elimination(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elimination, "_eliminate", None)
    (first,) = _climb(1)
    system = elimination.System().extended([first], _no_facts)
    opposite = tuple((a, -k) for a, k in first[0])
    assert system.extended([(opposite, 0)], _no_facts).contradictory


def test_beyond_a_limit_of_rows_nothing_is_concluded(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, found in ((4, True), (3, False)):
        monkeypatch.setattr(elimination, "LIMIT", limit)
        assert elimination._eliminate(dict(_ring(4))) == found
    asked: list[int] = []
    (both,) = _climb(1)
    for limit, number in ((1, 0), (2, 2)):
        monkeypatch.setattr(elimination, "LIMIT", limit)
        asked.clear()
        elimination.System().extended([both], lambda a: asked.append(a) or ())
        assert len(asked) == number


def test_large_systems_are_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    spent: list[int] = []
    monkeypatch.setattr(elimination, "spend", spent.append)
    for size, amount in ((0, 1), (16, 1), (17, 8), (20, 10)):
        chain = _climb(21)
        system = elimination.System().extended(chain[:size], _no_facts)
        spent.clear()
        system.extended(chain[20:], _no_facts)
        assert spent[:1] == [amount]
    star = [(((0, -1), (k, 1)), 0) for k in range(1, 18)]
    pairs = [(((0, 1), (1, k)), 0) for k in range(1, 18)]
    for rows, amounts in ((pairs[:16], []), (pairs, [8])):
        spent.clear()
        assert not elimination._eliminate(dict(rows))
        assert spent == amounts
    for rows, amounts in ((star[:15], []), (star[:16], [8])):
        spent.clear()
        elimination._cheapest(dict(rows))
        assert spent == amounts


def test_answers_are_remembered_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    elimination._ANSWERS.clear()
    elimination.System().extended(_climb(1), _no_facts)
    assert not elimination._ANSWERS  # one row never contradicts itself
    assert elimination.System().extended(_ring(4), _no_facts).contradictory
    (key,) = elimination._ANSWERS
    for most, left in ((1, [key]), (0, [])):
        monkeypatch.setattr(elimination, "_MAX_ANSWERS", most)
        elimination.forget()
        assert list(elimination._ANSWERS) == left


def test_of_a_choice_that_is_asked_about_the_excluded_part_is_left_out() -> None:
    """The last condition is asked against the path of those before it."""
    x, text = T.fresh("int"), T.feature(T.fresh("int"), "raw", "str")
    is_the, small, large = T.compare("==", text, T.const("the")), T.compare("<", x, T.ONE), T.compare(">", x, T.N)
    either = T.disj((T.not_(is_the), large))
    assert Prover().impossible((T.compare(">=", T.N, T.ONE), is_the, small, either))
    assert not Prover().impossible((T.compare(">=", T.N, T.ONE), small, either))
