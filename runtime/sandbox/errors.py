"""The one exception of the sandbox."""

from __future__ import annotations

import re
import unicodedata

from attndsl.dsl.diagnostics import Diagnostic, DiagnosticError, diagnostic
from attndsl.dsl.source import SourceFile, Span

MAX_MESSAGE = 400
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")


class SandboxError(DiagnosticError):
    """A program was refused, failed, broke a limit, or gave an unusable result.

    ``outcome`` is one of "refused" (before it ran), "error" (it raised), "bad_result", "differs" (two runs differ),
    "time", "memory", "died", "unavailable". ``error_type`` and ``error_message`` are the exception's for "error",
    ``line`` is a one-based line of the source where one is known. Common causes: see the code's page.
    """

    def __init__(
        self, found: Diagnostic | tuple[Diagnostic, ...], outcome: str, error_type: str = "", error_message: str = ""
    ) -> None:
        super().__init__(found)
        self.outcome = outcome
        self.error_type = error_type
        self.error_message = error_message

    @property
    def line(self) -> int | None:
        """One-based line of the first diagnostic, if it points anywhere."""
        return self.diagnostics[0].line

    @property
    def code(self) -> str:
        """The code of the first diagnostic."""
        return self.diagnostics[0].code


def sandbox_error(
    code: str,
    outcome: str,
    headline: str,
    *,
    source: SourceFile | None = None,
    line: int = 0,
    help: str | None = None,
    error_type: str = "",
    error_message: str = "",
) -> SandboxError:
    """A SandboxError with one diagnostic; ``line`` is a one-based line of ``source``, 0 for none."""
    span = line_span(source, line) if source is not None and line > 0 else None
    found = diagnostic(code, headline, source=source, span=span, help=help)
    return SandboxError(found, outcome, error_type, error_message)


def wrapped(error: DiagnosticError, outcome: str = "refused") -> SandboxError:
    """The same diagnostics as a SandboxError."""
    return error if isinstance(error, SandboxError) else SandboxError(error.diagnostics, outcome)


def line_span(source: SourceFile, line: int) -> Span:
    """The text of a one-based line without its indentation."""
    number = max(1, min(line, len(source.line_starts)))
    text = source.line(number)
    start = source.line_starts[number - 1] + len(text) - len(text.lstrip())
    return Span(start, max(start, source.line_starts[number - 1] + len(text.rstrip())))


def clean(text: str, limit: int = MAX_MESSAGE) -> str:
    """A text from a child, fit for a terminal: one line, no control or format characters, no addresses, cut."""
    shown = "".join(" " if c in "\n\r\t" else c for c in text[: 4 * limit])
    shown = "".join(c for c in shown if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"))
    shown = _ADDRESS.sub("0x…", shown).strip()
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
