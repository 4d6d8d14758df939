"""Commands on the sandbox: what this machine can isolate, and running one program that nobody vouches for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attndsl.cli.options import MACHINE, OUTPUT, Format, FormatOption, Revision
from attndsl.cli.running import RunFormat, give, shown_tokens

LIMITS = "Limits"

sandbox = typer.Typer(
    name="sandbox", no_args_is_help=True, help="Run programs that nobody vouches for, in a locked process of their own."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    sandbox.command("status")(status)
    sandbox.command("run")(run)
    app.add_typer(sandbox, rich_help_panel="Program files")


def status(format: FormatOption = Format.TEXT) -> int:
    """Try every wall on this machine, and say which hold and what level they make."""
    from attndsl.cli.output import print_json, print_table
    from attndsl.runtime.sandbox import status as try_walls

    found = try_walls()
    if format is Format.JSON:
        print_json(found.as_data())
        return 0
    print(f"level {found.level} on {found.platform} as {found.user}" + (f": {found.reason}" if found.reason else ""))
    rows = [[wall.name, "yes" if wall.holds else "NO", wall.tried, wall.happened] for wall in found.walls]
    print_table("", ["wall", "holds", "tried", "what happened"], rows)
    return 0


def run(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A Python file with a program; it is executed.", show_default=False)
    ],
    text: Annotated[
        str, typer.Option("--text", metavar="TEXT", help="The text to run it on.", show_default=False)
    ] = "",
    program: Annotated[
        str | None, typer.Option("--program", metavar="NAME", help="The function, where the file has several.")
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model", metavar="MODEL", rich_help_panel=MACHINE, help="Model whose tokenizer splits the text."
        ),
    ] = "smollm2-135m",
    revision: Revision = None,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="S", rich_help_panel=LIMITS, help="Wall time of the program.")
    ] = 5.0,
    megabytes: Annotated[
        int, typer.Option("--megabytes", metavar="N", rich_help_panel=LIMITS, help="Memory of the program.")
    ] = 512,
    level: Annotated[
        str,
        typer.Option(
            "--level",
            metavar="NAME",
            rich_help_panel=LIMITS,
            help="The least isolation to accept: process, seccomp, landlock or namespaces.",
        ),
    ] = "seccomp",
    format: Annotated[
        RunFormat,
        typer.Option(
            "--format", metavar="NAME", rich_help_panel=OUTPUT, help="text, json, or npz (arrays pattern, tokens)."
        ),
    ] = RunFormat.TEXT,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", rich_help_panel=OUTPUT, help="Write the result to a file instead of stdout."
        ),
    ] = None,
) -> int:
    """Run one Python program on a text, isolated, and print the matrix that it returns."""
    from attndsl.cli.output import Shown
    from attndsl.dsl.diagnostics import fail
    from attndsl.models.load_tokenizer import load_tokenizer
    from attndsl.runtime.library import read_source
    from attndsl.runtime.sandbox import run as run_isolated

    if not text:
        raise fail("E0809", "there is no text to run on", help='give one: --text "The cat sat on the mat."')
    source = read_source(file)
    tokenizer = load_tokenizer(model, revision, notify=Shown().note)
    matrix = run_isolated(
        source.text, text, tokenizer, program=program, seconds=seconds, megabytes=megabytes, level=level
    )
    give(format, out, program or file.stem, shown_tokens(text, tokenizer), matrix)
    return 0
