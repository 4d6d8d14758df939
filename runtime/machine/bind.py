"""One text's data in the registers of bytecode: columns, tables, and answers about texts."""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.compiler import Leaves
from attndsl.compiler.array_machine import value_of
from attndsl.compiler.bytecode_facts import DISTANCE_AXIS
from attndsl.compiler.emit_numpy import NumpyBackend
from attndsl.compiler.ir import Op, is_word_axis
from attndsl.compiler.texts import NONE, code_of, text_map

Array = NDArray[Any]


class Answers:
    """Answers about texts for one machine, kept over texts: each distinct text or pair is asked once."""

    def __init__(self) -> None:
        self._pairs: dict[tuple[Any, ...], _PairTable] = {}
        self._columns: dict[str, _ColumnTables] = {}

    def value(self, recipe: tuple[Any, ...], leaves: Leaves) -> Array:
        """The value of a recipe of ``compiler/bytecode_text.py``."""
        match recipe:
            case ("column", name):
                return np.asarray(leaves.column(name, "s"))
            case ("whole", op):
                return np.asarray(value_of(op, NumpyBackend(), leaves))
        column = only_column(recipe)
        if column is not None:
            return self._columns.setdefault(column, _ColumnTables()).value(recipe, leaves.column(column, "s"))
        name, constants, dtype, sources, zipped = recipe
        parts = [self.value(source, leaves) for source in sources if source[0] != "text"]
        if len(sources) == 1:
            return np.asarray(text_map(name, constants, dtype, 1)(parts[0]))
        left, right = (np.array([code_of(s[1])]) if s[0] == "text" else parts.pop(0) for s in sources)
        function = text_map(name, constants, dtype, 2)
        if zipped or "text" in (sources[0][0], sources[1][0]):
            return np.asarray(function(*np.broadcast_arrays(left, right)))
        table = self._pairs.setdefault((name, constants, dtype), _PairTable(function, dtype))
        return table(left.ravel(), right.ravel()).reshape(left.shape + right.shape)


def only_column(recipe: tuple[Any, ...]) -> str | None:
    """The column of which each value of the recipe is a function, when there is one."""
    if recipe[0] in ("column", "text", "whole"):
        return recipe[1] if recipe[0] == "column" else None
    columns = [source for source in recipe[3] if source[0] != "text"]
    return only_column(columns[0]) if len(columns) == 1 else None


def of_codes(recipe: tuple[Any, ...], codes: Array) -> Array:
    """A function of one column for these codes."""
    if recipe[0] == "column":
        return codes
    name, constants, dtype, sources, _ = recipe
    parts = [
        np.full(len(codes), code_of(s[1]), dtype=np.int64) if s[0] == "text" else of_codes(s, codes) for s in sources
    ]
    return np.asarray(text_map(name, constants, dtype, len(parts))(*parts))


class _ColumnTables:
    """Functions of one column as tables over codes. New codes are looked for once per text, not once per function."""

    def __init__(self) -> None:
        self._known = np.zeros(1, dtype=np.bool_)  # by code; the last entry is for NONE
        self._tables: dict[tuple[Any, ...], Array] = {}
        self._last: Array | None = None
        self._lock = Lock()

    def value(self, recipe: tuple[Any, ...], codes: Array) -> Array:
        if codes is not self._last or recipe not in self._tables:
            with self._lock:
                self._learn(codes)
                self._last = codes
                if recipe not in self._tables:
                    self._tables[recipe] = self._made(recipe)
        return np.asarray(self._tables[recipe][codes])

    def _made(self, recipe: tuple[Any, ...]) -> Array:
        none = of_codes(recipe, np.array([NONE]))
        table = np.full(len(self._known), none[0], dtype=none.dtype)
        codes = np.flatnonzero(self._known[:-1])
        if codes.size:
            table[codes] = of_codes(recipe, codes)
        return table

    def _learn(self, codes: Array) -> None:
        top = int(codes.max(initial=NONE)) + 2
        if top > len(self._known):
            size = 2 * top
            for recipe, old in list(self._tables.items()):
                self._tables[recipe] = np.concatenate([old[:-1], np.full(size - len(old) + 1, old[-1])])
            self._known = np.concatenate([self._known[:-1], np.zeros(size - len(self._known) + 1, dtype=np.bool_)])
        fresh = np.unique(codes[~self._known[codes] & (codes != NONE)])
        if fresh.size:
            for recipe, table in self._tables.items():
                table[fresh] = of_codes(recipe, fresh)
            self._known[fresh] = True


class _PairTable:
    """A function of two texts as a growing table: rows and columns are the texts seen so far."""

    def __init__(self, function: Any, dtype: str) -> None:
        self.function = function
        self.rows = np.zeros(1, dtype=np.int64)  # number of each code's row, 0 for none yet; the last is for NONE
        self.columns = np.zeros(1, dtype=np.int64)
        self.table: Array = np.zeros((1, 1), dtype={"f": np.float64, "b": np.bool_, "s": np.int64}[dtype])
        self.known = np.zeros((1, 1), dtype=np.bool_)
        self.codes: tuple[list[int], list[int]] = ([NONE], [NONE])
        self._lock = Lock()

    def __call__(self, left: Array, right: Array) -> Array:
        with self._lock:
            return self._value(left, right)

    def _value(self, left: Array, right: Array) -> Array:
        self.rows, row = self._places(self.rows, self.codes[0], left)
        self.columns, column = self._places(self.columns, self.codes[1], right)
        self._grow(len(self.codes[0]), len(self.codes[1]))
        at = np.ix_(row, column)
        missing = ~self.known[at]
        if missing.any():
            pairs = np.unique(np.argwhere(missing), axis=0)
            a, b = row[pairs[:, 0]], column[pairs[:, 1]]
            self.table[a, b] = self.function(left[pairs[:, 0]], right[pairs[:, 1]])
            self.known[a, b] = True
        return np.asarray(self.table[at])

    def _places(self, numbers: Array, codes: list[int], wanted: Array) -> tuple[Array, Array]:
        """The table places of codes; new codes get the next ones. Place 0 is for none."""
        if wanted.size and int(wanted.max()) + 1 >= len(numbers):
            numbers = np.concatenate([numbers[:-1], np.zeros(int(wanted.max()) + 2, dtype=np.int64)])
        for code in np.unique(wanted[(numbers[wanted] == 0) & (wanted != NONE)]).tolist():
            numbers[code] = len(codes)
            codes.append(code)
        return numbers, np.where(wanted == NONE, 0, numbers[wanted])

    def _grow(self, rows: int, columns: int) -> None:
        old = self.table.shape
        if rows > old[0] or columns > old[1]:
            shape = (max(rows, 2 * old[0]), max(columns, 2 * old[1]))
            table, known = np.zeros(shape, dtype=self.table.dtype), np.zeros(shape, dtype=np.bool_)
            table[: old[0], : old[1]], known[: old[0], : old[1]] = self.table, self.known
            self.table, self.known = table, known


def fixed_value(op: Op) -> float | None:
    """What a leaf holds for every text, or None."""
    if op.name == "const":
        return float(op.attr)
    return float(code_of(op.attr)) if op.name == "text" else None


def leaf_value(op: Op, leaves: Leaves, answers: Answers) -> Array | float:
    """What a leaf holds for one text. Raises DiagnosticError E0405 (no such host relation), E0611 (no parser)."""
    match op.name:
        case "n":
            return float(leaves.tokens)
        case "iota":
            if op.attr == DISTANCE_AXIS:
                return np.arange(1 - leaves.tokens, leaves.tokens, dtype=np.float64)
            return np.arange(leaves.words if is_word_axis(op.attr) else leaves.tokens, dtype=np.float64)
        case "column":
            return leaves.column(op.attr, op.dtype)
        case "relation":
            return leaves.relation(op.attr)
        case "host":
            return leaves.host(op.attr)
        case "answered":
            return answers.value(op.attr, leaves)
    raise AssertionError(op.name)
