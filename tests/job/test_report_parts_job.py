"""What the job puts on the page: rivals, rules, what other commands left in the folder, and room for pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attndsl.cli.main import run as command
from attndsl.cli.report.data import ReportData
from attndsl.cli.report.picture import picture_bytes
from attndsl.cli.report.render import MAX_BYTES, render_report
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.job.progress import Silent
from attndsl.job.report import report_data
from attndsl.job.report_pictures import room_for
from attndsl.job.rivals import rivals_stage
from attndsl.job.rule_use import rule_places, rule_stage
from attndsl.job.run import Run, prepare
from attndsl.job.scores import score_stage
from attndsl.job.settings import Settings
from attndsl.runtime.library import builtin_library
from attndsl.runtime.scoring import iou
from attndsl.runtime.table import Table

pytestmark = pytest.mark.integration


def begin() -> tuple[Run, Table]:
    settings = Settings(
        model="llama", programs=(Path("programs.attn"),), corpus="texts.jsonl", out=Path("run"), tokens=32,
        min_tokens=8, examples=2,
    )  # fmt: skip
    run = prepare(settings, Silent())
    return run, score_stage(run)


@pytest.fixture
def prepared(place: Path) -> Iterator[tuple[Run, Table]]:
    run, table = begin()
    yield run, table
    run.close()


def drawn(prepared: tuple[Run, Table]) -> ReportData:
    return report_data(*prepared, [])


def test_rivals_are_the_best_of_the_others_on_held_out_text(prepared: tuple[Run, Table]) -> None:
    run, table = prepared
    found = rivals_stage(run, table)
    names = [program.name for program in run.programs]
    split = run.split("heldout", run.programs)
    for head, (name, chosen) in enumerate(zip(run.head_names, table["program"], strict=True)):
        ((rival, mean),) = found[name]
        assert {rival, chosen} == set(names)
        place = np.array([names.index(rival)])
        own = [iou(split.programs(t, place)[0], split.heads(t)[head]) for t in range(len(split))]
        assert mean == pytest.approx(np.mean(own), abs=1e-6)


def test_rules_are_found_in_the_text_and_add_up(prepared: tuple[Run, Table]) -> None:
    run, table = prepared
    found, texts = rule_stage(run, table)
    assert texts == 2
    assert set(found) == set(run.head_names)
    chosen = dict(zip(run.head_names, table["program"], strict=True))
    for name, rules in found.items():
        assert len(rules) == (2 if chosen[name] == "previous, or the first" else 1)
        assert all(rule["rows"] > 0 for rule in rules)
    text = run.library["previous, or the first"].to_attn()
    assert [text[a:b] for a, b in rule_places(run.library["previous, or the first"])] == [
        "add 0.6 to q - 1",
        "add 0.4 to first",
    ]


@pytest.mark.parametrize("causal", [True, False])
def test_every_rule_of_the_built_in_programs_has_its_place(causal: bool) -> None:
    from attndsl.runtime.falsify.rules import rules_of

    for program in builtin_library(causal).values():
        text = program.to_attn()
        shown = [" ".join(text[start:end].split()) for start, end in rule_places(program)]
        assert shown == [rule.text for rule in rules_of(program)]


def test_the_page_of_a_run_has_all_its_parts(prepared: tuple[Run, Table]) -> None:
    data = drawn(prepared)
    assert all(row.alternatives and row.rules and row.kinds == ("position",) for row in data.heads)
    assert all(set(example.others) == {row.name for row in data.heads} for example in data.examples)
    assert data.damage is None
    assert data.counterexamples == ()
    assert len(render_report(data)) < 400_000


def test_damage_and_counterexamples_of_the_folder_are_taken_in(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, table = begin()
    run.close()  # the commands below work in the same folder
    small = ["--corpus", "texts.jsonl", "--tokens", "32", "--min-tokens", "8", "--programs", "programs.attn"]
    assert command(["damage", "llama", *small, "--damage-texts", "1", "--steps", "25", "--out", "run"]) == 0
    chosen = dict(zip(run.head_names, table["program"], strict=True))
    hold = ["programs.attn", "--program", str(chosen["L1H2"]), "--model", "llama", "--head", "L1H2"]
    found = ["--corpus", "texts.jsonl", "--below", "0.95", "--tries", "20", "--out", "run/counterexamples/L1H2.json"]
    assert command(["falsify", *hold, *found]) == 1
    recorded = json.loads(Path("run/counterexamples/L1H2.json").read_text())[0]
    capsys.readouterr()

    again = begin()
    data = drawn(again)
    again[0].close()
    study = json.loads(Path("run/damage.json").read_text())
    assert [row.damage.nats for row in data.heads if row.damage] == [row["damage"] for row in study["heads"]]
    assert data.damage is not None
    assert {(step.order, step.programs) for step in data.damage.curves} >= {("marginal damage", "chosen")}
    (broken,) = data.counterexamples
    assert broken.head == "L1H2"
    assert "".join(broken.tokens) == recorded["text"]
    assert broken.iou == pytest.approx(recorded["iou"], abs=1e-5)
    assert broken.iou < broken.below == 0.95
    assert not [left for left in data.left_out if "damage" in left.what or "counterexample" in left.what]


def test_what_is_about_other_programs_is_left_out_and_said(prepared: tuple[Run, Table]) -> None:
    run, table = prepared
    chosen = dict(zip(run.head_names, table["program"], strict=True))
    entry: dict[str, Any] = {
        "file": None, "program": chosen["L0H0"], "model": "llama", "revision": None, "head": "L0H0", "against": None,
        "claim": None, "bidirectional": False, "text": "The fox", "below": 0.5,
    }  # fmt: skip
    strangers = [
        entry | {"program": "gone"}, entry | {"model": "bert"}, entry | {"head": "L9H9"},
        entry | {"head": None, "claim": "mass at least 0.6 on first"}, entry,
    ]  # fmt: skip
    Path("run/counterexamples").mkdir()
    Path("run/counterexamples/some.json").write_text(json.dumps(strangers))
    rows = [{"head": "L0H0", "program": "gone", "damage": 0.1, "low": None, "high": None}]
    study = {"train_texts": 1, "heldout_texts": 2, "heads": rows, "correlations": {}, "curves": []}
    Path("run/damage.json").write_text(json.dumps(study))
    data = drawn(prepared)
    assert [broken.head for broken in data.counterexamples] == ["L0H0"]
    reasons = [left.reason for left in data.left_out if left.what == "counterexample in some.json"]
    assert len(reasons) == 4
    assert any("not the program of L0H0" in reason for reason in reasons)
    assert data.damage is None
    assert [left.count for left in data.left_out if left.what == "damage figures"] == [1]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"heads": [{"head": "L0H0"}]}', '{"heads": 3}'])
def test_a_damaged_damage_file_is_an_error(prepared: tuple[Run, Table], content: str) -> None:
    Path("run/damage.json").write_text(content)
    with pytest.raises(DiagnosticError) as caught:
        drawn(prepared)
    assert caught.value.diagnostics[0].code == "E0844"


def test_pictures_are_as_many_as_fit() -> None:
    assert room_for(270, 330, 4, True) == (4, 40)
    assert room_for(72, 90, 4, False) == (4, 40)
    for heads, programs in ((512, 700), (1024, 1500), (1600, 1600)):
        count, tokens = room_for(heads, programs, 4, True)
        assert count >= 1
        assert count * (heads + programs) * picture_bytes(tokens, True) < MAX_BYTES - 2200 * heads
    assert room_for(5000, 5000, 4, True) == (0, 16)
