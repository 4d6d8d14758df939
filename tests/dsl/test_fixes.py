"""Fixes: applied to the text, they take the finding away (and where they say so, nothing else changes)."""

from __future__ import annotations

import pytest

from attndsl.dsl.diagnostics import Diagnostic, DiagnosticError
from attndsl.runtime.library import load_text


def findings(text: str, python: bool = False) -> list[Diagnostic]:
    try:
        library = load_text(text, "x", python=python)
    except DiagnosticError as error:
        return list(error.diagnostics)
    return [*library.diagnostics, *(d for program in library.values() for d in program.diagnostics)]


def applied(text: str, found: Diagnostic, number: int = 0) -> str:
    fix = found.fixes[number]
    return text[: fix.span.start] + fix.text + text[fix.span.end :]


HEAD = 'head "é😀" causal  # causal\n'
ATTN = [
    ("E0201", HEAD + 'let Stops = {"."}\nadd 1 to last(k where k.text in Stop)\n', "k.text in Stops)"),
    ("E0201", HEAD + "let Near(t) = t == q - 1\nadd 1 to each k where Neer(k)\n", "where Near(k)"),
    ("E0207", HEAD + "matrix Base\nadd 1 to self of Base\nnormalize rows of Bose\n", "rows of Base"),
    ("E0207", HEAD + "matrix Base\nadd 1 to self of Base\nset Bose[q, 0] to self\n", "set Base[q, 0]"),
    ("E0208", HEAD + "share 1 over each k from 2 * n\n", "from 2 * (q + 1)"),
    ("W0101", HEAD + 'let Stop = {"."}  \nadd 1 to self\n', "# causal\nadd"),
    ("W0101", HEAD + 'let Stop = {"."} add 1 to self\n', "# causal\n add"),
    ("E0001", HEAD + "share 1 ovr each k\n", "1 over each"),
    ("E0001", HEAD + "add 1 to each k where k.txet == 1\n", "k.text =="),
    ("E0001", HEAD + "add 1 to last(k where k.text == '.')\n", '== ".")'),
    ("E0001", HEAD + 'let stopWord = {"."}\n', "let StopWord ="),
]


@pytest.mark.parametrize(("code", "text", "after"), ATTN)
def test_the_first_fix_of_a_finding_in_our_language(code: str, text: str, after: str) -> None:
    found = next(d for d in findings(text) if d.code == code)
    mended = applied(text, found)
    assert after in mended
    assert (found.code, found.span) not in {(d.code, d.span) for d in findings(mended)}


def test_dropping_causal_takes_the_word_of_the_head() -> None:
    text = 'head "causal" causal\nshare 1 over each k from n - 4\n'
    (found,) = findings(text)
    assert [fix.title for fix in found.fixes] == ["write (q + 1)", "drop causal from the head"]
    assert applied(text, found, 1) == 'head "causal"\nshare 1 over each k from n - 4\n'
    assert findings(applied(text, found, 1)) == []


def test_n_where_the_query_has_no_meaning_is_not_replaced_by_it() -> None:
    found = next(d for d in findings(HEAD + "let Far = n - 4\nadd 1 to Far\n") if d.code == "E0208")
    assert [fix.title for fix in found.fixes] == ["drop causal from the head"]


PROGRAM = """import numpy as np
{imports}
def tag_word(t):
    return t.lower()

def f(sentence, tokenizer):
    toks = tokenizer.convert_ids_to_tokens(tokenizer(sentence)["input_ids"])
    att = np.zeros((len(toks), len(toks)))
    for i in range(len(toks)):
        {line}
        att[i, i] = 1.0
    return "f", att
"""
PYTHON = [
    ("E0220", "", "é = '😀'; t = tag_words(toks[i])", "; t = tag_word(toks[i])"),
    ("E0223", "", "t = toks[i].lowr()", "toks[i].lower()"),
    ("E0224", "", "t = np.sqrtt(i)", "np.sqrt(i)"),
    ("W0221", "print('x')", "t = 1", "import numpy as np\ndef tag"),
]


@pytest.mark.parametrize(("code", "imports", "line", "after"), PYTHON)
def test_the_fix_of_a_finding_in_python(code: str, imports: str, line: str, after: str) -> None:
    text = PROGRAM.format(imports=imports, line=line)
    found = next(d for d in findings(text, python=True) if d.code == code)
    mended = applied(text, found)
    assert after in mended
    assert [d for d in findings(mended, python=True) if d.code == code] == []


def test_a_wrong_import_is_not_mended_where_it_is_used() -> None:
    text = PROGRAM.format(imports="from numpy import sqrtt", line="t = sqrtt(i)")
    found = next(d for d in findings(text, python=True) if d.code == "E0224")
    assert found.help is not None
    assert found.fixes == ()


def test_an_invisible_character_can_be_deleted() -> None:
    text = PROGRAM.format(imports="", line="t = '\u200b'")
    (found,) = findings(text, python=True)
    assert found.code == "E0112"
    assert applied(text, found) == text.replace("\u200b", "")
