"""Diagnostics -> text. Three renderings of the same data: full (for people), concise (one line each), JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attndsl.dsl.diagnostics import Diagnostic, Label, Severity

FORMATS = ("full", "concise", "json")
LINE_WIDTH = 160  # characters of a source line that are shown


def render(diagnostics: Iterable[Diagnostic], format: str = "full") -> str:
    """Text of the diagnostics in one of ``FORMATS``. Raises ValueError for another format."""
    found = list(diagnostics)
    if format == "full":
        return "\n\n".join(full(d) for d in found)
    if format == "concise":
        return "\n".join(concise(d) for d in found)
    if format == "json":
        import json

        return json.dumps([as_dict(d) for d in found], indent=2, ensure_ascii=False)
    raise ValueError(f"unknown format {format!r}, expected one of {', '.join(FORMATS)}")


def concise(d: Diagnostic) -> str:
    """``file:line:column: error[E0203] name: headline``."""
    place = ""
    if d.source is not None and d.line is not None:
        place = f"{_clean(d.source.name)}:{d.line}:{d.column}: "
    return f"{place}{d.severity.value}[{d.code}] {d.name}: {_clean(d.headline)}"


def as_dict(d: Diagnostic) -> dict[str, Any]:
    """The JSON form; ``line`` and ``column`` are one-based, null where no text is at fault."""
    return {
        "code": d.code,
        "name": d.name,
        "severity": d.severity.value,
        "message": d.headline,
        "file": d.source.name if d.source is not None else None,
        "line": d.line,
        "column": d.column,
        "help": d.help,
        "notes": list(d.notes),
    }


def full(d: Diagnostic) -> str:
    """Headline, source excerpt with underlined spans, help and notes, in the manner of rustc and ruff."""
    lines = [f"{d.severity.value}[{d.code}] {d.name}: {_clean(d.headline)}"]
    margin = ""
    if d.source is not None and d.span is not None:
        labels = sorted(d.labels, key=lambda label: (label.span.start, label.primary))
        numbers = sorted({d.source.position(label.span.start)[0] for label in labels})
        margin = " " * len(str(numbers[-1]))
        lines.append(f"{margin}--> {_clean(d.source.name)}:{d.line}:{d.column}")
        lines.append(f"{margin} |")
        previous = None
        for number in numbers:
            if previous is not None and number > previous + 1:
                lines.append(f"{margin} ...")
            here = [label for label in labels if d.source.position(label.span.start)[0] == number]
            start = _window(d, here[0])
            lines.append(f"{number:>{len(margin)}} | {_shown(d.source.line(number), start)}")
            lines.extend(f"{margin} | {_underline(d, label, number, start)}" for label in here)
            previous = number
        lines.append(f"{margin} |")
    if d.help:
        lines.append(f"help: {_clean(d.help)}")
    lines.extend(f"note: {_clean(note)}" for note in d.notes)
    if d.severity is Severity.ERROR:
        lines.append(f"note: `attndsl rule {d.code}` explains this")
    return "\n".join(lines)


def _window(d: Diagnostic, label: Label) -> int:
    """The first column (from 0) that is shown of a line: a fault far to the right in a long line comes into view."""
    assert d.source is not None
    column = d.source.position(label.span.start)[1] - 1
    return 0 if column < LINE_WIDTH - 40 else column - LINE_WIDTH // 2


def _shown(line: str, start: int) -> str:
    """What is shown of a source line: at most ``LINE_WIDTH`` characters, and none that could disturb a terminal."""
    shown = _clean(line[start : start + LINE_WIDTH].replace("\t", " "))
    return ("…" if start else "") + shown + ("…" if len(line) > start + LINE_WIDTH else "")


def _clean(text: str) -> str:
    """Text from a file on one line, without control characters."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _underline(d: Diagnostic, label: Label, number: int, start: int) -> str:
    assert d.source is not None
    column = d.source.position(label.span.start)[1]
    end_line, end_column = d.source.position(label.span.end)
    if end_line != number:
        end_column = len(d.source.line(number)) + 1
    mark = "^" if label.primary else "-"
    width = max(1, min(end_column, start + LINE_WIDTH + 1) - column)
    indent = column - 1 - start + (1 if start else 0)
    return " " * indent + mark * width + (f" {_clean(label.text)}" if label.text else "")
