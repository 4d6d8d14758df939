"""``attndsl compile``: what became of program files, one stage of a program, and the check against CPython."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attndsl.cli.files import Loaded, complain, load_files
from attndsl.cli.options import (
    MACHINE,
    OUTPUT,
    PROGRAMS,
    TEXTS,
    Aligner,
    AlignerOption,
    Bidirectional,
    Files,
    Format,
    FormatOption,
    Host,
    Quiet,
    Revision,
)

if TYPE_CHECKING:
    from attndsl.job.verification import Verification
    from attndsl.runtime.program import Program

CHECKS = "Check"
_MODEL_NEEDED = "smollm2-135m"
_STAGES = (
    "python, tree, attn, checked, loops, ir, a pass (simplify_logic, merge_selects, drop_checks), optimized, bytecode;"
    " passes lists what improves a program, and where"
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compile", rich_help_panel="Program files")(compile_)


def compile_(
    files: Files,
    format: FormatOption = Format.TEXT,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", rich_help_panel=OUTPUT, help="Write the lifted programs to this .attn file."
        ),
    ] = None,
    show: Annotated[
        str | None,
        typer.Option(
            "--show", metavar="STAGE", rich_help_panel=OUTPUT, help=f"Show one program at a stage: {_STAGES}."
        ),
    ] = None,
    program: Annotated[
        str, typer.Option("--program", metavar="NAME", rich_help_panel=PROGRAMS, help="The program for --show.")
    ] = "",
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            rich_help_panel=CHECKS,
            help="Run every Python program in the sandbox on bundled texts, and compare each back end with CPython.",
        ),
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            rich_help_panel=MACHINE,
            help=f"Model whose tokenizer splits the texts ({_MODEL_NEEDED}); measures how far aligners drift.",
        ),
    ] = None,
    revision: Revision = None,
    texts: Annotated[
        int,
        typer.Option(
            "--texts", metavar="N", min=0, rich_help_panel=TEXTS, help="Bundled texts, besides eight odd ones."
        ),
    ] = 16,
    tokens: Annotated[
        int, typer.Option("--tokens", metavar="N", min=4, rich_help_panel=TEXTS, help="Cut texts to this many tokens.")
    ] = 64,
    host: Host = None,
    aligner: AlignerOption = Aligner.PUBLISHED,
    bidirectional: Bidirectional = False,
    quiet: Quiet = False,
) -> int:
    """Compile program files: what was lifted, kept bounded or refused, and why.

    Python files are read, never run; only --verify runs them, in the sandbox. Exit code 0 when all programs compiled
    (and agree with CPython), 1 when some were refused or differ.
    """
    from attndsl.job.verification import stand_in

    loaded = load_files(files, host, aligner, bidirectional, stand_in)
    if show is not None:
        return _show(loaded, show, program)
    if out is not None:
        _write_library(loaded.programs, out)
    if model is not None and aligner is Aligner.PUBLISHED:
        _measure_drift(loaded, files, model, revision)
    if verify and format is Format.TEXT and not quiet and host:
        _note_stand_ins(host)
    found = _verify(loaded.programs, model or _MODEL_NEEDED, revision, texts, tokens, quiet) if verify else None
    _report(loaded, found, format)
    return max(loaded.exit_code, 0 if found is None or found.ok else 1)


def _report(loaded: Loaded, found: Verification | None, format: Format) -> None:
    from attndsl.cli.compiled import compiled_as_json, print_compiled
    from attndsl.cli.output import print_json
    from attndsl.cli.verified import print_verification

    if format is Format.JSON:
        complain(loaded)
        data = compiled_as_json(loaded.programs, loaded.about_files)
        print_json(data if found is None else {**data, "verification": found.as_data()})
        return
    print_compiled(loaded.programs, loaded.about_files)
    if found is not None:
        print_verification(found)


def _show(loaded: Loaded, stage: str, name: str) -> int:
    from attndsl.cli.output import show_diagnostics
    from attndsl.cli.stages import stage_text
    from attndsl.job.choosing import choose

    errors = [d for d in loaded.about_files if d.severity.value == "error"]
    if errors:
        show_diagnostics(errors)
        return 1
    chosen = choose({p.name: p for p in loaded.programs}, name)
    print(stage_text(chosen, stage), end="")
    return 0


def _verify(
    programs: list[Program], model: str, revision: str | None, texts: int, tokens: int, quiet: bool
) -> Verification:
    from attndsl.cli.output import Shown
    from attndsl.job.verification import verification_texts, verify_programs
    from attndsl.models.load_tokenizer import load_tokenizer
    from attndsl.runtime.machine import on_first_compile

    shown = Shown(quiet)
    on_first_compile(shown.note)
    tables = verification_texts(load_tokenizer(model, revision, notify=shown.note), texts, tokens)
    with shown.bar(f"comparing with CPython on {len(tables)} texts", len(programs)) as tell:
        return verify_programs(programs, tables, lambda number: tell(number, len(programs)))


def _note_stand_ins(host: list[str]) -> None:
    from attndsl.cli.output import visible

    names = ", ".join(visible(name) for name in host)
    print(f"attndsl: {names}: made-up values stand in for the host's, the same for both sides", file=sys.stderr)


def _measure_drift(loaded: Loaded, files: list[Path], model: str, revision: str | None) -> None:
    """Put into each warning of a drifting aligner for what share of tokens it gives other words."""
    from attndsl.cli.output import Shown
    from attndsl.job.verification import verification_texts
    from attndsl.models.load_tokenizer import load_tokenizer
    from attndsl.runtime.aligner import measured_drift

    if not any(d.code == "W0222" for d in loaded.about_files):
        return
    tables = verification_texts(load_tokenizer(model, revision, notify=Shown().note), 16, 64)
    loaded.about_files = [measured_drift(d, tables, model) if d.code == "W0222" else d for d in loaded.about_files]


def _write_library(programs: list[Program], out: Path) -> None:
    from attndsl.dsl.printer import to_text
    from attndsl.job.stages import write_text

    lifted: list[Any] = [program.typed.program for program in programs if program.typed is not None]
    write_text(out, to_text(lifted))
    print(f"attndsl: wrote {len(lifted)} lifted programs to {out}", file=sys.stderr)
