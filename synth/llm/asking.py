"""Requests in, answers out: from the ledger where they are known, from the model where the cost cap leaves room.

Whether a request is sent depends on the order of the requests and on what they cost, never on which answer came first:
a request that does not fit beside those under way waits until they are settled at their true cost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from decimal import Decimal
from typing import Any, Protocol

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.synth.llm.budget import Budget
from attndsl.synth.llm.ledger import Ledger
from attndsl.synth.llm.prices import Price
from attndsl.synth.llm.request import Answer, Outcome, Request, answer_of
from attndsl.synth.llm.service import Lost
from attndsl.synth.llm.tokens import with_margin

RESENT = 2
"""How often a request whose answer was lost is sent again."""

Settled = Callable[[Answer], None]


class Service(Protocol):
    """Something that answers: Claude, or a model on this machine."""

    def count(self, request: Request) -> int: ...
    def send(self, request: Request) -> Mapping[str, Any]: ...


class Asker:
    """Asks one request per call, ``parallel`` of them at a time; the very first goes alone, so that the others can
    read the prompt cache that it wrote. ``settled`` is called with every new answer."""

    def __init__(
        self,
        service: Service,
        ledger: Ledger,
        price: Price,
        cap: Decimal | None,
        *,
        parallel: int = 4,
        settled: Settled = lambda answer: None,
    ) -> None:
        self.service, self.ledger, self.price = service, ledger, price
        self.budget = Budget(cap, ledger.spent)
        self.parallel = parallel
        self.settled = settled
        self._warm = bool(ledger.state.answers)
        self._running: dict[Future[Mapping[str, Any]], tuple[Request, Decimal]] = {}
        self._tries: dict[str, int] = {}

    @property
    def spent(self) -> Decimal:
        return self.budget.spent

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """Answers in the order of the requests. Raises DiagnosticError as the service does; what was answered by then
        is in the ledger."""
        found = {r.id: answer for r in requests if (answer := self.ledger.answer(r)) is not None}
        todo = deque({r.id: r for r in requests if r.id not in found}.values())
        with ThreadPoolExecutor(self.parallel) as pool:
            try:
                while todo or self._running:
                    self._fill(pool, todo, found)
                    if self._running:
                        self._settle_some(todo, found)
            finally:
                self._settle_rest(found)
        return [found[request.id] for request in requests]

    def worst(self, request: Request) -> Decimal:
        """Dollars that the request can cost at most, by the service's own count of its tokens."""
        counted = self.ledger.counted(request)
        if counted is None:
            counted = self.service.count(request)
            self.ledger.count(request, counted)
        return self.price.worst(with_margin(counted), request.max_tokens)

    def _fill(self, pool: ThreadPoolExecutor, todo: deque[Request], found: dict[str, Answer]) -> None:
        """Send until all lines are busy or the money under way is all that the cap allows."""
        while todo and len(self._running) < (self.parallel if self._warm else 1):
            request = todo[0]
            most = self.worst(request)
            if not self.budget.hold(most):
                if not self._running:
                    self._give_up(todo, found)
                return
            todo.popleft()
            self.ledger.sent(request, most)
            self._running[pool.submit(self.service.send, request)] = (request, most)

    def _give_up(self, todo: deque[Request], found: dict[str, Answer]) -> None:
        while todo:
            request = todo.popleft()
            self.ledger.unsent(request)
            found[request.id] = Answer(request, Outcome.UNSENT, why="the cost cap leaves no room")

    def _settle_some(self, todo: deque[Request], found: dict[str, Answer]) -> None:
        done, _ = wait(self._running, return_when=FIRST_COMPLETED)
        for future in [future for future in self._running if future in done]:  # in the order of sending
            request, most = self._running.pop(future)
            try:
                message = future.result()
            except Lost as error:
                self._lose(request, most, str(error), todo, found)
            except DiagnosticError as error:
                self.budget.settle(most, Decimal(0))
                self.ledger.failed(request.id, str(error))
                raise
            else:
                self._book(request, most, message, found)

    def _book(self, request: Request, most: Decimal, message: Mapping[str, Any], found: dict[str, Answer]) -> None:
        usage = message.get("usage")
        cost = self.price.cost(usage) if usage else most  # an answer that does not say is taken to cost the most
        self.budget.settle(most, cost)
        self.ledger.answered(request.id, message, cost)
        self._warm = True
        found[request.id] = answer_of(request, message, cost)
        self.settled(found[request.id])

    def _lose(self, request: Request, most: Decimal, why: str, todo: deque[Request], found: dict[str, Answer]) -> None:
        self.budget.settle(most, most)
        self.ledger.lost(request.id, why)
        self._tries[request.id] = self._tries.get(request.id, 0) + 1
        if self._tries[request.id] <= RESENT:
            todo.appendleft(request)
        else:
            found[request.id] = Answer(request, Outcome.FAILED, cost=most, why=why)

    def _settle_rest(self, found: dict[str, Answer]) -> None:
        """After an error or Ctrl-C: answers still on their way are paid for, so they are waited for and kept."""
        for future, (request, most) in list(self._running.items()):
            try:
                message = future.result()
            except Lost as error:
                self.budget.settle(most, most)
                self.ledger.lost(request.id, str(error))
            except Exception as error:  # the first error is the one to tell
                self.budget.settle(most, Decimal(0))
                self.ledger.failed(request.id, str(error))
            else:
                self._book(request, most, message, found)
            del self._running[future]
