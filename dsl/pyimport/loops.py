"""The loop tree: an imported program as typed, frozen nodes with every name resolved. Our own tree, not Python's.

    module   = Unit(constants: Statement*, functions: Code*, program)
    Code     = parameters, frame size, body                      (functions, lambdas)
    Statement= Assign | Augment | Evaluate | If | For | While | Break | Continue | Return | Pass | Raise | Try
             | Assert | Delete | Define
    Target   = SetLocal | SetGlobal | SetItem | SetTuple
    Expr     = Const | GetLocal | GetGlobal | Builtin | Member | Host | Sequence | Mapping | Unary | Binary | Logic
             | Compare | Choose | Attribute | Item | SliceOf | Call | MethodCall | MakeFunction | Comprehension
             | FString | Walrus | Star

A *frame* is one call of a function (or one run of a comprehension). ``GetLocal(depth, slot)`` reads slot ``slot`` of
the frame ``depth`` scopes further out, as Python's closures do. ``Member`` names a function of a known module by its
dotted name, ``Host`` a function that the caller registered.
"""

from __future__ import annotations

from dataclasses import dataclass

from attndsl.dsl.source import Span


@dataclass(frozen=True, slots=True)
class Node:
    """Anything with a place in the file."""

    span: Span


@dataclass(frozen=True, slots=True)
class Expr(Node):
    """An expression."""


@dataclass(frozen=True, slots=True)
class Const(Expr):
    value: object


@dataclass(frozen=True, slots=True)
class GetLocal(Expr):
    name: str
    depth: int
    slot: int
    free: bool  # read from an outer function: Python's message differs


@dataclass(frozen=True, slots=True)
class GetGlobal(Expr):
    name: str
    slot: int
    pure: str = ""  # of a helper that reads only its arguments, constants and the parser: the text of all it runs


@dataclass(frozen=True, slots=True)
class Builtin(Expr):
    name: str


@dataclass(frozen=True, slots=True)
class Member(Expr):
    target: str


@dataclass(frozen=True, slots=True)
class Host(Expr):
    name: str


@dataclass(frozen=True, slots=True)
class Star(Expr):
    value: Expr


@dataclass(frozen=True, slots=True)
class Sequence(Expr):
    kind: str  # "list", "tuple", "set"
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Mapping(Expr):
    items: tuple[tuple[Expr | None, Expr], ...]  # a missing key: ``**value``


@dataclass(frozen=True, slots=True)
class Unary(Expr):
    op: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Logic(Expr):
    op: str  # "and", "or"
    values: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Compare(Expr):
    left: Expr
    ops: tuple[str, ...]
    rights: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Choose(Expr):
    test: Expr
    yes: Expr
    no: Expr


@dataclass(frozen=True, slots=True)
class Attribute(Expr):
    value: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Item(Expr):
    value: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class SliceOf(Expr):
    start: Expr | None
    stop: Expr | None
    step: Expr | None


@dataclass(frozen=True, slots=True)
class Keyword(Node):
    name: str | None  # None: ``**value``
    value: Expr


@dataclass(frozen=True, slots=True)
class Call(Expr):
    function: Expr
    arguments: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]


@dataclass(frozen=True, slots=True)
class MethodCall(Expr):
    value: Expr
    name: str
    arguments: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    name: str
    slot: int
    kind: str  # "positional", "keyword", "rest", "options"
    has_default: bool


@dataclass(frozen=True, slots=True)
class Code(Node):
    """One function or lambda. Slots 0..2 of a frame are taken (outer frame, run, names)."""

    name: str
    parameters: tuple[Parameter, ...]
    positional_only: int
    names: tuple[str, ...]  # of all slots
    body: tuple[Statement, ...]
    loop_names: frozenset[str]  # names bound by `for`, for messages


@dataclass(frozen=True, slots=True)
class MakeFunction(Expr):
    code: Code
    defaults: tuple[Expr, ...]  # of the parameters that have one, in order


@dataclass(frozen=True, slots=True)
class Clause(Node):
    target: Target
    iterable: Expr
    tests: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Comprehension(Expr):
    """``clauses[0].iterable`` is evaluated in the frame around, everything else in a frame of its own."""

    kind: str  # "list", "set", "dict", "generator"
    element: Expr
    value: Expr | None  # of a dict
    clauses: tuple[Clause, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FString(Expr):
    """Text pieces and (value, conversion, format) triples."""

    parts: tuple[str | tuple[Expr, str, Expr | None], ...]


@dataclass(frozen=True, slots=True)
class Walrus(Expr):
    target: Target
    value: Expr


@dataclass(frozen=True, slots=True)
class Target(Node):
    """Something a value is stored into."""


@dataclass(frozen=True, slots=True)
class SetLocal(Target):
    name: str
    depth: int
    slot: int


@dataclass(frozen=True, slots=True)
class SetGlobal(Target):
    name: str
    slot: int


@dataclass(frozen=True, slots=True)
class SetItem(Target):
    value: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class SetTuple(Target):
    items: tuple[Target, ...]
    star: int | None  # position of ``*rest``


@dataclass(frozen=True, slots=True)
class Statement(Node):
    """A statement."""


@dataclass(frozen=True, slots=True)
class Assign(Statement):
    targets: tuple[Target, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class Augment(Statement):
    target: Target
    op: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Evaluate(Statement):
    value: Expr


@dataclass(frozen=True, slots=True)
class If(Statement):
    test: Expr
    yes: tuple[Statement, ...]
    no: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class For(Statement):
    target: Target
    iterable: Expr
    body: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class While(Statement):
    test: Expr
    body: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Break(Statement):
    pass


@dataclass(frozen=True, slots=True)
class Continue(Statement):
    pass


@dataclass(frozen=True, slots=True)
class Pass(Statement):
    pass


@dataclass(frozen=True, slots=True)
class Return(Statement):
    value: Expr | None


@dataclass(frozen=True, slots=True)
class Raise(Statement):
    value: Expr | None
    cause: Expr | None


@dataclass(frozen=True, slots=True)
class Handler(Node):
    kinds: Expr | None
    target: Target | None
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Try(Statement):
    body: tuple[Statement, ...]
    handlers: tuple[Handler, ...]
    otherwise: tuple[Statement, ...]
    finally_: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Assert(Statement):
    test: Expr
    message: Expr | None


@dataclass(frozen=True, slots=True)
class Delete(Statement):
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Define(Statement):
    target: Target
    function: MakeFunction


@dataclass(frozen=True, slots=True)
class Unit:
    """A program with all that it reaches, ready to run.

    ``globals``: the module-level names by slot. ``setup``: the statements that fill them, in file order; then
    ``entry`` is the slot of the program itself.
    """

    globals: tuple[str, ...]
    setup: tuple[Statement, ...]
    entry: int
    host: tuple[str, ...]
