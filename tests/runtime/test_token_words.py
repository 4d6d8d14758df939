"""Tokens against words by true offsets, on tokenizers of every spelling and the real pipeline."""

from __future__ import annotations

from typing import Any

import pytest
from tiny_tokenizers import STYLES, TEXTS, byte_level, metaspace, wordpiece

from attndsl.dsl.tokens import TokenTable, WordTable
from attndsl.runtime.tokenize import token_table


@pytest.fixture(scope="module")
def blank() -> Any:
    """spaCy's English tokenizer alone: alignment needs the words' places, not their analysis."""
    spacy = pytest.importorskip("spacy")
    pipeline = spacy.blank("en")

    def parse(text: str) -> WordTable:
        doc = pipeline(text)
        none = ("",) * len(doc)
        start = tuple(token.idx for token in doc)
        end = tuple(token.idx + len(token) for token in doc)
        head, sentence = tuple(range(len(doc))), (0,) * len(doc)
        return WordTable(tuple(t.text for t in doc), *[none] * 9, head, start, end, sentence, flags={})

    return parse


def words_at(table: TokenTable) -> list[tuple[str, list[str]]]:
    words = table.words.text
    return [(raw, [words[w] for w in found]) for raw, found in zip(table.raw, table.token_words, strict=True)]


def test_contractions_hyphens_and_spaces_on_byte_level(blank: Any) -> None:
    table = token_table("the well-known man didn't  go.", byte_level(), blank)
    assert words_at(table) == [
        ("the", ["the"]),
        ("Ġwell", ["well"]),
        ("-", ["-"]),
        ("known", ["known"]),
        ("Ġman", ["man"]),
        ("Ġdidn", ["did", "n't"]),  # spaCy cuts "did|n't", the tokenizer "didn|'t"
        ("'t", ["n't"]),
        ("Ġ", []),  # the space that belongs to the word before it
        ("Ġgo", ["go"]),  # not the second space, which is a word of its own
        (".", ["."]),
    ]


def test_contractions_on_sentencepiece(blank: Any) -> None:
    found = dict(words_at(token_table("They went to Lily's park; it didn't", metaspace(), blank)))
    assert found["<s>"] == []
    assert found["▁They"] == ["They"]
    assert found["▁park"] == ["park"]
    assert found["▁to"] == ["to"]


def test_special_tokens_have_no_words_and_signs_have_their_own(blank: Any) -> None:
    table = token_table("the man's café.", wordpiece(), blank)
    at = dict(zip(table.surface, words_at(table), strict=True))
    assert words_at(table)[0] == ("[CLS]", [])
    assert words_at(table)[-1] == ("[SEP]", [])
    assert at["'"][1] == ["'s"]
    assert at["s"][1] == ["'s"]
    assert at["."][1] == ["."]


def test_every_token_of_a_split_character_has_its_word(blank: Any) -> None:
    for tokenizer in (byte_level(), metaspace()):
        table = token_table("a 😀 b", tokenizer, blank)
        found = [words for surface, (_, words) in zip(table.surface, words_at(table), strict=True) if surface == "😀"]
        assert found == [["😀"]] * 4


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("text", TEXTS)
def test_words_are_those_that_overlap(style: str, text: str, blank: Any) -> None:
    """Against the definition: every pair of a token and a word, compared character by character."""
    table = token_table(text, STYLES[style](), blank)
    words = table.words
    for token, found in enumerate(table.token_words):
        own = set(range(table.start[token], table.end[token]))
        spans = zip(words.start, words.end, strict=True)
        assert list(found) == [w for w, (start, end) in enumerate(spans) if own & set(range(start, end))]
        if table.surface[token]:
            joined = text[words.start[found[0]] : words.end[found[-1]]]
            assert table.surface[token] in joined
