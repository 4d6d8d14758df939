"""Changes of a text that a claim speaks of: words of its target exchanged for others, or one word renamed.

Words are exchanged for words of as many tokens, counted alone; whether the texts then match token by token is for the
judge to see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl import nodes as N
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.falsify.claims import Asked
from attndsl.runtime.falsify.texts import NAMES, Changed, Pieces, TextMaker, text_of
from attndsl.runtime.tokenize import token_table

VARIANTS = 3
"""Changes tried of one text: each costs as much as another text."""
_DRAWS = 12  # words drawn before a word is given up
_WORD = re.compile(r"\w+")


class Proposals:
    """Proposes changes; choices come from the maker's generator. Words that the target once held are kept as names."""

    def __init__(self, claim: N.CheckedClaim, maker: TextMaker, words: Iterable[str], tokenizer: Any) -> None:
        self._renaming = claim.kind == "unchanged_by_renaming"
        self._maker = maker
        self._tokenizer = tokenizer
        self._names = dict.fromkeys(word.strip() for word in (*words, *NAMES) if _WORD.fullmatch(word.strip()))
        self._counts: dict[str, int] = {}

    def __call__(self, pieces: Pieces, table: TokenTable, asked: Asked) -> list[Pieces]:
        """At most ``VARIANTS`` changed texts, as pieces that know what they become."""
        make = self._rename if self._renaming else self._change
        found: dict[tuple[str, ...], Pieces] = {}
        for _ in range(VARIANTS):
            pair = make(pieces, table, asked)
            if pair is not None:
                found[tuple(p.new if isinstance(p, Changed) else p for p in pair)] = pair
        return list(found.values())

    def _change(self, pieces: Pieces, table: TokenTable, asked: Asked) -> Pieces | None:
        """For some row, one, half, or all of the pieces in its target become other words."""
        random = self._maker.random
        tokens = [_tokens(table, *span) for span in _spans(pieces)]
        inside = {
            int(q): [i for i, at in enumerate(tokens) if len(at) and asked.target[q, at].all()]
            for q in np.flatnonzero(asked.rows)
        }  # fmt: skip
        rows = [q for q, found in inside.items() if found]
        if not rows:
            return None
        places = inside[random.choice(rows)]
        share = random.choice((1, 1, (len(places) + 1) // 2, len(places)))
        changed = list(pieces)
        for at in random.sample(places, share):
            changed[at] = self._other(pieces[at], at == 0)
        return tuple(changed) if any(isinstance(piece, Changed) for piece in changed) else None

    def _other(self, piece: str, begins: bool) -> str:
        """The piece as one that becomes another of as many tokens, or as it is when none was drawn."""
        core = piece.strip()
        space = piece[: len(piece) - len(piece.lstrip())]
        for _ in range(_DRAWS):
            new = self._maker.word().strip()
            before = "" if begins else space
            if new and new != core and self._count(before + new) == self._count(before + core):
                return Changed(piece, space + new)
        return piece

    def _rename(self, pieces: Pieces, table: TokenTable, asked: Asked) -> Pieces | None:
        """All copies of one word of the target become one name that the text does not have."""
        random = self._maker.random
        spoken = asked.target[asked.rows].any(axis=0)
        held: dict[str, None] = {}
        for word in _WORD.finditer(table.text):
            at = _tokens(table, *word.span())
            if len(at) and spoken[at].all():
                held[word[0]] = None
        self._names.update(held)
        if not held:
            return None
        old = random.choice(list(held))
        present = {word.casefold() for word in _WORD.findall(table.text)}
        fits = [
            name for name in self._names
            if name.casefold() not in present and self._count(" " + name) == self._count(" " + old)
        ]  # fmt: skip
        if not fits:
            return None
        new, copies = random.choice(fits), re.compile(rf"\b{re.escape(old)}\b")
        renamed = [(piece, copies.sub(lambda _: new, piece)) for piece in pieces]
        return tuple(Changed(piece, after) if piece != after else piece for piece, after in renamed)

    def _count(self, text: str) -> int:
        if text not in self._counts:
            self._counts[text] = len(token_table(text, self._tokenizer))
        return self._counts[text]


def _spans(pieces: Pieces) -> list[tuple[int, int]]:
    """Where each piece stands in ``text_of(pieces)``, without the white space before it."""
    at = len(text_of(pieces)) - len("".join(pieces).rstrip())  # white space at the beginning is not in the text
    spans = []
    for piece in pieces:
        end = at + len(piece)
        spans.append((end - len(piece.lstrip()), end))
        at = end
    return spans


def _tokens(table: TokenTable, start: int, end: int) -> NDArray[np.intp]:
    """The tokens that overlap a span of the text; a special token overlaps none."""
    overlaps = [
        t for t in range(len(table)) if not table.special[t] and table.start[t] < end and table.end[t] > start
    ]  # fmt: skip
    return np.array(overlaps, dtype=np.intp)
