"""How long a scoring job will take, and how much memory, before it starts.

A job of P programs, H heads, S sentences of n tokens costs, per sentence, P * H sums over the N weights of a pattern,
the packing of P + H patterns, and the bookkeeping of P * H figures. The three rates are measured on this machine, at
this n, in a fraction of a second; the rest is multiplication.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from attndsl.dsl.diagnostics import fail
from attndsl.runtime.allpairs import min_sums, pair_bounds, vector_lanes
from attndsl.runtime.packing import (
    BLOCK_BYTES,
    PRECISIONS,
    Layout,
    Packed,
    Precision,
    block_rows,
    empty_packed,
    layout,
    pack_into,
)
from attndsl.runtime.pattern import normalise
from attndsl.runtime.shares import available_threads

PROBE_TOKENS = 256
"""Longer texts are probed at this length: by then cost per weight no longer changes."""
PROBE_PROGRAMS, PROBE_HEADS, PROBE_SIDE, REPEATS = 192, 48, 600, 5


@dataclass(frozen=True, slots=True)
class Rates:
    """Seconds on one thread: per weight and pair, per packed weight, per pair."""

    pair_weight: float
    packed_weight: float
    pair: float


@dataclass(frozen=True, slots=True)
class Budget:
    """What a job needs: ``cpu_seconds`` over all threads, ``seconds`` of waiting, ``bytes`` at the peak beside inputs.

    Evaluating programs and running the model are not included; neither is the exact pass over candidates of
    the other precisions, about a tenth of the first pass where it was measured (906 programs, 270 heads).
    """

    cpu_seconds: float
    seconds: float
    bytes: int


def _median(work: Callable[[], object]) -> float:
    times = []
    work()
    for _ in range(REPEATS):
        start = time.thread_time()
        work()
        times.append(time.thread_time() - start)
    return float(np.median(times))


@lru_cache(maxsize=16)
def rates(n: int, causal: bool, precision: Precision) -> Rates:
    """Measure the rates on this machine at ``n`` tokens, on the calling thread; kept for the process."""
    tokens = min(n, PROBE_TOKENS)
    place = layout(tokens, causal, vector_lanes()).packs(precision)
    row = np.arange(1, tokens + 1, dtype=np.float64)
    pattern = normalise(1 / (row + row[:, None]), causal=causal)
    patterns = np.repeat(pattern[None], PROBE_PROGRAMS, axis=0)
    programs = empty_packed(place, precision, PROBE_PROGRAMS)
    heads = empty_packed(place, precision, PROBE_HEADS)
    packing = _median(lambda: pack_into(programs, 0, patterns))
    pack_into(heads, 0, patterns[:PROBE_HEADS])
    summing = _median(lambda: min_sums(programs, heads))
    # Bookkeeping is touching fresh memory more than arithmetic: its arrays must be as large as a real job's.
    many = empty_packed(layout(1, causal, vector_lanes()), precision, PROBE_SIDE)
    booking = _median(lambda: _bookkeeping(many, many))
    pairs = PROBE_PROGRAMS * PROBE_HEADS
    return Rates(summing / (pairs * place.size), packing / (PROBE_PROGRAMS * place.size), booking / PROBE_SIDE**2)


def _bookkeeping(programs: Packed, heads: Packed) -> None:
    """What a scorer does with the sums of one sentence."""
    sums = np.zeros((programs.rows, heads.rows))
    total = np.zeros_like(sums)
    figures = pair_bounds(programs, heads, sums)
    for part in (figures.iou, figures.first, figures.second):
        total += part
    total.astype(np.float32)


def _memory(place: Layout, programs: int, heads: int, precision: Precision, block: int, kept: int) -> int:
    packed = place.bytes_per_pattern(precision)
    rows = min(programs, block)
    arrays = 2 if precision == "float64" else 6
    pairs = programs * heads
    in_flight = rows * heads * 8 * (2 if precision == "float64" else 4)
    return packed * (heads + rows) + pairs * 8 * arrays + in_flight + pairs * 4 * kept


def budget(
    programs: int,
    heads: int,
    sentences: int,
    n: int,
    *,
    causal: bool = True,
    precision: Precision = "float64",
    threads: int | None = None,
    block_bytes: int = BLOCK_BYTES,
    keep_sentences: bool = True,
) -> Budget:
    """Predict time and memory of scoring, from numbers alone; arguments as for ``Scorer``.

    ``n``: tokens per sentence. Measures this machine first (once per n, causal and precision; well under a second after
    the kernels are compiled). Raises E0535 for a job without work and E0536 for an unknown precision.
    """
    if min(programs, heads, sentences, n) < 1:
        raise fail(
            "E0535",
            f"no work in {programs} programs, {heads} heads, {sentences} sentences of {n} tokens",
            help="give at least one of each",
        )
    if precision not in PRECISIONS:
        raise fail("E0536", f"unknown precision '{precision}'", help=f"one of {', '.join(PRECISIONS)}")
    workers = threads or available_threads()
    place = layout(n, causal, vector_lanes()).packs(precision)
    rate = rates(n, causal, precision)
    pairs = programs * heads
    summing = rate.pair_weight * pairs * place.size
    packing = rate.packed_weight * (programs + heads) * place.size
    cpu = sentences * (summing + packing + rate.pair * pairs)
    kept = sentences if keep_sentences else 0
    rows = block_rows(place, precision, block_bytes, workers)
    return Budget(cpu, cpu / workers, _memory(place, programs, heads, precision, rows, kept))
