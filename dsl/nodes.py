"""The syntax tree of the attention-pattern language.

    library   := program+
    program   := head NAME direction? item*
    item      := claim TEXT | checked | let | matrix | rule | normalize | softmax | mask
    checked   := claim (mass at least|most x on | unchanged within x by changing|renaming) T [when P]
    rule      := set x to T | add x to T | scale T by x | raise T to at least x | cap T at x | share x over T [by g]
                 [of MATRIX] [when P]
    T         := position | each VAR [in nodes] [from|after x] [upto|before x] [where P]

Every node is frozen, has its children as tuples and carries the span it was read from. Equality ignores spans and
comments, so that a printed and re-parsed tree compares equal to the first. ``dsl/LANGUAGE.md`` gives the meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from attndsl.dsl.source import NO_SPAN, SourceFile, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Base of all nodes; ``span`` does not take part in equality."""

    span: Span = field(default=NO_SPAN, compare=False, repr=False)


class Expr(Node):
    """Base of expressions."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Number(Expr):
    value: float


@dataclass(frozen=True, slots=True)
class Truth(Expr):
    value: bool


@dataclass(frozen=True, slots=True)
class Text(Expr):
    value: str


@dataclass(frozen=True, slots=True)
class SetOf(Expr):
    """A set of literals, all texts or all numbers."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Var(Expr):
    """A variable: q, k, n (the number of tokens), or one bound by an aggregate, a parameter or ``each``."""

    name: str


@dataclass(frozen=True, slots=True)
class Name(Expr):
    """A ``let`` without parameters."""

    name: str


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """A ``let`` with parameters, applied."""

    name: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class SelfPosition(Expr):
    """``self``: the query position."""


@dataclass(frozen=True, slots=True)
class FirstPosition(Expr):
    """``first``: position 0."""


@dataclass(frozen=True, slots=True)
class AllWords(Expr):
    """``words``: all words of the text."""


@dataclass(frozen=True, slots=True)
class Feature(Expr):
    """``base.name``: a column of the token or word table; see ``dsl/builtins.py``. ``name`` has no dot."""

    base: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Method(Expr):
    """``text.name(args)``: a pure function on texts with Python's meaning. ``name`` has no dot."""

    base: Expr
    name: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Index(Expr):
    """``text[i]``: one character, none when out of range."""

    base: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class Slice(Expr):
    """``text[a:b]`` with Python's meaning."""

    base: Expr
    start: Expr | None
    stop: Expr | None


@dataclass(frozen=True, slots=True)
class Cell(Expr):
    """``W[row, column]``: a weight so far; W is the head's own matrix, others are declared with ``matrix``."""

    matrix: str
    row: Expr
    column: Expr


@dataclass(frozen=True, slots=True)
class RowStat(Expr):
    """``row.sum``, ``row.max``, ``row.min``, ``row.count`` (non-zero cells) of W's row q so far."""

    name: str


# ---------------------------------------------------------------- operators


@dataclass(frozen=True, slots=True)
class Negative(Expr):
    value: Expr


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    """``op`` is one of + - * / // % **. ``/ // %`` by zero are run-time errors (E0401)."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Compare(Expr):
    """``op`` is one of == != < <= > >=. With none on a side: ``!=`` is true, every other one false."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class And(Expr):
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Or(Expr):
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Not(Expr):
    value: Expr


@dataclass(frozen=True, slots=True)
class IfElse(Expr):
    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Otherwise(Expr):
    """``value otherwise default``: default where value is none."""

    value: Expr
    default: Expr


@dataclass(frozen=True, slots=True)
class IsNone(Expr):
    value: Expr


@dataclass(frozen=True, slots=True)
class Member(Expr):
    """``item in collection``: a literal set, a text (substring), or a node set such as ``w.children``."""

    item: Expr
    collection: Expr


@dataclass(frozen=True, slots=True)
class Function(Expr):
    """A numeric or text function of the language, by name; see ``dsl/builtins.py``."""

    name: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Host(Expr):
    """``host("name", a, b)``: a relation that the host registered."""

    name: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Binder(Node):
    """A variable and what it runs over, ascending.

    ``domain`` is None for tokens or an expression for a node set. Bounds are inclusive unless ``*_open``. In a causal
    head a token variable without upper bound runs up to and including the query.
    """

    var: str
    domain: Expr | None = None
    lower: Expr | None = None
    lower_open: bool = False
    upper: Expr | None = None
    upper_open: bool = False
    where: Expr | None = None


@dataclass(frozen=True, slots=True)
class Aggregate(Expr):
    """``kind`` is first, last, nth (``value`` is the zero-based rank, negative from the end), count, any, all, sum,
    product, largest, smallest, argmax, argmin. first/last/nth/argmax/argmin give a node or none; largest/smallest of
    nothing is none. Ties of argmax/argmin go to the first."""

    kind: str
    binder: Binder
    value: Expr | None = None


# ---------------------------------------------------------------- statements


@dataclass(frozen=True, slots=True)
class At(Node):
    """One key position; none or a position outside the text (or after the query, in a causal head) updates nothing."""

    position: Expr


@dataclass(frozen=True, slots=True)
class Each(Node):
    """Every key of the binder."""

    binder: Binder


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Node):
    """Base of statements; comments are kept for the formatter and do not take part in equality."""

    comments: tuple[str, ...] = field(default=(), compare=False)
    trailing: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Claim(Item):
    """What the program says about its head, in words."""

    text: str


@dataclass(frozen=True, slots=True)
class CheckedClaim(Item):
    """A statement about the finished pattern that can be checked; it changes nothing that the program computes.
    ``kind`` is mass_at_least, mass_at_most, unchanged_by_changing or unchanged_by_renaming."""

    kind: str
    bound: float
    target: At | Each
    when: Expr | None = None


@dataclass(frozen=True, slots=True)
class Let(Item):
    """A definition. Parameters are variables; the body may use q only when q is a parameter."""

    name: str
    params: tuple[str, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class Matrix(Item):
    """A further matrix, zero at the start."""

    name: str


@dataclass(frozen=True, slots=True)
class Rule(Item):
    """One update. ``action`` is set, add, scale, raise, cap or share; ``weight`` belongs to share. All cells are
    computed from the matrices as they were before the rule."""

    action: str
    value: Expr
    target: At | Each
    matrix: str = "W"
    when: Expr | None = None
    weight: Expr | None = None


@dataclass(frozen=True, slots=True)
class Normalize(Item):
    """Divide each row by its sum. ``empty`` says what a row of sum 0 becomes: first, self, uniform, nothing, or None
    for the head's default (first in a causal head, nothing else)."""

    matrix: str = "W"
    empty: str | None = None


@dataclass(frozen=True, slots=True)
class Softmax(Item):
    """Row softmax over the keys a query may see (all keys, or up to the query in a causal head)."""

    matrix: str = "W"
    temperature: Expr | None = None


@dataclass(frozen=True, slots=True)
class Mask(Item):
    """Set every cell after the query to zero."""

    matrix: str = "W"


@dataclass(frozen=True, slots=True)
class Program(Node):
    """One head. ``direction`` is causal or bidirectional."""

    name: str
    direction: str
    items: tuple[Item, ...]
    source: SourceFile | None = field(default=None, compare=False, repr=False)
    comments: tuple[str, ...] = field(default=(), compare=False)
    trailing: str = field(default="", compare=False)
    closing_comments: tuple[str, ...] = field(default=(), compare=False)

    @property
    def claims(self) -> tuple[str, ...]:
        return tuple(item.text for item in self.items if isinstance(item, Claim))


def children(node: Node) -> list[Node]:
    """Direct child nodes, in source order of the fields."""
    found: list[Node] = []
    for name in _holders(node.__class__):  # type: ignore[arg-type]  # a class has a hash, whatever its objects have
        value: Any = getattr(node, name)
        if isinstance(value, Node):
            found.append(value)
        elif value.__class__ is tuple:
            found.extend([item for item in value if isinstance(item, Node)])
    return found


@cache
def _holders(kind: type[Node]) -> tuple[str, ...]:
    """The fields of a class that may hold nodes: all but those for plain values."""
    plain = ("str", "int", "float", "bool", "Span", "SourceFile", "str | None", "SourceFile | None", "tuple[str, ...]")
    return tuple(f.name for f in fields(kind) if f.type not in plain)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, without recursion limits."""
    stack = [node]
    while stack:
        at = stack.pop()
        yield at
        stack.extend(reversed(children(at)))
