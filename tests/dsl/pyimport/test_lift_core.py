"""The idioms that language models write most are lifted, not merely kept, to what Python itself computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lift_support import TEXTS, expected, lifted, source_of, table

from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.interpreter import interpret

_FILE = Path(__file__).parents[2] / "programs" / "core.txt"
BODIES = _FILE.read_text().split("\n---\n")[1:]
MORE_TEXTS = (["the", "cat", "the", "x", ",", "the", "."], ["x", "the", "!", "a"], ["(", "a", "(", "b", ")", ")", "c"])
FAILURES = (AssertionError, IndexError, TypeError, ValueError, ZeroDivisionError, KeyError, UnboundLocalError)


@pytest.mark.parametrize("number", range(len(BODIES)))
def test_a_common_idiom_is_lifted_to_what_python_computes(number: int) -> None:
    text = source_of(BODIES[number])
    typed = check(lifted(text))
    for raw in (*TEXTS, *MORE_TEXTS):
        try:
            with np.errstate(all="ignore"):
                want = expected(text, raw)
        except FAILURES:
            with pytest.raises(DiagnosticError):
                interpret(typed, table(raw))
            continue
        np.testing.assert_allclose(interpret(typed, table(raw)), want, rtol=0, atol=1e-9, err_msg=str(raw))
