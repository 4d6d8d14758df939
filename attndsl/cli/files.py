"""Commands on program files: compile, check, fmt, rule."""

from __future__ import annotations

import sys
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from attndsl.runtime.library import Library
    from attndsl.runtime.program import Program


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


Files = Annotated[list[Path], typer.Argument(help="Program files: .attn, or .py written by a language model.", metavar="FILE...")]
FormatOption = Annotated[Format, typer.Option("--format", help="How results are printed.")]
HostOption = Annotated[
    list[str] | None,
    typer.Option("--host", help="Name of a relation that the host will give (may be repeated), e.g. embedding_similarity."),
]
AlignerOption = Annotated[
    str, typer.Option("--aligner", help="Token-to-word alignment of imported programs: published, or offsets (repaired).")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("compile")(compile_)
    app.command("check")(check)
    app.command("fmt")(fmt)
    app.command("rule")(rule)


def compile_(
    files: Files,
    format: FormatOption = Format.TEXT,
    out: Annotated[Path | None, typer.Option("--out", help="Write the lifted programs to this .attn file.")] = None,
    host: HostOption = None,
    aligner: AlignerOption = "published",
    bidirectional: Annotated[bool, typer.Option("--bidirectional", help="The programs describe bidirectional heads.")] = False,
) -> int:
    """Compile program files: what was lifted, kept bounded or refused, and why.

    Exit code 0 when all programs compiled, 1 when some were refused.
    """
    library, refused_files = _load(files, host, aligner, bidirectional)
    if out is not None:
        _write_library(library, out)
    if format is Format.JSON:
        from attndsl.cli.output import print_json

        print_json(compiled_as_json(library))
    else:
        _print_compiled(library, show_all=False)
    return 1 if refused_files or _refused(library) else 0


def check(
    files: Files,
    format: FormatOption = Format.TEXT,
    cost: Annotated[bool, typer.Option("--cost", help="Show the cost class and the features of each program.")] = False,
    concise: Annotated[bool, typer.Option("--concise", help="One line per diagnostic.")] = False,
    model: Annotated[str | None, typer.Option("--model", help="Warn about predicates that no token of this model satisfies.")] = None,
    host: HostOption = None,
    aligner: AlignerOption = "published",
) -> int:
    """Check program files and show every diagnostic."""
    from attndsl.dsl.render import render

    library, refused_files = _load(files, host, aligner, False)
    found = [*library.diagnostics, *(d for program in library.values() for d in program.diagnostics)]
    if format is Format.JSON:
        from attndsl.cli.output import print_json

        print_json(compiled_as_json(library, found if model is not None else None))
    else:
        if found:
            print(render(found, "concise" if concise else "full"), file=sys.stderr)
        if cost:
            _print_costs(library)
        elif not found:
            print(f"{len(library)} programs, nothing to report")
    return 1 if refused_files or _refused(library) else 0


def fmt(
    files: Files,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit code 1 when a file is not canonical.")] = False,
) -> int:
    """Write .attn files in canonical form."""
    from attndsl.dsl.diagnostics import DiagnosticError, fail
    from attndsl.dsl.parser import parse_library
    from attndsl.dsl.printer import to_text
    from attndsl.job.stages import write_text
    from attndsl.runtime.library import read_source

    changed, errors = [], []
    for path in files:
        try:
            if path.suffix == ".py":
                raise fail("E0807", f"{path} is Python; fmt formats .attn files", help="attndsl compile FILE --out LIB.attn lifts it")
            source = read_source(path)
            text = to_text(parse_library(source))
        except DiagnosticError as error:
            errors += error.diagnostics
            continue
        if text != source.text:
            changed.append(path)
            if not check:
                write_text(path, text)
    for path in changed:
        print(f"would reformat {path}" if check else f"reformatted {path}")
    if errors:
        raise DiagnosticError(errors)
    return 1 if check and changed else 0


def rule(code: Annotated[str, typer.Argument(help="A code such as E0203, or its name; 'all' lists every code.")]) -> int:
    """Explain a diagnostic code."""
    from attndsl.dsl.codes import all_codes, page

    if code == "all":
        for number, name in all_codes().items():
            print(f"{number}  {name}")
        return 0
    try:
        _, text = page(code)
    except KeyError:
        from difflib import get_close_matches

        names = [*all_codes(), *all_codes().values()]
        close = get_close_matches(code, names, n=1) or get_close_matches(code.upper(), names, n=1)
        hint = f"; did you mean {close[0]}?" if close else "; attndsl rule all lists them"
        print(f"no diagnostic code is called {code!r}{hint}", file=sys.stderr)
        return 2
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(text))
    else:
        print(text, end="")
    return 0


# ---------------------------------------------------------------- shared


def _load(files: list[Path], host: list[str] | None, aligner: str, bidirectional: bool) -> tuple[Library, bool]:
    """All files in one library; files that cannot be read are shown and the rest goes on."""
    from attndsl.dsl.diagnostics import DiagnosticError
    from attndsl.cli.output import show_error
    from attndsl.runtime.library import Library, load_library

    hosts = {name: _only_declared for name in host or ()}
    programs: list[Program] = []
    findings: list[Any] = []
    failed = False
    for path in files:
        try:
            library = load_library(path, host=hosts, causal=not bidirectional, aligner=aligner)
        except DiagnosticError as error:
            show_error(error)
            failed = True
            continue
        findings += library.diagnostics
        programs += library.values()
    return Library(_with_distinct_names(programs), findings), failed


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


def _refused(library: Library) -> bool:
    return any(program.outcome == "refused" for program in library.values())


def _write_library(library: Library, out: Path) -> None:
    from attndsl.dsl.printer import to_text
    from attndsl.job.stages import write_text

    lifted = [program.typed.program for program in library.values() if program.typed is not None]
    write_text(out, to_text(lifted))
    print(f"wrote {len(lifted)} programs to {out}", file=sys.stderr)


def compiled_as_json(library: Library, extra: list[Any] | None = None) -> dict[str, Any]:
    """The contract's JSON object: one entry per program, and a summary."""
    from attndsl.dsl.render import as_dict
    from attndsl.runtime.program import describe_outcomes

    programs = list(library.values())
    reasons = Counter(d.code for p in programs if p.outcome == "refused" for d in p.diagnostics[:1])
    content: dict[str, Any] = {
        "programs": [
            {
                "name": p.name,
                "outcome": p.outcome.value,
                "diagnostics": [as_dict(d) for d in p.diagnostics],
                "cost": p.cost,
                "reads": list(p.reads),
            }
            for p in programs
        ],
        "summary": {"programs": len(programs), **describe_outcomes(programs), "refusals": dict(reasons.most_common())},
    }
    notes = [*library.diagnostics] if extra is None else extra
    if notes:
        content["diagnostics"] = [as_dict(d) for d in notes]
    return content


def _print_compiled(library: Library, show_all: bool) -> None:
    from attndsl.cli.output import print_table
    from attndsl.dsl.render import render
    from attndsl.runtime.program import describe_outcomes

    programs = list(library.values())
    refused = [p for p in programs if p.outcome == "refused"]
    found = [*library.diagnostics, *(d for p in programs for d in p.diagnostics)]
    if found:
        print(render(found, "full" if len(found) <= 20 else "concise"), file=sys.stderr)
    counts = describe_outcomes(programs)
    print(f"{len(programs)} programs: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    if refused:
        reasons = Counter((p.diagnostics[0].code, p.diagnostics[0].name) for p in refused if p.diagnostics)
        print_table("refused, by first reason", ["code", "reason", "programs"], [[c, n, k] for (c, n), k in reasons.most_common(10)])
    costs = Counter(p.cost for p in programs if p.cost is not None)
    if costs:
        print_table("cost in the number of tokens", ["class", "programs"], list(costs.most_common()))
    features = Counter(read for p in programs for read in p.reads)
    if features:
        print_table("features read", ["feature", "programs"], list(features.most_common(12)))


def _print_costs(library: Library) -> None:
    from attndsl.cli.output import print_table

    rows = [[p.name, p.outcome.value, p.cost, ", ".join(p.reads)] for p in library.values()]
    print_table("", ["program", "outcome", "cost", "reads"], rows)
