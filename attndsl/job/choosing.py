"""One program out of a file, or out of the built-in ones, by its name."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from attndsl.dsl.diagnostics import fail
from attndsl.runtime.library import Library, builtin_library, load_library
from attndsl.runtime.program import Program


def library_of(file: Path | None, causal: bool) -> Library:
    """The programs of a file, or the built-in ones."""
    return load_library(file, causal=causal) if file is not None else builtin_library(causal)


def choose(library: Mapping[str, Program], name: str) -> Program:
    """The program of a name, or the only one. Raises DiagnosticError E0810."""
    if not name and len(library) == 1:
        return next(iter(library.values()))
    if name in library:
        return library[name]
    if not library:
        raise fail("E0810", "the file holds no program", help="attndsl check FILE says what is in it")
    close = get_close_matches(name, list(library), n=1) if name else []
    names = ", ".join(repr(n) for n in list(library)[:8]) + (", ..." if len(library) > 8 else "")
    hint = f"did you mean {close[0]!r}?" if close else f"choose one with --program: {names}"
    said = f"there is no program named {name!r}" if name else "no program was named, and there are several"
    raise fail("E0810", said, help=hint)
