"""Regular expressions whose running time cannot explode.

A pattern is taken when it has no repetition inside a repetition and no choice inside an open-ended one; the work is
charged by the length of the text to the power of the number of open-ended repetitions and references to groups, times
the ways in which its choices and counted repetitions can be gone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from attndsl.runtime.loops.state import Run, Stop, check_size, counted, too_long_text, too_many_steps, walk

NAMES = ("match", "search", "fullmatch", "findall", "finditer", "sub", "subn", "split")
"""The functions of ``re``, and methods of its patterns, that search a text."""


@lru_cache(maxsize=512)
def repetitions(pattern: str, flags: int) -> tuple[int, float]:
    """The number of open-ended repetitions, and the logarithm (to 2) of the ways through the rest of the pattern.

    Raises Stop E0466 for a pattern that could explode, re.error as Python.
    """
    parser: Any = vars(re)["_parser"]
    return _count(parser.parse(pattern, flags), False)


_OPEN = 64  # a repetition of more is one without an end


def _count(tree: Any, inside: bool) -> tuple[int, float]:
    total, ways = 0, 0.0
    for op, argument in tree:
        name = str(op)
        found = 0, 0.0
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            low, high, inner = argument
            found = _repeated(low, high, inner, inside)
        elif name == "GROUPREF":
            found = 1, 0.0  # what the group has found is compared letter by letter
        elif name == "GROUPREF_EXISTS":
            raise Stop("E0466", "a regular expression asks whether a group was found", "write two expressions")
        elif name == "SUBPATTERN":
            found = _count(argument[3], inside)
        elif name == "BRANCH":
            each = [_count(branch, inside) for branch in argument[1]]
            own = 0.0 if _tell_apart(argument[1]) else math.log2(len(each))
            found = max(n for n, _ in each), own + max(w for _, w in each)
        elif name in ("ASSERT", "ASSERT_NOT"):
            found = _count(argument[1], inside)
        elif name == "ATOMIC_GROUP":
            found = _count(argument, inside)
        total, ways = total + found[0], ways + found[1]
    return total, ways


def _repeated(low: Any, high: Any, inner: Any, inside: bool) -> tuple[int, float]:
    least, most = int(low), int(high)
    if most > 1 and inside:
        raise Stop("E0466", "a regular expression repeats a repetition", "write it without nested `*` or `+`")
    total, ways = _count(inner, inside or most > 1)
    if most <= _OPEN:
        return total, ways * most + math.log2(most - least + 1)
    if ways:
        raise Stop("E0466", "a regular expression repeats a choice", "begin its alternatives with different letters")
    return total + 1, 0.0


def _tell_apart(branches: Any) -> bool:
    """The first letters of the alternatives differ: at most one of them can match."""
    first = [chr(b[0][1]).lower() if len(b) and str(b[0][0]) == "LITERAL" else "" for b in branches]
    return "" not in first and len(set(first)) == len(first)


def _check_length(run: Run, pattern: str) -> None:
    if len(pattern) > _LONGEST:
        raise Stop("E0466", f"a regular expression of more than {_LONGEST:,} characters")
    run.step(len(pattern) >> 4)


_LONGEST = 2_000


def _pay(run: Run, pattern: Any, text: Any) -> None:
    source, flags = (pattern.pattern, pattern.flags) if isinstance(pattern, re.Pattern) else (pattern, 0)
    if isinstance(source, str):
        _check_length(run, source)
    if isinstance(source, str) and isinstance(text, str):
        total, ways = repetitions(source, int(flags) & ~re.UNICODE.value)
        cost = (len(text) + 1) ** (min(total, 6) + 1) * 2.0 ** min(ways, 64)
        if cost > run.left << 6:
            raise too_many_steps(run)
        run.step(int(cost) >> 6)


@lru_cache(maxsize=512)
def _ahead(pattern: str, flags: int) -> int:
    """The most characters of all groups that a place looks ahead or back for: those of several places overlap."""
    parser: Any = vars(re)["_parser"]
    return _width(parser.parse(pattern, flags), False)


def _width(tree: Any, looking: bool) -> int:
    total = 0
    for op, argument in tree:
        name = str(op)
        if name in ("ASSERT", "ASSERT_NOT"):
            total += _width(argument[1], True)
        elif name == "SUBPATTERN":
            total += _width(argument[3], looking) + (int(argument[3].getwidth()[1]) if looking else 0)
        elif name == "BRANCH":
            total += sum(_width(branch, looking) for branch in argument[1])
        elif name == "ATOMIC_GROUP" or name.endswith("_REPEAT"):
            total += _width(argument if name == "ATOMIC_GROUP" else argument[2], looking)
    return total


def _pay_groups(run: Run, pattern: Any, text: Any, replacement: Any) -> None:
    source, flags = (pattern.pattern, pattern.flags) if isinstance(pattern, re.Pattern) else (pattern, 0)
    if isinstance(source, str) and isinstance(text, str) and "(?" in source:
        each = min(_ahead(source, int(flags) & ~re.UNICODE.value), len(text) * source.count("("))
        times = replacement.count("\\") if isinstance(replacement, str) else 1
        run.grow(len(text) * each * times >> 2)


def apply(run: Run, name: str, pattern: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``pattern.name(*args)`` or ``re.name(pattern, *args)``, paid for."""
    from attndsl.runtime.loops.calls import callback

    replacing = name in ("sub", "subn")
    place = 1 if replacing else 0
    text = kwargs.get("string", args[place] if len(args) > place else None)
    _pay(run, pattern, text)
    values = list(args)
    if replacing and "repl" in kwargs:
        values, kwargs = [kwargs["repl"], *values], {k: v for k, v in kwargs.items() if k != "repl"}
    if replacing and values and not isinstance(values[0], str):
        values[0] = _bounded(run, callback(run, values[0]))
    elif replacing and isinstance(text, str):
        flags = kwargs.get("flags", values[3] if len(values) > 3 else 0)
        _check_replaced(run, pattern, values[0] if values else None, text, flags)
    if name in ("findall", "split") or replacing:
        _pay_groups(run, pattern, text, values[0] if replacing and values else None)
    made = getattr(re, name)(pattern, *values, **kwargs)
    if name == "finditer":
        return counted(run, made)
    if name == "subn":
        check_size(run, made[0])
    elif isinstance(made, str):
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
        _check_length(run, pattern)
        repetitions(pattern, int(flags) & ~re.UNICODE.value)
    return re.compile(pattern, flags)
