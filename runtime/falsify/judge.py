"""One text judged: the program's pattern, the head's pattern, their IoU, and which rules fired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.falsify.coverage import ious
from attndsl.runtime.falsify.rules import RuleKernel
from attndsl.runtime.falsify.texts import Pieces, changed_text_of, text_of
from attndsl.runtime.tokenize import token_table

Head = Callable[[Sequence[TokenTable]], "list[NDArray[np.float32]]"]
"""The patterns [n, n] that the program is held against, of several texts at once: batches are much cheaper."""

_KEPT_ROWS = 3  # a rule that fires on one, two, or more queries counts as three different things to see


@dataclass(frozen=True)
class Trial:
    """One text and how the program did on it; ``error`` where it failed, which counts as IoU 0.

    ``seen`` holds (rule, 0 to 3): on how many queries each rule fired, at most 3. Held against a claim (``claims``),
    ``iou`` is 1 less the largest amount by which a row misses it.
    """

    pieces: Pieces
    tokens: int
    iou: float
    seen: frozenset[tuple[int, int]]
    error: DiagnosticError | None = field(default=None, compare=False)

    @property
    def text(self) -> str:
        return text_of(self.pieces)

    @property
    def changed(self) -> str | None:
        """What the text becomes; None when no change of it was judged."""
        changed = changed_text_of(self.pieces)
        return None if changed == self.text else changed


class Judge:
    """Judges texts of ``least_tokens`` to ``most_tokens`` tokens, each once. ``tried`` counts the texts that the head
    was run on."""

    sample = 48
    """Plain passages that a search begins with."""

    def __init__(self, kernel: RuleKernel, head: Head, tokenizer: Any, least_tokens: int, most_tokens: int) -> None:
        self.kernel = kernel
        self.head = head
        self.tokenizer = tokenizer
        self.least_tokens = least_tokens
        self.most_tokens = most_tokens
        self.tried = 0
        self._known: dict[str, Trial | None] = {}
        self._patterns: dict[str, NDArray[np.float32]] = {}

    def __call__(self, texts: Sequence[Pieces]) -> list[Trial]:
        """Trials of the texts in order; those that are too short or too long are left out."""
        fresh: dict[str, Pieces] = {}
        for pieces in texts:
            key = _key(pieces)
            if key not in self._known and key not in fresh:
                fresh[key] = pieces
        self._judge(fresh)
        found = (self._known[_key(pieces)] for pieces in texts)
        return [trial for trial in found if trial is not None]

    def table(self, text: str) -> TokenTable:
        return token_table(text, self.tokenizer)

    def head_on(self, trial: Trial) -> NDArray[np.float32]:
        """The head's pattern on a text that was judged."""
        return self.pattern_on(trial.text)

    def pattern_on(self, text: str) -> NDArray[np.float32]:
        """``head_on`` for a text, such as the changed one of a pair."""
        return self._patterns[text]

    def seen(self, table: TokenTable) -> frozenset[tuple[int, int]]:
        """Which rules fired, as ``Trial.seen`` has it."""
        rows = self.kernel.fired(table).any(axis=2).sum(axis=1)
        return frozenset((rule, min(int(count), _KEPT_ROWS)) for rule, count in enumerate(rows))

    def fits(self, text: str) -> bool:
        """Whether a text has as many tokens as are asked for."""
        return bool(text) and self.least_tokens <= len(self.table(text)) <= self.most_tokens

    def _judge(self, fresh: dict[str, Pieces]) -> None:
        tables: dict[str, TokenTable] = {}
        for text in fresh:
            if self.fits(text):
                tables[text] = self.table(text)
            else:
                self._known[text] = None
        heads = self.head(list(tables.values())) if tables else []
        self.tried += len(tables)
        for (text, table), pattern in zip(tables.items(), heads, strict=True):
            self._patterns[text] = pattern
            self._known[text] = self._trial(fresh[text], table, pattern)

    def _trial(self, pieces: Pieces, table: TokenTable, head: NDArray[np.float32]) -> Trial:
        predicted = self.kernel.patterns(table)
        if 0 in predicted.errors:
            return Trial(pieces, len(table), 0.0, self.seen(table), predicted.errors[0])
        return Trial(pieces, len(table), float(ious(predicted.patterns[:1], head)[0]), self.seen(table))


def _key(pieces: Pieces) -> str:
    """What is judged once: a text, or a text with what it becomes."""
    text, changed = text_of(pieces), changed_text_of(pieces)
    return text if text == changed else f"{text}\0{changed}"
