"""The client against a server that speaks the service's interface: the real SDK, no network beyond loopback."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anthropic", reason="the llm extra is not installed")

from messages_server import USAGE, MessagesServer, Reply, Script

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.synth.journal import Journal
from attndsl.synth.llm.asking import Asker
from attndsl.synth.llm.batches import BatchAsker
from attndsl.synth.llm.ledger import Ledger, Replay
from attndsl.synth.llm.prices import load_prices
from attndsl.synth.llm.request import Outcome, Request
from attndsl.synth.llm.service import Claude, Patience
from attndsl.synth.llm.tokens import with_margin

MODEL = "claude-sonnet-5-5"
PRICE = load_prices().of(MODEL)
COST = PRICE.cost(USAGE)
WORST = PRICE.worst(with_margin(1000), 100)


def requests(count: int) -> list[Request]:
    params = {"model": MODEL, "max_tokens": 100, "system": [{"type": "text", "text": "you"}]}
    return [Request({**params, "messages": [{"role": "user", "content": str(i)}]}) for i in range(count)]


def always(reply: Reply) -> Script:
    return lambda params, nth: reply


class Place:
    """A ledger in a folder, and askers over it."""

    def __init__(self, folder: Path, url: str, key: str | None = "test") -> None:
        self.path = folder / "calls.jsonl"
        self.url, self.key = url, key
        self.notes: list[str] = []

    def ask(
        self,
        wanted: list[Request],
        cap: str | None = None,
        *,
        batch: bool = False,
        retries: int = 2,
        outage: float = 0.1,
    ) -> Any:
        patience = Patience(retries, 0.01, outage)
        claude = Claude(patience=patience, notify=self.notes.append, base_url=self.url, api_key=self.key)
        money = Decimal(cap) if cap is not None else None
        with Journal(self.path) as journal:
            ledger = Ledger(journal)
            if batch:
                asker: Any = BatchAsker(claude, ledger, PRICE, money, poll=0.01)
            else:
                asker = Asker(claude, ledger, PRICE, money)
            try:
                return asker.ask(wanted)
            finally:
                self.spent = asker.spent
                claude.close()


@pytest.mark.parametrize(
    ("stop", "outcome"),
    [("end_turn", Outcome.ANSWERED), ("max_tokens", Outcome.TRUNCATED), ("refusal", Outcome.REFUSED)],
)
@pytest.mark.parametrize("batch", [False, True])
def test_an_answer_is_read_by_how_it_stopped(tmp_path: Path, stop: str, outcome: Outcome, batch: bool) -> None:
    with MessagesServer(always(Reply("hello", stop))) as server:
        (answer,) = Place(tmp_path, server.url).ask(requests(1), batch=batch)
    assert (answer.outcome, answer.text) == (outcome, "hello")
    assert answer.cost == PRICE.cost(USAGE, batch=batch)


def test_answers_come_in_the_order_of_the_requests(tmp_path: Path) -> None:
    with MessagesServer(lambda params, nth: Reply(params["messages"][0]["content"])) as server:
        place = Place(tmp_path, server.url)
        answers = place.ask(requests(9))
        assert [a.text for a in answers] == [str(i) for i in range(9)]
        assert place.spent == 9 * COST == sum(PRICE.cost(usage) for usage in server.usages)
        again = place.ask(requests(9))
        assert [a.text for a in again] == [a.text for a in answers]
        assert set(server.received.values()) == {1}
        assert server.calls["POST /v1/messages/count_tokens"] == 9


@pytest.mark.parametrize(
    ("status", "kind", "headers"),
    [
        (429, "rate_limit_error", {"retry-after": "0.05"}),
        (529, "overloaded_error", {}),
        (500, "api_error", {}),
        (429, "rate_limit_error", {"retry-after": "soon"}),
    ],
)
def test_what_passes_is_waited_for(tmp_path: Path, status: int, kind: str, headers: dict[str, str]) -> None:
    error = Reply("busy", status=status, kind=kind, headers=headers)
    with MessagesServer(lambda params, nth: error if nth == 0 else Reply("done")) as server:
        place = Place(tmp_path, server.url)
        (answer,) = place.ask(requests(1))
    assert (answer.text, place.spent) == ("done", COST)
    assert str(status) in place.notes[0]


def test_what_does_not_pass_is_one_clear_error_and_costs_nothing(tmp_path: Path) -> None:
    with MessagesServer(always(Reply("too busy", status=529, kind="overloaded_error"))) as server:
        place = Place(tmp_path, server.url)
        with pytest.raises(DiagnosticError) as caught:
            place.ask(requests(3))
    assert caught.value.diagnostics[0].code == "E0903"
    assert "too busy" in caught.value.diagnostics[0].headline
    assert place.spent == 0


def in_an_outage(lasts: Callable[[int], bool]) -> Script:
    """The first request is answered; the others only when the outage is over."""

    def script(params: dict[str, Any], nth: int) -> Reply:
        if params["messages"][0]["content"] != "0" and lasts(nth):
            return Reply("down", status=503, kind="api_error")
        return Reply("done")

    return script


def test_a_service_that_fails_for_long_is_waited_for_and_nothing_is_paid_twice(tmp_path: Path) -> None:
    with MessagesServer(in_an_outage(lambda nth: nth < 6)) as server:
        place = Place(tmp_path, server.url)
        answers = place.ask(requests(3), outage=3600)
    assert [answer.text for answer in answers] == ["done"] * 3
    assert place.spent == 3 * COST
    assert list(server.answered.values()) == [1, 1, 1]
    assert sum("503" in note for note in place.notes) == 12


def test_an_outage_that_does_not_end_stops_the_run_and_it_goes_on_later(tmp_path: Path) -> None:
    broken = {"now": True}
    with MessagesServer(in_an_outage(lambda nth: broken["now"])) as server:
        place = Place(tmp_path, server.url)
        with pytest.raises(DiagnosticError, match="E0903"):
            place.ask(requests(3), outage=0.05)
        assert place.spent == COST
        broken["now"] = False
        assert [answer.text for answer in place.ask(requests(3))] == ["done"] * 3
    assert place.spent == 3 * COST
    assert list(server.answered.values()) == [1, 1, 1]


def test_a_retired_model_is_named_with_what_there_is(tmp_path: Path) -> None:
    gone = Reply("model: claude-old", status=404, kind="not_found_error")
    with MessagesServer(always(gone)) as server, pytest.raises(DiagnosticError) as caught:
        Place(tmp_path, server.url).ask(requests(1))
    (found,) = caught.value.diagnostics
    assert (found.code, MODEL in found.headline, "claude-new" in (found.help or "")) == ("E0902", True, True)


def test_a_bad_request_is_not_repeated(tmp_path: Path) -> None:
    with MessagesServer(always(Reply("no such option", status=400, kind="invalid_request_error"))) as server:
        with pytest.raises(DiagnosticError, match="E0909"):
            Place(tmp_path, server.url).ask(requests(1))
        assert sum(server.received.values()) == 1


def test_no_key_and_a_wrong_key_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with MessagesServer(always(Reply("invalid x-api-key", status=401, kind="authentication_error"))) as server:
        for key in (None, "wrong"):
            with pytest.raises(DiagnosticError, match="E0901"):
                Place(tmp_path, server.url, key).ask(requests(1))


def test_a_lost_answer_counts_as_paid_and_is_asked_again(tmp_path: Path) -> None:
    with MessagesServer(lambda params, nth: Reply(drop=True) if nth == 0 else Reply("here")) as server:
        place = Place(tmp_path, server.url)
        (answer,) = place.ask(requests(1))
    assert answer.text == "here"
    assert place.spent == WORST + COST


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("room", [0, 1, 3])
def test_the_cap_holds_to_the_last_digit(tmp_path: Path, batch: bool, room: int) -> None:
    factor = PRICE.batch_factor if batch else 1
    # Room for the worst of the last request beside the true cost of those before it; one more digit would be too much.
    # A batch is paid for at its end: there each request holds its worst.
    cap = room * WORST * factor if batch else (room - 1) * COST + WORST
    with MessagesServer(always(Reply("x"))) as server:
        place = Place(tmp_path, server.url)
        answers = place.ask(requests(5), str(cap) if room else "0", batch=batch)
        outcomes = [a.outcome for a in answers]
        assert outcomes == [Outcome.ANSWERED] * room + [Outcome.UNSENT] * (5 - room)
        billed = sum((PRICE.cost(u, batch=batch) for u in server.usages), Decimal(0))
        assert place.spent == billed <= cap
    replayed = Replay(place.path).ask(requests(5))
    assert [a.outcome for a in replayed] == outcomes


def test_more_money_goes_on_where_the_cap_stopped(tmp_path: Path) -> None:
    with MessagesServer(always(Reply("x"))) as server:
        place = Place(tmp_path, server.url)
        place.ask(requests(5), str(WORST))
        answers = place.ask(requests(5), "100")
        assert {a.outcome for a in answers} == {Outcome.ANSWERED}
        assert set(server.received.values()) == {1}


def test_what_expired_in_a_batch_is_sent_again(tmp_path: Path) -> None:
    def script(params: dict[str, Any], nth: int) -> Reply:
        text = params["messages"][0]["content"]
        if text == "1" and nth == 0:
            return Reply(kind="expired")
        if text == "2":
            return Reply("bad", status=400, kind="invalid_request_error")
        return Reply(text)

    with MessagesServer(script) as server:
        place = Place(tmp_path, server.url)
        answers = place.ask(requests(3), batch=True)
        assert [(a.outcome, a.text) for a in answers] == [
            (Outcome.ANSWERED, "0"), (Outcome.ANSWERED, "1"), (Outcome.FAILED, ""),
        ]  # fmt: skip
        assert server.calls["POST /v1/messages/batches"] == 2
        assert place.spent == 2 * PRICE.cost(USAGE, batch=True)


def test_a_batch_under_way_is_read_by_the_next_run(tmp_path: Path) -> None:
    with MessagesServer(lambda params, nth: Reply(params["messages"][0]["content"]), polls=2) as server:
        place = Place(tmp_path, server.url)
        with Journal(place.path) as journal:  # a run that stops right after sending
            claude = Claude(base_url=server.url, api_key="test")
            BatchAsker(claude, Ledger(journal), PRICE, None)._send(requests(3), {})
        answers = place.ask(requests(3), batch=True)
        assert [a.text for a in answers] == ["0", "1", "2"]
        assert server.calls["POST /v1/messages/batches"] == 1


def test_a_replay_needs_no_server_and_knows_what_it_lacks(tmp_path: Path) -> None:
    with MessagesServer(lambda params, nth: Reply(params["messages"][0]["content"])) as server:
        place = Place(tmp_path, server.url)
        answers = place.ask(requests(3))
    replay = Replay(place.path)
    assert [(a.text, a.cost) for a in replay.ask(requests(3))] == [(a.text, a.cost) for a in answers]
    with pytest.raises(DiagnosticError, match="E0906"):
        replay.ask(requests(4))


def test_a_torn_record_is_cut_off_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}\n{"b":')
    with Journal(path) as journal:
        assert journal.records == [{"a": 1}]
        journal.append({"c": 2})
    assert path.read_bytes() == b'{"a":1}\n{"c":2}\n'
    path.write_bytes(b'{"a":1}\nnot json\n{"c":2}\n')
    with pytest.raises(DiagnosticError, match="E0907"):
        Journal(path)


def test_two_runs_do_not_share_a_journal(tmp_path: Path) -> None:
    with Journal(tmp_path / "a.jsonl"), pytest.raises(DiagnosticError, match="E0910"):
        Journal(tmp_path / "a.jsonl")


def test_a_long_prompt_has_its_own_price() -> None:
    price = load_prices().of("claude-haiku-5-5")
    usage = {"input_tokens": 60_000, "cache_read_input_tokens": 40_000, "output_tokens": 1000}
    assert price.cost(usage) == Decimal("0.0069")
    usage["cache_read_input_tokens"] += 1
    assert price.cost(usage) == Decimal("0.03450005")
    with pytest.raises(DiagnosticError, match="E0905"):
        load_prices().of("some-model")
