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


def test_choosing_by_distance_takes_the_program_that_moves_the_output_least(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Against the definition: ``||(A - P) V W_O||`` with the model's own projections, on every train text."""
    import attndsl
    from attndsl.models.encode import encode
    from attndsl.models.output_distance import output_distances

    rules = ("add 1 to first", "add 1 to self", "add 1 to q - 1", "share 1 over each k from q - 2 upto q",
             "add 0.6 to first\nadd 0.4 to self", "share 1 over each k upto q by 0.5 ** (q - k)")  # fmt: skip
    Path("own.attn").write_text("\n".join(f'head "p{i}" causal\n{r}\nnormalize rows\n' for i, r in enumerate(rules)))
    line = ["explain", "llama", *SMALL, "--programs", "own.attn", "--heads", "L0,L2", "--format", "json"]
    rows = []
    for choice in ("iou", "distance"):
        assert run([*line, "--out", "run", "--choose", choice]) == 0
        rows.append(json.loads(capsys.readouterr().out)["heads"])
    assert [row["program"] for row in rows[0]] != [row["program"] for row in rows[1]]
    loaded = attndsl.load_model("llama")
    library = attndsl.load_library(["own.attn"])
    heads = [(layer, head) for layer in (0, 2) for head in range(4)]
    total = np.zeros((len(heads), len(library)))
    for text in _train_texts():
        patterns = np.stack([program.predict(text, loaded.tokenizer) for program in library.values()])
        total += output_distances(loaded.model, encode(text, loaded.tokenizer), heads, patterns).numpy()
    names = list(library)
    assert [row["program"] for row in rows[1]] == [names[i] for i in total.argmin(1)]
    assert all(a["train_iou"] >= b["train_iou"] - 1e-6 for a, b in zip(*rows, strict=True))
