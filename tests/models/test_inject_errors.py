"""What a replacement refuses: patterns that do not fit, calls whose tokens are not known, models it cannot read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from replaced import first_token, logits, self_token, uniform
from tiny import WINDOWED, byte_bpe, random_ids, tiny_model

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.models.inject import inject, replace_heads
from attndsl.models.layout import find_layout
from attndsl.runtime.library import load_library
from attndsl.runtime.surrogates import Surrogates

pytestmark = pytest.mark.integration


def break_shape(ids: Sequence[int], tokenizer: Any) -> np.ndarray:
    return uniform([*ids, 0])


def break_with(row: int, key: int, value: float) -> Any:
    def program(ids: Sequence[int], tokenizer: Any) -> np.ndarray:
        pattern = uniform(ids)
        pattern[row, key] = value
        return pattern

    return program


@pytest.mark.parametrize(
    ("program", "code", "says"),
    [
        (break_shape, "E0632", r"L1H2 has shape \[8, 8\] where \[7, 7\]"),
        (lambda ids, tok: "none", "E0632", "array, not str"),
        (break_with(3, 1, float("nan")), "E0633", "L1H2 has a value that is not finite: nan at row 3, key 1"),
        (break_with(3, 1, float("inf")), "E0633", "not finite: inf at row 3, key 1"),
        (break_with(3, 1, -0.25), "E0633", "negative weight: -0.25 at row 3, key 1"),
        (break_with(3, 1, 0.5), "E0633", r"row that sums to 1.25, not 1 \(row 3"),
        (lambda ids, tok: np.eye(len(ids), k=1) + np.eye(len(ids), k=1 - len(ids)), "E0633", "key after the query"),
    ],
)
def test_patterns_that_do_not_fit_are_errors(program: Any, code: str, says: str) -> None:
    model = tiny_model("gpt2")
    ids = random_ids(1, 7)
    plain = logits(model, ids)
    with (
        pytest.raises(DiagnosticError, match=f"{code}.*{says}"),
        replace_heads(model, None, {(0, 0): uniform, (1, 2): program}),
    ):
        logits(model, ids)
    assert torch.equal(logits(model, ids), plain)


@pytest.mark.parametrize("name", WINDOWED)
def test_weight_outside_a_sliding_window(name: str) -> None:
    model = tiny_model(name)
    ids = random_ids(1, 9)
    with (
        pytest.raises(DiagnosticError, match=r"E0635.*layer 0 puts 1 of a row"),
        replace_heads(model, None, {(0, 0): first_token}),
    ):
        logits(model, ids)
    with (
        pytest.raises(DiagnosticError, match=r"E0635.*no weight on the keys"),
        replace_heads(model, None, {(0, 0): first_token}, outside_window="renormalize"),
    ):
        logits(model, ids)

    def inside(ids: Sequence[int], tokenizer: Any) -> np.ndarray:
        n = len(ids)
        band = np.tril(np.ones((n, n), np.float32)) * np.triu(np.ones((n, n), np.float32), -4)
        return band / band.sum(1, keepdims=True)

    with replace_heads(model, None, {(0, 0): inside}):
        wanted = logits(model, ids)
    with replace_heads(model, None, {(0, 0): uniform}, outside_window="renormalize"):
        assert (logits(model, ids) - wanted).abs().max() <= 1e-5


def test_calls_whose_tokens_are_not_known_are_errors() -> None:
    model = tiny_model("llama")
    ids = random_ids(1, 7)
    with replace_heads(model, None, {(0, 0): first_token}):
        with pytest.raises(DiagnosticError, match=r"E0630.*input_ids"):
            model(inputs_embeds=model.get_input_embeddings()(ids))
        with pytest.raises(DiagnosticError, match=r"E0630.*outside a call"):
            model.model.layers[0](torch.zeros(1, 7, 32), position_embeddings=(torch.zeros(1, 7, 8),) * 2)
        with pytest.raises(DiagnosticError, match=r"E0634.*packs?"):
            model(ids, position_ids=torch.tensor([[0, 1, 2, 0, 1, 2, 3]]), use_cache=False)
        with pytest.raises(DiagnosticError, match=r"E0634.*not \[batch, tokens\]"):
            model(ids, attention_mask=torch.ones(1, 1, 7, 7, dtype=torch.bool))
        with pytest.raises(DiagnosticError, match=r"E0634.*shape \[1, 3\]"):
            model(ids, attention_mask=torch.ones(1, 3))
        assert torch.isfinite(logits(model.model, ids) if hasattr(model.model, "logits") else model(ids).logits).all()


@pytest.mark.parametrize("name", ["gpt2", "opt", "bert"])
def test_more_tokens_than_the_model_has_positions_for(name: str) -> None:
    model = tiny_model(name)
    ids = random_ids(1, 65)
    with replace_heads(model, None, {(0, 0): self_token}):
        assert torch.isfinite(logits(model, ids[:, :64])).all()
        with pytest.raises(DiagnosticError, match=r"E0614.*65 tokens.*learnt 64 positions"):
            logits(model, ids)


def test_positions_that_are_not_learnt_have_no_end() -> None:
    model = tiny_model("llama")
    with replace_heads(model, None, {(0, 0): self_token}):
        assert torch.isfinite(logits(model, random_ids(1, 65))).all()


def test_unknown_and_repeated_heads() -> None:
    model = tiny_model("gpt2")
    with pytest.raises(DiagnosticError, match=r"E0612.*L3H0") as caught, replace_heads(model, None, {(3, 0): uniform}):
        pass
    assert "L0-L2, H0-H3" in str(caught.value.diagnostics[0].help)
    with pytest.raises(DiagnosticError, match=r"E0612.*twice"), inject(model, [(0, 0), (0, 0)], lambda ids: None):
        pass


@pytest.mark.parametrize("kind", ["GPTNeo", "T5"])
def test_models_whose_attention_cannot_be_replaced(kind: str) -> None:
    import transformers as t

    if kind == "GPTNeo":
        config = t.GPTNeoConfig(
            vocab_size=64, hidden_size=16, num_layers=2, num_heads=2, attention_types=[[["global", "local"], 1]]
        )
        model: Any = t.GPTNeoForCausalLM(config).eval()
    else:
        model = t.T5ForConditionalGeneration(t.T5Config(vocab_size=64, d_model=16, d_kv=8, d_ff=16, num_layers=1))
    with pytest.raises(DiagnosticError, match=f"E0610.*{kind}"), replace_heads(model, None, {}):
        pass


def test_a_model_that_is_another_one_in_eager_attention_is_refused() -> None:
    from transformers import AttentionInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    def halved(*args: Any, **kwargs: Any) -> Any:
        output, weights = sdpa_attention_forward(*args, **kwargs)
        return output * 0.5, weights

    model = tiny_model("llama")
    AttentionInterface.register("halved", halved)
    try:
        model.set_attn_implementation("halved")
        with pytest.raises(DiagnosticError, match=r"E0610.*computes something else in halved"):
            find_layout(model)
        assert model.config._attn_implementation == "halved"
    finally:
        AttentionInterface._global_mapping.pop("halved")


@pytest.mark.parametrize("linear_from", [0, 100])
def test_a_program_whose_feature_is_missing_stops_the_model_with_one_message(
    linear_from: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Word features without a pipeline, as a linear form and as a pattern; and a relation that no host gives."""
    monkeypatch.setenv("ATTNDSL_SPACY_MODEL", "no_such_pipeline")
    file = tmp_path / "p.attn"
    rules = {"nouns": 'share 1 over each k where k.pos == "NOUN"', "host": 'add host("near", q, k) to each k'}
    file.write_text("\n".join(f'head "{name}" causal\n{rule}\nnormalize rows\n' for name, rule in rules.items()))
    library, model = load_library([file]), tiny_model("llama")
    for name, code in (("nouns", "E0611"), ("host", "E0405")):
        provider = Surrogates([library[name]], True, byte_bpe(), linear_from=linear_from, backend="numpy")
        with inject(model, [(1, 0)], provider), pytest.raises(DiagnosticError) as caught:
            logits(model, torch.tensor([byte_bpe()("the fox ran")["input_ids"]]), use_cache=False)
        (said,) = caught.value.diagnostics
        assert said.code == code
        assert said.help
