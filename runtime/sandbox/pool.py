"""A pool of sandbox workers: runs programs over sentences, survives whatever they do, reports each.

A worker is one zygote with at most one child at a time. A child serves one program, over as many sentences as asked;
it is killed after its sentences, or when it breaks a limit. The same pool serves many threads.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.sandbox import border, frames
from attndsl.runtime.sandbox.border import Matrix
from attndsl.runtime.sandbox.errors import SandboxError, sandbox_error, wrapped
from attndsl.runtime.sandbox.levels import DEFAULT_LEVEL, require
from attndsl.runtime.sandbox.limits import DEFAULT_LIMITS, Limits
from attndsl.runtime.sandbox.programs import Prepared, prepare
from attndsl.runtime.sandbox.worker import Child, ChildGone, DeadlinePassed, Zygote

_RESTART = ("time", "memory", "died")


@dataclass(frozen=True)
class Values:
    """Which unusual values a caller takes as they are; by default none."""

    nonfinite: bool = False
    negative: bool = False
    empty_rows: bool = False


@dataclass(frozen=True)
class Job:
    """One program and its sentences, for ``SandboxPool.map``."""

    source: str | bytes
    tables: Sequence[TokenTable]
    program: str | None = None
    host: Mapping[str, Sequence[Matrix]] = field(default_factory=dict)
    name: str = "<program>"
    values: Values = Values(negative=True, empty_rows=True)


@dataclass
class Report:
    """What became of one job: per sentence a float64 [n, n] matrix or the error in its place."""

    job: Job
    results: list[Matrix | SandboxError]

    @property
    def errors(self) -> list[SandboxError]:
        return [result for result in self.results if isinstance(result, SandboxError)]


class Session:
    """One program in one child, over many sentences; a child that breaks is replaced for the next sentence."""

    def __init__(self, zygote: Zygote, program: Prepared, limits: Limits) -> None:
        self.program = program
        self._zygote = zygote
        self._limits = limits
        self._child: Child | None = None

    def run(self, table: TokenTable, host: Mapping[str, Matrix] | None = None, values: Values = Values()) -> Matrix:
        """The matrix of the program for one sentence, float64 [q, k], as it returned it. Raises SandboxError."""
        size = len(table)
        if size > self._limits.tokens:
            raise sandbox_error("E0422", "refused", f"the sentence has {size} tokens, more than {self._limits.tokens}")
        try:
            data = border.sentence_message(table, self.program.needs_words, host or {})
        except DiagnosticError as error:
            raise wrapped(error, "unavailable") from None
        self.start()
        matrix: Matrix = np.empty((size, size), dtype=np.float64)
        view = matrix.reshape(-1).view(np.uint8).data if size else memoryview(bytearray())
        status, line, text = self._ask(data, self._limits.seconds, view)
        if status != frames.MATRIX:
            raise self._problem(status, line, text)
        border.check_values(
            matrix,
            self._limits,
            allow_nonfinite=values.nonfinite,
            allow_negative=values.negative,
            allow_empty_rows=values.empty_rows,
        )
        return matrix

    def start(self) -> None:
        """Fork the child and compile the program in it, unless that is done. Raises SandboxError."""
        if self._child is not None:
            return
        self._child = self._zygote.fork(self._limits)
        message = border.program_message(self.program, self._limits)
        status, line, text = self._ask(message, self._limits.start_seconds, None)
        if status != frames.READY:
            self.close()
            raise self._problem(status, line, text)

    def _ask(self, data: bytes, seconds: float, view: memoryview | None) -> tuple[bytes, int, bytes]:
        assert self._child is not None
        try:
            return self._child.ask(data, seconds, view)
        except DeadlinePassed:
            self.close()
            raise sandbox_error(
                "E0416", "time", f"{self.program.entry} did not answer within {seconds:g} seconds"
            ) from None
        except ChildGone:
            raise self._death(self.close()) from None
        except ValueError as error:
            self.close()
            raise sandbox_error("E0419", "died", f"the sandbox process gave {error}, and was killed") from None

    def _death(self, status: int) -> SandboxError:
        reason = f"exit status {status}"
        if status < 0:
            known = {s.value: s.name for s in signal.Signals}
            reason = known.get(-status, f"signal {-status}")
        note = {-signal.SIGSYS: ": it made a forbidden system call", -signal.SIGXCPU: ": processor time is used up"}
        return sandbox_error(
            "E0418", "died", f"the process of {self.program.entry} died of {reason}{note.get(status, '')}"
        )

    def _problem(self, status: bytes, line: int, payload: bytes) -> SandboxError:
        kind, text = border.split_text(payload)
        source, at = self.program.source, self.program.file_line(line)
        if status == frames.REFUSED:
            shown = f"{kind}: {text}" if kind else text
            return sandbox_error("E0410", "refused", shown or "the program is refused", source=source, line=at)
        if status == frames.BAD_RESULT:
            return sandbox_error("E0413", "bad_result", text)
        if status == frames.DIFFERS:
            return sandbox_error("E0415", "differs", text, help="seed the generator, and keep no state between calls")
        outcome, code = ("memory", "E0417") if kind == "MemoryError" else ("error", "E0412")
        shown = f"{self.program.entry} raised {kind}" + (f": {text}" if text else "")
        return sandbox_error(code, outcome, shown, source=source, line=at, error_type=kind, error_message=text)

    def close(self) -> int:
        """Kill the child; gives its exit status, 0 when there was none."""
        child, self._child = self._child, None
        return child.close() if child is not None else 0


class SandboxPool:
    """Runs untrusted programs in locked processes.

    ``workers`` zygotes serve as many threads at once; ``limits`` hold for every program; ``level`` is the least
    isolation to accept (see ``levels.py``). Raises SandboxError E0420 when the machine is below it. Close the pool,
    or use it in a ``with`` statement.
    """

    def __init__(self, workers: int = 2, limits: Limits = DEFAULT_LIMITS, level: str = DEFAULT_LEVEL) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        self.limits = limits
        self._zygotes = [Zygote() for _ in range(workers)]
        self._zygotes[0].start()
        require(level, self._zygotes[0].facts)
        self._free: queue.LifoQueue[Zygote] = queue.LifoQueue()
        for zygote in self._zygotes:
            self._free.put(zygote)
        self._kept: Session | None = None
        self._keeping: Zygote | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> SandboxPool:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill every child and zygote."""
        for zygote in self._zygotes:
            zygote.close()
        self._kept = self._keeping = None

    def require(self, level: str) -> None:
        """Raise SandboxError E0420 or E0421 unless this pool isolates at least at ``level``."""
        require(level, self._zygotes[0].facts)

    @property
    def starts(self) -> list[int]:
        """How often each zygote was started; more than 1 means that one died."""
        return [zygote.starts for zygote in self._zygotes]

    def alive(self) -> bool:
        """Whether every started zygote still answers."""
        return all(zygote.ping() for zygote in self._zygotes if zygote.starts)

    @contextmanager
    def session(self, program: Prepared, limits: Limits | None = None) -> Iterator[Session]:
        """A child for one program, killed at the end; waits for a free worker."""
        self._let_go()
        zygote = self._free.get()
        session = Session(zygote, program, limits or self.limits)
        try:
            yield session
        finally:
            session.close()
            self._free.put(zygote)

    def _let_go(self) -> None:
        """End the session that ``run_program`` keeps, so that its worker is free."""
        with self._lock:
            if self._kept is not None and self._keeping is not None:
                self._kept.close()
                self._free.put(self._keeping)
                self._kept = self._keeping = None

    def run_program(
        self,
        source: str | bytes,
        program: str | None,
        table: TokenTable,
        host_matrices: Mapping[str, Matrix] | None = None,
        *,
        allow_nonfinite: bool = False,
        allow_negative: bool = True,
        allow_empty_rows: bool = True,
        name: str = "<program>",
    ) -> Matrix:
        """The raw matrix of a program for one sentence: float64 [q, k], exactly as the program returned it.

        The child of the last program is kept, so that calls for the same program over many sentences compile it
        once. Raises SandboxError: refused, raised (with exception type, message and line), broke a limit, or gave
        a result that is not allowed.
        """
        prepared = prepare(source, program, name, self.limits)
        values = Values(allow_nonfinite, allow_negative, allow_empty_rows)
        with self._lock:
            if self._kept is None or self._keeping is None:
                self._keeping = self._free.get()
                self._kept = Session(self._keeping, prepared, self.limits)
            elif self._kept.program is not prepared:
                self._kept.close()
                self._kept = Session(self._keeping, prepared, self.limits)
            return self._kept.run(table, host_matrices, values)

    def run_job(self, job: Job) -> Report:
        """One program over its sentences, in one child while that lives."""
        results: list[Matrix | SandboxError] = []
        try:
            prepared = prepare(job.source, job.program, job.name, self.limits)
        except SandboxError as error:
            return Report(job, [error] * len(job.tables))
        with self.session(prepared) as session:
            for index, table in enumerate(job.tables):
                host = {name: matrices[index] for name, matrices in job.host.items()}
                try:
                    results.append(session.run(table, host, job.values))
                except SandboxError as error:
                    if error.code in ("E0410", "E0424"):
                        return Report(job, [*results, *[error] * (len(job.tables) - index)])
                    results.append(error)
        return Report(job, results)

    def map(self, jobs: Iterable[Job], done: Callable[[Report], Any] | None = None) -> list[Report]:
        """Every job's report, in order; all workers are busy while there is work. ``done`` is told of each."""
        self._let_go()

        def one(job: Job) -> Report:
            report = self.run_job(job)
            if done is not None:
                done(report)
            return report

        with ThreadPoolExecutor(len(self._zygotes)) as threads:
            return list(threads.map(one, jobs))
