"""Fixes of the checker's findings: the help of a message as a change of the text that can be applied at once."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attndsl.dsl import nodes as N
from attndsl.dsl.diagnostics import Fix
from attndsl.dsl.source import SourceFile, Span


def name_fixes(source: SourceFile | None, node: N.Node, wrong: str, close: Sequence[str]) -> list[Fix]:
    """The nearest name in place of ``wrong`` wherever the node's text says it."""
    if source is None or not close or not node.span.end:
        return []
    found = _outside_texts(source.text, node.span, wrong)
    return [Fix(f"write {close[0]}", found, close[0])] if found is not None else []


def length_fixes(program: N.Program, node: N.Node, has_query: bool) -> list[Fix]:
    """A causal head's ``n``: the tokens so far where the query is known, or a head that sees the whole text."""
    if program.source is None or not node.span.end:
        return []
    fixes = [Fix("write (q + 1)", node.span, "(q + 1)")] if has_query else []
    word = _outside_texts(program.source.text, program.span, "causal")
    if word is not None:
        space = 1 if program.source.text[word.start - 1].isspace() else 0
        fixes.append(Fix("drop causal from the head", Span(word.start - space, word.end), ""))
    return fixes


def removal_fixes(source: SourceFile | None, item: N.Item) -> list[Fix]:
    """The statement taken out, with its line where it stands there alone."""
    if source is None or not item.span.end:
        return []
    return [Fix("remove the definition", whole_lines(source.text, item.span), "")]


def whole_lines(text: str, span: Span) -> Span:
    """The span, widened to its line end where nothing else stands on its lines."""
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    end = len(text) if end < 0 else end + 1
    alone = not text[start : span.start].strip() and not text[span.end : end].strip()
    return Span(start, end) if alone else span


def _outside_texts(text: str, span: Span, name: str) -> Span | None:
    """Where a name stands first in a span, texts in quotes and comments left out."""
    pattern = re.compile(rf'"(?:[^"\\\n\r]|\\.)*"|#[^\n\r]*|\b({re.escape(name)})\b')
    for found in pattern.finditer(text, span.start, span.end):
        if found[1]:
            return Span(*found.span(1))
    return None
