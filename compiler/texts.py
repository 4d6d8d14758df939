"""The text table: every text that programs compare is a number here, and every text function a table over numbers.

Functions on texts are answered once per distinct text and process, so a predicate costs one look-up per token.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any

import numpy as np

from attndsl.dsl.builtins import METHODS, TEXT_FUNCTIONS, character, piece

NONE = -1  # the code of a text that is none
_texts: list[str] = []
_codes: dict[str, int] = {}
_lock = Lock()


def code_of(text: str) -> int:
    """The number of a text."""
    found = _codes.get(text)
    if found is None:
        with _lock:
            found = _codes.setdefault(text, len(_texts))
            if found == len(_texts):
                _texts.append(text)
    return found


def codes_of(texts: tuple[str | None, ...]) -> np.ndarray:
    """int64 codes; None becomes ``NONE``."""
    return np.array([NONE if t is None else code_of(t) for t in texts], dtype=np.int64)


def text_of(code: int) -> str:
    """The text of a number."""
    return _texts[code]


def _function(name: str) -> Callable[..., Any]:
    special: dict[str, Callable[..., Any]] = {
        "in_set": lambda text, wanted: text in wanted,
        "in_text": lambda text, where: text in where,
        "contains": lambda where, text: text in where,
        "index": character,
        "slice": piece,
        "concat": lambda a, b: a + b,
        "less": lambda a, b: a < b,
        "less_equal": lambda a, b: a <= b,
    }
    if name in special:
        return special[name]
    return METHODS[name].apply if name in METHODS else TEXT_FUNCTIONS[name][1]


class TextMap:
    """``f(text, *constants)`` for arrays of codes. ``constants`` may hold sets; ``result`` is "f", "b" or "s"."""

    def __init__(self, name: str, constants: tuple[Hashable, ...], result: str) -> None:
        self.call = _function(name)
        self.constants = constants
        self.result = result
        self._table: np.ndarray = np.zeros(0, dtype=_DTYPES[result])
        self._known = np.zeros(0, dtype=bool)

    def _answer(self, *texts: str) -> Any:
        value = self.call(*texts, *self.constants)
        if self.result == "s":
            return NONE if value is None else code_of(value)
        return value

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """Answers for each code; none gives 0, false or none (its absence is tracked by the caller)."""
        if codes.size == 0:
            return np.zeros(codes.shape, dtype=_DTYPES[self.result])
        top = int(codes.max()) + 1
        if top >= len(self._table):
            self._grow(max(top + 1, 2 * len(self._table), 64))
        known = self._known[codes]
        if not known.all():
            for code in np.unique(codes[~known]):
                self._table[code] = self._blank if code == NONE else self._answer(_texts[code])
                self._known[code] = True
        return np.asarray(self._table[codes])

    @property
    def _blank(self) -> int:
        return NONE if self.result == "s" else 0

    def _grow(self, size: int) -> None:
        # the last entry is reached by code -1 (NONE) and stays blank
        table: np.ndarray = np.zeros(size + 1, dtype=_DTYPES[self.result])
        known = np.zeros(size + 1, dtype=bool)
        old = max(len(self._table) - 1, 0)
        table[:old], known[:old] = self._table[:old], self._known[:old]
        table[-1], known[-1] = self._blank, True
        self._table, self._known = table, known


class TextPairMap:
    """``f(a, b, *constants)`` for two arrays of codes of one shape; each distinct pair is answered once."""

    def __init__(self, name: str, constants: tuple[Hashable, ...], result: str) -> None:
        self.call = _function(name)
        self.constants = constants
        self.result = result
        self._known: dict[tuple[int, int], Any] = {}

    def __call__(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        pairs, inverse = np.unique(np.stack([left.ravel(), right.ravel()]), axis=1, return_inverse=True)
        answers: np.ndarray = np.zeros(pairs.shape[1], dtype=_DTYPES[self.result])
        for i, (a, b) in enumerate(pairs.T.tolist()):
            answers[i] = self._answer(a, b)
        return answers[inverse].reshape(left.shape)

    def _answer(self, a: int, b: int) -> Any:
        blank = NONE if self.result == "s" else 0
        if a == NONE or b == NONE:
            return blank
        key = (a, b)
        if key not in self._known:
            value = self.call(_texts[a], _texts[b], *self.constants)
            if self.result == "s":
                value = NONE if value is None else code_of(value)
            self._known[key] = value
        return self._known[key]


_DTYPES = {"f": np.float64, "b": np.bool_, "s": np.int64}
_maps: dict[tuple[Any, ...], Any] = {}


def text_map(name: str, constants: tuple[Hashable, ...], result: str, arity: int) -> Any:
    """The shared map of a text function; one or two arguments are arrays, the rest constants."""
    key = (name, constants, result, arity)
    if key not in _maps:
        _maps[key] = TextMap(name, constants, result) if arity == 1 else TextPairMap(name, constants, result)
    return _maps[key]
