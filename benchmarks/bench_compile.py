"""The Python front end: CPU time and memory to read, check and lift program files, and sources made to be slow.

    python benchmarks/bench_compile.py FILE.py ...          # one table for the files, one for the hostile sources
    python benchmarks/bench_compile.py FILE.py --host embedding_similarity --slowest 20

The files together, each file, and every hostile source are compiled in a process of their own, as ``attndsl compile``
does it: start and imports count, but not compiling the modules of Python that are imported: byte code is kept, as an
installation keeps it, in a folder of the benchmark (the environment may forbid it elsewhere). CPU time, since other
work on the machine disturbs it less than the clock. ``steps`` of the kernel's scheduling are 10 ms at worst; nothing
here reads a clock to decide anything.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from hostile_sources import SOURCES


def compile_files(paths: list[str], hosts: list[str]) -> dict[str, object]:
    """Compile files here, and say what they cost since this process began."""
    from attndsl.dsl.diagnostics import DiagnosticError
    from attndsl.runtime.library import load_library

    start = time.process_time()
    outcomes: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for path in paths:
        try:
            library = load_library(path, host={name: lambda *_: 0.0 for name in hosts})
            outcomes.update(program.outcome.value for program in library.values())
            codes.update(d.code for program in library.values() for d in program.diagnostics[:1])
        except DiagnosticError as error:
            outcomes["refused"] += 1
            codes.update(d.code for d in error.diagnostics[:1])
    return {
        "start": start, "cpu": time.process_time(), "outcomes": dict(outcomes), "codes": dict(codes),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def slowest(path: str, hosts: list[str], count: int) -> list[tuple[float, str]]:
    """The programs that take most CPU to check and lift, each timed once."""
    from attndsl.dsl.pyimport.lift import NotLiftable, lift_program
    from attndsl.dsl.pyimport.names import check_module
    from attndsl.dsl.pyimport.read import read_module

    found = []
    for name, check in check_module(read_module(Path(path).read_text(), path), hosts).items():
        start = time.process_time()
        if check.ok:
            try:
                lift_program(check.program)
            except NotLiftable:
                name += " (not lifted)"
        found.append((time.process_time() - start, name))
    return sorted(found, reverse=True)[:count]


def in_own_process(paths: list[str], hosts: list[str]) -> dict[str, object]:
    """``compile_files`` in a fresh interpreter."""
    command = [sys.executable, __file__, *paths, "--here", *(part for name in hosts for part in ("--host", name))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def show(name: str, found: dict[str, object]) -> float:
    """One row; returns the CPU time."""
    outcomes = found["outcomes"]
    codes = found["codes"]
    assert isinstance(outcomes, dict)
    assert isinstance(codes, dict)
    cpu = found["cpu"]
    assert isinstance(cpu, float)
    what = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    why = ", ".join(list(codes)[:3])
    print(f"{name:28s} {cpu:6.2f} {found['start']:6.2f} {found['megabytes']:6.0f}  {what}  {why}", flush=True)
    return cpu


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*")
    parser.add_argument("--host", action="append", default=[])
    parser.add_argument("--slowest", type=int, default=5)
    parser.add_argument("--no-hostile", action="store_true")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        print(json.dumps(compile_files(options.files, options.host)))
        return
    with tempfile.TemporaryDirectory() as byte_code:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = byte_code
        in_own_process(options.files or [__file__], options.host)  # so that no row pays for compiling our own modules
        _report(options)


def _report(options: argparse.Namespace) -> None:
    print(f"load average {os.getloadavg()[0]:.1f}")
    print(f"{'file':28s} {'CPU s':>6s} {'start':>6s} {'MB':>6s}  outcomes")
    total = sum(show(Path(path).name, in_own_process([path], options.host)) for path in options.files)
    print(f"{'all files, their sum':28s} {total:6.2f}")
    show("all files, one process", in_own_process(options.files, options.host))
    for path in options.files:
        for seconds, name in slowest(path, options.host, options.slowest):
            print(f"    {seconds:.3f} s  {name}")
    if not options.no_hostile:
        _hostile()


def _hostile() -> None:
    print(f"\n{'hostile source':28s} {'CPU s':>6s} {'start':>6s} {'MB':>6s}  outcome, first code")
    with tempfile.TemporaryDirectory() as folder:
        for name, make in SOURCES.items():
            path = Path(folder) / f"{name}.py"
            path.write_text(make())
            show(name, in_own_process([str(path)], []))


if __name__ == "__main__":
    main()
