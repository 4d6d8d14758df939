"""Our data as the protocol's: ranges, diagnostics, outline, edits. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from lsprotocol import types as lsp

from attndsl.dsl.diagnostics import Diagnostic, Severity
from attndsl.dsl.source import NO_SPAN, Span
from attndsl.editor.navigation import Symbol
from attndsl.editor.places import Places

MOST_FINDINGS = 500
MOST_RELATED = 20
_KINDS = {"program": lsp.SymbolKind.Function, "let": lsp.SymbolKind.Constant, "matrix": lsp.SymbolKind.Array}
_UNNECESSARY = frozenset({"W0101", "W0221"})  # editors show these in grey


def range_of(places: Places, span: Span) -> lsp.Range:
    start, end = places.position(span.start), places.position(span.end)
    return lsp.Range(lsp.Position(*start), lsp.Position(*end))


def diagnostics_of(places: Places, uri: str, findings: Sequence[Diagnostic]) -> list[lsp.Diagnostic]:
    """The findings; of very many the first, and a line that says how many more there are."""
    shown = [_diagnostic(places, uri, found) for found in findings[:MOST_FINDINGS]]
    if len(findings) > MOST_FINDINGS:
        more = f"{len(findings) - MOST_FINDINGS} more findings are not shown here; attndsl check lists them all"
        start = range_of(places, NO_SPAN)
        shown.append(lsp.Diagnostic(start, more, severity=lsp.DiagnosticSeverity.Information, source="attndsl"))
    return shown


def _diagnostic(places: Places, uri: str, found: Diagnostic) -> lsp.Diagnostic:
    lines = [found.headline]
    primary = next((label for label in found.labels if label.primary), None)
    if primary is not None and primary.text:
        lines.append(primary.text)
    if found.help:
        lines.append(f"help: {found.help}")
    lines += [f"note: {note}" for note in found.notes]
    others = [label for label in found.labels if not label.primary][:MOST_RELATED]
    error = found.severity is Severity.ERROR
    return lsp.Diagnostic(
        range=range_of(places, found.span or NO_SPAN),
        message="\n".join(lines),
        severity=lsp.DiagnosticSeverity.Error if error else lsp.DiagnosticSeverity.Warning,
        code=found.code,
        code_description=_page(found.code),
        source="attndsl",
        tags=[lsp.DiagnosticTag.Unnecessary] if found.code in _UNNECESSARY else None,
        related_information=[
            lsp.DiagnosticRelatedInformation(
                lsp.Location(uri, range_of(places, label.span)), label.text or found.headline
            )
            for label in others
        ]
        or None,
    )


@cache
def _page(code: str) -> lsp.CodeDescription | None:
    """A link to the code's page, where the package lies in a folder (and not in an archive)."""
    from importlib import resources
    from pathlib import Path

    page = resources.files("attndsl.dsl.codes") / f"{code}.md"
    return lsp.CodeDescription(page.as_uri()) if isinstance(page, Path) and page.is_file() else None


def fixes_of(places: Places, uri: str, findings: Sequence[Diagnostic], wanted: Span) -> list[lsp.CodeAction]:
    """Quick fixes of the findings that touch a span."""
    actions = []
    for found in findings:
        span = found.span or NO_SPAN
        if not found.fixes or span.start > wanted.end or span.end < wanted.start:
            continue
        about = _diagnostic(places, uri, found)
        for fix in found.fixes:
            edit = lsp.TextEdit(range_of(places, fix.span), fix.text)
            actions.append(
                lsp.CodeAction(
                    title=fix.title,
                    kind=lsp.CodeActionKind.QuickFix,
                    diagnostics=[about],
                    is_preferred=len(found.fixes) == 1,
                    edit=lsp.WorkspaceEdit(changes={uri: [edit]}),
                )
            )
    return actions


def outline_of(places: Places, symbols: Sequence[Symbol]) -> list[lsp.DocumentSymbol]:
    return [
        lsp.DocumentSymbol(
            name=symbol.name,
            kind=_KINDS[symbol.kind],
            range=range_of(places, symbol.span),
            selection_range=range_of(places, symbol.name_span),
            detail=symbol.detail or None,
            children=outline_of(places, symbol.children) or None,
        )
        for symbol in symbols
    ]


def replacement_of(places: Places, after: str, line_end: str) -> list[lsp.TextEdit]:
    """One edit of the lines that differ; none when the text is already so."""
    before, wanted = places.text.splitlines(keepends=True), after.splitlines(keepends=True)
    if before == wanted:
        return []
    same = 0
    while same < min(len(before), len(wanted)) and before[same] == wanted[same]:
        same += 1
    tail = 0
    while tail < min(len(before), len(wanted)) - same and before[-1 - tail] == wanted[-1 - tail]:
        tail += 1
    start = sum(map(len, before[:same]))
    end = len(places.text) - sum(map(len, before[len(before) - tail :]))
    text = "".join(wanted[same : len(wanted) - tail]).replace("\n", line_end)
    return [lsp.TextEdit(range_of(places, Span(start, end)), text)]
