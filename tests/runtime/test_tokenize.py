"""Token tables from texts and from ids, on tiny real tokenizers of every spelling."""

from __future__ import annotations

import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest
from tiny_tokenizers import STYLES, TEXTS, WithoutOffsets, byte_level, metaspace, unigram, wordpiece

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.tokens import TokenTable, WordTable
from attndsl.runtime import tokenize as module
from attndsl.runtime.tokenize import DEFAULT, forget_tables, token_table, token_table_of_ids

SEEN = ("surface", "special", "word_start", "sentence", "in_quotes")


def columns(table: TokenTable, names: tuple[str, ...] = SEEN) -> dict[str, tuple[Any, ...]]:
    return {name: getattr(table, name) for name in names}


def shown(table: TokenTable) -> list[tuple[str, str]]:
    return list(zip(table.raw, table.surface, strict=True))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("text", TEXTS)
def test_raw_is_what_published_programs_see(style: str, text: str) -> None:
    tokenizer = STYLES[style]()
    table = token_table(text, tokenizer, None)
    assert list(table.raw) == tokenizer.convert_ids_to_tokens(tokenizer(text, return_tensors="pt").input_ids[0])
    assert list(table.ids) == tokenizer(text).input_ids
    assert table.decoded == tuple(tokenizer.decode([i]) for i in table.ids)
    lengths = {len(getattr(table, name)) for name in ("ids", "raw", "start", "end", *SEEN)}
    assert lengths == {len(table)}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("text", TEXTS)
def test_spans_are_tight_ordered_and_cover_the_text(style: str, text: str) -> None:
    table = token_table(text, STYLES[style](), None)
    covered: set[int] = set()
    reached = 0
    for start, end, surface, special in zip(table.start, table.end, table.surface, table.special, strict=True):
        assert 0 <= start <= end <= len(text)
        assert surface == text[start:end].strip()
        if special:
            assert (start, end) == (0, 0)
            continue
        assert surface in ("", text[start:end])
        assert start >= reached
        reached = start
        covered.update(range(start, end))
    missing = {at for at, char in enumerate(text) if not char.isspace()} - covered
    # WordPiece drops the accent of a decomposed letter; nothing else may be lost.
    assert {text[at] for at in missing} <= {"\u0301"}


def test_byte_level_surfaces_are_clean() -> None:
    table = token_table("Once upon a 😀, don't", byte_level(), None)
    assert shown(table)[:3] == [("Once", "Once"), ("Ġupon", "upon"), ("Ġa", "a")]
    emoji = [surface for surface, start in zip(table.surface, table.start, strict=True) if start == 12]
    assert emoji == ["😀"] * 4
    assert [table.word_start[k] for k in range(len(table)) if table.start[k] == 12] == [True, False, False, False]
    assert shown(table)[-1] == ("'t", "'t")


def test_trimmed_and_untrimmed_offsets_give_the_same_table() -> None:
    for text in TEXTS:
        plain, trimmed = (token_table(text, byte_level(trim=trim), None) for trim in (False, True))
        assert plain.raw == trimmed.raw
        assert columns(plain) == columns(trimmed)


def test_wordpiece_has_special_tokens_and_original_text() -> None:
    table = token_table("Don't go to the Café", wordpiece(), None)
    assert (table.raw[0], table.raw[-1]) == ("[CLS]", "[SEP]")
    assert table.special == (True, *[False] * (len(table) - 2), True)
    assert table.surface[0] == table.surface[-1] == ""
    assert "".join(table.surface) == "Don'tgototheCafé"
    assert "".join(piece.removeprefix("##") for piece in table.raw[1:-1]) == "don'tgotothecafe"


def test_the_unknown_token_stands_for_the_text_it_replaced() -> None:
    table = token_table("a 😀 b", wordpiece(), None)
    assert shown(table)[2] == ("[UNK]", "😀")
    assert not table.special[2]


def test_sentencepiece_prefix_and_byte_pieces() -> None:
    table = token_table("!? 😀", metaspace(), None)
    assert shown(table)[:4] == [("<s>", ""), ("▁", ""), ("!", "!"), ("<0x3F>", "?")]
    assert table.word_start[:4] == (False, False, True, True)
    assert [surface for raw, surface in shown(table) if raw in ("<0xF0>", "<0x9F>", "<0x98>", "<0x80>")] == ["😀"] * 4


def test_literal_special_tokens_in_a_text_are_special() -> None:
    for tokenizer in (byte_level(), WithoutOffsets(byte_level())):
        table = token_table("the <|endoftext|> dog", tokenizer, None)
        assert [surface for surface in table.surface if surface] == ["the", "dog"]
        assert table.special[table.raw.index("<|endoftext|>")]


def test_empty_text() -> None:
    assert len(token_table("", byte_level(), None)) == 0
    assert token_table("", wordpiece(), None).raw == ("[CLS]", "[SEP]")
    assert token_table("", metaspace(), None).sentence == (0,)


@pytest.mark.parametrize("style", STYLES)
def test_sentences_quotes_and_word_starts(style: str) -> None:
    text = '"Go!" she said.\nHe left'
    table = token_table(text, STYLES[style](), None)
    seen = [k for k in range(len(table)) if table.surface[k]]
    assert [table.sentence[k] for k in seen] == [
        0 if table.start[k] < 6 else 1 if table.start[k] < 16 else 2 for k in seen
    ]
    assert "".join(dict.fromkeys(table.surface[k] for k in seen if table.in_quotes[k])).strip('"') == "Go!"
    starts = {table.start[k] for k in seen if table.word_start[k]}
    borders = {0, 1, 3, 4, 6, 10, 14, 16, 19}  # of the pieces " Go ! " she said . He left
    assert starts == borders & {table.start[k] for k in seen}
    assert {0, 6, 10, 16, 19} <= starts


def test_white_space_belongs_to_the_sentence_before_it() -> None:
    table = token_table("the end.\nthe", byte_level(), None)
    at = table.raw.index("Ċ")
    assert (table.sentence[at], table.surface[at], table.word_start[at], table.end[at]) == (0, "", False, 9)
    assert table.sentence[at + 1] == 1


@pytest.mark.parametrize("style", ["byte_level", "wordpiece", "metaspace"])
@pytest.mark.parametrize("text", TEXTS[:-1])
def test_without_offsets_the_table_is_the_same(style: str, text: str) -> None:
    fast = STYLES[style]()
    assert columns(token_table(text, fast, None)) == columns(token_table(text, WithoutOffsets(fast), None))


def test_unusable_offsets_are_replaced() -> None:
    class Broken(WithoutOffsets):
        is_fast = True

        def __call__(self, text: str, **_: Any) -> Any:
            ids = self._fast(text).input_ids
            return {"input_ids": ids, "offset_mapping": [(4, 4)] * len(ids)}

    text = TEXTS[1]
    assert columns(token_table(text, Broken(byte_level()), None)) == columns(token_table(text, byte_level(), None))


@pytest.mark.parametrize("text", TEXTS)
def test_ids_give_the_table_of_their_text(text: str) -> None:
    for tokenizer in (byte_level(), metaspace()):
        table = token_table(text, tokenizer, None)
        again = token_table_of_ids(table.ids, tokenizer, None)
        assert (again.text, again.raw) == (table.text, table.raw)
        assert columns(again) == columns(table)


def test_ids_of_byte_level_text_decode_as_the_tokenizer_does() -> None:
    tokenizer = byte_level()
    for text in TEXTS:
        ids = tokenizer(text).input_ids
        for cut in range(len(ids) + 1):
            assert token_table_of_ids(ids[:cut], tokenizer, None).text == tokenizer.decode(ids[:cut])


def test_ids_of_wordpiece_text_keep_words_and_signs() -> None:
    tokenizer = wordpiece()
    table = token_table("\"Don't go to the sea,\" the man said. It's cold!", tokenizer, None)
    again = token_table_of_ids(table.ids, tokenizer, None)
    assert again.text == table.text.lower()
    assert columns(again, SEEN[1:]) == columns(table, SEEN[1:])


def test_ids_with_unknown_tokens_keep_their_place() -> None:
    for tokenizer, unknown in ((wordpiece(), "[UNK]"), (unigram(), "<unk>")):
        table = token_table_of_ids(tokenizer("the 😀 dog").input_ids, tokenizer, None)
        assert table.surface[table.raw.index(unknown)] == unknown
        assert table.text == f"the {unknown} dog"


@pytest.mark.parametrize("make", [byte_level, metaspace])
def test_no_column_depends_on_later_tokens(make: Any) -> None:
    tokenizer = make()
    for text in TEXTS:
        whole = token_table_of_ids(tokenizer(text).input_ids, tokenizer, None)
        for cut in range(len(whole)):
            table = token_table_of_ids(whole.ids[:cut], tokenizer, None)
            if "\ufffd" in table.text:  # cut within a character
                continue
            assert columns(table) == {name: column[:cut] for name, column in columns(whole).items()}


def test_ids_may_be_lists_arrays_and_tensors() -> None:
    torch = pytest.importorskip("torch")
    ids = byte_level()("the dog").input_ids
    tables = [token_table_of_ids(kind(ids), byte_level(), None) for kind in (list, tuple, np.array, torch.tensor)]
    assert all(table is tables[0] for table in tables)


def test_tables_are_kept_by_tokenizer_text_and_parser() -> None:
    forget_tables()
    first = token_table("the dog", byte_level(), None)
    assert token_table("the dog", byte_level(), None) is first
    assert token_table("the dog", byte_level(trim=True), None) is not first
    assert token_table("the dog", byte_level(), DEFAULT) is not first
    forget_tables()
    assert token_table("the dog", byte_level(), None) is not first


def test_the_oldest_table_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_tables()
    monkeypatch.setattr(module, "_KEPT", 2)
    first = token_table("a", byte_level(), None)
    token_table("b", byte_level(), None)
    assert token_table("a", byte_level(), None) is first
    token_table("c", byte_level(), None)  # drops "b", the least recently used
    assert token_table("a", byte_level(), None) is first
    assert len(module._tables) == 2


def test_a_changed_tokenizer_gets_a_new_table() -> None:
    tokenizer = pickle.loads(pickle.dumps(byte_level()))
    before = token_table("the zebra", tokenizer, None)
    tokenizer.add_tokens(["zebra"])
    after = token_table("the zebra", tokenizer, None)
    assert "zebra" not in before.raw
    assert shown(after)[-1] == ("zebra", "zebra")


def test_kept_tables_do_not_keep_tokenizers_alive() -> None:
    tokenizer = WithoutOffsets(byte_level())
    token_table("the dog", tokenizer, None)
    reference = weakref.ref(tokenizer)
    del tokenizer
    gc.collect()
    assert reference() is None


def test_the_given_parser_is_used_when_words_are_first_read() -> None:
    asked: list[str] = []
    empty = WordTable(*[()] * 14, flags={})

    def parse(text: str) -> WordTable:
        asked.append(text)
        return empty

    table = token_table("the dog", byte_level(), parse)
    assert asked == []
    assert table.words is empty
    assert table.words is empty
    assert asked == ["the dog"]
    assert token_table("the dog", byte_level(), None).parse is None


@pytest.mark.parametrize("text", [b"bytes", ["a"], None, "half \ud83d"])
def test_what_is_not_a_text_is_refused(text: Any) -> None:
    with pytest.raises(DiagnosticError, match="E0642"):
        token_table(text, byte_level())


@pytest.mark.parametrize("thing", [None, "gpt2", object(), len])
def test_what_is_not_a_tokenizer_is_refused(thing: Any) -> None:
    with pytest.raises(DiagnosticError, match="E0640"):
        token_table("a", thing)


@pytest.mark.parametrize("ids", [[-1], [10**6], [[1, 2]], [1.5], ["the"], np.array(3), 7 * [None]])
def test_ids_that_are_none_are_refused(ids: Any) -> None:
    with pytest.raises(DiagnosticError, match="E0641"):
        token_table_of_ids(ids, byte_level())
