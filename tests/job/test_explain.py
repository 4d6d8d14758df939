"""The main job on tiny random models, through the command line: what it prints, writes, and does not do twice."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import Any

import pytest

from attndsl.cli.main import run
from attndsl.cli.output import spent
from attndsl.job.progress import Silent, Timed

pytestmark = pytest.mark.integration

SMALL = ["--corpus", "texts.jsonl", "--tokens", "32", "--min-tokens", "8"]
LLAMA = ["llama", *SMALL, "--programs", "programs.attn"]
BERT = ["bert", *SMALL, "--programs", "both_ways.attn"]
COSTLY = ("attndsl.models.extract.give_patterns", "attndsl.models.perplexity.losses")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often the model was run for patterns and for losses, and how often programs were chosen."""
    import attndsl.job.blocks as blocks
    import attndsl.models.extract as extract
    import attndsl.models.perplexity as perplexity

    calls = {"patterns": 0, "losses": 0, "blocks": 0}

    def count(module: Any, function: str, name: str) -> None:
        real = getattr(module, function)

        def counting(*args: Any, **kwargs: Any) -> Any:
            calls[name] += 1
            return real(*args, **kwargs)

        monkeypatch.setattr(module, function, counting)

    count(extract, "give_patterns", "patterns")
    count(perplexity, "losses", "losses")
    count(blocks, "first_pass", "blocks")
    return calls


def test_a_causal_model_to_its_report(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", *LLAMA, "--out", "run"]) == 0
    out, err = capsys.readouterr()
    for shown in (
        "held-out IoU",
        "first-token baseline",
        "lift over best baseline",
        "by context length",
        "best 10 of 12 heads",
    ):
        assert shown in out
    assert "heads replaced in the order of train IoU" in out
    assert max(map(len, out.splitlines())) <= 80
    stages = [
        "loading the model",
        "extracting patterns",
        "scoring train texts",
        "replacing heads",
        "writing the report",
    ]
    assert [line for line in err.splitlines() if line.removeprefix("attndsl: ") in stages] == [
        f"attndsl: {s}" for s in stages
    ]
    assert {"report.html", "results.json", "heads.csv"} <= {path.name for path in Path("run").iterdir()}


def test_results_as_json_file_and_table(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", *LLAMA, "--out", "run", "--format", "json"]) == 0
    out, _ = capsys.readouterr()
    results = json.loads(out)
    assert results == json.loads(Path("run/results.json").read_text(encoding="utf-8"))
    parts = {"model", "corpus", "totals", "heads", "perplexity", "programs", "program_texts", "versions"}
    assert set(results) == parts
    assert set(results["program_texts"]) == {head["program"] for head in results["heads"]}
    assert [head["head"] for head in results["heads"]] == [
        f"L{layer}H{head}" for layer in range(3) for head in range(4)
    ]
    totals = results["totals"]
    assert totals["train_sentences"] == totals["held_out_sentences"] == 2
    best = [h["held_out_iou"] - h["best_baseline_iou"] for h in results["heads"]]
    assert [h["lift"] for h in results["heads"]] == pytest.approx(best)
    with Path("run/heads.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["program"] for row in rows] == [head["program"] for head in results["heads"]]
    steps = results["perplexity"]
    assert [step["share"] for step in steps] == [0, 0.05, 0.1, 0.25, 0.4, 0.6, 1.0]
    assert [step["heads"] for step in steps] == [0, 1, 1, 3, 5, 7, 12]
    assert steps[0]["increase_percent"] == 0
    assert all(step["low"] <= step["increase_percent"] <= step["high"] for step in steps)


def test_a_bidirectional_model(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", *BERT, "--out", "run", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    results = json.loads(out)
    assert results["perplexity"] == []
    assert len(results["heads"]) == 12
    assert set(results["programs"]) == {"neighbours", "even"}
    assert "a bidirectional model predicts no next tokens: perplexity is left out" in err


def test_built_in_programs_are_the_default(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "llama", *SMALL, "--heads", "L1H2,L2", "--format", "json", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    results = json.loads(out)
    assert [head["head"] for head in results["heads"]] == ["L1H2", "L2H0", "L2H1", "L2H2", "L2H3"]
    assert results["totals"]["programs"] >= 80
    assert Path("attndsl-runs/llama/report.html").is_file()


def test_a_second_run_does_nothing_again(
    place: Path, counted: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", *LLAMA, "--out", "run"]) == 0
    first = dict(counted)
    assert first == {
        "patterns": 4 + 2,
        "losses": 6,
        "blocks": 1,
    }  # 2 texts once more for the report; 5% and 10% are one head
    shown = capsys.readouterr().out
    assert run(["explain", *LLAMA, "--out", "run"]) == 0
    assert counted == first
    assert capsys.readouterr().out == shown


def test_parts_use_what_the_whole_left(
    place: Path, counted: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["score", *LLAMA, "--out", "run", "--table", "t.json"]) == 0
    assert counted == {"patterns": 4, "losses": 0, "blocks": 1}
    assert run(["replace", *LLAMA, "--out", "run", "--steps", "0,100"]) == 0
    assert counted == {"patterns": 4, "losses": 2, "blocks": 1}
    assert run(["explain", *LLAMA, "--out", "run"]) == 0
    assert counted == {"patterns": 6, "losses": 6, "blocks": 1}
    scores = json.loads(Path("t.json").read_text(encoding="utf-8"))
    assert scores["rows"] == json.loads(Path("run/results.json").read_text(encoding="utf-8"))["heads"]


def test_another_program_or_head_is_another_result(place: Path, counted: dict[str, int]) -> None:
    assert run(["score", *LLAMA, "--out", "run"]) == 0
    Path("more.attn").write_text('head "first" causal\nadd 1 to first\n', encoding="utf-8")
    assert run(["score", *LLAMA, "more.attn", "--out", "run"]) == 0
    assert counted == {"patterns": 4, "losses": 0, "blocks": 2}
    assert run(["score", *LLAMA, "--out", "run", "--heads", "L0H1"]) == 0
    assert counted == {"patterns": 8, "losses": 0, "blocks": 3}


def test_stages_are_timed_and_the_long_ones_come_first() -> None:
    seconds = {"loading the model": 2.4, "scoring train texts": 0.4, "extracting patterns": 40.0}
    shown = spent(seconds)
    assert shown.startswith("took 43 s, at most ")
    assert shown.endswith(" GiB: extracting patterns 40 s, loading the model 2 s")
    timed = Timed(Silent())
    with timed.step("writing"):
        time.sleep(0.01)
    with timed.bar("reading", 3) as advance, timed.step("writing"):
        advance(1, 3)
    assert list(timed.seconds) == ["writing", "reading"]
    assert timed.seconds["writing"] >= 0.01


def test_a_run_says_where_its_time_went(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", *LLAMA, "--out", "run"]) == 0
    assert "attndsl: took " in capsys.readouterr().err
    assert run(["explain", *LLAMA, "--out", "run", "--quiet"]) == 0
    assert "took" not in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["json", "csv"])
def test_the_table_of_scores_as_a_file(place: Path, ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = Path(f"scores.{ending}")
    assert run(["score", *LLAMA, "--out", "run", "--table", str(table), "--format", "json", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    rows = json.loads(out)["rows"]
    written = table.read_text(encoding="utf-8")
    found = json.loads(written)["rows"] if ending == "json" else list(csv.DictReader(written.splitlines()))
    assert [row["program"] for row in found] == [row["program"] for row in rows]


def test_replacement_alone(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["replace", *LLAMA, "--out", "run", "--steps", "50", "--format", "json"]) == 0
    steps = json.loads(capsys.readouterr().out)
    assert [(step["share"], step["heads"]) for step in steps] == [(0, 0), (0.5, 6)]
    assert run(["replace", *LLAMA, "--out", "run", "--steps", "50"]) == 0
    assert "increase" in capsys.readouterr().out


def test_the_tables_of_a_finished_run_again(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", *LLAMA, "--out", "run"]) == 0
    shown = capsys.readouterr().out
    assert run(["report", "run"]) == 0
    assert capsys.readouterr().out == shown
    assert run(["report", "run", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(Path("run/results.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "content", [None, "", "[]", "{}", '{"model": 1', '{"model":{},"corpus":"","totals":{},"heads":[],"perplexity":[]}']
)
def test_no_finished_run(content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if content is not None:
        (tmp_path / "results.json").write_text(content, encoding="utf-8")
    assert run(["report", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error[E0812]")


def test_texts_are_cut_to_the_context_and_that_is_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(
            [
                "score",
                "llama",
                "--corpus",
                "stories",
                "--programs",
                "programs.attn",
                "--train",
                "2",
                "--heldout",
                "2",
                "--format",
                "json",
            ]
        )
        == 0
    )
    out, err = capsys.readouterr()
    assert "the model's context is 64 tokens: texts are cut there, not at 128" in err
    assert json.loads(out)["meta"]["tokens"]["most"] == 64
