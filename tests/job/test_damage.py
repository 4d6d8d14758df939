"""Marginal damage and its rank correlations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from attndsl.job.damage import Damage, rank_correlation, rank_interval


def test_rank_correlation_by_hand_and_with_ties() -> None:
    assert rank_correlation([1, 2, 3], [4, 5, 9]) == 1
    assert rank_correlation([1, 2, 3], [9, 5, 4]) == -1
    assert rank_correlation([1, 2, 3, 4], [10, 20, 30, 5]) == pytest.approx(-0.2)
    # ranks 1.5, 1.5, 3 against 1, 2, 3: deviations (-.5, -.5, 1) and (-1, 0, 1)
    assert rank_correlation([7, 7, 8], [1, 2, 3]) == pytest.approx(1.5 / math.sqrt(1.5 * 2))
    assert math.isnan(rank_correlation([1, 1], [1, 2]))


def test_order_is_least_damage_first_and_intervals_hold_the_mean() -> None:
    nats = np.array([[0.3, 0.5], [0.1, 0.1], [-0.2, 0.0]])
    damage = Damage(((0, 0), (0, 1), (1, 0)), nats)
    assert damage.order() == [(1, 0), (0, 1), (0, 0)]
    low, mean, high = damage.intervals().T
    assert np.allclose(mean, nats.mean(1))
    assert (low <= mean).all()
    assert (mean <= high).all()


def test_the_interval_of_a_rank_correlation_is_narrow_where_the_order_is_plain() -> None:
    nats = np.arange(50.0)[:, None] + np.random.default_rng(1).normal(0, 0.1, (50, 4))
    low, point, high = rank_interval(nats, -np.arange(50), draws=100)
    assert point < -0.99
    assert low <= point <= high < -0.9
