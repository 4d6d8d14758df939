"""The optional second engine: refused cleanly without it; with it, the same attacks and the same matrices."""

from __future__ import annotations

import builtins
import importlib.util
from typing import Any

import numpy as np
import pytest
from sandbox_cases import MUST, load, table

from attndsl.runtime.sandbox import SandboxError, run

GOOD = (
    "def predict(sentence, tokens):\n    n = len(tokens)\n"
    "    return [[1.0 / (1 + abs(i - j)) for j in range(n)] for i in range(n)]\n"
)
installed = pytest.mark.skipif(
    importlib.util.find_spec("pydantic_monty") is None, reason="pydantic-monty is not installed"
)
NEEDS = ("numpy", "spacy", "torch", "transformers")


def attempt(source: str) -> str:
    """The outcome of one program under the engine; 'WON' when it reached its goal."""
    try:
        matrix = run(source, table().text, table(), engine="monty", seconds=0.4, megabytes=128)
    except SandboxError as error:
        return error.outcome
    return "WON" if matrix.size and matrix.flat[0] == 1337 else "ok"


def code_of(source: str, **options: Any) -> str:
    with pytest.raises(SandboxError) as caught:
        run(source, table().text, table(), **options)
    return caught.value.code


def test_without_the_engine_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name == "pydantic_monty":
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    assert code_of(GOOD, engine="monty") == "E0425"


def test_unknown_engines_are_refused() -> None:
    assert code_of(GOOD, engine="jython") == "E0425"


@installed
def test_what_the_engine_is_not_for_is_refused() -> None:
    assert code_of("import numpy as np\n" + GOOD, engine="monty") == "E0425"
    assert code_of("def f(sentence, tokenizer):\n    return 'x', [[1.0]]\n", engine="monty") == "E0425"
    assert code_of(GOOD, engine="monty", host={"f": np.ones((10, 10))}) == "E0425"


@installed
def test_a_program_gives_the_matrix_of_plain_python() -> None:
    n = len(table())
    want = [[1.0 / (1 + abs(i - j)) for j in range(n)] for i in range(n)]
    np.testing.assert_allclose(run(GOOD, table().text, table(), engine="monty"), want, rtol=1e-7)


@installed
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("while True: pass", "E0416"),
        ("a = [0] * 10**10", "E0417"),
        ("return [[1.0] * (n + 1)] * n", "E0413"),
        ("return [[float('nan')] * n] * n", "E0414"),
        ("return [[x] * n] * n", "E0412"),
        ("import os", "E0410"),
    ],
)
def test_what_goes_wrong_has_the_same_codes(body: str, code: str) -> None:
    source = f"def predict(sentence, tokens):\n    n = len(tokens)\n    {body}\n"
    assert code_of(source, engine="monty", seconds=0.4, megabytes=64) == code


@installed
def test_an_exception_carries_its_line() -> None:
    source = "def helper(x):\n    return x[5]\n\ndef predict(sentence, tokens):\n    return helper([1])\n"
    with pytest.raises(SandboxError) as caught:
        run(source, table().text, table(), engine="monty")
    assert (caught.value.error_type, caught.value.line) == ("IndexError", 2)


@installed
def test_no_attack_reaches_its_goal() -> None:
    rows = [row for row in load("attacks-dev.jsonl") if "then_source" not in row]
    found = {row["id"]: attempt(row["source"]) for row in rows}
    allowed = {row["id"]: MUST[row["must"]] | ({"refused"} if "numpy" in row["source"] else set()) for row in rows}
    assert {name: got for name, got in found.items() if got not in allowed[name]} == {}


@installed
def test_benign_programs_without_numpy_run() -> None:
    rows = [row for row in load("benign-dev.jsonl") if not any(f"import {name}" in row["source"] for name in NEEDS)]
    assert len(rows) >= 10
    assert {row["id"]: attempt(row["source"]) for row in rows} == {row["id"]: "ok" for row in rows}
