"""Terms written in the language: each in every way that its parts allow, as recorded (``tests/golden/terms``)."""

from __future__ import annotations

import itertools
import math

import pytest
from term_meaning import shown
from test_terms import conditions, numbers, over, same_as_recorded, texts, the, words

from attndsl.dsl import printer
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift import to_nodes
from attndsl.dsl.pyimport.lift.emit import KEY, Q
from attndsl.dsl.pyimport.lift.machine import NotLiftable
from attndsl.dsl.pyimport.lift.term import Term
from attndsl.dsl.pyimport.lift.to_nodes import Names, Writer

ENV = {"q": "q", "k": "k", "x": "m"}


@pytest.fixture(autouse=True)
def _anew() -> None:
    T.clear()


def _line(t: Term, names: Names | None = None) -> str:
    names = names or Names(matrices={"A": "W", "B": "Other"}, copies={("A", 3): "Before"})
    try:
        return f"{shown(t)}: {printer.expression(Writer(names).expr(t, ENV))}\n"
    except NotLiftable as stop:
        return f"{shown(t)}: {stop.code} {stop}\n"


def _of_word(domain: Term, kind: str = "first", where: Term = T.TRUE) -> Term:
    return T.mk("agg", kind, (domain, T.mk("var", "@1", (), "word"), T.NONE, T.NONE, where, T.NONE), "word")


def _words() -> list[Term]:
    token = T.feature(Q, "words", "words")
    own, last = _of_word(token), _of_word(token, "last")
    noun = T.compare("==", T.feature(T.mk("var", "@1", (), "word"), "pos", "str"), T.const("NOUN"))
    chosen, child = _of_word(token, where=noun), _of_word(T.feature(own, "children", "words"))
    found = [own, last, chosen, child, _of_word(T.ALL_WORDS), words("first")]
    features = [T.mk("feature", name, (w,), "str") for w in found for name in ("pos", "head", "text", "char_start")]
    marks = [T.mk(op, None, (w,), "bool") for op in ("some", "absent") for w in found]
    inside = [T.mk("within", None, (own, T.feature(child, "subtree", "words")), "bool")]
    return [*found, *features, *marks, *inside, T.windex(own), T.mk("wordat", None, (Q,), "word")]


def _sums() -> list[Term]:
    data = [(1, 0), (-1, 0), (1, 2), (-1, 2), (1, -2), (-1, -2), (2, 1), (-2, 1), (-3, -1), (1, 1), (-1, 1)]
    one = [T.mk("linear", d, (Q,), "int") for d in data]
    pairs = itertools.product((1, -1, 2, -2), (1, -1, 2, -2), (0, 1, -1, 3))
    return [*one, *(T.mk("linear", d, (Q, KEY), "int") for d in pairs)]


def _searches() -> list[Term]:
    kinds = ("count", "first", "last", "nth", "sum", "maximum", "minimum", "argmax", "argmin", "all", "any", "product")
    lows = [T.ZERO, T.ONE, Q, T.add(Q, T.ONE), T.add(Q, T.const(2)), T.sub(Q, T.ONE)]
    highs = [T.N, KEY, T.add(KEY, T.ONE), T.sub(T.N, T.ONE), T.add(T.N, T.ONE), T.const(1)]
    found = []
    for at, (low, high) in enumerate(itertools.product(lows, highs)):
        kind = kinds[at % len(kinds)]
        var = T.mk("var", "@1", (), "int")
        value = (
            KEY if kind == "nth" else T.NONE if kind in ("count", "first", "last", "any") else T.mul(var, T.const(2))
        )
        for where in (T.TRUE, the(var)):
            found.append(T.mk("agg", kind, (T.NONE, var, low, high, where, value), "int"))
    marks = [T.mk(op, None, (x,), "bool") for op in ("some", "absent") for x in found[:30:3]]
    text = T.mk("index", None, (T.feature(Q, "raw", "str"), KEY), "str")
    return [*found, *marks, *(T.mk(op, None, (text,), "bool") for op in ("some", "absent"))]


def _texts() -> list[Term]:
    raw, first = T.feature(Q, "raw", "str"), T.feature(T.ZERO, "raw", "str")
    slices = [
        T.mk("slice", flags, (raw, *[T.ONE, KEY][: sum(flags)]), "str")
        for flags in itertools.product((True, False), repeat=2)
    ]
    a, the_ = T.const("a"), T.const("the")
    return [
        *slices, first, T.mk("method", "lower", (raw,), "str"), T.mk("method", "replace", (raw, a, the_), "str"),
        T.mk("affix", "startswith", (raw, a, the_), "bool"), T.mk("member", None, (raw, a, the_), "bool"),
        T.mk("substring", None, (a, raw), "bool"), T.mk("index", None, (raw, T.const(-1)), "str"),
    ]  # fmt: skip


def _weights() -> list[Term]:
    cells = [T.read(m, Q, KEY, time) for m in ("A", "B") for time in (0, 3)]
    stats = [
        T.row_stat(m, name, row, time)
        for m, time in (("A", 0), ("A", 3), ("B", 0)) for name in ("sum", "count", "max", "min") for row in (Q, KEY)
    ]  # fmt: skip
    return [*cells, *stats, T.mk("host", "embedding_similarity", (Q, KEY), "float")]


def _others() -> list[Term]:
    x = T.mk("var", "x", (), "float")
    limits = [T.mk("const", value, (), "float") for value in (math.inf, -math.inf, math.nan, 1.5, -2.0)]
    joined = [T.mk(op, None, tuple(conditions()[2:5]), "bool") for op in ("and", "or")]
    unknown = [T.mk("var", name, (), "int") for name in ("unordered 1", "y")]
    return [*limits, *joined, *unknown, T.mk("neg", None, (x,), "float"), T.mk("bin", "%", (x, Q), "float", "here"),
            T.mk("strange", None, (), "int")]  # fmt: skip


def test_terms_are_written_as_recorded(request: pytest.FixtureRequest) -> None:
    pool = [*numbers(), *conditions(), *texts(), *_sums(), *_words(), *_searches(), *_texts(), *_weights(), *_others()]
    same_as_recorded("expressions", [_line(t) for t in pool], request)


def test_what_has_a_name_is_called_by_it(request: pytest.FixtureRequest) -> None:
    """A definition is called with its variable, is not called inside itself, and ends the short form of ``some``."""
    t, w = to_nodes.TOKEN, to_nodes.WORD
    first, last = over("first", the), over("last", the, Q)
    noun = T.compare("==", T.feature(w, "pos", "str"), T.const("NOUN"))
    lets = {
        the(t): "Is", T.add(t, T.ONE): "Next", first: "First", T.subst(last, {Q: t}): "Last", noun: "Noun",
        T.mk("agg", "count", over("count", the).args, "int"): "Count",
    }  # fmt: skip
    names, lines = Names(lets=lets), list[str]()
    own = _of_word(T.feature(Q, "words", "words"))
    two = T.compare("<", T.add(Q, T.ONE), T.add(KEY, T.ONE))
    pool = [the(Q), the(KEY), T.not_(the(Q)), T.add(Q, T.ONE), T.add(Q, KEY), first, last, T.some(first), two,
            T.not_(T.some(first)), T.mk("some", None, (last,), "bool"), T.mk("absent", None, (last,), "bool"),
            T.subst(noun, {w: own}), over("count", the), over("count", lambda at: the(T.add(at, T.ONE))),
            T.mk("some", None, (over("last", the),), "bool"), T.mk("absent", None, (over("last", the),), "bool"),
            t]  # fmt: skip
    lines += [_line(x, names) for x in pool]
    writer = Writer(names)
    for x in (the(t), first, T.add(t, T.ONE), noun):
        lines.append(f"inside {shown(x)}: {printer.expression(writer.expr(x, {'$t': 't', '$w': 'w'}, x))}\n")
        lines.append(f"outside {shown(x)}: {printer.expression(writer.expr(x, {'$t': 't', '$w': 'w'}, None))}\n")
    same_as_recorded("named", lines, request)


def test_a_term_with_one_variable_is_put_with_a_common_name() -> None:
    t, w = to_nodes.TOKEN, to_nodes.WORD
    assert to_nodes.normalized(the(Q)) == (the(t), Q)
    assert to_nodes.normalized(the(t)) == (the(t), t)
    noun = T.feature(T.mk("var", "v", (), "word"), "pos", "str")
    assert to_nodes.normalized(noun) == (T.feature(w, "pos", "str"), T.mk("var", "v", (), "word"))
    assert to_nodes.normalized(T.N) is None
    assert to_nodes.normalized(T.add(Q, KEY)) is None


def test_a_program_too_long_to_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    t = T.add(Q, KEY)
    monkeypatch.setattr(to_nodes, "MAX_WRITTEN", 3)
    Writer(Names()).expr(t, ENV)
    monkeypatch.setattr(to_nodes, "MAX_WRITTEN", 2)
    with pytest.raises(NotLiftable) as stop:
        Writer(Names()).expr(t, ENV)
    assert stop.value.code == "E0309"


def test_letters_are_given_out_until_none_is_left() -> None:
    env, given = dict(ENV), ""
    del env["x"]
    while len(given) < 20:
        letter = to_nodes._letter("wvx", env)
        given += letter
        env[f"v{len(given)}"] = letter
    assert given == "wvxtusjpimrhgfedcbay"
    env["more"] = "z"
    assert to_nodes._letter("", env) == "o"
    env["last"] = "o"
    with pytest.raises(NotLiftable):
        to_nodes._letter("wvx", env)
    assert to_nodes._letter("qkn", {}) == "t"
