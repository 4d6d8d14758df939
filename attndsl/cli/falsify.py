"""Commands that doubt a program: falsify and coverage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attndsl.cli.falsified import falsified_json, print_coverage, print_falsified, show_claims, show_replayed
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
    claims: Annotated[
        bool,
        typer.Option(
            "--claims",
            rich_help_panel=PROGRAMS,
            help="Hold the program's claims, not its pattern, against the head or the other program.",
        ),
    ] = False,
    bidirectional: Bidirectional = False,
    revision: Revision = None,
    format: FormatOption = Format.TEXT,
    quiet: Quiet = False,
) -> int:
    """Search for a text on which a program and a head disagree; exit code 1 when one is found.

    The text is shrunk, both patterns are shown side by side, and the rule to blame is named. Without a head or another
    program, the program's own claims are tried: claim mass at least 0.6 on q - 1 when q > 0. With --claims, the same
    claims are tried of the head.

    Example: attndsl falsify mine.attn --program "previous token" --head L5H3
    """
    from attndsl.cli.output import Shown, print_json
    from attndsl.job import counterexamples
    from attndsl.job import falsify as job
    from attndsl.job.claims import falsify_claims
    from attndsl.runtime.falsify.search import Limits

    if replay is not None:
        return show_replayed(counterexamples.replay(replay, file, Shown(quiet)), format)
    asked = job.Asked(file, program, model, revision, head, against, bidirectional)
    search = job.Search(corpus, Limits(below, tries, seconds), min_tokens, tokens, seed)
    if claims or (head is None and against is None):
        tried = falsify_claims(asked, search, Shown(quiet))
        if out is not None and any(claim.trial is not None for claim in tried):
            counterexamples.save_claims(tried, out)
        return show_claims(tried, format)
    done = job.falsify(asked, search, Shown(quiet))
    if out is not None and done.counterexample is not None:
        counterexamples.save(done, out)
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
    from attndsl.job import coverage as job
    from attndsl.job.falsify import Asked

    asked = Asked(file, program, model, revision, head, against, bidirectional)
    found = job.coverage(asked, corpus, texts, tokens, Shown(quiet))
    if format is Format.JSON:
        print_json(found.as_json())
    else:
        print_coverage(found, corpus)
    return 0
