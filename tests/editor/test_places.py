"""Offsets and columns: the same place both ways, in every encoding, at every kind of line end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attndsl.editor.places import ENCODINGS, Places, with_plain_ends

TEXTS = st.text(st.sampled_from("aé😀\n\r\u2028\x0c\t "), max_size=30)


@given(TEXTS, st.sampled_from(ENCODINGS))
def test_every_offset_comes_back(text: str, encoding: str) -> None:
    places = Places(with_plain_ends(text), encoding)
    for offset in range(len(places.text) + 1):
        assert places.offset(*places.position(offset)) == offset


@pytest.mark.parametrize(("encoding", "column"), [("utf-16", 4), ("utf-8", 7), ("utf-32", 3)])
def test_columns_count_the_units_that_were_agreed_on(encoding: str, column: int) -> None:
    places = Places("x\né😀a", encoding)
    assert places.position(5) == (1, column)


def test_only_real_line_ends_count() -> None:
    text = with_plain_ends("a\x0cb\u2028c\r\nd\re")
    assert [Places(text).position(text.index(c))[0] for c in "abcde"] == [0, 0, 0, 1, 2]


@pytest.mark.parametrize(("line", "column", "offset"), [(-1, 3, 0), (0, 99, 2), (9, 0, 5), (1, -2, 3), (1, 1, 4)])
def test_places_outside_the_text_mean_the_nearest_inside(line: int, column: int, offset: int) -> None:
    assert Places("😀b\n😀c").offset(line, column) == offset


def test_the_middle_of_a_pair_is_after_the_character() -> None:
    assert Places("😀b").offset(0, 1) == 1
