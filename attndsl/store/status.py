"""What was done in a run, what is under way, what failed, and what it took: from its ledger alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from attndsl.dsl.diagnostics import fail
from attndsl.store.folder import RunFolder
from attndsl.store.growing import content_at
from attndsl.store.ledger import FOLDER, Record, State, read
from attndsl.store.lock import owner_of
from attndsl.store.opened import RUN
from attndsl.store.processes import Owner
from attndsl.store.remote import url_of

CALLS = "calls.jsonl"


@dataclass
class Kind:
    """The units of one kind: how many are ``done``, ``running``, ``failed``, were ``dropped`` or are done ``again``
    (beyond the first time), and what all tries together took."""

    done: int = 0
    running: int = 0
    interrupted: int = 0
    failed: int = 0
    dropped: int = 0
    again: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    bytes: int = 0
    dollars: Decimal = Decimal(0)


@dataclass
class Status:
    """``kinds`` in the order of their first unit. ``running`` and ``failed``: what the units are about. ``owner``: who
    works on the run now. ``damaged``: lines of the ledger that cannot be read."""

    run: str
    owner: Owner | None
    kinds: dict[str, Kind]
    running: list[dict[str, str]] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    sessions: int = 0
    dollars: Decimal = Decimal(0)
    damaged: list[tuple[str, int]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        kinds = {name: {**asdict(kind), "dollars": str(kind.dollars)} for name, kind in self.kinds.items()}
        owner = None if self.owner is None else {k: self.owner[k] for k in ("host", "pid", "since") if k in self.owner}
        return {
            "run": self.run, "owner": owner, "sessions": self.sessions, "kinds": kinds, "running": self.running,
            "failed": self.failed, "dollars": str(self.dollars), "damaged_lines": [list(d) for d in self.damaged],
        }  # fmt: skip


def status(out: Path | str) -> Status:
    """The status of the run in a folder or at a URL; nothing is changed. Raises DiagnosticError E0812."""
    folder = existing(out)
    state = State()
    found = Status(folder.shown, _owner(folder), {})
    for record in read(folder.path, found.damaged):
        _count(found, record)
        state.read(record)
    _sum_up(found, state)
    found.dollars = sum((kind.dollars for kind in found.kinds.values()), _asked(folder))
    return found


def existing(out: Path | str) -> RunFolder:
    """The folder of a run that is there. Raises DiagnosticError E0812."""
    if url_of(out) is None and not (Path(out) / RUN).is_file():
        raise _no_run(out)
    folder = RunFolder(out)
    folder.fetch(RUN)
    folder.fetch_longer(FOLDER)
    if not (folder.path / RUN).is_file():
        raise _no_run(out)
    return folder


def _no_run(out: Path | str) -> Exception:
    return fail("E0812", f"there is no run in {out}", help="attndsl explain --out FOLDER makes one")


def _owner(folder: RunFolder) -> Owner | None:
    if folder.remote is None:
        return owner_of(folder.path)
    import json

    content = json.loads(folder.remote.read("lock.json") or b"{}")
    return content or None


def _count(found: Status, record: Record) -> None:
    if record["type"] == "session":
        found.sessions += 1
    if "kind" not in record:
        return
    kind = found.kinds.setdefault(record["kind"], Kind())
    if record["type"] == "done":
        kind.seconds += record["seconds"]
        kind.cpu_seconds += record["cpu_seconds"]
        kind.peak_bytes = max(kind.peak_bytes, record["peak_bytes"])
        kind.dollars += Decimal(record["dollars"])


def _sum_up(found: Status, state: State) -> None:
    for unit, outputs in state.done.items():
        kind = found.kinds[kind_of(unit)]
        kind.done += 1
        kind.bytes += sum(output.bytes for output in outputs)
    for unit in state.dropped:
        found.kinds[kind_of(unit)].dropped += 1
    for unit, times in state.times.items():
        found.kinds[kind_of(unit)].again += times - 1
    for unit, record in state.running.items():
        if found.owner is not None:
            found.kinds[kind_of(unit)].running += 1
            found.running.append({"kind": record["kind"], "what": record["what"], "since": record.get("at", "")})
        else:
            found.kinds[kind_of(unit)].interrupted += 1
    for unit, record in state.failed.items():
        found.kinds[kind_of(unit)].failed += 1
        found.failed.append({"kind": record["kind"], "what": record["what"], "why": record["why"]})


def kind_of(unit: str) -> str:
    """``extract-3ba9`` is an ``extract``."""
    return unit.rpartition("-")[0]


def _asked(folder: RunFolder) -> Decimal:
    """Dollars of the requests to a language model, which have a ledger of their own."""
    from attndsl.synth.journal import records_of
    from attndsl.synth.llm.ledger import spent_on

    return spent_on(records_of(content_at(folder, CALLS), folder.path / CALLS))
