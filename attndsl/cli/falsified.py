"""What the commands falsify and coverage found, as text and as data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from attndsl.cli.options import Format

if TYPE_CHECKING:
    from attndsl.job.claims import ClaimTried
    from attndsl.job.counterexamples import Replayed
    from attndsl.job.falsify import Falsified
    from attndsl.runtime.falsify.coverage import Coverage
    from attndsl.runtime.falsify.report import Counterexample

MOST_SUSPECTS = 3

# ---------------------------------------------------------------- as text


def print_coverage(found: Coverage, corpus: str) -> None:
    """One line per rule."""
    from attndsl.cli.output import counted, print_table, visible

    iou = "" if found.iou is None else f", IoU {found.iou:.3f}"
    print(f"{visible(found.program)!r} on {counted(found.texts, 'text')} of {visible(corpus)}{iou}")
    print(f"{sum(use.texts > 0 for use in found.rules)} of {counted(len(found.rules), 'rule')} fired\n")
    columns = ["rule", "texts", "rows", "mass", "IoU lost", "", "text"]
    rows = [
        [use.rule.number, f"{100 * use.texts:.0f}%", f"{100 * use.rows:.0f}%", use.mass, use.iou_lost,
         "" if use.verdict == "used" else use.verdict, use.rule.text]
        for use in found.rules
    ]  # fmt: skip
    if found.iou is None:
        columns, rows = columns[:4] + columns[5:], [row[:4] + row[5:] for row in rows]
    print_table("", columns, rows)
    if found.failures:
        print(f"\nthe program failed on {counted(len(found.failures), 'text')}, the first: {found.failures[0][1]}")


def print_falsified(done: Falsified, out: Path | None) -> None:
    """What was tried, and the counterexample if there is one."""
    from attndsl.cli.output import counted, visible

    hunt, example = done.hunt, done.counterexample
    print(visible(done.sides.names))
    print(f"tried {counted(hunt.tried, 'text')} in {hunt.seconds:.0f} s; {len(hunt.fired)} of {done.rules} rules fired")
    print(f"plain corpus texts: mean IoU {hunt.mean:.3f}; a counterexample is below {hunt.threshold:.3f}")
    if example is None:
        best = "" if hunt.best is None else f"; the lowest IoU was {hunt.best.iou:.3f}: {visible(hunt.best.text)}"
        print(f"\nno counterexample{best}")
        return
    found, trial = example.found, example.trial
    least = "" if example.minimal else ", not fully shrunk"
    print(f"\ncounterexample: IoU {trial.iou:.3f}, {counted(trial.tokens, 'token')}{least}")
    print(f"    {visible(trial.text)}")
    print(f"shrunk from {counted(found.tokens, 'token')}, IoU {found.iou:.3f}\n    {visible(found.text)}")
    if trial.error is not None:
        print(f"\nthe program fails on it: {trial.error}")
    _print_rows(example)
    _print_suspects(example)
    if out is not None:
        print(f"\nreplay: attndsl falsify --replay {visible(str(out))}")


def _print_rows(example: Counterexample) -> None:
    from attndsl.cli.output import print_table, visible

    rows = []
    for row in example.rows:
        query = f"{row.query} {visible(example.tokens[row.query])}"
        rows.append(
            [query, f"{100 * row.apart:.0f}%", _keys(example.tokens, row.program), _keys(example.tokens, row.head)]
        )
    print_table("\nqueries that differ most", ["query", "weight apart", "program", "head"], rows)


def _print_suspects(example: Counterexample) -> None:
    from attndsl.cli.output import visible

    suspects = [suspect for suspect in example.suspects[:MOST_SUSPECTS] if suspect.share > 0]
    if not suspects:
        print("\nno single change of one rule would help: something that the program has no rule for")
        return
    print("\nto blame: the rule whose best single change mends most of what is missing")
    for suspect in suspects:
        at = f", line {suspect.rule.line}" if suspect.rule.line is not None else ""
        print(f"{100 * suspect.share:5.0f}%  rule {suspect.rule.number}{at}: {visible(suspect.rule.text)}")
        print(f"        -> {visible(suspect.change)}")


def show_claims(tried: list[ClaimTried], format: Format) -> int:
    """Show what became of each claim; the exit code."""
    from attndsl.cli import STOPPED
    from attndsl.cli.output import print_json, visible

    if format is Format.JSON:
        print_json([_claim_json(claim) for claim in tried])
    else:
        if tried[0].asked.head is not None or tried[0].asked.against is not None:
            print(f"claims of {visible(tried[0].names)}")
        for claim in tried:
            _print_claim(claim)
    if any(claim.hunt.stopped for claim in tried):
        return STOPPED
    return 1 if any(claim.trial is not None for claim in tried) else 0


def _print_claim(tried: ClaimTried) -> None:
    from attndsl.cli.output import counted, visible

    if tried.trial is None:
        print(f"not refuted on {counted(tried.hunt.tried, 'text')}: {visible(tried.claim)}")
        return
    print(f"false: {visible(tried.claim)}\n    {visible(tried.trial.text)}")
    if tried.trial.changed is not None:
        print(f"    {visible(tried.trial.changed)}")
    if tried.row is None:
        print(f"    the program fails on it: {tried.trial.error}")
        return
    row = tried.row
    at = f"    query {row.query} {visible(row.tokens[row.query])}: "
    if tried.trial.changed is None:
        print(f"{at}mass {row.amount:.3f}; the row: {_keys(row.tokens, row.keys)}")
    else:
        print(f"{at}{row.amount:.3f} of the weight moved; the row: {_keys(row.tokens, row.keys)}")
        print(f"    then: {_keys(row.changed_tokens, row.after)}")


def _keys(tokens: tuple[str, ...], keys: tuple[tuple[int, float], ...]) -> str:
    from attndsl.cli.output import visible

    return ", ".join(f"{k} {visible(tokens[k])} {weight:.2f}" for k, weight in keys) or "nothing"


def _claim_json(tried: ClaimTried) -> dict[str, Any]:
    trial, row = tried.trial, tried.row
    changed = None if trial is None else trial.changed
    amount = None if row is None else row.amount
    return {
        "claim": tried.claim, "tried": tried.hunt.tried, "seconds": tried.hunt.seconds, "stopped": tried.hunt.stopped,
        "refuted": trial is not None, "text": None if trial is None else trial.text, "changed": changed,
        "tokens": [] if row is None else list(row.tokens), "query": None if row is None else row.query,
        "mass": amount if changed is None else None, "moved": None if changed is None else amount,
        "error": None if trial is None or trial.error is None else str(trial.error),
        "found": None if tried.found is None else {"text": tried.found.text, "changed": tried.found.changed,
                                                   "tokens": tried.found.tokens},
    }  # fmt: skip


def show_replayed(again: list[Replayed], format: Format) -> int:
    """Show what became of each counterexample; the exit code."""
    from attndsl.cli.output import print_json

    if format is Format.JSON:
        print_json([_replayed_json(one) for one in again])
    else:
        for one in again:
            _print_replayed(one)
    return 1 if any(one.breaks for one in again) else 0


def _print_replayed(again: Replayed) -> None:
    from attndsl.cli.output import visible

    says = "still breaks" if again.breaks else "is mended"
    print(f"{visible(again.names)} {says}: IoU {again.iou:.3f}, needed {again.below:.3f}\n    {visible(again.text)}")
    if again.changed is not None:
        print(f"    {visible(again.changed)}")
    if again.error is not None:
        print(f"the program fails on it: {again.error}")


# ---------------------------------------------------------------- as data


def falsified_json(done: Falsified) -> dict[str, Any]:
    """The outcome as plain data."""
    hunt, example = done.hunt, done.counterexample
    return {
        "program": done.sides.program.name, "model": done.asked.model, "head": done.asked.head,
        "against": done.asked.against, "tried": hunt.tried, "seconds": hunt.seconds, "stopped": hunt.stopped,
        "corpus_iou": hunt.mean, "below": hunt.threshold, "rules": done.rules, "rules_fired": sorted(hunt.fired),
        "lowest_iou": None if hunt.best is None else hunt.best.iou,
        "counterexample": None if example is None else _example_json(example),
    }  # fmt: skip


def _example_json(example: Counterexample) -> dict[str, Any]:
    def keys(found: tuple[tuple[int, float], ...]) -> list[dict[str, Any]]:
        return [{"key": k, "weight": weight} for k, weight in found]

    return {
        "text": example.trial.text, "iou": example.trial.iou, "tokens": list(example.tokens),
        "minimal": example.minimal, "error": None if example.trial.error is None else str(example.trial.error),
        "found": {"text": example.found.text, "iou": example.found.iou, "tokens": example.found.tokens},
        "rows": [
            {"query": row.query, "apart": row.apart, "program": keys(row.program), "head": keys(row.head)}
            for row in example.rows
        ],
        "blame": [
            {"rule": s.rule.number, "line": s.rule.line, "text": s.rule.text, "share": s.share, "kind": s.kind,
             "change": s.change}
            for s in example.suspects
        ],
        "program_pattern": example.program.tolist(), "head_pattern": example.head.tolist(),
    }  # fmt: skip


def _replayed_json(again: Replayed) -> dict[str, Any]:
    return {
        "text": again.text, "iou": again.iou, "below": again.below, "breaks": again.breaks, "error": again.error,
        "changed": again.changed,
    }  # fmt: skip
