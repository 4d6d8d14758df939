"""Every score of chosen (program, head) pairs, in float64, for many pairs at once.

The definitions are those of ``scoring.py``; here they are compiled, and read the patterns as they are: float32
``[count, n, n]``. Minima of float32 numbers are exact, and sums are taken in float64, so figures agree with the
definitions to about 1e-14.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import fail
from attndsl.runtime.jit import cached_njit
from attndsl.runtime.packing import unwritable
from attndsl.runtime.scoring import SINK_FLOOR
from attndsl.runtime.shares import shared

_TASK = 64
"""Pairs per task: about a millisecond of work at 128 tokens."""


@dataclass(frozen=True)
class PairScores:
    """Scores of M pairs, float64 ``[M]`` each; ``js`` is a distance (lower is better), the others rise with the fit."""

    iou: NDArray[np.float64]
    js: NDArray[np.float64]
    iou_without_sink: NDArray[np.float64]
    top_k: NDArray[np.float64]


@cached_njit(nogil=True, fastmath={"reassoc"})
def _row_minima(a, b):  # type: ignore[no-untyped-def]
    least = 0.0
    left = 0.0
    right = 0.0
    for k in range(a.shape[0]):
        x = a[k]
        y = b[k]
        least += np.float64(x if x < y else y)
        left += np.float64(x)
        right += np.float64(y)
    return least, left, right


@cached_njit(nogil=True)
def _ious(programs, heads, pairs, causal, first, stop, out):  # type: ignore[no-untyped-def]
    n = programs.shape[1]
    for m in range(first, stop):
        a = programs[pairs[m, 0]]
        b = heads[pairs[m, 1]]
        least = 0.0
        union = 0.0
        for q in range(n):
            length = q + 1 if causal else n
            shared, left, right = _row_minima(a[q, :length], b[q, :length])
            least += shared
            union += left + right - shared
        out[m] = 1.0 if union == 0.0 else least / union  # NaN must stay NaN


@cached_njit(nogil=True)
def _row_distance(a, b, left, right):  # type: ignore[no-untyped-def]
    """Jensen-Shannon distance, base 2, of two rows with sums ``left`` and ``right``."""
    if left <= 0.0 or right <= 0.0:
        return 0.0 if left == right else 1.0
    bits = 0.0
    for k in range(a.shape[0]):
        x = np.float64(a[k]) / left
        y = np.float64(b[k]) / right
        if x > 0.0 and y > 0.0:
            bits += x * np.log2(2.0 * x / (x + y)) + y * np.log2(2.0 * y / (x + y))
        else:
            bits += x + y
    return np.sqrt(min(max(bits / 2.0, 0.0), 1.0))


@cached_njit(nogil=True)
def _row_without_sink(a, b, left, right):  # type: ignore[no-untyped-def]
    """(shared, union) of two rows after key 0 is left out; ``left`` and ``right`` are the sums of the rest."""
    full = (1.0 if left > SINK_FLOOR else 0.0) + (1.0 if right > SINK_FLOOR else 0.0)
    if full < 2.0:
        return 0.0, full
    shared = 0.0
    for k in range(1, a.shape[0]):
        shared += min(np.float64(a[k]) / left, np.float64(b[k]) / right)
    return shared, full - shared


@cached_njit(nogil=True)
def _top(row, keys):  # type: ignore[no-untyped-def]
    """Fill ``keys`` with the heaviest keys, the earlier of equals first; returns how many have weight."""
    count = 0
    for k in range(row.shape[0]):
        weight = row[k]
        if weight <= 0.0 or (count == keys.shape[0] and weight <= row[keys[count - 1]]):
            continue
        place = count if count < keys.shape[0] else count - 1
        while place > 0 and row[keys[place - 1]] < weight:
            keys[place] = keys[place - 1]
            place -= 1
        keys[place] = k
        count = min(count + 1, keys.shape[0])
    return count


@cached_njit(nogil=True)
def _row_overlap(a, b, first, second):  # type: ignore[no-untyped-def]
    """Share of common top keys, or -1 where both rows are empty."""
    left = _top(a, first)
    right = _top(b, second)
    if left == 0 and right == 0:
        return -1.0
    common = 0
    for i in range(left):
        for j in range(right):
            if first[i] == second[j]:
                common += 1
    return common / max(left, right)


@cached_njit(nogil=True)
def _others(programs, heads, pairs, causal, top, first, stop, js, sinkless, overlap):  # type: ignore[no-untyped-def]
    n = programs.shape[1]
    left_keys = np.empty(top, np.int64)
    right_keys = np.empty(top, np.int64)
    for m in range(first, stop):
        distance = 0.0
        shared = 0.0
        union = 0.0
        common = 0.0
        rows = 0
        for q in range(n):
            length = q + 1 if causal else n
            a = programs[pairs[m, 0], q, :length]
            b = heads[pairs[m, 1], q, :length]
            _, left, right = _row_minima(a, b)
            distance += _row_distance(a, b, left, right)
            _, left, right = _row_minima(a[1:], b[1:])
            part, whole = _row_without_sink(a, b, left, right)
            shared += part
            union += whole
            share = _row_overlap(a, b, left_keys, right_keys)
            if share >= 0.0:
                common += share
                rows += 1
        js[m] = distance / n
        sinkless[m] = 1.0 if union == 0.0 else shared / union
        overlap[m] = common / rows if rows > 0 else 1.0


def _checked(
    programs: NDArray[np.float32], heads: NDArray[np.float32], pairs: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    if programs.ndim != 3 or heads.ndim != 3 or programs.shape[1:] != heads.shape[1:]:
        raise fail(
            "E0533",
            f"programs {programs.shape} and heads {heads.shape} do not fit together",
            help="give [P, n, n] and [H, n, n] of one sentence",
        )
    pairs = np.ascontiguousarray(pairs, dtype=np.int64).reshape(-1, 2)
    if len(pairs) and (pairs.min() < 0 or (pairs.max(axis=0) >= (len(programs), len(heads))).any()):
        raise fail(
            "E0533",
            f"a pair names program or head {pairs.max(axis=0).tolist()} that was not given",
            help=f"there are {len(programs)} programs and {len(heads)} heads",
        )
    return unwritable(programs), unwritable(heads), pairs


def pair_ious(
    programs: NDArray[np.float32],
    heads: NDArray[np.float32],
    pairs: NDArray[np.int64],
    *,
    causal: bool,
    executor: Executor | None = None,
) -> NDArray[np.float64]:
    """IoU of the pairs (program index, head index), int ``[M, 2]``, as float64 ``[M]``.

    ``programs`` float32 ``[P, n, n]`` and ``heads`` ``[H, n, n]`` must be patterns; with ``causal`` keys after
    the query are not read. Raises E0533 when shapes or indices do not fit, E0531 when a score is
    not finite.
    """
    programs, heads, pairs = _checked(programs, heads, pairs)
    out = np.empty(len(pairs))
    spans = [(at, min(at + _TASK, len(pairs))) for at in range(0, len(pairs), _TASK)]
    shared(lambda first, stop: _ious(programs, heads, pairs, causal, first, stop, out), spans, executor)
    if not np.isfinite(out).all():
        program, head = (int(i) for i in pairs[np.flatnonzero(~np.isfinite(out))[0]])
        raise fail(
            "E0531",
            f"program {program} or head {head} holds a weight that is not finite",
            help="normalise patterns first",
        )
    return out


def pair_scores(
    programs: NDArray[np.float32],
    heads: NDArray[np.float32],
    pairs: NDArray[np.int64],
    *,
    causal: bool,
    top: int = 5,
    executor: Executor | None = None,
) -> PairScores:
    """All scores of the pairs; arguments and errors as ``pair_ious``, ``top`` keys for the overlap (E0536 below 1)."""
    if top < 1:
        raise fail("E0536", f"top-k overlap needs k of at least 1, not {top}", help="5 is the default")
    programs, heads, pairs = _checked(programs, heads, pairs)
    js, sinkless, overlap = (np.empty(len(pairs)) for _ in range(3))
    spans = [(at, min(at + _TASK, len(pairs))) for at in range(0, len(pairs), _TASK)]
    shared(
        lambda first, stop: _others(programs, heads, pairs, causal, top, first, stop, js, sinkless, overlap),
        spans,
        executor,
    )
    return PairScores(pair_ious(programs, heads, pairs, causal=causal, executor=executor), js, sinkless, overlap)
