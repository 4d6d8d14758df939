"""Replacement at the attention weights: identity, batches, errors, restoration; on every family, with random models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from replaced import first_token, logits, self_token, uniform
from tiny import CAUSAL, ENCODERS, GQA, random_ids, tiny_model

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.models.extract import patterns_of
from attndsl.models.inject import inject, replace_heads
from attndsl.models.layout import find_layout

pytestmark = pytest.mark.integration

EVERY = (*CAUSAL, *ENCODERS)
IDENTITY = 1e-4


def heads_of(model: Any) -> list[tuple[int, int]]:
    return [(layer, head) for layer, count in find_layout(model).heads_per_layer.items() for head in range(count)]


def own_provider(model: Any, heads: Sequence[tuple[int, int]]) -> Any:
    """The model's own patterns, computed by a twin in eager attention that nothing replaces."""
    layout = find_layout(model)
    import copy

    twin = copy.deepcopy(model)
    twin_layout = find_layout(twin)
    assert twin_layout.layers == layout.layers
    return lambda ids: patterns_of(twin, ids, heads, layout=twin_layout)


@pytest.mark.parametrize("attention", [None, "eager"])
@pytest.mark.parametrize("name", EVERY)
def test_empty_replacement_changes_nothing_at_all(name: str, attention: str | None) -> None:
    model = tiny_model(name, attention=attention)
    ids = random_ids(2, 12)
    plain = logits(model, ids)
    with replace_heads(model, None, {}):
        assert torch.equal(logits(model, ids), plain)
    assert torch.equal(logits(model, ids), plain)


@pytest.mark.parametrize("name", EVERY)
def test_own_patterns_in_every_head_keep_the_logits(name: str) -> None:
    model = tiny_model(name)
    heads = heads_of(model)
    ids = random_ids(1, 14)
    plain = logits(model, ids)
    with inject(model, heads, own_provider(model, heads)):
        replaced = logits(model, ids)
    assert (replaced - plain).abs().max() <= IDENTITY
    with inject(model, heads[1::3], own_provider(model, heads[1::3])):
        assert (logits(model, ids) - plain).abs().max() <= IDENTITY


@pytest.mark.parametrize("name", EVERY)
def test_own_patterns_in_bfloat16(name: str) -> None:
    model = tiny_model(name, attention="eager", dtype=torch.bfloat16)
    heads = heads_of(model)
    ids = random_ids(1, 14)
    plain = logits(model, ids)
    with inject(model, heads, own_provider(model, heads)):
        assert torch.equal(logits(model, ids), plain)  # the same weights in the same arithmetic


@pytest.mark.parametrize("name", EVERY)
def test_other_heads_are_bit_for_bit_as_before(name: str) -> None:
    """Replacing a head in the last layer must leave the other heads' outputs of that layer untouched."""
    model = tiny_model(name)
    layout = find_layout(model)
    last = layout.layers[-1].layer
    ids = random_ids(1, 5)
    outputs: list[torch.Tensor] = []
    from attndsl.models import replacement

    original = replacement.Replacement.attend

    def recording(self: Any, module: Any, *args: Any, **kwargs: Any) -> Any:
        found = original(self, module, *args, **kwargs)
        outputs.append(found[0].detach().clone())
        return found

    replacement.Replacement.attend = recording  # type: ignore[method-assign]
    try:
        with replace_heads(model, None, {}):
            logits(model, ids)
        before, outputs = list(outputs), []
        with replace_heads(model, None, {(last, 1): first_token}):
            logits(model, ids)
    finally:
        replacement.Replacement.attend = original  # type: ignore[method-assign]
    kept = [0, 2, 3]
    assert torch.equal(before[-1][:, :, kept], outputs[-1][:, :, kept])
    assert not torch.equal(before[-1][:, :, 1], outputs[-1][:, :, 1])
    # Attending to the first token gives its value vector at every query: all rows of the head are equal.
    assert torch.allclose(outputs[-1][:, :, 1], outputs[-1][:, :1, 1].expand_as(outputs[-1][:, :, 1]))


@pytest.mark.parametrize("name", GQA)
def test_grouped_heads_use_their_own_value_head(name: str) -> None:
    model = tiny_model(name)
    layout = find_layout(model)
    assert layout[0].kv_heads == 2
    assert layout[0].heads == 4
    ids = random_ids(1, 5)
    captured: list[tuple[torch.Tensor, torch.Tensor]] = []
    from attndsl.models import replacement

    original = replacement.Replacement.attend

    def recording(self: Any, module: Any, query: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        found = original(self, module, query, key, value, *args, **kwargs)
        captured.append((value, found[0]))
        return found

    replacement.Replacement.attend = recording  # type: ignore[method-assign]
    try:
        with replace_heads(model, None, dict.fromkeys([(0, h) for h in (3, 0, 2, 1)], self_token)):
            logits(model, ids)
    finally:
        replacement.Replacement.attend = original  # type: ignore[method-assign]
    value, output = captured[0]
    for head in range(4):
        assert torch.equal(output[:, :, head], value[:, head // 2])


# DistilBERT takes no position ids, so on its left a padded text is another text to the model itself.
@pytest.mark.parametrize(
    ("name", "side"), [(n, s) for n in EVERY for s in ("left", "right") if (n, s) != ("distilbert", "left")]
)
def test_padded_batches_equal_single_texts(name: str, side: str) -> None:
    model = tiny_model(name)
    layout = find_layout(model)
    program = uniform if layout.causal else (lambda ids, tok: np.full((len(ids), len(ids)), 1 / len(ids), np.float32))
    programs = dict.fromkeys([(0, 1), (1, 0), (1, 3), (2, 2)], program)
    lengths = (9, 4, 6)
    rows = [random_ids(1, n, seed=n)[0] for n in lengths]
    batch, mask = torch.zeros(3, 9, dtype=torch.long), torch.zeros(3, 9, dtype=torch.long)
    if name == "roberta":
        batch += model.config.pad_token_id
    for row, ids in enumerate(rows):
        where = slice(9 - len(ids), 9) if side == "left" else slice(0, len(ids))
        batch[row, where], mask[row, where] = ids, 1
    options: dict[str, Any] = {"attention_mask": mask}
    if name not in ("roberta", "opt"):  # these two count positions by themselves, from the padding
        position = (mask.cumsum(-1) - 1).clamp(min=0)
        if name != "distilbert":
            options["position_ids"] = position
    with replace_heads(model, None, programs, outside_window="renormalize"):
        together = logits(model, batch, **options)
        for row, ids in enumerate(rows):
            alone = logits(model, ids[None])[0]
            assert (together[row][mask[row].bool()] - alone).abs().max() <= 2e-5


@pytest.mark.parametrize("name", EVERY)
def test_the_model_is_as_before_after_an_exception(name: str) -> None:
    from transformers import AttentionInterface, AttentionMaskInterface

    model = tiny_model(name)
    implementation = model.config._attn_implementation
    ids = random_ids(1, 6)
    plain = logits(model, ids)
    registered = dict(AttentionInterface._global_mapping), dict(AttentionMaskInterface._global_mapping)
    attributes = set(model.__dict__), len(model.base_model._forward_pre_hooks), len(model.base_model._forward_hooks)

    def broken(ids: Sequence[int], tokenizer: Any) -> np.ndarray:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), replace_heads(model, None, {(0, 0): broken}):
        logits(model, ids)
    assert model.config._attn_implementation == implementation
    assert registered == (dict(AttentionInterface._global_mapping), dict(AttentionMaskInterface._global_mapping))
    assert attributes == (
        set(model.__dict__), len(model.base_model._forward_pre_hooks), len(model.base_model._forward_hooks)
    )  # fmt: skip
    assert torch.equal(logits(model, ids), plain)


def test_nested_replacements_add_up_and_come_off_one_by_one() -> None:
    model = tiny_model("llama")
    ids = random_ids(1, 8)
    plain = logits(model, ids)
    with replace_heads(model, None, {(0, 0): first_token, (1, 1): uniform}):
        both_at_once = logits(model, ids)
    with replace_heads(model, None, {(0, 0): first_token}):
        outer = logits(model, ids)
        assert (outer - plain).abs().max() > 1e-2  # a replacement is felt
        with replace_heads(model, None, {(1, 1): uniform}):
            assert torch.equal(logits(model, ids), both_at_once)
        assert torch.equal(logits(model, ids), outer)
        with replace_heads(model, None, {(0, 0): uniform}):  # the inner one wins
            inner = logits(model, ids)
    with replace_heads(model, None, {(0, 0): uniform}):
        assert torch.equal(logits(model, ids), inner)
    assert torch.equal(logits(model, ids), plain)


def test_an_implementation_changed_inside_is_an_error_and_is_put_back() -> None:
    model = tiny_model("llama")
    with pytest.raises(DiagnosticError, match="E0637"), replace_heads(model, None, {(0, 0): first_token}):
        model.set_attn_implementation("eager")
    assert model.config._attn_implementation == "sdpa"


def test_weight_after_the_query_is_fine_in_a_bidirectional_model() -> None:
    model = tiny_model("bert")
    with replace_heads(model, None, {(0, 0): lambda ids, tok: np.eye(len(ids))[::-1].copy()}):
        assert torch.isfinite(logits(model, random_ids(1, 7))).all()


def test_programs_with_the_method_and_plain_functions_are_the_same() -> None:
    class Program:
        def pattern_of_ids(self, ids: Sequence[int], tokenizer: Any) -> np.ndarray:
            assert tokenizer == "the tokenizer"
            return uniform(ids)

    model = tiny_model("gpt2")
    ids = random_ids(1, 7)
    with replace_heads(model, "the tokenizer", {(0, 0): Program()}):
        by_method = logits(model, ids)
    with replace_heads(model, None, {(0, 0): uniform}):
        assert torch.equal(logits(model, ids), by_method)


def test_weights_that_the_model_returns_show_the_replacement() -> None:
    model = tiny_model("gpt2", attention="eager")
    ids = random_ids(1, 7)
    with replace_heads(model, None, {(1, 2): uniform}), torch.no_grad():
        weights = model(ids, output_attentions=True).attentions
    assert np.allclose(weights[1][0, 2], uniform(range(7)))


def test_gradients_flow_through_a_replaced_head() -> None:
    model = tiny_model("llama")
    with replace_heads(model, None, {(0, 0): uniform}):
        loss = model(random_ids(1, 7)).logits.square().mean()
        loss.backward()
    assert model.model.layers[0].self_attn.v_proj.weight.grad[:8].abs().max() > 0


def test_an_implementation_of_the_user_keeps_working_in_the_other_heads() -> None:
    """A registered function that is not ours: layers without replaced heads, and other heads, go through it."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import sdpa_mask

    calls: list[int] = []

    def counted(module: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(module.layer_idx)
        return sdpa_attention_forward(module, *args, **kwargs)

    model = tiny_model("llama")
    ids = random_ids(1, 7)
    plain = logits(model, ids)
    AttentionInterface.register("counted", counted)
    AttentionMaskInterface.register("counted", sdpa_mask)
    try:
        model.set_attn_implementation("counted")
        layout = find_layout(model)
        calls.clear()
        with inject(model, [(1, h) for h in range(4)], lambda i: [uniform(i)] * 4, layout=layout):
            logits(model, ids)
        assert calls == [0, 2]  # the whole of layer 1 is replaced: its own attention does not run
        assert torch.equal(logits(model, ids), plain)
    finally:
        AttentionInterface._global_mapping.pop("counted")
        AttentionMaskInterface._global_mapping.pop("counted")
