"""Values as text: ``str``, ``repr``, f-strings and ``format``, for values whose text is the same in every run."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from attndsl.runtime.loops.state import Run, Stop, check_size, ordered, too_long_text

_ATOMS = (int, float, str, bool, type(None), np.generic, slice, range)


def printable(run: Run, value: Any, depth: int = 0) -> None:
    """Raise Stop when the text of ``value`` would hold an address, or the order of an unordered set."""
    run.step()
    if isinstance(value, _ATOMS) or getattr(type(value), "plain_text", False):
        return
    if isinstance(value, np.ndarray):
        run.grow(value.size)
        return
    if depth < 20:
        if isinstance(value, list | tuple):
            run.grow(len(value))
            for item in value:
                printable(run, item, depth + 1)
            return
        if isinstance(value, dict):
            for key, item in value.items():
                printable(run, key, depth + 1)
                printable(run, item, depth + 1)
            return
        if isinstance(value, set | frozenset) and ordered(run, value) is value:
            for item in value:
                printable(run, item, depth + 1)
            return
        if isinstance(value, Exception):
            return
        if isinstance(value, type) and value.__module__ in ("builtins", "numpy"):
            return
    raise Stop("E0466", f"the text of a {type(value).__name__} value differs from run to run")


def to_text(run: Run, value: Any = "") -> str:
    """``str(value)``."""
    printable(run, value)
    made = str(value)
    check_size(run, made)
    return made


def to_repr(run: Run, value: Any) -> str:
    """``repr(value)``."""
    printable(run, value)
    made = repr(value)
    check_size(run, made)
    return made


def format_value(run: Run, value: Any, conversion: str, spec: Any) -> str:
    """One field of an f-string."""
    printable(run, value)
    if conversion == "r" or conversion == "a":
        value = repr(value) if conversion == "r" else ascii(value)
    elif conversion == "s":
        value = str(value)
    if isinstance(spec, str):
        _check_width(run, spec)
    return format(value, spec)


def _check_width(run: Run, spec: str) -> None:
    digits = ""
    for char in spec + " ":
        if char.isdigit():
            digits += char
        elif digits:
            if len(digits) > 9 or int(digits) > run.limits.characters:
                raise too_long_text(run)
            digits = ""


def format_template(run: Run, template: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """``template.format(...)``; the name check allows plain fields only, and this looks again."""
    for value in (*args, *kwargs.values()):
        printable(run, value)
    for _, field, spec, _ in string.Formatter().parse(template):
        if field is not None and not (field == "" or field.isidentifier() or field.isdigit()):
            raise Stop("E0466", "`.format` looks inside a value")
        _check_width(run, spec or "")
        if spec and "{" in spec:
            raise Stop("E0466", "a format field inside a format field is not read")
    made = template.format(*args, **kwargs)
    check_size(run, made)
    return made
