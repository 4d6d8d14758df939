"""Killed at random moments, does a run come to the same end, and is no finished unit of work done again?

    python benchmarks/kill_resume.py [--model tiny-model] [--kills 50] [--workers 1] [--seed 0] [-- OPTIONS OF explain]

One undisturbed run is the reference. Then the same command is started in a fresh folder, killed (SIGKILL) at a random
moment, started again, and so on until it ends by itself; then in another folder, until all kills are spent. A moment
is a number of ledger records from now, 0 (it opens the run) to a quarter of all, and a time of up to two units'
length. Of every finished run, every file but the ledger is compared with the reference, byte by byte but for the
page's date, and the ledger is counted. With ``--workers`` every other kill hits a worker instead, which the run must
survive. Ends with exit code 1 when anything differs.

Processes are forked from one that has imported everything, so that kills fall into the work and not into the imports.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import torch  # noqa: F401 - imported before forking
import transformers  # noqa: F401

import attndsl.job.explain
import attndsl.job.worker
import attndsl.models.extract
import attndsl.models.load
import attndsl.runtime.machine  # noqa: F401
from attndsl.cli.main import run as command
from attndsl.store.ledger import read

IGNORED = ("ledger/", "lock.json", "run.json")
DATE = re.compile(rb'"created": ?"[^"]*"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\+00:00|Z| UTC)?')
SHARE = 4
"""Kills come within this share of all records of a run: about twice as many hit every run."""


def started(arguments: list[str], log: Path) -> int:
    """A child that runs the command; its process id."""
    child = os.fork()
    if child:
        return child
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    try:
        code = command(arguments)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def contents(folder: Path) -> dict[str, str]:
    """Checksum of every file that a finished run leaves, the date of the page aside."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if not name.startswith(IGNORED):
            data = path.read_bytes()
            if name == "report.html":
                data = DATE.sub(b"", data)
            found[name] = hashlib.sha256(data).hexdigest()
    return found


def done_counts(folder: Path) -> Counter[str]:
    """How often each unit was finished."""
    return Counter(record["unit"] for record in read(folder) if record["type"] == "done")


def workers_of(pid: int) -> list[int]:
    """Children of a process that are workers of ours."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:
            continue
    return [child for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def wait_until(pid: int, seconds: float) -> int | None:
    """The exit code of a child that ends within this time, else None."""
    end = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            return None
        time.sleep(0.002)


def records(folder: Path) -> list[dict[str, object]]:
    """What the ledger says by now; a record that is being written is left out."""
    return list(read(folder)) if folder.exists() else []


def moment_comes(pid: int, folder: Path, more: int, seconds: float) -> int | None:
    """Wait for ``more`` records and then for a time; the exit code of a process that ended before, else None."""
    wanted = len(records(folder)) + more
    while len(records(folder)) < wanted:
        code = wait_until(pid, 0.002)
        if code is not None:
            return code
    return wait_until(pid, seconds)


def killed(pid: int, workers: bool, rng: random.Random) -> bool:
    """Kill the process, or one of its workers; whether the process itself was killed."""
    living = workers_of(pid) if workers else []
    if living:
        os.kill(rng.choice(living), signal.SIGKILL)
        return False
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


def disturbed(
    arguments: list[str], folder: Path, size: int, pause: float, kills: int, workers: int, rng: random.Random
) -> int:
    """One run, killed until it ends by itself or the kills are spent; how many kills it took."""
    spent = 0
    while True:
        pid = started([*arguments, "--out", str(folder)], folder.with_suffix(".log"))
        while spent < kills:
            code = moment_comes(pid, folder, rng.randint(0, size // SHARE), rng.uniform(0, pause))
            if code is not None:
                break
            spent += 1
            if killed(pid, workers > 1 and spent % 2 == 0, rng):
                break
        else:
            code = wait_until(pid, 3600)
        if code is not None:
            if code:
                sys.exit(f"the run ended with exit code {code}: see {folder.with_suffix('.log')}")
            return spent


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="tiny-model")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("kill-resume"))
    parser.add_argument("options", nargs="*")
    given = parser.parse_args()
    shutil.rmtree(given.folder, ignore_errors=True)
    given.folder.mkdir(parents=True)
    arguments = ["explain", given.model, *given.options, "--quiet"]
    reference = given.folder / "reference"
    if wait_until(started([*arguments, "--out", str(reference)], given.folder / "reference.log"), 3600):
        sys.exit(f"the undisturbed run failed: see {given.folder / 'reference.log'}")
    wanted, units = contents(reference), done_counts(reference)
    took = sorted(record["seconds"] for record in read(reference) if record["type"] == "done")
    pause = 2 * took[len(took) // 2]
    print(f"undisturbed: {len(units)} units, {sum(took):.1f} s of work, {len(wanted)} files", flush=True)
    more = ["--workers", str(given.workers)] if given.workers > 1 else []
    rng, left, number = random.Random(given.seed), given.kills, 0
    total: Counter[str] = Counter()
    while left > 0:
        number += 1
        folder = given.folder / f"run-{number}"
        spent = disturbed([*arguments, *more], folder, len(records(reference)), pause, left, given.workers, rng)
        left -= spent
        found, done = contents(folder), done_counts(folder)
        begun = sum(record["type"] == "start" for record in read(folder))
        differ = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        again = sum(done.values()) - len(done)
        total += Counter(kills=spent, differ=len(differ), again=again, lost=begun - sum(done.values()))
        print(
            f"run {number}: {spent} kills; {len(found) - len(differ)} of {len(wanted)} files equal; {len(done)} units, "
            f"{again} finished ones done again, {begun - sum(done.values())} lost under way {differ or ''}",
            flush=True,
        )
        if set(done) != set(units):
            sys.exit("other units than in the undisturbed run")
    print(
        f"{total['kills']} kills in {number} runs: {total['differ']} files differ, {total['again']} finished units "
        f"done again, {total['lost']} units lost under way and done anew"
    )
    sys.exit(1 if total["differ"] or total["again"] else 0)


if __name__ == "__main__":
    main()
