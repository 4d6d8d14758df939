"""Means, intervals and paired differences."""

import math

import numpy as np
import pytest

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.runtime.statistics import mean_intervals, over_heads, paired_difference, summarise


def refused(call):
    with pytest.raises(DiagnosticError) as caught:
        call()
    return caught.value.diagnostics[0].code


def test_mean_median_and_count():
    summary = summarise([0.1, 0.2, 0.9])
    assert summary.mean.point == pytest.approx(0.4)
    assert summary.median == pytest.approx(0.2)
    assert summary.count == 3
    assert summary.mean.low < 0.4 < summary.mean.high


def test_one_sentence_has_no_interval():
    summary = summarise([0.3])
    assert summary.mean.point == 0.3
    assert math.isnan(summary.mean.low)
    assert math.isnan(summary.mean.high)


def test_equal_scores_have_an_interval_of_no_width():
    summary = summarise([0.25] * 5)
    assert (summary.mean.low, summary.mean.high) == (0.25, 0.25)


def test_intervals_cover_the_true_mean_about_as_often_as_they_say():
    rng = np.random.default_rng(7)
    samples = rng.beta(2, 5, size=(400, 20))
    _, low, high = mean_intervals(samples, draws=400)
    covered = np.mean((low <= 2 / 7) & (high >= 2 / 7))
    assert 0.90 <= covered <= 0.98


def test_the_interval_agrees_with_the_normal_one_for_many_sentences():
    sample = np.random.default_rng(1).normal(0.5, 0.1, 400)
    summary = summarise(sample)
    half = 1.96 * sample.std(ddof=1) / 20
    assert summary.mean.high - summary.mean.point == pytest.approx(half, rel=0.1)
    assert summary.mean.point - summary.mean.low == pytest.approx(half, rel=0.1)


def test_seeds_fix_the_figures():
    sample = np.random.default_rng(2).random(12)
    assert summarise(sample) == summarise(sample)
    assert summarise(sample, seed=1) != summarise(sample)


def test_over_heads_resamples_sentences_not_heads():
    # Heads that differ a lot but agree on which sentence is hard: the interval must not shrink with their number.
    sentences = np.array([0.2, 0.4, 0.6, 0.8])
    few, many = np.tile(sentences, (2, 1)), np.tile(sentences, (50, 1))
    for name in ("point", "low", "high"):
        assert getattr(over_heads(few).mean, name) == pytest.approx(getattr(over_heads(many).mean, name), abs=1e-12)
    spread = np.stack([sentences * 0, sentences * 0 + 1, sentences * 0 + 1])
    summary = over_heads(spread)
    assert summary.mean.point == pytest.approx(2 / 3)
    assert summary.median == 1


def test_pairing_removes_what_both_share():
    hard = np.linspace(0, 0.8, 9)
    difference = paired_difference(hard + 0.1, hard)
    assert difference.mean.point == pytest.approx(0.1)
    assert difference.mean.high - difference.mean.low == pytest.approx(0, abs=1e-12)
    assert paired_difference(hard, hard[::-1]).mean.low < -0.1


def test_bad_scores_are_refused():
    assert refused(lambda: summarise([])) == "E0535"
    assert refused(lambda: summarise([[0.1]])) == "E0535"
    assert refused(lambda: summarise([0.1, np.nan])) == "E0531"
    assert refused(lambda: over_heads(np.zeros((0, 3)))) == "E0535"
    assert refused(lambda: paired_difference([0.1], [0.1, 0.2])) == "E0533"
