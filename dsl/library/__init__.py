"""The programs that come with attndsl: ``*.attn`` files beside this one."""

from __future__ import annotations

from functools import cache
from importlib import resources

from attndsl.dsl.nodes import Program
from attndsl.dsl.parser import parse_library
from attndsl.dsl.source import SourceFile


@cache
def _all() -> tuple[Program, ...]:
    files = sorted((e for e in resources.files(__name__).iterdir() if e.name.endswith(".attn")), key=lambda e: e.name)
    return tuple(
        program
        for entry in files
        for program in parse_library(SourceFile(entry.name, entry.read_text(encoding="utf-8")))
    )


def builtin_programs(direction: str | None = None) -> list[Program]:
    """Built-in programs, all or those of one direction (``causal`` or ``bidirectional``), in file order."""
    return [program for program in _all() if direction is None or program.direction == direction]
