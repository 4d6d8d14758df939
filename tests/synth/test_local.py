"""Decoding under the grammar: whatever the model, every sample parses."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("llguidance", reason="the llm extra is not installed")
sys.path.insert(0, str(Path(__file__).parents[1] / "models"))

from attndsl.dsl.parser import parse_program
from attndsl.synth.journal import Journal
from attndsl.synth.llm.ledger import Ledger
from attndsl.synth.llm.request import Request
from attndsl.synth.local import MOST_RULES, LocalModel, LocalWriter, Sampling

pytestmark = pytest.mark.integration


LEANS_TO = 'head "ab" causal claim "c" add 1 to first add 0.5 to q - 1 and then, of course, the rest is prose.'


class Cache:
    def batch_repeat_interleave(self, count: int) -> None:
        return None


class Leaning:
    """A model that would write ``LEANS_TO``, which begins as a program and goes on as prose."""

    device = "cpu"

    def __init__(self, tokenizer: Any) -> None:
        self.config = SimpleNamespace(vocab_size=len(tokenizer))
        self.ids = tokenizer(LEANS_TO, add_special_tokens=False).input_ids
        self.step = 0

    def __call__(self, ids: Any, past_key_values: Any = None, use_cache: bool = True) -> Any:
        import torch

        self.step = 0 if past_key_values is None else self.step + 1
        logits = torch.zeros(len(ids), 1, self.config.vocab_size)
        logits[..., self.ids[min(self.step, len(self.ids) - 1)]] = 20
        return SimpleNamespace(logits=logits, past_key_values=past_key_values or Cache())


@pytest.fixture(scope="module")
def model() -> LocalModel:
    import tiny

    tokenizer = tiny.byte_bpe()
    return LocalModel(Leaning(tokenizer), tokenizer, True, Sampling(batch=8))


def test_a_model_that_leaves_the_language_is_kept_in_it_and_a_seed_repeats_its_text(model: LocalModel) -> None:
    texts = model.sample("x", [1, 2, 1], 150)
    assert texts[0] == texts[2]
    for text in texts:
        program = parse_program(text)
        assert len(program.items) <= MOST_RULES + 2
        assert "add 1 to first" in text
        assert "of course" not in text


def test_samples_are_kept_and_not_drawn_again(
    model: LocalModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = {"model": "tiny", "max_tokens": 4, "messages": [{"role": "user", "content": "x"}]}
    monkeypatch.setattr("attndsl.synth.local.DRAWN_AGAIN", 0)
    requests = [Request(params, sample) for sample in range(3)]
    with Journal(tmp_path / "calls.jsonl") as journal:
        first = LocalWriter(model, Ledger(journal)).ask(requests)
    with Journal(tmp_path / "calls.jsonl") as journal:
        again = LocalWriter(None, Ledger(journal)).ask(requests)  # type: ignore[arg-type] - it is not asked
    assert [a.text for a in again] == [a.text for a in first]
