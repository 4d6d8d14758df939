"""Attention patterns as data: check them at the border, and make any matrix one.

A pattern is float32 ``[q, k]``: the weight that query position ``q`` gives to key position ``k``. In a causal head
nothing lies after the query; rows sum to one. ``normalise`` is the contract's last step of every program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from attndsl.dsl.diagnostics import fail

ROW_SUM_TOLERANCE = 1e-3
"""Half-precision models give rows that miss one by up to 5e-4; float32 softmax by 1e-6."""


def _square(matrix: ArrayLike, name: str) -> NDArray[Any]:
    """The argument as an array ``[..., n, n]`` of real numbers, n at least 1."""
    try:
        array = np.asarray(matrix)
    except ValueError as error:
        raise fail("E0530", f"{name} is not a rectangular array of numbers", help="give float32 [q, k]") from error
    if array.ndim < 2 or array.shape[-1] != array.shape[-2] or array.shape[-1] == 0:
        raise fail(
            "E0530", f"{name} has shape {array.shape}", help="give one square matrix [q, k], or a stack [..., q, k]"
        )
    if array.dtype.kind not in "fiub":
        raise fail("E0530", f"{name} has dtype {array.dtype}", help="give real numbers, float32 for preference")
    return array


def _finite(array: NDArray[Any], name: str) -> None:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise fail(
            "E0531",
            f"{name} holds {array[where]} at query {where[-2]}, key {where[-1]}",
            help="a weight must be a finite number; look for a division by zero or an overflow",
        )


def normalise(matrix: ArrayLike, *, causal: bool, name: str = "pattern") -> NDArray[np.float32]:
    """Make a matrix a pattern: clip, mask, divide rows.

    ``matrix``: real ``[q, k]`` or a stack ``[..., q, k]``. Negative weights become 0; with ``causal`` keys after the
    query are dropped; every row is divided by its sum (in float64). A row without weight gives all of it to the first
    token in a causal head, and stays empty in a bidirectional one. Returns a new float32 array of the same shape.
    Raises E0530 (shape, dtype) and E0531 (a weight that is not finite).

    >>> normalise([[5, 1], [3, 1]], causal=True)
    array([[1.  , 0.  ],
           [0.75, 0.25]], dtype=float32)
    """
    array = _square(matrix, name)
    _finite(array, name)
    weights = np.maximum(array.astype(np.float64), 0.0)
    if causal:
        weights = np.tril(weights)
    # Dividing by the largest weight first keeps the sum finite for weights near the top of float64.
    top = weights.max(axis=-1, keepdims=True)
    np.divide(weights, top, out=weights, where=top > 0)
    total = weights.sum(axis=-1, keepdims=True)
    np.divide(weights, total, out=weights, where=total > 0)
    if causal:
        weights[..., 0] += total[..., 0] == 0
    return weights.astype(np.float32)


def check(matrix: ArrayLike, *, causal: bool, partial_rows: bool = False, name: str = "pattern") -> NDArray[np.float32]:
    """Return the matrix as float32 when it is a pattern, else raise.

    ``matrix``: ``[q, k]`` or ``[..., q, k]``. Required: finite (E0531), no negative weight, exact zeros after the query
    in a causal head, rows that sum to 1 within ``ROW_SUM_TOLERANCE`` (E0532). Empty rows are accepted in bidirectional
    heads; ``partial_rows`` accepts any sum up to 1 (attention with a sink outside the text, as in GPT-OSS).
    """
    array = _square(matrix, name)
    _finite(array, name)
    weights = np.asarray(array, dtype=np.float32)
    advice = "call normalise(matrix, causal=...) first"
    if weights.min() < 0:
        raise fail("E0532", f"{name} holds the negative weight {float(weights.min()):.4g}", help=advice)
    if causal and np.triu(weights, 1).any():
        where = tuple(int(i) for i in np.argwhere(np.triu(weights, 1))[0])
        raise fail("E0532", f"{name} gives weight to key {where[-1]} after query {where[-2]}", help=advice)
    sums = weights.sum(axis=-1, dtype=np.float64)
    wrong = sums > 1 + ROW_SUM_TOLERANCE
    if not partial_rows:
        low = sums < 1 - ROW_SUM_TOLERANCE
        wrong |= low if causal else low & (sums > 0)
    if wrong.any():
        row = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise fail("E0532", f"row {row[-1]} of {name} sums to {float(sums[row]):.6g}", help=advice)
    return weights


@dataclass(frozen=True, slots=True, eq=False)
class AttentionPattern:
    """One checked pattern: ``weights`` float32 ``[q, k]``, read-only, and whether the head is causal."""

    weights: NDArray[np.float32]
    causal: bool

    def __post_init__(self) -> None:
        weights = check(self.weights, causal=self.causal)
        if weights.ndim != 2:
            raise fail("E0530", f"pattern has shape {weights.shape}", help="give one matrix [q, k]")
        weights = weights.copy()
        weights.setflags(write=False)
        object.__setattr__(self, "weights", weights)

    @classmethod
    def of(cls, matrix: ArrayLike, *, causal: bool) -> AttentionPattern:
        """The pattern that ``normalise`` makes of any matrix."""
        return cls(normalise(matrix, causal=causal), causal)

    @property
    def n(self) -> int:
        """Number of tokens."""
        return int(self.weights.shape[0])

    def crop(self, length: int) -> AttentionPattern:
        """The first ``length`` tokens. In a causal head this is exactly the pattern of the cropped text.

        A bidirectional head sees what comes after, so there it is not: E0536. Raises E0533 for a bad length.
        """
        if not self.causal:
            raise fail("E0536", "a bidirectional pattern cannot be cropped", help="run the model on the cropped text")
        if not 1 <= length <= self.n:
            raise fail("E0533", f"cannot crop {self.n} tokens to {length}", help=f"give 1 to {self.n}")
        return AttentionPattern(self.weights[:length, :length], True)
