"""The Triton kernel against plain numpy: in Triton's interpreter where it is installed, and on a GPU where one is."""

import importlib.util
import os

import numpy as np
import pytest
import torch

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.runtime import allpairs_triton
from attndsl.runtime.allpairs import sum_error
from attndsl.runtime.allpairs_triton import min_sums_triton, runs_on
from attndsl.runtime.packing import empty_packed, layout, pack_into
from attndsl.runtime.pattern import normalise
from attndsl.runtime.scorer import Scorer

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
INSTALLED = importlib.util.find_spec("triton") is not None
DEVICE = "cpu" if INTERPRETED else "cuda"
needs_kernel = pytest.mark.skipif(
    not INSTALLED or not (INTERPRETED or torch.cuda.is_available()),
    reason="no Triton, or neither its interpreter (TRITON_INTERPRET=1) nor a GPU",
)


def packed(patterns, causal, precision="float32"):
    result = empty_packed(layout(patterns.shape[1], causal, 16), precision, len(patterns))
    pack_into(result, 0, patterns)
    return result


def stacks(n, causal, programs=40, heads=5):
    rng = np.random.default_rng(n)
    return [normalise(rng.random((count, n, n)) ** 5 - 0.05, causal=causal) for count in (programs, heads)]


@needs_kernel
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("n", [1, 2, 19, 40])
def test_sums_are_within_the_bound_that_selection_uses(n, causal, monkeypatch):
    a, b = stacks(n, causal)
    monkeypatch.setattr(allpairs_triton, "DEVICE_BYTES", 0)  # a tile of programs at once: 32 and 8
    left, right = packed(a, causal), packed(b, causal)
    exact = np.minimum(a[:, None], b[None]).sum(axis=(2, 3), dtype=np.float64)
    found = min_sums_triton(left, right, device=DEVICE)
    assert found.shape == exact.shape
    assert (np.abs(found - exact) <= sum_error(left, right, exact)).all()


@needs_kernel
def test_the_scorer_chooses_as_in_float64():
    a, b = stacks(23, True)
    a[7] = a[3]  # a tie, which the exact pass gives to the earlier one
    with Scorer(len(a), len(b)) as exact, Scorer(len(a), len(b), precision="float32", device=DEVICE) as scorer:
        exact.add_sentence(a, b)
        scorer.add_sentence(a, b)
        scorer.rescore(0, a, np.arange(len(a)), b)
        np.testing.assert_array_equal(scorer.choice().program, exact.choice().program)
        np.testing.assert_allclose(scorer.choice().mean_iou, exact.choice().mean_iou, atol=1e-12)


def test_without_a_kernel_float32_on_a_device_is_refused(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    a, b = stacks(5, True)
    assert not runs_on("cpu")
    for call, code in (
        (lambda: Scorer(9, 4, device="cpu", precision="float32"), "E0536"),
        (lambda: min_sums_triton(packed(a, True), packed(b, True), device="cpu"), "E0536"),
        (lambda: min_sums_triton(packed(a, True, "float64"), packed(b, True, "float64")), "E0533"),
    ):
        with pytest.raises(DiagnosticError) as caught:
            call()
        assert caught.value.diagnostics[0].code == code
