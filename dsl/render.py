"""Diagnostics -> text. Three renderings of the same data: full (for people), concise (one line each), JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attndsl.dsl.diagnostics import Diagnostic, Label, Severity

FORMATS = ("full", "concise", "json")


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
        place = f"{d.source.name}:{d.line}:{d.column}: "
    return f"{place}{d.severity.value}[{d.code}] {d.name}: {d.headline}"


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
    lines = [f"{d.severity.value}[{d.code}] {d.name}: {d.headline}"]
    margin = ""
    if d.source is not None and d.span is not None:
        labels = sorted(d.labels, key=lambda label: (label.span.start, label.primary))
        numbers = sorted({d.source.position(label.span.start)[0] for label in labels})
        margin = " " * len(str(numbers[-1]))
        lines.append(f"{margin}--> {d.source.name}:{d.line}:{d.column}")
        lines.append(f"{margin} |")
        previous = None
        for number in numbers:
            if previous is not None and number > previous + 1:
                lines.append(f"{margin} ...")
            lines.append(f"{number:>{len(margin)}} | {_shown(d.source.line(number))}")
            for label in labels:
                if d.source.position(label.span.start)[0] == number:
                    lines.append(f"{margin} | {_underline(d, label, number)}")
            previous = number
        lines.append(f"{margin} |")
    if d.help:
        lines.append(f"help: {d.help}")
    lines.extend(f"note: {note}" for note in d.notes)
    if d.severity is Severity.ERROR:
        lines.append(f"note: `attndsl rule {d.code}` explains this")
    return "\n".join(lines)


def _shown(line: str) -> str:
    """A source line that cannot disturb a terminal: tabs are one space, control characters are shown."""
    return "".join(" " if c == "\t" else c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line[:500])


def _underline(d: Diagnostic, label: Label, number: int) -> str:
    assert d.source is not None
    column = d.source.position(label.span.start)[1]
    end_line, end_column = d.source.position(label.span.end)
    if end_line != number:
        end_column = len(d.source.line(number)) + 1
    mark = "^" if label.primary else "-"
    width = max(1, min(end_column, 501) - column)
    return " " * (column - 1) + mark * width + (f" {label.text}" if label.text else "")
