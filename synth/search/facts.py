"""The columns of the search: what every entry of the vocabulary is worth on every cell of some texts.

They do not depend on the head, so they are computed once, by the compiled programs of the vocabulary's own texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.compiler import Leaves, compile_library, machine
from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.parser import parse_library
from attndsl.dsl.source import SourceFile
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.program import on_host
from attndsl.synth.search.vocabulary import EVERY, Vocabulary

LEAST_COUNT = 8
LEAST_TEXTS = 5
"""A literal that a program may name occurs so often, and in so many train texts: a rarer one says nothing of others."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Where the cells of some texts lie in a packed array, and which tokens they are about.

    Row r is ``start[r]:start[r + 1]``; ``query[r]`` is its token, ``first_key[r]`` the token of its first cell, the
    next cells follow in text order; ``text[r]`` its text. Tokens count through all texts. ``tokens[t]`` is text t's n.
    """

    start: NDArray[np.int64]
    query: NDArray[np.int32]
    first_key: NDArray[np.int32]
    text: NDArray[np.int32]
    tokens: NDArray[np.int64]
    causal: bool

    def pack(self, pattern: NDArray[np.float32]) -> NDArray[np.float32]:
        """One text's matrix ``[n, n]`` as its cells; a causal one loses the keys after the query."""
        if not self.causal:
            return pattern.reshape(-1)
        return pattern[np.tril_indices(len(pattern))]


def cells_of(lengths: Sequence[int], causal: bool) -> Cells:
    """The layout of texts with so many tokens."""
    tokens = np.array(lengths, dtype=np.int64)
    base = np.concatenate([[0], np.cumsum(tokens)[:-1]])
    text = np.repeat(np.arange(len(tokens)), tokens)
    query = np.arange(tokens.sum())
    first = base[text]
    sizes = query - first + 1 if causal else tokens[text]
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Cells(start, query.astype(np.int32), first.astype(np.int32), text.astype(np.int32), tokens, causal)


@dataclass(frozen=True, eq=False)
class Facts:
    """``relations`` uint8 ``[N, cells]``, ``query_tests`` uint8 ``[C, tokens]``, ``slopes`` float32 ``[S, cells]``
    and ``bends`` ``[B, cells]``; ``slope_relation`` says where each slope holds: the number of a relation;
    ``literal`` and ``before`` int32 ``[tokens]``: the number of each token's text, and of the text before it, in
    ``words`` (0: none of them)."""

    cells: Cells
    relations: NDArray[np.uint8]
    query_tests: NDArray[np.uint8]
    slopes: NDArray[np.float32]
    slope_relation: tuple[int, ...]
    bends: NDArray[np.float32]
    literal: NDArray[np.int32]
    before: NDArray[np.int32]
    words: tuple[str, ...]

    @cached_property
    def tests_by_row(self) -> NDArray[np.float32]:
        """The query tests of every row, float32 ``[rows, C]``."""
        return np.ascontiguousarray(self.query_tests[:, self.cells.query].T.astype(np.float32))

    def of_first(self, texts: int) -> Facts:
        """The same for the first texts only, whose cells are the first cells."""
        cells = self.cells
        rows = int(np.searchsorted(cells.text, texts))
        size = int(cells.start[rows])
        few = replace(
            cells, start=cells.start[: rows + 1], query=cells.query[:rows], first_key=cells.first_key[:rows],
            text=cells.text[:rows], tokens=cells.tokens[:texts],
        )  # fmt: skip
        tokens = int(few.tokens.sum())
        return replace(
            self, cells=few, relations=self.relations[:, :size].copy(), slopes=self.slopes[:, :size].copy(),
            bends=self.bends[:, :size].copy(),
            query_tests=self.query_tests[:, :tokens].copy(), literal=self.literal[:tokens], before=self.before[:tokens],
        )  # fmt: skip


def mine_words(tables: Sequence[TokenTable]) -> tuple[str, ...]:
    """The token texts that programs may name, from train texts; number 0 stands for all others."""
    total: Counter[str] = Counter()
    texts: Counter[str] = Counter()
    for table in tables:
        total.update(table.surface)
        texts.update(set(table.surface))
    least = min(LEAST_TEXTS, max(2, len(tables) // 8))
    return ("", *sorted(w for w in total if w and total[w] >= LEAST_COUNT and texts[w] >= least))


def facts_of(tables: Sequence[TokenTable], vocabulary: Vocabulary, words: tuple[str, ...]) -> Facts:
    """The columns on some texts. Raises DiagnosticError as the vocabulary's programs do."""
    cells = cells_of([len(table) for table in tables], vocabulary.causal)
    number = {word: i for i, word in enumerate(words) if i}
    literal: list[int] = []
    before: list[int] = []
    for table in tables:
        own_words = [number.get(text, 0) for text in table.surface]
        literal += own_words
        before += [0, *own_words[:-1]]
    tests = [f"k == q and ({test})" for test in vocabulary.query_tests]
    columns = _evaluate([*vocabulary.relations, *tests], "1", tables, cells, np.uint8)
    count = len(vocabulary.relations)
    own = cells.start[:-1] + (cells.query - cells.first_key)  # the cell of the query itself, in every row
    slopes = [_evaluate([slope.where], slope.value, tables, cells, np.float32)[0] for slope in vocabulary.slopes]
    bends = [_evaluate([EVERY], value, tables, cells, np.float32)[0] for value in vocabulary.bends]
    return Facts(
        cells, columns[:count], np.ascontiguousarray(columns[count:, own]),
        np.array(slopes, dtype=np.float32).reshape(len(slopes), -1),
        tuple(vocabulary.relations.index(slope.where) for slope in vocabulary.slopes),
        np.array(bends, dtype=np.float32).reshape(len(bends), -1),
        np.array(literal, dtype=np.int32), np.array(before, dtype=np.int32), words,
    )  # fmt: skip


def _evaluate(
    tests: Sequence[str], value: str, tables: Sequence[TokenTable], cells: Cells, dtype: type
) -> NDArray[Any]:
    """``value`` on the cells where a test holds, else 0, for each test: ``[tests, cells]``."""
    kind = "causal" if cells.causal else "bidirectional"
    source = "".join(f'head "{i}" {kind}\nset {value} to each k where {test}\n' for i, test in enumerate(tests))
    programs = [check(tree) for tree in parse_library(SourceFile("the vocabulary of the search", source))]
    compiled = machine(compile_library(programs))
    found: NDArray[Any] = np.empty((len(tests), int(cells.start[-1])), dtype)
    at = 0
    for table in tables:
        n = len(table)
        size = n * (n + 1) // 2 if cells.causal else n * n
        with np.errstate(all="ignore"):
            results = compiled.run(Leaves(table, {}))
        for i, result in enumerate(results):
            if isinstance(result, DiagnosticError):
                raise result
            found[i, at : at + size] = cells.pack(np.broadcast_to(np.asarray(on_host(result)), (n, n)))
        at += size
    return found
