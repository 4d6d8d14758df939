"""Scoring stored patterns from the command line, and the forecast of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import attndsl
from attndsl.cli.main import run
from attndsl.job.forecast import find_store
from attndsl.job.score import splits_of
from attndsl.models.corpus import Text
from attndsl.models.extract import extract

pytestmark = pytest.mark.integration
SENTENCES = ("The fox ran to the river.", "A bird sang, and the fox slept.", "The river ran.")


@pytest.fixture(scope="module")
def patterns(made: Path) -> Path:
    loaded = attndsl.load_model(str(made / "llama"))
    splits = ("train", "train", "heldout")
    texts = [Text(f"t{i}", text, split) for i, (text, split) in enumerate(zip(SENTENCES, splits, strict=True))]
    extract(loaded, texts, made / "kept")
    return made / "kept"


def test_stored_patterns_score_as_in_python(
    patterns: Path, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--programs", str(made / "programs.attn")]
    target = tmp_path / "scores.parquet"
    assert run(["score", "--patterns", str(patterns), *files, "--format", "json", "--table", str(target)]) == 0
    printed = json.loads(capsys.readouterr().out)
    table = attndsl.score(attndsl.load_library(made / "programs.attn"), find_store(patterns))
    assert printed["rows"] == json.loads(table.to_json())["rows"]
    import pyarrow.parquet

    assert pyarrow.parquet.read_table(target).column("program").to_pylist() == list(table["program"])


def test_few_programs_are_run_alone_with_the_same_patterns_and_errors(patterns: Path, tmp_path: Path) -> None:
    bodies = ["set 1 to first", "set 1 / (q - 1) to first", "set 1 to q - 1", "set 1 to self", "set 2 to first"]
    file = tmp_path / "five.attn"
    file.write_text("\n".join(f'head "p{i}" causal\n{body}\n' for i, body in enumerate(bodies)))
    splits = [splits_of(attndsl.load_library(file), find_store(patterns))[0] for _ in range(2)]
    everything, few = np.arange(5), np.array([3, 1])
    assert (splits[0].programs(0, everything)[few] == splits[1].programs(0, few)).all()
    assert set(splits[0].errors) == set(splits[1].errors) == {(1, "t0")}


def test_the_forecast_counts_the_job_and_does_not_start_it(
    patterns: Path, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "scores.csv"
    arguments = ["score", "--patterns", str(patterns), "--programs", str(made / "programs.attn"), "--budget"]
    assert run([*arguments, "--format", "json", "--table", str(target)]) == 0
    found = json.loads(capsys.readouterr().out)
    store = find_store(patterns)
    assert (found["programs"], found["heads"]) == (2, len(store.heads))
    assert (found["train_texts"], found["heldout_texts"]) == (2, 1)
    assert min(found["cpu_seconds"], found["seconds"], found["bytes"]) > 0
    assert not target.exists()


def test_wrong_folders_and_a_budget_without_patterns(
    patterns: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["score", "--budget"]) == 2
    assert capsys.readouterr().err.startswith("error[E0811]")
    for folder in (tmp_path, tmp_path / "missing"):
        assert run(["score", "--patterns", str(folder)]) != 0
        assert capsys.readouterr().err.startswith("error[E0520]")
    store = find_store(patterns).folder
    for name in ("a", "b"):
        (tmp_path / name).symlink_to(store)
    assert run(["score", "--patterns", str(tmp_path)]) != 0
    assert "holds 2 pattern stores" in capsys.readouterr().err
