"""Commands on program files: check, fmt, rule."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attndsl.cli.options import (
    OUTPUT,
    Aligner,
    AlignerOption,
    AttnFiles,
    Bidirectional,
    Files,
    Format,
    FormatOption,
    Host,
)

if TYPE_CHECKING:
    from attndsl.dsl.diagnostics import Diagnostic
    from attndsl.runtime.program import HostFunction, Program


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in (("check", check), ("fmt", fmt)):
        app.command(name, rich_help_panel="Program files")(command)
    app.command("rule", rich_help_panel="Help")(rule)


def check(
    files: Files,
    format: FormatOption = Format.TEXT,
    cost: Annotated[
        bool,
        typer.Option(
            "--cost", rich_help_panel=OUTPUT, help="Show each program's cost class and the features it reads."
        ),
    ] = False,
    concise: Annotated[
        bool, typer.Option("--concise", rich_help_panel=OUTPUT, help="One line per diagnostic.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="MODEL", help="Warn about tests on a token's text that no token of this model passes."
        ),
    ] = None,
    revision: Annotated[
        str | None, typer.Option("--revision", metavar="NAME", help="Branch, tag or commit of a model from the hub.")
    ] = None,
    host: Host = None,
    aligner: AlignerOption = Aligner.PUBLISHED,
    bidirectional: Bidirectional = False,
) -> int:
    """Check program files and show every diagnostic; exit code 1 when a program was refused."""
    from attndsl.cli.compiled import compiled_as_json, print_costs
    from attndsl.cli.output import counted, print_json, show_diagnostics

    loaded = load_files(files, host, aligner, bidirectional)
    if model is not None:
        loaded.programs = _with_dead_predicates(loaded.programs, model, revision)
    found = [*loaded.about_files, *(d for program in loaded.programs for d in program.diagnostics)]
    if format is Format.JSON:
        complain(loaded)
        print_json(compiled_as_json(loaded.programs, loaded.about_files))
        return loaded.exit_code
    if found:
        show_diagnostics(found, "concise" if concise else "full")
    if cost:
        print_costs(loaded.programs)
    else:
        what = counted(len(found), "diagnostic") if found else "nothing to report"
        print(f"{counted(len(loaded.programs), 'program')}, {what}")
    return loaded.exit_code


def fmt(
    files: AttnFiles,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 1 when a file is not in canonical form.")
    ] = False,
) -> int:
    """Write .attn files in canonical form."""
    from attndsl.cli.output import visible
    from attndsl.dsl.diagnostics import DiagnosticError
    from attndsl.job.stages import write_text
    from attndsl.runtime.library import program_files

    changed = False
    errors: list[Diagnostic] = []
    paths: list[Path] = []
    for path in files:
        try:
            paths += program_files(path, (".attn",))
        except DiagnosticError as error:
            errors += error.diagnostics
    for path in paths:
        try:
            before, after = _formatted(path)
            if before == after:
                continue
            changed = True
            if not check:
                write_text(path, after)
            print(f"{'would reformat' if check else 'reformatted'} {visible(str(path))}")
        except DiagnosticError as error:
            errors += error.diagnostics
    if errors:
        raise DiagnosticError(errors)
    return 1 if check and changed else 0


def rule(
    code: Annotated[
        str,
        typer.Argument(
            metavar="CODE", help="A code such as E0203, or its name; 'all' lists every code.", show_default=False
        ),
    ],
) -> int:
    """Explain a diagnostic code."""
    from attndsl.dsl.codes import all_codes, page

    if code == "all":
        for number, name in all_codes().items():
            print(f"{number}  {name}")
        return 0
    try:
        _, text = page(code)
    except KeyError:
        raise _no_such_code(code) from None
    if sys.stdout is not None and sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(text))
    else:
        print(text, end="")
    return 0


# ---------------------------------------------------------------- shared


@dataclass
class Loaded:
    """The programs of some files; a file that cannot be read is a finding, and the other files go on."""

    programs: list[Program] = field(default_factory=list)
    about_files: list[Diagnostic] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        from attndsl.dsl.diagnostics import Severity

        refused = any(program.outcome == "refused" for program in self.programs)
        return 1 if refused or any(d.severity is Severity.ERROR for d in self.about_files) else 0


def load_files(
    files: list[Path],
    host: list[str] | None,
    aligner: Aligner,
    bidirectional: bool,
    values: HostFunction | None = None,
) -> Loaded:
    """The programs of the files; ``values`` answers for the relations of ``host`` where programs are to be run."""
    from attndsl.dsl.diagnostics import DiagnosticError
    from attndsl.runtime.library import load_library, program_files

    hosts = dict.fromkeys(host or (), values or _only_declared)
    loaded = Loaded()
    paths: list[Path] = []
    for path in files:
        try:
            paths += program_files(path)
        except DiagnosticError as error:
            loaded.about_files += error.diagnostics
    for path in paths:
        try:
            library = load_library(path, host=hosts, causal=not bidirectional, aligner=aligner.value)
        except DiagnosticError as error:
            loaded.about_files += error.diagnostics
            continue
        loaded.about_files += library.diagnostics
        loaded.programs += library.values()
    loaded.programs = _with_distinct_names(loaded.programs)
    return loaded


def complain(loaded: Loaded) -> None:
    """With JSON on stdout, a file that could not be read is still told to whoever watches."""
    if loaded.about_files:
        from attndsl.cli.output import show_diagnostics

        show_diagnostics(loaded.about_files, "concise")


def _only_declared(*_: Any) -> float:
    raise RuntimeError("a relation that was declared with --host has no values on the command line")


def _with_distinct_names(programs: list[Program]) -> list[Program]:
    """Several files may use one name; the later ones are shown with a number."""
    from dataclasses import replace

    seen: Counter[str] = Counter()
    result = []
    for program in programs:
        seen[program.name] += 1
        count = seen[program.name]
        result.append(program if count == 1 else replace(program, name=f"{program.name} ({count})"))
    return result


def _with_dead_predicates(programs: list[Program], model: str, revision: str | None) -> list[Program]:
    from dataclasses import replace

    from attndsl.cli.output import Shown, counted
    from attndsl.models.load_tokenizer import load_tokenizer
    from attndsl.runtime.dead_predicates import dead_predicates

    say = Shown().note
    tokenizer = load_tokenizer(model, revision, notify=say)
    apart = sum(program.typed is None for program in programs)
    if apart:
        say(f"--model looks at lifted programs; {counted(apart, 'program')} of {len(programs)} could not be looked at")
    return [
        replace(program, diagnostics=(*program.diagnostics, *dead_predicates(program.typed, tokenizer, model)))
        if program.typed is not None
        else program
        for program in programs
    ]


def _formatted(path: Path) -> tuple[str, str]:
    """A file's text as it is, and as it should be."""
    from attndsl.dsl.diagnostics import fail
    from attndsl.dsl.parser import parse_library
    from attndsl.dsl.printer import to_text
    from attndsl.runtime.library import read_source

    if path.suffix == ".py":
        raise fail(
            "E0815",
            f"{path} is Python; fmt formats .attn files",
            help="attndsl compile FILE --out LIB.attn lifts its programs",
        )
    source = read_source(path)
    return source.text, to_text(parse_library(source))


def _no_such_code(code: str) -> Exception:
    from difflib import get_close_matches

    from attndsl.dsl.codes import all_codes
    from attndsl.dsl.diagnostics import fail

    names = {name: name for name in all_codes().values()} | {number: number for number in all_codes()}
    close = get_close_matches(code.lower(), names, n=1) or get_close_matches(code.upper(), names, n=1)
    help = f"did you mean {close[0]}? attndsl rule all lists them" if close else "attndsl rule all lists them"
    return fail("E0813", f"no diagnostic is called {code!r}", help=help)
