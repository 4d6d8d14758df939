"""How many terms a program and its file may make, the numbers of variables, and which terms may be none."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from attndsl.dsl.pyimport import lift
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.source import SourceFile


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    T.clear()
    yield
    T.clear()


def test_terms_and_work_are_counted_together() -> None:
    assert (T.made(), T.spent(), T.room()) == (0, 0, T.MAX_TERMS)
    T.const(1000)
    T.spend(10)
    assert (T.made(), T.spent(), T.room()) == (1, 10, T.MAX_TERMS - 11)
    T.spend(T.room())
    with pytest.raises(T.TooLarge):
        T.spend(1)


def test_a_term_of_many_arguments_counts_as_several() -> None:
    for arguments, spent in ((8, 0), (9, 1), (15, 2), (16, 4)):
        T.mk("and", arguments, (T.TRUE,) * arguments, "bool")
        assert T.spent() == spent


def test_the_programs_of_a_file_share_what_they_may_take() -> None:
    with T.allowance(100):
        T.clear()
        assert T.room() == T.MAX_TERMS
        T.const(1000)
        T.spend(T.MAX_TERMS - 1)
        T.settle()
        T.clear()
        assert (T.room(), T.spent(), T.used_up()) == (50, 0, False)
        for number in range(51):
            T.const(1000 + number)
        with pytest.raises(T.TooLarge) as stop:
            T.const(2000)
        assert "of the file together" in str(stop.value)
        T.settle()
        T.clear()
        assert (T.room(), T.used_up()) == (0, True)
    T.clear()
    assert T.room() == T.MAX_TERMS


def test_variables_are_numbered_one_after_the_other() -> None:
    begun = T.variables()
    assert T.fresh("int").data == f"x#{begun + 1}"
    assert T.fresh("word", "w").data == f"w#{begun + 2}"
    T.continue_variables(begun + 7)
    assert T.fresh("int").data == f"x#{begun + 8}"
    assert T.variables() == begun + 8
    T.clear()
    assert T.variables() == begun


def test_terms_that_were_there_at_the_import_stay() -> None:
    kept = T.all_terms()
    made = T.const(1000)
    assert T.own_terms() == [made]
    assert T.all_terms() == [*kept, made]
    assert [t.serial for t in T.all_terms()] == list(range(len(kept) + 1))
    T.clear()
    assert T.all_terms() == kept
    assert T.own_terms() == []


def test_what_may_be_none() -> None:
    w, text = T.fresh("word"), T.feature(T.fresh("word"), "text", "str")
    assert text.total
    assert not T.mk("none", "test", (), "none").total
    assert not T.mk("index", None, (text, T.ZERO), "str").total
    found = {
        kind: T.mk("agg", kind, (T.ALL_WORDS, w, T.ZERO, T.N, T.TRUE, T.ONE), "int").total
        for kind in ("count", "sum", "product", "all", "first", "last", "maximum", "argmax")
    }
    assert [kind for kind, total in found.items() if total] == ["count", "sum", "product", "all"]


def test_the_size_and_height_of_a_term() -> None:
    x = T.fresh("int")
    less = T.mk("cmp", "<", (x, T.N), "bool")
    count = T.mk("agg", "count", (T.NONE, x, T.ZERO, T.N, less, T.NONE), "int")
    assert (x.size, less.size, count.size) == (1, 3, 9)
    assert (x.height, less.height, count.height) == (0, 0, 1)
    assert (less.free, count.free) == ({x.data}, frozenset())
    assert T.mk("cmp", "<", (count, x), "bool").height == 1


def test_a_constant_is_a_number_a_text_or_a_truth_value() -> None:
    with pytest.raises(TypeError):
        T.const(None)
    assert T.const(-0.0) is T.const(0.0)
    assert str(T.const(-0.0).data) == "0.0"
    assert T.const(0) is T.ZERO
    assert T.const("") is not T.const(0.0)


def _lift() -> None:
    program = ast.parse("def f(sentence, tokenizer): pass").body[0]
    assert isinstance(program, ast.FunctionDef)
    lift.lift_function(program, {}, {}, SourceFile("f", ast.unparse(program)))


def _use_up(*_: object) -> None:
    """In the place of a lift: it takes all that is left, and fails."""
    T.spend(T.room())
    T.settle()
    raise lift.NotLiftable("it was too large", None, "E0309")


def _tried(*_: object) -> None:
    pytest.fail("something was tried")


def test_nothing_is_tried_when_the_programs_of_the_file_used_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with T.allowance(0):
        monkeypatch.setattr(lift, "_lifted", _use_up)
        monkeypatch.setattr(lift, "_others", _tried)
        with pytest.raises(lift.NotLiftable, match="it was too large"):
            _lift()
        monkeypatch.setattr(lift, "_lifted", _tried)
        with pytest.raises(lift.NotLiftable, match="of the file together") as stop:
            _lift()
        assert stop.value.code == "E0309"


def test_other_forms_are_tried_while_something_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with T.allowance(2):
        monkeypatch.setattr(lift, "_lifted", _use_up)
        monkeypatch.setattr(lift, "_others", _tried)
        with pytest.raises(pytest.fail.Exception):
            _lift()
