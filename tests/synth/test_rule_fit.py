"""The kernels of the search against the same sums in numpy, for causal rows and for whole ones."""

from __future__ import annotations

import numpy as np
import pytest

from attndsl.runtime.rule_fit import bend_sums, exp32, gain_of_column, sums_by_relation, sums_by_test
from attndsl.synth.search.facts import cells_of

LENGTHS = (5, 1, 18)
WORDS = 4


def rows_of(cells, packed):
    return np.split(packed, cells.start[1:-1])


def test_the_exponential_is_the_usual_one_in_single_precision():
    x = np.concatenate([np.linspace(-87, 88, 20_001), [0, 1e-8, -1e-8]]).astype(np.float32)
    found = np.array([exp32(value) for value in x])
    np.testing.assert_allclose(found, np.exp(x.astype(np.float64)), rtol=2e-7)
    assert exp32(np.float32(0)) == 1
    assert 0 < exp32(np.float32(-1000)) < 1e-37
    assert np.isnan(exp32(np.float32(np.nan)))


@pytest.mark.parametrize("causal", [True, False])
def test_sums_by_relation_go_to_keys_words_and_rows(causal):
    cells = cells_of(LENGTHS, causal)
    rng = np.random.default_rng(causal)
    size = int(cells.start[-1])
    relations = rng.integers(0, 2, (3, size)).astype(np.uint8)
    inside = rng.integers(0, 2, size).astype(np.uint8)
    inside[cells.start[2] : cells.start[4]] = 0  # rows where nothing holds
    pattern, gradient, spread = (rng.normal(size=size).astype(np.float32) for _ in range(3))
    text, before = (rng.integers(0, WORDS, sum(LENGTHS)).astype(np.int32) for _ in range(2))
    by_text, by_before = (np.zeros((2, 3, WORDS), np.float32) for _ in range(2))
    by_row = np.zeros((2, 3, len(cells.query)), np.float32)
    sums_by_relation(
        relations, inside, pattern, gradient, spread, cells.start, cells.first_key, text, before, by_text, by_before,
        by_row,
    )  # fmt: skip
    row = np.repeat(np.arange(len(cells.query)), np.diff(cells.start))
    key = cells.first_key[row] + np.arange(size) - cells.start[row]
    for i, relation in enumerate(relations):
        chosen = relation * inside
        for kinds, found in ((text, by_text), (before, by_before)):
            for at, values in enumerate((gradient, spread)):
                expected = np.bincount(kinds[key], chosen * values, WORDS)
                np.testing.assert_allclose(found[at, i], expected, atol=1e-4)
        for at, values in enumerate((gradient, pattern)):
            expected = np.bincount(row, chosen * values, len(cells.query))
            np.testing.assert_allclose(by_row[at, i], expected, atol=1e-4)


@pytest.mark.parametrize("step", [1, 3])
def test_bends_have_the_derivatives_and_the_information_of_their_products(step):
    cells = cells_of(LENGTHS, True)
    rng = np.random.default_rng(step)
    size = int(cells.start[-1])
    inside = rng.integers(0, 2, size).astype(np.float32)
    inside[: cells.start[4]] = 0
    column = inside * rng.normal(size=size).astype(np.float32)
    values, pattern, gradient = (rng.random((2, size)).astype(np.float32) for _ in range(3))
    found = bend_sums(column, inside, values, pattern[0], gradient[0], cells.start, step)
    for value, sums in zip(values, found, strict=True):
        expected = np.zeros(5)
        parts = (rows_of(cells, x.astype(np.float64)) for x in (column, inside * value, pattern[0], gradient[0]))
        for c, v, p, g in list(zip(*parts, strict=True))[::step]:
            m0, m1 = c @ p, v @ p
            expected += [c @ g, v @ g, c * c @ p - m0**2, c * v @ p - m0 * m1, v * v @ p - m1**2]
        np.testing.assert_allclose(sums, expected * step, atol=1e-4)


def test_a_column_gains_nothing_where_it_is_zero():
    cells = cells_of(LENGTHS, True)
    rng = np.random.default_rng(3)
    column, pattern, head = (rng.random(int(cells.start[-1])).astype(np.float32) for _ in range(3))
    column[: cells.start[7]] = 0
    weights = np.array([-1.0, 0.0, 2.0])
    expected = np.zeros(3)
    for c, p, h in list(zip(*(rows_of(cells, x) for x in (column, pattern, head)), strict=True))[7:]:
        raised = p * np.exp(weights[:, None] * c)
        raised /= raised.sum(axis=1, keepdims=True)
        expected += np.minimum(raised, h).sum(axis=1) - np.minimum(p, h).sum()
    np.testing.assert_allclose(gain_of_column(column, pattern, head, cells.start, weights), expected, atol=1e-4)


def test_sums_by_test_are_a_product():
    rng = np.random.default_rng(4)
    values, tests = rng.normal(size=(3, 40)).astype(np.float32), rng.integers(0, 2, (40, 5)).astype(np.float32)
    values[:, ::3] = 0
    np.testing.assert_allclose(sums_by_test(values, tests), values @ tests, atol=1e-5)
