"""The built-in programs: files of the language beside this module, one theme each.

positional (first token, previous, windows, decays), punctuation, structure (sentences, lines, word pieces, brackets,
quotes), repeats (copies of the token), induction (what followed a copy), lookback (words known by their letters),
mixtures, grammar (asks a parser for word features), bidirectional (heads that see the whole text).
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal

from attndsl.dsl.nodes import Program
from attndsl.dsl.parser import parse_library
from attndsl.dsl.source import SourceFile

THEMES = (
    "positional",
    "punctuation",
    "structure",
    "repeats",
    "induction",
    "lookback",
    "mixtures",
    "grammar",
    "bidirectional",
)


def library_text(theme: str) -> str:
    """The source of one theme, as it stands in its file. Raises KeyError for an unknown theme."""
    if theme not in THEMES:
        raise KeyError(theme)
    return (resources.files(__name__) / f"{theme}.attn").read_text(encoding="utf-8")


@cache
def _programs() -> tuple[Program, ...]:
    found: list[Program] = []
    for theme in THEMES:
        found.extend(parse_library(SourceFile(f"{theme}.attn", library_text(theme))))
    return tuple(found)


def builtin_programs(direction: Literal["causal", "bidirectional"] | None = None) -> list[Program]:
    """The built-in programs in the order of their files, parsed once; ``direction`` keeps one kind of head.

    Names are unique over all files. Programs that read word features are those whose checked form has ``needs_words``.
    """
    return [program for program in _programs() if direction in (None, program.direction)]
