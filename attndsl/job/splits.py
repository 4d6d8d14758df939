"""Texts of a store and programs of a library as the splits that selection reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.kernel import LastKernel, LibraryKernel
from attndsl.runtime.pattern_store import PatternStore, TextEntry
from attndsl.runtime.tokenize import token_table, token_table_of_ids

FEW = 0.5
"""Up to this share of the library is run alone; above it the whole library is run, and kept for the same text."""


@dataclass
class StoreSplit:
    """Some texts of a store with a library's predictions, computed as they are asked for.

    ``length`` crops a causal model's patterns to the first tokens; the programs run on the cropped tokens. A program
    that fails on a text predicts nothing there (IoU 0) and is listed in ``errors``: (program number, text id) -> error.
    """

    store: PatternStore
    texts: Sequence[TextEntry]
    kernel: LibraryKernel
    tokenizer: Any
    length: int | None = None
    errors: dict[tuple[int, str], DiagnosticError] = field(default_factory=dict)
    _last: tuple[int, NDArray[np.float32]] | None = None

    def __post_init__(self) -> None:
        self._some = LastKernel(self.kernel.part)

    def __len__(self) -> int:
        return len(self.texts)

    def heads(self, sentence: int) -> NDArray[np.float32]:
        patterns = self.store.pattern(self.texts[sentence].id)
        if self.length is None:
            return patterns
        return np.ascontiguousarray(patterns[:, : self.length, : self.length])

    def programs(self, sentence: int, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        if self._last is not None and self._last[0] == sentence:
            return self._last[1][ids]
        if len(ids) <= FEW * len(self.kernel.programs):
            return self._predict(sentence, self._some.of(ids), ids)
        everything = np.arange(len(self.kernel.programs))
        self._last = (sentence, self._predict(sentence, self.kernel, everything))
        return self._last[1][ids]

    def table(self, sentence: int) -> TokenTable:
        """The tokens of a text, as programs see them."""
        text = self.texts[sentence]
        if self.length is None:
            return token_table(text.text, self.tokenizer)
        return token_table_of_ids(self.store.ids(text.id)[: self.length].tolist(), self.tokenizer)

    def _predict(self, sentence: int, kernel: LibraryKernel, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        text = self.texts[sentence]
        predicted = kernel.predict(self.table(sentence))
        for index, error in predicted.errors.items():
            self.errors[int(ids[index]), text.id] = error
        return predicted.patterns
