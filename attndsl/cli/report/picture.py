"""A pattern small enough to travel inside a page: eight bits a weight, base64.

A weight ``w`` is stored as ``round(255 * sqrt(w / scale))`` with ``scale`` the largest weight of the pattern: the
square root spends the bits where attention lives, near zero. The error is at most ``scale / 255`` for large weights
and far less for small ones. Scores are never computed from this form.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attndsl.dsl.diagnostics import Diagnostic, DiagnosticError, diagnostic, fail

LEVELS = 255
ROW_TOLERANCE = 1e-3
"""Rows of float32 or bfloat16 softmax may sum to a little more than one."""


@dataclass(frozen=True, slots=True)
class PatternPicture:
    """A rounded pattern: ``n`` tokens, ``scale`` (its largest weight), ``data`` (base64 of the levels).

    Causal patterns keep the lower triangle, row by row (n(n+1)/2 bytes); others all n*n bytes.
    """

    n: int
    scale: float
    causal: bool
    data: str

    @classmethod
    def from_matrix(
        cls, matrix: npt.NDArray[np.float64], n: int, causal: bool, what: str = "pattern"
    ) -> PatternPicture:
        """Round a pattern ``[q, k]``; ``what`` names it in messages. Raises DiagnosticError E0841."""
        _check(matrix, n, causal, what)
        scale = float(matrix.max()) if n else 0.0
        levels = np.zeros((n, n)) if scale == 0.0 else np.rint(LEVELS * np.sqrt(matrix / scale))
        kept = levels[np.tril_indices(n)] if causal else levels.ravel()
        return cls(n, scale, causal, base64.b64encode(kept.astype(np.uint8).tobytes()).decode("ascii"))

    def to_matrix(self) -> npt.NDArray[np.float64]:
        """The rounded pattern, float64 ``[q, k]``: what the page shows."""
        levels = np.frombuffer(base64.b64decode(self.data), dtype=np.uint8).astype(np.float64)
        weights = self.scale * (levels / LEVELS) ** 2
        matrix = np.zeros((self.n, self.n))
        if self.causal:
            matrix[np.tril_indices(self.n)] = weights
            return matrix
        return weights.reshape(self.n, self.n)

    def has_right_size(self) -> bool:
        """Whether ``data`` is base64 of as many bytes as ``n`` and ``causal`` ask for."""
        expected = self.n * (self.n + 1) // 2 if self.causal else self.n * self.n
        try:
            return len(base64.b64decode(self.data, validate=True)) == expected
        except ValueError:
            return False


def picture_bytes(n: int, causal: bool = True) -> int:
    """What one picture of ``n`` tokens adds to a page, in bytes; an example costs two for each head it shows."""
    kept = n * (n + 1) // 2 if causal else n * n
    return -(-kept // 3) * 4


def picture_iou(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> float:
    """IoU of two patterns ``[q, k]`` in full precision: sum of minima over sum of maxima (arXiv 2606.19317, eq. 2).

    1 for two empty patterns. For the label of a picture; run-wide scores come from ``attndsl.runtime``.
    """
    largest = float(np.maximum(left, right).sum())
    return float(np.minimum(left, right).sum()) / largest if largest else 1.0


def check_tokens(
    text_id: str, tokens: Sequence[str], predicted: Mapping[str, object], real: Mapping[str, object]
) -> None:
    """Raise E0841 when an example has no tokens, or its two sides name different heads."""
    if not tokens:
        raise fail("E0841", f"example {text_id!r} has no tokens", help="leave the example out of the report")
    lonely = sorted(set(predicted) ^ set(real))
    if lonely:
        raise fail(
            "E0841",
            f"example {text_id!r} has only one of the two patterns for {', '.join(lonely[:5])}",
            help="give a predicted and a real pattern for each head that is shown",
        )


def _check(matrix: npt.NDArray[np.float64], n: int, causal: bool, what: str) -> None:
    faults: list[Diagnostic] = []
    if matrix.shape != (n, n):
        faults.append(diagnostic("E0841", f"{what} has shape {matrix.shape}, but the example has {n} tokens"))
    elif not np.isfinite(matrix).all():
        q, k = np.argwhere(~np.isfinite(matrix))[0]
        faults.append(diagnostic("E0841", f"{what} is {matrix[q, k]} at query {q}, key {k}"))
    else:
        if matrix.min() < 0:
            q, k = np.unravel_index(int(matrix.argmin()), matrix.shape)
            faults.append(diagnostic("E0841", f"{what} is negative ({matrix.min():g}) at query {q}, key {k}"))
        if causal and np.triu(matrix, 1).any():
            q, k = np.argwhere(np.triu(matrix, 1))[0]
            faults.append(diagnostic("E0841", f"{what} looks ahead: weight {matrix[q, k]:g} at query {q}, key {k}"))
        sums = matrix.sum(axis=1)
        if sums.max() > 1 + ROW_TOLERANCE:
            faults.append(diagnostic("E0841", f"{what} has a row that sums to {sums.max():g} (query {sums.argmax()})"))
    if faults:
        raise DiagnosticError(faults)
