"""One text's data in the registers of bytecode: columns, tables, and answers about texts."""

from __future__ import annotations

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

    def value(self, recipe: tuple[Any, ...], leaves: Leaves) -> Array:
        """The value of a recipe of ``compiler/bytecode_text.py``."""
        match recipe:
            case ("column", name):
                return leaves.column(name, "s")
            case ("whole", op):
                return value_of(op, NumpyBackend(), leaves)
        name, constants, dtype, sources, zipped = recipe
        places = [i for i, source in enumerate(sources) if source[0] != "text"]
        if len(sources) == 1:
            return np.asarray(text_map(name, constants, dtype, 1)(self.value(sources[0], leaves)))
        left, right = (
            self.value(s, leaves) if i in places else np.array([code_of(s[1])]) for i, s in enumerate(sources)
        )
        if len(places) == 1 or zipped:
            left, right = np.broadcast_arrays(left, right)
            return np.asarray(text_map(name, constants, dtype, 2)(left, right))
        table = self._pairs.setdefault((name, constants, dtype), _PairTable(text_map(name, constants, dtype, 2), dtype))
        shape = left.shape + right.shape
        return table(left.ravel(), right.ravel()).reshape(shape)


class _PairTable:
    """A function of two texts as a growing table: rows and columns are the texts seen so far."""

    def __init__(self, function: Any, dtype: str) -> None:
        self.function = function
        self.rows = np.zeros(1, dtype=np.int64)  # number of each code's row, 0 for none yet; the last is for NONE
        self.columns = np.zeros(1, dtype=np.int64)
        self.table = np.zeros((1, 1), dtype={"f": np.float64, "b": np.bool_, "s": np.int64}[dtype])
        self.known = np.zeros((1, 1), dtype=np.bool_)
        self.codes: tuple[list[int], list[int]] = ([NONE], [NONE])

    def __call__(self, left: Array, right: Array) -> Array:
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


def leaf_value(op: Op, leaves: Leaves, answers: Answers) -> Array | float:
    """What a leaf holds for one text. Raises DiagnosticError E0405 (no such host relation), E0611 (no parser)."""
    match op.name:
        case "const":
            return float(op.attr)
        case "text":
            return float(code_of(op.attr))
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


