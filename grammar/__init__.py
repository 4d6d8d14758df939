"""The grammar as text: one file for the parser, the prompt, constrained decoding and the tests."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def grammar_text() -> str:
    """The Lark grammar of the attention-pattern language."""
    return (resources.files(__name__) / "attention.lark").read_text(encoding="utf-8")
