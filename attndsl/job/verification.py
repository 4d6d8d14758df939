"""Compiled programs against CPython: the texts, the comparison, and what it found as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attndsl.dsl.tokens import TokenTable
from attndsl.models.corpus import load_corpus
from attndsl.models.encode import cut_text
from attndsl.runtime.oracle import TOLERANCE, Mismatch, Verdict, verify
from attndsl.runtime.program import Outcome, Program
from attndsl.runtime.sandbox import SandboxPool
from attndsl.runtime.tokenize import token_table

CORPORA = ("stories", "sentences", "code", "math")
ODD_TEXTS = (
    "Hello",
    "?! ... ,;",
    'He said "no and left',
    "no punctuation at all here",
    "the the the the cat the",
    "Zoë’s naïve café — 東京 🙂",
    "One.\n\nTwo!  Three?",
    "((a) [b",
)
"""One token, only punctuation, an open quote, no punctuation, repeats, beyond ASCII, blank lines, open brackets."""

BACKENDS = ("interpreter", "numpy", "numba", "torch")
BOUNDED_BACKENDS = ("numba",)
INTERPRETED = 8
"""The most tokens of a text on which the interpreter is asked: its plain loops take minutes for a library beyond."""


@dataclass(frozen=True)
class Verification:
    """What ``verify_programs`` found: a verdict for each compared program, and how many had nothing to compare."""

    verdicts: tuple[Verdict, ...]
    texts: int
    tokens: tuple[int, int]
    without_source: int
    refused: int

    @property
    def ok(self) -> bool:
        """True when every compiled program that came from Python was compared and agrees."""
        return all(verdict.ok for verdict in self.verdicts)

    @property
    def mismatches(self) -> list[Mismatch]:
        return [mismatch for verdict in self.verdicts for mismatch in verdict.mismatches]

    def by_backend(self) -> list[tuple[str, int, int, float, int]]:
        """(back end, programs, comparisons, largest difference, disagreements) of each back end that was asked."""
        wrong = Counter(m.backend for m in self.mismatches)
        rows = []
        for backend in BACKENDS:
            compared = [v for v in self.verdicts if v.compared.get(backend)]
            if compared:
                largest = max(v.by_backend[backend] for v in compared)
                rows.append(
                    (backend, len(compared), sum(v.compared[backend] for v in compared), largest, wrong[backend])
                )
        return rows

    def as_data(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "ok": self.ok, "texts": self.texts, "tokens": list(self.tokens), "tolerance": TOLERANCE,
            "programs": len(self.verdicts), "without_python_source": self.without_source, "refused": self.refused,
            "backends": [
                dict(zip(("backend", "programs", "comparisons", "largest", "disagreements"), row, strict=True))
                for row in self.by_backend()
            ],
            "not_compared": [{"program": v.program, "reason": v.unavailable} for v in self.verdicts if v.unavailable],
            "disagreements": [_as_data(m) for m in self.mismatches],
        }  # fmt: skip


def _as_data(m: Mismatch) -> dict[str, Any]:
    return {
        "program": m.program, "backend": m.backend, "what": m.what, "text": m.text,
        "query": m.place[0] if m.place else None, "key": m.place[1] if m.place else None,
        "cpython": m.expected, "ours": m.found,
    }  # fmt: skip


def verification_texts(tokenizer: Any, count: int, tokens: int) -> list[TokenTable]:
    """The odd texts, then ``count`` texts of the bundled corpora in turn, each cut to ``tokens`` tokens."""
    corpora = [[t.text for t in load_corpus(name)] for name in CORPORA]
    turns = [corpus[turn] for turn in range(max(map(len, corpora))) for corpus in corpora if turn < len(corpus)]
    texts = [*ODD_TEXTS, *turns[:count]]
    return [token_table(cut_text(text, tokenizer, tokens), tokenizer) for text in texts]


def verify_programs(
    programs: Sequence[Program], tables: Sequence[TokenTable], done: Callable[[int], None] = lambda number: None
) -> Verification:
    """Compare every compiled program that has a Python source with CPython, raw and normalised, on every back end.

    Raises SandboxError E0420 where this machine cannot isolate the programs: then nothing of them runs.
    """
    comparable = [p for p in programs if p.outcome is not Outcome.REFUSED and p.source is not None]
    verdicts = []
    if comparable:
        with SandboxPool() as pool:
            for number, program in enumerate(comparable):
                backends = BACKENDS if program.outcome is Outcome.LIFTED else BOUNDED_BACKENDS
                verdicts.append(verify(program, tables, pool, backends, INTERPRETED))
                done(number + 1)
    refused = sum(p.outcome is Outcome.REFUSED for p in programs)
    sizes = [len(table) for table in tables]
    without = len(programs) - refused - len(comparable)
    return Verification(tuple(verdicts), len(tables), (min(sizes), max(sizes)), without, refused)


def stand_in(tokens: Sequence[str], a: int, b: int) -> float:
    """A relation in place of one that only the host has: made-up numbers in [0, 1), the same for both sides."""
    if a == b:
        return 0.999
    first, second = (sum(map(ord, tokens[i])) for i in (a, b))
    return (first * 31 + second * 17) % 97 / 97


def with_stand_ins(names: Sequence[str]) -> Mapping[str, Callable[..., float]]:
    """A stand-in for each name."""
    return dict.fromkeys(names, stand_in)
