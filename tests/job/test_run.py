"""``attndsl run``: one program on one text, in every format."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from attndsl.cli.main import run

pytestmark = pytest.mark.integration

TEXT = "The fox ran."
EVEN = ["run", "programs.attn", "--program", "even", "--model", "llama", "--text", TEXT]


def even(n: int) -> np.ndarray:
    return (np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None]).astype(np.float32)


def test_as_json(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*EVEN, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"program", "tokens", "pattern"}
    assert found["program"] == "even"
    assert "".join(found["tokens"]).replace(" ", "") == TEXT.replace(" ", "")
    np.testing.assert_allclose(found["pattern"], even(len(found["tokens"])), atol=1e-6)


def test_as_arrays(place: Path) -> None:
    command = [sys.executable, "-m", "attndsl", *EVEN, "--format", "npz"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found = np.load(io.BytesIO(done.stdout))
    assert found["pattern"].dtype == np.float32
    np.testing.assert_allclose(found["pattern"], even(len(found["tokens"])), atol=1e-6)
    assert run([*EVEN, "--format", "npz", "--out", "new/pattern.npz"]) == 0
    np.testing.assert_array_equal(np.load("new/pattern.npz")["pattern"], found["pattern"])


def test_as_text(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(EVEN) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [str(q) for q in range(len(lines) - 1)]
    assert lines[2].split()[2:4] == ["0.50", "0.50"]
    assert run([*EVEN[:-1], TEXT * 8]) == 0
    assert " -> " in capsys.readouterr().out.splitlines()[20]


@pytest.mark.parametrize("backend", ["interpreter", "numpy", "torch"])
def test_back_ends_agree(backend: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["run", "programs.attn", "--program", "previous, or the first", "--model", "llama", "--text", TEXT]
    assert run([*command, "--format", "json"]) == 0
    usual = json.loads(capsys.readouterr().out)["pattern"]
    assert run([*command, "--format", "json", "--backend", backend]) == 0
    np.testing.assert_allclose(json.loads(capsys.readouterr().out)["pattern"], usual, atol=1e-6)


def test_raw_is_not_normalised(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("x.attn").write_text('head "x" causal\nadd 3 to first\n', encoding="utf-8")
    assert run(["run", "x.attn", "--model", "llama", "--text", TEXT, "--format", "json", "--raw"]) == 0
    assert json.loads(capsys.readouterr().out)["pattern"][1][0] == 3


def test_built_in_programs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "--program", "previous token", "--model", "llama", "--text", TEXT, "--format", "json"]) == 0
    pattern = np.array(json.loads(capsys.readouterr().out)["pattern"])
    assert (pattern.argmax(axis=1)[1:] == np.arange(len(pattern) - 1)).all()


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (["--program", "evn"], "E0810", 1),
        ([], "E0810", 1),
        (["--program", "even", "--backend", "abacus"], "E0501", 2),
        (["--program", "even", "--model", "./nowhere"], "E0602", 1),
    ],
)
def test_what_cannot_be_run(
    arguments: list[str], code: str, exit_code: int, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["run", "programs.attn", "--text", TEXT, "--model", "llama", *arguments]) == exit_code
    assert capsys.readouterr().err.startswith(f"error[{code}]")


def test_dead_tests_are_told_with_a_model(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("x.attn").write_text('head "x" causal\nadd 1 to last(k where k.raw == "\\n")\n', encoding="utf-8")
    assert run(["check", "x.attn"]) == 0
    assert capsys.readouterr().err == ""
    assert run(["check", "x.attn", "--model", "llama"]) == 0
    err = capsys.readouterr().err
    assert err.startswith('warning[W0201] never-true: no token of llama satisfies k.raw == "\\n"')
    assert '"\\n" is the piece "Ċ"' in err
    assert run(["check", "x.attn", "--model", "llama", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["programs"][0]["diagnostics"][0]["code"] == "W0201"


def test_in_the_sandbox(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = "import numpy as np\ndef predict(sentence, tokens):\n    return np.eye(len(tokens))\n"
    Path("own.py").write_text(source, encoding="utf-8")
    command = ["sandbox", "run", "own.py", "--model", "llama", "--text", TEXT, "--format", "json"]
    assert run(command) == 0
    pattern = json.loads(capsys.readouterr().out)["pattern"]
    np.testing.assert_array_equal(pattern, np.eye(len(pattern)))
    assert run(["sandbox", "status", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["level"] in ("process", "seccomp", "landlock", "namespaces")
