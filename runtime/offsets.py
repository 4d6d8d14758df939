"""Character spans of tokens where the tokenizer gives none: decoded pieces are laid along the text.

Works on UTF-8 bytes, because one character may be split over several tokens; a token that holds any byte of a
character spans the whole character. When pieces do not match the text as it stands (a tokenizer that lower-cases
or drops accents), both are folded the same way and matched again, and the spans still count the text's characters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from attndsl.runtime.pieces import fold_text

Span = tuple[int, int]

# How far ahead, in bytes per piece that did not match, the next matching piece is looked for. An unknown-token
# stands for one word; farther away a chance match is likelier than the right one.
_SEARCH_BYTES = 64

# Chinese characters stand alone, as WordPiece tokenizers take them.
_WORD_OR_SIGN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]|[^\W\u3400-\u9fff\uf900-\ufaff]+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class _Haystack:
    """The text as bytes; ``start[b]``/``end[b]`` are the characters that byte ``b`` belongs to."""

    data: bytes
    start: tuple[int, ...]
    end: tuple[int, ...]
    length: int


def align_pieces(text: str, pieces: Sequence[bytes | None], written: Mapping[int, bytes] | None = None) -> list[Span]:
    """Character spans of the pieces in the text, one per piece.

    ``pieces`` are the UTF-8 bytes each token stands for; None marks a token without text (span (0, 0)), ``b""`` one
    whose text is not known (the unknown token). ``written`` gives, by position, how a token without text is spelled:
    where the text has that spelling it is passed over. Exact when the pieces spell the text up to white space;
    otherwise a stretch of text that no piece matches is shared among the unmatched tokens that lie there: a word or
    sign each where their numbers agree, else the whole stretch to each.

    >>> align_pieces("a 😀.", [b"a", b" \\xf0\\x9f", b"\\x98\\x80", b"."])
    [(0, 1), (1, 3), (2, 3), (3, 4)]
    """
    hidden = written or {}
    sought = [hidden.get(at) if piece is None else piece for at, piece in enumerate(pieces)]
    shown = [piece is not None for piece in pieces]
    hay = _haystack(text, fold=False)
    spans, misses = _walk(hay.data, sought, shown)
    if misses:
        folded = _haystack(text, fold=True)
        refolded = [None if piece is None else _fold_piece(piece) for piece in sought]
        folded_spans, folded_misses = _walk(folded.data, refolded, shown)
        if folded_misses < misses:
            hay, spans = folded, folded_spans
    return _fill(text, _to_characters(hay, spans), shown)


def _fold_piece(piece: bytes) -> bytes:
    try:
        return fold_text(piece.decode()).encode()
    except UnicodeDecodeError:  # part of a character: nothing to fold
        return piece


def _haystack(text: str, *, fold: bool) -> _Haystack:
    data = bytearray()
    start: list[int] = []
    end: list[int] = []
    for at, char in enumerate(text):
        piece = (fold_text(char) if fold else char).encode()
        if not piece and end and end[-1] == at:  # a dropped accent belongs to the letter before it
            end[-1] = at + 1
        data += piece
        start += [at] * len(piece)
        end += [at + 1] * len(piece)
    return _Haystack(bytes(data), tuple(start), tuple(end), len(text))


def _walk(data: bytes, pieces: Sequence[bytes | None], shown: Sequence[bool]) -> tuple[list[Span | None], int]:
    """Byte spans of the pieces (None where nothing matched) and how many pieces with known text did not match."""
    spans: list[Span | None] = []
    cursor = pending = misses = 0
    for piece, visible in zip(pieces, shown, strict=True):
        span = None if piece is None else _locate(data, piece, cursor, pending)
        spans.append(span)
        if span is None:
            pending += visible
            misses += visible and bool(piece)
        elif span[1] > span[0]:
            cursor, pending = span[1], 0
    return spans, misses


def _locate(data: bytes, piece: bytes, cursor: int, pending: int) -> Span | None:
    if piece and not pending and data.startswith(piece, cursor):
        return cursor, cursor + len(piece)
    visible = piece.strip()
    if not visible:
        return (cursor, cursor) if piece else None  # a space that the text does not have, or unknown text
    at = cursor
    while at < len(data) and data[at : at + 1].isspace():
        at += 1
    if not pending:
        return (at, at + len(visible)) if data.startswith(visible, at) else None
    found = data.find(visible, at + 1, at + 1 + pending * _SEARCH_BYTES + len(visible))
    return (found, found + len(visible)) if found >= 0 else None


def _to_characters(hay: _Haystack, spans: Sequence[Span | None]) -> list[Span | None]:
    found: list[Span | None] = []
    for span in spans:
        if span is None:
            found.append(None)
        elif span[0] == span[1]:
            at = hay.start[span[0]] if span[0] < len(hay.start) else hay.length
            found.append((at, at))
        else:
            found.append((hay.start[span[0]], hay.end[span[1] - 1]))
    return found


def _fill(text: str, spans: Sequence[Span | None], shown: Sequence[bool]) -> list[Span]:
    """Give the text between two matches to the unmatched tokens between them."""
    filled = [span if span is not None and seen else (0, 0) for span, seen in zip(spans, shown, strict=True)]
    reached = 0
    waiting: list[int] = []
    for token, span in enumerate(spans):
        if span is None and shown[token]:
            waiting.append(token)
        elif span is not None and span[1] > span[0]:
            _share(text, reached, span[0], waiting, filled)
            reached, waiting = max(reached, span[1]), []
    _share(text, reached, len(text), waiting, filled)
    return filled


def _share(text: str, start: int, end: int, tokens: Sequence[int], filled: list[Span]) -> None:
    """One word or sign to each unmatched token where the numbers agree, else the whole stretch to all of them."""
    words = [(start + word.start(), start + word.end()) for word in _WORD_OR_SIGN.finditer(text[start:end])]
    whole = (words[0][0], words[-1][1]) if words else (start, start)
    for at, token in enumerate(tokens):
        filled[token] = words[at] if len(words) == len(tokens) else whole
