"""``attndsl compile``: the check against CPython, stages, aligners, and what its tables count."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tiny_folders

from attndsl.cli.main import run
from attndsl.cli.stages import stage_names
from attndsl.runtime.program import Program
from attndsl.runtime.sandbox import levels

PROGRAMS = '''\
import numpy as np

def make_row_stochastic(matrix):
    sums = matrix.sum(axis=1, keepdims=True)
    sums[sums == 0] = 1.0
    return matrix / sums

def previous(sentence, tokenizer):
    """Looks back."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence).input_ids)
    n = len(tokens)
    A = np.zeros((n, n))
    for i in range(n):
        A[i, max(0, i - 1)] = 1.0
    return "previous", make_row_stochastic(A)

def third(sentence, tokenizer):
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence).input_ids)
    A = np.zeros((len(tokens), len(tokens)))
    A[2, 0] = 1.0
    return "third", A

def counted(sentence, tokenizer):
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence).input_ids)
    n = len(tokens)
    A = np.zeros((n, n))
    left = n
    while left > 1:
        left = left // 2
        A[left, 0] = 1.0
    return "counted", A
'''
REFUSED = "def f(sentence, tokenizer):\n    return 'f', tag_words(sentence)\n"
SMALL = ["--texts", "2", "--tokens", "12"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("compile")
    tiny_folders.save_model("gpt2", made / "model")
    (made / "three.py").write_text(PROGRAMS, encoding="utf-8")
    (made / "refused.py").write_text(REFUSED, encoding="utf-8")
    (made / "first.attn").write_text('head "first" causal\nadd 1 to first\n', encoding="utf-8")
    return made


def verify(folder: Path, *arguments: str) -> int:
    return run(["compile", *arguments, "--verify", "--model", str(folder / "model"), *SMALL])


def test_every_back_end_is_compared_with_cpython(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(folder, str(folder / "three.py"), str(folder / "first.attn"), "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)["verification"]
    assert found["ok"]
    assert found["disagreements"] == []
    assert (found["texts"], found["programs"], found["without_python_source"]) == (10, 3, 1)
    by_name = {row["backend"]: row for row in found["backends"]}
    assert {name: row["programs"] for name, row in by_name.items()} == {
        "interpreter": 2, "numpy": 2, "numba": 3, "torch": 2
    }  # fmt: skip
    assert by_name["numpy"]["comparisons"] == 20
    assert by_name["numba"]["comparisons"] == 30
    assert all(row["largest"] <= 1e-6 for row in by_name.values())


def test_a_disagreement_is_shown_and_fails(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    true = Program.matrix

    def wrong(self: Program, table: object, backend: str = "auto") -> np.ndarray:
        found = true(self, table, backend).copy()  # type: ignore[arg-type]
        if backend == "torch" and len(found) > 4:
            found[3, 1] += 0.25
        return found

    monkeypatch.setattr(Program, "matrix", wrong)
    assert verify(folder, str(folder / "three.py"), "--format", "json") == 1
    found = json.loads(capsys.readouterr().out)["verification"]
    assert not found["ok"]
    first = found["disagreements"][0]
    assert (first["backend"], first["query"], first["key"]) == ("torch", 3, 1)
    assert float(first["ours"]) == float(first["cpython"]) + 0.25
    assert first["text"]
    assert {row["backend"]: row["disagreements"] for row in found["backends"]}["numpy"] == 0
    assert verify(folder, str(folder / "three.py")) == 1
    assert "disagreements" in capsys.readouterr().out


def test_a_refused_program_fails_but_the_others_are_compared(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(folder, str(folder / "refused.py"), str(folder / "three.py")) == 1
    out = capsys.readouterr().out
    assert "not compared: 1 refused" in out
    assert "no disagreement" in out


def test_a_machine_that_cannot_isolate_runs_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levels, "level_of", lambda facts: "process")
    assert verify(folder, str(folder / "three.py")) == 1
    captured = capsys.readouterr()
    assert "error[E0420]" in captured.err
    assert "against CPython" not in captured.out


def test_two_programs_of_one_name_are_compared_each_with_its_own_source(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.py"
    other.write_text(PROGRAMS.replace("i - 1", "i - 2"), encoding="utf-8")
    assert verify(folder, str(folder / "three.py"), str(other), "--format", "json") == 0
    data = json.loads(capsys.readouterr().out)
    assert [p["name"] for p in data["programs"]][3:] == ["previous (2)", "third (2)", "counted (2)"]
    assert data["verification"]["programs"] == 6


# ---------------------------------------------------------------- stages


@pytest.mark.parametrize("stage", stage_names())
def test_every_stage_shows_something(folder: Path, stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = "counted" if stage == "loops" else "previous"
    assert run(["compile", str(folder / "three.py"), "--show", stage, "--program", name]) == 0
    out = capsys.readouterr().out
    marks = {
        "python": "    A[i, max(0, i - 1)] = 1.0", "tree": "Program", "attn": 'head "previous"', "checked": "O(n",
        "loops": "While", "bytecode": "result", "passes": "constant folding",
    }  # fmt: skip
    assert marks.get(stage, "program 'previous'") in out


def test_passes_only_shrink_what_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = []
    for stage in ("ir", "simplify_logic", "merge_selects", "drop_checks", "optimized"):
        assert run(["compile", str(folder / "three.py"), "--show", stage, "--program", "third"]) == 0
        sizes.append(capsys.readouterr().out.count("\n"))
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("stage", "name", "code", "exit_code"),
    [
        ("attn", "counted", "E0802", 1), ("loops", "previous", "E0802", 1), ("optimised", "previous", "E0811", 2),
        ("ir", "previos", "E0810", 1), ("ir", "", "E0810", 1),
    ],
)  # fmt: skip
def test_stages_that_are_not_there(
    folder: Path, stage: str, name: str, code: str, exit_code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compile", str(folder / "three.py"), "--show", stage, "--program", name]) == exit_code
    assert f"error[{code}]" in capsys.readouterr().err


def test_the_help_lists_every_stage(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run(["compile", "--help"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in stage_names())


# ---------------------------------------------------------------- the tables


def test_the_table_says_what_each_reason_costs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "four.py"
    path.write_text(
        PROGRAMS
        + "\ndef both(sentence, tokenizer):\n    return 'both', np.eye(missing(sentence)) * hash(sentence)\n"
        + "\ndef one(sentence, tokenizer):\n    return 'one', np.eye(missing(sentence))\n",
        encoding="utf-8",
    )
    assert run(["compile", str(path)]) == 1
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["E0220", "unknown-python-name", "2", "1"] in lines
    assert ["E0133", "hash-dependent", "1", "0"] in lines
    kept = lines[lines.index(["kept", "bounded,", "by", "what", "was", "not", "lifted"]) + 2]
    assert kept[0].startswith("E03")
    assert kept[-1] == "1"
