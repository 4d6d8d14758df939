"""Pairs of programs that are equal or different by construction, compared.

    python benchmarks/bench_compare.py [--pairs 100] [--seed 0] [FILE.py ...]

Half of the pairs are equal by a rewriting that keeps the meaning, half differ by one that changes it (both in
``rewritings.py``). Bases are built-in programs and the programs of the files that lift, in turn. That a changed program
differs is checked here on texts that are told which word matters; a change that shows on none is not used, so what is
counted as different is. The comparison is not told.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from rewritings import OTHER, SAME, Rewrite

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.models.corpus import load_corpus
from attndsl.models.load_tokenizer import load_tokenizer
from attndsl.runtime.equivalence.compare import Comparison, compare
from attndsl.runtime.equivalence.pair import Pair
from attndsl.runtime.falsify.rules import with_items
from attndsl.runtime.library import builtin_library, load_library
from attndsl.runtime.program import Program
from attndsl.runtime.tokenize import token_table


@dataclass(frozen=True)
class Known:
    """A pair with what is known of it; ``shown``: tokens of the shortest text here that shows a difference."""

    kind: str
    first: Program
    second: Program
    same: bool
    shown: int = 0


class Maker:
    """Makes pairs from base programs; the same seed makes the same."""

    def __init__(self, bases: list[Program], tokenizer: Any, seed: int) -> None:
        self.random = Random(seed)
        self.bases = bases
        self.tokenizer = tokenizer
        self.plain = [text.text for text in load_corpus("stories")][:14]

    def pairs(self, count: int) -> Iterator[Known | None]:
        for number in range(count):
            same = number % 2 == 0
            kinds = SAME if same else OTHER
            kind = list(kinds)[number // 2 % len(kinds)]
            yield self.pair(kind, kinds[kind], same)

    def pair(self, kind: str, rewrite: Rewrite, same: bool) -> Known | None:
        for _ in range(40):
            base = self.random.choice(self.bases)
            choices = list(rewrite(base))
            if not choices:
                continue
            items, word = self.random.choice(choices)
            try:
                changed = replace(with_items(base, items), name=f"{base.name}, {kind}")
            except DiagnosticError:
                continue
            if same:
                return Known(kind, base, changed, True)
            shown = self.shown(base, changed, word)
            if shown:
                return Known(kind, base, changed, False, shown)
        return None  # no base has such a place

    def shown(self, first: Program, second: Program, word: str) -> int:
        """Tokens of the first text on which the two differ; 0 where none is known."""
        pair = Pair(first, second, first.causal)
        texts = list(self.plain)
        if word.strip("Ġ▁# "):
            plain = word.strip("Ġ▁# ")
            texts = [f"{' '.join(text.split()[:5])} {plain} {' '.join(text.split()[5:9])} {plain} ." for text in texts]
        tables = [token_table(" ".join(text.split()[:60]), self.tokenizer) for text in texts]
        return next((len(table) for table in tables if pair.differs(table, "raw") is not None), 0)


def wrong(known: Known, done: Comparison) -> bool:
    """Whether an answer about the matrix is false; equality up to fewer tokens than a difference needs is not."""
    if known.same:
        return done.raw.answer == "different" or done.pattern.answer == "different"
    bound = done.raw.tokens
    return done.raw.answer == "equal" and (bound is None or bound >= known.shown)


def outcome(known: Known, done: Comparison) -> str:
    if wrong(known, done):
        return "WRONG"
    if done.raw.answer == "equal":
        return "equal" if done.raw.tokens is None else "equal up to N"
    return done.raw.answer


def run_pairs(files: list[Path], count: int, seed: int, begin: int) -> None:
    tokenizer = load_tokenizer("smollm2-135m")
    corpus = [text.text for text in load_corpus("stories")]
    builtin = [p for p in builtin_library().values() if p.typed is not None]
    imported = [p for p in load_library(files).values() if p.typed is not None] if files else []
    makers = [Maker(bases, tokenizer, seed + at) for at, bases in enumerate((builtin, imported)) if bases]
    streams = [maker.pairs(count) for maker in makers]
    table: dict[tuple[bool, str], Counter[str]] = defaultdict(Counter)
    seconds: dict[str, list[float]] = defaultdict(list)
    for number in range(count):
        known = _next(streams, number)
        if number < begin:
            continue
        start = time.process_time()
        done = compare(known.first, known.second, known.first.causal, tokenizer, corpus)
        taken = time.process_time() - start
        said = outcome(known, done)
        table[known.same, known.kind][said] += 1
        seconds[said].append(taken)
        bound = "" if done.raw.tokens is None else f" (N = {done.raw.tokens})"
        side = "same " if known.same else "other"
        print(f"{side} {known.kind:<22} {said}{bound:<10} {taken:6.2f} s  {known.first.name}", flush=True)
    print_table(table, seconds)


def _next(streams: list[Iterator[Known | None]], number: int) -> Known:
    """Both streams go on together, so that each kind is made of built-in and of imported programs in turn."""
    made = [known for known in [next(stream) for stream in streams] if known is not None]
    return made[(number // 2 + number // (2 * len(SAME))) % len(made)]


def print_table(table: dict[tuple[bool, str], Counter[str]], seconds: dict[str, list[float]]) -> None:
    answers = ("equal", "equal up to N", "different", "unknown", "WRONG")
    print(f"\n{'':<29}" + "".join(f"{a:>15}" for a in answers))
    for (same, kind), found in sorted(table.items(), reverse=True):
        print(f"{'same ' if same else 'other'} {kind:<23}" + "".join(f"{found[a] or '':>15}" for a in answers))
    total = sum(table.values(), Counter())
    print(f"{'all':<29}" + "".join(f"{total[a]:>15}" for a in answers))
    every = [x for found in seconds.values() for x in found]
    print(f"CPU seconds a pair: median {np.median(every):.2f}, mean {np.mean(every):.2f}, most {max(every):.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="make all pairs, compare those from this one on")
    given = parser.parse_args()
    run_pairs(given.files, given.pairs, given.seed, given.start)


if __name__ == "__main__":
    main()
