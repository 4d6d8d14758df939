"""The case tables through parser, printer, checker and interpreter."""

from collections import Counter

import numpy as np
import pytest
from cases import CASES, FAILURES, REFUSED, near
from conformance import disagreement, outcome_of_interpreter

from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.interpreter import interpret
from attndsl.dsl.parser import parse_library, parse_program
from attndsl.dsl.printer import to_text
from attndsl.dsl.source import SourceFile


def test_case_names_are_unique():
    names = Counter(case.name for table in (CASES, FAILURES, REFUSED) for case in table)
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_interpreter_gives_the_matrix(case):
    found = interpret(check(parse_program(case.program)), case.table(), {"near": near})
    n = len(case.table())
    assert disagreement(np.array(case.expected, dtype=np.float64).reshape(n, n), found) is None


@pytest.mark.parametrize("case", [*CASES, *FAILURES], ids=lambda case: case.name)
def test_printed_text_reads_back_equal_and_is_stable(case):
    program = parse_program(case.program)
    text = to_text(program)
    assert parse_program(text) == program
    assert to_text(parse_program(text)) == text


@pytest.mark.parametrize("case", FAILURES, ids=lambda case: case.name)
def test_interpreter_fails_at_the_query(case):
    found = outcome_of_interpreter(check(parse_program(case.program)), case.table(), {})
    assert found == f"{case.code} at query {case.query}"


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_refused_with_code_and_line(case):
    with pytest.raises(DiagnosticError) as caught:
        parse_and_check(case.source)
    assert tuple((d.code, d.line) for d in caught.value.diagnostics) == case.found


def parse_and_check(source):
    return [check(program) for program in parse_library(SourceFile("case.attn", source))]


def test_every_code_about_programs_is_refused_somewhere():
    from attndsl.dsl.codes import all_codes

    wanted = {code for code in all_codes() if code.startswith("E00") or "E0200" <= code < "E0220"}  # then: Python in
    assert {code for case in REFUSED for code, _ in case.found} == wanted
