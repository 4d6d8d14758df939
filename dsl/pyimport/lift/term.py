"""Terms: the lifter's own expressions, hash-consed, so that equal terms are one object."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

_TABLE: dict[tuple[Any, ...], Term] = {}
_SUBSTITUTED: dict[tuple[tuple[Term, Term], ...], Any] = {}
_OPENED: dict[Term, tuple[Term, ...]] = {}
_VARIABLES: dict[tuple[Term, str], Term] = {}
_SPREAD: dict[tuple[Any, ...], Term] = {}  # operations on choices, done for each of the two
_KEPT: dict[tuple[Any, ...], Term] = {}
ID = "id"  # the kind of a token's number, of which only comparisons with another token's are known
_variables = [0, 0]  # variables made so far, and while the package was imported


class Term:
    """``op`` with constant ``data`` and argument terms; ``kind`` is int, float, num, bool, str, id, word or none."""

    args: tuple[Term, ...]
    data: Any
    free: frozenset[str]
    height: int
    kind: str
    marks: int
    op: str
    opposite: Term | None
    serial: int
    size: int
    span: Any
    total: bool
    __slots__ = (
        "args", "data", "free", "height", "kind", "marks", "op", "opposite", "serial", "size", "span", "total",
    )  # fmt: skip

    def __init__(self, op: str, data: Any, args: tuple[Term, ...], kind: str, span: Any, serial: int) -> None:
        self.op, self.data, self.args, self.kind, self.span, self.serial = op, data, args, kind, span, serial
        self.opposite = None
        free, size, height, total, marks = _NOTHING, 1, 0, True, 0
        if op in _OWN_MARKS:
            marks = _marks_of(op, data, kind, span)
        elif op in _MARKS:
            marks = _MARKS[op]
        for a in args:
            size += a.size
            marks |= a.marks
            if a.height > height:
                height = a.height
            if not a.total:
                total = False
            own = a.free
            if own is not free and own:  # most terms have one variable, in a set that they share
                free = free | own if free and not free.issuperset(own) else free or own
        if op == "agg":
            free = free - {args[1].data}
            height += 1
            total = data in _TOTAL
        elif op == "var":
            free = frozenset((data,))
        elif op == "none" or op == "index":
            total = False
        self.free, self.size, self.height, self.total, self.marks = free, size, height, total, marks

    def __repr__(self) -> str:
        return f"{self.op}{'' if self.data is None else ':' + str(self.data)}({', '.join(map(repr, self.args))})"


def _marks_of(op: str, data: Any, kind: str, span: Any) -> int:
    """The marks of an operation by itself, whatever is inside."""
    if op == "linear":
        return GROWS if max(data) > GREAT or min(data) < -GREAT else 0
    if op == "func":
        return ODD if data in ("ratio", "log", "sqrt") else 0
    if op == "agg":
        return GROWS if data == "product" else 0
    if op == "bin":
        return (0 if span is None else MAY_FAIL) | (GROWS if data in ("*", "**") else 0)
    if kind == "int":
        return 0 if -GREAT <= data <= GREAT else GROWS
    return ODD if kind == "float" and not math.isfinite(data) else 0


READS, MAY_FAIL, NEAR, ODD, GROWS = 1, 2, 4, 8, 16
"""Marks: something inside reads a weight; an operation fails for some numbers; a number is rounded (see near.py); it
may be nan or infinite (see nans.py); a whole number may be a great one (see wholes.py)."""
GREAT = 2**30
_MARKS = {"read": READS, "stat": READS, "near": NEAR}
_OWN_MARKS = frozenset(("bin", "const", "linear", "func", "agg"))
_NOTHING: frozenset[str] = frozenset()
_TOTAL = ("count", "sum", "product", "all")


def keep() -> None:
    """All terms made so far (while the package is imported) stay for ever."""
    _KEPT.update(_TABLE)
    _variables[1] = _variables[0]


def clear() -> None:
    """Forget the terms of earlier programs, so that what a program becomes does not depend on its neighbours."""
    global _TABLE
    forget_answers()
    for t in _TABLE.values():  # two opposites hold each other; without that a term goes with the last use of it
        t.opposite = None
    _TABLE = _KEPT.copy()  # faster than to empty it and to put all these in again
    _variables[0] = _variables[1]
    _limit[:] = len(_TABLE) + max(0, min(MAX_TERMS, _left[0])), 0


def forget_answers() -> None:
    """Empty the tables of what was worked out: it is worked out again where it is asked for."""
    _SUBSTITUTED.clear()
    _OPENED.clear()
    _VARIABLES.clear()
    _SPREAD.clear()


def all_terms() -> list[Term]:
    """Every term that is there; each stands at its serial number."""
    return list(_TABLE.values())


def own_terms() -> list[Term]:
    """The terms of the present program, in the order in which they were made."""
    return list(islice(_TABLE.values(), len(_KEPT), None))


def opposites() -> tuple[tuple[int, int], ...]:
    """The serial numbers of terms whose negation is known, and of that negation."""
    return tuple([(t.serial, t.opposite.serial) for t in _TABLE.values() if t.opposite is not None])


def variables() -> int:
    """How many variables were made."""
    return _variables[0]


def continue_variables(made: int) -> None:
    """Go on as if so many variables were made."""
    _variables[0] = made


def settle() -> None:
    """The program in hand is finished: what it took is no longer there for the others of its file."""
    _left[0] -= made() + _limit[1]


@contextmanager
def allowance(characters: int) -> Iterator[None]:
    """What the programs of one file of that length may take together: a file holds many that are large at little cost
    in text, with a helper that all of them call. Three times what files of published programs need."""
    before, _left[0] = _left[0], MAX_TERMS + characters // 2
    try:
        yield
    finally:
        _left[0] = before


def spend(amount: int) -> None:
    """Work that makes few terms counts as terms do. Raises TooLarge."""
    _limit[0] -= amount
    _limit[1] += amount
    if len(_TABLE) > _limit[0]:
        raise TooLarge


def used_up() -> bool:
    """The programs of the file have taken what they may take together."""
    return _left[0] <= 0


def spent() -> int:
    """What work that makes few terms has taken."""
    return _limit[1]


def room() -> int:
    """How many terms may still be made."""
    return _limit[0] - len(_TABLE)


def made() -> int:
    """How many terms the present program has made: what ``MAX_TERMS`` limits."""
    return len(_TABLE) - len(_KEPT)


class TooLarge(Exception):
    """One program makes more terms than any readable one, or the programs of one file do so together."""

    def __str__(self) -> str:
        if _left[0] < MAX_TERMS:
            return "the programs of the file together expand to more than a reader can follow"
        return "the program expands to more than a reader can follow"


MAX_TERMS = 15_000  # nearly five times what the largest of 288 published programs needs
_limit = [1 << 60, 0]  # the terms that may be there, less what was spent; what was spent
_left = [1 << 60]  # for the programs of the file that are still to come
_WIDE = 8  # arguments; a term with many takes as much time as several


def mk(op: str, data: Any, args: tuple[Term, ...], kind: str, span: Any = None) -> Term:
    """The one term of this shape. ``span`` takes part only where evaluation can fail."""
    key = (op, (data.__class__, data) if op == "const" else data, args, kind, span)
    found = _TABLE.get(key)
    if found is None:
        made = len(_TABLE)
        if made > _limit[0]:
            raise TooLarge
        if len(args) > _WIDE:
            spend(len(args) // _WIDE)
        found = _TABLE[key] = Term(op, data, args, kind, span, made)
    return found


MAX_BITS, MAX_TEXT = 1_000, 10_000  # of a constant that is worked out: ``s = s + s`` in forty lines has no end
_KINDS: dict[type, str] = {int: "int", float: "float", str: "str"}


def const(value: Any) -> Term:
    if value is True:
        return TRUE
    if value is False:
        return FALSE
    if value.__class__ is int:
        known = _INTS.get(value)
        if known is not None:
            return known
    kind = _KINDS.get(value.__class__)
    if kind is None:
        raise TypeError(f"no constant term: {value!r}")
    if (kind == "int" and value.bit_length() > MAX_BITS) or (kind == "str" and len(value) > MAX_TEXT):
        raise TooLarge
    if kind == "float" and value == 0:
        value = 0.0
    return mk("const", value, (), kind)


TRUE = mk("const", True, (), "bool")
FALSE = mk("const", False, (), "bool")
NONE = mk("none", None, (), "none")
N = mk("n", None, (), "int")
ZERO = mk("const", 0, (), "int")
ONE = mk("const", 1, (), "int")
_INTS = {i: mk("const", i, (), "int") for i in range(-10, 65)}
ALL_WORDS = mk("words", None, (), "words")


def fresh(kind: str, hint: str = "x") -> Term:
    """A variable no other term has. ``kind`` is int (a token position) or word."""
    _variables[0] += 1
    return mk("var", f"{hint}#{_variables[0]}", (), kind)


def variable(t: Term, name: str) -> Term:
    """The variable of that name, which is free in the term."""
    passed: list[Term] = []
    while t.op != "var":
        known = _VARIABLES.get((t, name))
        if known is not None:
            t = known
            break
        passed.append(t)
        for part in t.args:
            if name in part.free:
                t = part
                break
    for p in passed:
        _VARIABLES[p, name] = t
    return t


def is_const(t: Term) -> bool:
    return t.op == "const"
