"""One question to a model and what came of it. A request's id is a hash of all that it says, so that the same question
is never paid for twice."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

from attndsl.synth.journal import canonical

ID_LENGTH = 40  # of a batch's custom_id there may be 64


class Outcome(StrEnum):
    """What came of a request."""

    ANSWERED = "answered"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    FAILED = "failed"  # the service gave an error, or a batch expired
    UNSENT = "unsent"  # the cost cap left no room


_STOPS = {
    "refusal": Outcome.REFUSED,
    "max_tokens": Outcome.TRUNCATED,
    "model_context_window_exceeded": Outcome.TRUNCATED,
    "pause_turn": Outcome.TRUNCATED,
}


@dataclass(frozen=True, eq=False)
class Request:
    """``params`` are those of ``messages.create``; ``sample`` tells apart equal questions that are asked on purpose."""

    params: Mapping[str, Any]
    sample: int = 0

    @cached_property
    def id(self) -> str:
        """The address of the request: equal questions, equal id."""
        return hashlib.sha256(canonical([self.params, self.sample]).encode()).hexdigest()[:ID_LENGTH]

    @cached_property
    def prompt_id(self) -> str:
        """The address of what is counted as input: the request without its sample."""
        return hashlib.sha256(canonical(self.params).encode()).hexdigest()[:ID_LENGTH]

    @property
    def model(self) -> str:
        return str(self.params["model"])

    @property
    def max_tokens(self) -> int:
        return int(self.params["max_tokens"])


@dataclass(frozen=True, eq=False)
class Answer:
    """What a request brought: its outcome, the text (of an answer that was cut off as well), and what it cost."""

    request: Request
    outcome: Outcome
    text: str = ""
    cost: Decimal = Decimal(0)
    why: str = ""


def answer_of(request: Request, message: Mapping[str, Any], cost: Decimal) -> Answer:
    """An answer from the message that the service sent."""
    blocks = message.get("content") or ()
    text = "".join(str(block.get("text") or "") for block in blocks if block.get("type") == "text")
    stop = str(message.get("stop_reason") or "")
    return Answer(request, _STOPS.get(stop, Outcome.ANSWERED), text, cost, stop)
