"""Models on an accelerator: patterns, losses, replacement and decoding as on the CPU. ``pytest -m gpu``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from replaced import first_token, logits
from tiny import CAUSAL, ENCODERS, byte_bpe, random_ids, tiny_model

from attndsl.models.extract import patterns_of
from attndsl.models.inject import inject, replace_heads
from attndsl.models.layout import find_layout
from attndsl.models.perplexity import losses

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.integration,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no accelerator"),
]

ROUNDING = 2e-4
"""Logits on the two devices: float32, sums in another order, no TF32."""
TEXTS = ["The fox ran to the river, so the fox sang.", '"Come home," said the mother.']


def heads_of(model: Any) -> list[tuple[int, int]]:
    return [(layer, head) for layer, count in find_layout(model).heads_per_layer.items() for head in range(count)]


@pytest.mark.parametrize("name", [*CAUSAL, *ENCODERS])
def test_patterns_are_those_of_the_cpu(name: str) -> None:
    ids = random_ids(1, 14)[0].tolist()
    model = tiny_model(name)
    wanted = patterns_of(model, ids, heads_of(model))
    found = patterns_of(model.to("cuda"), ids, heads_of(model))
    np.testing.assert_allclose(np.asarray(found), np.asarray(wanted), atol=1e-5)


@pytest.mark.parametrize("name", [*CAUSAL, *ENCODERS])
def test_own_patterns_in_every_head_keep_the_logits(name: str) -> None:
    ids = random_ids(1, 14)
    model = tiny_model(name)
    heads = heads_of(model)
    own = patterns_of(model, ids[0].tolist(), heads)
    model, ids = model.to("cuda"), ids.to("cuda")
    plain = logits(model, ids)
    with inject(model, heads, lambda _: torch.as_tensor(np.asarray(own))):
        replaced = logits(model, ids)
    assert replaced.device.type == "cuda"
    assert (replaced - plain).abs().max() <= ROUNDING
    assert torch.equal(logits(model, ids), plain)


@pytest.mark.parametrize("flex", [None, "eager", "compiled"])
@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_losses_with_programs_in_heads_are_those_of_the_cpu(family: str, flex: Any, library: Any) -> None:
    found = []
    for device in ("cpu", "cuda"):
        model = tiny_model(family).to(device)
        names = ("copies and decay", "softmax" if flex is None else "less")  # a softmax is no score modification
        programs = {head: library[name] for head, name in zip([(0, 1), (1, 0)], names, strict=True)}
        with replace_heads(model, byte_bpe(), programs, flex=flex if device == "cuda" else None):
            found.append(losses(model, byte_bpe(), TEXTS).nll)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_decoding_with_a_cache_gives_the_tokens_of_the_cpu(name: str, library: Any) -> None:
    ids = torch.tensor([byte_bpe()(TEXTS[0])["input_ids"]])
    found = []
    for device in ("cpu", "cuda"):
        model = tiny_model(name).to(device)
        with replace_heads(model, byte_bpe(), {(0, 1): library["copies and decay"], (1, 0): first_token}):
            made = model.generate(ids.to(device), max_new_tokens=12, do_sample=False)
        found.append(made.cpu())
    assert torch.equal(found[0], found[1])
