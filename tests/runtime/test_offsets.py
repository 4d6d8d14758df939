"""Laying pieces along a text: exact, folded and unknown pieces."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from attndsl.runtime.offsets import align_pieces


def covered(text: str, pieces: list[bytes | None], written: dict[int, bytes] | None = None) -> list[str]:
    return [text[start:end] for start, end in align_pieces(text, pieces, written)]


@given(st.text(max_size=30), st.lists(st.integers(1, 5), max_size=60))
def test_any_cutting_of_the_bytes_is_found_again(text: str, widths: list[int]) -> None:
    data = text.encode("utf-8", "replace")
    text = data.decode()
    cuts = [0]
    for width in widths:
        cuts.append(min(cuts[-1] + width, len(data)))
    cuts.append(len(data))
    pieces = [data[a:b] for a, b in pairwise(cuts) if b > a]
    char_of = [at for at, char in enumerate(text) for _ in char.encode()]
    expected, done = [], 0
    for piece in pieces:
        expected.append((char_of[done], char_of[done + len(piece) - 1] + 1))
        done += len(piece)
    assert align_pieces(text, list(pieces)) == expected


def test_spaces_may_differ() -> None:
    assert covered("  a\tb", [b" a", b" b"]) == ["a", "b"]


def test_tokens_without_text_are_empty_and_passed_over() -> None:
    assert align_pieces("ab", [None, b"a", b"b", None]) == [(0, 0), (0, 1), (1, 2), (0, 0)]
    assert covered("a<s> b", [b"a", None, b" b"], {1: b"<s>"}) == ["a", "", " b"]


def test_case_and_accents_may_be_folded_away() -> None:
    assert covered("Café ÉTÉ", [b"caf", b"e", b"ete"]) == ["Caf", "é", "ÉTÉ"]
    assert covered("cafe\u0301s", [b"cafe", b"s"]) == ["cafe\u0301", "s"]
    assert covered("ﬁn", [b"f", b"in"]) == ["ﬁ", "ﬁn"]


def test_unknown_pieces_share_what_lies_between() -> None:
    assert covered("a 😀 b", [b"a", b"", b"b"]) == ["a", "😀", "b"]
    assert covered("a 日本 b", [b"a", b"", b"", b"b"]) == ["a", "日", "本", "b"]
    assert covered("a xy zw b", [b"a", b"", b"", b"", b"b"]) == ["a", "xy zw", "xy zw", "xy zw", "b"]
    assert covered("a", [b"a", b""]) == ["a", ""]
    assert covered("xyz", [b""]) == ["xyz"]


def test_a_piece_that_is_not_in_the_text_does_not_derail_the_rest() -> None:
    assert covered("one two three", [b"one", b"zwei", b" three"]) == ["one", "two", "three"]
