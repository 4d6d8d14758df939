"""A text as the compiler sees it: its programs, and everything that is to be said about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from attndsl.dsl.diagnostics import Diagnostic, DiagnosticError
from attndsl.editor.lexical import holds_programs

if TYPE_CHECKING:
    from attndsl.runtime.program import Program


@dataclass(frozen=True)
class Analysis:
    """Of one version of a text; ``text`` has LF line ends. ``programs`` is empty where the text cannot be read."""

    text: str
    python: bool
    programs: Mapping[str, Program] = field(default_factory=dict)
    findings: tuple[Diagnostic, ...] = ()


def analyse(text: str, name: str, python: bool, watch: Callable[[], None] | None = None) -> Analysis:
    """Read and check a text; nothing of it runs. ``watch`` is called now and then, and may raise to stop the work.

    A Python text that holds no program is somebody else's: it has no findings.
    """
    from attndsl.runtime.library import load_text

    try:
        library = load_text(text, name, python=python, watch=watch)
    except DiagnosticError as error:
        ours = not python or holds_programs(text)
        return Analysis(text, python, findings=error.diagnostics if ours else ())
    if python and not library:
        ours = holds_programs(text)
        return Analysis(text, python, findings=library.diagnostics if ours else ())
    found = [*library.diagnostics, *(d for program in library.values() for d in program.diagnostics)]
    return Analysis(text, python, library, tuple(_merged(found)))


def _merged(findings: list[Diagnostic]) -> list[Diagnostic]:
    """One finding per fault: a helper that ten programs use is refused ten times, each time with another label."""
    found: dict[tuple[str, object, str], Diagnostic] = {}
    for each in findings:
        key = (each.code, each.span, each.headline)
        before = found.get(key)
        if before is None:
            found[key] = each
            continue
        labels = tuple(label for label in each.labels if label not in before.labels)
        notes = tuple(note for note in each.notes if note not in before.notes)
        found[key] = replace(before, labels=(*before.labels, *labels), notes=(*before.notes, *notes))
    return list(found.values())
