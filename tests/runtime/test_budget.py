"""The forecast of a job: memory against what numpy allocates, time by its shape. Wall time is no verdict here."""

import tracemalloc

import numpy as np
import pytest

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.runtime.budget import budget, rates
from attndsl.runtime.pattern import normalise
from attndsl.runtime.scorer import Scorer


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(
    ("programs", "heads", "sentences", "n", "precision"),
    [(300, 40, 3, 48, "int16"), (60, 50, 2, 96, "float64"), (400, 200, 4, 8, "float32"), (1200, 20, 2, 40, "int16")],
)
def test_memory_is_forecast_within_half(programs, heads, sentences, n, precision, keep):
    rng = np.random.default_rng(0)
    a, b = (normalise(rng.random((count, n, n)), causal=True) for count in (programs, heads))
    Scorer(2, 2, precision=precision).add_sentence(a[:2], b[:2])
    forecast = budget(
        programs, heads, sentences, n, precision=precision, threads=1, keep_sentences=keep, block_bytes=1 << 20
    )
    tracemalloc.start()
    try:
        with Scorer(
            programs, heads, precision=precision, threads=1, keep_sentences=keep, block_bytes=1 << 20
        ) as scorer:
            for _ in range(sentences):
                scorer.add_sentence(a, b)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert forecast.bytes / 1.5 <= peak <= forecast.bytes * 1.5


def test_memory_does_not_grow_with_programs_beyond_the_figures():
    few, many = (budget(count, 10, 5, 256, precision="int16", threads=1) for count in (2000, 4000))
    figures = 2000 * 10 * (6 * 8 + 4 * 5)
    assert many.bytes - few.bytes == figures


def test_time_is_linear_in_sentences_and_shared_by_threads():
    one, ten = (budget(100, 50, count, 32, precision="int16", threads=1) for count in (1, 10))
    assert ten.cpu_seconds == pytest.approx(10 * one.cpu_seconds)
    shared = budget(100, 50, 10, 32, precision="int16", threads=2)
    assert shared.cpu_seconds == pytest.approx(ten.cpu_seconds)
    assert shared.seconds == pytest.approx(ten.seconds / 2)
    assert min(rates(32, True, "int16").pair_weight, rates(32, True, "int16").packed_weight) > 0


def test_impossible_jobs_are_refused():
    for call, code in (
        (lambda: budget(0, 1, 1, 8), "E0535"),
        (lambda: budget(1, 1, 1, 8, precision="int8"), "E0536"),
    ):
        with pytest.raises(DiagnosticError) as caught:
            call()
        assert caught.value.diagnostics[0].code == code
