"""Arrays made of lists with a condition: when two of them are of the same list, and what they cannot hold."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from test_terms import short, the

from attndsl.dsl.pyimport.lift import listed
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.emit import KEY, Q
from attndsl.dsl.pyimport.lift.machine import NotLiftable
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Binder, NoneValue, Part, Scalar, Seq, Vector, known

V, U = (T.mk("var", name, (), "int") for name in "vu")


def _part(var: Term, where: Any = the) -> Part:
    return Part((Binder(var, T.ZERO, Q),), where(var), Scalar(T.add(var, KEY)))


def test_an_element_is_said_in_the_terms_of_the_same_list_alone() -> None:
    part, to = _part(V), _part(U)
    assert listed.aligned(part, to) == Scalar(T.add(U, KEY))
    (b,) = to.binders
    word = T.mk("var", "w", (), "word")
    others = [
        replace(b, low=T.ONE),
        replace(b, high=KEY),
        replace(b, domain=T.ALL_WORDS),
        replace(b, descending=True),
        replace(b, mixed=True),
        replace(b, var=word),
    ]
    for other in others:
        assert listed.aligned(part, replace(to, binders=(other,))) is None, other
    assert listed.aligned(part, replace(to, binders=(b, b))) is None
    assert listed.aligned(part, replace(to, binders=())) is None
    assert listed.aligned(part, _part(U, short)) is None
    assert listed.aligned(replace(part, element=NoneValue()), to) is None


class _Machine:
    def __init__(self) -> None:
        self.state = SimpleNamespace(path=(), along=lambda *conditions: conditions)
        self.loops: list[Any] = []

    def stop(self, reason: str, node: Any = None, code: str = "") -> NotLiftable:
        return NotLiftable(reason, None, code)


def test_an_array_holds_numbers_alone() -> None:
    m: Any = _Machine()
    v = listed.array(m, _part(V))
    found = listed.elementwise(m, lambda x, y: Scalar(T.add(x.term, y.term)), v, known(1))
    assert found.part == Part(_part(V).binders, the(V), Scalar(T.add(T.add(V, KEY), T.ONE), True))
    with pytest.raises(NotLiftable) as stop:
        listed.elementwise(m, lambda x, y: NoneValue(), v, known(1))
    assert stop.value.code == "E0302"
    with pytest.raises(NotLiftable) as stop:
        listed.elementwise(m, lambda x, y: x, v, listed.array(m, _part(U, short)))
    assert stop.value.code == "E0315"
    assert (m.state.path, m.loops) == ((), [])


def test_an_array_is_made_of_one_list_of_numbers_in_order() -> None:
    m: Any = _Machine()
    part = _part(V)
    (b,) = part.binders
    assert listed.of_list(m, Seq((part,))) is not None
    ancestors = T.feature(T.mk("var", "w", (), "word"), "ancestors", "words")
    for seq in (
        Seq((part, part)), Seq((part,), True), Seq(()), Seq((replace(part, binders=()),)),
        Seq((replace(part, binders=(b, b)),)),
        Seq((replace(part, binders=(replace(b, mixed=True),)),)),
        Seq((replace(part, binders=(replace(b, domain=ancestors),)),)),
        Seq((replace(part, element=NoneValue()),)), Seq((replace(part, element=known("a")),)),
    ):  # fmt: skip
        assert listed.of_list(m, seq) is None, seq


def test_an_array_or_an_empty_one_is_the_array_where_the_condition_holds() -> None:
    m: Any = _Machine()
    v, c = listed.array(m, _part(V)), the(KEY)
    empty, other = Vector(T.ZERO, lambda k: Scalar(k), items=()), Vector(T.N, lambda k: Scalar(k))
    for then, otherwise, where in ((v, empty, c), (empty, v, T.not_(c))):
        found = listed.either(m, c, then, otherwise)
        assert found is not None
        assert found.part is not None
        assert found.part.condition is T.conj((where, the(V)))
    assert listed.either(m, c, v, other) is None
    assert listed.either(m, c, other, empty) is None


def test_a_result_is_of_floats_where_what_it_was_computed_from_is() -> None:
    v = listed.array(_Machine(), _part(V), the(KEY))  # type: ignore[arg-type]
    assert listed.untyped(Scalar(Q), v, known(1)) is the(KEY)
    assert listed.untyped(Scalar(the(Q)), v, known(1)) is T.FALSE
    assert listed.untyped(Scalar(Q), known(1)) is T.FALSE
