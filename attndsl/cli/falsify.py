"""Commands that doubt a program: falsify and coverage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attndsl.cli.options import (
    MACHINE,
    OUTPUT,
    PROGRAMS,
    TEXTS,
    Bidirectional,
    Corpus,
    Format,
    FormatOption,
    Quiet,
    Revision,
)

if TYPE_CHECKING:
    from attndsl.job.falsify import Falsified, Replayed
    from attndsl.runtime.falsify.coverage import Coverage
    from attndsl.runtime.falsify.report import Counterexample

File = Annotated[
    Path | None,
    typer.Argument(metavar="FILE", help="A program file; without it, the built-in programs.", show_default=False),
]
ProgramName = Annotated[
    str,
    typer.Option("--program", metavar="NAME", rich_help_panel=PROGRAMS, help="The program's name.", show_default=False),
]
ModelName = Annotated[
    str, typer.Option("--model", metavar="MODEL", rich_help_panel=MACHINE, help="Model whose tokens and heads count.")
]
HeadName = Annotated[
    str | None,
    typer.Option("--head", metavar="NAME", rich_help_panel=MACHINE, help="The head, such as L5H3."),
]
Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="NAME",
        rich_help_panel=PROGRAMS,
        help="A program of the file, or a built-in one, in place of a head.",
    ),
]
MOST_SUSPECTS = 3


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("falsify", rich_help_panel="Doubt")(falsify)
    app.command("coverage", rich_help_panel="Doubt")(coverage)


def falsify(
    file: File = None,
    program: ProgramName = "",
    model: ModelName = "smollm2-135m",
    head: HeadName = None,
    against: Against = None,
    below: Annotated[
        float | None,
        typer.Option(
            "--below",
            metavar="X",
            min=0.0,
            max=1.0,
            rich_help_panel=OUTPUT,
            help="IoU that a counterexample is below; without it, three standard deviations below the corpus's mean.",
        ),
    ] = None,
    seconds: Annotated[
        float,
        typer.Option("--seconds", metavar="S", min=0.0, rich_help_panel=MACHINE, help="Search for this long at most."),
    ] = 60.0,
    tries: Annotated[
        int,
        typer.Option("--tries", metavar="N", min=1, rich_help_panel=MACHINE, help="Search this many texts at most."),
    ] = 2000,
    corpus: Corpus = "stories",
    tokens: Annotated[
        int,
        typer.Option("--tokens", metavar="N", min=2, rich_help_panel=TEXTS, help="Texts have at most N tokens."),
    ] = 48,
    min_tokens: Annotated[
        int,
        typer.Option("--min-tokens", metavar="N", min=2, rich_help_panel=TEXTS, help="Texts have at least N tokens."),
    ] = 2,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", rich_help_panel=MACHINE, help="The same seed tries the same texts.")
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", rich_help_panel=OUTPUT, help="Write the counterexample as a file that replays."
        ),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            "--replay",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            help="Run a counterexample again, with the program of FILE if one is given; exit code 1 while it breaks.",
        ),
    ] = None,
    bidirectional: Bidirectional = False,
    revision: Revision = None,
    format: FormatOption = Format.TEXT,
    quiet: Quiet = False,
) -> int:
    """Search for a text on which a program and a head disagree; exit code 1 when one is found.

    The text is shrunk, both patterns are shown side by side, and the rule to blame is named.

    Example: attndsl falsify mine.attn --program "previous token" --head L5H3
    """
    from attndsl.cli.output import Shown, print_json
    from attndsl.job import falsify as job
    from attndsl.runtime.falsify.search import Limits

    if replay is not None:
        again = job.replay(replay, file, Shown(quiet))
        print_json(_replayed_json(again)) if format is Format.JSON else _print_replayed(again)
        return 1 if again.breaks else 0
    asked = job.Asked(file, program, model, revision, head, against, bidirectional)
    search = job.Search(corpus, Limits(below, tries, seconds), min_tokens, tokens, seed)
    done = job.falsify(asked, search, Shown(quiet))
    if out is not None and done.counterexample is not None:
        job.save(done, out)
    if format is Format.JSON:
        print_json(falsified_json(done))
    else:
        print_falsified(done, out)
    if done.hunt.stopped:
        from attndsl.cli import STOPPED

        return STOPPED
    return 1 if done.counterexample is not None else 0


def coverage(
    file: File = None,
    program: ProgramName = "",
    model: ModelName = "smollm2-135m",
    head: HeadName = None,
    against: Against = None,
    corpus: Corpus = "stories",
    texts: Annotated[
        int, typer.Option("--texts", metavar="N", min=1, rich_help_panel=TEXTS, help="Held-out texts at most.")
    ] = 40,
    tokens: Annotated[
        int, typer.Option("--tokens", metavar="N", min=2, rich_help_panel=TEXTS, help="Cut texts to this many tokens.")
    ] = 128,
    bidirectional: Bidirectional = False,
    revision: Revision = None,
    format: FormatOption = Format.TEXT,
    quiet: Quiet = False,
) -> int:
    """Show which rules of a program fire on texts, how much weight each moves, and what is lost without it.

    Example: attndsl coverage mine.attn --program "previous token" --head L5H3
    """
    from attndsl.cli.output import Shown, print_json
    from attndsl.job import falsify as job

    asked = job.Asked(file, program, model, revision, head, against, bidirectional)
    found = job.coverage(asked, corpus, texts, tokens, Shown(quiet))
    if format is Format.JSON:
        print_json(found.as_json())
    else:
        print_coverage(found, corpus)
    return 0


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

    def keys(found: tuple[tuple[int, float], ...]) -> str:
        return ", ".join(f"{k} {visible(example.tokens[k])} {weight:.2f}" for k, weight in found) or "nothing"

    rows = []
    for row in example.rows:
        query = f"{row.query} {visible(example.tokens[row.query])}"
        rows.append([query, f"{100 * row.apart:.0f}%", keys(row.program), keys(row.head)])
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


def _print_replayed(again: Replayed) -> None:
    from attndsl.cli.output import visible

    says = "still breaks" if again.breaks else "is mended"
    print(f"{visible(again.names)} {says}: IoU {again.iou:.3f}, needed {again.below:.3f}\n    {visible(again.text)}")
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
        "text": again.text, "iou": again.iou, "below": again.below, "breaks": again.breaks, "error": again.error
    }  # fmt: skip
