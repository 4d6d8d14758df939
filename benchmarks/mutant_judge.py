"""Run tests against one mutant in a forked child, with a limit for each test; for ``mutants.py``."""

from __future__ import annotations

import importlib
import os
import select
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from mutant_code import change_functions, load_changed, module_of
from mutations import ROOT, Mutant

CPU_SECONDS = 10.0
CPU_TIMES = 10.0
"""A test may take so many seconds, and so many times its own time, before the mutant counts as endless."""
ERRORS = os.fdopen(os.dup(2), "w", buffering=1)
"""The judge's own standard error: pytest takes the other one away."""
FIRST = 30
"""Most mutants are caught by one of their first tests: only the files of these are collected anew at first."""
WALL_SECONDS = 240.0
"""A child that reports nothing for so long waits for something that never comes."""


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: str
    """ "caught", "endless", "survived" or "unreached"."""
    by: str
    """The test that failed or did not end."""


Runner = Callable[[list[str], Mutant | None], Verdict]
"""Runs tests, in that order, with a mutant or without."""


def run_pytest(tests: list[str], *plugins: object) -> int:
    """pytest's exit code, with nothing printed."""
    import pytest

    os.chdir(ROOT)
    log = os.open(os.devnull, os.O_WRONLY)
    os.dup2(log, 1)
    return int(pytest.main(["-q", "-p", "no:cacheprovider", *tests], plugins=list(plugins)))


class Collected:
    """A pytest plugin: once tests are collected, ``work`` gets a runner of them, and none runs otherwise."""

    def __init__(self, seconds: dict[str, float], work: Callable[[Runner], None]) -> None:
        self.seconds = seconds
        self.work = work
        self.items: dict[str, Any] = {}
        self.failed = False

    def pytest_runtestloop(self, session: Any) -> bool:
        if session.testsfailed:  # a file could not be collected: nothing of it can run
            return True
        self.items = {item.nodeid: item for item in session.items}
        try:
            self.work(self.forked)
        except Exception:
            traceback.print_exc(file=ERRORS)
            os._exit(70)
        return True

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.failed = self.failed or report.failed

    def forked(self, names: list[str], mutant: Mutant | None) -> Verdict:
        if mutant is not None:
            importlib.import_module(module_of(mutant))

        def work(tell: Callable[[str], None]) -> None:
            if mutant is not None and not change_functions(mutant):
                raise RuntimeError(f"no function took the change {mutant.key}")
            self.run(names, tell)

        return verdict_of(work)

    def run(self, names: list[str], tell: Callable[[str], None]) -> None:
        """Run tests until one fails, in this process."""
        some = [self.items[name] for name in names]
        for item, following in zip(some, [*some[1:], None], strict=True):
            tell(item.nodeid)
            signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS + CPU_TIMES * self.seconds[item.nodeid])
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                tell("caught")
                return
        tell("survived")


def run_anew(seconds: dict[str, float], names: list[str], mutant: Mutant | None) -> Verdict:
    """Run tests in children that import the modules anew; a module that fails at import is caught."""
    for some in filter(None, (names[:FIRST], names[FIRST:])):
        verdict = verdict_of(partial(_anew, seconds, some, mutant))
        if verdict.outcome != "survived":
            break
    return verdict


def _anew(seconds: dict[str, float], names: list[str], mutant: Mutant | None, tell: Callable[[str], None]) -> None:
    if mutant is not None:
        load_changed(mutant)
    collected = Collected(seconds, lambda _: collected.run(names, tell))
    tell(names[0])
    if run_pytest(sorted({name.split("::")[0] for name in names}), collected) > 1 or not collected.items:
        tell("caught")


def in_child(work: Callable[[], None]) -> None:
    """Run ``work`` in a process of its own. Raises SystemExit if it fails there."""
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc(file=ERRORS)
        finally:
            os._exit(code)
    if os.waitpid(pid, 0)[1] != 0:
        raise SystemExit("the judge failed, see above")


def verdict_of(work: Callable[[Callable[[str], None]], None]) -> Verdict:
    """What a child says last: the outcome, or the test in which it was stopped or died."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    pid = os.fork()
    if pid == 0:

        def tell(line: str) -> None:
            os.write(write, f"{line}\n".encode())

        try:
            work(tell)
        finally:
            os._exit(70)
    os.close(write)
    said, status = heard(pid, read)
    os.close(read)
    lines = said.splitlines()
    if lines[-1:] in (["survived"], ["caught"]):
        return Verdict(lines[-1], lines[-2])
    stopped = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGVTALRM, signal.SIGKILL)
    if not lines or os.waitstatus_to_exitcode(status) == 70:
        raise RuntimeError(f"the child came to no verdict, at {lines[-1:]}")
    return Verdict("endless" if stopped else "caught", lines[-1])


def heard(pid: int, read: int) -> tuple[str, int]:
    """Everything that a child says until it ends, and how it ended; one that is silent for too long is stopped."""
    said, latest = "", time.monotonic()
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        select.select([read], [], [], 0.02)
        try:
            more = os.read(read, 1 << 20).decode()
        except BlockingIOError:
            more = ""
        said += more
        if done:
            return said, status
        if more:
            latest = time.monotonic()
        elif time.monotonic() - latest > WALL_SECONDS:
            os.kill(pid, signal.SIGKILL)
