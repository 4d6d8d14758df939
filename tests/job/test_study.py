"""The command damage on tiny models: marginal damage, orders and controls; what is kept, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attndsl.cli.main import run
from attndsl.job.positional import PositionalBaseline

pytestmark = pytest.mark.integration

SMALL = ["--corpus", "texts.jsonl", "--tokens", "32", "--min-tokens", "8"]
LLAMA = ["damage", "llama", *SMALL, "--programs", "programs.attn", "--damage-texts", "2", "--steps", "0,25,50"]


def test_damage_of_every_head_and_every_order(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*LLAMA, "--out", "run"]) == 0
    out, _ = capsys.readouterr()
    for shown in ("rank correlation of damage with", "output-weighted distance", "positional baseline", "random 3"):
        assert shown in out
    study = json.loads(Path("run/damage.json").read_text())
    assert [row["head"] for row in study["heads"]] == [f"L{layer}H{head}" for layer in range(3) for head in range(4)]
    ways = {(step["order"], step["programs"]) for step in study["curves"]}
    assert len(ways) == 9
    assert {(step["share"], step["heads"]) for step in study["curves"]} == {(0.25, 3), (0.5, 6)}


def test_a_head_alone_costs_what_replacing_it_costs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Marginal damage, with layers below left out, against ``replace`` on the same train texts."""
    import attndsl
    from attndsl.models.perplexity import losses

    assert run([*LLAMA, "--heads", "L2H1,L0H3", "--out", "run", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["heads"]
    loaded = attndsl.load_model("llama")
    library = attndsl.load_library(["programs.attn"])
    texts = _train_texts()[:2]
    base = losses(loaded.model, loaded.tokenizer, texts)
    for row, head in zip(rows, [(2, 1), (0, 3)] if rows[0]["head"] == "L2H1" else [(0, 3), (2, 1)], strict=True):
        with attndsl.replace_heads(loaded.model, loaded.tokenizer, {head: library[row["program"]]}):
            found = losses(loaded.model, loaded.tokenizer, texts)
        assert row["damage"] == pytest.approx(float((found.mean_nll - base.mean_nll).mean()), abs=1e-7)


def _train_texts() -> list[str]:
    from attndsl.runtime.pattern_store import PatternStore

    store: Any = next(PatternStore(folder) for folder in Path("run/patterns").iterdir() if folder.is_dir())
    return [text.text for text in store.texts("train")]


def test_a_rerun_measures_nothing_again(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run([*LLAMA, "--out", "run"]) == 0
    first = Path("run/damage.json").read_text()

    def never(*args: Any, **options: Any) -> None:
        raise AssertionError("a finished text was run again")

    monkeypatch.setattr("attndsl.job.study.variant_losses", never)
    assert run([*LLAMA, "--out", "run"]) == 0
    assert Path("run/damage.json").read_text() == first


def test_a_bidirectional_model_has_no_damage(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["damage", "bert", *SMALL, "--programs", "both_ways.attn", "--out", "run"]) == 1
    assert "error[E0639]" in capsys.readouterr().err


def test_the_positional_baseline_is_the_mean_by_lookback_with_the_first_key_apart() -> None:
    one = np.array([[[1, 0, 0], [0.6, 0.4, 0], [0.2, 0.5, 0.3]]], np.float32)
    found = PositionalBaseline.from_patterns(((0, 0),), [one])
    assert found.first == pytest.approx([0.4])  # of 0.6 and 0.2
    assert found.by_lookback[0] == pytest.approx([0.35, 0.5, 0])  # self of 0.4 and 0.3; previous 0.5
    made = found.provider([(0, 0)])([7, 7, 7, 7])
    assert made.shape == (1, 4, 4)
    assert made[0, 1] == pytest.approx([0.4 / 0.75, 0.35 / 0.75, 0, 0])
    assert made[0, 3] == pytest.approx([0.4 / 1.25, 0, 0.5 / 1.25, 0.35 / 1.25])
    assert made[0, 0] == pytest.approx([1, 0, 0, 0])
