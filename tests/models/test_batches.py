"""Patterns of some heads in batches are those of one text at a time, and no layer beyond the last one runs."""

from __future__ import annotations

from typing import Any

import pytest
import tiny
import torch

from attndsl.models.batches import HeadPatterns
from attndsl.models.extract import patterns_of
from attndsl.models.interface import implementation_of
from attndsl.models.layout import find_layout
from attndsl.models.load import LoadedModel, describe

pytestmark = pytest.mark.integration

ROUNDING = 2e-5  # sums of a padded batch are taken in another order


def loaded(name: str) -> LoadedModel:
    model = tiny.tiny_model(name, attention="eager")
    layout = find_layout(model)
    tokenizer: Any = tiny.byte_bpe() if name in tiny.CAUSAL else tiny.wordpiece()
    return LoadedModel(model, tokenizer, describe(model, layout), layout)


@pytest.mark.parametrize("name", [*tiny.CAUSAL, *tiny.ENCODERS])
def test_a_batch_gives_what_one_text_gives(name: str) -> None:
    at = loaded(name)
    heads = [(0, 1), (2, 3), (2, 0)]
    texts = [tiny.random_ids(1, n, seed=n)[0].tolist() for n in (9, 3, 17, 9, 1)]
    for found, ids in zip(HeadPatterns(at, heads)(texts), texts, strict=True):
        expected = patterns_of(at.model, ids, heads, layout=at.layout)
        assert found.shape == (3, len(ids), len(ids))
        assert torch.allclose(torch.from_numpy(found), expected, atol=ROUNDING)


def test_later_layers_do_not_run() -> None:
    at = loaded("llama")
    calls: list[int] = []
    for layer, block in enumerate(at.model.model.layers):
        block.mlp.register_forward_hook(lambda *_, layer=layer: calls.append(layer))
    HeadPatterns(at, [(1, 0)])([[5, 6, 7]])
    assert calls == [0]


def test_the_model_is_as_before() -> None:
    at = loaded("gpt2")
    before = implementation_of(at.model)
    ids = torch.tensor([[5, 6, 7]])
    expected = at.model(ids).logits
    HeadPatterns(at, [(0, 0)])([[5, 6, 7], [8, 9]])
    assert implementation_of(at.model) == before
    assert torch.equal(at.model(ids).logits, expected)


def test_many_texts_take_few_passes() -> None:
    patterns = HeadPatterns(loaded("gpt2"), [(2, 0)])
    patterns([[5] * 16] * 64)
    assert patterns.passes == 2
