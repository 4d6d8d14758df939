"""The command qa on a tiny model: paired figures, what is kept, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attndsl.cli.main import run
from attndsl.job.qa import _figures

pytestmark = pytest.mark.integration

LLAMA = ["qa", "llama", "--corpus", "texts.jsonl", "--tokens", "32", "--min-tokens", "8", "--programs", "programs.attn"]


@pytest.fixture
def questions(place: Path) -> str:
    words = ["fox", "river", "song", "day", "bird"]
    rows = [{"question": f"The {w}?", "choices": [f"the {w}", "one two", "so"], "answer": i % 3}
            for i, w in enumerate(words)]  # fmt: skip
    Path("asked.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return "asked.jsonl"


def test_steps_are_paired_with_the_unmodified_model_and_kept(
    questions: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = [*LLAMA, "--questions", questions, "--out", "run", "--steps", "50,100", "--sample", "4"]
    assert run(line) == 0
    assert "difference to the unmodified model" in capsys.readouterr().out
    rows = json.loads(Path("run/qa.json").read_text())
    assert [(row["task"], row["share"], row["heads"], row["questions"]) for row in rows] == [
        ("asked", 0.0, 0, 4), ("asked", 0.5, 6, 4), ("asked", 1.0, 12, 4),
    ]  # fmt: skip
    assert rows[0]["difference"] == rows[0]["difference_error"] == 0
    for row in rows:
        assert row["difference"] == pytest.approx(row["accuracy"] - rows[0]["accuracy"])

    def never(*args: Any, **options: Any) -> None:
        raise AssertionError("a finished step was run again")

    monkeypatch.setattr("attndsl.models.answers.right_answers", never)
    assert run(line) == 0
    assert json.loads(Path("run/qa.json").read_text()) == rows


def test_standard_errors_by_hand() -> None:
    found = _figures(np.array([1.0, 0, 1, 1]), np.array([1.0, 1, 0, 1]))
    assert (found["accuracy"], found["difference"]) == (0.75, 0)
    assert found["error"] == pytest.approx(0.25)  # sqrt(0.25 / 4), the variance over n - 1 being 0.25
    assert found["difference_error"] == pytest.approx((2 / 3 / 4) ** 0.5)
    assert _figures(np.ones(1), np.ones(1))["error"] is None


def test_unreadable_questions_are_refused_before_any_work(questions: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*LLAMA, "--questions", "missing.jsonl", "--out", "run"]) == 1
    assert "cannot read the questions missing.jsonl: no such file" in capsys.readouterr().err
    assert run([*LLAMA, "--out", "run"]) == 1
    assert "error[E0644]" in capsys.readouterr().err
    bert = ["qa", "bert", *LLAMA[2:-2], "--programs", "both_ways.attn"]
    assert run([*bert, "--questions", questions, "--out", "other"]) == 1
    assert "error[E0639]" in capsys.readouterr().err
    assert not Path("run").exists()
