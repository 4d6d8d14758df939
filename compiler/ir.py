"""The intermediate representation: a hash-consed graph of small operations over named axes.

    leaf      := const | text | n | iota | column | relation | host
    value     := elementwise | select | map_text | gather | rename | reduce | rank
    program   := result [q, k], checks

A value has axes: "q" (query), "k" (key), "t0" "t1" ... (bound tokens), "w0" ... (bound words), "r"/"c" (row and column
of a relation before it is placed). Equal operations on equal arguments are the same object, so sharing across a whole
library is free. Every value is float64 ("f"), bool ("b") or a text code ("s": an index into the process-wide text
table of ``compiler/texts.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from attndsl.dsl.source import SourceFile, Span

# Operations by what they need; the emitters implement exactly these, ``compiler/verify.py`` holds their typing rules.
LEAVES = ("const", "text", "n", "iota", "column", "relation", "host")
ARITHMETIC = ("add", "sub", "mul", "div", "floordiv", "mod", "pow", "neg", "min", "max")
FUNCTIONS = ("abs", "exp", "log", "sqrt", "tanh", "sin", "cos", "floor", "ceil", "round", "trunc")
COMPARISONS = ("lt", "le", "eq")
LOGIC = ("and", "or", "not")
CONVERSIONS = ("float",)
STRUCTURE = ("select", "map_text", "gather", "rename", "rank")
REDUCTIONS = ("any", "sum", "product", "maximum", "minimum", "first", "last")
OPS = LEAVES + ARITHMETIC + FUNCTIONS + COMPARISONS + LOGIC + CONVERSIONS + STRUCTURE + REDUCTIONS
COMMUTATIVE = frozenset({"add", "mul", "eq", "and", "or"})


def axis_rank(axis: str) -> int:
    """Position of an axis in the fixed order of dimensions."""
    fixed = {"r": 0, "c": 1, "q": 2, "k": 3}
    if axis in fixed:
        return fixed[axis]
    return 4 + 2 * int(axis[1:]) + (axis[0] == "w")


def ordered(axes: Iterable[str]) -> tuple[str, ...]:
    """Axes without repetition, in the fixed order."""
    return tuple(sorted(set(axes), key=axis_rank))


def is_word_axis(axis: str) -> bool:
    return axis[0] == "w"


@dataclass(frozen=True, eq=False, slots=True)
class Op:
    """One operation. ``attr`` holds what is not a value: a constant, a column name, an axis, a text function."""

    id: int
    name: str
    args: tuple[Op, ...]
    attr: Any
    axes: tuple[str, ...]
    dtype: str

    def __repr__(self) -> str:
        args = ", ".join(f"%{arg.id}" for arg in self.args)
        attr = f" {self.attr!r}" if self.attr is not None else ""
        return f"%{self.id} = {self.name}{attr}({args}) : {self.dtype}[{','.join(self.axes)}]"


PHASES = 3
"""Of one rule: condition and target, weights, values."""


@dataclass(frozen=True, slots=True)
class Check:
    """A run-time error: it is raised where ``fails`` (bool over any axes) holds anywhere."""

    fails: Op
    code: str
    what: str
    span: Span
    group: int = 0  # the statement: a failure of an earlier one wins
    phase: int = 0  # within a query: condition and target, then weights, then values, for each rule of the statement


@dataclass(frozen=True, slots=True)
class IRProgram:
    """One program: its matrix before our own normalisation, and the errors it may raise, in source order."""

    name: str
    result: Op
    checks: tuple[Check, ...]
    causal: bool
    needs_words: bool
    hosts: tuple[str, ...] = ()
    source: SourceFile | None = None

    def roots(self) -> tuple[Op, ...]:
        return (*(check.fails for check in self.checks), self.result)


@dataclass
class Graph:
    """Builds operations; equal ones are returned, not made again."""

    ops: list[Op] = field(default_factory=list)
    _known: dict[tuple[Any, ...], Op] = field(default_factory=dict)

    def op(self, name: str, args: tuple[Op, ...], attr: Any, axes: tuple[str, ...], dtype: str) -> Op:
        if name in COMMUTATIVE and args[0].id > args[1].id:
            args = (args[1], args[0])
        key = (name, tuple(arg.id for arg in args), type(attr), _hashable(attr), axes, dtype)
        found = self._known.get(key)
        if found is None:
            found = Op(len(self.ops), name, args, attr, axes, dtype)
            self.ops.append(found)
            self._known[key] = found
        return found


def _hashable(attr: Any) -> Any:
    # -0.0 == 0.0 and 1 == True would merge constants that behave differently
    return repr(attr) if isinstance(attr, float | bool) else attr


def reachable(roots: Iterable[Op]) -> Iterator[Op]:
    """Every operation below the roots, arguments first."""
    seen: set[int] = set()
    stack: list[tuple[Op, bool]] = [(root, False) for root in reversed(list(roots))]
    while stack:
        op, done = stack.pop()
        if done:
            yield op
        elif op.id not in seen:
            seen.add(op.id)
            stack.append((op, True))
            stack.extend((arg, False) for arg in reversed(op.args) if arg.id not in seen)
