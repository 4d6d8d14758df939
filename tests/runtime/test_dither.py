"""Bytes rounded by shared thresholds: right on average, within the bounds, and never a wrong choice."""

from typing import Any

import numpy as np
import pytest
from numba import njit

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.runtime import dither, scoring, vectors
from attndsl.runtime.allpairs import min_sums, pair_bounds, sum_error
from attndsl.runtime.packing import empty_packed, layout, pack_into
from attndsl.runtime.pattern import normalise
from attndsl.runtime.scorer import Scorer

KINDS = ("spread", "sharp", "uniform", "tiny and one great weight", "half steps")


def pattern(kind, n, causal, rng):
    """A pattern whose weights are unkind to bytes in one way."""
    raw = {
        "spread": rng.random((n, n)),
        "sharp": rng.random((n, n)) ** 30,
        "uniform": np.ones((n, n)),
        "tiny and one great weight": np.full((n, n), 1e-3 / n) + (np.arange(n) == 0),
        "half steps": np.full((n, n), 0.5 / dither.STEPS) + np.eye(n) * rng.random((n, 1)),
    }[kind]
    return normalise(raw, causal=causal)


def packed(patterns, causal, draw):
    result = empty_packed(layout(patterns.shape[1], causal, 16), "uint8", len(patterns), draw=draw)
    pack_into(result, 0, patterns)
    return result


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("n", [1, 2, 4, 17, 60])
def test_sums_are_right_on_average_vary_as_bounded_and_keep_their_bound(n, causal):
    rng, draws = np.random.default_rng(n), 400
    a, b = (np.stack([pattern(kind, n, causal, rng) for kind in KINDS]) for _ in range(2))
    exact = np.minimum(a[:, None], b[None]).sum(axis=(2, 3), dtype=np.float64)
    errors = []
    for draw in range(draws):
        left, right = packed(a, causal, draw), packed(b, causal, draw)
        sums = min_sums(left, right)
        assert (np.abs(sums - exact) <= sum_error(left, right, sums)).all()
        errors.append(sums - exact)
    bound = np.minimum(np.add.outer(left.errors, right.errors), dither.cell_bounds(left.layout.size)[0])
    deviation = np.sqrt(bound)
    assert (np.abs(np.mean(errors, axis=0)) <= 5 * deviation / np.sqrt(draws) + 1e-6).all()
    assert (np.std(errors, axis=0) <= 1.2 * deviation + 1e-6).all()  # 400 draws leave 4% of doubt


def test_every_cell_is_rounded_up_or_down_by_its_threshold():
    n = 21
    patterns = np.stack([pattern(kind, n, True, np.random.default_rng(1)) for kind in KINDS])
    patterns[1] *= np.float32(1.0009)  # as far above 1 as rows may sum
    stack = packed(patterns, True, 7)
    place, thresholds = stack.layout, dither.dither(stack.layout.size, 7)
    for row, values in zip(stack.data, patterns, strict=False):
        for q in range(n):
            cells = slice(int(place.starts[q]), int(place.starts[q]) + q + 1)
            steps = values[q, : q + 1] * np.float32(dither.STEPS)
            assert (row[cells] == np.floor(steps + thresholds[cells])).all()
    np.testing.assert_allclose(stack.sums, patterns.sum(axis=(1, 2), dtype=np.float64), rtol=1e-12)


def test_thresholds_differ_between_sentences_and_are_the_same_in_every_process():
    first, second = dither.dither(6400, 0), dither.dither(6400, 1)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.06
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.06
    assert 0 <= first.min() < 0.01 < 0.99 < first.max() < 1
    assert abs(first.mean() - 0.5) < 0.02


def test_stacks_with_other_thresholds_are_refused():
    a = pattern("spread", 5, True, np.random.default_rng(0))[None]
    with pytest.raises(DiagnosticError) as caught:
        min_sums(packed(a, True, 0), packed(a, True, 1))
    assert caught.value.diagnostics[0].code == "E0533"


def score(precision, sentences, causal):
    programs, heads = sentences[0]
    with Scorer(len(programs), len(heads), causal=causal, precision=precision) as scorer:
        for a, b in sentences:
            scorer.add_sentence(a, b)
        if precision != "float64":
            ids = np.unique(scorer.candidates()[:, 0])
            for s, (a, b) in enumerate(sentences):
                scorer.rescore(s, a[ids], ids, b)
    return scorer


def unkind(seed, n, causal):
    """Programs and heads of every kind, each program four times: as it is, again, and nearly (below one step)."""
    rng = np.random.default_rng(seed)
    heads = np.stack([pattern(kind, n, causal, rng) for kind in KINDS])
    near = [normalise(heads * (1 + size * (rng.random(heads.shape) - 0.5)), causal=causal) for size in (1e-5, 1e-3)]
    return np.concatenate([near[1], heads, heads, near[0]]), heads


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(("n", "sentences"), [(1, 2), (2, 3), (4, 1), (4, 8), (19, 1), (64, 3)])
def test_choices_and_figures_are_those_of_float64_for_ties_near_ties_and_tiny_weights(n, sentences, causal):
    given = [unkind(seed, n, causal) for seed in range(sentences)]
    fast, exact = (score(precision, given, causal) for precision in ("uint8", "float64"))
    assert (fast.choice().program == exact.choice().program).all()
    np.testing.assert_allclose(fast.choice().mean_iou, exact.choice().mean_iou, atol=1e-12)
    low, high = fast.bounds
    assert (low <= exact.mean + 1e-12).all()
    assert (exact.mean <= high + 1e-12).all()


def test_patterns_with_little_weight_may_be_off_by_anything_and_say_so():
    n = 12
    rng = np.random.default_rng(2)
    heads = np.stack([pattern("spread", n, False, rng) for _ in range(3)]) * np.float32(1e-3)
    programs = np.concatenate([heads[::-1], np.zeros_like(heads[:1])])
    fast, exact = (score(precision, [(programs, heads)], False) for precision in ("uint8", "float64"))
    assert (fast.choice().program == exact.choice().program).all()
    assert fast.choice().program.tolist() == [2, 1, 0]


def test_empty_patterns_agree():
    nothing = np.zeros((2, 6, 6), dtype=np.float32)
    left = packed(nothing, False, 0)
    assert (pair_bounds(left, left, min_sums(left, left)).iou == 1.0).all()
    assert scoring.iou(nothing[0], nothing[0]) == 1.0


def test_more_sentences_narrow_the_bounds():
    def width(count):
        scorer = score("uint8", [unkind(seed, 24, True) for seed in range(count)], True)
        low, high = scorer.bounds
        return float((high - low).mean())

    few, many = width(2), width(32)
    assert many < few / 3  # independent errors: a quarter, and what does not cancel


@pytest.mark.parametrize("lanes", [16, 32, 64])
def test_differences_are_the_same_on_a_cpu_without_the_instruction(lanes, monkeypatch):
    monkeypatch.setattr(vectors, "has_feature", lambda feature: False)
    plain = vectors.tile("uint8", 2, 2, lanes)
    rng = np.random.default_rng(lanes)
    a, b = (rng.integers(0, 256, (2, 5 * lanes), dtype=np.uint8) for _ in range(2))
    a[0, :lanes], b[0, :lanes] = 255, 0
    out: Any = np.zeros((2, 2))

    @njit
    def run(x, y, sums, size, steps):  # type: ignore[no-untyped-def]
        plain(x, 0, size, y, 0, size, steps, sums, 0, 2)

    room = [np.zeros(a.size + 64, np.uint8) for _ in range(2)]  # vectors are read from whole cache lines
    views = [raw[-raw.ctypes.data % 64 :][: a.size] for raw in room]
    for view, values in zip(views, (a, b), strict=True):
        view[:] = values.reshape(-1)
    run(views[0], views[1], out.reshape(-1), a.shape[1], 5)
    assert (out == np.abs(a[:, None].astype(int) - b[None].astype(int)).sum(axis=2)).all()
