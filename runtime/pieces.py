"""What the strings of a vocabulary stand for: byte-level, SentencePiece and WordPiece spelling, as bytes of text.

A *piece* is a vocabulary string. Three spellings are in use: byte-level BPE writes each byte as one printable
character ('Ġ' is the space, 'Ċ' the line end; Radford et al. 2019), SentencePiece writes the space as '▁' and a
byte without a piece of its own as '<0x0A>' (Kudo & Richardson 2018), WordPiece marks a piece that continues a word
with '##' (Wu et al. 2016) and keeps no spaces at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import Enum
from functools import cache

_BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class PieceStyle(Enum):
    """How a vocabulary spells spaces and bytes."""

    BYTE_LEVEL = "byte-level"
    METASPACE = "metaspace"
    WORDPIECE = "wordpiece"
    PLAIN = "plain"


@cache
def byte_alphabet() -> tuple[str, ...]:
    """The character that byte-level BPE writes for each of the 256 bytes.

    Bytes that print as Latin-1 stand for themselves; the others take the characters from U+0100 on, in order.

    >>> byte_alphabet()[0x20], byte_alphabet()[0x0A], byte_alphabet()[0x41]
    ('Ġ', 'Ċ', 'A')
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    spare = iter(range(0x100, 0x200))
    return tuple(chr(byte) if byte in printable else chr(next(spare)) for byte in range(256))


@cache
def _alphabet_bytes() -> dict[str, int]:
    return {char: byte for byte, char in enumerate(byte_alphabet())}


def detect_style(pieces: Iterable[str]) -> PieceStyle:
    """The spelling that most marked pieces use; PLAIN when no piece carries a mark.

    >>> detect_style(["the", "Ġthe", "Ġa"])
    <PieceStyle.BYTE_LEVEL: 'byte-level'>
    """
    marks = {PieceStyle.BYTE_LEVEL: 0, PieceStyle.METASPACE: 0, PieceStyle.WORDPIECE: 0}
    for piece in pieces:
        if piece.startswith("Ġ"):
            marks[PieceStyle.BYTE_LEVEL] += 1
        elif piece.startswith("▁"):
            marks[PieceStyle.METASPACE] += 1
        elif piece.startswith("##"):
            marks[PieceStyle.WORDPIECE] += 1
    style = max(marks, key=lambda candidate: marks[candidate])
    return style if marks[style] else PieceStyle.PLAIN


def piece_bytes(piece: str, style: PieceStyle) -> bytes:
    """The UTF-8 bytes of the text a piece stands for; a piece may hold only part of a character.

    The '##' of WordPiece is dropped, and the space before a word that WordPiece does not write is not invented.

    >>> piece_bytes("Ġcaf", PieceStyle.BYTE_LEVEL), piece_bytes("<0xF0>", PieceStyle.METASPACE)
    (b' caf', b'\\xf0')
    """
    if style is PieceStyle.BYTE_LEVEL:
        known = _alphabet_bytes()
        # An added token is written as it is, and may hold characters outside the alphabet (a space, say).
        return bytes(known[c] for c in piece) if all(c in known for c in piece) else piece.encode()
    if style is PieceStyle.METASPACE:
        byte = _BYTE_PIECE.fullmatch(piece)
        return bytes([int(byte[1], 16)]) if byte else piece.replace("▁", " ").encode()
    if style is PieceStyle.WORDPIECE and piece.startswith("##") and len(piece) > 2:
        return piece[2:].encode()
    return piece.encode()


def spell(text: str, style: PieceStyle) -> tuple[str, ...]:
    """The pieces a vocabulary of this style may hold for exactly this text, the most literal first.

    >>> spell("\\n", PieceStyle.BYTE_LEVEL), spell(" the", PieceStyle.METASPACE)
    (('Ċ',), ('▁the',))
    """
    if style is PieceStyle.BYTE_LEVEL:
        return ("".join(byte_alphabet()[byte] for byte in text.encode()),)
    if style is PieceStyle.METASPACE:
        spelled = text.replace(" ", "▁")
        data = text.encode()
        return (spelled, f"<0x{data[0]:02X}>") if len(data) == 1 else (spelled,)
    if style is PieceStyle.WORDPIECE:
        return (text[1:],) if text[:1] == " " and len(text) > 1 else (text, "##" + text)
    return (text,)


def fold_text(text: str) -> str:
    """Lower-cased, compatibility-decomposed, without accents: what most tokenizers that change text do to it.

    >>> fold_text("Café ﬁ")
    'cafe fi'
    """
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn").lower()
