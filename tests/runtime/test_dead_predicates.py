"""Tests on raw strings that no entry of a vocabulary passes, and the pieces that were meant."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import Diagnostic, DiagnosticError
from attndsl.dsl.parser import parse_program
from attndsl.runtime.dead_predicates import dead_predicates

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))


@pytest.fixture(scope="module")
def byte_level() -> Any:
    import tiny

    return tiny.byte_bpe()


@pytest.fixture(scope="module")
def wordpiece() -> Any:
    import tiny

    return tiny.wordpiece()


def found(condition: str, tokenizer: Any, lets: str = "") -> list[Diagnostic]:
    text = f'head "x" causal\n{lets}\nadd 1 to each k where {condition}\n'
    return dead_predicates(check(parse_program(text)), tokenizer, "tiny")


@pytest.mark.parametrize(
    "condition",
    [
        'k.raw == "\\n"',
        'k.raw.strip() == "\\n"',
        '"\\n" == k.raw',
        'k.raw in {"\\n", "\\t"}',
        'k.raw.startswith("▁")',
        'k.raw.startswith({"▁", "##"})',
        '" " in k.raw',
        'k.raw[0] == "▁"',
        'k.raw[:2] == "##"',
        "len(k.raw) > 400",
        'k.raw.lower() == "The"',
        'k.raw.find("▁") >= 0',
    ],
)
def test_never_true_of_a_byte_level_vocabulary(condition: str, byte_level: Any) -> None:
    (warning,) = found(condition, byte_level)
    assert warning.code == "W0201"
    assert warning.headline.startswith("no token of tiny satisfies ")


@pytest.mark.parametrize(
    "condition",
    [
        'k.raw == "Ċ"',
        'k.raw.startswith("Ġ")',
        'k.raw in {".", ","}',
        "len(k.raw) > 1",
        'k.raw != "."',
        'k.raw.lower() == "t"',
        'k.text == "\\n"',
        "k.raw == q.raw",
        "k > 3",
    ],
)
def test_what_can_be_true_is_let_be(condition: str, byte_level: Any) -> None:
    assert found(condition, byte_level) == []


def test_always_true(byte_level: Any) -> None:
    (warning,) = found('k.raw != "\\n"', byte_level)
    assert warning.headline == 'every token of tiny satisfies k.raw != "\\n"'


def test_members_that_never_match(byte_level: Any) -> None:
    (warning,) = found("k.raw in Ends", byte_level, 'let Ends = {".", "\\n", "[SEP]"}')
    assert warning.code == "W0202"
    assert warning.headline == 'no token of tiny makes k.raw equal "\\n", "[SEP]"'
    assert '"\\n" is the piece "Ċ"' in (warning.help or "")


def test_the_piece_that_was_meant(byte_level: Any, wordpiece: Any) -> None:
    (warning,) = found('k.raw == " the"', byte_level)
    assert '" the" is the piece "Ġthe"' in (warning.help or "")
    (warning,) = found('k.raw == "<s>"', wordpiece)
    assert '"<s>" is the piece "[CLS]"' in (warning.help or "")


def test_parts_of_a_condition_are_told_apart(byte_level: Any) -> None:
    warnings = found('k.raw == "\\n" or not k.raw.endswith("\\t") and k.raw == "."', byte_level)
    assert [w.headline for w in warnings] == [
        'no token of tiny satisfies k.raw == "\\n"',
        'no token of tiny satisfies k.raw.endswith("\\t")',
    ]


def test_tests_inside_definitions_are_seen(byte_level: Any) -> None:
    (warning,) = found("End(k)", byte_level, 'let End(t) = t.raw == "\\n"')
    assert warning.headline == 'no token of tiny satisfies t.raw == "\\n"'
    assert warning.line == 2


def test_equal_definitions_of_two_programs_are_not_mixed_up(byte_level: Any) -> None:
    assert found("k.raw in Ends", byte_level, 'let Ends = {"."}') == []
    assert len(found("k.raw in Ends", byte_level, 'let Ends = {"\\n"}')) == 1


def test_not_a_tokenizer() -> None:
    with pytest.raises(DiagnosticError) as raised:
        found('k.raw == "a"', object())
    assert raised.value.diagnostics[0].code == "E0640"
