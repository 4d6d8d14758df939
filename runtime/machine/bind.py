"""One text's data in the registers of bytecode: columns, tables, and answers about texts."""

from __future__ import annotations

from collections.abc import Sequence
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
Recipe = tuple[Any, ...]


class Answers:
    """Answers about texts for one machine, kept over texts: each distinct text or pair is asked once."""

    def __init__(self) -> None:
        self._pairs: dict[tuple[Any, ...], _PairTable] = {}
        self._columns: dict[str, ColumnTables] = {}

    def tables(self, column: str) -> ColumnTables:
        """The functions of one column."""
        return self._columns.setdefault(column, ColumnTables())

    def value(self, recipe: Recipe, leaves: Leaves) -> Array:
        """The value of a recipe of ``compiler/bytecode_text.py``."""
        match recipe:
            case ("column", name):
                return np.asarray(leaves.column(name, "s"))
            case ("whole", op):
                return np.asarray(value_of(op, NumpyBackend(), leaves))
        column = only_column(recipe)
        if column is not None:
            return self.tables(column).value(recipe, leaves.column(column, "s"))
        name, constants, dtype, sources, zipped = recipe
        parts = [self.value(source, leaves) for source in sources if source[0] != "text"]
        if len(sources) == 1:
            return np.asarray(text_map(name, constants, dtype, 1)(parts[0]))
        left, right = (np.array([code_of(s[1])]) if s[0] == "text" else parts.pop(0) for s in sources)
        function = text_map(name, constants, dtype, 2)
        if zipped or "text" in (sources[0][0], sources[1][0]):
            return np.asarray(function(*np.broadcast_arrays(left, right)))
        key = (name, constants, dtype)
        if key not in self._pairs:
            self._pairs.setdefault(key, _PairTable(function, dtype))  # another thread may have been faster
        return self._pairs[key](left.ravel(), right.ravel()).reshape(left.shape + right.shape)


def only_column(recipe: Recipe) -> str | None:
    """The column of which each value of the recipe is a function, when there is one."""
    if recipe[0] in ("column", "text", "whole"):
        return recipe[1] if recipe[0] == "column" else None
    columns = [source for source in recipe[3] if source[0] != "text"]
    return only_column(columns[0]) if len(columns) == 1 else None


def of_codes(recipe: Recipe, codes: Array) -> Array:
    """A function of one column for these codes."""
    if recipe[0] == "column":
        return codes
    name, constants, dtype, sources, _ = recipe
    parts = [
        np.full(len(codes), code_of(s[1]), dtype=np.int64) if s[0] == "text" else of_codes(s, codes) for s in sources
    ]
    return np.asarray(text_map(name, constants, dtype, len(parts))(*parts))


class ColumnTables:
    """Functions of one column as tables over codes, a row for each; new codes are looked for once per text."""

    def __init__(self) -> None:
        self._known = np.zeros(1, dtype=np.bool_)  # by code; the last entry is for NONE
        self._recipes: tuple[list[Recipe], list[Recipe]] = ([], [])  # of numbers and texts; of truth values
        self._places: dict[Recipe, int] = {}
        self._tables: list[Array] = [np.zeros((0, 1), dtype=np.float64), np.zeros((0, 1), dtype=np.uint8)]
        self._lock = Lock()

    def value(self, recipe: Recipe, codes: Array) -> Array:
        is_bool = recipe[2] == "b"
        found = self.values(self.rows([recipe], is_bool), is_bool, codes)[0]
        return np.asarray(found, dtype={"f": np.float64, "b": np.bool_, "s": np.int64}[recipe[2]])

    def rows(self, recipes: Sequence[Recipe], is_bool: bool) -> NDArray[np.int64]:
        """The rows of functions of one kind."""
        with self._lock:
            for recipe in recipes:
                if recipe not in self._places:
                    self._places[recipe] = len(self._recipes[is_bool])
                    self._recipes[is_bool].append(recipe)
                    self._tables[is_bool] = np.concatenate([self._tables[is_bool], self._made(recipe, is_bool)])
            return np.array([self._places[recipe] for recipe in recipes], dtype=np.int64)

    def values(self, rows: NDArray[np.int64], is_bool: bool, codes: Array) -> Array:
        """The functions of these rows for the codes of a text, [rows, codes]."""
        with self._lock:
            self._learn(codes)
            return np.asarray(self._tables[is_bool][rows[:, None], codes[None, :]])

    def fill(self, rows: Array, is_bool: bool, codes: Array, heap: Array, places: Array) -> None:
        """The same, each row from its place in a heap on."""
        from attndsl.runtime.machine.fill import fill_rows

        with self._lock:
            self._learn(codes)
            fill_rows(heap, places, self._tables[is_bool], rows, codes)

    def _made(self, recipe: Recipe, is_bool: bool) -> Array:
        table = np.full((1, len(self._known)), of_codes(recipe, np.array([NONE]))[0], self._tables[is_bool].dtype)
        codes = np.flatnonzero(self._known[:-1])
        if codes.size:
            table[0, codes] = of_codes(recipe, codes)
        return table

    def _learn(self, codes: Array) -> None:
        top = int(codes.max(initial=NONE)) + 2
        if top > len(self._known):
            more = 2 * top - len(self._known)
            self._tables = [
                np.concatenate([old[:, :-1], np.repeat(old[:, -1:], more + 1, axis=1)], axis=1) for old in self._tables
            ]
            self._known = np.concatenate([self._known[:-1], np.zeros(more + 1, dtype=np.bool_)])
        unknown = ~self._known[codes] & (codes != NONE)
        if unknown.any():
            fresh = np.unique(codes[unknown])
            for recipes, table in zip(self._recipes, self._tables, strict=True):
                for row, recipe in enumerate(recipes):
                    table[row, fresh] = of_codes(recipe, fresh)
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
        from attndsl.runtime.machine.fill import read_pairs

        self.rows, row = self._places(self.rows, self.codes[0], left)
        self.columns, column = self._places(self.columns, self.codes[1], right)
        self._grow(len(self.codes[0]), len(self.codes[1]))
        found: Array = np.empty((len(row), len(column)), dtype=self.table.dtype)
        if not read_pairs(found, self.table, self.known, row, column):
            pairs = np.argwhere(~self.known[np.ix_(row, column)])
            a, b = row[pairs[:, 0]], column[pairs[:, 1]]
            self.table[a, b] = self.function(left[pairs[:, 0]], right[pairs[:, 1]])
            self.known[a, b] = True
            read_pairs(found, self.table, self.known, row, column)
        return found

    def _places(self, numbers: Array, codes: list[int], wanted: Array) -> tuple[Array, Array]:
        """The table places of codes; new codes get the next ones. Place 0 is for none."""
        if wanted.size and int(wanted.max()) + 1 >= len(numbers):
            numbers = np.concatenate([numbers[:-1], np.zeros(int(wanted.max()) + 2, dtype=np.int64)])
        unknown = (numbers[wanted] == 0) & (wanted != NONE)
        if unknown.any():
            for code in np.unique(wanted[unknown]).tolist():
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
