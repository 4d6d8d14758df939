"""The grammar's other uses: constrained decoding, and a flat JSON form."""

from __future__ import annotations

import json

import pytest

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.from_json import program_text, to_json
from attndsl.dsl.library import builtin_programs
from attndsl.dsl.parser import parse_program
from attndsl.dsl.printer import to_text
from attndsl.grammar import json_schema, llguidance_grammar

llguidance = pytest.importorskip("llguidance", reason="the llm extra is not installed")


def _accepts(text: str) -> bool:
    tokenizer = llguidance.LLTokenizer("byte")
    matcher = llguidance.LLMatcher(tokenizer, llguidance_grammar())
    ids = tokenizer.tokenize_str(text)
    if matcher.validate_tokens(ids) < len(ids):
        return False
    matcher.consume_tokens(ids)
    return bool(matcher.is_accepting())


def test_llguidance_reads_the_grammar() -> None:
    assert llguidance.LLMatcher.validate_grammar(llguidance_grammar(), llguidance.LLTokenizer("byte")) == ""


@pytest.mark.parametrize("program", builtin_programs()[::8], ids=lambda p: p.name)
def test_decoding_lets_programs_through(program) -> None:
    assert _accepts(to_text(program))


@pytest.mark.parametrize(
    "text",
    [
        'head "x" causal\nadd 1 too first',
        'head "x" causal\nadd 1 to first when q in foo',
        'head "x" causal\nlet stop = 1',
        'head "x" causal\nadd 1 to each k where k.colour == "red"',
    ],
)
def test_decoding_stops_where_the_parser_would(text: str) -> None:
    assert not _accepts(text)
    with pytest.raises(DiagnosticError):
        parse_program(text)


def test_json_form_round_trips_the_builtin_programs() -> None:
    kept = 0
    for program in builtin_programs():
        try:
            data = to_json(program)
        except DiagnosticError as error:
            assert error.diagnostics[0].code == "E0701"
            continue
        kept += 1
        assert set(data) == set(json_schema()["required"])
        assert parse_program(program_text(json.loads(json.dumps(data)))) == program
    assert kept > 0.9 * len(builtin_programs())


def test_wrong_json_is_an_error_with_a_code() -> None:
    with pytest.raises(DiagnosticError) as caught:
        program_text({"name": "x"})
    assert caught.value.diagnostics[0].code == "E0701"
