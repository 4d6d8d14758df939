"""Patterns: what normalise makes of any matrix, and what check refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.runtime.pattern import AttentionPattern, check, normalise

SQUARES = st.integers(1, 8).flatmap(
    lambda n: arrays(np.float64, (n, n), elements=st.floats(-1e300, 1e300, allow_nan=False))
)


def code_of(call):
    with pytest.raises(DiagnosticError) as caught:
        call()
    return caught.value.diagnostics[0].code


def test_normalise_clips_masks_divides_and_fills():
    matrix = [[0.0, 9.0, 9.0], [-1.0, 0.0, 9.0], [1.0, -5.0, 3.0]]
    expected = [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.25, 0.0, 0.75]]
    assert normalise(matrix, causal=True).tolist() == expected


def test_bidirectional_keeps_later_keys_and_leaves_empty_rows_empty():
    matrix = [[0.0, 1.0, 3.0], [0.0, -2.0, 0.0], [1.0, 0.0, 0.0]]
    assert normalise(matrix, causal=False).tolist() == [[0.0, 0.25, 0.75], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]


def test_normalise_takes_a_stack_and_does_not_change_its_argument():
    stack = np.arange(18.0).reshape(2, 3, 3) - 4
    before = stack.copy()
    result = normalise(stack, causal=True)
    assert (stack == before).all()
    assert result.dtype == np.float32
    for one, whole in zip(stack, result, strict=True):
        assert (normalise(one, causal=True) == whole).all()


@given(matrix=SQUARES, causal=st.booleans())
def test_normalise_makes_a_pattern_and_is_idempotent(matrix, causal):
    pattern = normalise(matrix, causal=causal)
    assert check(pattern, causal=causal) is not None
    np.testing.assert_allclose(normalise(pattern, causal=causal), pattern, rtol=3e-7, atol=0)
    sums = pattern.sum(axis=1, dtype=np.float64)
    masked = np.maximum(np.tril(matrix) if causal else matrix, 0)
    full = (masked > 0).any(axis=1)
    np.testing.assert_allclose(sums[full], 1, atol=1e-6)
    assert (sums[~full] == (1.0 if causal else 0.0)).all()


@pytest.mark.parametrize(
    ("matrix", "code"),
    [
        (np.zeros((2, 3)), "E0530"),
        (np.zeros(3), "E0530"),
        (np.zeros((0, 0)), "E0530"),
        ([[1.0], [1.0, 0.0]], "E0530"),
        (np.array([["a"]]), "E0530"),
        (np.array([[1j]]), "E0530"),
        ([[np.nan]], "E0531"),
        ([[1.0, 0.0], [np.inf, 0.0]], "E0531"),
        ([[-0.5, 1.5], [0.5, 0.5]], "E0532"),
        ([[0.5, 0.5], [0.5, 0.5]], "E0532"),
        ([[1.0, 0.0], [0.5, 0.4]], "E0532"),
        ([[1.0, 0.0], [0.8, 0.4]], "E0532"),
        ([[1.0, 0.0], [0.0, 0.0]], "E0532"),
    ],
)
def test_check_refuses(matrix, code):
    assert code_of(lambda: check(matrix, causal=True)) == code


def test_check_accepts_partial_rows_only_when_asked():
    matrix = [[0.6, 0.0], [0.3, 0.4]]
    assert code_of(lambda: check(matrix, causal=True)) == "E0532"
    assert check(matrix, causal=True, partial_rows=True).shape == (2, 2)


def test_bidirectional_rows_may_be_empty_but_not_partial():
    assert check([[0.5, 0.5], [0.0, 0.0]], causal=False).shape == (2, 2)
    assert code_of(lambda: check([[0.5, 0.5], [0.2, 0.0]], causal=False)) == "E0532"


def test_a_pattern_is_checked_read_only_and_cropped_exactly():
    pattern = AttentionPattern.of(np.ones((4, 4)), causal=True)
    assert pattern.n == 4
    assert pattern.crop(2).weights.tolist() == [[1.0, 0.0], [0.5, 0.5]]
    with pytest.raises(ValueError, match="read-only"):
        pattern.weights[0, 0] = 3
    assert code_of(lambda: pattern.crop(5)) == "E0533"
    assert code_of(lambda: AttentionPattern.of(np.ones((4, 4)), causal=False).crop(2)) == "E0536"
    assert code_of(lambda: AttentionPattern(np.ones((2, 2, 2), dtype=np.float32) / 2, causal=False)) == "E0530"
