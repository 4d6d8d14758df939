"""Regular expressions whose running time cannot explode.

A pattern is taken when it has no repetition inside a repetition and no back reference; the work is charged by the
length of the text to the power of the number of open-ended repetitions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from attndsl.runtime.loops.state import Run, Stop, too_long_text, too_many_steps, walk


@lru_cache(maxsize=512)
def repetitions(pattern: str, flags: int) -> int:
    """The number of open-ended repetitions. Raises Stop E0466 for a pattern that could explode, re.error as Python."""
    parser: Any = vars(re)["_parser"]
    return _count(parser.parse(pattern, flags), False)


def _count(tree: Any, inside: bool) -> int:
    total = 0
    for op, argument in tree:
        name = str(op)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            _, high, inner = argument
            wide = int(high) > 1
            if wide and inside:
                raise Stop("E0466", "a regular expression repeats a repetition", "write it without nested `*` or `+`")
            total += _count(inner, inside or wide) + (1 if int(high) > 64 else 0)
        elif name == "GROUPREF" or name == "GROUPREF_EXISTS":
            raise Stop("E0466", "a regular expression refers back to a group", "compare the groups in the program")
        elif name == "SUBPATTERN":
            total += _count(argument[3], inside)
        elif name == "BRANCH":
            total += max((_count(branch, inside) for branch in argument[1]), default=0)
        elif name in ("ASSERT", "ASSERT_NOT"):
            total += _count(argument[1], inside)
        elif name == "ATOMIC_GROUP":
            total += _count(argument, inside)
    return total


def _pay(run: Run, pattern: Any, text: Any) -> None:
    source, flags = (pattern.pattern, pattern.flags) if isinstance(pattern, re.Pattern) else (pattern, 0)
    if isinstance(source, str) and isinstance(text, str):
        cost = (len(text) + 1) ** (min(repetitions(source, int(flags) & ~re.UNICODE.value), 6) + 1) >> 6
        if cost > run.left:
            raise too_many_steps(run)
        run.step(cost)


def apply(run: Run, name: str, pattern: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``pattern.name(*args)`` or ``re.name(pattern, *args)``, paid for."""
    from attndsl.runtime.loops.calls import callback

    place = 1 if name == "sub" else 0
    text = kwargs.get("string", args[place] if len(args) > place else None)
    _pay(run, pattern, text)
    values = list(args)
    if name == "sub" and values and callable(values[0]):
        values[0] = _bounded(run, callback(run, values[0]))
    elif name == "sub" and isinstance(text, str):
        flags = kwargs.get("flags", values[3] if len(values) > 3 else 0)
        _check_replaced(run, pattern, kwargs.get("repl", values[0] if values else None), text, flags)
    made = getattr(re, name)(pattern, *values, **kwargs)
    if isinstance(made, str):
        from attndsl.runtime.loops.state import check_size

        check_size(run, made)
    elif isinstance(made, list):
        walk(run, made)
    return made


def _check_replaced(run: Run, pattern: Any, replacement: Any, text: str, flags: Any) -> None:
    """Stop before a long text is put in the place of many."""
    if not isinstance(replacement, str):
        return
    most = run.limits.characters
    size = len(text) * (1 + replacement.count("\\")) + (len(text) + 1) * len(replacement)
    if size > most:  # if every place were one; they are counted
        found = sum(1 for _ in re.finditer(pattern, text, flags))
        size = len(text) * (1 + replacement.count("\\")) + found * len(replacement)
    if size > most:
        raise too_long_text(run)


def _bounded(run: Run, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that gives what stands in the place of a match, with a limit to all that it gives."""
    size = 0

    def replaced(match: Any) -> Any:
        nonlocal size
        made = function(match)
        size += len(made) if isinstance(made, str) else 0
        if size > run.limits.characters:
            raise too_long_text(run)
        return made

    return replaced


def compiled(run: Run, pattern: Any, flags: Any = 0) -> Any:
    """``re.compile``."""
    if isinstance(pattern, str):
        repetitions(pattern, int(flags) & ~re.UNICODE.value)
    return re.compile(pattern, flags)
