"""The grammar offers exactly the words of the tables, no word hides another, and random texts are read or refused."""

import re
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark

from attndsl.dsl.builtins import (
    FOLDS,
    METHODS,
    NUMBER_FUNCTIONS,
    ROW_STATS,
    TEXT_FUNCTIONS,
    TOKEN_FEATURES,
    WORD_FEATURES,
)
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.parser import parse_library
from attndsl.dsl.printer import to_text
from attndsl.dsl.source import SourceFile
from attndsl.grammar import grammar_text

_DEFINITION = re.compile(r"^([A-Z]+): ((?:\s*\|?\s*\"[^\"]+\")+)", re.MULTILINE)


def terminal_words(text):
    """Words of the terminals that are written as alternatives of quoted words."""
    return {m[1]: set(re.findall(r'"([^"]+)"', m[2])) for m in _DEFINITION.finditer(text)}


@pytest.mark.parametrize(
    ("terminal", "table"),
    [
        ("FEATURE", {f".{name}" for name in (*TOKEN_FEATURES, *WORD_FEATURES)}),
        ("METHOD", {f".{name}" for name in METHODS}),
        ("FUNCTION", {*NUMBER_FUNCTIONS, *TEXT_FUNCTIONS}),
        ("FOLD", set(FOLDS)),
        ("ROWSTAT", {f".{name}" for name in ROW_STATS}),
    ],
)
def test_grammar_lists_the_words_of_the_tables(terminal, table):
    assert terminal_words(grammar_text())[terminal] == table


def hidden_words(text):
    """(shorter, longer) words of two terminals that one parser state accepts both, the shorter a prefix of the longer.

    A lexer that takes the first terminal that fits would then never see the longer word.
    """
    lark = Lark(text, parser="lalr", maybe_placeholders=False)
    words = terminal_words(text)
    for terminal in lark.terminals:
        if terminal.name not in words and terminal.pattern.type == "str" and terminal.pattern.value[0].isalpha():
            words[terminal.name] = {terminal.pattern.value}
    found = set()
    for actions in lark.parser.parser._parse_table.states.values():
        accepted = [(name, word) for name in actions for word in words.get(name, ())]
        for one, short in accepted:
            longer = (word for two, word in accepted if one != two and word != short)
            found |= {(short, word) for word in longer if word.startswith(short)}
    return found


def test_no_word_hides_another():
    assert hidden_words(grammar_text()) == set()


def test_a_hidden_word_is_found():
    assert hidden_words(grammar_text().replace('"largest"', '"maximum"')) == {("max", "maximum")}


EXPLICIT = {
    "VAR": st.sampled_from("qktw").map(lambda v: f" {v} "),
    "NAME": st.sampled_from(("Foo", "Base", "W")).map(lambda v: f" {v} "),
    "NUMBER": st.sampled_from(("0", "1", "0.5", "2e-3")).map(lambda v: f" {v} "),
    "STRING": st.sampled_from(('"a"', '"\\""', '"\\u00e9"', '""')),
    "COMMENT": st.just("# note\n"),
}


@pytest.fixture(scope="module")
def outcomes():
    return []


def test_random_texts_of_the_grammar_are_read_or_refused_with_a_code(outcomes):
    lark = Lark(grammar_text(), parser="lalr", start="start", maybe_placeholders=False)

    @settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    @given(from_lark(lark, start="start", explicit=EXPLICIT))
    def read(text):
        try:
            programs = parse_library(SourceFile("random.attn", text))
        except DiagnosticError as error:
            outcomes.append(error.diagnostics[0].code)
            return
        outcomes.append("read")
        printed = to_text(programs)
        assert parse_library(SourceFile("printed.attn", printed)) == programs
        assert to_text(parse_library(SourceFile("printed.attn", printed))) == printed

    read()
    assert outcomes.count("read") >= 15
    assert set(outcomes) <= {"read", "E0001", "E0003", "E0206"}


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.text(alphabet='head "x" causal\n set{}()[]1k.,#\\', max_size=60))
def test_any_text_is_read_or_refused_with_a_code(text):
    with suppress(DiagnosticError):  # anything else is a crash
        parse_library(SourceFile("random.attn", text))
