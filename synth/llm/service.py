"""The Anthropic SDK as this project uses it: one message at a time, with our own patience and our own error messages.

The SDK's retries are off: it would also send again a request whose answer was lost on the way, which the service may
have charged, and the cost cap would not know. What is safe to repeat (rate limit, overload, an error of the server) is
repeated here after as long as ``retry-after`` says; an answer that was lost is the caller's to decide on (``Lost``).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.synth.llm.request import Request

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
LONGEST_OUTAGE = 7200.0
OBEYED_WAIT = 3600.0  # a longer retry-after is not waited for
REPEATED = frozenset({408, 409, 429})  # and every status from 500
SECONDS_PER_ANSWER = 600.0


class Lost(Exception):
    """The request left, and no answer came back: it may have been charged."""


@dataclass(frozen=True)
class Patience:
    """``retries`` after the first try; ``first`` seconds before the first of them, twice as long before each next.

    A service that has answered before in this run is waited for longer, ``outage`` seconds in all: an hour of trouble
    should not end a run of days, while a service that never answered is most likely a mistake of ours."""

    retries: int = 6
    first: float = FIRST_WAIT
    outage: float = LONGEST_OUTAGE

    def ends(self, attempt: int, waited: float, known: bool) -> bool:
        """Whether try number ``attempt`` (from 0), after ``waited`` seconds of waits, was the last one."""
        return attempt >= self.retries and not (known and waited < self.outage)

    def wait(self, attempt: int, asked: float | None) -> float:
        """Seconds before try number ``attempt`` (from 0): what the service asked for, or a growing, jittered time."""
        if asked is not None and asked > 0:
            return asked
        return min(self.first * 2.0**attempt, LONGEST_WAIT) * (1 - 0.25 * random.random())


class Claude:
    """The Messages interface through the SDK. Raises E0908 where the SDK is not installed."""

    def __init__(
        self, *, patience: Patience | None = None, notify: Callable[[str], None] = lambda text: None, **client: Any
    ) -> None:
        try:
            import anthropic
        except ImportError as error:
            raise fail(
                "E0908", "asking Claude needs the anthropic package, which is not installed",
                help="pip install 'attndsl[llm]'",
            ) from error  # fmt: skip
        self._sdk = anthropic
        self.patience = patience or Patience()
        self.notify = notify
        self.stopped = threading.Event()
        self._known = False
        """Whether the service has answered before."""
        self._client = anthropic.Anthropic(max_retries=0, timeout=SECONDS_PER_ANSWER, **client)

    def count(self, request: Request) -> int:
        """Input tokens of the request, as the service counts them (not charged)."""
        asked = {name: value for name, value in request.params.items() if name != "max_tokens"}
        found = self._patiently(lambda: self._client.messages.count_tokens(**asked), request.model, free=True)
        return int(found.input_tokens)

    def send(self, request: Request) -> Mapping[str, Any]:
        """The message that answers the request. Raises Lost, and DiagnosticError E0901, E0902, E0903, E0909."""
        message = self._patiently(lambda: self._client.messages.create(**request.params), request.model)
        return _plain(message)

    def send_batch(self, requests: list[Request]) -> str:
        """Send many requests as one batch; its id. Raises as ``send``."""
        entries: list[Any] = [{"custom_id": request.id, "params": dict(request.params)} for request in requests]
        model = requests[0].model
        return str(self._patiently(lambda: self._client.messages.batches.create(requests=entries), model).id)

    def batch_ended(self, batch: str) -> bool:
        """Whether every request of a batch has come to its end."""
        found = self._patiently(lambda: self._client.messages.batches.retrieve(batch), "", free=True)
        return bool(found.processing_status == "ended")

    def batch_results(self, batch: str) -> dict[str, Mapping[str, Any]]:
        """Results of a batch that has ended, by custom id, as the service wrote them."""
        found: dict[str, Mapping[str, Any]] = self._patiently(
            lambda: {entry.custom_id: _plain(entry.result) for entry in self._client.messages.batches.results(batch)},
            "",
            free=True,
        )
        return found

    def retirement(self, model: str) -> str | None:
        """The day on which a deprecated model ends, as this version of the SDK knows it."""
        from anthropic.resources.messages import messages

        day = getattr(messages, "DEPRECATED_MODELS", {}).get(model)
        return str(day) if day is not None else None

    def close(self) -> None:
        self.stopped.set()
        self._client.close()

    # ------------------------------------------------------------ patience and errors

    def _patiently(self, call: Callable[[], Any], model: str, *, free: bool = False) -> Any:
        """The call, repeated where that is safe; a ``free`` one can be repeated even when its answer was lost."""
        waited = 0.0
        for attempt in count():
            last = self.patience.ends(attempt, waited, self._known)
            try:
                answer = call()
            except self._sdk.APIStatusError as error:
                waited += self._wait_or_raise(error, attempt, model, last)
            except self._sdk.APIConnectionError as error:
                waited += self._reconnect_or_raise(error, attempt, free, last)
            except self._sdk.APIError as error:  # an answer that is no message
                raise Lost(f"the answer could not be read: {error}") from error
            except TypeError as error:
                if "authentication" not in str(error):
                    raise
                raise _no_key("there is no API key") from None
            except self._sdk.AnthropicError as error:  # credentials in files that cannot be read
                raise _no_key(str(error)) from None
            else:
                self._known = True
                return answer
        raise AssertionError("the last try raises")

    def _wait_or_raise(self, error: Any, attempt: int, model: str, last: bool) -> float:
        status = int(error.status_code)
        if status not in REPEATED and status < 500:
            raise self._refused(error, status, model) from None
        seconds = self.patience.wait(attempt, _retry_after(error.response.headers))
        if last or seconds > OBEYED_WAIT:
            raise _unavailable(f"the service answers {status}: {_message(error)}") from None
        self.notify(f"the service answers {status} ({_message(error)}); trying again in {seconds:.0f} s")
        return self._sleep(seconds)

    def _reconnect_or_raise(self, error: Any, attempt: int, free: bool, last: bool) -> float:
        if not free and not _never_left(error):
            raise Lost(str(error)) from error
        if last:
            raise _unavailable(f"the service cannot be reached: {error.__cause__ or error}") from None
        seconds = self.patience.wait(attempt, None)
        if attempt >= self.patience.retries:
            self.notify(f"the service cannot be reached; trying again in {seconds:.0f} s")
        return self._sleep(seconds)

    def _sleep(self, seconds: float) -> float:
        if self.stopped.wait(seconds):
            raise _unavailable("the run was stopped while it waited for the service")
        return seconds

    def _refused(self, error: Any, status: int, model: str) -> DiagnosticError:
        if status == 401:
            return _no_key("the API key is not accepted")
        if status == 404 and model:
            return fail(
                "E0902", f"there is no model {model!r}: it may be retired, or the name is wrong",
                help=f"name another with --llm-model{self._offered()}",
            )  # fmt: skip
        return fail(
            "E0909", f"the service refuses the request ({status}): {_message(error)}",
            help="the message above is the service's own; finished work is kept, the same command goes on from there",
        )  # fmt: skip

    def _offered(self) -> str:
        """The models that the service offers now; nothing when it does not say."""
        try:
            names = [entry.id for entry in self._client.models.list(limit=20)]
        except (self._sdk.AnthropicError, TypeError):
            return ""
        return f"; the service offers {', '.join(names)}" if names else ""


def _plain(model: Any) -> dict[str, Any]:
    found: dict[str, Any] = model.to_dict(mode="json")
    return found


def _message(error: Any) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    inner = body.get("error")
    text = inner.get("message") if isinstance(inner, dict) else None
    return " ".join(str(text or error.message).split())[:300]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the service asks for; None without a number (a date is for caches, the service does not send it)."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
    return None


def _never_left(error: Any) -> bool:
    """Whether the connection failed before anything was sent."""
    names = {cls.__name__ for cls in type(error.__cause__).__mro__}
    return bool(names & {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError"})


def _no_key(why: str) -> DiagnosticError:
    return fail("E0901", why, help="set ANTHROPIC_API_KEY, or replay a recorded run with --replay calls.jsonl")


def _unavailable(why: str) -> DiagnosticError:
    return fail("E0903", why, help="finished work is kept, the same command goes on from there")
