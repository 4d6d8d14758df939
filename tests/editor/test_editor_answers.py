"""What the server says about a text, without a client: words, half-typed files, files that are not ours."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attndsl.dsl.source import Span
from attndsl.editor import words
from attndsl.editor.analysis import analyse
from attndsl.editor.hover import feature, hover, summary, word
from attndsl.editor.lexical import Pieces, holds_programs, python_functions
from attndsl.editor.navigation import definition, symbols
from attndsl.editor.places import Places
from attndsl.editor.protocol import diagnostics_of, replacement_of
from attndsl.grammar import grammar_text

HALF = """head "one" causal
let Stop = {".", "!"}
add 1 to last(k where k.text in Stop)
head "two"
let Stop = {"?"}
add 1 to """
GRAMMAR_WORDS = sorted(set(re.findall(r'"(\.?[a-z_]{2,})"', grammar_text())))


@pytest.mark.parametrize("name", GRAMMAR_WORDS)
def test_every_word_of_the_grammar_has_a_meaning(name: str) -> None:
    if name.startswith("."):
        assert feature(name[1:]) or feature(name[1:], of_row=True)
    else:
        assert word(name, called=False)


def test_the_tables_hold_words_of_the_grammar_only() -> None:
    tables = (words.STATEMENTS, words.CLAUSES, words.EXPRESSIONS, words.AGGREGATES, words.FUNCTIONS)
    assert {name for table in tables for name in table} <= set(GRAMMAR_WORDS)
    assert {f".{name}" for name in (*words.METHODS, *words.ROW_STATS)} <= set(GRAMMAR_WORDS)


def test_one_word_with_two_meanings_is_told_by_its_place() -> None:
    text = 'head "x" causal\nadd row.count to first when count(k where k.text.count("a") > 1) > first(k) + 1'
    analysis = analyse(text, "x", False)

    def said(part: str, skip: int = 0) -> str:
        found = hover(text, text.index(part) + skip, False, analysis)
        assert found is not None
        return found[0]

    assert "row of" not in said("count(k where")
    assert "how many there are" in said("count(k where")
    assert "non-zero weights" in said("row.count", 5)
    assert "how many times" in said('.count("a")', 1)
    assert "position 0" in said("first when")
    assert "or none" in said("first(k)")


def test_half_typed_text_still_has_names_definitions_and_an_outline() -> None:
    analysis = analyse(HALF, "x", False)
    assert [d.code for d in analysis.findings] == ["E0001"]
    assert [(s.name, [c.name for c in s.children]) for s in symbols(HALF, False, analysis)] == [
        ("one", ["Stop"]),
        ("two", ["Stop"]),
    ]
    use = HALF.index("Stop)")
    assert definition(HALF, use + 1, analysis) == Span(HALF.index("Stop"), HALF.index("Stop") + 4)
    found = hover(HALF, use, False, analysis)
    assert found is not None
    assert found[0] == '```attn\nlet Stop = {".", "!"}\n```'
    second = HALF.rindex("Stop")
    assert definition(HALF, second, analysis) == Span(second, second + 4)


def test_a_variable_leads_to_the_innermost_place_that_binds_it() -> None:
    text = 'head "x"\nlet F(t) = t.is_punct\nadd sum(t for t where F(t)) to each j where any(t where F(t)) and F(j)'
    analysis = analyse(text, "x", False)
    assert "x" in analysis.programs, analysis.findings

    def target(part: str, skip: int) -> int:
        span = definition(text, text.index(part) + skip, analysis)
        assert span is not None
        return span.start

    assert target("= t.is_punct", 2) == text.index("(t)") + 1
    assert target("sum(t for", 4) == text.index("for t") + 4
    assert target("and F(j)", 6) == text.index("each j") + 5
    assert target("any(t where F(t)", 14) == text.index("any(t") + 4


def test_what_a_refused_program_says() -> None:
    text = 'head "x" causal\nadd 1 to n - 1\n'
    (program,) = analyse(text, "x", False).programs.values()
    assert summary(program) == "**refused**: E0208 reads-the-future"


def test_a_claim_is_shown_as_words() -> None:
    text = 'head "x" causal\nclaim "[a](http://b) <img> `c`"\nadd 1 to host("sim", q, q) otherwise 0\n'
    (program,) = analyse(text, "x", False).programs.values()
    assert summary(program).startswith("\\[a\\]\\(http://b\\) \\<img\\> \\`c\\`")
    assert "needs the host relation `sim`" in summary(program)


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("def f(sentence, tokenizer):\n", True),
        ("def f(\n    sentence: str,\n    tokenizer: Any,\n) -> tuple:\n", True),
        ("def predict(sentence, tokens):", True),
        ("def f(x, y):\n  pass\n", False),
        ("  def f(sentence, tokenizer): pass", False),
        ("def f(sentence, tokenizer, x):", False),
        ("", False),
    ],
)
def test_a_python_file_is_ours_when_a_function_has_a_programs_parameters(text: str, ours: bool) -> None:
    assert holds_programs(text) is ours


@pytest.mark.parametrize(
    "text", ["", "class A:\n    async def f(self): ...\n", "import os\nos.system('x'\n", "x = 1\x00"]
)
def test_python_that_is_not_ours_has_no_findings(text: str) -> None:
    assert analyse(text, "x", True).findings == ()


def test_a_broken_program_file_has_findings() -> None:
    assert [d.code for d in analyse("def f(sentence, tokenizer):\n    return (\n", "x", True).findings] == ["E0117"]


def test_a_function_reaches_to_the_next_statement_at_the_margin() -> None:
    text = "def f(a,\n      b):\n    x = 1\n\n# note\n    y = 2\n\ndef g(): pass\nx = 1"
    found = [(name, text[span.start : span.end]) for name, _, span, _ in python_functions(text)]
    assert found == [("f", text[: text.index("\n\ndef g")]), ("g", "def g(): pass")]


def test_a_helpers_fault_is_one_finding_with_every_use() -> None:
    uses = "".join(f"def f{i}(sentence, tokenizer):\n    return 'f{i}', helper(sentence)\n" for i in range(3))
    analysis = analyse("def helper(s):\n    return open(s)\n" + uses, "x", True)
    (found,) = [d for d in analysis.findings if d.code == "E0135"]
    assert len(found.labels) == 4
    (shown,) = [d for d in diagnostics_of(Places(analysis.text), "u", analysis.findings) if d.code == "E0135"]
    assert len(shown.related_information or ()) == 3


def test_findings_that_are_not_shown_are_counted() -> None:
    (found,) = analyse('head "x" causal\nadd 1 to n\n', "x", False).findings
    shown = diagnostics_of(Places("x"), "u", [found] * 503)
    assert len(shown) == 501
    assert shown[-1].message.startswith("3 more findings")


@pytest.mark.parametrize("text", ["", " \n", "head", '"', "é" * 50, "let Stop =", 'head "a\nadd'])
def test_odd_texts_of_our_language_have_a_finding_and_no_crash(text: str) -> None:
    assert analyse(text, "x", False).findings


def test_too_large_a_text_is_refused_at_once() -> None:
    start = time.process_time()
    analysis = analyse("add 1 to self\n" * 100_000, "x", False)
    assert [d.code for d in analysis.findings] == ["E0003"]
    assert time.process_time() - start < 5


PARTS = st.sampled_from(
    ['head "x" causal\n', "let A(t) = ", "{", "}", '"', "add 1 to ", "k", ".text", "self\n", "#", "(", "😀"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PARTS, max_size=12).map("".join))
def test_no_text_upsets_an_answer(text: str) -> None:
    analysis = analyse(text, "x", False)
    places = Places(text)
    diagnostics_of(places, "u", analysis.findings)
    symbols(text, False, analysis)
    for offset in range(0, len(text) + 1):
        hover(text, offset, False, analysis)
        definition(text, offset, analysis)
    assert "".join("".join(piece.text for piece in Pieces(text).all).split()) == "".join(text.split())


@given(st.text("ab\n", max_size=20), st.text("ab\n", max_size=20))
def test_the_edit_of_a_format_gives_the_wanted_text(before: str, after: str) -> None:
    places = Places(before)
    edits = replacement_of(places, after, "\n")
    assert len(edits) == (before != after)
    text = before
    for edit in edits:
        start = places.offset(edit.range.start.line, edit.range.start.character)
        end = places.offset(edit.range.end.line, edit.range.end.character)
        text = text[:start] + edit.new_text + text[end:]
    assert text == after


def test_without_the_extra_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    from attndsl.cli.main import run

    for name in [name for name in sys.modules if name.startswith(("pygls", "attndsl.editor.server"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pygls", None)
    assert run(["lsp"]) == 1
    message = capsys.readouterr()
    assert "E0860" in message.err
    assert "pip install 'attndsl[lsp]'" in message.err
    assert message.out == ""
