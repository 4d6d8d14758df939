"""Repair in the jobs: reported apart, kept in the folder, and the figures without it stay what they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from attndsl.cli.main import run

pytestmark = pytest.mark.integration

LLAMA = ["llama", "--corpus", "texts.jsonl", "--tokens", "32", "--min-tokens", "8", "--programs", "programs.attn"]


def steps(capsys: pytest.CaptureFixture[str], *more: str) -> Any:
    assert run(["replace", *LLAMA, "--out", "run", "--steps", "50,100", "--format", "json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def test_repair_is_reported_apart_and_fitted_once(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = steps(capsys)
    assert not any("repaired" in step for step in plain)
    assert not Path("run/repair.json").exists()
    found = steps(capsys, "--repair")
    assert [{k: v for k, v in step.items() if k != "repaired"} for step in found] == plain
    assert "repaired" not in found[0]  # no head replaced
    for step in found[1:]:
        assert step["repaired"]["heads"] == step["heads"]
        assert step["repaired"]["nll"] != step["nll"]
        assert step["repaired"]["low"] <= step["repaired"]["increase_percent"] <= step["repaired"]["high"]
    kept = json.loads(Path("run/repair.json").read_text())
    assert len(kept) == 12
    assert all(len(repair["bias"]) == 8 for repair in kept.values())

    def never(*args: Any, **options: Any) -> None:
        raise AssertionError("a finished step was run again")

    monkeypatch.setattr("attndsl.models.repair_fit.fit_repairs", never)
    monkeypatch.setattr("attndsl.models.perplexity.losses", never)
    assert steps(capsys, "--repair") == found
    assert json.loads(Path("run/repair.json").read_text()) == kept


def test_tables_and_results_of_explain(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", *LLAMA, "--out", "run", "--repair"]) == 0
    assert "the same with each head repaired on train texts" in capsys.readouterr().out
    results = json.loads(Path("run/results.json").read_text())
    assert "repaired" in results["perplexity"][-1]
    assert run(["report", "run"]) == 0
    assert "the same with each head repaired on train texts" in capsys.readouterr().out
