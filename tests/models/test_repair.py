"""Repair of replaced heads: least squares against numpy's, where it is applied, and that it changes nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from replaced import first_token, logits, uniform
from tiny import CAUSAL, ENCODERS, WINDOWED, byte_bpe, random_ids, tiny_model

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.models.extract import patterns_of
from attndsl.models.inject import inject, replace_heads
from attndsl.models.layout import find_layout
from attndsl.models.repair import Repair
from attndsl.models.repair_fit import fit_repairs
from attndsl.runtime.library import load_library
from attndsl.runtime.surrogates import Surrogates

pytestmark = pytest.mark.integration

HEADS = [(0, 1), (1, 0), (2, 3)]
NEAR = 'head "near" causal\nshare 1 over each k from q - 2 upto q\nnormalize rows\n'


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> Any:
    file = tmp_path_factory.mktemp("programs") / "p.attn"
    file.write_text(NEAR)
    return load_library([file])["near"]


def written(model: Any, layer: int, ids: torch.Tensor) -> torch.Tensor:
    """What the heads of a layer of a tiny Llama write, [batch, q, heads, d]."""
    found: list[torch.Tensor] = []
    hook = model.model.layers[layer].self_attn.o_proj.register_forward_pre_hook(
        lambda module, args: found.append(args[0].detach().clone())
    )
    logits(model, ids)
    hook.remove()
    return found[0].view(*ids.shape, 4, 8)


def numbers(repair: Repair) -> np.ndarray:
    return np.array([repair.scale, *repair.bias])


def test_the_fit_is_the_least_squares_of_numpy() -> None:
    model, heads = tiny_model("llama"), [(1, 2), (1, 0)]
    texts = [random_ids(1, n, seed=n) for n in (9, 12, 5)]
    found = fit_repairs(model, heads, lambda ids: np.stack([uniform(ids)] * 2), [text[0].tolist() for text in texts])
    for layer, head in heads:
        own, put = [], []
        for text in texts:
            own.append(written(model, layer, text)[0, 1:, head].numpy())
            with replace_heads(model, None, {(layer, head): uniform}):
                put.append(written(model, layer, text)[0, 1:, head].numpy())
        x, y = np.concatenate(put).astype(float), np.concatenate(own).astype(float)
        channels = np.tile(np.eye(8), (len(x), 1))
        wanted = np.linalg.lstsq(np.column_stack([x.reshape(-1), channels]), y.reshape(-1), rcond=None)[0]
        assert abs(numbers(found[layer, head]) - wanted).max() <= 1e-5
        assert abs(wanted[0] - 1) > 0.01  # there was something to repair


@pytest.mark.parametrize("name", [*CAUSAL, *ENCODERS])
def test_own_patterns_need_no_repair(name: str) -> None:
    model, twin = tiny_model(name), tiny_model(name)
    layout = find_layout(twin)
    found = fit_repairs(
        model, HEADS, lambda ids: patterns_of(twin, ids, HEADS, layout=layout), [random_ids(1, 14)[0].tolist()]
    )
    for repair in found.values():
        assert abs(numbers(repair) - [1, *[0] * 8]).max() <= 1e-4


def test_what_is_put_out_and_where() -> None:
    model, ids = tiny_model("llama"), random_ids(2, 9)
    mask = torch.ones_like(ids)
    mask[1, :4] = 0
    repair = Repair(0.5, tuple(float(i) for i in range(8)))
    with replace_heads(model, None, {(1, 2): uniform, (1, 0): first_token}):
        plain = written(model, 1, ids)
    with replace_heads(model, None, {(1, 2): uniform, (1, 0): first_token}, repairs={(1, 2): repair}):
        found = written(model, 1, ids)
    assert torch.equal(found[:, :, [0, 1, 3]], plain[:, :, [0, 1, 3]])
    assert torch.equal(found[:, 0], plain[:, 0])  # one key: nothing to repair
    assert torch.allclose(found[:, 1:, 2], plain[:, 1:, 2] * 0.5 + torch.arange(8.0))
    whole = {(layer, head): repair for layer in range(3) for head in range(4)}
    with replace_heads(model, None, dict.fromkeys(whole, uniform), repairs=whole):
        position = (mask.cumsum(-1) - 1).clamp(min=0)
        together = logits(model, ids, attention_mask=mask, position_ids=position)[1, 4:]
        assert (together - logits(model, ids[1:, 4:])[0]).abs().max() <= 2e-5


@pytest.mark.parametrize("linear_from", [0, 100])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", CAUSAL)
def test_scale_one_and_bias_zero_change_nothing_at_all(
    name: str, dtype: torch.dtype, linear_from: int, near: Any
) -> None:
    model, ids = tiny_model(name, dtype=dtype), random_ids(2, 9)
    provider = Surrogates([near] * 3, True, byte_bpe(), linear_from=linear_from, backend="numpy")
    found = []
    for repair in (None, Repair(1.0, (0.0,) * 8), Repair(1.5, (0.1,) * 8)):
        repairs = None if repair is None else dict.fromkeys(HEADS, repair)
        with inject(model, HEADS, provider, repairs=repairs):
            found.append(logits(model, ids, use_cache=False))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize("name", ["gpt2", "llama", *WINDOWED])
def test_decoding_with_repairs_is_the_same_with_and_without_a_cache(name: str, near: Any) -> None:
    model, ids = tiny_model(name), random_ids(2, 7)
    mask = torch.ones_like(ids)
    ids[1, :3] = mask[1, :3] = 0
    repairs = dict.fromkeys(HEADS, Repair(0.7, (0.3,) * 8))
    options = {"attention_mask": mask, "max_new_tokens": 12, "min_new_tokens": 12, "do_sample": False}
    with replace_heads(model, byte_bpe(), dict.fromkeys(HEADS, near), repairs=repairs):
        cached = model.generate(ids, use_cache=True, **options)
        assert torch.equal(cached, model.generate(ids, use_cache=False, **options))


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "bert"])
def test_fitting_leaves_the_model_as_it_was_and_repairs_bring_outputs_nearer(name: str) -> None:
    model, ids = tiny_model(name, dtype=torch.float32), random_ids(1, 12)
    plain = logits(model, ids)
    program = uniform if find_layout(model).causal else (lambda ids, tok=None: np.full((len(ids),) * 2, 1 / len(ids)))
    texts = [random_ids(1, 12, seed=seed)[0].tolist() for seed in range(20)]
    last = [(2, head) for head in range(4)]
    found = fit_repairs(model, last, lambda ids: np.stack([program(ids)] * 4), texts, outside_window="renormalize")
    assert torch.equal(logits(model, ids), plain)
    away = []
    for repairs in (None, found):
        with replace_heads(model, None, dict.fromkeys(last, program), outside_window="renormalize", repairs=repairs):
            away.append(float((logits(model, ids) - plain).square().mean()))
    assert away[1] < away[0]


def test_a_program_that_puts_out_one_vector_keeps_its_scale() -> None:
    model = tiny_model("llama")
    found = fit_repairs(model, [(0, 0)], lambda ids: first_token(ids)[None], [[17, 30, 41, 52]])
    assert found[0, 0].scale == 1
    assert fit_repairs(model, [(0, 0)], lambda ids: first_token(ids)[None], [[17]]) == {}


def test_a_repair_of_a_head_that_stays_is_an_error() -> None:
    model = tiny_model("llama")
    with (
        pytest.raises(DiagnosticError, match=r"E0612.*L1H1, which is not replaced"),
        replace_heads(model, None, {(0, 0): uniform}, repairs={(1, 1): Repair(1.0, (0.0,) * 8)}),
    ):
        pass
