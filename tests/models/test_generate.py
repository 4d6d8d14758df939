"""Decoding with replaced heads: a key-value cache changes nothing, in any family, with padding, beams, any cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from tiny import CAUSAL, WINDOWED, random_ids, tiny_model

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.models.inject import inject, replace_heads

pytestmark = pytest.mark.integration

CACHED = 2e-5  # float32 rounding: a decoding step multiplies matrices of other shapes than the whole text does


def near(ids: Sequence[int], tokenizer: Any) -> np.ndarray:
    """Stays within three tokens, so inside every sliding window; depends on the ids."""
    n = len(ids)
    weights = np.tril(np.ones((n, n), np.float32)) * np.triu(np.ones((n, n), np.float32), -2)
    weights *= 1 + np.asarray(ids, np.float32)[None, :] % 3
    return weights / weights.sum(1, keepdims=True)


PROGRAMS = {(0, 1): near, (1, 0): near, (1, 2): near, (2, 3): near}


def generate(model: Any, ids: torch.Tensor, mask: torch.Tensor | None = None, **options: Any) -> torch.Tensor:
    mask = torch.ones_like(ids) if mask is None else mask
    found: torch.Tensor = model.generate(
        ids, attention_mask=mask, **{"max_new_tokens": 12, "min_new_tokens": 12, "do_sample": False, **options}
    )
    return found


@pytest.mark.parametrize("name", CAUSAL)
def test_generation_is_the_same_with_and_without_a_cache(name: str) -> None:
    model = tiny_model(name)
    ids = random_ids(2, 6)
    plain = generate(model, ids)
    with replace_heads(model, None, PROGRAMS):
        cached = generate(model, ids, use_cache=True)
        assert torch.equal(cached, generate(model, ids, use_cache=False))
        with torch.no_grad():
            replaced = model(ids).logits
    assert torch.equal(generate(model, ids), plain)
    with torch.no_grad():  # the heads replaced matter, else no error in them would show
        assert (model(ids).logits - replaced).abs().max() > 1e-3


@pytest.mark.parametrize("name", CAUSAL)
def test_scores_of_each_step_equal_those_of_the_whole_text(name: str) -> None:
    model = tiny_model(name)
    ids = random_ids(1, 6)
    with replace_heads(model, None, PROGRAMS):
        out = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=10, do_sample=False,
            return_dict_in_generate=True, output_logits=True,
        )  # fmt: skip
        with torch.no_grad():
            whole = model(out.sequences, use_cache=False).logits
    steps = torch.stack(out.logits, dim=1)
    assert (steps - whole[:, 5 : 5 + steps.shape[1]]).abs().max() <= CACHED


@pytest.mark.parametrize("name", CAUSAL)
def test_left_padded_batches_generate_as_single_texts(name: str) -> None:
    model = tiny_model(name)
    rows = [random_ids(1, 7, seed=1), random_ids(1, 3, seed=2)]
    batch, mask = torch.zeros(2, 7, dtype=torch.long), torch.zeros(2, 7, dtype=torch.long)
    for row, ids in enumerate(rows):
        batch[row, 7 - ids.shape[1] :], mask[row, 7 - ids.shape[1] :] = ids[0], 1
    with replace_heads(model, None, PROGRAMS):
        together = generate(model, batch, mask)
        for row, ids in enumerate(rows):
            assert torch.equal(together[row, 7:], generate(model, ids)[0, ids.shape[1] :])


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
def test_beams(name: str) -> None:
    model = tiny_model(name)
    ids = random_ids(2, 5)
    with replace_heads(model, None, PROGRAMS):
        cached = generate(model, ids, num_beams=3, use_cache=True)
        assert torch.equal(cached, generate(model, ids, num_beams=3, use_cache=False))


@pytest.mark.parametrize("name", ["llama", "mistral", "gemma3"])
def test_static_cache(name: str) -> None:
    model = tiny_model(name)
    ids = random_ids(2, 6)
    with replace_heads(model, None, PROGRAMS):
        assert torch.equal(generate(model, ids, cache_implementation="static"), generate(model, ids, use_cache=False))


@pytest.mark.parametrize("name", WINDOWED)
def test_what_a_sliding_window_forgets(name: str) -> None:
    model = tiny_model(name)
    ids = random_ids(1, 6)

    def spread(ids: Sequence[int], tokenizer: Any) -> np.ndarray:
        lower = np.tril(np.ones((len(ids), len(ids)), np.float32))
        return lower / lower.sum(1, keepdims=True)

    everywhere = dict.fromkeys(PROGRAMS, spread)
    for use_cache in (True, False):
        with replace_heads(model, None, everywhere), pytest.raises(DiagnosticError, match="E0635"):
            generate(model, ids, use_cache=use_cache)
    with replace_heads(model, None, everywhere, outside_window="renormalize"):
        assert torch.equal(generate(model, ids, use_cache=True), generate(model, ids, use_cache=False))


def test_a_loop_with_its_own_cache() -> None:
    model = tiny_model("llama")
    ids = random_ids(1, 6)
    with replace_heads(model, None, PROGRAMS), torch.no_grad():
        whole = model(ids, use_cache=False).logits
        out = model(ids[:, :3], use_cache=True)
        steps = [out.logits]
        for at in range(3, 6):
            out = model(ids[:, at : at + 1], past_key_values=out.past_key_values, use_cache=True)
            steps.append(out.logits)
    assert (torch.cat(steps, 1) - whole).abs().max() <= CACHED


@pytest.mark.parametrize("edit", ["crop", "reorder", "outside"])
def test_a_cache_that_was_edited_is_an_error(edit: str) -> None:
    model = tiny_model("llama")
    ids = random_ids(2, 6)
    with torch.no_grad():
        outside = model(ids, use_cache=True).past_key_values
        with replace_heads(model, None, PROGRAMS):
            cache = model(ids, use_cache=True).past_key_values
            if edit == "crop":
                cache.crop(-2)
            elif edit == "reorder":
                cache.reorder_cache(torch.tensor([1, 0]))
            with pytest.raises(DiagnosticError, match=r"E0631.*tokens in the key-value cache"):
                model(ids[:, :1], past_key_values=outside if edit == "outside" else cache)


def test_a_provider_may_give_only_the_last_rows() -> None:
    class Provider:
        def __init__(self) -> None:
            self.whole = self.rows = 0

        def __call__(self, ids: Sequence[int]) -> np.ndarray:
            self.whole += 1
            return np.stack([program(ids, None) for program in PROGRAMS.values()])

        def last_rows(self, ids: Sequence[int], count: int) -> np.ndarray:
            self.rows += 1
            return np.stack([program(ids, None)[-count:] for program in PROGRAMS.values()])

    model = tiny_model("gpt2")
    ids = random_ids(1, 6)
    provider = Provider()
    with inject(model, list(PROGRAMS), provider):
        with_rows = generate(model, ids)
    assert (provider.whole, provider.rows) == (1, 11)
    with replace_heads(model, None, PROGRAMS):
        assert torch.equal(generate(model, ids), with_rows)
