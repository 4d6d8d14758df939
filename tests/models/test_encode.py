"""Token ids, special tokens, and texts cut to a number of tokens."""

from __future__ import annotations

import pytest
from tiny import LINES, byte_bpe, unigram, wordpiece

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.models.corpus import Text
from attndsl.models.encode import cut_text, cut_texts, encode, special_tokens_present

TEXT = " ".join(LINES) + "  Zürich \U0001f98a\U0001f98a end."
TOKENIZERS = {"byte_bpe": byte_bpe, "wordpiece": wordpiece, "unigram": unigram}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_every_cut_is_a_beginning_that_fits_and_cannot_grow(name: str) -> None:
    tokenizer = TOKENIZERS[name]()
    total = len(encode(TEXT, tokenizer))
    assert total > 40
    for limit in range(4, total + 2):
        cut = cut_text(TEXT, tokenizer, limit)
        assert TEXT.startswith(cut)
        assert len(encode(cut, tokenizer)) <= limit
    assert cut_text(TEXT, tokenizer, total) == TEXT
    # a cut uses its room: it falls short only where the last character spans several tokens
    assert len(encode(cut_text(TEXT, tokenizer, 20), tokenizer)) >= 17


def test_special_tokens_are_seen() -> None:
    found = {name: special_tokens_present(encode("the fox", make()), make()) for name, make in TOKENIZERS.items()}
    assert found["byte_bpe"] == {"bos": False, "cls": False, "eos": False, "sep": False}
    assert found["wordpiece"] == {"bos": False, "cls": True, "eos": False, "sep": True}
    assert found["unigram"] == {"bos": True, "cls": False, "eos": False, "sep": False}


def test_long_empty_and_impossible_texts() -> None:
    with pytest.raises(DiagnosticError, match=r"E0614.*text 's1' has \d+ tokens, the model's context holds 8"):
        encode(TEXT, byte_bpe(), max_context=8, name="s1")
    with pytest.raises(DiagnosticError, match="E0621"):
        encode("", byte_bpe())
    with pytest.raises(DiagnosticError, match="E0614"):
        cut_text("the fox", wordpiece(), 2)


def test_short_texts_are_told_apart() -> None:
    texts = [Text("a", TEXT, "train"), Text("b", "the fox", "heldout")]
    kept, short = cut_texts(texts, byte_bpe(), max_tokens=24, min_tokens=16)
    assert [text.id for text in kept] == ["a"]
    assert short == [texts[1]]
    assert len(encode(kept[0].text, byte_bpe())) == 24
