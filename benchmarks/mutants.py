"""Break the compiler in small ways and see whether the tests notice: ``python benchmarks/mutants.py --count 240``.

A mutant is one module of the compiler or of the lifter with one small change: a comparison flipped, a guard dropped, a
number shifted by one, ``and`` for ``or``, ``+`` for ``-``, a ``not`` removed. Each runs, in a child process that loads
the changed module, the tests that reach the changed line (a first run without a mutant records which). A failing test,
or a run that does not end, catches it. Mutants are drawn by seed, evenly over files, so that a run can be repeated, and
every survivor is printed as a line of source before and after. Results go to a JSON lines file, and the same command
goes on from it.
"""

from __future__ import annotations

import argparse
import ast
import importlib.machinery
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mutations import ROOT, TARGETS, Mutant, changes, draw

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
SECONDS = 400.0
"""A child that has not ended by then counts as caught: the change made the compiler run for ever."""


class Reach:
    """Which tests run which lines of the targets, and how long each test takes."""

    def __init__(self, by_line: dict[str, dict[int, list[str]]], seconds: dict[str, float]) -> None:
        self.by_line = by_line
        self.seconds = seconds

    def tests(self, mutant: Mutant) -> list[str]:
        """The tests that reach a mutant, quick ones first; every test when the line runs at import."""
        rows = self.by_line.get(mutant.file, {})
        found = {name for line in range(mutant.line, mutant.last + 1) for name in rows.get(line, [])}
        names = self.seconds if "" in found else found
        return sorted((name for name in names if name), key=lambda name: self.seconds.get(name, 0.0))


class Recorder:
    """A pytest plugin that tells coverage which test runs, and keeps the time of each."""

    def __init__(self) -> None:
        import coverage

        self.coverage = coverage.Coverage(
            data_file=None, include=[str(ROOT / folder / "*") for folder in ("compiler", "dsl")], config_file=False
        )
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []
        self.coverage.start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.coverage.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self.failed.append(report.nodeid)

    def save(self, path: Path) -> None:
        self.coverage.stop()
        data = self.coverage.get_data()
        by_line = {str(Path(name).relative_to(ROOT)): data.contexts_by_lineno(name) for name in data.measured_files()}
        kept = {"by_line": by_line, "seconds": self.seconds, "failed": self.failed}
        path.write_text(json.dumps(kept), encoding="utf-8")


class Only:
    """A pytest plugin that runs the given tests, in the given order."""

    def __init__(self, names: list[str]) -> None:
        self.order = {name: place for place, name in enumerate(names)}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self.order), key=lambda item: self.order[item.nodeid]
        )


def load_changed(mutant: Mutant) -> None:
    """From now on in this process, the mutant's module is loaded with its change."""
    target = str(ROOT / mutant.file)
    genuine = importlib.machinery.SourceFileLoader.get_code

    def get_code(loader: importlib.machinery.SourceFileLoader, name: str):  # type: ignore[no-untyped-def]
        if os.path.realpath(loader.path) != target:
            return genuine(loader, name)
        tree = ast.parse(Path(target).read_text(encoding="utf-8"))
        list(changes(tree))[mutant.site][2]()
        return compile(ast.fix_missing_locations(tree), target, "exec")

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]


def run_tests(tests: list[str], *plugins: object, options: tuple[str, ...] = ()) -> int:
    """pytest's exit code, with nothing printed; ``tests`` are folders, files or the tests themselves."""
    import pytest

    os.chdir(ROOT)
    log = os.open(os.devnull, os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    files = sorted({name.split("::")[0] for name in tests})
    return int(pytest.main(["-q", "-p", "no:cacheprovider", *options, *files], plugins=list(plugins)))


def in_child(work: Callable[[], int], seconds: float) -> int | None:
    """The exit code of ``work`` in a child that has the large libraries already; None when it did not end in time."""
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            code = work()
        finally:
            os._exit(code)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def record(path: Path, group: str) -> Reach | None:
    """Which tests reach which line, from a run without a mutant; None when that run came to no end.

    A test that fails without a mutant says nothing about one: it is named, and left out.
    """

    def work() -> int:
        recorder = Recorder()
        code = run_tests(TESTS[group], recorder)
        recorder.save(path)
        return code

    if not path.exists() and in_child(work, 20 * SECONDS) not in (0, 1):
        path.unlink(missing_ok=True)
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    for name in kept["failed"]:
        print(f"fails without a mutant, left out: {name}", file=sys.stderr)
        kept["seconds"].pop(name, None)
    by_line = {
        file: {int(line): [name for name in names if name not in kept["failed"]] for line, names in rows.items()}
        for file, rows in kept["by_line"].items()
    }
    return Reach(by_line, kept["seconds"])


def judged(mutant: Mutant, reach: Reach) -> str:
    """ "caught", "survived", "endless", or "unreached" when no test runs the changed line."""
    tests = reach.tests(mutant)
    if not tests:
        return "unreached"

    def work(some: list[str]) -> int:
        load_changed(mutant)
        return run_tests(some, Only(some), options=("-x",))

    for some in filter(None, (tests[:FIRST], tests[FIRST:])):
        code = in_child(lambda some=some: work(some), SECONDS)
        if code != 0:
            return "endless" if code is None else "caught"
    return "survived"


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


def known(results: Path) -> dict[str, str]:
    if not results.exists():
        return {}
    rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    return {row["key"]: row["outcome"] for row in rows}


CAUGHT = ("caught", "endless")
FIRST = 30
"""Most mutants are caught by one of the quickest tests that reach them: only their files are collected at first."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=Path("build/mutants.jsonl"))
    parser.add_argument("--part", default="0/1", help="this process' share, such as 0/2 and 1/2 for two processes")
    parser.add_argument("--group", choices=[*TARGETS], help="one group of mutants only")
    parser.add_argument("--again", action="store_true", help="judge what was not caught once more")
    options = parser.parse_args()
    options.results.parent.mkdir(parents=True, exist_ok=True)
    mutants = [m for m in draw(options.count, options.seed) if options.group in (None, m.group)]
    outcomes = known(options.results)
    part, parts = map(int, options.part.split("/"))
    preload()
    reaches: dict[str, Reach] = {}
    for group in sorted({m.group for m in mutants}):
        reach = record(options.results.with_suffix(f".{group}.json"), group)
        if reach is None:
            print("the tests do not end without a mutant: nothing can be learned", file=sys.stderr)
            return 1
        reaches[group] = reach
    for mutant in mutants[part::parts]:
        if outcomes.get(mutant.key) in (CAUGHT if options.again else (*CAUGHT, "survived", "unreached")):
            continue
        started = time.monotonic()
        outcome = outcomes[mutant.key] = judged(mutant, reaches[mutant.group])
        row = {"key": mutant.key, "group": mutant.group, "outcome": outcome, "seconds": time.monotonic() - started}
        with options.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{outcome:9} {row['seconds']:5.0f} s  {mutant.key}", flush=True)
    report(mutants, outcomes)
    return 0


def report(mutants: list[Mutant], outcomes: dict[str, str]) -> None:
    for group in TARGETS:
        found = [outcomes[mutant.key] for mutant in mutants if mutant.group == group and mutant.key in outcomes]
        caught = sum(outcome in CAUGHT for outcome in found)
        print(f"{group}: {caught} of {len(found)} caught = {100 * caught / max(1, len(found)):.1f}%")
    for mutant in mutants:
        if outcomes.get(mutant.key) not in (None, *CAUGHT):
            print(f"{outcomes[mutant.key]}: {mutant.key}")


if __name__ == "__main__":
    sys.exit(main())
