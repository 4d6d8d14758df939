r"""Constant regular expressions as questions to a text: ``re.match(r"^[A-Z][a-z]+$", t)``, ``re.search(r"\d", t)``.

A pattern is taken apart into alternatives. One that says how the whole text is made may have some characters at its
beginning and end and a run of characters of one class between them; one that is searched for is a text, or one
character of a class. Others, and flags, are not said.
"""

from __future__ import annotations

import importlib
import itertools
import re
import string
from dataclasses import field
from typing import Any

from attndsl.dsl.frozen import frozen

_parser: Any = importlib.import_module("re._parser")  # Python's own; a pattern is parsed, never matched
_LONGEST, _MOST_ALTERNATIVES, _MOST_CHARACTERS = 400, 32, 600
_CATEGORIES = {"CATEGORY_DIGIT": "d", "CATEGORY_WORD": "w", "CATEGORY_SPACE": "s"}
_NEGATED = {"CATEGORY_NOT_DIGIT": "d", "CATEGORY_NOT_WORD": "w", "CATEGORY_NOT_SPACE": "s"}


class Unknown(Exception):
    """The pattern cannot be said as a question to a text."""


@frozen
class Class:
    """Characters: some by themselves, and those of categories; or all others."""

    characters: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    negated: bool = False

    @property
    def single(self) -> str | None:
        """The one character, where there is only one."""
        plain = not self.negated and not self.categories and len(self.characters) == 1
        return next(iter(self.characters)) if plain else None


@frozen
class Run:
    """Between ``low`` and ``high`` characters of a class; without an upper limit where that is None.

    ``lazy``: as few as there can be, which matters where it is asked which ones they are.
    """

    of: Class
    low: int = 1
    high: int | None = 1
    lazy: bool = field(default=False, compare=False)


@frozen
class Alternative:
    """Runs one after the other, and whether they begin at the beginning and end at the end of the text.

    ``line``: the end may also be just before a line break that ends the text."""

    runs: tuple[Run, ...] = ()
    begins: bool = False
    ends: bool = False
    line: bool = False


def alternatives(pattern: str) -> list[Alternative]:
    """The pattern taken apart. Raises Unknown when it has something else than characters, classes and repeats."""
    if len(pattern) > _LONGEST:
        raise Unknown
    try:
        parsed = _parser.parse(pattern)
    except (re.error, OverflowError, RecursionError):  # an error of the pattern, which Python raises when it is reached
        raise Unknown from None
    if parsed.state.flags & ~32:  # all but UNICODE, which is on by itself
        raise Unknown
    return [_joined(parts) for parts in _sequences(list(parsed))]


_Item = Run | str  # an anchor by name


def _sequences(items: list[Any]) -> list[tuple[_Item, ...]]:
    """The sequences of runs and anchors that the items stand for."""
    found: list[tuple[_Item, ...]] = [()]
    for op, argument in items:
        own = _of_item(str(op), argument)
        if len(found) * len(own) > _MOST_ALTERNATIVES:
            raise Unknown
        found = [(*a, *b) for a in found for b in own]
    return found


def _of_item(op: str, argument: Any) -> list[tuple[_Item, ...]]:
    if op == "BRANCH":
        return [s for branch in argument[1] for s in _sequences(list(branch))]
    if op == "SUBPATTERN":
        _, added, removed, inner = argument
        if added or removed:
            raise Unknown
        return _sequences(list(inner))
    if op in ("MAX_REPEAT", "MIN_REPEAT"):
        low, high, inner = argument
        return _repeated(low, high, inner, op == "MIN_REPEAT")
    if op == "AT":
        return [(str(argument),)]
    return [(Run(_class(op, argument)),)]


def _repeated(low: int, high: Any, inner: Any, lazy: bool) -> list[tuple[_Item, ...]]:
    most = None if str(high) == "MAXREPEAT" else int(high)
    sequences = _sequences(list(inner))
    if len(sequences) == 1 and len(sequences[0]) == 1 and isinstance(sequences[0][0], Run):
        (run,) = sequences[0]
        assert isinstance(run, Run)
        if (run.low, run.high) == (1, 1) and (low, most) != (0, 1):
            return [()] if most == 0 else [(Run(run.of, low, most, lazy),)]
    if (low, most) == (0, 1):
        return [(), *sequences]
    raise Unknown


def _class(op: str, argument: Any) -> Class:
    if op == "LITERAL":
        return Class(frozenset(chr(argument)))
    if op == "NOT_LITERAL":
        return Class(frozenset(chr(argument)), negated=True)
    if op == "ANY":
        return Class(frozenset("\n"), negated=True)
    if op == "IN":
        return _set(argument)
    raise Unknown


def _set(items: Any) -> Class:
    characters: set[str] = set()
    categories: set[str] = set()
    negated = False
    for op, argument in items:
        name, category = str(op), str(argument)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            characters.add(chr(argument))
        elif name == "RANGE":
            characters.update(itertools.islice(map(chr, range(argument[0], argument[1] + 1)), _MOST_CHARACTERS))
        elif name == "CATEGORY" and category in _CATEGORIES:
            categories.add(_CATEGORIES[category])
        elif name == "CATEGORY" and category in _NEGATED and len(items) == 1:
            return Class(frozenset(), frozenset((_NEGATED[category],)), negated=True)
        else:
            raise Unknown
    if len(characters) >= _MOST_CHARACTERS:
        raise Unknown
    return Class(_plain(characters, categories), frozenset(categories), negated)


def _plain(characters: set[str], categories: set[str]) -> frozenset[str]:
    """The characters that no category beside them has already, of those that everyone knows."""
    known = {"d": string.digits, "w": string.ascii_letters + string.digits + "_", "s": string.whitespace}
    return frozenset(c for c in characters if not any(c in known[k] for k in categories))


def _joined(parts: tuple[_Item, ...]) -> Alternative:
    """The runs with the anchors around them; an anchor between them is unknown."""
    at = [(k, p) for k, p in enumerate(parts) if isinstance(p, str)]
    runs = tuple(p for p in parts if isinstance(p, Run))
    begins = ends = line = False
    for k, name in at:
        before = any(isinstance(p, Run) for p in parts[:k])
        after = any(isinstance(p, Run) for p in parts[k + 1 :])
        if name in ("AT_BEGINNING", "AT_BEGINNING_STRING") and not before:
            begins = True
        elif name in ("AT_END", "AT_END_STRING") and not after:
            ends, line = True, name == "AT_END" and (line or not ends)
        else:
            raise Unknown
    return Alternative(runs, begins, ends, line)


def of_mode(mode: str, found: Alternative) -> Alternative:
    """The alternative as ``match``, ``search`` or ``fullmatch`` reads it."""
    begins = found.begins or mode != "search"
    line = found.line and mode != "fullmatch"  # there the line break would be left over
    return Alternative(_merged(found.runs), begins, found.ends or mode == "fullmatch", line)


def _merged(runs: tuple[Run, ...]) -> tuple[Run, ...]:
    """Neighbours of one class as one run."""
    out: list[Run] = []
    for of, own in itertools.groupby(runs, key=lambda r: r.of):
        same = list(own)
        highs = [r.high for r in same]
        high = None if None in highs else sum(filter(None, highs))
        out.append(Run(of, sum(r.low for r in same), high))
    return tuple(out)
