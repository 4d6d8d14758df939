"""Losses and the perplexity curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from tiny import LINES, byte_bpe, tiny_model, wordpiece

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.models.inject import replace_heads
from attndsl.models.perplexity import losses, perplexity_curve

pytestmark = pytest.mark.integration


def uniform(ids: Sequence[int], tokenizer: Any = None) -> np.ndarray:
    lower = np.tril(np.ones((len(ids), len(ids)), np.float32))
    return lower / lower.sum(1, keepdims=True)


def test_losses_are_those_the_model_itself_reports() -> None:
    model, tokenizer = tiny_model("gpt2"), byte_bpe()
    found = losses(model, tokenizer, LINES[:3])
    for line, nll, tokens in zip(LINES, found.nll, found.tokens, strict=False):
        ids = torch.tensor([tokenizer(line)["input_ids"]])
        with torch.no_grad():
            wanted = model(ids, labels=ids).loss
        assert tokens == ids.shape[1] - 1
        assert nll / tokens == pytest.approx(float(wanted), rel=1e-5)
    assert found.perplexity == pytest.approx(math.exp(found.nll.sum() / found.tokens.sum()))
    assert np.allclose(found.mean_nll, found.nll / found.tokens)
    long_first = losses(model, tokenizer, [LINES[1], "The fox"])  # token-weighted: the short text hardly counts
    assert long_first.perplexity != pytest.approx(math.exp(long_first.mean_nll.mean()), rel=1e-3)


def test_the_curve_replaces_the_first_heads_first() -> None:
    model, tokenizer = tiny_model("llama"), byte_bpe()
    order = [(layer, head) for head in range(4) for layer in (2, 0, 1)]
    asked: list[tuple[tuple[int, int], ...]] = []

    def provider_for(heads: Sequence[tuple[int, int]]) -> Any:
        asked.append(tuple(heads))
        return lambda ids: np.stack([uniform(ids)] * len(heads))

    done: list[tuple[int, int]] = []
    points = perplexity_curve(
        model, tokenizer, LINES[:2], order, provider_for, (0, 0.25, 1), progress=lambda *a: done.append(a)
    )
    assert asked == [tuple(order[:3]), tuple(order)]
    assert [len(point.heads) for point in points] == [0, 3, 12]
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert points[0].increase == 0
    with replace_heads(model, tokenizer, dict.fromkeys(order[:3], uniform)):
        assert losses(model, tokenizer, LINES[:2]).perplexity == pytest.approx(points[1].losses.perplexity)
    plain = losses(model, tokenizer, LINES[:2])
    assert np.array_equal(plain.nll, points[0].losses.nll)
    assert points[2].increase == pytest.approx(points[2].losses.perplexity / plain.perplexity - 1)


def test_models_and_texts_without_a_perplexity() -> None:
    with pytest.raises(DiagnosticError, match=r"E0639.*BertForMaskedLM"):
        losses(tiny_model("bert"), wordpiece(), LINES)
    with pytest.raises(DiagnosticError, match=r"E0639.*BertModel"):
        losses(tiny_model("bert").bert, wordpiece(), LINES)
    with pytest.raises(DiagnosticError, match=r"E0639.*BertForMaskedLM"):
        perplexity_curve(tiny_model("bert"), wordpiece(), LINES, [], lambda heads: lambda ids: None)
    with pytest.raises(DiagnosticError, match=r"E0639.*one token"):
        losses(tiny_model("gpt2"), byte_bpe(), ["a"])
    with pytest.raises(DiagnosticError, match=r"E0639.*no text"):
        losses(tiny_model("gpt2"), byte_bpe(), [])
