"""Single expressions and small bodies: lifted to what Python computes, errors included, and as recorded.

A rule of the lifter that gives another program, or stops to apply, shows in the record (``tests/golden/records``); one
that gives a wrong one differs from Python. Record anew with ``--update-golden`` and read the diff.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from lift_support import expected, lifted, table

from attndsl.compiler import compile_library
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.interpreter import interpret
from attndsl.dsl.printer import to_text
from attndsl.dsl.pyimport import Imported, import_python
from attndsl.dsl.pyimport.lift import NotLiftable
from attndsl.dsl.source import SourceFile

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "golden" / "snippets"
TEXTS = (["the", "cat", ",", "the", "T1", "."], ["a"], ["x", "the", ","])
HEAD = """
import numpy as np
import math
import string

STOPS = [",", "the"]
LIMIT = 3
WEIGHTS = {"the": 0.5, "cat": 2}
BOTH = {"the"} | {"cat"}
SEEN = []
COUNT = 0

def note(t):
    global COUNT
    COUNT += 1
    SEEN.append(t)
    return len(SEEN)

def program(sentence, tokenizer):
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
"""
CELLS = """
    for i in range(n):
        for j in range(n):
            A[i, j] = """
ELSEWHERE = ("embedding_similarity", "sentence")
"""What the stand-in for a tokenizer does not have: recorded only."""
FILLED = "for i in range(n):\n    for j in range(n):\n        A[i, j] = i + 2 * j + 1\n"
KINDS = (
    "statements", "variants", "guards", "edges", "arrays", "conditions", "widened", "borders", "aliases", "idioms",
    *sorted(path.stem for path in (ROOT / "programs").glob("guards_*.txt")),
)  # fmt: skip
SIZE = 12
"""Snippets in one test: enough to make it quick, few enough to see what failed."""


def _expression(line: str) -> str:
    before, _, weight = line.rpartition(" :: ")
    return "".join(f"    {s}\n" for s in before.split("; ") if s) + CELLS[1:] + weight + "\n"


def _body(text: str) -> str:
    if text.startswith("filled\n"):
        text = FILLED + text.removeprefix("filled\n")
    return "".join(f"    {line}\n" for line in text.splitlines())


def lines_of(name: str) -> list[str]:
    return (ROOT / "programs" / name).read_text(encoding="utf-8").splitlines()


def _snippets() -> dict[str, dict[str, str]]:
    expressions = [(line, _expression(line)) for line in lines_of("expressions.txt") if not line.startswith("#")]
    found = chunked("expressions", expressions)
    for kind in KINDS:
        bodies = [b.strip("\n") for b in "\n".join(lines_of(f"{kind}.txt")).split("\n---\n")]
        found |= chunked(kind, [(b.replace("\n", "\n# "), _body(b)) for b in bodies if not b.startswith("#")])
    return found


def chunked(kind: str, found: list[tuple[str, str]]) -> dict[str, dict[str, str]]:
    """Chunks of snippets: what each is called, and its statements."""
    return {f"{kind}-{at // SIZE}": dict(found[at : at + SIZE]) for at in range(0, len(found), SIZE)}


SNIPPETS = _snippets()


def record_of(found: Imported) -> str:
    lines = [to_text(found.typed.program).split("\n", 1)[1] if found.typed else "not lifted\n"]
    for d in found.diagnostics:
        headline = d.headline.removeprefix("program is kept as a bounded loop program: ")
        assert "bug of attndsl" not in headline, headline
        lines.append(f"{d.code} line {d.line}: {headline}\n")
    return "".join(lines)


def _python(text: str, raw: list[str]) -> np.ndarray | None:
    """Python's matrix, or None where it fails or gives something that is no weight."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return weights(expected(text, raw))
        except (ArithmeticError, LookupError, TypeError, ValueError, AssertionError, UnboundLocalError):
            return None


def weights(found: np.ndarray) -> np.ndarray | None:
    return found if np.isfinite(found).all() else None


def _means_the_same(found: Imported, text: str, name: str) -> None:
    assert found.typed is not None
    compile_library([found.typed])
    for raw in TEXTS:
        want = _python(text, raw)
        try:
            got = weights(interpret(found.typed, table(raw)))
        except DiagnosticError:
            got = None
        assert (got is None) == (want is None), f"one of the two fails on {raw}: {name}"
        if got is not None and want is not None:
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-9, err_msg=f"{name} on {raw}")


@pytest.mark.parametrize("chunk", SNIPPETS)
def test_a_snippet_becomes_what_is_recorded_and_means_what_python_does(
    chunk: str, request: pytest.FixtureRequest
) -> None:
    lines = []
    for name, statements in SNIPPETS[chunk].items():
        text = HEAD + statements + '    return "program", A\n'
        (found,) = import_python(SourceFile("snippet", text), ["embedding_similarity"]).programs
        lines.append(f"# {name}\n{record_of(found)}")
        if found.typed is not None and not any(x in statements for x in ELSEWHERE):
            _means_the_same(found, text, name)
    same_as_recorded(GOLDEN / f"{chunk}.txt", lines, request)


def same_as_recorded(path: Path, lines: list[str], request: pytest.FixtureRequest) -> None:
    record = "\n".join(lines)
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(record, encoding="utf-8")
    assert record == path.read_text(encoding="utf-8")


def test_a_program_takes_two_parameters() -> None:
    with pytest.raises(NotLiftable) as stop:
        lifted("def program(sentence):\n    return 1, 2\n")
    assert stop.value.code == "E0307"


def test_every_record_has_its_snippets() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(SNIPPETS)
