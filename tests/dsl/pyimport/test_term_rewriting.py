"""What the lifter concludes from conditions and how it says terms shorter: never wrongly, and as recorded.

See ``test_terms.py`` for the idea: all combinations of a few operands, compared with their meaning and recorded.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from term_meaning import World, meaning, shown
from test_terms import GROUPS, TEXTS, WORLDS, over, same_as_recorded, short, text, the, words

from attndsl.dsl.pyimport.lift import cases, linear, term
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.emit import KEY, Q
from attndsl.dsl.pyimport.lift.excluding import follows, plainer
from attndsl.dsl.pyimport.lift.linear import WORD_COUNT, Prover
from attndsl.dsl.pyimport.lift.saying import Speaker
from attndsl.dsl.pyimport.lift.terms import Term

ALL_WORLDS = [World(t, {"q": q, "k": k, "x": q / 2}) for t in TEXTS for q in range(len(t)) for k in range(len(t))]
ORDERS = ("==", "!=", "<", "<=", ">", ">=")


# ---------------------------------------------------------------- saying


def _places() -> Iterator[Term]:
    after = T.add(Q, T.ONE)
    for kind, low, high in itertools.product(("first", "last"), (T.ZERO, T.ONE, Q), (T.N, KEY, after)):
        yield over(kind, the, low, high)
    yield from (over("count", the), Q, KEY, T.windex(words("first")), T.windex(words("last")))


def _asked() -> Iterator[Term]:
    """Questions about positions and counts."""
    limits = [*map(T.const, (-1, 0, 1, 2)), T.N, T.sub(T.N, T.ONE), T.add(T.N, T.ONE), T.sub(T.ZERO, T.N), WORD_COUNT]
    for place, op, limit in itertools.product(_places(), ORDERS, limits):
        yield T.compare(op, place, limit)
        if limit.op == "n":
            yield T.compare(op, limit, T.add(place, T.ONE))


def _tests() -> list[Term]:
    """Conditions that say something about each other."""
    first, narrow = over("first", the), over("first", lambda at: T.conj((the(at), T.compare("<", at, Q))))
    at_first = T.feature(first, "raw", "str")
    return [
        the(Q), T.not_(the(Q)), short(Q), T.not_(short(Q)), T.compare("==", text(Q), T.const("a")),
        T.not_(T.compare("==", text(Q), T.const("b"))), T.some(first), T.not_(T.some(first)), T.some(narrow),
        T.compare("==", at_first, T.const("the")), T.compare("!=", at_first, T.const("the")),
        T.member(at_first, map(T.const, ("a", "the"))), T.substring(T.const("t"), at_first), T.compare("<", first, Q),
        T.compare(">", T.arith("/", T.ONE, Q, "here"), T.const(0.5)),
    ]  # fmt: skip


def _joined() -> Iterator[Term]:
    for a, b, c in itertools.product(_tests(), _tests(), [T.TRUE, *_tests()[4:9:2]]):
        yield T.conj((a, b, c))
        yield T.ite(a, T.ite(b, Q, KEY), T.ite(c, T.ONE, T.const(2)))


def _written() -> list[Term]:
    """Conditions on written texts, of one place and of another."""
    the_or_a, not_b = (
        T.member(text(Q), map(T.const, ("a", "the"))),
        T.compare("!=", text(Q), T.const("b")),
    )
    plain = [
        the(Q), the(KEY), T.compare("==", text(Q), T.const("a")), short(Q), the_or_a, not_b, T.not_(the(Q)),
        T.not_(short(Q)), T.compare("<", Q, KEY), T.compare("==", Q, KEY), T.compare("==", text(Q), text(KEY)),
        T.member(Q, map(T.const, (0, 1))), T.member(Q, map(T.const, (0, 1, 2))), T.compare("==", Q, T.ZERO),
        T.compare("!=", Q, T.ONE),
    ]  # fmt: skip
    risky = T.compare(">", T.arith("/", T.ONE, Q, "here"), T.const(0.5))
    pairs = [T.conj((the(Q), p)) for p in plain] + [T.disj((the(Q), p)) for p in plain]
    return list(dict.fromkeys([*plain, risky, *pairs, T.conj((risky, the(Q))), T.disj((not_b, short(Q), the(KEY)))]))


def test_what_one_written_text_says_of_others_holds(request: pytest.FixtureRequest) -> None:
    T.clear()
    lines = []
    for given, goal in itertools.product(_written(), _written()):
        if follows(goal, given):
            lines.append(f"{shown(given)}  so  {shown(goal)}\n")
            assert all(meaning(goal, w) for w in WORLDS if _holds(given, w)), lines[-1]
    for a, b, join in itertools.product(_written(), _written(), (T.conj, T.disj)):
        t = join((a, b))
        found = plainer(t)
        if found is not t:
            lines.append(f"{shown(t)}  =  {shown(found)}\n")
            for world in ALL_WORLDS:
                try:
                    value = meaning(t, world)
                except ArithmeticError:
                    continue
                assert meaning(found, world) == value, lines[-1]
    same_as_recorded("written", list(dict.fromkeys(lines)), request)


def _holds(t: Term, world: World) -> bool:
    try:
        return bool(meaning(t, world))
    except ArithmeticError:
        return False


@pytest.mark.parametrize("terms", [_asked, _joined])
def test_a_term_in_fewer_words_means_the_same(terms, request: pytest.FixtureRequest) -> None:
    T.clear()
    lines = []
    for t in dict.fromkeys(terms()):
        found = Speaker().say(t)
        if found is not t:
            lines.append(f"{shown(t)}  =  {shown(found)}\n")
            for world in WORLDS:
                try:
                    value = meaning(t, world)
                except ArithmeticError:
                    continue
                assert meaning(found, world) == value, f"{shown(t)} became {shown(found)}"
    same_as_recorded(terms.__name__.strip("_"), lines, request)


@pytest.mark.parametrize(("left", "said"), [(0, False), (1, True)])
def test_what_is_assumed_of_terms_has_a_limit(left: int, said: bool) -> None:
    T.clear()
    speaker = Speaker()
    speaker.left = left
    assert (speaker.assumed(the(Q), [the(Q)]) is T.TRUE) == said


# ---------------------------------------------------------------- substitution


@pytest.mark.parametrize("group", GROUPS)
def test_substitution_keeps_the_meaning_of_every_operation(group: str) -> None:
    T.clear()
    by = T.ite(the(KEY), T.ZERO, over("count", lambda at: T.conj((the(at), T.compare("<", at, KEY)))))
    for _, _, t, _ in list(GROUPS[group]())[::5]:
        found = T.subst(t, {Q: by})
        for world in WORLDS[::3]:
            try:
                value = meaning(t, world.having("q", meaning(by, world)))
            except (ArithmeticError, IndexError):
                continue
            got = meaning(found, world)
            assert value is None or got == value, f"{shown(t)} with {shown(by)} became {shown(found)}"


# ---------------------------------------------------------------- proving


def _facts() -> list[Term]:
    first, last = over("first", the), over("last", the, high=Q)
    far = T.sub(Q, KEY)
    near = T.func("min", (Q, KEY), "int")
    either = T.mk("ite", None, (the(Q), KEY, T.N), "int")
    return [
        T.compare("<", KEY, Q), T.compare("<=", KEY, Q), T.compare("==", KEY, Q), T.compare("!=", KEY, Q),
        T.compare(">", far, T.ONE), T.compare("!=", far, T.ONE), T.compare("<", Q, T.N), T.compare(">=", KEY, T.ZERO),
        T.compare("==", Q, T.sub(T.N, T.ONE)), T.compare("<", first, Q), T.some(first), T.compare(">=", first, T.ZERO),
        T.compare("<", last, Q), T.compare("==", near, KEY), T.compare("<=", near, Q), T.compare("<", either, Q),
        T.compare(">", T.arith("%", Q, T.const(3)), T.ONE), T.compare("<", T.mul(T.const(2), KEY), T.add(Q, T.ONE)),
        T.compare(">=", T.length(text(Q)), T.ZERO), T.compare("==", text(first), T.const("the")),
        T.disj((T.compare("<", KEY, Q), T.compare(">", KEY, T.add(Q, T.ONE)))),
        T.disj((T.compare("==", KEY, Q), T.conj((the(Q), T.compare("==", KEY, T.ZERO))))),
        T.conj((T.compare("<", KEY, Q), the(Q))), the(Q), T.not_(the(Q)), T.not_(T.compare("<", first, Q)),
        T.compare(">", over("count", the), T.N), T.compare("==", T.func("abs", (far,), "int"), far),
    ]  # fmt: skip


def test_what_is_proved_holds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(term, "MAX_TERMS", 1 << 40)  # more questions than any one program asks
    T.clear()
    linear.forget()
    facts, prover = _facts(), Prover()
    held = [[bool(meaning(f, w)) for f in facts] for w in ALL_WORLDS]
    lines = [f"{number:2} {shown(f)}\n" for number, f in enumerate(facts)]
    inside = (
        T.compare(">=", Q, T.ZERO),
        T.compare("<", Q, T.N),
        T.compare(">=", KEY, T.ZERO),
        T.compare("<", KEY, T.N),
    )
    for path in itertools.combinations(range(len(facts)), 2):
        known = (*inside, *(facts[i] for i in path))
        worlds = [h for h in held if all(h[i] for i in path)]
        answers = []
        for number, goal in enumerate(facts):
            yes, no = prover.implies(known, goal), prover.excludes(known, goal)
            assert not yes or all(h[number] for h in worlds), (path, number)
            assert not no or not any(h[number] for h in worlds), (path, number)
            answers.append("*" if yes and no else "y" if yes else "n" if no else ".")
        impossible = prover.impossible(known)
        assert not (impossible and worlds), path
        lines.append(f"{path[0]:2} {path[1]:2} {''.join(answers)}{' impossible' if impossible else ''}\n")
    same_as_recorded("proofs", lines, request)


KINDS = (Q, T.mk("var", "x", (), "float"), the(Q), text(Q), words("first"))
NUMBERS = ("int", "float", "bool")


def test_things_of_different_kinds_are_never_equal_but_for_numbers() -> None:
    for a, b in itertools.permutations(KINDS, 2):
        if not {a.kind, b.kind} <= set(NUMBERS):
            assert T.compare("==", a, b) is T.FALSE, (a, b)
            assert T.compare("!=", a, b) is T.TRUE, (a, b)
        else:
            assert not T.is_const(T.compare("==", a, b)), (a, b)


class _Literal:
    """A prover that knows a goal only when nothing is left of it, or when it was said."""

    def implies(self, path: tuple[Term, ...], goal: Term) -> bool:
        return goal is T.TRUE or goal in path


@pytest.mark.parametrize("count", range(1, 6))
def test_three_choices_are_told_apart(count: int) -> None:
    """Each choice doubles the work, so there is a limit, for those of the goal and for those of the path."""
    places = [T.mk("var", f"p{number}", (), "int") for number in range(count)]
    tests = [T.compare("==", text(p), T.const("a")) for p in places]
    total = T.ZERO
    for c in tests:
        total = T.add(total, T.ite(c, T.ONE, T.const(2)))
    prover: Any = _Literal()
    assert cases.implies(prover, (), T.compare(">=", total, T.const(count))) == (count <= 3)
    goal = T.compare(">", KEY, Q)
    said = goal
    for c, p in zip(tests, places, strict=True):
        said = T.mk("ite", None, (c, T.conj((goal, T.compare(">", p, Q))), said), "bool")
    assert cases.implies(prover, (said,), goal) == (count <= 3)
