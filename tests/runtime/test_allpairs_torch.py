"""The torch path against plain numpy, on the CPU here and on a GPU where there is one."""

import numpy as np
import pytest
import torch

import attndsl.runtime.allpairs_torch as allpairs_torch
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.runtime.allpairs_torch import min_sums_torch
from attndsl.runtime.packing import empty_packed, layout, pack_into
from attndsl.runtime.pattern import normalise
from attndsl.runtime.scorer import Scorer

NO_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no accelerator")
DEVICES = ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, NO_GPU])]


def packed(patterns, causal, precision="float64", lanes=16):
    result = empty_packed(layout(patterns.shape[1], causal, lanes), precision, len(patterns))
    pack_into(result, 0, patterns)
    return result


def stacks(n, causal):
    rng = np.random.default_rng(n)
    return [normalise(rng.random((count, n, n)) ** 5 - 0.05, causal=causal) for count in (9, 4)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("n", [1, 2, 19, 40])
def test_sums_equal_numpy(n, causal, device, monkeypatch):
    a, b = stacks(n, causal)
    monkeypatch.setattr(allpairs_torch, "DEVICE_BYTES", 8 * layout(n, causal, 16).size * 4)
    exact = np.minimum(a[:, None], b[None]).sum(axis=(2, 3), dtype=np.float64)
    found = min_sums_torch(packed(a, causal), packed(b, causal), device=device)
    np.testing.assert_allclose(found, exact, atol=1e-11)


@pytest.mark.parametrize("device", DEVICES)
def test_the_scorer_gives_the_same_figures_on_a_device(device):
    a, b = stacks(23, True)
    results = []
    for where in (None, device):
        with Scorer(9, 4, device=where) as scorer:
            scorer.add_sentence(a, b)
            results.append(scorer.choice())
    assert (results[0].program == results[1].program).all()
    np.testing.assert_allclose(results[0].mean_iou, results[1].mean_iou, atol=1e-12)


def test_what_torch_cannot_do_is_refused():
    a, b = stacks(5, True)
    for call, code in (
        (lambda: min_sums_torch(packed(a, True, "int16"), packed(b, True, "int16")), "E0533"),
        (lambda: min_sums_torch(packed(a, True), packed(b, True, lanes=32)), "E0533"),
        (lambda: min_sums_torch(packed(a, True), packed(b, True), device="nonsense"), "E0536"),
        (lambda: Scorer(9, 4, device="cpu", precision="int16"), "E0536"),
    ):
        with pytest.raises(DiagnosticError) as caught:
            call()
        assert caught.value.diagnostics[0].code == code
