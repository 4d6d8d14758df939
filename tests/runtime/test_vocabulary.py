"""Vocabulary views, predicates answered once per entry, and the entry that was meant."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from tiny_tokenizers import STYLES, byte_level, metaspace, unigram, wordpiece

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.runtime import vocabulary as module
from attndsl.runtime.nearest_entry import nearest_entry
from attndsl.runtime.pieces import PieceStyle
from attndsl.runtime.tokenize import token_table
from attndsl.runtime.vocabulary import answer_once, never_true, vocabulary
from attndsl.runtime.wordpiece_text import join_wordpieces


@pytest.mark.parametrize("style", STYLES)
def test_raw_strings_are_the_tokenizers(style: str) -> None:
    tokenizer = STYLES[style]()
    view = vocabulary(tokenizer)
    assert list(view.raw) == tokenizer.convert_ids_to_tokens(list(range(len(view))))
    assert view.id_of == tokenizer.get_vocab()
    assert vocabulary(tokenizer) is view


def test_styles_and_special_ids() -> None:
    styles = {name: vocabulary(make()).style for name, make in STYLES.items()}
    assert styles == {
        "byte_level": PieceStyle.BYTE_LEVEL,
        "wordpiece": PieceStyle.WORDPIECE,
        "metaspace": PieceStyle.METASPACE,
        "unigram": PieceStyle.METASPACE,
    }
    # GPT-2 names one token for every role: it is special, and nothing is unknown.
    assert (vocabulary(byte_level()).special, vocabulary(byte_level()).unknown) == ({0}, None)
    assert (vocabulary(wordpiece()).special, vocabulary(wordpiece()).unknown) == ({0, 2, 3, 4}, 1)
    assert (vocabulary(metaspace()).special, vocabulary(metaspace()).unknown) == ({1, 2}, 0)
    assert (vocabulary(unigram()).special, vocabulary(unigram()).unknown) == ({0, 1}, 2)


def test_a_grown_vocabulary_is_read_again() -> None:
    tokenizer = pickle.loads(pickle.dumps(byte_level()))
    before = vocabulary(tokenizer)
    tokenizer.add_tokens(["zebra"])
    after = vocabulary(tokenizer)
    assert len(after) == len(before) + 1
    assert after.raw[-1] == "zebra"
    assert len(after) - 1 in after.literal


def test_unused_ids_are_none_and_answer_no() -> None:
    class Holes:
        def __call__(self, text: str) -> None: ...

        def __len__(self) -> int:
            return 2

        def get_vocab(self) -> dict[str, int]:
            return {"a": 0, "b": 2}

        def convert_ids_to_tokens(self, ids: list[int]) -> list[str | None]:
            return [{0: "a", 2: "b"}.get(i) for i in ids]

    holes = Holes()
    assert vocabulary(holes).raw == ("a", None, "b")
    assert answer_once(holes, lambda raw: True).tolist() == [True, False, True]


def test_predicates_are_asked_once_per_entry_and_gathered_by_id() -> None:
    tokenizer = byte_level()
    asked: list[str] = []

    def has_space(raw: str) -> bool:
        asked.append(raw)
        return raw.startswith("Ġ")

    answers = answer_once(tokenizer, has_space)
    assert answer_once(tokenizer, has_space) is answers
    assert len(asked) == len(vocabulary(tokenizer)) == len(answers)
    assert answers.dtype == np.bool_
    table = token_table("the dog and the sun", tokenizer, None)
    assert answers[list(table.ids)].tolist() == [raw.startswith("Ġ") for raw in table.raw]
    with pytest.raises(ValueError, match="read-only"):
        answers[0] = True


def test_answers_are_kept_under_their_key_and_type() -> None:
    tokenizer = byte_level()
    lengths = answer_once(tokenizer, len, dtype="float")
    assert lengths.dtype == np.float64
    assert lengths.tolist() == [float(len(raw)) for raw in vocabulary(tokenizer).raw if raw is not None]
    assert answer_once(tokenizer, len).all()  # as a bool it is another question
    keyed = answer_once(tokenizer, lambda raw: raw == ".", key=("is", "."))
    assert answer_once(tokenizer, lambda raw: False, key=("is", ".")) is keyed
    assert answer_once(tokenizer, lambda raw: False, key=("is", ",")) is not keyed


def test_the_oldest_answers_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = pickle.loads(pickle.dumps(byte_level()))
    monkeypatch.setattr(module, "_ANSWER_BYTES", 2 * len(vocabulary(tokenizer)))
    first = answer_once(tokenizer, lambda raw: True, key=1)
    answer_once(tokenizer, lambda raw: True, key=2)
    assert answer_once(tokenizer, lambda raw: True, key=1) is first
    answer_once(tokenizer, lambda raw: True, key=3)
    assert answer_once(tokenizer, lambda raw: True, key=1) is first
    assert [key for key, _ in vocabulary(tokenizer)._answers] == [3, 1]


def test_a_predicate_that_raises_is_not_kept() -> None:
    def fails(raw: str) -> bool:
        raise RuntimeError(raw)

    with pytest.raises(RuntimeError):
        answer_once(byte_level(), fails)
    assert answer_once(byte_level(), lambda raw: True, key=fails).all()


def test_never_true() -> None:
    assert never_true(byte_level(), lambda raw: raw == "\n", key="line end")
    assert not never_true(byte_level(), lambda raw: raw == "Ċ", key="Ċ")
    assert never_true(wordpiece(), lambda raw: raw == "<s>", key="<s>")


@pytest.mark.parametrize(
    ("literal", "entry"),
    [
        ("\n", "Ċ"), (" the", "Ġthe"), ("the", "Ġthe"), ("▁the", "Ġthe"), ("##ing", "Ġing"), ("'t", "'t"),
        ("<0x0A>", "Ċ"), (".", "."), ("Ċ", "Ċ"), ("é", "é"), ("a", "Ġa"), ("DOG", "Ġdog"), (" dog ", "Ġdog"),
        ("[CLS]", "<|endoftext|>"), ("</s>", "<|endoftext|>"), ("qqxz", None), ("", None), ("[PAD]", None),
    ],
)  # fmt: skip
def test_nearest_entry_on_byte_level(literal: str, entry: str | None) -> None:
    if literal == "é":  # no piece of its own in this vocabulary unless the two bytes were merged
        entry = "Ã©" if "Ã©" in vocabulary(byte_level()).id_of else None
    assert nearest_entry(byte_level(), literal) == entry


@pytest.mark.parametrize(
    ("literal", "entry"),
    [("the", "▁the"), ("Ġthe", "▁the"), ("\n", "<0x0A>"), ("Ċ", "<0x0A>"), ("[CLS]", "<s>"), (".", ".")],
)
def test_nearest_entry_on_sentencepiece(literal: str, entry: str) -> None:
    assert nearest_entry(metaspace(), literal) == entry


@pytest.mark.parametrize(
    ("literal", "entry"),
    [("The", "the"), ("Ġthe", "the"), ("▁The", "the"), ("<s>", "[CLS]"), ("</s>", "[SEP]"), ("\n", None), ("Ċ", None)],
)
def test_nearest_entry_on_wordpiece(literal: str, entry: str | None) -> None:
    assert nearest_entry(wordpiece(), literal) == entry


def test_what_is_not_a_tokenizer_is_refused() -> None:
    with pytest.raises(DiagnosticError, match="E0640"):
        vocabulary("gpt2")


@pytest.mark.parametrize(
    "text",
    [
        'he said, "don\'t go." then (at 3.14, or 1,000) she left!',
        "a well-known zoe’s “idea”: x/y; is it?",
        "it cost $5 ... [sic]",
        "'tell me,' he said, 'what is it?' it's tom's, at two o'clock",
    ],
)
def test_signs_are_joined_as_they_are_set(text: str) -> None:
    from tokenizers.pre_tokenizers import BertPreTokenizer

    pieces = [piece for piece, _ in BertPreTokenizer().pre_tokenize_str(text)]
    assert join_wordpieces(pieces) == text.replace(" ...", "...")
