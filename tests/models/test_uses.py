"""Other ways to use a model with replaced heads than a plain pass: sampling, compiled, in threads, training."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from replaced import logits
from tiny import CAUSAL, WINDOWED, byte_bpe, random_ids, tiny_model

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.models.inject import inject, replace_heads
from attndsl.runtime.library import load_library
from attndsl.runtime.surrogates import Surrogates

pytestmark = pytest.mark.integration

SOME = ("gpt2", "llama", "mistral", "gemma3", "opt")
COMPILED = 1e-5  # other kernels, other order of sums
PROGRAMS = """
head "copies and decay" causal
share 0.5 over each k before q where k.raw == q.raw
share 0.5 over each k by 0.8 ** (q - k)
normalize rows

head "near" causal
share 1 over each k from q - 2 upto q
normalize rows

head "text" causal
share 0.5 over each k before q where k.text == q.text
add 0.1 to self
normalize rows
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Any:
    file = tmp_path_factory.mktemp("programs") / "p.attn"
    file.write_text(PROGRAMS)
    return load_library([file])


def chosen(library: Any, name: str) -> dict[tuple[int, int], Any]:
    """Heads of three layers; programs that stay inside the windows of models that have them."""
    program = library["near" if name in WINDOWED else "copies and decay"]
    return dict.fromkeys([(0, 1), (1, 0), (1, 2), (2, 3)], program)


@pytest.mark.parametrize("name", CAUSAL)
@pytest.mark.parametrize("beams", [1, 3])
def test_sampling_with_several_sequences_is_the_same_with_and_without_a_cache(
    name: str, beams: int, library: Any
) -> None:
    model, ids = tiny_model(name), random_ids(2, 7)
    mask = torch.ones_like(ids)
    ids[1, :3] = mask[1, :3] = 0  # padded on the left
    options = {"attention_mask": mask, "max_new_tokens": 10, "min_new_tokens": 10, "do_sample": True}
    found = []
    with replace_heads(model, byte_bpe(), chosen(library, name)):
        for use_cache in (True, False):
            torch.manual_seed(0)
            found.append(model.generate(ids, use_cache=use_cache, num_beams=beams, num_return_sequences=3, **options))
    assert found[0].shape == (6, 17)
    assert torch.equal(*found)


@pytest.mark.parametrize("name", SOME)
def test_a_prompt_in_chunks_a_given_cache_and_looked_up_tokens(name: str, library: Any) -> None:
    model, ids = tiny_model(name), random_ids(1, 8)
    ids[0, 4:] = ids[0, :4]
    options = {"attention_mask": torch.ones_like(ids), "max_new_tokens": 10, "min_new_tokens": 10, "do_sample": False}
    with replace_heads(model, byte_bpe(), chosen(library, name)), torch.no_grad():
        wanted = model.generate(ids, use_cache=False, **options)
        assert torch.equal(model.generate(ids, prefill_chunk_size=3, **options), wanted)
        assert torch.equal(model.generate(ids, prompt_lookup_num_tokens=2, **options), wanted)
        cache = model(ids[:, :5], use_cache=True).past_key_values
        assert torch.equal(model.generate(ids, past_key_values=cache, **options), wanted)


def test_inside_a_character_a_tokens_text_is_what_is_known_by_then(library: Any) -> None:
    """The one exception to "a cache changes nothing": the text of a token that is part of a character."""
    from attndsl.runtime.tokenize import token_table_of_ids

    ids = byte_bpe()("the fox \N{FOX FACE} ran")["input_ids"]
    provider = Surrogates([library["text"], library["copies and decay"]], True, byte_bpe(), backend="numpy")
    whole, inside = provider(ids), []
    for n in range(1, len(ids)):
        table = token_table_of_ids(ids[:n], byte_bpe())
        part, unfinished = provider(ids[:n]), table.text.endswith("\N{REPLACEMENT CHARACTER}")
        inside.append(unfinished)
        assert (part[1] == whole[1, :n, :n]).all()  # what tokens are written as never changes
        kept = n - 3 if unfinished else n
        assert (part[0, :kept] == whole[0, :kept, :n]).all()
    assert sum(inside) == 3  # four bytes, a token each
    assert not inside[-1]


def test_a_compiled_model(library: Any) -> None:
    """Compiled before, and given to ``replace_heads`` itself or as the model inside it."""
    model, ids = tiny_model("llama"), random_ids(1, 9)
    compiled = torch.compile(model, backend="eager")
    plain = logits(compiled, ids)
    programs = chosen(library, "llama")
    with replace_heads(model, byte_bpe(), programs):
        wanted = logits(model, ids)
        assert (logits(compiled, ids) - wanted).abs().max() <= COMPILED
    with replace_heads(compiled, byte_bpe(), programs) as given:
        assert given is compiled
        assert (logits(compiled, ids) - wanted).abs().max() <= COMPILED
    assert (plain - wanted).abs().max() > 1e-3
    assert (logits(compiled, ids) - plain).abs().max() <= COMPILED
    torch._dynamo.reset()


@pytest.mark.parametrize("linear_from", [0, 100])
@pytest.mark.parametrize("name", SOME)
def test_threads_that_share_a_model(name: str, linear_from: int, library: Any) -> None:
    model, programs = tiny_model(name), chosen(library, name)
    texts = [random_ids(1, 9 + more, seed=more) for more in range(3)]
    provider = Surrogates(list(programs.values()), True, byte_bpe(), linear_from=linear_from, backend="numpy")
    same: list[bool | None] = [None] * len(texts)
    with inject(model, list(programs), provider):
        wanted = [logits(model, text, use_cache=False) for text in texts]

        def work(which: int) -> None:
            found = [logits(model, texts[which], use_cache=False) for _ in range(8)]
            same[which] = all(torch.equal(one, wanted[which]) for one in found)

        threads = [threading.Thread(target=work, args=(which,)) for which in range(len(texts))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert same == [True] * len(texts)


def test_two_models_left_in_the_order_they_were_entered(library: Any) -> None:
    first, second, ids = tiny_model("llama"), tiny_model("gpt2"), random_ids(1, 9)
    plain = logits(first, ids), logits(second, ids)
    one = replace_heads(first, byte_bpe(), chosen(library, "llama"))
    other = replace_heads(second, byte_bpe(), chosen(library, "gpt2"))
    one.__enter__()
    other.__enter__()
    both = logits(first, ids), logits(second, ids)
    one.__exit__(None, None, None)
    assert torch.equal(logits(first, ids), plain[0])
    assert torch.equal(logits(second, ids), both[1])
    other.__exit__(None, None, None)
    assert torch.equal(logits(second, ids), plain[1])
    assert not any(map(torch.equal, both, plain))


@pytest.mark.parametrize("name", SOME)
def test_gradients_flow_around_replaced_heads_as_through_their_patterns(name: str, library: Any) -> None:
    model, ids, programs = tiny_model(name), random_ids(2, 9), chosen(library, name)
    found = []
    for linear_from in (0, 100):
        model.zero_grad()
        provider = Surrogates(list(programs.values()), True, byte_bpe(), linear_from=linear_from, backend="numpy")
        with inject(model, list(programs), provider):
            loss = model(ids, labels=ids, use_cache=False).loss
        loss.backward()
        found.append({key: p.grad.clone() for key, p in model.named_parameters() if p.grad is not None})
    assert found[0].keys() == found[1].keys()
    for key, gradient in found[0].items():
        assert torch.allclose(gradient, found[1][key], rtol=1e-3, atol=1e-4), key
    assert sum(float(gradient.abs().sum()) for gradient in found[0].values()) > 1


def test_gradient_checkpointing_is_refused_before_it_goes_wrong(library: Any) -> None:
    model, ids = tiny_model("llama").train(), random_ids(1, 9)
    model.model.gradient_checkpointing = True
    with replace_heads(model, byte_bpe(), chosen(library, "llama")):
        with pytest.raises(DiagnosticError, match=r"E0630.*gradient checkpointing"):
            model(ids, labels=ids, use_cache=False)
        assert torch.isfinite(logits(model, ids)).all()  # without gradients nothing is computed again
