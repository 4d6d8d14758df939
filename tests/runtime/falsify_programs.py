"""Programs, a tokenizer and heads for the tests of coverage and falsification."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.falsify.judge import Head
from attndsl.runtime.kernel import LibraryKernel
from attndsl.runtime.library import load_text
from attndsl.runtime.program import Program
from attndsl.runtime.tokenize import token_table

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))

PASSAGES = [
    "Once upon a time, a small fox lived near the river with her mother.",
    "The fox ran to the river, and the river sang to the fox.",
    "Every day the fox counts: one, two, three, four, five.",
    "The mother came home when the night was cold.",
]


def byte_level() -> Any:
    import tiny

    return tiny.byte_bpe()


def program(rules: str, *, direction: str = "causal", python: bool = False, name: str = "p") -> Program:
    """One program from the lines after its head, or from Python source."""
    text = rules if python else f'head "{name}" {direction}\n{rules}\n'
    (found,) = load_text(text, "test", python=python, causal=direction == "causal").values()
    return found


def table(text: str) -> TokenTable:
    return token_table(text, byte_level())


def as_head(other: Program, causal: bool = True) -> Head:
    """A program in place of a head."""
    kernel = LibraryKernel([other], causal)

    def run(tables: Sequence[TokenTable]) -> list[np.ndarray]:
        return [kernel.predict(t).patterns[0] for t in tables]

    return run
