"""Units of work: what a run is made of. A finished one is never done again, a failed one is tried again where that can
help, and every one is in the ledger with its time, memory and cost.

    units.do([Unit("score", key, "train texts 0 to 7", {...}), ...])
    units.read(unit)       # its result, checked; made again when it was lost or damaged
"""

from __future__ import annotations

import errno
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.store.folder import RunFolder, Written
from attndsl.store.ledger import Ledger, Usage
from attndsl.store.meter import Meter

TRIES = 3
"""How often a unit is tried whose worker was lost or whose file system failed for a moment."""
PASSING = frozenset({errno.EIO, errno.EAGAIN, errno.ETIMEDOUT, errno.ECONNRESET, errno.ESTALE, errno.EINTR})
PATTERNS_NEEDED = frozenset({"E0521", "E0523"})
"""A shard that is damaged, or not where it was: the patterns are made again, then the unit."""


@dataclass(frozen=True)
class Unit:
    """``key``: the address of everything that the result depends on. ``what`` is for people, ``args`` (JSON-able) for
    whoever does it. ``accelerator``: whether it runs the model."""

    kind: str
    key: str
    what: str
    args: Mapping[str, Any] = field(default_factory=dict)
    accelerator: bool = False

    @property
    def id(self) -> str:
        return f"{self.kind}-{self.key}"


@dataclass(frozen=True)
class Finished:
    """The outputs of a unit, which are on disk, and what it took."""

    outputs: tuple[Written, ...]
    usage: Usage


@dataclass(frozen=True)
class Failed:
    """The unit raised an error: ``error`` is what the user is told."""

    error: Exception


@dataclass(frozen=True)
class Lost:
    """Whoever did the unit is gone, and so is the unit."""

    why: str


Outcome = Finished | Failed | Lost
Do = Callable[[Unit], Sequence[Written]]
"""Does a unit and returns its outputs, which are on disk by then."""
Advance = Callable[[int, int], None]


class Pool(Protocol):
    """Workers: ``free`` of them wait for a unit; ``wait`` returns when something has happened."""

    @property
    def free(self) -> int: ...
    def submit(self, unit: Unit) -> None: ...
    def wait(self) -> list[tuple[Unit, Outcome]]: ...
    def close(self) -> None: ...


def perform(do: Do, unit: Unit) -> Outcome:
    """Do a unit here and measure it."""
    meter = Meter()
    try:
        outputs = tuple(do(unit))
    except Exception as error:
        return Failed(error)
    return Finished(outputs, meter.usage())


class Here:
    """No workers: units are done by this process, one after another."""

    def __init__(self, do: Do) -> None:
        self._do = do
        self._done: deque[tuple[Unit, Outcome]] = deque()

    @property
    def free(self) -> int:
        return 0 if self._done else 1

    def submit(self, unit: Unit) -> None:
        self._done.append((unit, perform(self._do, unit)))

    def wait(self) -> list[tuple[Unit, Outcome]]:
        done, self._done = list(self._done), deque()
        return done

    def close(self) -> None:
        return None


class Units:
    """The units of one run. ``mend`` is asked when a unit misses patterns: it makes them again, and says whether the
    unit may then succeed. ``check`` is called before every unit and may stop the run."""

    def __init__(
        self, folder: RunFolder, ledger: Ledger, pool: Pool, *,
        mend: Callable[[Unit], bool] = lambda unit: False, check: Callable[[], None] = lambda: None,
        notify: Callable[[str], None] = lambda text: None,
    ) -> None:  # fmt: skip
        self.folder, self.ledger, self.pool = folder, ledger, pool
        self.mend, self._check, self._notify = mend, check, notify
        self.here_do: Do | None = None
        """Does a unit in this process, whatever the pool is."""

    def outputs(self, unit: Unit) -> tuple[Written, ...] | None:
        """The files of a finished unit, None when it has to be done (again): then the ledger says why."""
        outputs = self.ledger.state.done.get(unit.id)
        if outputs is None:
            return None
        for written in outputs:
            if not self.folder.has(written):
                self.gone(unit, f"{written.name} is missing or cut off")
                return None
        return outputs

    def whole(self, unit: Unit) -> bool:
        """Whether a unit is done and every byte of its outputs is what was written; if not, the ledger says why."""
        outputs = self.outputs(unit)
        if outputs is None:
            return False
        try:
            for written in outputs:
                self.folder.read(written)
        except DiagnosticError as error:
            self.gone(unit, str(error))
            return False
        return True

    def do(self, units: Sequence[Unit], advance: Advance = lambda done, total: None, pool: Pool | None = None) -> None:
        """Do those that are not done. The first error is raised, when the units under way have come to their end."""
        pool = pool or self.pool
        waiting = deque(unit for unit in units if self.outputs(unit) is None)
        total, finished = len(units), len(units) - len(waiting)
        advance(finished, total)
        tries: Counter[str] = Counter()
        running = 0
        error: Exception | None = None
        while (waiting and error is None) or running:
            while waiting and error is None and pool.free:
                unit = waiting.popleft()
                self._check()
                tries[unit.id] += 1
                self.ledger.start(unit.id, unit.kind, unit.what, tries[unit.id])
                pool.submit(unit)
                running += 1
            for unit, outcome in pool.wait():
                running -= 1
                found = self._settled(unit, outcome, tries[unit.id])
                if isinstance(found, Exception):
                    error = error or found
                elif found:
                    finished += 1
                    advance(finished, total)
                else:
                    waiting.appendleft(unit)
        if error is not None:
            raise error

    def here(self, units: Sequence[Unit]) -> None:
        """Do those that are not done in this process, also while a pool is at work."""
        assert self.here_do is not None
        self.do(units, pool=Here(self.here_do))

    def read(self, unit: Unit) -> bytes:
        """The first output of a unit, which is done (again) when it is not there or not what was written."""
        for _ in range(TRIES):
            outputs = self.outputs(unit)
            if outputs is None:
                self.do([unit])
                continue
            try:
                return self.folder.read(outputs[0])
            except DiagnosticError as error:
                self.gone(unit, str(error))
        raise _given_up(unit, f"its result was damaged {TRIES} times")

    def begin(self, unit: Unit) -> Meter:
        """For work that cannot be handed over: it begins now, and ``end`` books it."""
        self._check()
        self.ledger.start(unit.id, unit.kind, unit.what)
        return Meter()

    def end(self, unit: Unit, outputs: Sequence[Written], usage: Usage) -> None:
        """Book finished work, whose outputs are on disk."""
        self._book(unit, Finished(tuple(outputs), usage))

    @contextmanager
    def logged(self, unit: Unit) -> Iterator[list[Written]]:
        """The same as a block: the work is done inside, its outputs are put into the list."""
        meter = self.begin(unit)
        outputs: list[Written] = []
        try:
            yield outputs
        except Exception as error:
            self.ledger.failed(unit.id, unit.kind, unit.what, _reason(error))
            raise
        self.end(unit, outputs, meter.usage())

    def _settled(self, unit: Unit, outcome: Outcome, tries: int) -> bool | Exception:
        """True when it is done, False when it is to be tried again, else the error to end with."""
        if isinstance(outcome, Finished):
            self._book(unit, outcome)
            return True
        why = outcome.why if isinstance(outcome, Lost) else _reason(outcome.error)
        self.ledger.failed(unit.id, unit.kind, unit.what, why)
        if tries < TRIES and self._may_pass(unit, outcome):
            self._notify(f"{unit.kind} {unit.what}: {why}; trying again")
            return False
        return _given_up(unit, why) if isinstance(outcome, Lost) else outcome.error

    def _may_pass(self, unit: Unit, outcome: Failed | Lost) -> bool:
        if isinstance(outcome, Lost):
            return True
        if isinstance(outcome.error, DiagnosticError):
            codes = {d.code for d in outcome.error.diagnostics}
            return bool(codes & PATTERNS_NEEDED) and self.mend(unit)
        return isinstance(outcome.error, OSError) and outcome.error.errno in PASSING

    def _book(self, unit: Unit, finished: Finished) -> None:
        self.ledger.done(unit.id, unit.kind, unit.what, finished.outputs, finished.usage)

    def gone(self, unit: Unit, why: str) -> None:
        """Count a finished unit as not done, since its outputs are lost or damaged."""
        self._notify(f"{why}; {unit.kind} {unit.what} is done again")
        self.ledger.gone(unit.id, why)


def _reason(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0] or type(error).__name__


def _given_up(unit: Unit, why: str) -> DiagnosticError:
    return fail(
        "E0526", f"{unit.kind} {unit.what} failed {TRIES} times: {why}",
        help="look at the memory and the messages of the workers; finished work is kept, the same command goes on",
    )  # fmt: skip
