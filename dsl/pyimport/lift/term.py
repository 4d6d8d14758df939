"""Terms: the lifter's own expressions, hash-consed, so that equal terms are one object."""

from __future__ import annotations

import itertools
from typing import Any

_TABLE: dict[tuple[Any, ...], Term] = {}
_SUBSTITUTED: dict[tuple[Term, Term, Term], Term] = {}
_KEPT: dict[tuple[Any, ...], Term] = {}
_fresh = itertools.count()


class Term:
    """``op`` with constant ``data`` and argument terms; ``kind`` is int, float, num, bool, str, word or none."""

    args: tuple[Term, ...]
    data: Any
    free: frozenset[str]
    height: int
    kind: str
    op: str
    size: int
    span: Any
    total: bool
    __slots__ = ("args", "data", "free", "height", "kind", "op", "size", "span", "total")

    def __init__(self, op: str, data: Any, args: tuple[Term, ...], kind: str, span: Any) -> None:
        self.op, self.data, self.args, self.kind, self.span = op, data, args, kind, span
        self.size = 1 + sum(a.size for a in args)
        free: frozenset[str] = frozenset((data,)) if op == "var" else frozenset().union(*(a.free for a in args))
        self.free = free - {args[1].data} if op == "agg" else free
        self.height = max((a.height for a in args), default=0) + (op == "agg")
        optional = op == "none" or (op == "agg" and data in _OPTIONAL) or op == "index"
        always = op == "agg" and data in ("count", "sum", "product", "all")
        self.total = always or (not optional and all(a.total for a in args))

    def __repr__(self) -> str:
        return f"{self.op}{'' if self.data is None else ':' + str(self.data)}({', '.join(map(repr, self.args))})"


_OPTIONAL = ("first", "last", "nth", "maximum", "minimum", "argmax", "argmin")


def keep() -> None:
    """All terms made so far (while the package is imported) stay for ever."""
    _KEPT.update(_TABLE)


def clear() -> None:
    """Forget the terms of earlier programs once there are many."""
    _SUBSTITUTED.clear()
    _limit[0] = 1 << 60
    if len(_TABLE) > 100_000:
        _TABLE.clear()
        _TABLE.update(_KEPT)
    _limit[0] = len(_TABLE) + MAX_TERMS


class TooLarge(Exception):
    """One program makes more terms than any readable one."""


MAX_TERMS = 60_000
_limit = [1 << 60]


def mk(op: str, data: Any, args: tuple[Term, ...], kind: str, span: Any = None) -> Term:
    """The one term of this shape. ``span`` takes part only where evaluation can fail."""
    key = (op, (type(data).__name__, data) if op == "const" else data, args, kind, span)
    found = _TABLE.get(key)
    if found is None:
        if len(_TABLE) > _limit[0]:
            raise TooLarge
        found = _TABLE[key] = Term(op, data, args, kind, span)
    return found


def const(value: Any) -> Term:
    if isinstance(value, bool):
        return TRUE if value else FALSE
    kind = {int: "int", float: "float", str: "str"}.get(type(value))
    if kind is None:
        raise TypeError(f"no constant term: {value!r}")
    if kind == "float" and value == 0:
        value = 0.0
    return mk("const", value, (), kind)


TRUE = mk("const", True, (), "bool")
FALSE = mk("const", False, (), "bool")
NONE = mk("none", None, (), "none")
N = mk("n", None, (), "int")
ZERO = mk("const", 0, (), "int")
ONE = mk("const", 1, (), "int")
ALL_WORDS = mk("words", None, (), "words")


def fresh(kind: str, hint: str = "x") -> Term:
    """A variable no other term has. ``kind`` is int (a token position) or word."""
    return mk("var", f"{hint}#{next(_fresh)}", (), kind)


def is_const(t: Term) -> bool:
    return t.op == "const"
