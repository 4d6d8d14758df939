"""Mistakes on the command line: one clear message with a code and a help each, and the right exit code."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from attndsl import __version__
from attndsl.cli.main import run, several_files


@pytest.mark.parametrize(
    ("arguments", "headline", "help"),
    [
        (["explian"], "no such command 'explian'", "did you mean explain?"),
        (["explain", "--tokns", "4"], "no such option: --tokns", "did you mean --tokens"),
        (["--vresion"], "no such option: --vresion", "did you mean --version?"),
        (["compile"], "missing argument 'FILE...'", "attndsl compile --help"),
        (["explain", "--tokens", "many"], "wrong value for '--tokens'", "attndsl explain --help"),
        (["explain", "--device", "tpu"], "'tpu' is not one of 'cpu', 'cuda', 'auto'", "attndsl explain --help"),
        (["explain", "--format", "xml"], "'xml' is not one of 'text', 'json'", "attndsl explain --help"),
        (
            ["check", "a.attn", "--aligner", "mine"],
            "'mine' is not one of 'published', 'offsets'",
            "attndsl check --help",
        ),
        (["explain", "--train", "0"], "wrong value for '--train'", "attndsl explain --help"),
        (["report"], "missing argument 'FOLDER'", "attndsl report --help"),
        (["report", "a", "b"], "unexpected extra argument", "attndsl report --help"),
        (["explain", "--heads"], "--heads", "--help"),
    ],
)
def test_wrong_usage(arguments: list[str], headline: str, help: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0].startswith("error[E0811] wrong-usage: ")
    assert headline in lines[0]
    assert help in lines[1]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["rule", "E0999"], "E0813"),
        (["run", "--text", ""], "E0809"),
        (["replace", "m", "--steps", "a,b"], "E0807"),
        (["replace", "m", "--steps", "0,101"], "E0807"),
        (["score", "m", "--table", "scores.xlsx"], "E0539"),
    ],
)
def test_impossible_values_are_usage_too(arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error[{code}]")
    assert "help: " in err


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "Usage: attndsl" in capsys.readouterr().out


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"attndsl {__version__}\n"
    assert run(["explain", "--help"]) == 0
    assert "--heads" in capsys.readouterr().out


def test_a_near_code_is_proposed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rule", "wrong-usge"]) == 2
    assert "did you mean wrong-usage?" in capsys.readouterr().err


def test_all_codes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rule", "all"]) == 0
    assert "E0811  wrong-usage" in capsys.readouterr().out.splitlines()


def test_several_files_after_one_option() -> None:
    given = ["explain", "model", "--programs", "a.py", "b.attn", "--out", "folder"]
    assert several_files(given) == ["explain", "model", "--programs", "a.py", "--programs", "b.attn", "--out", "folder"]
    assert several_files(["explain", "--programs", "a.py", "model"]) == ["explain", "--programs", "a.py", "model"]


@pytest.mark.parametrize("arguments", [["--help"], ["explain", "--help"], ["rule", "all"], ["compile", "missing.py"]])
def test_heavy_libraries_are_not_imported_for_small_things(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom attndsl.cli.main import run\n"
        f"run({arguments!r})\n"
        "heavy = {'torch', 'transformers', 'numba', 'spacy', 'llvmlite', 'anthropic'}\n"
        "print('\\nLOADED', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "attndsl", "models", "--format", "json"], capture_output=True, text=True, check=True
    )
    assert {"smollm2-135m", "minilm-l6"} <= {model["name"] for model in json.loads(done.stdout)}
    assert done.stderr == ""
