"""What two branches left, joined: values, lists, dicts, names and paths, and terms replaced in values; as recorded."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from term_meaning import World, meaning, shown
from test_terms import same_as_recorded, short, the

from attndsl.dsl.pyimport.lift import merge
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.emit import KEY, Q
from attndsl.dsl.pyimport.lift.machine import State
from attndsl.dsl.pyimport.lift.term import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    CellRow,
    Choice,
    Closure,
    DictValue,
    Growing,
    NoneValue,
    Opaque,
    Part,
    RowRef,
    Scalar,
    Seq,
    Sheet,
    Span,
    TupleValue,
    Unbound,
    Value,
    Vector,
    Word,
    known,
    literal,
)

WORLDS = [World(t, {"q": q, "k": k}) for t in (("the", "a"), ("b", "the", "b")) for q in range(2) for k in range(2)]


@pytest.fixture(autouse=True)
def _anew() -> None:
    T.clear()


def _said(x: Any) -> str:
    """A value in few words."""
    if isinstance(x, Term):
        return shown(x)
    if isinstance(x, (tuple, list)):
        return f"[{', '.join(map(_said, x))}]"
    if isinstance(x, dict):
        return f"{{{', '.join(f'{k}: {_said(v)}' for k, v in sorted(x.items(), key=lambda item: str(item[0])))}}}"
    match x:
        case Scalar(term=t, numpy=numpy):
            return shown(t) + {True: " of numpy", False: "", None: " of either"}[numpy]
        case Vector():
            return f"vector {_said([x.length, x.at(Q), x.part, x.items, x.slice_of, x.fixed, x.own, x.untyped])}"
        case Sheet():
            return f"sheet {_said([x.at(Q, KEY), x.tall, x.wide, x.own])}"
        case Closure(defaults=defaults):
            return f"function {_said(list(defaults))}"
    if hasattr(x, "__slots__") and not isinstance(x, str):
        fields = [getattr(x, name) for name in type(x).__slots__ if name not in ("leaves", "live", "size")]
        return f"{type(x).__name__} {_said([f for f in fields if f not in ('', False, ())])}"
    return str(x)


def _pairs(*values: int) -> DictValue:
    keys = [T.const(name) for name in "abc"]
    pairs = [TupleValue((Scalar(k), known(v))) for k, v in zip(keys, values, strict=False)]
    return DictValue(tuple(Part((), T.TRUE, p) for p in pairs))


def _listed(where: Term = T.TRUE, element: Value | None = None) -> Part:
    var = T.mk("var", "v", (), "int")
    return Part((Binder(var, T.ZERO, Q),), where, element or Scalar(T.add(var, KEY)))


def _values() -> list[Value]:
    w, v = (T.mk("var", name, (), "word") for name in "wv")
    c = the(Q)
    turned = DictValue(tuple(reversed(_pairs(1, 2).parts)))
    asked = DictValue((Part((), short(Q), _pairs(1).parts[0].element),))
    three = DictValue((Part((), T.TRUE, TupleValue((known("a"), known(1), known(2)))),))
    pair, first = TupleValue((known(1), known(2))), _pairs(1, 2)
    return [
        known(1), known(2.5), known("a"), known("b"), known(True), NoneValue(), Scalar(Q, True), Scalar(KEY, None),
        Word(w), Word(v),
        Span("sent", w, True), Span("sent", v, True), Span("sent", w, False), Span("ents", w, True),
        pair, TupleValue((known(3),)),
        TupleValue((known(1), known("a"))), first, _pairs(3, 4), _pairs(3, 4, 5), _pairs(1),
        turned, asked, three, DictValue((_listed(),)),
        DictValue(first.parts, length=Q), DictValue(_pairs(3, 4).parts, length=Q),
        DictValue(first.parts, default="list"),
        DictValue(_pairs(3, 4).parts, default="list"), Choice(c, known("a"), known(1)),
        Choice(c, known(1), NoneValue()),
        Choice(short(Q), known("a"), NoneValue()), literal((known(1),)), Unbound("here"),
    ]  # fmt: skip


def test_values_are_merged_as_recorded(request: pytest.FixtureRequest) -> None:
    values, lines = _values(), list[str]()
    for a, b in itertools.product(values, values):
        lines.append(f"{_said(a)}  or  {_said(b)}: {_said(merge.merge_values(the(Q), a, b))}\n")
    for c in (T.TRUE, T.FALSE):
        assert merge.merge_values(c, values[0], values[2]) is values[0 if c is T.TRUE else 2]
    same_as_recorded("merged", lines, request)


def test_contents_are_merged_as_recorded(request: pytest.FixtureRequest) -> None:
    x, y, z = (Part((), T.TRUE, known(i)) for i in range(3))
    parts = [(), (x,), (x, y), (x, z), (y, x), (x, y, z), (_listed(),), (x, _listed(short(KEY)))]
    contents: list[Value] = [Seq(p) for p in parts]
    contents += [
        Seq(parts[2], True),
        DictValue(parts[1]),
        DictValue(parts[2]),
        Growing(1, parts[1]),
        Growing(1, parts[3]),
    ]
    contents.append(Unbound("here"))
    lines = []
    for a, b in itertools.product(contents, contents):
        if not (isinstance(a, Seq) and isinstance(b, Seq) and a.is_set != b.is_set):
            lines.append(f"{_said(a)}  or  {_said(b)}: {_said(merge.merge_contents(the(Q), a, b))}\n")
    same_as_recorded("contents", lines, request)


def _state(names: dict[str, Value], heap: dict[int, Value], path: tuple[Term, ...]) -> State:
    return State({0: names}, heap, path)


def test_states_are_merged_as_recorded(request: pytest.FixtureRequest) -> None:
    base = _state({"a": known(1), "b": known(2)}, {1: literal(())}, (short(KEY),))
    c, d, lines = the(Q), T.compare("<", Q, KEY), list[str]()
    one = _state(
        {"a": known(3), "b": known(2), "c": known(4)}, {1: literal((known(1),)), 2: literal(())}, (*base.path, c)
    )
    two = _state({"a": known(1), "b": known(5)}, {1: literal((known(2),)), 3: literal(())}, (*base.path, T.not_(c)))
    three = _state({"a": known(1), "b": known(2)}, {1: literal(())}, (*base.path, T.not_(c), d))
    deep = [_state(base.frames[0], {}, (*base.path, x, y)) for x in (c, T.not_(c)) for y in (d, T.not_(d))]
    inner = State({0: base.frames[0], 7: {"x": known(1)}}, {}, (*base.path, T.not_(c)))
    for branches in (
        [(c, one), (T.not_(c), two)], [(c, one)], [(c, two), (T.not_(c), one)], [(c, one), (T.not_(c), inner)],
        [(c, one), (T.conj((T.not_(c), d)), three), (T.conj((T.not_(c), T.not_(d))), two)],
    ):  # fmt: skip
        found = merge.merge_states(base, branches)
        lines.append(f"{len(branches)}: {_said(found.frames)} {_said(found.heap)} {_said(found.path)}\n")
    for ends, broken in (([two], [one]), ([three], [one]), ([two, three], [one]), ([one], [two, three]), ([three], []),
                         ([three], [base, one]), ([three], [three]), ([one, two], [three]),
                         ([deep[1]], [deep[0]]), ([deep[3]], [deep[0]]), ([deep[1], deep[2]], [deep[0]])):  # fmt: skip
        found = merge.merge_unbroken(base, ends, broken)
        lines.append(f"{len(ends)} unbroken: {_said(found.frames)} {_said(found.path)}\n")
    same_as_recorded("states", lines, request)


def test_paths_are_joined_to_what_they_say_together(request: pytest.FixtureRequest) -> None:
    a, b, c = the(Q), the(KEY), T.compare("<", Q, KEY)
    na, nb = T.not_(a), T.not_(b)
    paths = [(), (a,), (na,), (a, b), (na, b), (a, nb), (na, nb), (c, a), (c, na), (c, a, b), (c,), (b, c)]
    lines = []
    for count in (1, 2, 3):
        for extras in itertools.combinations(paths, count):
            found = merge._joined(list(extras))
            for world in WORLDS:
                want = any(all(meaning(t, world) for t in path) for path in extras)
                assert all(meaning(t, world) for t in found) == want, extras
            lines.append(f"{'; '.join(map(_said, extras))}: {_said(found)}\n")
    same_as_recorded("paths", lines, request)


def test_terms_are_replaced_everywhere_in_a_value(request: pytest.FixtureRequest) -> None:
    w, v = (T.mk("var", name, (), "word") for name in "wv")
    mapping, lines = {Q: T.add(KEY, T.ONE), w: v}, list[str]()
    own = Vector(
        Q,
        lambda k: Scalar(T.add(k, Q), True),
        _listed(the(Q)),
        3,
        (Scalar(Q, True), known(1)),
        True,
        True,
        None,
        the(Q),
    )  # type: ignore[arg-type]
    plain = Vector(T.N, lambda k: Scalar(T.add(k, Q)))
    values = [
        Scalar(Q, True), Scalar(Q, None), Word(w), Span("sent", w, True), Span("ents", w, False),
        Choice(the(Q), Scalar(Q), known("a")),
        TupleValue((Scalar(Q), Word(w))), Seq((_listed(the(Q)),), True), Seq((_listed(),), False, True),
        Seq((), False, False, "tuple"),
        DictValue((_listed(),), T.N, "int"), RowRef("A", Q, T.add(Q, T.ONE), Q), own, plain, CellRow("A", "int", Q),
        Closure(None, 0, (Scalar(Q),)), Closure(None, 0),
        Sheet(lambda r, c: Scalar(T.add(r, T.mul(Q, c))), False, True, True),  # type: ignore[arg-type]
        Opaque("filled", Scalar(Q)), Opaque("letters", ("of", T.feature(Q, "raw", "str"))), Opaque("doc"), NoneValue(),
        Sheet(lambda r, c: Scalar(Q)),
    ]  # fmt: skip
    for value in values:
        lines.append(f"{_said(value)}: {_said(merge.subst_value(value, mapping))}\n")
    binder = Binder(T.mk("var", "v", (), "int"), T.ZERO, Q, T.NONE, True, True, (T.add(Q, T.ONE),))
    lines.append(f"{_said(binder)}: {_said(merge.subst_binder(binder, mapping))}\n")
    same_as_recorded("replaced", lines, request)


def test_a_part_gets_variables_of_its_own() -> None:
    v, u = (T.mk("var", name, (), "int") for name in "vu")
    binders = Binder(v, T.ZERO, Q, T.NONE, True, True, (T.neg(v),)), Binder(u, v, T.N)
    part = Part(binders, T.compare("<", u, T.mul(v, Q)), Scalar(T.add(u, v)))
    found = merge.instantiate(part)
    a, b = found.binders
    mapping = {v: a.var, u: b.var}
    assert {a.var, b.var}.isdisjoint({u, v})
    assert (a.low, a.high, a.descending, a.mixed, a.keys) == (T.ZERO, Q, True, True, (T.neg(a.var),))
    assert (b.low, b.high, b.descending, b.mixed, b.keys) == (a.var, T.N, False, False, ())
    assert found.condition is T.subst(part.condition, mapping)
    assert found.element == Scalar(T.add(b.var, a.var))
    alone = Part((), T.TRUE, known(1))
    assert merge.instantiate(alone) is alone
