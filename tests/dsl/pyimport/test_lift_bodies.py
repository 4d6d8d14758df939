"""Many small bodies: lifted to exactly what Python gives on every text (errors included), or refused; never wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lift_support import TEXTS, expected, lifted, source_of, table

from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.interpreter import interpret
from attndsl.dsl.parser import parse_library
from attndsl.dsl.printer import to_text
from attndsl.dsl.pyimport.lift import NotLiftable
from attndsl.dsl.source import SourceFile

_FILE = Path(__file__).parents[2] / "programs" / "bodies.txt"
BODIES = [b for b in _FILE.read_text().split("\n==========\n") if b.strip()]
MORE_TEXTS = (["the", "cat", "the", "x", ",", "the", "."], ["x", "the", "!", "a"])
ENOUGH = 100


def _failed(text: str, raw: list[str]) -> np.ndarray | None:
    """Python's matrix, or None where it fails."""
    try:
        with np.errstate(all="ignore"):
            return expected(text, raw)
    except (AssertionError, IndexError, TypeError, ValueError, ZeroDivisionError, KeyError, UnboundLocalError):
        return None


@pytest.mark.parametrize("number", range(len(BODIES)))
def test_same_or_refused(number: int) -> None:
    text = source_of("\n".join(line for line in BODIES[number].splitlines() if not line.startswith("#")))
    try:
        program = lifted(text)
    except NotLiftable as stop:
        assert stop.code.startswith("E03")
        return
    typed = check(program)
    assert parse_library(SourceFile("printed", to_text(program))) == [program]
    for raw in (*TEXTS, *MORE_TEXTS):
        want = _failed(text, raw)
        try:
            got = interpret(typed, table(raw))
        except DiagnosticError:
            got = None
        assert (got is None) == (want is None), f"one of the two fails on {raw}"
        if got is not None and want is not None:
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-9, err_msg=str(raw))


def test_most_of_them_are_lifted() -> None:
    count = 0
    for body in BODIES:
        try:
            lifted(source_of("\n".join(line for line in body.splitlines() if not line.startswith("#"))))
        except NotLiftable:
            continue
        count += 1
    assert count >= ENOUGH
