"""The lifter's algebra, on every combination of a few operands: what comes out means what went in, and is recorded.

The comparison with ``term_meaning`` finds a rule that is wrong; the record (``tests/golden/terms``) finds one that
stopped to apply: what it does not name stays as it was written. Record anew with ``--update-golden``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from term_meaning import ARITHMETIC, COMPARE, World, meaning, shown

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.emit import KEY, Q
from attndsl.dsl.pyimport.lift.terms import Term

GOLDEN = Path(__file__).parents[2] / "golden" / "terms"
TEXTS = [("the", "a"), ("a",), ("b", "the", "a", "the"), ("", "b", "b")]
WORLDS = [
    World(t, {"q": q, "k": k, "x": 0.25 + q - k})
    for t in TEXTS
    for q, k in ((0, len(t) - 1), (len(t) - 1, 0), (1 % len(t), 1 % len(t)))
]
Line = tuple[str, Term, Term, Callable[[World], Any]]
"""How a term is written, what it would be as written, what it became, and what it has to mean."""


def text(at: Term) -> Term:
    return T.feature(at, "raw", "str")


def over(kind: str, where: Callable[[Term], Term], low: Term = T.ZERO, high: Term = T.N, value: Any = None) -> Term:
    var = T.fresh("int")
    return T.agg(kind, var, T.NONE, low, high, where(var), T.NONE if value is None else value(var))


def the(at: Term) -> Term:
    return T.compare("==", text(at), T.const("the"))


def short(at: Term) -> Term:
    return T.member(text(at), map(T.const, ("a", "b")))


def words(kind: str) -> Term:
    var = T.fresh("word")
    return T.agg(kind, var, T.ALL_WORDS, T.NONE, T.NONE, T.compare(">", T.windex(var), Q))


def numbers() -> list[Term]:
    size = T.mk("var", "x", (), "float")
    return [
        *map(T.const, (0, 1, 2, -1, 0.0, 1.0, 0.5, True)),
        Q, T.sub(KEY, Q), T.N, over("first", the), T.windex(words("first")), size, T.arith("*", size, T.const(0.5)),
        T.ite(T.compare("<", KEY, Q), T.ONE, T.const(2)), T.ite(the(Q), size, T.const(0.5)),
    ]  # fmt: skip


def conditions() -> list[Term]:
    size = T.mk("var", "x", (), "float")
    some = T.some(over("first", the))
    return [
        T.TRUE, T.FALSE, the(Q), short(Q), T.not_(the(Q)), T.not_(short(Q)), T.compare("<", KEY, Q),
        T.compare(">=", KEY, Q), T.compare("<", size, T.const(0.5)), some, T.not_(some),
        T.conj((the(Q), T.compare("<", KEY, Q))), T.disj((short(Q), the(KEY))),
    ]  # fmt: skip


def texts() -> list[Term]:
    return [*map(T.const, ("", "a", "the")), text(Q), text(KEY), T.ite(the(Q), T.const("a"), T.const("b"))]


def _calculations() -> Iterator[Line]:
    pool = numbers()
    for (a, b), op in itertools.product(itertools.product(pool, pool), ARITHMETIC):
        left, right = T.as_number(a), T.as_number(b)
        plain = T.mk("bin", op, (left, right), "float", "here")
        yield f"{shown(a)} {op} {shown(b)}", plain, T.arith(op, a, b, "here"), _twice(ARITHMETIC[op], a, b)
    for a in pool[:-2]:
        if a.kind != "bool":
            yield (
                f"-{shown(a)}",
                T.mk("neg", None, (a,), a.kind),
                T.neg(a),
                lambda w, a=a: _none(lambda x: -x, meaning(a, w)),
            )


def _comparisons() -> Iterator[Line]:
    for pool, op in itertools.product((numbers(), conditions()[:6], texts()), COMPARE):
        for a, b in itertools.product(pool, pool):
            yield (
                f"{shown(a)} {op} {shown(b)}",
                T.mk("cmp", op, (a, b), "bool"),
                T.compare(op, a, b),
                _compared(op, a, b),
            )
    for a, b in itertools.product(texts(), texts()):
        yield (f"{shown(a)} in {shown(b)}", T.mk("substring", None, (a, b), "bool"), T.substring(a, b),
               lambda w, a=a, b=b: meaning(a, w) in meaning(b, w))  # fmt: skip
    for a, *items in itertools.product(texts(), ("", "a", "the"), ("a", "b", 1)):
        held = list(map(T.const, items))
        yield (f"{shown(a)} in {items}", T.mk("member", None, (a, *held), "bool"), T.member(a, held),
               lambda w, a=a, items=items: meaning(a, w) in items)  # fmt: skip


def _logic() -> Iterator[Line]:
    pool = conditions()
    for a in pool:
        yield f"not {shown(a)}", T.mk("not", None, (a,), "bool"), T.not_(a), lambda w, a=a: not meaning(a, w)
    for a, b, c in itertools.product(pool[2:], pool[2:], pool[1::4]):
        for op, made, test in (("and", T.conj, all), ("or", T.disj, any)):
            written, plain = f" {op} ".join(map(shown, (a, b, c))), T.mk(op, None, (a, b, c), "bool")
            yield (written, plain, made((a, b, c)),
                   lambda w, parts=(a, b, c), test=test: test(meaning(x, w) for x in parts))  # fmt: skip


def _choices() -> Iterator[Line]:
    for pool in (
        numbers()[::3],
        [T.arith("+", x, T.const(y)) for x in numbers()[-4::2] for y in (0, 0.5)],
        conditions()[2::2],
        texts()[1:],
    ):
        for c, a, b in itertools.product((T.TRUE, *conditions()[4:11:2]), pool, pool):
            for x, y in ((a, b), (T.ite(c, a, pool[-1]), b), (a, T.ite(c, pool[-1], b)), (a, T.ite(pool_test(), a, b))):
                written, plain = f"{shown(x)} if {shown(c)} else {shown(y)}", T.mk("ite", None, (c, x, y), x.kind)
                yield (written, plain, T.ite(c, x, y),
                       lambda w, c=c, x=x, y=y: meaning(x if meaning(c, w) else y, w))  # fmt: skip


def pool_test() -> Term:
    return T.compare("<", T.length(text(KEY)), T.const(2))


def _aggregates() -> Iterator[Line]:
    tests = [lambda at: T.TRUE, lambda at: T.FALSE, the, lambda at: T.conj((the(at), short(Q))),
             lambda at: T.compare("<", at, KEY)]  # fmt: skip
    values = {**dict.fromkeys(("sum", "maximum", "argmax"), lambda at: T.length(text(at))), "all": the}
    for kind in ("count", "any", "first", "last", *values):
        for low, high, where in itertools.product((T.ZERO, Q), (KEY, T.add(Q, T.ONE), T.N), tests):
            var = T.fresh("int")
            own = values[kind](var) if kind in values else T.NONE
            made = T.agg(kind, var, T.NONE, low, high, where(var), own)
            plain = T.mk("agg", "first" if kind == "any" else kind, (T.NONE, var, low, high, where(var), own), "int")
            test = T.some(made) if kind in ("first", "last") else made
            asked = kind == "any" or test is not made
            value = (lambda w, p=plain: meaning(p, w) is not None) if asked else (lambda w, p=plain: meaning(p, w))
            yield f"{kind} from {shown(low)} before {shown(high)} where {shown(where(Q))}", plain, test, value


def _none(compute: Callable[..., Any], *values: Any) -> Any:
    return None if None in values else compute(*values)


def _twice(compute: Callable[[Any, Any], Any], a: Term, b: Term) -> Callable[[World], Any]:
    return lambda w: _none(compute, meaning(a, w), meaning(b, w))


def _compared(op: str, a: Term, b: Term) -> Callable[[World], Any]:
    return _twice(COMPARE[op], a, b)


GROUPS = {
    "calculations": _calculations, "comparisons": _comparisons, "logic": _logic, "choices": _choices,
    "aggregates": _aggregates,
}  # fmt: skip


def _agrees(found: Term, wanted: Callable[[World], Any], place: str, worlds: Iterable[World] = WORLDS) -> None:
    for world in worlds:
        try:
            value = wanted(world)
        except ArithmeticError:
            continue
        if not isinstance(value, complex | None):  # the lifter asks for a place before it computes with it
            got = meaning(found, world)
            same = got is not None and (
                got == value if isinstance(value, str) else math.isclose(got, value, rel_tol=1e-12)
            )
            assert same, f"{place} became {found}, which is {got} and not {value} in {world}"


@pytest.mark.parametrize("group", GROUPS)
def test_what_terms_become(group: str, request: pytest.FixtureRequest) -> None:
    T.clear()
    lines = []
    for written, plain, found, wanted in GROUPS[group]():
        if found is not plain:
            _agrees(found, wanted, written)
            lines.append(f"{written}  =  {_kinds(found)}\n")
    same_as_recorded(group, lines, request)


def _kinds(t: Term) -> str:
    return f"{shown(t)} {t.kind}{' may fail' if t.marks & T.MAY_FAIL else ''}{'' if t.total else ' or none'}"


def same_as_recorded(name: str, lines: list[str], request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"{name}.txt"
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines), encoding="utf-8")
    assert lines == path.read_text(encoding="utf-8").splitlines(keepends=True)


def test_a_sum_takes_apart_whole_numbers_alone() -> None:
    x = T.mk("var", "x", (), "int")
    assert T.linear(T.sub(T.mul(T.const(2), x), T.const(3))) == ({x: 2}, -3)
    assert T.linear(T.const(5)) == T.linear(T.add(T.const(2), T.const(3))) == ({}, 5)
    half = T.const(0.5)
    assert T.linear(half) == ({half: 1}, 0)
