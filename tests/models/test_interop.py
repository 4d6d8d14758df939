"""Programs as functions from ids to [batch, head, query, key]."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from replaced import first_token, uniform
from tiny import byte_bpe, tiny_model

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.models.inject import replace_heads
from attndsl.models.interop import pattern_function
from attndsl.runtime.library import load_library

pytestmark = pytest.mark.integration

PROGRAM = 'head "first and copies" causal\nadd 0.5 to first\nshare 0.5 over each k where k.text == q.text\n'


@pytest.fixture
def program(tmp_path: Path) -> Any:
    file = tmp_path / "p.attn"
    file.write_text(PROGRAM + "normalize rows\n")
    return load_library([file])["first and copies"]


def test_each_row_is_the_program_on_its_own_tokens(program: Any) -> None:
    tokenizer = byte_bpe()
    long, short = (tokenizer(text)["input_ids"] for text in ("the fox, the river", "the fox"))
    width = len(long)
    ids = torch.zeros(2, width, dtype=torch.long)
    ids[0], ids[1, width - len(short) :] = torch.tensor(long), torch.tensor(short)
    mask = torch.ones_like(ids)
    mask[1, : width - len(short)] = 0
    found = pattern_function([program, first_token], tokenizer)(ids, mask)
    assert found.shape == (2, 2, width, width)
    assert torch.equal(found[0, 0], torch.from_numpy(program.pattern_of_ids(long, tokenizer)))
    pad = width - len(short)
    assert torch.equal(found[1, 0, pad:, pad:], torch.from_numpy(program.pattern_of_ids(short, tokenizer)))
    assert float(found[1, :, :pad].abs().sum() + found[1, :, :, :pad].abs().sum()) == 0
    assert bool((found[1, 1, pad:, pad] == 1).all())
    assert torch.equal(pattern_function([program], tokenizer)(long)[0], found[0, :1])


def test_what_is_no_batch_or_no_pattern_is_said(program: Any) -> None:
    function = pattern_function([program], byte_bpe())
    with pytest.raises(DiagnosticError, match=r"E0634.*\[1, 2, 3\]"):
        function(torch.zeros(1, 2, 3, dtype=torch.long))
    with pytest.raises(DiagnosticError, match="E0633"):
        pattern_function([lambda ids, tokenizer: 2 * uniform(ids)], None)([1, 2, 3])


def test_transformer_lens_gives_what_replace_heads_gives(program: Any) -> None:
    """The same weights in TransformerLens, with the pattern put in at its hook."""
    bridge = pytest.importorskip("transformer_lens.model_bridge")
    model, tokenizer = tiny_model("gpt2", attention="eager"), byte_bpe()
    ids = torch.tensor([tokenizer("the fox ran to the river")["input_ids"]])
    with torch.no_grad(), replace_heads(model, tokenizer, {(1, 2): program}):
        wanted = model(ids).logits
    lens = bridge.TransformerBridge.boot_transformers("gpt2", hf_model=model, tokenizer=tokenizer)
    made = pattern_function([program], tokenizer)

    def put(pattern: torch.Tensor, hook: Any) -> torch.Tensor:
        pattern = pattern.clone()
        pattern[:, 2] = made(ids)[:, 0]
        return pattern

    with torch.no_grad():
        found = lens.run_with_hooks(ids, fwd_hooks=[("blocks.1.attn.hook_pattern", put)])
    assert (found - wanted).abs().max() <= 1e-4


def test_nnsight_gives_what_replace_heads_gives(program: Any) -> None:
    """The attention weights of an eager model, edited where nnsight sees them."""
    nnsight = pytest.importorskip("nnsight")
    model, tokenizer = tiny_model("gpt2", attention="eager"), byte_bpe()
    ids = torch.tensor([tokenizer("the fox ran to the river")["input_ids"]])
    with torch.no_grad(), replace_heads(model, tokenizer, {(1, 2): program}):
        wanted = model(ids).logits
    made = pattern_function([program], tokenizer)(ids)
    sight = nnsight.NNsight(model)
    with torch.no_grad(), sight.trace(ids):
        attention = sight.transformer.h[1].attn.source.attention_interface_1.source
        attention.nn_functional_dropout_0.output[:, 2] = made[:, 0]
        found = sight.output.logits.save()
    assert (found - wanted).abs().max() <= 1e-5
