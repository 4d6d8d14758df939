"""Decoding under the grammar: whatever the model, every sample parses."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("llguidance", reason="the llm extra is not installed")
sys.path.insert(0, str(Path(__file__).parents[1] / "models"))

from attndsl.dsl.parser import parse_program
from attndsl.synth.journal import Journal
from attndsl.synth.llm.ledger import Ledger
from attndsl.synth.llm.request import Request
from attndsl.synth.local import MOST_RULES, LocalModel, LocalWriter, Sampling

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def model() -> LocalModel:
    import tiny

    return LocalModel(tiny.tiny_model("llama"), tiny.byte_bpe(), True, Sampling(batch=8))


def test_a_model_of_random_weights_writes_programs_and_a_seed_repeats_one(
    model: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attndsl.synth.local.DRAWN_AGAIN", 0)
    first, second, third = model.sample("x", [1, 2, 1], 230)
    assert first == third != second
    for text in filter(str.strip, (first, second)):
        program = parse_program(text)
        assert program.direction == "causal"
        assert len(program.items) <= MOST_RULES + 2
    assert first.strip() or second.strip()


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
