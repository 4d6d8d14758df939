"""The library of found programs: each once, by content address, with every way in which it was found.

``library.jsonl`` is appended to as programs are found, one line per program, head and provenance; nothing in it
depends on the clock or the machine. Programs are kept as text and compiled when the file is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.runtime.library import load_text
from attndsl.runtime.program import Program
from attndsl.runtime.table import Cell, Table
from attndsl.synth.identity import address_of
from attndsl.synth.journal import Journal, Record, canonical, read_records
from attndsl.synth.road import Candidate, Head, Provenance, head_name

FILE = "library.jsonl"


@dataclass(frozen=True, slots=True)
class Origin:
    """One way in which a program was found: for which head, from where, and its train IoU there when known."""

    head: Head
    provenance: Provenance
    train_iou: float | None


@dataclass(frozen=True, eq=False)
class Entry:
    """One program of the library."""

    address: str
    program: Program
    origins: tuple[Origin, ...]

    @property
    def heads(self) -> tuple[Head, ...]:
        """The heads it was intended for, in the order of finding."""
        return tuple(dict.fromkeys(origin.head for origin in self.origins))


class ProgramLibrary(Mapping[str, Entry]):
    """Programs by address, in the order of finding. With a journal every addition is on disk when ``add`` returns."""

    def __init__(self, journal: Journal | None = None) -> None:
        self._journal = journal
        self._entries: dict[str, Entry] = {}
        self._lines: set[str] = set()
        for record in journal.records if journal is not None else ():
            self._read(record, str(journal.path) if journal is not None else "")

    @classmethod
    def read(cls, path: str | Path) -> ProgramLibrary:
        """A library from its file. Raises DiagnosticError E0801, E0907, E0911 (a program that is no longer valid)."""
        library = cls()
        for record in read_records(Path(path)):
            library._read(record, str(path))
        return library

    def __getitem__(self, address: str) -> Entry:
        return self._entries[address]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, candidate: Candidate) -> bool:
        """Add a program with its provenance; whether it is a new program. Exact repeats change nothing."""
        address = address_of(candidate.program)
        new = address not in self._entries
        record = _record(candidate, address)
        line = canonical(record)
        if line not in self._lines:
            if self._journal is not None:
                self._journal.append(record)
            self._put(record, candidate.program)
        return new

    def table(self) -> Table:
        """One row per program, head and provenance."""
        rows = [(entry, origin) for entry in self._entries.values() for origin in entry.origins]
        columns: dict[str, list[Cell]] = {name: [] for name in ("address", "name", "outcome", "claim", "text", "head")}
        columns |= {name: [] for name in ("road", "model", "prompt", "seed", "parents", "train_iou")}
        for entry, origin in rows:
            program, source = entry.program, origin.provenance
            cells: dict[str, Cell] = {
                "address": entry.address, "name": program.name, "outcome": program.outcome.value,
                "claim": program.claim, "text": text_of(program), "head": head_name(origin.head),
                "road": source.road, "model": source.model, "prompt": source.prompt, "seed": source.seed,
                "parents": " ".join(source.parents), "train_iou": origin.train_iou,
            }  # fmt: skip
            for name, value in cells.items():
                columns[name].append(value)
        return Table(columns, {"programs": len(self)})

    def _read(self, record: Record, name: str) -> None:
        address = str(record["address"])
        known = self._entries.get(address)
        self._put(record, known.program if known is not None else _program(record, name))

    def _put(self, record: Record, program: Program) -> None:
        self._lines.add(canonical(record))
        source = record["provenance"]
        provenance = Provenance(
            source["road"], source["prompt"], source["model"], int(source["seed"]), tuple(source["parents"])
        )
        layer, head = record["head"]
        origin = Origin((int(layer), int(head)), provenance, record["train_iou"])
        known = self._entries.get(record["address"])
        origins = (*known.origins, origin) if known is not None else (origin,)
        self._entries[record["address"]] = Entry(str(record["address"]), program, origins)


def text_of(program: Program) -> str:
    """A program's text: in our language where it has one, else the Python it came from."""
    return program.to_attn() if program.typed is not None else (program.source or "")


def _record(candidate: Candidate, address: str) -> Record:
    program = candidate.program
    return {
        "address": address,
        "name": program.name,
        "language": "attn" if program.typed is not None else "python",
        "causal": program.causal,
        "text": text_of(program),
        "head": list(candidate.head),
        "provenance": candidate.provenance.as_dict(),
        "train_iou": candidate.train_iou,
    }


def _program(record: Record, name: str) -> Program:
    """Compile a kept program again; its address must still be the one that it was kept under. Raises E0911."""
    python = record["language"] == "python"
    where = f"{name}, program {record['address'][:8]}"
    why: Any = "it is not in its own text"
    try:
        found = load_text(record["text"], where, python=python, causal=bool(record["causal"])).get(record["name"])
        if found is not None and address_of(found) == record["address"]:
            return found
        why = "its text gives another program" if found is not None else why
    except DiagnosticError as error:
        why = error
    raise fail(
        "E0911", f"{where} cannot be used: {why}",
        help="it was written by another version of attndsl, or changed by hand: make the library anew",
    )  # fmt: skip
