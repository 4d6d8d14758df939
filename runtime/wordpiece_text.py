"""A readable text from WordPiece tokens, which keep neither spaces nor, mostly, case.

The rules are those of English typesetting. They look at the tokens before, and at one token after a sign to tell an
apostrophe from a quote mark and a decimal point from a full stop.
"""

from __future__ import annotations

from collections.abc import Sequence

_TO_THE_LEFT = frozenset(".,!?;:)]}”»%…")
_TO_THE_RIGHT = frozenset("([{“‘«$£€#@")
_TO_BOTH = frozenset("-–—/_")
_IN_NUMBERS = frozenset(".,:")
_APOSTROPHES = frozenset("'’")
_AFTER_APOSTROPHE = frozenset(("s", "t", "d", "m", "ll", "re", "ve", "clock"))


def join_wordpieces(pieces: Sequence[str]) -> str:
    """The text that WordPiece tokens (special tokens left out) most likely came from, up to case.

    >>> join_wordpieces(["he", "said", ",", '"', "don", "'", "t", "pay", "3", ".", "14", "!", '"', "un", "##less"])
    'he said, "don\\'t pay 3.14!" unless'
    """
    text = ""
    glue = True  # whether the next token follows without a space
    quotes: set[str] = set()  # the quote marks that are open
    for at, piece in enumerate(pieces):
        if piece.startswith("##") and len(piece) > 2:
            text, glue = text + piece[2:], False
            continue
        left, right = _sides(text[-1:], piece, pieces[at + 1] if at + 1 < len(pieces) else "", quotes)
        text += piece if glue or left else " " + piece
        glue = right
    return text


def _sides(before: str, piece: str, following: str, quotes: set[str]) -> tuple[bool, bool]:
    """Whether a token stands close to what is before it, and to what is after it. Opens and closes ``quotes``."""
    if piece in _APOSTROPHES and before.isalnum() and following.lower() in _AFTER_APOSTROPHE:
        return True, True
    if piece in ("'", '"'):
        opens = piece not in quotes
        quotes ^= {piece}
        return not opens, opens
    if piece in _IN_NUMBERS and before.isdigit() and following[:1].isdigit():
        return True, True
    both = piece in _TO_BOTH
    return both or piece in _TO_THE_LEFT or piece == "’", both or piece in _TO_THE_RIGHT
