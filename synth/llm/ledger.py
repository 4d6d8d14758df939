"""Every request and every answer of a run, on disk before anything is made of them.

Records of ``calls.jsonl``: ``system`` (a system prompt, once), ``count`` (input tokens of a prompt), ``request`` (sent,
with the dollars held back for it), ``batch`` (its requests), and how a request ended: ``answer``, ``failed`` (not
charged), ``lost`` (no answer came, and it may have been charged: the whole reserve counts as spent), ``unsent``.
From these alone a run can be gone on with, and replayed without a key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from attndsl.synth.journal import Journal, Record, canonical, read_records
from attndsl.synth.llm.request import Answer, Outcome, Request, answer_of

FILE = "calls.jsonl"


class Ledger:
    """What ``journal`` holds, and the ways to add to it. Opening books what a kill left unanswered as lost."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.state = _State(journal.records)
        for id_, reserved in list(self.state.under_way.items()):
            if id_ not in self.state.in_batch:
                self._add({"type": "lost", "id": id_, "charged": str(reserved), "why": "the run was stopped"})

    @property
    def spent(self) -> Decimal:
        """Dollars for all answers, and for requests that may have been charged."""
        return self.state.spent

    def answer(self, request: Request) -> Answer | None:
        """The answer that was paid for already."""
        record = self.state.answers.get(request.id)
        return answer_of(request, record["message"], Decimal(record["cost"])) if record is not None else None

    def counted(self, request: Request) -> int | None:
        return self.state.counts.get(request.prompt_id)

    def open_batches(self) -> dict[str, list[str]]:
        """Batches that were sent and not read to their end, with the ids of their requests still under way."""
        open_: dict[str, list[str]] = {}
        for id_, batch in self.state.in_batch.items():
            if id_ in self.state.under_way:
                open_.setdefault(batch, []).append(id_)
        return open_

    def held(self, id_: str) -> Decimal:
        """Dollars held back for a request under way."""
        return self.state.under_way[id_]

    # ------------------------------------------------------------ what happens

    def count(self, request: Request, tokens: int) -> None:
        self._add({"type": "count", "prompt": request.prompt_id, "input_tokens": tokens})

    def sent(self, request: Request, reserved: Decimal) -> None:
        """Call it before the request leaves."""
        params = dict(request.params)
        if "system" in params:
            params["system"] = self._system(params["system"])
        self._add(
            {
                "type": "request",
                "id": request.id,
                "params": params,
                "sample": request.sample,
                "reserved": str(reserved),
            }
        )

    def batched(self, batch: str, ids: list[str]) -> None:
        self._add({"type": "batch", "batch": batch, "ids": ids})

    def answered(self, id_: str, message: Mapping[str, Any], cost: Decimal) -> None:
        self._add({"type": "answer", "id": id_, "message": dict(message), "cost": str(cost)})

    def failed(self, id_: str, why: str) -> None:
        self._add({"type": "failed", "id": id_, "why": why})

    def lost(self, id_: str, why: str) -> None:
        self._add({"type": "lost", "id": id_, "charged": str(self.held(id_)), "why": why})

    def unsent(self, request: Request) -> None:
        self._add({"type": "unsent", "id": request.id})

    def _system(self, system: Any) -> dict[str, str]:
        digest = hashlib.sha256(canonical(system).encode()).hexdigest()
        if digest not in self.state.systems:
            self._add({"type": "system", "sha256": digest, "system": system})
        return {"sha256": digest}

    def _add(self, record: Record) -> None:
        self.journal.append(record)
        self.state.read(record)


class _State:
    """What the records add up to."""

    def __init__(self, records: list[Record]) -> None:
        self.answers: dict[str, Record] = {}
        self.endings: dict[str, Record] = {}
        self.counts: dict[str, int] = {}
        self.systems: set[str] = set()
        self.under_way: dict[str, Decimal] = {}
        self.in_batch: dict[str, str] = {}
        self.spent = Decimal(0)
        for record in records:
            self.read(record)

    def read(self, record: Record) -> None:
        match record["type"]:
            case "system":
                self.systems.add(record["sha256"])
            case "count":
                self.counts[record["prompt"]] = int(record["input_tokens"])
            case "request":
                self.under_way[record["id"]] = Decimal(record["reserved"])
                self.in_batch.pop(record["id"], None)
            case "batch":
                self.in_batch.update(dict.fromkeys(record["ids"], record["batch"]))
            case "answer" | "failed" | "lost" | "unsent":
                self._ended(record)

    def _ended(self, record: Record) -> None:
        id_ = record["id"]
        self.under_way.pop(id_, None)
        self.endings[id_] = record
        if record["type"] == "answer":
            self.answers[id_] = record
        self.spent += Decimal(record.get("cost") or record.get("charged") or 0)


class Replay:
    """Answers from the ledger of an earlier run, and from nowhere else: no key, no network, no money."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = _State(read_records(path))

    @property
    def spent(self) -> Decimal:
        return self.state.spent

    def ask(self, requests: list[Request]) -> list[Answer]:
        """The recorded outcomes. Raises E0906 for a request that the earlier run never made."""
        return [self._of(request) for request in requests]

    def _of(self, request: Request) -> Answer:
        from attndsl.dsl.diagnostics import fail

        record = self.state.answers.get(request.id) or self.state.endings.get(request.id)
        if record is None:
            raise fail(
                "E0906", f"{self.path} has no answer to request {request.id[:12]}",
                help="replay with the same model, texts, heads, options and version of attndsl as the recorded run",
            )  # fmt: skip
        if record["type"] == "answer":
            return answer_of(request, record["message"], Decimal(record["cost"]))
        outcome = Outcome.UNSENT if record["type"] == "unsent" else Outcome.FAILED
        return Answer(request, outcome, why=str(record.get("why", "")))


def spent_on(records: list[Record]) -> Decimal:
    """Dollars that the requests of a ledger cost, those under way at their most."""
    state = _State(records)
    return state.spent + sum(state.under_way.values(), Decimal(0))
