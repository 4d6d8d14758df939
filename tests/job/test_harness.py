"""Tasks of lm-evaluation-harness in the command qa: its figures are those of our own road on the same questions."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attndsl.cli.main import run
from attndsl.dsl.diagnostics import DiagnosticError

pytestmark = pytest.mark.integration

LLAMA = ["qa", "llama", "--corpus", "texts.jsonl", "--tokens", "32", "--min-tokens", "8", "--programs", "programs.attn"]
installed = pytest.mark.skipif(
    importlib.util.find_spec("lm_eval") is None, reason="needs lm-eval: pip install 'attndsl[lm-eval]'"
)
TASK = """\
task: {name}
dataset_path: json
dataset_kwargs:
  data_files:
    validation: {file}
output_type: {kind}
validation_split: validation
doc_to_text: "Question: {{{{goal}}}}\\nAnswer:"
doc_to_target: label
doc_to_choice: "{{{{[sol1, sol2]}}}}"
metric_list:
  - metric: {metric}
    aggregation: mean
    higher_is_better: true
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A task whose questions are those of the file ``local.jsonl``, and one that is no multiple choice."""
    words = ["fox", "river", "song", "day", "bird", "night", "mother", "one", "two", "cold", "ran", "sang"]
    rows = [{"goal": f"The {w} and the {words[i - 3]}", "sol1": f"the {w} ran", "sol2": "so the river sang to her",
             "label": i % 2} for i, w in enumerate(words)]  # fmt: skip
    tasks = tmp_path_factory.mktemp("tasks")
    file = tasks / "local.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    (tasks / "a.yaml").write_text(TASK.format(name="tiny_piqa", kind="multiple_choice", metric="acc", file=file))
    (tasks / "b.yaml").write_text(TASK.format(name="tiny_text", kind="generate_until", metric="exact_match", file=file))
    return tasks


@installed
def test_a_task_gives_what_its_questions_give_from_a_file(
    folder: Path, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = [*LLAMA, "--out", "run", "--steps", "50,100", "--sample", "9", "--questions", str(folder / "local.jsonl"),
            "--tasks", "tiny_piqa", "--task-folder", str(folder)]  # fmt: skip
    assert run(line) == 0
    out, err = capsys.readouterr()
    assert "tiny_piqa" in out
    assert "it/s" not in err  # its own bars
    rows = json.loads(Path("run/qa.json").read_text())
    ours, theirs = ([row for row in rows if row["task"] == name] for name in ("local", "tiny_piqa"))
    assert [row["heads"] for row in theirs] == [0, 6, 12]
    assert [{**row, "task": ""} for row in ours] == [{**row, "task": ""} for row in theirs]

    def never(*args: Any, **options: Any) -> None:
        raise AssertionError("a finished step was run again")

    monkeypatch.setattr("attndsl.models.harness.Harness.answers", never)
    assert run(line) == 0
    assert json.loads(Path("run/qa.json").read_text()) == rows


@installed
def test_the_heads_are_replaced_while_the_harness_asks(folder: Path, place: Path) -> None:
    """Question by question, and against the loglikelihoods that our own road sums."""
    from attndsl.models.answers import right_answers
    from attndsl.models.harness import Harness
    from attndsl.models.inject import replace_heads
    from attndsl.models.load import load_model
    from attndsl.models.questions import load_questions

    loaded, questions = load_model("llama"), load_questions(folder / "local.jsonl")
    harness, places, seen, texts = Harness(folder), [11, 0, 5, 3], [], set()

    def even(ids: Any, tokenizer: Any) -> np.ndarray:
        texts.add(tuple(ids))
        lower = np.tril(np.ones((len(ids), len(ids)), np.float32))
        return lower / lower.sum(1, keepdims=True)

    for programs in ({}, {(layer, head): even for layer in range(3) for head in range(4)}):
        with replace_heads(loaded.model, loaded.tokenizer, programs):
            theirs = harness.answers(
                loaded.model, loaded.tokenizer, "tiny_piqa", places, progress=lambda *at: seen.append(at)
            )
            assert len(texts) == (8 if programs else 0)  # the programs were asked, of every option
            ours = right_answers(loaded.model, loaded.tokenizer, [questions[place] for place in places])
        assert (theirs == ours).all()
    assert seen[-1] == (8, 8)  # two options each
    assert {"piqa", "social_iqa", "hellaswag", "arc_easy", "winogrande", "boolq"} <= set(harness._tasks.all_tasks)


@installed
def test_tasks_that_cannot_be_asked_are_refused_before_any_work(
    folder: Path, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from attndsl.models import harness, hub

    monkeypatch.setattr(harness, "offline", lambda: True)
    monkeypatch.setattr(hub, "offline", lambda: True)
    for name, says in (
        ("tiny_pica", "did you mean tiny_piqa?"),
        ("tiny_text", "is no multiple choice but generate_until"),
        ("piqa", "the Hugging Face Hub cannot be reached"),
    ):
        assert run([*LLAMA, "--out", "run", "--tasks", name, "--task-folder", str(folder)]) == 1
        err = capsys.readouterr().err
        assert "error[E0645]" in err
        assert says in err
        assert "Retrying" not in err
    assert not Path("run").exists()


def test_without_the_harness_one_message_says_what_to_install(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from attndsl.models import harness

    monkeypatch.setattr(harness, "installed", lambda: False)
    with pytest.raises(DiagnosticError, match="E0645"):
        harness.Harness()
    assert run([*LLAMA, "--out", "run", "--tasks", "piqa"]) == 1
    err = capsys.readouterr().err
    assert "pip install 'attndsl[lm-eval]'" in err
    assert not Path("run").exists()
