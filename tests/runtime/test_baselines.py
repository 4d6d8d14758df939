"""Trivial baselines: they are patterns, they say what their names say, and the choice among them is the exact one."""

import numpy as np
import pytest

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.runtime import scoring
from attndsl.runtime.baselines import KINDS, SEEDS, baselines, by_kind, choose_baselines, mixture_weights, single
from attndsl.runtime.pattern import check, normalise


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("n", [1, 2, 3, 17, 64])
def test_every_baseline_is_a_pattern(n, causal):
    given = baselines(n, causal=causal)
    assert check(given.patterns, causal=causal).shape == (len(given.kind), n, n)
    assert len(given.name) == len(given.kind) == 2 * SEEDS + 4 + 286
    assert set(given.kind) == set(KINDS)


def test_single_baselines_by_hand():
    assert single("self", 3, causal=True).tolist() == np.eye(3).tolist()
    assert single("previous", 3, causal=True).tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert single("first token", 3, causal=False).tolist() == [[1, 0, 0]] * 3
    assert single("uniform", 2, causal=True).tolist() == [[1, 0], [0.5, 0.5]]
    assert single("uniform", 2, causal=False).tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_random_baselines_are_one_hot_seeded_and_causal():
    given = baselines(50, causal=True)
    kinds = np.array(given.kind)
    for kind in ("random token", "random column"):
        draws = given.patterns[kinds == kind]
        assert ((draws == 0) | (draws == 1)).all()
        assert len({draw.tobytes() for draw in draws}) > 1
    columns = given.patterns[kinds == "random column"]
    for draw in columns:
        column = int(draw[-1].argmax())
        assert (draw[column:, column] == 1).all()
        assert (draw[:column, 0] == 1).all()
    baselines.cache_clear()
    assert (baselines(50, causal=True).patterns == given.patterns).all()


def test_random_token_draws_average_to_uniform():
    given = baselines(12, causal=True, seeds=600)
    mean = given.patterns[np.array(given.kind) == "random token"].mean(axis=0)
    assert np.abs(mean - single("uniform", 12, causal=True)).max() < 0.1


def test_mixtures_cover_the_simplex_in_tenths():
    weights = mixture_weights()
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert len({tuple(row) for row in weights.round(1)}) == len(weights) == 286
    given = baselines(9, causal=True)
    index = given.name.index("mixture of 0.3 self, 0.7 first token")
    expected = 0.3 * single("self", 9, causal=True) + 0.7 * single("first token", 9, causal=True)
    np.testing.assert_allclose(given.patterns[index], expected, atol=1e-7)


def test_the_choice_is_the_best_mixture_and_the_best_kind():
    n = 30
    rng = np.random.default_rng(4)
    true = 0.2 * np.eye(n) + 0.5 * single("first token", n, causal=True) + 0.3 * single("previous", n, causal=True)
    heads = normalise(np.stack([true, np.eye(n), rng.random((n, n))]), causal=True)
    given = baselines(n, causal=True)
    table = np.array([[scoring.iou(pattern, head) for head in heads] for pattern in given.patterns])
    choice = choose_baselines(table, given.kind)
    best = [given.name[p] for p in choice.pattern[:, KINDS.index("mixture")]]
    assert best[0] == "mixture of 0.2 self, 0.3 previous, 0.5 first token"
    assert [KINDS[k] for k in choice.best[:2]] == ["mixture", "self"]
    assert (choice.pattern[:, :2] == -1).all()
    random = table[np.array(given.kind) == "random token"].mean(axis=0)
    np.testing.assert_allclose(choice.train_iou[:, 0], random)
    assert (choice.train_iou.max(axis=1) == choice.train_iou[np.arange(3), choice.best]).all()
    np.testing.assert_allclose(by_kind(table, given.kind, choice.pattern), choice.train_iou)


def test_bad_settings_are_refused():
    for call, code in (
        (lambda: single("last token", 3, causal=True), "E0536"),
        (lambda: baselines(3, causal=True, seeds=0), "E0536"),
        (lambda: baselines(0, causal=True), "E0530"),
    ):
        with pytest.raises(DiagnosticError) as caught:
            call()
        assert caught.value.diagnostics[0].code == code
