"""Claims about a change of the text, judged on pairs: a text, and the same text with some words exchanged.

Only pairs of as many tokens are compared, token by token: with another number every later position is another one, and
a head that counts positions would break the claim for that alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.falsify.claims import ClaimJudge, ClaimKernel
from attndsl.runtime.falsify.judge import Head, Trial
from attndsl.runtime.falsify.proposals import Proposals
from attndsl.runtime.falsify.rules import RuleKernel
from attndsl.runtime.falsify.texts import Changed, Pieces, changed_text_of, text_of

_WORD = re.compile(r"\w+")


def is_renaming(text: str, changed: str) -> bool:
    """Whether the texts differ in nothing but one word, whose copies all became one word that the text did not have."""
    if _WORD.split(text) != _WORD.split(changed):
        return False
    before, after = _WORD.findall(text), _WORD.findall(changed)
    renamed = {(old, new) for old, new in zip(before, after, strict=True) if old != new}
    if len(renamed) != 1:
        return False
    ((old, new),) = renamed
    return old not in after and new.casefold() not in {word.casefold() for word in before}


def compared_rows(claim: ClaimKernel, table: TokenTable, changed: TokenTable) -> NDArray[np.bool_]:
    """The rows of which the claim speaks, [n]: its condition holds in both texts, a token of its target changed, and no
    other did, its target being what it is in both texts. Of a renaming, copies after a causal query do not count."""
    n = len(table)
    renaming = claim.claim.kind == "unchanged_by_renaming"
    if n != len(changed) or (renaming and not is_renaming(table.text, changed.text)):
        return np.zeros(n, dtype=bool)
    before, after = claim.asked(table), claim.asked(changed)
    differs = np.array(table.ids) != np.array(changed.ids)
    differs |= np.array([old != new for old, new in zip(table.surface, changed.surface, strict=True)])  # unknown words
    target = before.target & after.target
    other = differs & ~target
    if renaming and claim.causal:
        other = np.tril(other)
    rows = before.rows & after.rows & (differs & target).any(axis=1) & ~other.any(axis=1)
    return np.asarray(rows, dtype=bool)


def moved(pattern: NDArray[np.float32], changed: NDArray[np.float32]) -> NDArray[np.float64]:
    """The share of each row's weight that lies elsewhere afterwards, [n]: half the sum of absolute differences."""
    return np.asarray(np.abs(pattern.astype(np.float64) - changed).sum(axis=1) / 2)


class ChangeJudge(ClaimJudge):
    """Judges pairs of texts by a claim about a change; a text alone is judged by the worst of a few changes of it.

    A trial's pieces hold the change that was judged. Without ``proposals`` only pairs are judged.
    """

    sample = 16  # each with its changes

    def __init__(
        self,
        kernel: RuleKernel,
        claim: ClaimKernel,
        head: Head | None,
        tokenizer: Any,
        least_tokens: int,
        most_tokens: int,
        proposals: Proposals | None = None,
    ) -> None:
        super().__init__(kernel, claim, head, tokenizer, least_tokens, most_tokens)
        self._proposals = proposals

    def gaps_of(self, pieces: Pieces) -> NDArray[np.float64]:
        """By how much each row misses the bound on a pair that was judged, [n]; -inf where the claim says nothing."""
        text, changed = text_of(pieces), changed_text_of(pieces)
        rows = compared_rows(self.claim, self.table(text), self.table(changed))
        gap = moved(self._patterns[text], self._patterns[changed]) - self.claim.claim.bound
        return np.where(rows, gap, -np.inf)

    def _judge(self, fresh: dict[str, Pieces]) -> None:
        fitting = {key: pieces for key, pieces in fresh.items() if self.fits(text_of(pieces))}
        self._known.update(dict.fromkeys(fresh.keys() - fitting.keys()))
        pairs = {key: self._pairs(pieces) for key, pieces in fitting.items()}
        self._run([text for key, pieces in fitting.items() for text in _texts(pieces, pairs[key])])
        for key, pieces in fitting.items():
            self._known[key] = self._worst(pieces, pairs[key])

    def _pairs(self, pieces: Pieces) -> list[Pieces]:
        """The pairs to judge for a text, or for a pair itself; only those of which the claim speaks."""
        table = self.table(text_of(pieces))
        if any(isinstance(piece, Changed) for piece in pieces):
            proposed = [pieces]
        elif self._proposals is not None:
            proposed = self._proposals(pieces, table, self.claim.asked(table))
        else:
            proposed = []
        return [pair for pair in proposed if compared_rows(self.claim, table, self.table(changed_text_of(pair))).any()]

    def _run(self, texts: Sequence[str]) -> None:
        """Patterns of the texts that have none yet."""
        new = [text for text in dict.fromkeys(texts) if text not in self._patterns]
        found = self.head([self.table(text) for text in new]) if new else []
        self._patterns.update(zip(new, found, strict=True))
        self.tried += len(new)

    def _worst(self, pieces: Pieces, pairs: Sequence[Pieces]) -> Trial | None:
        """The pair that misses the bound most; None for a pair of which the claim does not speak."""
        table = self.table(text_of(pieces))
        error = self.failure(table)
        if error is not None:
            return Trial(pieces, len(table), 0.0, self.seen(table), error)
        if not pairs:
            left_out = any(isinstance(piece, Changed) for piece in pieces)
            return None if left_out else Trial(pieces, len(table), 2.0, self.seen(table))
        trials = [self._pair(pair, table) for pair in pairs]
        return min(trials, key=lambda trial: trial.iou)

    def _pair(self, pair: Pieces, table: TokenTable) -> Trial:
        error: DiagnosticError | None = self.failure(self.table(changed_text_of(pair)))
        if error is not None:
            return Trial(pair, len(table), 0.0, self.seen(table), error)
        gap = float(self.gaps_of(pair).max())
        return Trial(pair, len(table), 1.0 - gap, self.seen(table))


def _texts(pieces: Pieces, pairs: Sequence[Pieces]) -> list[str]:
    """The text, and what it becomes."""
    return [text_of(pieces), *(changed_text_of(pair) for pair in pairs)]
