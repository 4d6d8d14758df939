"""Leaf values of the IR for one text: columns, relations, host tables, as numpy arrays; built on demand, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from attndsl.compiler.texts import codes_of
from attndsl.dsl.columns import head_token_column, token_column, word_column
from attndsl.dsl.diagnostics import fail
from attndsl.dsl.tokens import TokenTable

HostFunction = Callable[[list[str], int, int], float]
"""``f(tokens, a, b)``: the vocabulary strings of the text and two positions, as published programs call it."""


class Leaves:
    """The data that compiled programs read of one text. ``host`` gives pair relations by name."""

    def __init__(self, table: TokenTable, host: Mapping[str, HostFunction] | None = None) -> None:
        self.table = table
        self.host_functions = dict(host or {})
        self._columns: dict[tuple[str, str], np.ndarray] = {}
        self._relations: dict[str, np.ndarray] = {}
        self._hosts: dict[str, np.ndarray] = {}

    @property
    def tokens(self) -> int:
        return len(self.table)

    @property
    def words(self) -> int:
        return len(self.table.words)

    def require(self, name: str, hosts: tuple[str, ...], words: bool) -> None:
        """Raises DiagnosticError E0405 for a host relation that was not registered, E0611 without a parser."""
        for host in hosts:
            if host not in self.host_functions:
                raise fail(
                    "E0405",
                    f"the host gives no relation {host!r} in {name!r}",
                    help=f"register it: attndsl.load_library(paths, host={{{host!r}: function}})",
                )
        if words:
            _ = self.table.words

    def column(self, name: str, dtype: str) -> np.ndarray:
        """A column by IR name: float64, bool or int64 codes, one value per token or word."""
        key = (name, dtype)
        if key not in self._columns:
            self._columns[key] = self._make_column(name, dtype)
        return self._columns[key]

    def _make_column(self, name: str, dtype: str) -> np.ndarray:
        owner, feature = name.split(".", 1)
        if name == "token.has_word":
            return self.column("token.word", "f") >= 0
        if owner == "via":
            return self._via_word(feature, dtype)
        if name == "token.head":
            values = head_token_column(self.table)
        else:
            values = token_column(self.table, feature) if owner == "token" else word_column(self.table, feature)
        if dtype == "s":
            return codes_of(values)  # type: ignore[arg-type]
        numbers = [-1 if value is None else value for value in values]
        return np.array(numbers, dtype=np.float64 if dtype == "f" else np.bool_)

    def _via_word(self, feature: str, dtype: str) -> np.ndarray:
        words = self.column("token.word", "f").astype(np.int64)
        column = self.column("word." + feature, dtype)
        if column.size == 0:
            return np.zeros(len(words), dtype=column.dtype)
        return np.asarray(column[np.maximum(words, 0)])

    def relation(self, name: str) -> np.ndarray:
        """A bool table [row, column]: ``token_words`` [token, word], ``word_tokens`` [word, token], or [word, word]."""
        if name not in self._relations:
            self._relations[name] = self._make_relation(name)
        return self._relations[name]

    def _make_relation(self, name: str) -> np.ndarray:
        if name == "word_tokens":
            return np.ascontiguousarray(self.relation("token_words").T)
        rows = token_column(self.table, "words") if name == "token_words" else word_column(self.table, name)
        result = np.zeros((len(rows), self.words), dtype=np.bool_)
        for row, members in enumerate(rows):
            result[row, list(members)] = True  # type: ignore[call-overload]
        return result

    def host(self, name: str) -> np.ndarray:
        """A host relation as float64 [token, token]."""
        if name not in self._hosts:
            function = self.host_functions[name]
            n = self.tokens
            tokens = list(self.table.raw)
            values = [[float(function(tokens, a, b)) for b in range(n)] for a in range(n)]
            self._hosts[name] = np.array(values, dtype=np.float64).reshape(n, n)
        return self._hosts[name]
