"""Replaced heads in linear time inside models: the outputs of dense replacement, and nothing else has moved."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from replaced import logits
from tiny import CAUSAL, byte_bpe, tiny_model

from attndsl.models import linear
from attndsl.models.inject import inject
from attndsl.models.layout import find_layout
from attndsl.runtime.library import load_library
from attndsl.runtime.surrogates import Surrogates

pytestmark = pytest.mark.integration

ROUNDING = 2e-5  # float32: the sums of the linear forms run in another order

PROGRAMS = """
head "first and previous" causal
add 0.5 to first
add 0.3 to q - 1
normalize rows

head "copies and decay" causal
share 0.5 over each k before q where k.text == q.text
share 0.5 over each k by 0.8 ** (q - k)
normalize rows

head "softmax" causal
add 1 to each k where k.is_punct
softmax rows
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    file = tmp_path_factory.mktemp("programs") / "p.attn"
    file.write_text(PROGRAMS)
    return load_library([file])


def batch(lengths: tuple[int, ...], side: str) -> tuple[torch.Tensor, torch.Tensor]:
    texts = ["The fox ran to the river, and the river sang to the fox.", "Every day the fox counts: one, two."]
    rows = [byte_bpe()(text)["input_ids"][:n] for text, n in zip(texts, lengths, strict=False)]
    width = max(map(len, rows))
    ids, mask = torch.zeros(len(rows), width, dtype=torch.long), torch.zeros(len(rows), width, dtype=torch.long)
    for row, found in enumerate(rows):
        where = slice(width - len(found), width) if side == "left" else slice(0, len(found))
        ids[row, where], mask[row, where] = torch.tensor(found), 1
    return ids, mask


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    original = linear.outputs

    def outputs(forms: Any, *args: Any) -> Any:
        calls.append(len(forms[0]))
        return original(forms, *args)

    monkeypatch.setattr("attndsl.models.replacement.outputs", outputs)
    return calls


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", CAUSAL)
def test_linear_and_dense_replacement_agree(
    name: str, side: str, programs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_model(name)
    ids, mask = batch((9, 5), side)
    options: dict[str, Any] = {"attention_mask": mask}
    if name != "opt":
        options["position_ids"] = (mask.cumsum(-1) - 1).clamp(min=0)
    first, copies = programs["first and previous"], programs["copies and decay"]
    chosen = {(0, 1): first, (1, 0): copies, (1, 1): first, (1, 2): copies, (1, 3): copies, (2, 3): first}
    calls = counted(monkeypatch)
    found = []
    for use_linear in (True, False):
        provider = Surrogates(
            list(chosen.values()), True, byte_bpe(), linear_from=0, linear=use_linear, backend="numpy"
        )
        with inject(model, list(chosen), provider, outside_window="renormalize"):
            found.append(logits(model, ids, **options, use_cache=False)[mask.bool()])
    assert (found[0] - found[1]).abs().max() <= ROUNDING
    # Eager attention gives weights and a window hides keys that a program may look at: both need patterns.
    assert bool(calls) != (name in ("gemma2", "mistral"))


def test_other_heads_are_bit_for_bit_as_before(programs: Any) -> None:
    """In the last layer the heads that stay go through the model's attention alone, and give what they gave."""
    model = tiny_model("llama")
    ids, _ = batch((12,), "right")
    outputs: list[torch.Tensor] = []
    watched = model.model.layers[2].self_attn.o_proj.register_forward_pre_hook(
        lambda module, args: outputs.append(args[0].detach().clone())
    )
    layout = find_layout(model)
    logits(model, ids)
    provider = Surrogates([programs["first and previous"]], True, byte_bpe(), linear_from=0)
    with inject(model, [(2, 1)], provider, layout=layout):
        logits(model, ids)
    watched.remove()
    before, after = (found.view(*found.shape[:2], 4, 8) for found in outputs[-2:])
    assert torch.equal(before[:, :, [0, 2, 3]], after[:, :, [0, 2, 3]])
    assert not torch.equal(before[:, :, 1], after[:, :, 1])


def test_projections_of_whole_layers_are_not_computed_and_come_back(programs: Any) -> None:
    model = tiny_model("llama")
    attention = model.model.layers[1].self_attn
    ids, _ = batch((12,), "right")
    whole = [(1, head) for head in range(4)]
    plain = logits(model, ids, use_cache=False)
    provider = Surrogates([programs["copies and decay"]] * 4, True, byte_bpe(), linear_from=0)
    with torch.no_grad(), inject(model, whole, provider):
        wanted = logits(model, ids, use_cache=False)
        weight = attention.q_proj.weight.clone()
        attention.q_proj.weight.fill_(float("nan"))  # a product with it would show
        assert torch.equal(logits(model, ids, use_cache=False), wanted)
        attention.q_proj.weight.copy_(weight)
        cache = model(ids, use_cache=True).past_key_values
    assert float(cache.layers[1].keys.abs().max()) > 0  # a cache may outlive the replacement: its keys are real
    assert "forward" not in attention.q_proj.__dict__
    assert "forward" not in attention.k_proj.__dict__
    assert torch.equal(logits(model, ids, use_cache=False), plain)
    assert find_layout(model).layers


def test_a_program_without_a_linear_form_is_computed_cell_by_cell_and_named(
    programs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(monkeypatch)
    model = tiny_model("llama")
    ids, _ = batch((12,), "right")
    provider = Surrogates(
        [programs["softmax"], programs["first and previous"]], True, byte_bpe(), linear_from=0, backend="numpy"
    )
    assert list(provider.dense_reasons) == ["softmax"]
    with inject(model, [(0, 0), (1, 0)], provider):
        logits(model, ids)
    assert calls == [1]  # layer 1 only


def test_short_texts_are_computed_cell_by_cell(programs: Any) -> None:
    provider = Surrogates([programs["first and previous"]] * 2, True, byte_bpe(), linear_from=5)
    ids = batch((9,), "right")[0][0].tolist()
    assert provider.forms(ids[:4], "cpu") == [None, None]
    assert all(form is not None for form in provider.forms(ids[:5], "cpu"))


def test_a_layer_of_linear_dense_and_own_heads_is_computed_head_by_head(programs: Any) -> None:
    """Heads with a form, heads without and heads that stay: as when every replaced head takes its pattern."""
    model = tiny_model("llama")
    ids, mask = batch((9, 5), "left")
    options = {"attention_mask": mask, "position_ids": (mask.cumsum(-1) - 1).clamp(min=0), "use_cache": False}
    chosen = {(1, 3): programs["softmax"], (1, 0): programs["first and previous"], (2, 1): programs["softmax"]}
    found, asked = [], []
    for use_linear in (True, False):
        provider = Surrogates(
            list(chosen.values()), True, byte_bpe(), linear_from=0, linear=use_linear, backend="numpy"
        )
        original = provider.patterns
        provider.patterns = lambda text, heads, of=original: asked.append(list(heads)) or of(text, heads)
        with inject(model, list(chosen), provider):
            found.append(logits(model, ids, **options)[mask.bool()])
    assert (found[0] - found[1]).abs().max() <= ROUNDING
    assert asked[:2] == [[0, 2], [0, 2]]  # one per text, the heads without a form together


def test_decoding_computes_last_rows_and_equals_the_whole_text(programs: Any) -> None:
    model = tiny_model("gpt2")
    ids, _ = batch((9,), "right")
    chosen = {(0, 1): programs["copies and decay"], (1, 0): programs["first and previous"], (2, 0): programs["softmax"]}
    provider = Surrogates(list(chosen.values()), True, byte_bpe(), linear_from=0, backend="numpy")
    for rows in (1, 3):
        some = provider.last_rows(ids[0].tolist(), rows)
        assert (abs(some - provider(ids[0].tolist())[:, -rows:]) <= 1e-7).all()
    options = {"attention_mask": torch.ones_like(ids), "max_new_tokens": 40, "min_new_tokens": 40, "do_sample": False}
    with inject(model, list(chosen), provider):
        assert torch.equal(
            model.generate(ids, use_cache=True, **options), model.generate(ids, use_cache=False, **options)
        )
