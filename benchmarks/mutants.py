"""Break the compiler in small ways and see whether the tests notice: ``python benchmarks/mutants.py --count 240``.

A mutant is one module of the compiler or of the lifter with one small change: a comparison flipped, a guard dropped, a
number shifted by one, ``and`` for ``or``, ``+`` for ``-``, a ``not`` removed. A first run without a mutant records
which tests run which lines. Collected tests then wait in one process: each mutant is a fork of it whose functions get
the changed code, and it runs the tests that reach the changed line until one fails: cheap ones and those that caught
others first, and no more than took 30 s in the first run. What acts when modules are imported is judged in a process
that imports them anew. A test that takes far more CPU time than without the mutant ends it as "endless". A failure
counts if the same test passes alone without a mutant. Mutants are drawn by seed, evenly over files, and every survivor
is printed as a line of source before and after. Results go to a JSON lines file, and the same command goes on from it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from bisect import bisect_right
from collections import Counter
from functools import partial
from itertools import accumulate
from pathlib import Path

from mutant_code import needs_import
from mutant_judge import ERRORS, Collected, Runner, Verdict, in_child, run_anew, run_pytest
from mutant_reach import Reach, Recorder, digest_of, known_reach
from mutations import TARGETS, Mutant, draw

TESTS = {
    "passes": [
        "tests/compiler",
        "tests/dsl/test_cases.py",
        "tests/dsl/test_properties.py",
        "tests/dsl/test_library.py",
        "tests/runtime/test_machine_programs.py",
        "tests/runtime/test_machine_parts.py",
        "tests/runtime/test_text_marks.py",
    ],
    "lifting": ["tests/dsl/pyimport", "tests/dsl/test_pyimport_names.py", "tests/runtime/test_programs_unseen.py"],
}
"""The tests that judge a group of mutants; others reach it as well, but were not written for it."""
CAUGHT = ("caught", "endless")
MOST_SECONDS = 30.0
"""Tests that took so long together, in the first run, are run for one mutant; what they miss survived."""


class Judge:
    """Judges the mutants of one group, most telling tests first, and keeps the results."""

    def __init__(self, group: str, reach: Reach, results: Path) -> None:
        self.group = group
        self.reach = reach
        self.results = results
        self.kills = Counter(row["by"] for row in rows_of(results) if row["outcome"] in CAUGHT)
        """How many mutants each test caught, in earlier runs too."""
        self.sound: dict[str, bool] = {}
        """Whether a test passes when it runs as a mutant's tests do, but without a mutant."""

    def order(self, names: list[str]) -> list[str]:
        """Cheap tests first, and those that caught others: each catch makes a test twice as cheap, up to a point."""
        found = sorted(names, key=lambda n: (self.reach.seconds[n] + 0.02) / 2 ** min(4, self.kills[n]))
        spent = list(accumulate(self.reach.seconds[n] for n in found))
        return found[: bisect_right(spent, MOST_SECONDS)] or found[:1]

    def at_import(self, mutant: Mutant) -> bool:
        return needs_import(mutant) or self.reach.runs_at_import(mutant)

    def judge(self, mutant: Mutant, run: Runner) -> None:
        started = time.monotonic()
        names = self.reach.usable(self.reach.names) if needs_import(mutant) else self.reach.tests(mutant)
        verdict = self.verdict(self.order(names), mutant, run)
        row = {"key": mutant.key, "group": self.group, "outcome": verdict.outcome, "by": verdict.by}
        row["seconds"] = round(time.monotonic() - started, 2)
        with self.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{verdict.outcome:9} {row['seconds']:6.1f} s  {mutant.key}", file=ERRORS)

    def verdict(self, names: list[str], mutant: Mutant, run: Runner) -> Verdict:
        """The verdict of sound tests: one that fails by itself is left out, and the mutant is judged again."""
        while names:
            found = run(names, mutant)
            if found.outcome not in CAUGHT:
                return found
            if self.is_sound(found.by, run):
                self.kills[found.by] += 1
                return found
            names = [name for name in names if name != found.by]
        return Verdict("unreached", "")

    def is_sound(self, name: str, run: Runner) -> bool:
        if name not in self.sound:
            self.sound[name] = run([name], None).outcome == "survived"
            if not self.sound[name]:
                print(f"fails alone without a mutant, left out: {name}", file=ERRORS)
        return self.sound[name]


def preload() -> None:
    import coverage
    import hypothesis
    import lark
    import numba
    import pytest
    import spacy
    import torch
    import transformers

    del coverage, hypothesis, lark, numba, pytest, spacy, transformers
    torch.set_num_threads(1)


def record(path: Path, group: str) -> Reach:
    """Which tests reach which line, from a run without a mutant in a child. Raises SystemExit if it comes to no end."""
    digest = digest_of(TESTS[group])
    if known_reach(path, digest) is None:
        path.unlink(missing_ok=True)

        def work() -> None:
            recorder = Recorder(group)
            run_pytest(TESTS[group], recorder)
            recorder.save(path, digest)

        in_child(work)
    reach = known_reach(path, digest)
    if reach is None:
        raise SystemExit("the tests do not end without a mutant: nothing can be learned")
    return reach


def judge_group(group: str, mutants: list[Mutant], reach: Reach, results: Path) -> None:
    """Judge the mutants of a group. Those that act at import come first, while nothing is imported yet."""
    judge = Judge(group, reach, results)
    early = [mutant for mutant in mutants if judge.at_import(mutant)]
    for mutant in early:
        judge.judge(mutant, lambda names, change: run_anew(reach.seconds, names, change))

    def others(run: Runner) -> None:
        for mutant in mutants:
            if mutant not in early:
                judge.judge(mutant, run)

    if len(early) < len(mutants):
        run_pytest(TESTS[group], Collected(reach.seconds, others))


def rows_of(results: Path) -> list[dict[str, str]]:
    if not results.exists():
        return []
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]


def known(results: Path) -> dict[str, str]:
    return {row["key"]: row["outcome"] for row in rows_of(results)}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=Path("build/mutants.jsonl"))
    parser.add_argument("--part", default="0/1", help="this process' share, such as 0/2 and 1/2 for two processes")
    parser.add_argument("--group", choices=[*TARGETS], help="one group of mutants only")
    parser.add_argument("--again", action="store_true", help="judge what was not caught once more")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    options.results.parent.mkdir(parents=True, exist_ok=True)
    results = options.results.resolve()
    mutants = [m for m in draw(options.count, options.seed) if options.group in (None, m.group)]
    outcomes = known(results)
    part, parts = map(int, options.part.split("/"))
    settled = CAUGHT if options.again else (*CAUGHT, "survived", "unreached")
    left = [m for m in mutants[part::parts] if outcomes.get(m.key) not in settled]
    preload()
    for group in sorted({m.group for m in left}):
        reach = record(results.with_suffix(f".{group}.json"), group)
        in_child(partial(judge_group, group, [m for m in left if m.group == group], reach, results))
    report(mutants, known(results))
    return 0


def report(mutants: list[Mutant], outcomes: dict[str, str]) -> None:
    for group in TARGETS:
        found = [outcomes[mutant.key] for mutant in mutants if mutant.group == group and mutant.key in outcomes]
        caught = sum(outcome in CAUGHT for outcome in found)
        share = 100 * caught / max(1, len(found))
        print(f"{group}: {caught} of {len(found)} caught = {share:.1f}%, {found.count('endless')} of them endless")
    for mutant in mutants:
        if outcomes.get(mutant.key) not in (None, *CAUGHT):
            print(f"{outcomes[mutant.key]}: {mutant.key}")


if __name__ == "__main__":
    sys.exit(main())
