"""A run that failed -> a diagnostic at the line where CPython would have raised, with the error's class."""

from __future__ import annotations

from typing import Any

from attndsl.dsl.diagnostics import Diagnostic, diagnostic
from attndsl.dsl.pyimport import loops as lt
from attndsl.dsl.source import SourceFile, Span
from attndsl.runtime.loops.state import Stop, shortly

_CODES: tuple[tuple[type[Exception], str], ...] = (
    (IndexError, "E0450"),
    (KeyError, "E0451"),
    (TypeError, "E0452"),
    (ValueError, "E0453"),
    (ZeroDivisionError, "E0454"),
    (ArithmeticError, "E0454"),
    (AttributeError, "E0455"),
    (NameError, "E0456"),
    (AssertionError, "E0457"),
)


def describe(error: BaseException, source: SourceFile, fallback: Span) -> Diagnostic:
    """The diagnostic for an error of the program, or for a limit that it hit.

    ``source`` is the program's file, ``fallback`` the span to show when none was being evaluated.
    """
    span = place_of(error) or fallback
    if isinstance(error, Stop):
        return diagnostic(error.code, error.headline, source=source, span=span, help=error.help, notes=_where(error))
    code = next((c for kind, c in _CODES if isinstance(error, kind)), "E0458")
    text = _text_of(error)
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[:200])  # no terminal codes in messages
    shown = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return diagnostic(code, f"the program fails: {shown}", source=source, span=span, notes=_where(error))


_MARK = "at_span"


def place_of(error: BaseException) -> Span | None:
    """The span of the innermost node that was being evaluated when ``error`` was raised.

    Every closure of this package that can fail takes its span as the default of a parameter ``at_span``; the frames
    of the traceback still hold it. That costs nothing while nothing fails.
    """
    found: Span | None = None
    trace = error.__traceback__
    while trace is not None:
        local = trace.tb_frame.f_locals.get(_MARK)
        if isinstance(local, Span):
            found = local
        trace = trace.tb_next
    return found


def _text_of(error: BaseException) -> str:
    """What the error says: ``str`` of one that holds a deep or large value would take the stack, or the memory."""
    parts = error.args
    if len(parts) == 1 and isinstance(parts[0], str) and not isinstance(error, KeyError):
        return str(parts[0])
    return ", ".join([shortly(part) for part in parts[:4]])


def _where(error: BaseException) -> tuple[str, ...]:
    """The loop variables at the time, from the innermost frame that was being evaluated."""
    found: list[Any] | None = None
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame.f_locals.get("f")
        if isinstance(frame, list) and len(frame) > 2 and isinstance(frame[2], lt.Code):
            found = frame
        trace = trace.tb_next
    if found is None:
        return ()
    code: lt.Code = found[2]
    values = [
        f"{name} = {shortly(found[slot])}"
        for slot, name in enumerate(code.names)
        if name in code.loop_names and slot < len(found) and isinstance(found[slot], int | str)
    ]
    return (f"in `{code.name}` with {', '.join(values)}",) if values else ()
