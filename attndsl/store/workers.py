"""Workers on this machine: processes that open the run once and do one unit at a time.

A worker that dies takes only its own unit with it, which is done again by another one.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.store.units import Do, Failed, Lost, Outcome, Unit, perform


class Opening(Protocol):
    """Plain data from which a worker opens the run; it is sent to every worker once."""

    def open(self) -> Do: ...


class Worker:
    """What a worker process or a Ray actor does."""

    def __init__(self, opening: Opening) -> None:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported; see attndsl/cli/__init__.py
        self._do = opening.open()

    def ready(self) -> None:
        """Returns when the run is open."""

    def perform(self, unit: Unit) -> Outcome:
        return portable(perform(self._do, unit))


def portable(outcome: Outcome) -> Outcome:
    """The outcome as it can be sent to another process; an error that cannot is sent as its text."""
    if isinstance(outcome, Failed) and not isinstance(outcome.error, DiagnosticError):
        try:
            pickle.loads(pickle.dumps(outcome))
        except Exception:
            return Failed(RuntimeError(f"{type(outcome.error).__name__}: {outcome.error}"))
    return outcome


class Processes:
    """``count`` workers on this machine, started when the first unit comes."""

    def __init__(self, count: int, opening: Opening) -> None:
        self._count, self._opening = count, opening
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Process] = []

    @property
    def free(self) -> int:
        return self._count - sum(1 for worker in self._workers if worker.unit is not None)

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that run."""
        return [worker.pid for worker in self._workers]

    def submit(self, unit: Unit) -> None:
        idle = next((worker for worker in self._workers if worker.unit is None), None)
        if idle is None:
            idle = _Process(self._context, self._opening)
            self._workers.append(idle)
        idle.give(unit)

    def wait(self) -> list[tuple[Unit, Outcome]]:
        busy = {worker.connection: worker for worker in self._workers if worker.unit is not None}
        found = []
        for connection in wait(list(busy)):
            worker = busy[connection]
            unit, outcome = worker.take()
            if isinstance(outcome, Lost):
                self._workers.remove(worker)
            found.append((unit, outcome))
        return found

    def close(self) -> None:
        for worker in self._workers:
            worker.end()
        self._workers = []


class _Process:
    """One worker process and this end of its pipe."""

    def __init__(self, context: Any, opening: Opening) -> None:
        self.connection, theirs = context.Pipe()
        self.unit: Unit | None = None
        self._process = context.Process(target=_serve, args=(theirs, opening), name="attndsl-worker", daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    def give(self, unit: Unit) -> None:
        self.unit = unit
        try:
            self.connection.send(unit)
        except OSError:  # it is dead: taking its answer says so
            return

    def take(self) -> tuple[Unit, Outcome]:
        unit, self.unit = self.unit, None
        assert unit is not None
        try:
            return unit, self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            return unit, Lost(f"worker {self.pid} ended ({_ending(self._process.exitcode)})")

    def end(self) -> None:
        self.connection.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _ending(code: int | None) -> str:
    import signal

    if code is not None and code < 0:
        name = next((each.name for each in signal.Signals if each.value == -code), str(-code))
        return f"signal {name}" + (", perhaps for lack of memory" if name == "SIGKILL" else "")
    return f"exit code {code}"


def _serve(connection: Connection, opening: Opening) -> None:
    """The life of a worker: until its parent closes the pipe, or is dead."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it ends its workers
    worker: Worker | Exception
    try:
        worker = Worker(opening)
    except Exception as error:  # told with every unit: the parent knows which of them it may try elsewhere
        worker = error
    answer: Callable[[Unit], Outcome] = (
        worker.perform if isinstance(worker, Worker) else lambda unit: portable(Failed(worker))
    )
    while True:
        try:
            connection.send(answer(connection.recv()))
        except (EOFError, OSError):  # the parent has closed the pipe, or was killed in the middle of a unit
            os._exit(0)  # threads of libraries are not waited for
