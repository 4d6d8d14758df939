"""Aligners are recognised by what they do, under any name and in any form, and their repair gives true offsets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tables import table, word_table

from attndsl.dsl.pyimport.aligners import Aligner
from attndsl.dsl.pyimport.names import check_module
from attndsl.dsl.pyimport.read import read_module
from attndsl.runtime.aligner import Found, find_aligners, measured_drift
from attndsl.runtime.library import load_library
from attndsl.runtime.program import Outcome

NUMBERS = """
def where(sentence, pieces):
    doc = spacy.load("en_core_web_sm")(sentence)
    spans, at = [], 0
    for p in pieces:
        size = max(len(p.lstrip("Ġ")), 1)
        spans.append((at, at + size))
        at += size
    return [[i for i, w in enumerate(doc) if w.idx < b and w.idx + len(w.text) > a] for a, b in spans]
"""
WORDS_OF_DOC = """
def tokens_to_words(doc, toks):
    result = []
    at = 0
    for t in toks:
        found = []
        for w in doc:
            if w.idx < at + len(t.replace("Ġ", "")) and w.idx + len(w.text) > at:
                found.append(w)
        result.append(found)
        at += len(t.replace("Ġ", ""))
    return result
"""
FIRST_OR_NONE = """
def lookup(text, tokenizer):
    doc = spacy.load("en_core_web_sm")(text)
    toks = tokenizer.convert_ids_to_tokens(tokenizer(text).input_ids)
    out, at = [], 0
    for t in toks:
        size = len(t.lstrip("Ġ"))
        hits = [w for w in doc if w.idx < at + size and w.idx + len(w.text) > at]
        out.append(hits[0].i if hits else None)
        at += size
    return out
"""
MAPPING = """
def word_map(tokens, sentence):
    doc = spacy.load("en_core_web_sm")(sentence)
    found = {}
    at = 0
    for i, t in enumerate(tokens):
        size = len(t.lstrip("Ġ"))
        for w in doc:
            if w.idx < at + size and w.idx + len(w.text) > at:
                found[i] = w.i
                break
        at += size
    return found
"""
FORMS = {
    NUMBERS: ("where(sentence, tokens)", Aligner("where", ("sentence", "tokens"), True, False, False, "empty")),
    WORDS_OF_DOC: (
        "tokens_to_words(doc, tokens)",
        Aligner("tokens_to_words", ("doc", "tokens"), False, False, False, "empty"),
    ),
    FIRST_OR_NONE: (
        "lookup(sentence, tokenizer)",
        Aligner("lookup", ("sentence", "tokenizer"), True, True, False, "none"),
    ),
    MAPPING: ("word_map(tokens, sentence)", Aligner("word_map", ("tokens", "sentence"), True, True, True, "absent")),
}
USES = {
    NUMBERS: "[doc[w] for w in found[i]][:1]",
    WORDS_OF_DOC: "found[i][:1]",
    FIRST_OR_NONE: "([] if found[i] is None else [doc[found[i]]])",
    MAPPING: "([doc[found[i]]] if i in found else [])",
}
NO_ALIGNERS = {
    "lengths": "def f(sentence, tokens):\n    return [[len(t)] for t in tokens]\n",
    "positions": "def f(sentence, tokens):\n    return [[i] for i in range(len(tokens))]\n",
    "same text": 'def f(sentence, tokens):\n    doc = spacy.load("en_core_web_sm")(sentence)\n'
    "    return [[w.i for w in doc if w.text == t] for t in tokens]\n",
    "fails": "def f(sentence, tokens):\n    return [[w.i for w in tokens] for t in tokens if t.text]\n",
}


def program(helper: str, call: str, use: str) -> str:
    return (
        f"import numpy as np\nimport spacy\n{helper}\n"
        "def verbs(sentence, tokenizer):\n"
        "    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence).input_ids)\n"
        '    doc = spacy.load("en_core_web_sm")(sentence)\n'
        f"    found = {call}\n    n = len(tokens)\n    A = np.zeros((n, n))\n"
        "    for i in range(n):\n        A[i, 0] = 0.5\n"
        f"        for w in {use}:\n"
        "            if w.pos_ == 'VERB':\n                A[i, i] = 2.0\n"
        "    return 'verbs', A\n"
    )


def found_in(text: str) -> tuple[Found, ...]:
    module = read_module(text)
    return find_aligners(module, check_module(module))


def sentence():
    text = "A cat sat down"
    return table(text, words=word_table(text, [("A", "DET", "det", 1), ("cat", "NOUN", "nsubj", 2),
                                               ("sat", "VERB", "ROOT", 2), ("down", "ADV", "advmod", 2)]))  # fmt: skip


@pytest.mark.parametrize("helper", FORMS)
def test_every_form_is_recognised(helper: str) -> None:
    call, wanted = FORMS[helper]
    (found,) = found_in(program(helper, call, USES[helper]))
    assert found == Found(wanted, ("verbs",), drifts=True)


@pytest.mark.parametrize("name", NO_ALIGNERS)
def test_what_aligns_nothing_is_no_aligner(name: str) -> None:
    assert found_in(program(NO_ALIGNERS[name], "f(sentence, tokens)", "[]")) == ()


def test_an_aligner_that_minds_the_spaces_does_not_drift(tmp_path: Path) -> None:
    careful = NUMBERS.replace('        size = max(len(p.lstrip("Ġ")), 1)', '        at += p.startswith("Ġ")\n'
                              '        size = max(len(p.lstrip("Ġ")), 1)')  # fmt: skip
    text = program(careful, "where(sentence, tokens)", USES[NUMBERS])
    (found,) = found_in(text)
    assert not found.drifts
    (tmp_path / "careful.py").write_text(text, encoding="utf-8")
    assert load_library(tmp_path / "careful.py").diagnostics == ()


@pytest.mark.parametrize("helper", FORMS)
@pytest.mark.parametrize("loop", [False, True])
def test_the_repair_finds_the_words_under_the_tokens(helper: str, loop: bool, tmp_path: Path) -> None:
    text = program(helper, FORMS[helper][0], USES[helper])
    if loop:  # something that only the bounded machine runs
        slow = "    left = n * n\n    while left > n:\n        left -= len(str(left))\n"
        text = text.replace("    for i in range(n):", slow + "    for i in range(n):")
    path = tmp_path / "verbs.py"
    path.write_text(text, encoding="utf-8")
    published = load_library(path)
    repaired = load_library(path, aligner="offsets")
    assert [d.code for d in published.diagnostics] == ["W0222"]
    assert repaired.diagnostics == ()
    assert repaired["verbs"].outcome is (Outcome.BOUNDED if loop else Outcome.LIFTED)
    assert repaired["verbs"].source is not None
    assert repaired["verbs"].source.count("\n") == text.count("\n")
    wanted = np.zeros((4, 4))
    wanted[:, 0] = 0.5
    wanted[2, 2] = 2.0  # "sat"
    for backend in ("auto", "numba", "sandbox"):
        np.testing.assert_array_equal(repaired["verbs"].matrix(sentence(), backend), wanted)
    assert not np.array_equal(published["verbs"].matrix(sentence()), wanted)


def test_the_warning_measures_the_drift(tmp_path: Path) -> None:
    path = tmp_path / "verbs.py"
    path.write_text(program(NUMBERS, "where(sentence, tokens)", USES[NUMBERS]), encoding="utf-8")
    (warning,) = load_library(path).diagnostics
    measured = measured_drift(warning, [sentence()], "a model")
    # by lengths alone: A 0-1, cat 1-4, sat 4-7, down 7-11; the text has A 0-1, cat 2-5, sat 6-9, down 10-14
    assert measured.notes == ("on 1 text it gives other words for 50% of 4 tokens of a model",)
    assert warning.line == 4
