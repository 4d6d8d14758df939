"""What the reader finds in a file, and what the name check refuses, with codes and lines."""

from __future__ import annotations

import re

import pytest

from attndsl.dsl.codes import all_codes, page
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.pyimport.module import Interface
from attndsl.dsl.pyimport.names import check_module
from attndsl.dsl.pyimport.read import read_module

HEAD = "import numpy as np\n\n"
BODY = """def first(sentence, tokenizer):
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence).input_ids)
    n = len(tokens)
    attention = np.zeros((n, n))
    {line}
    return "first", attention
"""


def refusals(text: str, host: tuple[str, ...] = ()) -> list[tuple[str, int | None]]:
    module = read_module(text, "file.py")
    return [(d.code, d.line) for check in check_module(module, host).values() for d in check.diagnostics]


def of_line(line: str) -> list[str]:
    found = refusals(HEAD + BODY.format(line=line))
    assert all(number is not None and number >= 3 for _, number in found)
    return [code for code, _ in found]


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("attention[:, 0] = 1", []),
        ("attention[:, 0] = wieght", ["E0220"]),
        ("attention[:, 0] = [k for k in range(n)][0] + k", ["E0220"]),
        ("attention[:, 0] = sum(k for k in range(n) if k > m)", ["E0220"]),
        ("f = lambda x, y=n: x + y + z", ["E0220"]),
        ("attention[:, 0] = (m := 2) + m", []),
        ("attention[:, 0] = np.random.rand()", ["E0131"]),
        ("from numpy.random import rand; attention[:, 0] = rand()", ["E0131"]),
        ("import random; attention[:, 0] = random.random()", ["E0131"]),
        ("import time; attention[:, 0] = time.time()", ["E0132"]),
        ("attention[:, 0] = hash(tokens[0])", ["E0133"]),
        ("attention[:, 0] = getattr(tokens, 'x')", ["E0134"]),
        ("attention[:, 0] = len(tokens.__class__.__mro__)", ["E0134", "E0134"]),
        ("open('x')", ["E0135"]),
        ("import os; attention[:, 0] = len(os.environ)", ["E0135"]),
        ("import numpy.f2py as f; f.os.getcwd()", ["E0224"]),
        ("e = eval; e('1')", ["E0136"]),
        ("'{0.real}'.format(1)", ["E0145"]),
        ("f = '{}'; f.format(1)", ["E0145"]),
        ("'{:.2f} {name}'.format(1, name=2)", []),
        ("np.load('x')", ["E0224"]),
        ("np.maximum.accumulate(attention)", []),
        ("attention.tofile('x')", ["E0223"]),
        ("attention.shape = (n * n,)", ["E0146"]),
        ("m = np; m.load('x')", ["E0130", "E0223"]),
        ("import os", ["E0135"]),
        ("x = open('words.txt').read().split()", ["E0135"]),
        ("x = open('words.txt').__class__", ["E0135", "E0134"]),
        ("x = tokens.tofile(open('x'))", ["E0223", "E0135"]),
        ("from math import floor as _getattr_", ["E0134"]),
        ("won = (_getitem_ := 1)", ["E0134"]),
        ("class A: pass", ["E0122"]),
        ("async def f(): pass", ["E0121"]),
        ("x = [v async for v in tokens]", ["E0121"]),
        ("def f(): yield 1", ["E0124"]),
        ("f = (x for x in [1]).gi_frame", ["E0223"]),
        ("b'abc'", ["E0148"]),
        ("x = 3j", ["E0148"]),
    ],
)
def test_one_line(line: str, codes: list[str]) -> None:
    assert of_line(line) == codes


def test_names_are_found_in_branches_that_never_run() -> None:
    text = HEAD + BODY.format(line="if n < 0:\n        attention[0, 0] = missing(tokens)")
    assert refusals(text) == [("E0220", 8)]


def test_host_names_count_as_defined() -> None:
    text = HEAD + BODY.format(line="attention[0, 0] = embedding_similarity(tokens, 0, 0)")
    assert refusals(text) == [("E0220", 7)]
    assert refusals(text, ("embedding_similarity",)) == []
    check = check_module(read_module(text), ("embedding_similarity",))["first"]
    assert check.host == ("embedding_similarity",)


def test_a_helpers_fault_is_shown_at_its_line_with_the_call() -> None:
    helpers = "def outer(x):\n    return inner(x)\n\ndef inner(x):\n    return x * scale\n\n"
    text = HEAD + helpers + BODY.format(line="attention[0, 0] = outer(1)")
    (found,) = check_module(read_module(text))["first"].diagnostics
    assert (found.code, found.line) == ("E0220", 7)
    assert found.source is not None
    calls = [found.source.position(label.span.start)[0] for label in found.labels if not label.primary]
    assert calls == [13]
    assert "`outer` → `inner`" in found.notes[0]


def test_a_helper_that_no_program_reaches_refuses_nothing() -> None:
    text = HEAD + "def unused(x):\n    return missing\n\n" + BODY.format(line="pass")
    assert refusals(text) == []


@pytest.mark.parametrize("helper", ["a", "first"])
def test_a_helper_may_call_itself_and_a_program_not(helper: str) -> None:
    helpers = f"def a(x):\n    return b(x)\n\ndef b(x):\n    return {helper}(x)\n\n"
    text = HEAD + helpers + BODY.format(line="attention[0, 0] = a(1)")
    assert {code for code, _ in refusals(text)} == ({"E0138"} if helper == "first" else set())


def test_nearest_name_is_offered() -> None:
    text = HEAD + "def make_row_stochastic(m):\n    return m\n\n" + BODY.format(line="make_row_stochastc(attention)")
    (found,) = check_module(read_module(text))["first"].diagnostics
    assert found.help == "did you mean `make_row_stochastic`?"


def test_the_spacy_getter_may_keep_its_pipeline_and_nothing_else_may() -> None:
    getter = (
        "_nlp = None\ndef _get_nlp():\n    global _nlp\n    if _nlp is None:\n        import spacy\n"
        "        _nlp = spacy.load('en_core_web_sm')\n    return _nlp\n\n"
    )
    text = HEAD + getter + BODY.format(line="doc = _get_nlp()(sentence)")
    assert refusals(text) == []
    counter = "calls = []\ncount = 0\n\n" + BODY.format(line="global count\n    count += 1\n    calls.append(1)")
    assert [code for code, _ in refusals(HEAD + counter)] == ["E0137", "E0137"]


def test_programs_are_told_from_helpers() -> None:
    text = (
        HEAD
        + BODY.format(line="pass")
        + (
            "\ndef align(sentence, tokens):\n    return [tokens]\n"
            "\ndef is_stop(sentence, tokenizer):\n    return token in ['.']\n"
            "\ndef renamed(s, toker):\n    return 'renamed', np.eye(len(toker.tokenize(s)))\n"
        )
    )
    module = read_module(text)
    assert list(module.programs) == ["first", "renamed"]
    assert module.programs["renamed"].tokenizer == "toker"
    bare = read_module("def predict(sentence, tokens):\n    return [[1.0]]\n").programs["predict"]
    assert bare.interface is Interface.BARE


def test_the_last_definition_wins_and_is_reported() -> None:
    text = HEAD + BODY.format(line="pass") + BODY.format(line="attention[:, 0] = 2")
    module = read_module(text)
    assert [(d.code, d.line) for d in module.diagnostics] == [("W0220", 9)]
    assert module.programs["first"].node.lineno == 9


def test_description_is_the_docstring_or_the_comment_above() -> None:
    text = HEAD + "# Layer 0, Head 1\n# looks at the first token\n" + BODY.format(line="pass")
    assert read_module(text).programs["first"].description == "Layer 0, Head 1\nlooks at the first token"


def test_an_async_program_is_named_as_the_reason_why_a_file_has_none() -> None:
    module = read_module("async def predict(sentence, tokens):\n    return 1\n")
    assert not module.programs
    assert [d.code for d in module.diagnostics] == ["E0121"]


def test_all_independent_errors_come_in_one_go() -> None:
    line = "attention[0, 0] = aaa\n    attention[0, 1] = aaa + bbb\n    attention[0, 2] = np.random.rand()"
    assert refusals(HEAD + BODY.format(line=line)) == [("E0220", 7), ("E0220", 8), ("E0131", 9)]


def test_a_file_that_is_not_python() -> None:
    with pytest.raises(DiagnosticError) as caught:
        read_module("def f(x) return x\n")
    assert caught.value.diagnostics[0].code == "E0118"
    assert caught.value.diagnostics[0].line == 1


MINE = [c for c in all_codes() if "E0120" <= c <= "E0199" or "E0220" <= c <= "E0259"]


@pytest.mark.parametrize("code", MINE)
def test_the_examples_of_a_page_fail_and_pass(code: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", page(code)[1], re.S)
    if not blocks:
        assert code in {"E0120", "E0127", "E0128"}, "only codes of newer Pythons may lack an example"
        return
    bad, good = blocks
    try:
        found = {code for code, _ in refusals(bad)}
    except DiagnosticError as error:
        found = {d.code for d in error.diagnostics}
    assert code in found
    assert refusals(good) == []


@pytest.mark.parametrize(
    "statement",
    ["global x", "if a: global x", "pass; global x", "pass ;global x", "if a:\n        global x", "\\\n    global x"],
)
def test_global_names_are_found_wherever_the_statement_stands(statement: str) -> None:
    assert read_module(f"def f(a):\n    {statement}\n").state == {"x"}
    assert read_module('# a global x\ndef f(a):\n    return "global x"\n').state == set()


def test_a_helper_that_is_called_is_no_program() -> None:
    helper = "def best(words, tok):\n    return tok.decode(words), words\n"
    assert list(read_module(helper).programs) == ["best"]
    assert list(read_module(helper + "def f(a):\n    return best(a, a)\n").programs) == []
