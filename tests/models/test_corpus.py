"""Corpora from files and from the package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.models.corpus import Text, bundled_corpora, load_corpus


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def code(path: Path | str, **options: float) -> str:
    with pytest.raises(DiagnosticError) as caught:
        load_corpus(path, **options)  # type: ignore[arg-type]
    assert "\n" not in caught.value.diagnostics[0].headline
    return caught.value.diagnostics[0].code


def test_plain_text_by_line_and_by_block(tmp_path: Path) -> None:
    lines = load_corpus(write(tmp_path, "a.txt", "one line\ntwo lines\nthree\n"))
    assert [text.text for text in lines] == ["one line", "two lines", "three"]
    blocks = load_corpus(write(tmp_path, "b.txt", "\n\na story\nin two lines\r\n \nanother\n\n"))
    assert [text.text for text in blocks] == ["a story\nin two lines", "another"]
    assert [text.id for text in blocks] == ["0", "1"]


def test_jsonl_and_csv_say_the_same(tmp_path: Path) -> None:
    rows = [{"id": "x", "text": 'a "b"\nc', "split": "train"}, {"id": "y", "text": "ü, d", "split": "heldout"}]
    jsonl = load_corpus(write(tmp_path, "a.jsonl", "\n".join(json.dumps(row) for row in rows) + "\n\n"))
    table = 'id,split,text\nx,train,"a ""b""\nc"\ny,heldout,"ü, d"\n'
    assert jsonl == load_corpus(write(tmp_path, "a.csv", table))
    assert jsonl == [Text("x", 'a "b"\nc', "train"), Text("y", "ü, d", "heldout")]
    assert load_corpus(write(tmp_path, "c.csv", "body\nhello\n"), column="body")[0].text == "hello"


def test_numbers_as_ids_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", b"\xef\xbb\xbf" + b'{"id": 7, "text": "a"}\n{"text": "b"}')
    assert [text.id for text in load_corpus(path)] == ["7", "1"]


def test_the_split_depends_on_the_text_alone(tmp_path: Path) -> None:
    lines = [f"text number {i}" for i in range(300)]
    one = {text.text: text.split for text in load_corpus(write(tmp_path, "a.txt", "\n".join(lines)))}
    other = {text.text: text.split for text in load_corpus(write(tmp_path, "b.txt", "\n".join([*lines[::-1], "more"])))}
    assert all(other[text] == split for text, split in one.items())
    assert 70 <= list(one.values()).count("heldout") <= 130
    none = load_corpus(write(tmp_path, "a.txt", "\n".join(lines)), heldout_share=0)
    assert {text.split for text in none} == {"train"}


@pytest.mark.parametrize("first", range(12))
def test_neither_split_is_empty_with_two_texts(tmp_path: Path, first: int) -> None:
    path = write(tmp_path, "a.txt", f"sentence {first}\nsentence {first + 1}\n")
    assert {text.split for text in load_corpus(path)} == {"train", "heldout"}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "", "E0621"),
        ("a.txt", " \n\t\n", "E0621"),
        ("a.jsonl", '{"text": "  "}', "E0621"),
        ("a.txt", b"caf\xe9", "E0622"),
        ("a.txt", b"MZ\0\0binary", "E0622"),
        ("a.jsonl", b"\x89PNG\r\n\x1a\n", "E0622"),
        ("a.jsonl", "{not json}", "E0623"),
        ("a.jsonl", '["text"]', "E0623"),
        ("a.jsonl", '{"txt": "a"}', "E0623"),
        ("a.jsonl", '{"text": 3}', "E0623"),
        ("a.jsonl", '{"text": "a", "split": "test"}', "E0623"),
        ("a.jsonl", '{"text": "a\\ud83d"}', "E0623"),
        ("a.jsonl", "[" * 100_000, "E0623"),
        ("a.jsonl", '{"id": 1, "text": "a"}\n{"id": "1", "text": "b"}', "E0623"),
        ("a.csv", "body\nhello\n", "E0623"),
        ("a.csv", 'text\n"hello', "E0623"),
        ("a.jsonl", '{"text": "a", "split": "train"}\n{"text": "a", "split": "heldout"}', "E0625"),
    ],
)
def test_bad_files(tmp_path: Path, name: str, content: str | bytes, expected: str) -> None:
    assert code(write(tmp_path, name, content)) == expected


def test_missing_files_folders_and_names(tmp_path: Path) -> None:
    assert code(tmp_path / "none.txt") == "E0620"
    assert code(tmp_path) == "E0620"
    assert code("no-such-corpus") == "E0624"
    assert code(str(tmp_path / "none")) == "E0620"


def test_bundled_corpora_load_with_both_splits() -> None:
    for name in bundled_corpora():
        texts = load_corpus(name)
        assert {text.split for text in texts} == {"train", "heldout"}
