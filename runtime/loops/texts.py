"""Values as text: ``str``, ``repr``, f-strings and ``format``, for values whose text is the same in every run."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from typing import Any

import numpy as np

from attndsl.runtime.loops.state import Run, Stop, check_size, ordered, too_long_text

_SHOWN = 1000
"""Items that numpy writes out of an array: of a larger one it leaves most out."""
_ATOMS = (int, float, str, bool, type(None), np.generic, slice, range)


def printable(run: Run, value: Any, depth: int = 0) -> int:
    """About how many characters the text of ``value`` has: one list may hold one long text many times.

    Raises Stop when that is too many, or when it would hold an address, or the order of an unordered set."""
    run.step()
    if isinstance(value, str):
        return _checked(run, len(value))
    if isinstance(value, _ATOMS) or getattr(type(value), "plain_text", False):
        return 1
    if isinstance(value, np.ndarray):
        run.grow(value.size)
        return _checked(run, min(value.size, _SHOWN) * value.itemsize >> 2)
    if depth < 20:
        parts: Iterable[Any] | None = None
        if isinstance(value, list | tuple):
            run.grow(len(value))
            parts = value
        elif isinstance(value, dict):
            parts = (part for item in value.items() for part in item)
        elif isinstance(value, set | frozenset) and ordered(run, value) is value:
            parts = value
        elif isinstance(value, Exception):
            parts = value.args
        elif isinstance(value, type) and value.__module__ in ("builtins", "numpy"):
            return 1
        if parts is not None:
            total = 0
            for part in parts:
                total = _checked(run, total + printable(run, part, depth + 1))
            return total
    raise Stop("E0466", f"the text of a {type(value).__name__} value differs from run to run")


def _checked(run: Run, characters: int) -> int:
    if characters > run.limits.characters:
        raise too_long_text(run)
    return characters


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


def to_ascii(run: Run, value: Any, /) -> str:
    """``ascii(value)``."""
    printable(run, value)
    made = ascii(value)
    check_size(run, made)
    return made


def joined(run: Run, parts: Iterable[str]) -> str:
    """The text of an f-string of these parts."""
    made: list[str] = []
    size = 0
    for part in parts:
        size = _checked(run, size + len(part))
        made.append(part)
    text = "".join(made)
    check_size(run, text)
    return text


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


def _check_width(run: Run, spec: str) -> int:
    """The widths that are asked for, together."""
    digits, total = "", 0
    for char in spec + " ":
        if char.isdigit():
            digits += char
        elif digits:
            total = _checked(run, total + (int(digits) if len(digits) < 10 else run.limits.characters + 1))
            digits = ""
    return total


def format_template(run: Run, template: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """``template.format(...)``; the name check allows plain fields only, and this looks again."""
    longest = max((printable(run, value) for value in (*args, *kwargs.values())), default=0)
    size = len(template)
    for _, field, spec, _ in string.Formatter().parse(template):
        if field is None:
            continue
        if not (field == "" or field.isidentifier() or field.isdigit()):
            raise Stop("E0466", "`.format` looks inside a value")
        if spec and "{" in spec:
            raise Stop("E0466", "a format field inside a format field is not read")
        size = _checked(run, size + longest + _check_width(run, spec or ""))
    made = template.format(*args, **kwargs)
    check_size(run, made)
    return made


def check_percent(run: Run, template: str, values: Any) -> None:
    """Look at ``template % values`` before it is made."""
    longest = printable(run, values)
    size = len(template)
    for field in _PERCENT.finditer(template):
        if "*" in field[0]:
            raise Stop("E0466", "the width of a `%` field is computed", "write an f-string")
        size = _checked(run, size + longest + _check_width(run, field[0]))


_PERCENT = re.compile(r"%(?:\([^)]*\))?[^a-zA-Z%]*")
