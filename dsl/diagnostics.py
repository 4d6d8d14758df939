"""Diagnostics as data: what is wrong, where, and what to do. Only ``dsl/render.py`` turns them into text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from attndsl.dsl.codes import code_name
from attndsl.dsl.source import SourceFile, Span


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Label:
    """A short text at a span; ``primary`` marks the fault itself."""

    span: Span
    text: str = ""
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that does what ``help`` proposes: ``text`` in place of the characters of ``span``."""

    title: str
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. ``code`` is a registered code such as ``E0203``; ``source`` is None where no text is at fault.

    ``fixes`` are alternatives, each complete by itself; none where ``help`` needs a decision that only people can make.
    """

    code: str
    headline: str
    source: SourceFile | None = None
    labels: tuple[Label, ...] = ()
    help: str | None = None
    notes: tuple[str, ...] = ()
    severity: Severity = field(default=Severity.ERROR)
    fixes: tuple[Fix, ...] = ()

    @property
    def name(self) -> str:
        """The kebab-case name of the code."""
        return code_name(self.code)

    @property
    def span(self) -> Span | None:
        """The primary span."""
        for label in self.labels:
            if label.primary:
                return label.span
        return self.labels[0].span if self.labels else None

    @property
    def line(self) -> int | None:
        """One-based line of the primary span."""
        if self.source is None or self.span is None:
            return None
        return self.source.position(self.span.start)[0]

    @property
    def column(self) -> int | None:
        """One-based column of the primary span."""
        if self.source is None or self.span is None:
            return None
        return self.source.position(self.span.start)[1]


def diagnostic(
    code: str,
    headline: str,
    *,
    source: SourceFile | None = None,
    span: Span | None = None,
    label: str = "",
    help: str | None = None,
    notes: Sequence[str] = (),
    others: Sequence[Label] = (),
    fixes: Sequence[Fix] = (),
) -> Diagnostic:
    """Build a diagnostic with one primary label. Codes that begin with ``W`` are warnings.

    Raises KeyError when the code has no page in ``dsl/codes``.
    """
    code_name(code)
    labels = (Label(span, label, primary=True), *others) if span is not None else tuple(others)
    severity = Severity.WARNING if code.startswith("W") else Severity.ERROR
    return Diagnostic(code, headline, source, labels, help, tuple(notes), severity, tuple(fixes))


class DiagnosticError(Exception):
    """Raised when work cannot go on; carries every independent diagnostic of the stage.

    Common causes: a program file that cannot be read or does not compile, an unknown model, a missing feature.
    ``diagnostics`` holds the data; ``str(error)`` is the concise rendering.
    """

    def __init__(self, diagnostics: Diagnostic | Iterable[Diagnostic]) -> None:
        if isinstance(diagnostics, Diagnostic):
            diagnostics = (diagnostics,)
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        super().__init__("; ".join(f"{d.code} {d.headline}" for d in self.diagnostics))

    def __reduce__(self) -> tuple[type[DiagnosticError], tuple[tuple[Diagnostic, ...]]]:
        """Copied to another process with its data: by default only the text would be."""
        return type(self), (self.diagnostics,)


def fail(
    code: str,
    headline: str,
    *,
    source: SourceFile | None = None,
    span: Span | None = None,
    label: str = "",
    help: str | None = None,
    notes: Sequence[str] = (),
    fixes: Sequence[Fix] = (),
) -> DiagnosticError:
    """The exception for a single diagnostic: ``raise fail("E0601", "...", help="...")``."""
    return DiagnosticError(
        diagnostic(code, headline, source=source, span=span, label=label, help=help, notes=notes, fixes=fixes)
    )
