"""FlexAttention in models, by choice: the outputs of dense replacement, and refusals that say why."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from replaced import first_token, logits
from tiny import byte_bpe, tiny_model, wordpiece

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.models.inject import replace_heads
from attndsl.models.interop import score_mod
from attndsl.runtime.library import load_library
from attndsl.runtime.linear import FlexForm

pytestmark = pytest.mark.integration

ROUNDING = 2e-5  # float32: logarithm and softmax, and sums in another order


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of what FlexAttention was applied to."""
    seen: list[int] = []
    original = FlexForm.apply

    def apply(self: FlexForm, values: torch.Tensor) -> torch.Tensor:
        seen.append(len(values))
        return original(self, values)

    monkeypatch.setattr(FlexForm, "apply", apply)
    return seen


def batch(tokenizer: Any) -> tuple[torch.Tensor, torch.Tensor]:
    rows = [tokenizer(text)["input_ids"] for text in ("The fox ran to the river, so the fox sang.", "the fox")]
    ids, mask = torch.zeros(2, len(rows[0]), dtype=torch.long), torch.zeros(2, len(rows[0]), dtype=torch.long)
    for row, found in enumerate(rows):
        ids[row, : len(found)], mask[row, : len(found)] = torch.tensor(found), 1
    return ids, mask


@pytest.mark.parametrize("name", ["gpt2", "llama", "gpt_neox"])
def test_flex_and_dense_replacement_agree(name: str, library: Any, applied: list[int]) -> None:
    model, (ids, mask) = tiny_model(name), batch(byte_bpe())
    programs = dict.fromkeys([(0, 1), (1, 0), (1, 1), (2, 3)], library["copies and decay"])
    with replace_heads(model, byte_bpe(), programs):
        wanted = logits(model, ids, attention_mask=mask, use_cache=False)[mask.bool()]
    assert not applied  # never unless it was asked for
    with replace_heads(model, byte_bpe(), programs, flex="eager"):
        found = logits(model, ids, attention_mask=mask, use_cache=False)[mask.bool()]
    assert (found - wanted).abs().max() <= ROUNDING
    assert sorted(set(applied)) == sorted(set(mask.sum(1).tolist()))


def test_in_an_encoder(tmp_path: Any, applied: list[int]) -> None:
    (tmp_path / "p.attn").write_text('head "near"\nadd 0.5 to q - 1\nadd 0.5 to q + 1\nnormalize rows else self\n')
    program = load_library([tmp_path / "p.attn"], causal=False)["near"]
    model, (ids, mask) = tiny_model("bert"), batch(wordpiece())
    found = []
    for flex in (None, "eager"):
        with replace_heads(model, wordpiece(), {(0, 1): program, (2, 0): program}, flex=flex):
            found.append(logits(model, ids, attention_mask=mask)[mask.bool()])
    assert (found[0] - found[1]).abs().max() <= ROUNDING
    assert applied


def test_decoding_takes_rows_as_ever(library: Any, applied: list[int]) -> None:
    model, (ids, mask) = tiny_model("llama"), batch(byte_bpe())
    options = {"attention_mask": mask[:1], "max_new_tokens": 8, "min_new_tokens": 8, "do_sample": False}
    found = []
    for flex in (None, "eager"):
        with replace_heads(model, byte_bpe(), {(1, 0): library["copies and decay"]}, flex=flex):
            found.append(model.generate(ids[:1], **options))
    assert torch.equal(*found)
    assert applied == [ids.shape[1]]  # the prompt


def test_programs_that_cannot_be_said_so_are_refused_with_the_reason(library: Any) -> None:
    model = tiny_model("llama")
    for program, says in ((library["softmax"], "'softmax' cannot be said"), (first_token, "a function of token ids")):
        with (
            pytest.raises(DiagnosticError, match=f"E0636.*{says}"),
            replace_heads(model, byte_bpe(), {(0, 0): program}, flex="eager"),
        ):
            pass


def test_a_program_as_a_score_modification_of_ones_own_attention(library: Any) -> None:
    from torch.nn.attention.flex_attention import flex_attention

    ids = byte_bpe()("The fox ran to the fox.")["input_ids"]
    program = library["copies and decay"]
    zeros, values = torch.zeros(1, 2, len(ids), 16), torch.eye(len(ids)).expand(1, 2, -1, -1)
    found = flex_attention(zeros, zeros, values, score_mod=score_mod(program, ids, byte_bpe()))
    wanted = torch.as_tensor(program.pattern_of_ids(ids, byte_bpe()))
    assert (found[0] - wanted).abs().max() <= 2e-6
    with pytest.raises(DiagnosticError, match=r"E0636.*'less' cannot be said as a score modification on this text"):
        score_mod(library["less"], ids, byte_bpe())
