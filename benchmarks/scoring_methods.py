"""The ways of scoring that ``bench_scoring.py`` compares; each runs once per call and reports CPU seconds per score.

``python benchmarks/scoring_methods.py FILE`` is the worker for another instruction set: it answers every line on its
standard input with one JSON object of figures. The parent sets ``NUMBA_CPU_NAME``, which numba reads at import.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from attndsl.runtime.allpairs import min_sums, vector_lanes
from attndsl.runtime.packing import PRECISIONS, Packed, Precision, aligned_zeros, empty_packed, layout, pack_into
from attndsl.runtime.pattern import normalise
from attndsl.runtime.vectors import (
    _float32_narrow,
    _float32_wide,
    _int16_narrow,
    _int16_wide,
    _uint8_narrow,
    _uint8_wide,
)

PAIRS_A, PAIRS_B = 96, 96
PUBLISHED = "numpy per pair, both patterns converted and clipped (the published way)"
Method = Callable[[], float]


def load_patterns(path: Path | None, n: int = 128) -> tuple[np.ndarray, str]:
    """Patterns float32 ``[S, H, n, n]`` and a sentence that says what they are."""
    if path is None:
        rng = np.random.default_rng(0)
        weights = rng.gamma(0.08, size=(3, 96, n, n)) + 2.0 * (np.arange(n) == 0) * rng.random((3, 96, 1, 1))
        return normalise(weights, causal=True), "SYNTHETIC patterns (Dirichlet rows of concentration 0.08 and a sink)"
    if path.suffix == ".npz":
        patterns = np.load(path)["patterns"]
    else:
        from safetensors.numpy import load_file

        patterns = load_file(path)["patterns"]
    patterns = normalise(patterns[:, :, :n, :n], causal=True)
    return patterns, f"patterns of a model, {patterns.shape[1]} heads on {len(patterns)} texts, read from a file"


def timed(work: Callable[[], Any], scores: int, least: float = 0.02) -> Method:
    """CPU seconds of this thread per score, repeated until a call takes ``least`` seconds."""
    repeats = 0

    def once() -> float:
        nonlocal repeats
        if not repeats:
            work()
            start = time.thread_time()
            work()
            repeats = max(1, int(least / max(time.thread_time() - start, 1e-6)))
        start = time.thread_time()
        for _ in range(repeats):
            work()
        return (time.thread_time() - start) / (repeats * scores)

    return once


def pack(patterns: np.ndarray, precision: Precision, lanes: int) -> Packed:
    packed = empty_packed(layout(patterns.shape[1], True, lanes), precision, len(patterns))
    pack_into(packed, 0, patterns)
    return packed


def ours(a: np.ndarray, b: np.ndarray, lanes: int | None = None) -> dict[str, Method]:
    """Sums of minima of all pairs from packed patterns, one thread."""
    lanes = lanes or vector_lanes()
    methods = {}
    for precision in PRECISIONS:
        left, right = pack(a, precision, lanes), pack(b, precision, lanes)
        methods[precision] = timed(lambda left=left, right=right: min_sums(left, right), len(a) * len(b))
    return methods


@njit
def _peak_uint8_wide(x, other, zero, out, steps, repeats):  # type: ignore[no-untyped-def]
    for _ in range(repeats):
        _uint8_wide(x, 0, zero, x, other, zero, steps, out, 0, 0)


@njit
def _peak_uint8_narrow(x, other, zero, out, steps, repeats):  # type: ignore[no-untyped-def]
    for _ in range(repeats):
        _uint8_narrow(x, 0, zero, x, other, zero, steps, out, 0, 0)


@njit
def _peak_int16_wide(x, other, zero, out, steps, repeats):  # type: ignore[no-untyped-def]
    for _ in range(repeats):
        _int16_wide(x, 0, zero, x, other, zero, steps, out, 0, 0)


@njit
def _peak_int16_narrow(x, other, zero, out, steps, repeats):  # type: ignore[no-untyped-def]
    for _ in range(repeats):
        _int16_narrow(x, 0, zero, x, other, zero, steps, out, 0, 0)


@njit
def _peak_float32_wide(x, other, zero, out, steps, repeats):  # type: ignore[no-untyped-def]
    for _ in range(repeats):
        _float32_wide(x, 0, zero, x, other, zero, steps, out, 0, 0)


@njit
def _peak_float32_narrow(x, other, zero, out, steps, repeats):  # type: ignore[no-untyped-def]
    for _ in range(repeats):
        _float32_narrow(x, 0, zero, x, other, zero, steps, out, 0, 0)


def peaks(weights: int, lanes: int | None = None) -> dict[str, Method]:
    """The same register tile on 16 KiB of data that never leaves the first-level cache, per score of ``weights``."""
    wide = (lanes or vector_lanes()) == 32
    methods = {}
    for precision, kernel, tile, width in (
        ("uint8", _peak_uint8_wide if wide else _peak_uint8_narrow, 24 if wide else 9, 64 if wide else 32),
        ("int16", _peak_int16_wide if wide else _peak_int16_narrow, 24 if wide else 9, 32 if wide else 16),
        ("float32", _peak_float32_wide if wide else _peak_float32_narrow, 24 if wide else 9, 16 if wide else 8),
    ):
        dtype = {"uint8": np.uint8, "int16": np.uint16}.get(precision, np.float32)
        # Every row of the tile reads the same half of the data, every column the other; the optimiser must not know.
        steps, repeats = 8192 // (width * np.dtype(dtype).itemsize), 2000
        data = aligned_zeros((2 * steps * width,), dtype)
        scores = tile * repeats * steps * width / weights
        work = lambda kernel=kernel, data=data, steps=steps, repeats=repeats: kernel(  # noqa: E731
            data, len(data) // 2, 0, np.zeros(64), steps, repeats
        )
        methods[f"{precision} peak in L1"] = timed(work, scores)  # type: ignore[arg-type]
    return methods


def rivals(a: np.ndarray, b: np.ndarray) -> dict[str, Method]:
    """The published way, in our words, and two libraries' all-pairs L1 distance on packed triangles."""
    import torch
    from scipy.spatial.distance import cdist

    torch.set_num_threads(1)
    keep = np.tril_indices(a.shape[1])
    left, right = (np.ascontiguousarray(x[:, keep[0], keep[1]]) for x in (a, b))
    doubles = left.astype(np.float64), right.astype(np.float64)
    tensors = torch.from_numpy(left), torch.from_numpy(right)

    published_programs = a[:8].astype(np.float64)  # np.zeros in the published programs: float64 against float32 heads

    def published() -> None:
        """The published function is given one pair at a time: it converts and clips both patterns on every call."""
        for x in published_programs:
            for y in b[:8]:
                first, second = (np.clip(np.asarray(side).astype(np.float64), 1e-12, 1.0) for side in (x, y))
                float(np.minimum(first, second).sum() / np.maximum(first, second).sum())

    def bare() -> None:
        for x in published_programs:
            for y in b[:8]:
                float(np.minimum(x, y).sum() / np.maximum(x, y).sum())

    pairs = len(a) * len(b)
    return {
        PUBLISHED: timed(published, 64),
        "numpy minimum, maximum and sums per pair, nothing converted": timed(bare, 64),
        "scipy cdist cityblock": timed(lambda: cdist(*doubles, "cityblock"), pairs),
        "torch.cdist p=1": timed(lambda: torch.cdist(*tensors, p=1.0), pairs),
    }


def answer(path: Path | None) -> None:
    patterns, _ = load_patterns(path)
    a, b = patterns[0, :PAIRS_A], patterns[1, :PAIRS_B]
    n = a.shape[1]
    methods = {**ours(a, b), **peaks(n * (n + 1) // 2)}
    for _ in sys.stdin:
        print(json.dumps({name: method() for name, method in methods.items()}), flush=True)


if __name__ == "__main__":
    answer(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
