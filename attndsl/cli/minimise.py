"""The command minimise: the smallest program near a program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attndsl.cli.compare import ModelName
from attndsl.cli.options import (
    MACHINE,
    OUTPUT,
    PROGRAMS,
    TEXTS,
    Bidirectional,
    Corpus,
    Format,
    FormatOption,
    Heldout,
    Quiet,
    Revision,
    Train,
)

if TYPE_CHECKING:
    from attndsl.job.minimise import Reported


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("minimise", rich_help_panel="Program files")(minimise)


def minimise(
    program: Annotated[
        str, typer.Argument(metavar="FILE[:NAME]", help="A program of a file; builtin:NAME for a built-in one.")
    ],
    epsilon: Annotated[
        float,
        typer.Option(
            "--epsilon",
            metavar="X",
            rich_help_panel=PROGRAMS,
            help="The mean IoU of the two patterns stays at 1 - X or more; 0: proved the same on every text.",
        ),
    ] = 0.02,
    model: ModelName = "smollm2-135m",
    corpus: Corpus = "stories",
    tokens: Annotated[
        int, typer.Option("--tokens", metavar="N", min=2, rich_help_panel=TEXTS, help="Cut texts to this many tokens.")
    ] = 64,
    train: Train = 40,
    heldout: Heldout = 40,
    seconds: Annotated[
        float,
        typer.Option("--seconds", metavar="S", min=0.0, rich_help_panel=MACHINE, help="Take steps for this long."),
    ] = 300.0,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", rich_help_panel=OUTPUT, help="Write the smaller program to this file."),
    ] = None,
    bidirectional: Bidirectional = False,
    revision: Revision = None,
    format: FormatOption = Format.TEXT,
    quiet: Quiet = False,
) -> int:
    """Find the smallest program whose pattern is nearly that of this one: fewer rules, conditions and words.

    Example: attndsl minimise mine.attn:first --epsilon 0.05
    """
    from attndsl.cli.output import Shown, print_json
    from attndsl.job import minimise as job

    setting = job.Setting(epsilon, model, revision, corpus, tokens, train, heldout, seconds, bidirectional)
    done = job.minimise_file(program, setting, out, Shown(quiet))
    if format is Format.JSON:
        print_json(minimised_json(done))
    else:
        print_minimised(done)
    return 0


def print_minimised(done: Reported) -> None:
    """Sizes before and after, how near the two are, and the smaller program."""
    from attndsl.cli.output import counted, interval, print_table, visible

    found, held = done.found, done.heldout
    print(visible(done.original.name))
    rows = [["before", *found.before], ["after", *found.after]]
    print_table("", ["", "rules", "size"], rows)
    print(f"\nIoU of the two patterns: {found.train:.4f} on train texts,")
    said = interval({"mean": held.point, "low": held.low, "high": held.high})
    print(f"{said} on {counted(done.texts, 'held-out text')} of {visible(done.setting.corpus)}")
    if found.proved:
        print("proved: the two patterns are the same on every text")
    if not found.finished:
        print("stopped before nothing more could be left out: --seconds")
    print(f"\n{found.program.to_attn()}", end="")


def minimised_json(done: Reported) -> dict[str, Any]:
    """The outcome as plain data."""
    found, held = done.found, done.heldout
    return {
        "program": done.original.name, "epsilon": done.setting.epsilon,
        "before": {"rules": found.before[0], "size": found.before[1]},
        "after": {"rules": found.after[0], "size": found.after[1]},
        "train_iou": found.train,
        "heldout_iou": {"mean": held.point, "low": _number(held.low), "high": _number(held.high)},
        "heldout_texts": done.texts, "steps": found.kinds, "tried": found.tried, "proved": found.proved,
        "finished": found.finished, "text": found.program.to_attn(),
    }  # fmt: skip


def _number(value: float) -> float | None:
    """JSON has no nan: an interval of one text has no ends."""
    return None if value != value else value
