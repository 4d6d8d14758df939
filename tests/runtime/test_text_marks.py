"""Sentence numbers, quotes and word starts of plain texts."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attndsl.runtime import offsets, pieces, text_marks, wordpiece_text
from attndsl.runtime.text_marks import quoted, sentence_numbers, starts_word


@pytest.mark.parametrize("module", [offsets, pieces, text_marks, wordpiece_text])
def test_examples_in_docstrings(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One. ", "Two! ", "Three?"]),
        ('"Go!" she said. "No."', ['"Go!" ', "she said. ", '"No."']),
        ("It is 3.14, said U.S.A today", ["It is 3.14, said U.S.A today"]),
        ("Mr. Smith", ["Mr. ", "Smith"]),
        ("a\nb\n\n\nc", ["a\n", "b\n\n\n", "c"]),
        ("\n\n a.", ["\n\n a."]),
        ("wait... what?! (Yes.) ok", ["wait... ", "what?! ", "(Yes.) ", "ok"]),
        ("a\r\nb", ["a\r\n", "b"]),
        ("”Hm.”’ So", ["”Hm.”’ ", "So"]),
        ("", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    numbers = sentence_numbers(text)
    found = ["".join(c for c, n in zip(text, numbers, strict=True) if n == s) for s in sorted(set(numbers))]
    assert found == sentences
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ('a "b c" d "e"', "b ce"),
        ("a “b” c”d", "b"),
        ('a "b\nc" d\ne', "b d"),
        ("don't 'x'", ""),
        ("", ""),
    ],
)
def test_quotes(text: str, inside: str) -> None:
    assert "".join(c for c, flag in zip(text, quoted(text), strict=True) if flag) == inside


def test_word_starts() -> None:
    text = "well-known d'été_x  नमस्ते!"
    assert [at for at in range(len(text)) if starts_word(text, at)] == [0, 4, 5, 11, 12, 13, 20, 26]


@given(st.text(alphabet='ab .!?"“”\n)', max_size=40), st.integers(0, 40))
def test_marks_do_not_depend_on_later_text(text: str, cut: int) -> None:
    assert quoted(text)[:cut] == quoted(text[:cut])
    whole, part = sentence_numbers(text)[:cut], sentence_numbers(text[:cut])
    assert whole == part
