"""Regular expressions whose running time cannot explode.

A pattern is taken when it has no repetition inside a repetition and no back reference; the work is charged by the
length of the text to the power of the number of open-ended repetitions.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from attndsl.runtime.loops.state import Run, Stop, too_many_steps, walk


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
        values[0] = callback(run, values[0])
    made = getattr(re, name)(pattern, *values, **kwargs)
    if isinstance(made, str):
        from attndsl.runtime.loops.state import check_size

        check_size(run, made)
    elif isinstance(made, list):
        walk(run, made)
    return made


def compiled(run: Run, pattern: Any, flags: Any = 0) -> Any:
    """``re.compile``."""
    if isinstance(pattern, str):
        repetitions(pattern, int(flags) & ~re.UNICODE.value)
    return re.compile(pattern, flags)
