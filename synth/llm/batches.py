"""Requests as batches: half the price, answers within a day. A batch that was sent is read to its end by whichever run
comes next; requests that expired with it were not charged and are sent again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.synth.llm.asking import Service, Settled
from attndsl.synth.llm.budget import Budget
from attndsl.synth.llm.ledger import Ledger
from attndsl.synth.llm.prices import Price
from attndsl.synth.llm.request import Answer, Outcome, Request, answer_of
from attndsl.synth.llm.service import Lost
from attndsl.synth.llm.tokens import with_margin

LARGEST = 1000
"""Requests of one batch; the service takes more, but a batch has a limit in bytes as well."""
RESENT = 2


class BatchService(Service, Protocol):
    """A service that takes batches as well."""

    def send_batch(self, requests: list[Request]) -> str: ...
    def batch_ended(self, batch: str) -> bool: ...
    def batch_results(self, batch: str) -> dict[str, Mapping[str, Any]]: ...


class BatchAsker:
    """``ask`` as ``Asker`` has it, in batches; looks for the end of a batch every ``poll`` seconds."""

    def __init__(
        self,
        service: BatchService,
        ledger: Ledger,
        price: Price,
        cap: Decimal | None,
        *,
        poll: float = 60.0,
        settled: Settled = lambda answer: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.service, self.ledger, self.price = service, ledger, price
        self.budget = Budget(cap, ledger.spent)
        self.poll, self.settled, self.sleep = poll, settled, sleep
        for ids in ledger.open_batches().values():  # promised by an earlier run
            self.budget.held += sum((ledger.held(id_) for id_ in ids), Decimal(0))

    @property
    def spent(self) -> Decimal:
        return self.budget.spent

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """Answers in the order of the requests. Raises as the service does."""
        by_id = {request.id: request for request in requests}
        found: dict[str, Answer] = {}
        for _ in range(RESENT + 1):
            self._read_open(by_id, found)
            for request in requests:
                if request.id not in found and (answer := self.ledger.answer(request)) is not None:
                    found[request.id] = answer
            todo = [r for r in by_id.values() if r.id not in found or _again(found[r.id])]
            if not todo:
                break
            self._send(todo, found)
        self._read_open(by_id, found)
        return [found[request.id] for request in requests]

    def worst(self, request: Request) -> Decimal:
        """Dollars that the request can cost at most in a batch."""
        counted = self.ledger.counted(request)
        if counted is None:
            counted = self.service.count(request)
            self.ledger.count(request, counted)
        return self.price.worst(with_margin(counted), request.max_tokens, batch=True)

    def _send(self, todo: list[Request], found: dict[str, Answer]) -> None:
        for first in range(0, len(todo), LARGEST):
            chosen: list[Request] = []
            for request in todo[first : first + LARGEST]:
                most = self.worst(request)
                if not self.budget.hold(most):
                    self.ledger.unsent(request)
                    found[request.id] = Answer(request, Outcome.UNSENT, why="the cost cap leaves no room")
                    continue
                found.pop(request.id, None)
                self.ledger.sent(request, most)
                chosen.append(request)
            if chosen:
                self._send_batch(chosen, found)

    def _send_batch(self, chosen: list[Request], found: dict[str, Answer]) -> None:
        try:
            batch = self.service.send_batch(chosen)
        except Lost as error:
            for request in chosen:
                most = self.ledger.held(request.id)
                self.budget.settle(most, most)
                self.ledger.lost(request.id, str(error))
                found[request.id] = Answer(request, Outcome.FAILED, cost=most, why=str(error))
            return
        except DiagnosticError:
            for request in chosen:
                self.budget.settle(self.ledger.held(request.id), Decimal(0))
                self.ledger.failed(request.id, "the batch was not taken")
            raise
        self.ledger.batched(batch, [request.id for request in chosen])

    def _read_open(self, by_id: Mapping[str, Request], found: dict[str, Answer]) -> None:
        """Wait for the batches under way, and book what they brought."""
        for batch, ids in self.ledger.open_batches().items():
            while not self.service.batch_ended(batch):
                self.sleep(self.poll)
            results = self.service.batch_results(batch)
            for id_ in ids:
                self._book(id_, results.get(id_, {"type": "missing"}), by_id.get(id_), found)

    def _book(self, id_: str, result: Mapping[str, Any], request: Request | None, found: dict[str, Answer]) -> None:
        most = self.ledger.held(id_)
        if result["type"] == "succeeded":
            message = result["message"]
            usage = message.get("usage")
            cost = self.price.cost(usage, batch=True) if usage else most
            self.budget.settle(most, cost)
            self.ledger.answered(id_, message, cost)
            if request is not None:
                found[id_] = answer_of(request, message, cost)
                self.settled(found[id_])
            return
        why = _why(result)
        self.budget.settle(most, Decimal(0))  # only answers are charged
        self.ledger.failed(id_, why)
        if request is not None:
            found[id_] = Answer(request, Outcome.FAILED, why=why)


def _why(result: Mapping[str, Any]) -> str:
    if result["type"] != "errored":
        return str(result["type"])
    error = (result.get("error") or {}).get("error") or {}
    return f"{error.get('type', 'error')}: {error.get('message', '')}"


def _again(answer: Answer) -> bool:
    """Whether a request of a batch may succeed when it is sent again: not where the request itself is at fault."""
    return answer.outcome is Outcome.FAILED and not answer.why.startswith("invalid_request_error")
