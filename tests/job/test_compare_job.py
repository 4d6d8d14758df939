"""``attndsl compare``, ``minimise``, ``diff`` through the command line: answers, exit codes, ways to be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from attndsl.cli.main import run

pytestmark = pytest.mark.integration

MODEL = ["--model", "llama", "--corpus", "texts.jsonl", "--quiet"]
LIBRARY = """
head "one" causal
add 0.4 to first
add 0.3 to q - 1

head "same: other order" causal
add 0.3 to q - 1
add 0.4 to first

head "longer" causal
add 0.4 to first
add 0.3 to q - 1
add 0.01 to self when q < 0 or q > 3

head "twice" causal
add 0.8 to first
add 0.6 to q - 1
"""
SMALL = ["--corpus", "texts.jsonl", "--tokens", "32", "--min-tokens", "8", "--quiet"]


@pytest.fixture
def library(place: Path) -> Path:
    (place / "lib.attn").write_text(LIBRARY, encoding="utf-8")
    return place


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = run([*arguments, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


def test_equal_programs_and_names_with_colons(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "lib.attn:one", ":same: other order", *MODEL]) == 0
    out = capsys.readouterr().out
    assert "matrix   equal for all texts" in out
    assert "pattern  equal for all texts" in out


def test_a_difference_is_shown_with_both_weights(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "lib.attn:one", "lib.attn:longer", *MODEL]) == 1
    out = capsys.readouterr().out
    assert "matrix   different" in out
    assert "key 4" in out
    assert "0 and 0.01" in out
    assert "'one' is part of 'longer': in no cell of any text is its weight larger (proved)" in out
    code, found = as_json(capsys, "compare", "lib.attn:one", ":longer", *MODEL)
    witness = found["matrix"]["witness"]
    assert (code, witness["first"], witness["second"]) == (1, 0.0, 0.01)
    assert found["first_in_second"] == {"cells": True, "rules": True}


def test_patterns_that_are_equal_where_matrices_are_not(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = as_json(capsys, "compare", "lib.attn:one", ":twice", *MODEL)
    assert (code, found["matrix"]["answer"], found["pattern"]["answer"]) == (1, "different", "equal")


def test_near_duplicates_of_a_file(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = as_json(capsys, "compare", "lib.attn", "--least", "0.9", *MODEL)
    pairs = {(p["first"], p["second"]): p for p in found["pairs"]}
    assert (code, len(pairs)) == (0, 6)
    assert pairs["one", "same: other order"]["comparison"]["matrix"]["answer"] == "equal"
    assert pairs["one", "longer"]["comparison"] is None
    assert run(["compare", "lib.attn", "--least", "0.9", *MODEL]) == 0
    assert "4 programs on" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (["compare", "lib.attn:one"], "E0807", 2),
        (["compare", "lib.attn:one", "lib.attn:none"], "E0810", 1),
        (["compare", "missing.attn:one", "lib.attn:one"], "E0801", 1),
        (["compare", ":one", "lib.attn:one"], "E0807", 2),
        (["compare", "alone.attn"], "E0806", 1),
        (["minimise", "lib.attn"], "E0810", 1),
        (["minimise", "lib.attn:one", "--epsilon", "1.5"], "E0807", 2),
        (["minimise", "builtin:no such one"], "E0810", 1),
    ],
)
def test_every_way_to_be_wrong(
    library: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: str, exit_code: int
) -> None:
    (library / "alone.attn").write_text('head "a" causal\nadd 1 to first\n', encoding="utf-8")
    assert run([*arguments, *MODEL]) == exit_code
    assert capsys.readouterr().err.startswith(f"error[{code}]")


def test_minimise_prints_and_writes_the_smaller_program(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["minimise", "lib.attn:longer", "--epsilon", "0.05", "--out", "small.attn", *MODEL]) == 0
    out = capsys.readouterr().out
    text = Path("small.attn").read_text(encoding="utf-8")
    assert out.endswith(text)
    assert text.count("add") == 2
    code, found = as_json(capsys, "minimise", "lib.attn:longer", "--epsilon", "0.05", *MODEL)
    assert code == 0
    assert (found["before"]["rules"], found["after"]["rules"]) == (3, 2)
    assert found["text"] == text
    assert found["heldout_iou"]["mean"] >= 0.9
    assert run(["compare", "small.attn", "lib.attn:one", *MODEL]) == 0


# ---------------------------------------------------------------- runs


@pytest.fixture
def runs(library: Path) -> Path:
    """Two runs of one model with an edited program, and one of a model of another shape."""
    edited = LIBRARY.replace("add 0.3 to q - 1\nadd 0.4 to first", "add 0.1 + 0.2 to q - 1\nadd 0.4 to first")
    edited = edited.replace("add 0.8 to first\nadd 0.6 to q - 1", "add 1 to self")
    (library / "edited.attn").write_text(edited, encoding="utf-8")
    (library / "both.attn").write_text(LIBRARY.replace(" causal", "").replace("longer", "wider"), encoding="utf-8")
    for model, programs, out in (
        ("llama", "lib.attn", "before"), ("llama", "edited.attn", "after"), ("bert", "both.attn", "bert-run"),
    ):  # fmt: skip
        assert run(["explain", model, *SMALL, "--programs", programs, "--out", out]) == 0
    return library


def test_two_runs_of_one_model(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    code, found = as_json(capsys, "diff", "before", "after")
    assert (code, found["aligned"], len(found["heads"])) == (0, "same head", 12)
    gaps = [abs(head["held_out_iou"]["difference"]) for head in found["heads"]]
    assert gaps == sorted(gaps, reverse=True)
    before = {h["head"]: h for h in json.loads(Path("before/results.json").read_text(encoding="utf-8"))["heads"]}
    after = {h["head"]: h for h in json.loads(Path("after/results.json").read_text(encoding="utf-8"))["heads"]}
    for head in found["heads"]:
        a, b = before[head["first"]], after[head["second"]]
        assert head["first"] == head["second"]
        assert head["held_out_iou"]["difference"] == pytest.approx(b["held_out_iou"] - a["held_out_iou"])
        assert head["held_out_iou"]["low"] <= head["held_out_iou"]["difference"] <= head["held_out_iou"]["high"]
        assert (head["program"] in ("same", "equal")) == (a["program"] == b["program"] and b["program"] != "twice")
    assert run(["diff", "before", "after/heads.csv", "--most", "2"]) == 0
    assert "and 10 more" in capsys.readouterr().out


def test_models_of_different_shapes_are_matched_and_that_is_said(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    results = json.loads(Path("after/results.json").read_text(encoding="utf-8"))
    results["heads"] = [h for h in results["heads"] if h["head"] in ("L0H0", "L0H1", "L1H0")]
    Path("small").mkdir()
    Path("small/results.json").write_text(json.dumps(results), encoding="utf-8")
    code, found = as_json(capsys, "diff", "before", "small")
    assert (code, found["aligned"], len(found["heads"]), len(found["only_first"])) == (0, "best match", 3, 9)
    assert len({head["first"] for head in found["heads"]}) == 3
    assert run(["diff", "before", "bert-run"]) == 0
    assert run(["diff", "before", "small"]) == 0
    assert "the models differ in shape" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content", [None, "", "[]", "{}", '{"heads": []}', '{"heads": [{"head": "x", "program": ""}]}']
)
def test_what_is_no_run_is_said_to_be_none(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "results.json").write_text(content, encoding="utf-8")
    assert run(["diff", str(tmp_path), str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error[E0812]")
