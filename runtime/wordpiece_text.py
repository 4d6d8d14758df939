"""A readable text from WordPiece tokens, which keep neither spaces nor, mostly, case.

The rules are those of English typesetting, read from left to right: what follows a token never changes how the
tokens before it are joined, except that a sign between two digits waits for the second.
"""

from __future__ import annotations

from collections.abc import Sequence

_TO_THE_LEFT = frozenset(".,!?;:)]}”»%…")
_TO_THE_RIGHT = frozenset("([{“‘«$£€#@")
_TO_BOTH = frozenset("'’-–—/_")
_IN_NUMBERS = frozenset(".,:")


def join_wordpieces(pieces: Sequence[str]) -> str:
    """The text that WordPiece tokens (special tokens left out) most likely came from, up to case.

    >>> join_wordpieces(["he", "said", ",", '"', "don", "'", "t", "pay", "3", ".", "14", "!", '"', "un", "##less"])
    'he said, "don\\'t pay 3.14!" unless'
    """
    text = ""
    glue = True  # whether the next token follows without a space
    quote_open = False
    for at, piece in enumerate(pieces):
        if piece.startswith("##") and len(piece) > 2:
            text, glue = text + piece[2:], False
            continue
        before = text[-1:]
        following = pieces[at + 1] if at + 1 < len(pieces) else ""
        attach = glue or piece in _TO_THE_LEFT or piece in _TO_BOTH or (piece == '"' and quote_open)
        text += piece if attach else " " + piece
        if piece == '"':
            quote_open = not quote_open
        glue = (
            piece in _TO_THE_RIGHT
            or piece in _TO_BOTH
            or (piece == '"' and quote_open)
            or (piece in _IN_NUMBERS and before.isdigit() and following[:1].isdigit())
        )
    return text
