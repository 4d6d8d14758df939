"""Lift a small program and run it beside Python itself; shared by the tests of the lifter."""

from __future__ import annotations

import ast
import textwrap
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np
import pytest

from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.interpreter import interpret
from attndsl.dsl.nodes import Program
from attndsl.dsl.printer import to_text
from attndsl.dsl.pyimport.lift import NotLiftable, lift_function
from attndsl.dsl.source import SourceFile
from attndsl.dsl.tokens import TokenTable

HEAD = """
import numpy as np

def make_row_stochastic(matrix):
    matrix = np.clip(matrix, 0, None)
    sums = matrix.sum(axis=1, keepdims=True)
    sums[sums == 0] = 1.0
    return matrix / sums

def apply_causal_mask(matrix):
    n = matrix.shape[0]
    return matrix * np.tril(np.ones((n, n)))

def program(sentence, tokenizer):
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
"""

TEXTS = (
    ["a"],
    [",", ".", "!"],
    ["The", "cat", ",", "the", "dog", "and", "the", "cat", "."],
    ['"', "x", "the", '"', "the", '"', "y", "."],
    ["the", "the", "the", "the"],
    ["Hi", "there"],
    ["Once", "upon", "a", "time", ",", "Tom", "saw", "a", "big", "dog", ".", "The", "dog", "saw", "Tom", ",", "and",
     "Tom", "ran", "to", "the", "park", "!"],
)  # fmt: skip


def source_of(body: str) -> str:
    """A whole file whose program has this body (the matrix is A)."""
    return HEAD + textwrap.indent(textwrap.dedent(body).strip(), "    ") + '\n    return "program", A\n'


def lifted(text: str, name: str = "program") -> Program:
    """The program of a file. Raises NotLiftable."""
    tree = ast.parse(text)
    functions = {s.name: s for s in tree.body if isinstance(s, ast.FunctionDef)}
    return lift_function(functions[name], functions, {}, SourceFile("<test>", text))


def reason(body: str) -> str:
    """The code with which the lifter refuses the body."""
    with pytest.raises(NotLiftable) as stop:
        lifted(source_of(body))
    assert stop.value.reason
    assert stop.value.span is not None
    return stop.value.code


def table(raw: list[str]) -> TokenTable:
    n = len(raw)
    no, zero = (False,) * n, (0,) * n
    return TokenTable("".join(raw), zero, tuple(raw), zero, zero, tuple(raw), no, no, zero, no)


class _Tokenizer:
    """Gives fixed tokens, the way a tokenizer of transformers does."""

    def __init__(self, raw: list[str]) -> None:
        self.raw = raw
        self.input_ids = [raw]

    def __call__(self, sentence: str, **options: Any) -> _Tokenizer:
        return self

    def convert_ids_to_tokens(self, ids: list[str]) -> list[str]:
        return list(ids)


def expected(text: str, raw: list[str]) -> np.ndarray:
    """What Python gives. Only the tests' own programs are run here."""
    scope: dict[str, Any] = {}
    exec(_compiled(text), scope)
    return np.asarray(scope["program"]("", _Tokenizer(raw))[1], dtype=np.float64)


@lru_cache(maxsize=8)
def _compiled(text: str) -> CodeType:
    return compile(text, "<own test program>", "exec")


def same(body: str) -> str:
    """Assert that lifting keeps the meaning on every text; gives the program's text."""
    text = source_of(body)
    typed = check(lifted(text))
    for raw in TEXTS:
        with np.errstate(all="ignore"):
            want = expected(text, raw)
        np.testing.assert_allclose(interpret(typed, table(raw)), want, rtol=0, atol=1e-9, err_msg=str(raw))
    return to_text(typed.program)


def same_or_fails(body: str) -> None:
    """As ``same``, on one more text; where Python raises, the lifted program has to raise as well."""
    text = source_of(body)
    typed = check(lifted(text))
    for raw in (*TEXTS, ["The", "Cat", "sat", ".", "The", "Dog", "ran", "(", "the", ")", "."]):
        try:
            want = expected(text, raw)
        except (IndexError, KeyError, ValueError):
            with pytest.raises(DiagnosticError):
                interpret(typed, table(raw))
            continue
        np.testing.assert_allclose(interpret(typed, table(raw)), want, rtol=0, atol=1e-9, err_msg=str(raw))
