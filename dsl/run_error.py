"""Run-time errors of a program: one shape for the interpreter and every back end."""

from __future__ import annotations

from attndsl.dsl.diagnostics import DiagnosticError, diagnostic
from attndsl.dsl.source import SourceFile, Span


class RunError(DiagnosticError):
    """An error while a program ran on a text, at a place of its source and at a query (and key) position.

    ``query`` and ``key`` are token positions, None where the error belongs to no position.
    """

    def __init__(
        self,
        code: str,
        what: str,
        name: str,
        source: SourceFile | None,
        span: Span,
        query: int | None = None,
        key: int | None = None,
    ) -> None:
        place = "" if query is None else f" at query {query}" + ("" if key is None else f", key {key}")
        at = span if source is not None and span.end else None
        super().__init__(diagnostic(code, f"{what}{place} in {name!r}", source=source, span=at))
        self.query = query
        self.key = key
