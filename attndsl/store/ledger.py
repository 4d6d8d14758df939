"""What was done in a run: one record per event of a unit of work, in files of JSON lines.

Every process that does something writes files of its own, ``ledger/000001-ab12cd.jsonl``, from its first record on;
together, in the order of their names, they are the ledger. Records: ``session`` (format, settings, versions, process),
``start``, ``done`` (outputs, seconds, memory, dollars), ``failed``, ``gone`` (an output that was lost or damaged, so
that the unit is done again) and ``dropped`` (removed by ``attndsl clean``, done again when it is needed).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attndsl.job.stages import cannot_write
from attndsl.store.folder import RunFolder, Written
from attndsl.store.processes import this_process

FOLDER = "ledger"
FORMAT = 1
SEGMENT_BYTES = 1 << 18
"""A process goes on in another file beyond this size: at a URL a file is put whole with every record that is added."""
_SEGMENT = re.compile(r"(\d{6})-[0-9a-f]{6}\.jsonl")
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a unit took: ``seconds`` of waiting, ``cpu_seconds`` and ``peak_bytes`` of its process, ``dollars``."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    dollars: str = "0"
    worker: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "seconds": round(self.seconds, 4), "cpu_seconds": round(self.cpu_seconds, 4),
            "peak_bytes": self.peak_bytes, "dollars": self.dollars, "worker": self.worker,
        }  # fmt: skip


@dataclass
class State:
    """What records add up to. ``done``: unit to its outputs; ``running`` and ``failed``: unit to its last record."""

    done: dict[str, tuple[Written, ...]] = field(default_factory=dict)
    running: dict[str, Record] = field(default_factory=dict)
    failed: dict[str, Record] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    times: Counter[str] = field(default_factory=Counter)
    """How often each unit was finished; more than once where its outputs were lost or dropped in between."""

    def read(self, record: Record) -> None:
        unit, kind = record.get("unit", ""), record["type"]
        if kind == "start":
            self.running[unit] = record
        elif kind == "done":
            self.done[unit] = tuple(Written.of(each) for each in record["outputs"])
            self.times[unit] += 1
            self._ended(unit)
        elif kind == "failed":
            self._ended(unit)
            self.failed[unit] = record
        elif kind in ("gone", "dropped"):
            self.done.pop(unit, None)
            if kind == "dropped":
                self.dropped.add(unit)

    def _ended(self, unit: str) -> None:
        self.running.pop(unit, None)
        self.failed.pop(unit, None)
        self.dropped.discard(unit)


class Ledger:
    """The ledger of a run; ``session`` goes into the first record that this process writes.

    ``damaged`` lists lines that cannot be read, as (file name, line number): their units are done again. Raises E0805.
    """

    def __init__(self, folder: RunFolder, session: Mapping[str, Any] | None = None) -> None:
        self.folder = folder
        self.state = State()
        self.damaged: list[tuple[str, int]] = []
        self._session = dict(session or {})
        self._lock = threading.Lock()
        self._file: Any = None
        self._name = ""
        for name in folder.fetch_longer(FOLDER):
            folder.sent(name)
        for record in read(folder.path, self.damaged):
            self.state.read(record)
        self.state.running.clear()  # by processes that are no more: whoever opens a ledger to write has the lock

    def start(self, unit: str, kind: str, what: str, attempt: int = 1) -> None:
        self._append({"type": "start", "unit": unit, "kind": kind, "what": what, "try": attempt})

    def done(self, unit: str, kind: str, what: str, outputs: tuple[Written, ...], usage: Usage) -> None:
        """Book a finished unit, whose outputs are on disk; on disk itself when this returns."""
        named = [output.as_dict() for output in outputs]
        self._append(
            {"type": "done", "unit": unit, "kind": kind, "what": what, "outputs": named, **usage.as_dict()},
            durable=True,
        )

    def failed(self, unit: str, kind: str, what: str, why: str) -> None:
        self._append({"type": "failed", "unit": unit, "kind": kind, "what": what, "why": why}, durable=True)

    def gone(self, unit: str, why: str) -> None:
        self._append({"type": "gone", "unit": unit, "why": why}, durable=True)

    def dropped(self, unit: str) -> None:
        self._append({"type": "dropped", "unit": unit}, durable=True)

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._end()

    def _append(self, record: Record, durable: bool = False) -> None:
        with self._lock:
            if self._file is None:
                self._begin(self._session_record())
            elif self._file.tell() >= SEGMENT_BYTES:
                self._end()
                self._begin()
            self._write({**record, "at": _now()}, durable)
            self.state.read(record)

    def _end(self) -> None:
        self._file.close()
        self._file = None
        self.folder.sent(self._name)

    def _session_record(self) -> Record:
        return {"type": "session", "format": FORMAT, "process": this_process(), **self._session}

    def _begin(self, first: Record | None = None) -> None:
        folder = self.folder.path / FOLDER
        try:
            folder.mkdir(parents=True, exist_ok=True)
            numbers = [int(match[1]) for path in folder.iterdir() if (match := _SEGMENT.fullmatch(path.name))]
            self._name = f"{FOLDER}/{max(numbers, default=0) + 1:06d}-{secrets.token_hex(3)}.jsonl"
            self._file = open(self.folder.path / self._name, "xb", buffering=0)  # noqa: SIM115 - kept open
        except OSError as error:
            raise cannot_write(folder, error) from error
        if first is not None:
            self._write({**first, "at": _now()}, True)

    def _write(self, record: Record, durable: bool) -> None:
        line = (json.dumps(record, ensure_ascii=False, sort_keys=True) + "\n").encode("utf-8", "backslashreplace")
        start = self._file.tell()
        try:
            written = 0
            while written < len(line):
                written += self._file.write(line[written:])
            if durable:
                os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(start)  # a full disk takes a part of a line; what follows must not continue it
            self._file.seek(start)
            raise cannot_write(self.folder.path / self._name, error) from error
        if durable:
            self.folder.sent(self._name)


def segments(run: Path) -> list[Path]:
    """The files of a ledger in order."""
    folder = run / FOLDER
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _SEGMENT.fullmatch(path.name))


def read(run: Path, damaged: list[tuple[str, int]] | None = None) -> Iterator[Record]:
    """The records of a run in order. Lines that are no record are named in ``damaged``, but for a torn last one, which
    a kill leaves."""
    for path in segments(run):
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        for number, line in enumerate(whole.split(b"\n")[:-1], start=1):
            record = _record(line)
            if record is not None:
                yield record
            elif damaged is not None:
                damaged.append((path.name, number))


def _record(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
        State().read(record)  # has what its type needs
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return record if isinstance(record, dict) else None


def _now() -> str:
    """For people; nothing is decided by it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
