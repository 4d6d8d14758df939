"""The word columns against spaCy's own objects, and what happens without a pipeline."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny_tokenizers import byte_level

from attndsl.dsl.columns import word_column
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.runtime import parse_words
from attndsl.runtime.parse_words import FLAGS, word_parser, words_of
from attndsl.runtime.tokenize import token_table

TEXTS = [
    "Alice and Bob didn't go to the U.S. Bank in Paris. They paid $5.50, twenty euros!",
    'He said, “Mail me@x.org (see https://x.org).”  "OK", said TOM.\nA  café, 3rd 🙂 42 one.',
    "  leading",
    " ",
    "",
]


@pytest.fixture(scope="module")
def pipeline() -> Any:
    """The installed pipeline under either of its names."""
    spacy = pytest.importorskip("spacy")
    names = [name for name in parse_words._SAME_PIPELINE["en_core_web_sm"] if spacy.util.is_package(name)]
    if not names:
        pytest.skip("no spaCy pipeline is installed")
    return spacy.load(names[0])


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No parser made so far is used again, and the environment names no pipeline."""
    monkeypatch.delenv("ATTNDSL_SPACY_MODEL", raising=False)
    parse_words._parser.cache_clear()


@pytest.mark.parametrize("text", TEXTS)
def test_every_column_is_spacys(pipeline: Any, text: str) -> None:
    words, doc = words_of(pipeline(text)), pipeline(text)
    columns = ("text", "lemma_", "pos_", "tag_", "dep_", "ent_type_", "ent_iob_", "shape_", "whitespace_")
    for column in columns:
        assert getattr(words, column.rstrip("_")) == tuple(getattr(token, column) for token in doc), column
    assert words.morph == tuple(str(token.morph) for token in doc)
    assert words.head == tuple(token.head.i for token in doc)
    assert words.children == tuple(tuple(child.i for child in token.children) for token in doc)
    assert words.ancestors == tuple(tuple(a.i for a in token.ancestors) for token in doc)
    assert [text[s:e] for s, e in zip(words.start, words.end, strict=True)] == [token.text for token in doc]
    assert [doc.char_span(s, e)[0].i for s, e in zip(words.start, words.end, strict=True)] == list(range(len(doc)))
    assert words.entities == tuple((span.start, span.end, span.label_) for span in doc.ents)
    assert words.noun_chunks == tuple((span.start, span.end, "") for span in doc.noun_chunks)
    number_of = {token.i: number for number, sentence in enumerate(doc.sents) for token in sentence}
    assert words.sentence == tuple(number_of[token.i] for token in doc)
    assert set(words.flags) == set(FLAGS)
    for flag, column in words.flags.items():
        assert column == tuple(bool(getattr(token, flag)) for token in doc), flag
    assert len(words) == len(doc)


def test_the_texts_show_every_flag_and_kind_of_span(pipeline: Any) -> None:
    tables = [words_of(pipeline(text)) for text in TEXTS]
    for flag in set(FLAGS):
        seen = {value for words in tables for value in words.flags[flag]}
        assert True in seen or flag == "is_oov", flag
    assert any(words.entities for words in tables)
    assert any(words.noun_chunks for words in tables)


def test_the_default_pipeline_is_found_under_either_name(pipeline: Any, fresh: None) -> None:
    words = word_parser()(TEXTS[0])
    assert words == words_of(pipeline(TEXTS[0]))
    assert word_parser() is word_parser("en_core_web_sm")
    assert word_parser()(TEXTS[0]) is words  # kept


def test_nothing_is_loaded_before_the_first_word_is_read(pipeline: Any, fresh: None, monkeypatch: Any) -> None:
    import spacy

    loads: list[str] = []
    monkeypatch.setattr(spacy, "load", lambda name: loads.append(name) or pipeline)
    table = token_table("The dog.", byte_level())
    assert loads == []
    assert table.words.text == ("The", "dog", ".")
    assert token_table("A dog.", byte_level()).words.text == ("A", "dog", ".")
    assert len(loads) == 1


def test_the_environment_names_the_pipeline(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("spacy")
    monkeypatch.setenv("ATTNDSL_SPACY_MODEL", "no_such_pipeline")
    table = token_table("The dog.", byte_level())
    with pytest.raises(DiagnosticError) as caught:
        table.words  # noqa: B018
    (found,) = caught.value.diagnostics
    assert found.code == "E0611"
    assert "no_such_pipeline" in found.headline
    assert "python -m spacy download no_such_pipeline" in (found.help or "")


def test_without_spacy_the_error_says_what_to_install(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)  # "import spacy" raises ImportError
    with pytest.raises(DiagnosticError) as caught:
        word_parser()("a")
    assert caught.value.diagnostics[0].code == "E0611"
    assert "pip install 'attndsl[spacy]'" in (caught.value.diagnostics[0].help or "")


def test_a_table_without_a_parser_says_so() -> None:
    with pytest.raises(DiagnosticError, match="E0611"):
        token_table("a", byte_level(), None).words  # noqa: B018


def test_a_pipeline_that_leaves_columns_blank_is_refused(fresh: None, tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy")
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(DiagnosticError) as caught:
        word_parser(str(tmp_path / "blank"))("a")
    (found,) = caught.value.diagnostics
    assert found.code == "E0643"
    assert "DEP (parser)" in found.headline


def test_noun_chunks_of_a_language_without_a_rule_are_an_error_not_none_found() -> None:
    spacy = pytest.importorskip("spacy")
    doc = spacy.blank("xx")("A b.")
    with pytest.raises(NotImplementedError):
        list(doc.noun_chunks)
    table = token_table("A b.", byte_level(), lambda _: words_of(doc))
    for read in (lambda: table.words.chunks, lambda: word_column(table, "chunk_iob")):
        with pytest.raises(DiagnosticError) as caught:
            read()
        assert caught.value.diagnostics[0].code == "E0643"
    assert word_column(table, "text") == ("A", "b.")


def test_a_parser_can_be_sent_to_another_process() -> None:
    parser = word_parser("en_core_web_sm")
    assert pickle.loads(pickle.dumps(parser)) is parser
