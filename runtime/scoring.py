"""What the scores mean: exact float64 definitions. The fast paths are tested against these functions.

Each takes two matrices ``[q, k]`` of the same shape with non-negative weights, normally two patterns, and returns a
float in [0, 1]. Raises E0530 (shape), E0531 (not finite), E0532 (negative), E0533 (shapes differ).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from attndsl.dsl.diagnostics import fail
from attndsl.runtime.pattern import _finite, _square

SINK_FLOOR = 1e-6
"""A row with no more than this beside key 0 is empty without it: less cannot be told from float32 rounding of 1."""


def _pair(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    pair = []
    for name, matrix in (("the first pattern", a), ("the second pattern", b)):
        array = _square(matrix, name)
        if array.ndim != 2:
            raise fail("E0530", f"{name} has shape {array.shape}", help="give one matrix [q, k]")
        _finite(array, name)
        if array.min() < 0:
            raise fail("E0532", f"{name} holds the negative weight {float(array.min()):.4g}", help="normalise it first")
        pair.append(array.astype(np.float64))
    if pair[0].shape != pair[1].shape:
        raise fail(
            "E0533",
            f"patterns of {pair[0].shape[0]} and {pair[1].shape[0]} tokens cannot be compared",
            help="score patterns of the same text and tokenizer",
        )
    return pair[0], pair[1]


def iou(a: ArrayLike, b: ArrayLike) -> float:
    """``sum(min(A, B)) / sum(max(A, B))`` over all q, k. Higher is better; 1 only for equal matrices.

    Source: Hayes, Li, Andreas, arXiv 2606.19317, eq. 2 (the weighted Jaccard, or Ruzicka, similarity). Empty rows
    count: what one side has and the other has not enlarges the union. Two matrices without any weight are equal: 1.

    >>> iou([[1, 0], [0.5, 0.5]], [[1, 0], [1, 0]])
    0.6
    """
    x, y = _pair(a, b)
    union = np.maximum(x, y).sum()
    return float(np.minimum(x, y).sum() / union) if union > 0 else 1.0


def jensen_shannon(a: ArrayLike, b: ArrayLike) -> float:
    """Jensen-Shannon *distance*, base 2, averaged over query rows. Lower is better: 0 equal, 1 no key in common.

    Per row ``sqrt((KL(a||m) + KL(b||m)) / 2)`` with ``m = (a + b) / 2``, rows divided by their sum, ``0 log 0 = 0``.
    The square root makes it a metric (Endres and Schindelin, IEEE Trans. Inf. Theory 49, 2003; the divergence: Lin,
    same journal 37, 1991). A row empty on both sides counts 0, on one side 1.
    """
    x, y = _pair(a, b)
    distances = []
    for p, q in zip(x, y, strict=True):
        if p.sum() == 0 or q.sum() == 0:
            distances.append(0.0 if p.sum() == q.sum() else 1.0)
            continue
        p, q = p / p.sum(), q / q.sum()
        mean = (p + q) / 2
        bits = sum(float((r[r > 0] * np.log2(r[r > 0] / mean[r > 0])).sum()) for r in (p, q)) / 2
        distances.append(np.sqrt(min(max(bits, 0.0), 1.0)))
    return float(np.mean(distances))


def without_sink(matrix: NDArray[Any]) -> NDArray[np.float64]:
    """Key 0 left out, the remaining weights of each row divided by their sum; float64 ``[q, k]``, column 0 zero.

    A row with at most ``SINK_FLOOR`` beside key 0 has nothing to renormalise and becomes empty.
    """
    rest = matrix.astype(np.float64)
    rest[:, 0] = 0.0
    total = rest.sum(axis=1, keepdims=True)
    kept = total > SINK_FLOOR
    divided: NDArray[np.float64] = np.divide(rest, total, out=np.zeros_like(rest), where=kept)
    return divided


def iou_without_sink(a: ArrayLike, b: ArrayLike) -> float:
    """IoU after key 0 is left out of both patterns and their rows are renormalised. Higher is better.

    Many heads rest on the first token (the attention sink), and any program that says so scores well; this asks about
    the rest. A row empty on both sides counts nothing (row 0 of a causal head always is); empty on one side, the
    other's weight enlarges the union. When nothing is left on either side the patterns agree: 1.
    """
    x, y = _pair(a, b)
    return iou(without_sink(x), without_sink(y))


def _top_keys(row: NDArray[Any], k: int) -> set[int]:
    order = np.argsort(-row, kind="stable")[:k]
    return {int(key) for key in order if row[key] > 0}


def top_k_overlap(a: ArrayLike, b: ArrayLike, k: int = 5) -> float:
    """Mean over query rows of ``|top_k(A) and top_k(B)| / max(|top_k(A)|, |top_k(B)|)``. Higher is better.

    Only keys with weight count, so a row may name fewer than ``k``; of equal weights the earlier key comes first. Rows
    empty on both sides are left out; when all are, 1. Raises E0536 for ``k`` below 1.
    """
    if k < 1:
        raise fail("E0536", f"top-k overlap needs k of at least 1, not {k}", help="5 is the default")
    x, y = _pair(a, b)
    shares = []
    for p, q in zip(x, y, strict=True):
        first, second = _top_keys(p, k), _top_keys(q, k)
        if first or second:
            shares.append(len(first & second) / max(len(first), len(second)))
    return float(np.mean(shares)) if shares else 1.0
