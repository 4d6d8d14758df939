"""``attndsl falsify`` and ``attndsl coverage`` on tiny models: found, written, replayed, and every way to be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from attndsl.cli.main import run

pytestmark = pytest.mark.integration

FALSIFY = [
    "falsify",
    "programs.attn",
    "--program",
    "previous, or the first",
    "--model",
    "llama",
    "--corpus",
    "texts.jsonl",
]
BREAKS = [*FALSIFY, "--head", "L1H0", "--below", "0.5", "--tries", "200", "--quiet"]


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = run([*arguments, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_counterexample_is_found_written_and_replayed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = as_json(capsys, *BREAKS, "--out", "broken.json")
    assert code == 1
    example = found["counterexample"]
    assert example["iou"] < 0.5
    assert len(example["tokens"]) == len(example["head_pattern"]) == len(example["program_pattern"])
    assert {suspect["rule"] for suspect in example["blame"]} == {0, 1}
    code, again = as_json(capsys, "falsify", "--replay", "broken.json", "--quiet")
    assert (code, again[0]["breaks"]) == (1, True)
    assert again[0]["iou"] == pytest.approx(example["iou"], abs=1e-5)


def test_the_text_output_shows_both_sides(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(BREAKS) == 1
    shown = capsys.readouterr().out
    for part in ("counterexample: IoU 0.", "weight apart", "to blame", "shrunk from"):
        assert part in shown


def test_a_mended_program_replays_with_exit_code_0(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    against = [*FALSIFY, "--against", "even", "--below", "0.9", "--quiet", "--out", "broken.json"]
    assert run(against) == 1
    assert run(["falsify", "--replay", "broken.json", "--quiet"]) == 1
    mended = 'head "previous, or the first" causal\nshare 1 over each k\n\nhead "even" causal\nshare 1 over each k\n'
    (place / "mended.attn").write_text(mended, encoding="utf-8")
    capsys.readouterr()
    assert run(["falsify", "mended.attn", "--replay", "broken.json", "--quiet"]) == 0
    assert "is mended" in capsys.readouterr().out


def test_nothing_to_find_is_exit_code_0(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = as_json(capsys, *FALSIFY, "--against", "previous, or the first", "--tries", "40", "--quiet")
    assert code == 0
    assert found["counterexample"] is None
    assert found["lowest_iou"] == pytest.approx(1.0)
    assert run([*FALSIFY, "--against", "previous, or the first", "--tries", "40", "--quiet"]) == 0
    assert "no counterexample; the lowest IoU was 1.000" in capsys.readouterr().out


def test_a_bidirectional_head(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = as_json(
        capsys, "falsify", "both_ways.attn", "--program", "neighbours", "--model", "bert", "--head", "L2H1",
        "--corpus", "texts.jsonl", "--below", "0.6", "--quiet",
    )  # fmt: skip
    assert code == 1
    assert found["counterexample"]["iou"] < 0.6


def test_coverage_with_and_without_a_head(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["coverage", "programs.attn", "--program", "previous, or the first", "--model", "llama"]
    _, alone = as_json(capsys, *asked, "--corpus", "texts.jsonl", "--quiet")
    _, held = as_json(capsys, *asked, "--corpus", "texts.jsonl", "--head", "L0H1", "--quiet")
    assert alone["texts"] == held["texts"] == 2
    assert [rule["iou_lost"] for rule in alone["rules"]] == [None, None]
    assert all(isinstance(rule["iou_lost"], float) for rule in held["rules"])
    assert [rule["line"] for rule in held["rules"]] == [2, 3]
    assert run([*asked, "--corpus", "texts.jsonl", "--quiet"]) == 0
    assert "2 of 2 rules fired" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([*FALSIFY], 2, "there is nothing to hold"),
        ([*FALSIFY, "--head", "L0H0", "--against", "even"], 2, "both --head and --against"),
        ([*FALSIFY, "--head", "L0"], 2, "is not one head"),
        ([*FALSIFY, "--head", "L9H0"], 1, "E0612"),
        ([*FALSIFY[:2], "--model", "llama", "--head", "L0H0"], 1, "no program was named, and there are several"),
        ([*FALSIFY, "--against", "evenn"], 1, "there is no program named 'evenn'"),
        ([*FALSIFY, "--head", "L0H0", "--min-tokens", "40", "--tokens", "41"], 1, "no passage of texts.jsonl"),
        (["falsify", "--replay", "nothing.json"], 1, "E0850"),
        (["falsify", "--replay", "texts.jsonl"], 1, "E0850"),
        (["falsify", "--replay", "empty.json"], 1, "it is not a list"),
        (["coverage", "missing.attn"], 1, "E0801"),
    ],
)
def test_what_cannot_be_done_says_why(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    (place / "empty.json").write_text("{}", encoding="utf-8")
    assert run(arguments) == code
    assert says in " ".join(capsys.readouterr().err.split())


def test_claims_are_tried_without_a_head(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "claims.attn").write_text(
        'head "c" causal\nclaim mass at least 0.5 on q - 1 when q > 0\nclaim mass at least 0.7 on q - 1 when q > 0\n'
        "add 0.6 to q - 1\nadd 0.4 to first\nnormalize rows\n",
        encoding="utf-8",
    )
    asked = ["falsify", "claims.attn", "--model", "llama", "--corpus", "texts.jsonl", "--tries", "100", "--quiet"]
    code, (holds, wrong) = as_json(capsys, *asked, "--out", "false.json")
    assert code == 1
    assert not holds["refuted"]
    assert wrong["refuted"]
    assert wrong["mass"] == pytest.approx(0.6, abs=1e-5)
    assert run(["falsify", "--replay", "false.json", "--quiet"]) == 1
    assert "still breaks" in capsys.readouterr().out
    assert run(["falsify", "programs.attn", "--replay", "false.json", "--quiet"]) == 1
    assert "E0810" in capsys.readouterr().err
    assert run(asked) == 1
    shown = capsys.readouterr().out
    assert "not refuted on" in shown
    assert "false: claim mass at least 0.7 on q - 1 when q > 0" in shown


def test_ctrl_c_shows_the_best_so_far(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from attndsl.runtime.falsify import search

    def stop(*_: Any) -> list[Any]:
        raise KeyboardInterrupt

    monkeypatch.setattr(search, "_next", stop)
    assert run([*FALSIFY, "--head", "L1H0", "--below", "0.0001", "--quiet"]) == 130
    assert "no counterexample; the lowest IoU was" in capsys.readouterr().out


CHANGES = """head "c" causal
claim unchanged within 0.01 by renaming each t where t.text in {"fox", "mother", "river", "night"}
claim unchanged within 0.01 by changing each t before last(s before q where s.text == ",")
add 0.6 to first
add 0.4 to last(k where k.text == "fox")
normalize rows
"""


def test_claims_about_changes_are_refuted_written_and_replayed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "changes.attn").write_text(CHANGES, encoding="utf-8")
    asked = ["falsify", "changes.attn", "--model", "llama", "--corpus", "texts.jsonl", "--tries", "600", "--quiet"]
    code, claims = as_json(capsys, *asked, "--out", "false.json")
    assert (code, [claim["refuted"] for claim in claims]) == (1, [True, True])
    for claim in claims:
        assert claim["text"] != claim["changed"]
        assert claim["moved"] == pytest.approx(0.4, abs=1e-5)
        assert claim["mass"] is None
    code, again = as_json(capsys, "falsify", "--replay", "false.json", "--quiet")
    assert (code, [one["changed"] for one in again]) == (1, [claim["changed"] for claim in claims])
    (place / "changes.attn").write_text(CHANGES.replace("add 0.4 to last", "add 0 to last"), encoding="utf-8")
    assert run(["falsify", "--replay", "false.json", "--quiet"]) == 0
    assert run(asked) == 0
    (place / "changes.attn").write_text(CHANGES, encoding="utf-8")
    capsys.readouterr()
    assert run(asked) == 1
    shown = capsys.readouterr().out
    for part in (claims[0]["text"], claims[0]["changed"], "0.400 of the weight moved; the row: 0 ", "    then: "):
        assert part in shown


def test_claims_are_held_against_a_head(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The program keeps its claims, whatever it has no rule for; the head of random weights does not."""
    (place / "held.attn").write_text(
        'head "c" causal\nclaim unchanged within 0 by changing each t before q when q > 1\n'
        "claim mass at least 0.99 on first\nclaim mass at least 0.00001 on first\nadd 1 to first\n",
        encoding="utf-8",
    )
    asked = ["falsify", "held.attn", "--model", "llama", "--corpus", "texts.jsonl", "--tries", "100", "--quiet"]
    assert [claim["refuted"] for claim in as_json(capsys, *asked)[1]] == [False] * 3
    code, found = as_json(capsys, *asked, "--head", "L1H0", "--claims", "--out", "false.json")
    assert (code, [claim["refuted"] for claim in found]) == (1, [True, True, False])
    recorded = json.loads((place / "false.json").read_text(encoding="utf-8"))
    assert [entry["head"] for entry in recorded] == ["L1H0", "L1H0"]
    code, again = as_json(capsys, "falsify", "--replay", "false.json", "--quiet")
    assert (code, [one["breaks"] for one in again]) == (1, [True, True])
    assert run([*asked, "--head", "L1H0", "--claims"]) == 1
    assert "claims of 'c' against L1H0 of llama" in capsys.readouterr().out
    assert run([*FALSIFY, "--head", "L1H0", "--claims"]) == 2
    assert "there is nothing to hold" in capsys.readouterr().err


def test_a_change_of_which_the_claim_does_not_speak_is_not_replayed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "changes.attn").write_text(CHANGES, encoding="utf-8")
    asked = ["falsify", "changes.attn", "--model", "llama", "--corpus", "texts.jsonl", "--tries", "600", "--quiet"]
    assert run([*asked, "--out", "false.json"]) == 1
    entries = json.loads((place / "false.json").read_text(encoding="utf-8"))
    wrongs = [
        ({"changed": entries[0]["text"] + " fox"}, "of which the claim does not speak"),
        ({"changed": 3}, "a changed that is no text"),
        ({"claim": None, "head": "L1H0"}, "no claim"),
    ]
    for wrong, says in wrongs:
        (place / "wrong.json").write_text(json.dumps([entries[0] | wrong]), encoding="utf-8")
        assert run(["falsify", "--replay", "wrong.json", "--quiet"]) == 1
        assert says in " ".join(capsys.readouterr().err.split())


def test_claims_want_a_passage_that_fits(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "changes.attn").write_text(CHANGES, encoding="utf-8")
    asked = ["falsify", "changes.attn", "--model", "llama", "--corpus", "texts.jsonl", "--quiet"]
    assert run([*asked, "--min-tokens", "40", "--tokens", "41"]) == 1
    assert "E0808" in capsys.readouterr().err
