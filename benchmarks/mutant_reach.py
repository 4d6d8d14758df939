"""Which tests run which lines of the compiler and the lifter, from one run without a mutant; for ``mutants.py``."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mutations import ROOT, TARGETS, Mutant

FOLDERS = ("compiler", "dsl")
AT_IMPORT = ""
"""What coverage calls the time before the first test: modules are imported and tests collected."""


class Reach:
    """Which tests reach a line, what each test costs, and which lines run while modules are imported."""

    def __init__(self, kept: dict[str, Any]) -> None:
        self.names: list[str] = kept["names"]
        self.seconds: dict[str, float] = kept["seconds"]
        self.failed: list[str] = kept["failed"]
        self.at_import = {file: set(lines) for file, lines in kept["at_import"].items()}
        self.by_line = {
            file: {int(line): int(mask, 16) for line, mask in rows.items()} for file, rows in kept["by_line"].items()
        }

    def tests(self, mutant: Mutant) -> list[str]:
        """The tests that run a mutant's lines."""
        rows = self.by_line.get(mutant.file, {})
        mask = 0
        for line in range(mutant.line, mutant.last + 1):
            mask |= rows.get(line, 0)
        return self.usable(name for place, name in enumerate(self.names) if mask >> place & 1)

    def usable(self, names: Iterable[str]) -> list[str]:
        """Those that pass without a mutant."""
        return [name for name in names if name in self.seconds and name not in self.failed]

    def runs_at_import(self, mutant: Mutant) -> bool:
        """Whether a function with the mutant has done its work before the first test."""
        return not self.at_import.get(mutant.file, set()).isdisjoint(range(mutant.line, mutant.last + 1))


class Recorder:
    """A pytest plugin that tells coverage which test runs, and keeps the CPU time of each."""

    def __init__(self, group: str) -> None:
        import coverage

        # Nothing but the files that mutants are drawn from: to follow the interpreter's loops takes most of the time.
        files = [str(ROOT / pattern) for pattern in TARGETS[group]]
        self.coverage = coverage.Coverage(data_file=None, include=files, config_file=False)
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []
        self.started = 0.0
        self.coverage.start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.started = time.process_time()
        self.coverage.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid] = time.process_time() - self.started
        if report.failed:
            self.failed.append(report.nodeid)

    def save(self, path: Path, digest: str) -> None:
        self.coverage.stop()
        data = self.coverage.get_data()
        names = list(self.seconds)
        place = {name: 1 << number for number, name in enumerate(names)}
        by_line: dict[str, dict[int, str]] = {}
        at_import: dict[str, list[int]] = {}
        for name in data.measured_files():
            file = str(Path(name).relative_to(ROOT))
            contexts = data.contexts_by_lineno(name)
            by_line[file] = {line: hex(sum(place.get(c, 0) for c in found)) for line, found in contexts.items()}
            at_import[file] = [line for line, found in contexts.items() if AT_IMPORT in found]
        kept = {"digest": digest, "names": names, "seconds": self.seconds, "failed": self.failed}
        path.write_text(json.dumps({**kept, "by_line": by_line, "at_import": at_import}), encoding="utf-8")


def digest_of(tests: list[str]) -> str:
    """A name for the state of the sources and the tests: what is known of another state says nothing."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    found += [*(ROOT / "tests").rglob("*.py"), *(ROOT / "tests" / "programs").rglob("*.txt")]
    text = hashlib.sha256(" ".join(tests).encode())
    for path in sorted(found):
        text.update(str(path).encode() + path.read_bytes())
    return text.hexdigest()


def known_reach(path: Path, digest: str) -> Reach | None:
    """What an earlier run recorded of this state."""
    if not path.exists():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    if kept["digest"] != digest:
        return None
    for name in kept["failed"]:
        print(f"fails without a mutant, left out: {name}", file=sys.stderr)
    return Reach(kept)
