"""The definitions of the scores: small cases worked out by hand, ranges, symmetry, edge cases."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.runtime.pattern import normalise
from attndsl.runtime.scoring import iou, iou_without_sink, jensen_shannon, top_k_overlap

SCORES = [iou, jensen_shannon, iou_without_sink, top_k_overlap]
WEIGHTS = st.floats(0, 1, width=32, allow_subnormal=False) | st.just(0.0)
PAIRS = st.tuples(st.integers(1, 7), st.booleans()).flatmap(
    lambda size: st.tuples(
        *[arrays(np.float32, (size[0], size[0]), elements=WEIGHTS).map(lambda m: normalise(m, causal=size[1]))] * 2
    )
)


def test_iou_by_hand():
    assert iou([[1, 0], [0.5, 0.5]], [[1, 0], [0.25, 0.75]]) == pytest.approx(1.75 / 2.25)
    assert iou([[1, 0], [1, 0]], [[1, 0], [0, 1]]) == pytest.approx(1 / 3)
    assert iou([[0, 1], [1, 0]], [[1, 0], [0, 1]]) == 0


def test_iou_counts_empty_rows_in_the_union():
    full, half = [[0, 1], [1, 0]], [[0, 1], [0, 0]]
    assert iou(full, half) == 0.5
    assert iou(np.zeros((2, 2)), np.zeros((2, 2))) == 1
    assert iou(full, np.zeros((2, 2))) == 0


def test_jensen_shannon_by_hand():
    assert jensen_shannon([[0, 1], [1, 0]], [[1, 0], [0, 1]]) == 1
    # One row equal, one row (1/2, 1/2) against (1, 0): m = (3/4, 1/4).
    bits = (0.5 * math.log2(0.5 / 0.75) + 0.5 * math.log2(0.5 / 0.25) + math.log2(1 / 0.75)) / 2
    assert jensen_shannon([[1, 0], [0.5, 0.5]], [[1, 0], [1, 0]]) == pytest.approx(math.sqrt(bits) / 2)


def test_jensen_shannon_of_empty_rows():
    assert jensen_shannon(np.zeros((2, 2)), np.zeros((2, 2))) == 0
    assert jensen_shannon([[1, 0], [0, 0]], [[1, 0], [0, 1]]) == 0.5


def test_iou_without_sink_by_hand():
    a = [[1, 0, 0], [0.8, 0.2, 0], [0.5, 0.25, 0.25]]
    b = [[1, 0, 0], [0.1, 0.9, 0], [0.6, 0.4, 0]]
    # Row 0 has nothing but key 0; row 1 becomes (1) and (1); row 2 becomes (1/2, 1/2) and (1, 0).
    assert iou_without_sink(a, b) == pytest.approx(1.5 / 2.5)


def test_iou_without_sink_of_a_sink_program():
    sink, rest = normalise([[1, 0], [1, 0]], causal=True), normalise([[1, 0], [1, 1]], causal=True)
    assert iou_without_sink(sink, rest) == 0
    assert iou_without_sink(sink, sink) == 1
    # Less beside key 0 than float32 can tell from rounding counts as nothing.
    assert iou_without_sink([[1, 0], [1 - 1e-8, 1e-8]], rest) == 0


def test_top_k_overlap_by_hand():
    a, b = [[0.5, 0.3, 0.2]] * 3, [[0.2, 0.3, 0.5]] * 3
    assert top_k_overlap(a, b, 1) == 0
    assert top_k_overlap(a, b, 2) == 0.5
    assert top_k_overlap(a, b, 3) == 1
    assert top_k_overlap([[1, 0], [0, 0]], [[0.6, 0.4], [0, 0]], 2) == 0.5
    assert top_k_overlap(np.zeros((2, 2)), np.zeros((2, 2))) == 1


@given(pair=PAIRS)
@pytest.mark.parametrize("score", SCORES)
def test_scores_stay_in_range_are_symmetric_and_perfect_on_equals(score, pair):
    a, b = pair
    value = score(a, b)
    assert 0 <= value <= 1
    assert score(b, a) == pytest.approx(value, abs=1e-12)
    assert score(a, a) == pytest.approx(0.0 if score is jensen_shannon else 1.0, abs=1e-7)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize(
    ("a", "b", "code"),
    [
        ([[1, 0]], [[1, 0]], "E0530"),
        (np.zeros((2, 2, 2)), np.zeros((2, 2)), "E0530"),
        ([[np.nan]], [[1]], "E0531"),
        ([[-1]], [[1]], "E0532"),
        (np.eye(2), np.eye(3), "E0533"),
    ],
)
def test_scores_refuse(score, a, b, code):
    with pytest.raises(DiagnosticError) as caught:
        score(a, b)
    assert caught.value.diagnostics[0].code == code


def test_top_k_needs_a_positive_k():
    with pytest.raises(DiagnosticError) as caught:
        top_k_overlap(np.eye(2), np.eye(2), 0)
    assert caught.value.diagnostics[0].code == "E0536"
