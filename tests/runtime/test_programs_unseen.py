"""673 programs in the manner of the published ones, none of which the front end was written against at first.

Each compiles, and gives what CPython gives in the sandbox, raw and normalised. The default run compares every program
on one text; ``-m acceptance`` compares all on all texts of three sorts of tokenizers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from tiny_tokenizers import byte_level, metaspace, wordpiece

from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.library import Library, load_library
from attndsl.runtime.oracle import verify
from attndsl.runtime.program import Outcome
from attndsl.runtime.sandbox import SandboxPool
from attndsl.runtime.tokenize import token_table

FILES = sorted((Path(__file__).parents[1] / "programs" / "unseen").glob("*.py"))
LIFTED = 578
"""How many of the programs have a place in the language; the others are kept as bounded loop programs."""
TEXTS = (
    "A",
    "?!...",
    'He said "go away and "stop. Then left (quickly)',
    "Zoë’s café — naïve façade, 你好 🙂 über.",
    "the the the cat the the dog dog the",
    "Once upon a time, Tim and Sue (his sister) ran to the big park; it was fun!\nWho played? The cat, at 12.",
)


def letters(tokens: list[str], a: int, b: int) -> float:
    """A relation for programs that call embedding_similarity."""
    x, y = set(tokens[a].lower()), set(tokens[b].lower())
    return len(x & y) / max(1, len(x | y))


@cache
def library(path: Path) -> Library:
    return load_library(path, host={"embedding_similarity": letters})


@pytest.fixture(scope="module")
def pool() -> Iterator[SandboxPool]:
    pytest.importorskip("spacy")
    if sys.platform != "linux":
        pytest.skip("programs are isolated on Linux only")
    with SandboxPool(workers=1) as found:
        yield found


def tables(texts: tuple[str, ...]) -> list[TokenTable]:
    styles = (byte_level(), metaspace(), wordpiece())
    return [token_table(text, style) for text in texts for style in styles]


def wrong(path: Path, chosen: list[TokenTable], pool: SandboxPool, step: int) -> list[str]:
    found = []
    for number, program in enumerate(library(path).values()):
        assert program.outcome is not Outcome.REFUSED, program.diagnostics
        some = chosen[number % step :: step]
        verdict = verify(program, some, pool)
        assert not verdict.unavailable, verdict.unavailable
        found += [str(m) for m in verdict.mismatches]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_each_gives_what_cpython_gives(path: Path, pool: SandboxPool) -> None:
    chosen = tables(TEXTS[2:5])
    assert wrong(path, chosen, pool, len(chosen)) == []


@pytest.mark.acceptance
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_each_gives_what_cpython_gives_on_all_texts(path: Path, pool: SandboxPool) -> None:
    assert wrong(path, tables(TEXTS), pool, 1) == []


def test_most_are_lifted() -> None:
    outcomes = [p.outcome for path in FILES for p in library(path).values()]
    assert len(outcomes) == 673
    assert outcomes.count(Outcome.LIFTED) >= LIFTED
