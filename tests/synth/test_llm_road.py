"""The LLM road from end to end: a scripted model that gives good, broken, hostile and useless answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anthropic", reason="the llm extra is not installed")

import scripted_run
from messages_server import MessagesServer, Reply

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.synth.library import ProgramLibrary
from attndsl.synth.llm.prices import load_prices
from attndsl.synth.ranking import coverage, ensembles, intended_against_best, kind_counts, rank, report_on

PRICE = load_prices().of(scripted_run.MODEL)
KINDS = ("good", "broken", "hostile", "useless")
ANSWERS = {
    "broken": "```attn\nhead \"b\" causal\nadd 0.5 to last(k before q where k.pos in Noun)\n```",
    "hostile": "```python\nimport os\ndef f(sentence, tokenizer):\n    return 'f', open('/etc/passwd').read()\n```",
    "useless": "This head is interesting. I would need more data.",
}  # fmt: skip


class Scripted:
    """Heads are told apart by the order in which they are first asked about; every fourth has the same kind of answer.
    A broken program is repaired when it comes back, a hostile or useless answer stays what it is."""

    def __init__(self, hold_at: int | None = None) -> None:
        self.order: dict[str, int] = {}
        self.arrived = 0
        self.hold_at = hold_at
        self.held, self.release = threading.Event(), threading.Event()

    def __call__(self, params: dict[str, Any], nth: int) -> Reply:
        self.arrived += 1
        messages = params["messages"]
        head = self.order.setdefault(messages[0]["content"], len(self.order))
        if self.arrived == self.hold_at:
            self.held.set()
            self.release.wait(60)
            return Reply(drop=True)
        kind = KINDS[head % 4]
        repaired = len(messages) > 1 and kind == "broken"
        if repaired:
            assert "error[E0201]" in messages[-1]["content"]
        good = f"It looks back.\n\n```attn\n{scripted_run.truth(head)}```\n"
        return Reply(good if kind == "good" or repaired else ANSWERS[kind])


EXPECTED = {"good": 4, "broken": 2, "forbidden": 4, "empty": 4}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    with MessagesServer(Scripted()) as server:
        tally, spent = scripted_run.run(folder, server.url)
        assert dict(tally.answers) == EXPECTED
        assert spent == sum((PRICE.cost(usage) for usage in server.usages), Decimal(0))
        assert set(server.received.values()) == {1}
    return folder


def test_every_kind_of_answer_is_counted_and_good_programs_are_kept(whole: Path) -> None:
    library = ProgramLibrary.read(whole / "library.jsonl")
    assert [entry.program.name for entry in library.values()] == ["true 0", "true 4", "true 1", "true 5"]
    assert all(origin.train_iou == pytest.approx(1, abs=1e-6) for e in library.values() for origin in e.origins)
    assert {origin.provenance.road for e in library.values() for origin in e.origins} == {"anthropic"}
    assert library.table().to_parquet()[:4] == b"PAR1"


def test_a_replay_gives_identical_files(whole: Path, tmp_path: Path) -> None:
    scripted_run.run(tmp_path, "http://127.0.0.1:9", replay=whole / "calls.jsonl")
    for name in ("library.jsonl", "tally.json"):
        assert (tmp_path / name).read_bytes() == (whole / name).read_bytes()


def test_killed_and_gone_on_with_no_answer_is_paid_for_twice(whole: Path, tmp_path: Path) -> None:
    script = Scripted(hold_at=6)
    with MessagesServer(script) as server:
        here = str(Path(__file__).parent)
        paths = os.pathsep.join([here, str(Path(__file__).parents[1])])
        command = [sys.executable, f"{here}/scripted_run.py", str(tmp_path), server.url]
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths})
        try:
            assert script.held.wait(120)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            script.release.set()
        assert len(server.usages) == 5
        tally, spent = scripted_run.run(tmp_path, server.url)
        assert set(server.answered.values()) == {1}  # nothing that was answered is asked again
        assert sorted(server.received.values())[-2:] == [1, 2]  # the one that was under way is
        assert dict(tally.answers) == EXPECTED
        billed = sum((PRICE.cost(usage) for usage in server.usages), Decimal(0))
        assert billed < spent <= billed + Decimal("0.05")  # the one under way may have been charged: it counts
    assert (tmp_path / "library.jsonl").read_bytes() == (whole / "library.jsonl").read_bytes()


def test_the_cap_stops_the_run_and_says_for_whom(tmp_path: Path) -> None:
    with MessagesServer(Scripted()) as server:
        tally, spent = scripted_run.run(tmp_path, server.url, cap="0.02")
        billed = sum((PRICE.cost(usage) for usage in server.usages), Decimal(0))
        assert 0 < spent == billed <= Decimal("0.02")
        assert tally.answers["unsent"] > 0
        assert tally.answers.total() - tally.answers["unsent"] == len(server.usages)


def test_programs_are_ranked_on_all_heads(whole: Path) -> None:
    given = scripted_run.given()
    library = ProgramLibrary.read(whole / "library.jsonl")
    ranking = rank(list(library.values()), given.heads, True, given.train[:2], given.train[2:])
    table = report_on(ranking, given.train[:2], given.validation)
    by_head = dict(zip(table["head"], table["program"], strict=True))
    assert [by_head[f"L0H{head}"] for head in (0, 1, 4, 5)] == ["true 0", "true 1", "true 4", "true 5"]
    assert by_head["L0H7"] == "true 5"  # the nearest that there is, although written for another head
    assert intended_against_best(ranking)["own_program_chosen"] == 4
    assert coverage(ranking)[-1] == (4, 8)
    assert kind_counts(ranking) == {"position": 8}
    mixed = ensembles(ranking, given.train[2:])
    assert all(abs(sum(one.weights) - 1) < 1e-9 and len(one.programs) <= 3 for one in mixed)
    assert mixed[2].validation_iou > ranking.validation[ranking.chosen[2], 2]  # between two of them
    with pytest.raises(DiagnosticError, match="E0536"):
        report_on(ranking, given.train, given.train[:1])
