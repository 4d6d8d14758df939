"""Snippets about words and their relations, and the repaired aligners: what Python does with a document, and recorded.

The document is the sandbox's, over a hand-made table; see ``test_lift_snippets.py`` for the rest.
"""

from __future__ import annotations

import ast
import itertools
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tables
from lift_support import expected
from test_lift_snippets import ELSEWHERE, ROOT, chunked, lines_of, record_of, same_as_recorded, weights

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.interpreter import interpret
from attndsl.dsl.pyimport import import_python
from attndsl.dsl.pyimport.aligners import OFFSETS, Aligner, with_offsets
from attndsl.dsl.source import SourceFile
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.sandbox.border import word_columns
from attndsl.runtime.sandbox.documents import Doc
from attndsl.runtime.sandbox.words import Words

GOLDEN = ROOT / "golden" / "words"
MORE = sorted(path.stem.removeprefix("word_") for path in (ROOT / "programs").glob("word_guards_*.txt"))
HEAD = """
import numpy as np
import spacy

def program(sentence, tokenizer):
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy.load("en_core_web_sm")(sentence)
    A = np.zeros((n, n))
"""
CELLS = """    for i in range(n):
        for j in range(n):
            if i < len(doc) and j < len(doc):
                w, v = doc[i], doc[j]
                A[i, j] = """
ALIGNED = "    alignment = [[w.i for w in doc if w.i == i // 2 or w.i == i - 1] for i in range(n)]\n"
SENTENCES = (
    [("Tom", "PROPN", "nsubj", 1), ("saw", "VERB", "ROOT", 1), ("the", "DET", "det", 3), ("cats", "NOUN", "obj", 1),
     (".", "PUNCT", "punct", 1), ("He", "PRON", "nsubj", 6), ("ran", "VERB", "ROOT", 6)],
    [("the", "DET", "det", 1), ("cats", "NOUN", "ROOT", 1)],
    [("a", "DET", "det", 1), ("cat", "NOUN", "conj", 3), ("of", "ADP", "prep", 1), ("men", "NOUN", "nsubj", 4),
     ("who", "PRON", "ROOT", 4), ("saw", "VERB", "conj", 2)],
)  # fmt: skip


def _spans(size: int) -> dict[str, list[Any]]:
    """Entities and noun chunks, and the words' marks that agree with them."""
    entities = [e for e in ((0, 1, "PERSON"), (2, 4, "ORG"), (4, 5, "ORG")) if e[1] <= size]
    inside = {i: (label, "B" if i == start else "I") for start, end, label in entities for i in range(start, end)}
    return {
        "entities": entities,
        "noun_chunks": [c for c in ((0, 1, ""), (2, 4, ""), (5, 6, "")) if c[1] <= size],
        "ent_type": [inside.get(i, ("", ""))[0] for i in range(size)],
        "ent_iob": [inside.get(i, ("", "O"))[1] for i in range(size)],
    }


def _tables(longer: bool) -> list[TokenTable]:
    """The sentences with a token per word, or with a token that no word overlaps and words of two tokens."""
    made = []
    for rows in SENTENCES:
        text = " ".join(r[0] for r in rows)
        pieces = [p for r in rows for p in ((r[0][:2], r[0][2:]) if longer and len(r[0]) > 3 else (r[0],))]
        plain = tables.word_table(text, rows)
        begins = tuple(i == 0 or plain.sentence[i - 1] != s for i, s in enumerate(plain.sentence))
        words = tables.word_table(text, rows, flags={**plain.flags, "is_sent_start": begins}, **_spans(len(rows)))
        made.append(tables.table(text, ["[CLS]", *pieces] if longer else pieces, words))
    return made


def _spacy(table: TokenTable) -> types.SimpleNamespace:
    words = table.words
    return types.SimpleNamespace(load=lambda name, **_: lambda text: Doc(Words(table.text, word_columns(words))))


def _compare(found: Any, text: str, table: TokenTable, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, "spacy", _spacy(table))
    try:
        want: np.ndarray | None = weights(expected(text, list(table.raw)))
    except (ArithmeticError, LookupError, TypeError, ValueError, UnboundLocalError):
        want = None
    try:
        got = weights(interpret(found.typed, table))
    except DiagnosticError:
        got = None
    assert (got is None) == (want is None), f"one of the two fails on {table.text!r}: {name}"
    if got is not None and want is not None:
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-9, err_msg=f"{name} on {table.text!r}")


def _snippets() -> dict[str, dict[str, str]]:
    lines = lines_of("word_expressions.txt")
    expressions = [(x, f"{CELLS}{x}\n") for x in lines if not x.startswith("#")]
    found = chunked("expressions", expressions)
    for kind in ("statements", "variants", "collections", "guards", "edges", "borders", *MORE):
        bodies = "\n".join(lines_of(f"word_{kind}.txt")).split("\n---\n")[1:]
        before = ALIGNED if kind == "collections" else ""
        named = [(b.replace("\n", "\n# "), before + "".join(f"    {x}\n" for x in b.splitlines())) for b in bodies]
        found |= chunked(kind, named)
    return found


SNIPPETS = _snippets()


@pytest.mark.parametrize("chunk", SNIPPETS)
def test_a_snippet_about_words_becomes_what_is_recorded_and_means_what_python_does(
    chunk: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = []
    for name, statements in SNIPPETS[chunk].items():
        text = HEAD + statements + '    return "program", A\n'
        (found,) = import_python(SourceFile("snippet", text), ["embedding_similarity"]).programs
        lines.append(f"# {name}\n{record_of(found)}")
        if found.typed is not None and not any(x in statements for x in ELSEWHERE):
            for table in (*_tables(longer=False), *_tables(longer=True)):
                _compare(found, text, table, monkeypatch, name)
    same_as_recorded(GOLDEN / f"{chunk}.txt", lines, request)


# ---------------------------------------------------------------- aligners

ROLES = {
    ("sentence", "tokens"): "sentence, tokens", ("doc", "tokens"): "doc, tokens", ("tokens", "doc"): "tokens, doc",
    ("sentence", "tokenizer"): "sentence, tokenizer",
}  # fmt: skip
USES = {
    "list": "A[i, 0] = len(found[i])\nif found[i]:\n    A[i, i] = {one}",
    "first": "if found[i] {test}:\n    A[i, i] = {one}\nelse:\n    A[i, 0] = 7",
    "absent": "if i in found:\n    A[i, i] = {one}\nelse:\n    A[i, 0] = 7",
}


def _aligned(aligner: Aligner) -> str:
    """A program that calls the aligner and asks what it returned."""
    one = "found[i] + 1" if aligner.numbers else "found[i].i + 1"
    if not aligner.first:
        one = "found[i][0] + len(found[i])" if aligner.numbers else "found[i][0].i + len(found[i])"
    test = "!= -1" if aligner.missing == "minus one" else "is not None"
    use = USES["absent" if aligner.missing == "absent" else "first" if aligner.first else "list"]
    parameters = ROLES[aligner.roles]
    helper = f"def align({parameters}):\n    return []\n\n"
    asked = "".join(f"        {x}\n" for x in use.format(one=one, test=test).splitlines())
    head = HEAD.replace("def program", f"{helper}def program")
    return f'{head}    found = align({parameters})\n    for i in range(n):\n{asked}    return "program", A\n'


ALIGNERS = [
    Aligner("align", roles, numbers, first, mapping, missing)
    for roles, numbers, first, mapping in itertools.product(ROLES, (True, False), (True, False), (True, False))
    for missing in (("none", "minus one") if first else ("empty",)) + (("absent",) if mapping else ())
    if numbers or missing != "minus one"
]


def test_a_repaired_aligner_is_lifted_to_what_its_repair_computes(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = []
    for aligner in ALIGNERS:
        text = _aligned(aligner)
        source = SourceFile("aligner", text)
        (found,) = import_python(source, [], {"align": aligner}).programs
        name = f"{aligner.roles} {aligner.numbers=} {aligner.first=} {aligner.mapping=} {aligner.missing}"
        lines.append(f"# {name}\n{record_of(found)}")
        repaired = with_offsets(source, ast.parse(text), {"align": aligner}).text
        repaired = repaired.replace("(sentence).input_ids", "(sentence).input_ids[0]")  # the stand-in has batches only
        for table in _tables(longer=True):
            places = zip(OFFSETS, (table.start, table.end), strict=True)
            offsets = "".join(f"\n{name} = lambda t, a, b: {tuple(column)!r}[a]" for name, column in places)
            _compare(found, repaired + offsets, table, monkeypatch, name)
    same_as_recorded(GOLDEN / "aligners.txt", lines, request)


CALLS = [
    "align(sentence)", "align(sentence, tokens=tokens)", "align(sentence, tokens[1:])", "align(tokens, sentence)",
    "align(sentence, list(tokens))", "align(sentence, [t for t in tokens])", "align(sentence, list(reversed(tokens)))",
    "align(sentence, [t for t in tokens if t != 'a'])", "align(sentence, tokens[:-1])", "align(doc, tokens)",
    "align(sentence, 3)", "align(sentence, [t.lower() for t in tokens])", "align(sentence, tokens + [])",
    "align(sentence, [t for t in tokens for c in t])",
]  # fmt: skip


def test_an_aligner_of_something_else_is_refused(request: pytest.FixtureRequest) -> None:
    aligner = Aligner("align", ("sentence", "tokens"), True, False, False, "empty")
    lines = []
    for call in CALLS:
        text = _aligned(aligner).replace("found = align(sentence, tokens)", f"found = {call}")
        (found,) = import_python(SourceFile("aligner", text), [], {"align": aligner}).programs
        lines.append(f"# {call}\n{record_of(found)}")
    same_as_recorded(GOLDEN / "calls.txt", lines, request)


def test_every_record_has_its_snippets() -> None:
    assert {path.stem for path in Path(GOLDEN).glob("*.txt")} == {*SNIPPETS, "aligners", "calls", "pipelines"}


# ---------------------------------------------------------------- helpers that load the pipeline once

GETTER = ["global nlp", "if nlp is None:", "    import spacy", "    nlp = spacy.load('en_core_web_sm')", "return nlp"]
GETTERS = [
    (GETTER, "get()"),
    (["'''text'''", *GETTER], "get()"),
    ([GETTER[0], "if not nlp:", *GETTER[2:]], "get()"),
    ([GETTER[0], "if nlp is not None:", *GETTER[2:]], "get()"),
    ([*GETTER[:4], "    print(nlp)", GETTER[4]], "get()"),
    ([*GETTER[:4], "else:", "    nlp = None", GETTER[4]], "get()"),
    ([*GETTER[:3], "    nlp = spacy.load(NAME)", GETTER[4]], "get()"),
    ([*GETTER[:3], "    nlp = spacy.load('en_core_web_sm', disable=[])", GETTER[4]], "get()"),
    ([*GETTER[:3], "    nlp = spacy.blank('en')", GETTER[4]], "get()"),
    ([*GETTER[:3], "    nlp += spacy.load('en_core_web_sm')", GETTER[4]], "get()"),
    ([*GETTER[:4], "return None"], "get()"),
    ([*GETTER[:4], "print(nlp)", "return nlp"], "get()"),
    (GETTER[:4], "get()"),
    (["global nlp, other", *GETTER[1:]], "get()"),
    (GETTER, "get(1)"),
    (GETTER, "get(sentence=1)"),
    (["return spacy.load('en_core_web_sm')"], "get()"),
]


def test_a_helper_that_loads_the_pipeline_is_known_by_its_text(request: pytest.FixtureRequest) -> None:
    lines = []
    for body, call in GETTERS:
        helper = "nlp = None\nother = None\nNAME = 'en_core_web_sm'\n\ndef get():\n"
        helper += "".join(f"    {x}\n" for x in body)
        text = HEAD.replace("def program", f"{helper}\ndef program")
        text = text.replace('spacy.load("en_core_web_sm")(sentence)', f"{call}(sentence)")
        text += '    for w in doc:\n        if w.i < n:\n            A[w.i, 0] = 1\n    return "program", A\n'
        programs = import_python(SourceFile("helper", text), []).programs
        lines.append("# " + "\n# ".join(body) + f"\n# {call}\n" + "".join(map(record_of, programs)))
    same_as_recorded(GOLDEN / "pipelines.txt", lines, request)
