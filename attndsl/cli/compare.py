"""The command compare: are two programs the same?"""

from __future__ import annotations

from typing import Annotated

import typer

from attndsl.cli.compared import print_comparison, print_duplicates
from attndsl.cli.options import MACHINE, OUTPUT, TEXTS, Bidirectional, Corpus, Format, FormatOption, Quiet, Revision

ModelName = Annotated[
    str, typer.Option("--model", metavar="MODEL", rich_help_panel=MACHINE, help="Model whose tokenizer splits texts.")
]
Seconds = Annotated[
    float,
    typer.Option("--seconds", metavar="S", min=0.0, rich_help_panel=MACHINE, help="Search for this long at most."),
]
Seed = Annotated[
    int, typer.Option("--seed", metavar="N", rich_help_panel=MACHINE, help="The same seed tries the same texts.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare", rich_help_panel="Doubt")(compare)


def compare(
    first: Annotated[
        str,
        typer.Argument(metavar="FILE[:NAME]", help="A program, or a file of programs; builtin for the built-in ones."),
    ],
    second: Annotated[
        str,
        typer.Argument(
            metavar="[FILE[:NAME]]", help="The program to compare it with; :NAME is one of the same file.",
            show_default=False,
        ),
    ] = "",
    model: ModelName = "smollm2-135m",
    corpus: Corpus = "stories",
    texts: Annotated[
        int,
        typer.Option("--texts", metavar="N", min=1, rich_help_panel=TEXTS, help="Search this many texts at most."),
    ] = 1500,
    rows: Annotated[
        int,
        typer.Option(
            "--rows", metavar="N", min=1, rich_help_panel=TEXTS,
            help="Run every text up to the length at which there are at most N kinds of texts.",
        ),
    ] = 6000,
    least: Annotated[
        float,
        typer.Option(
            "--least", metavar="X", min=0.0, max=1.0, rich_help_panel=OUTPUT,
            help="In a file: pairs of programs whose patterns have this mean IoU.",
        ),
    ] = 0.98,
    seconds: Seconds = 60.0,
    seed: Seed = 0,
    bidirectional: Bidirectional = False,
    revision: Revision = None,
    format: FormatOption = Format.TEXT,
    quiet: Quiet = False,
) -> int:  # fmt: skip
    """Say whether two programs are the same for all texts; exit code 0 when they are, 1 when not or not known.

    With one file, the programs of it that are the same or nearly.

    Example: attndsl compare mine.attn:first mine.attn:second
    """
    from attndsl.cli.compared import comparison_json, duplicates_json
    from attndsl.cli.output import Shown, print_json
    from attndsl.job import compare as job
    from attndsl.runtime.equivalence.compare import Effort

    setting = job.Setting(model, revision, corpus, bidirectional, Effort(texts, rows, seconds=seconds, seed=seed))
    if not second:
        found = job.near_duplicates(first, setting, least, Shown(quiet))
        if format is Format.JSON:
            print_json(duplicates_json(found))
        else:
            print_duplicates(found, least)
        return 0
    done = job.compare_two(first, second, setting, Shown(quiet))
    if format is Format.JSON:
        print_json(comparison_json(done))
    else:
        print_comparison(done)
    if done.stopped:
        from attndsl.cli import STOPPED

        return STOPPED
    return 0 if done.raw.answer == done.pattern.answer == "equal" else 1
