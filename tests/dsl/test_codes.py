"""Every code's page: its title, an example that fails with that very code, and one that does not."""

import re

import pytest
from cases import aba

from attndsl.dsl.checker import check
from attndsl.dsl.codes import all_codes, page
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.interpreter import interpret
from attndsl.dsl.parser import parse_library
from attndsl.dsl.source import SourceFile

_BLOCK = re.compile(r"^## (Example|Instead)\s*\n```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
RUN = ("E0401", "E0402", "E0403")


def blocks(code):
    """(heading, language) -> text of the code blocks of a page."""
    return {(m[1], m[2]): m[3] for m in _BLOCK.finditer(page(code)[1])}


def codes_of(source, code):
    """Codes that a program file is refused with, or that running it on a small text gives."""
    from attndsl.compiler import compile_library

    try:
        typed = [check(program) for program in parse_library(SourceFile("page.attn", source))]
        found = [d.code for t in typed for d in t.warnings]
        compile_library(typed)
        if code in RUN:
            for t in typed:
                interpret(t, aba())
    except DiagnosticError as error:
        return [d.code for d in error.diagnostics]
    return found


WITH_ATTN = [code for code in all_codes() if ("Example", "attn") in blocks(code)]


@pytest.mark.parametrize("code", all_codes())
def test_page_is_well_formed(code):
    text = page(code)[1]
    title, blank, body = text.split("\n", 2)
    assert title.startswith(f"# {code}: ")
    assert blank == ""
    assert len(body.strip()) > 20
    assert text.endswith("\n")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings in ([], ["Example", "Instead"]), headings
    assert len(blocks(code)) == len(headings)
    assert text.count("```") == 2 * len(headings)


@pytest.mark.parametrize("code", WITH_ATTN)
def test_example_fails_with_that_code(code):
    assert set(codes_of(blocks(code)["Example", "attn"], code)) == {code}


@pytest.mark.parametrize("code", WITH_ATTN)
def test_instead_is_accepted(code):
    assert codes_of(blocks(code)["Instead", "attn"], code) == []


def test_codes_about_programs_have_examples():
    about_programs = {code for code in all_codes() if re.match(r"E00[01]|E02[01]\d|E0351|E040[123]|W0101", code)}
    without = {code for code in about_programs if ("Example", "attn") not in blocks(code)}
    # too large to be shown on a page; "E000x" on files are not about a program's text
    assert without - {code for code in about_programs if ("Example", "python") in blocks(code)} <= {"E0003", "E0212"}
