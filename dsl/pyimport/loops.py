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

from attndsl.dsl.frozen import frozen_by_identity
from attndsl.dsl.source import Span


@frozen_by_identity
class Node:
    """Anything with a place in the file."""

    span: Span


@frozen_by_identity
class Expr(Node):
    """An expression."""


@frozen_by_identity
class Const(Expr):
    """A constant."""
    value: object


@frozen_by_identity
class GetLocal(Expr):
    """A variable of this frame or of one around it."""
    name: str
    depth: int
    slot: int
    free: bool  # read from an outer function: Python's message differs


@frozen_by_identity
class GetGlobal(Expr):
    """A module-level name."""
    name: str
    slot: int
    pure: str = ""  # of a helper that reads only its arguments, constants and the parser: the text of all it runs


@frozen_by_identity
class Builtin(Expr):
    """A function or type that Python has built in."""
    name: str


@frozen_by_identity
class Member(Expr):
    """A function or constant of a known module."""
    target: str


@frozen_by_identity
class Host(Expr):
    """A relation that the caller registered."""
    name: str


@frozen_by_identity
class Star(Expr):
    """``*value`` among the items of a list or the arguments of a call."""
    value: Expr


@frozen_by_identity
class Sequence(Expr):
    """A list, tuple or set, written out."""
    kind: str  # "list", "tuple", "set"
    items: tuple[Expr, ...]


@frozen_by_identity
class Mapping(Expr):
    """A dict, written out."""
    items: tuple[tuple[Expr | None, Expr], ...]  # a missing key: ``**value``


@frozen_by_identity
class Unary(Expr):
    """``-x``, ``+x``, ``~x`` or ``not x``."""
    op: str
    value: Expr


@frozen_by_identity
class Binary(Expr):
    """An operation on two values."""
    op: str
    left: Expr
    right: Expr


@frozen_by_identity
class Logic(Expr):
    """``a and b``, ``a or b``."""
    op: str  # "and", "or"
    values: tuple[Expr, ...]


@frozen_by_identity
class Compare(Expr):
    """``a < b <= c``."""
    left: Expr
    ops: tuple[str, ...]
    rights: tuple[Expr, ...]


@frozen_by_identity
class Choose(Expr):
    """``yes if test else no``."""
    test: Expr
    yes: Expr
    no: Expr


@frozen_by_identity
class Attribute(Expr):
    """``value.name``."""
    value: Expr
    name: str


@frozen_by_identity
class Item(Expr):
    """``value[index]``."""
    value: Expr
    index: Expr


@frozen_by_identity
class SliceOf(Expr):
    """``start:stop:step``."""
    start: Expr | None
    stop: Expr | None
    step: Expr | None


@frozen_by_identity
class Keyword(Node):
    """``name=value`` in a call."""
    name: str | None  # None: ``**value``
    value: Expr


@frozen_by_identity
class Call(Expr):
    """A call of a value."""
    function: Expr
    arguments: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]


@frozen_by_identity
class MethodCall(Expr):
    """``value.name(...)``."""
    value: Expr
    name: str
    arguments: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]


@frozen_by_identity
class Parameter(Node):
    """A parameter of a function."""
    name: str
    slot: int
    kind: str  # "positional", "keyword", "rest", "options"
    has_default: bool


@frozen_by_identity
class Code(Node):
    """One function or lambda. Slots 0..2 of a frame are taken (outer frame, run, names)."""
    name: str
    parameters: tuple[Parameter, ...]
    positional_only: int
    names: tuple[str, ...]  # of all slots
    body: tuple[Statement, ...]
    loop_names: frozenset[str]  # names bound by `for`, for messages


@frozen_by_identity
class MakeFunction(Expr):
    """A function or lambda with its defaults, which are evaluated where it is made."""
    code: Code
    defaults: tuple[Expr, ...]  # of the parameters that have one, in order
    cache: tuple[int | None, bool] | None = None  # ``functools.lru_cache``: most entries, and whether types count


@frozen_by_identity
class Clause(Node):
    """``for target in iterable if ...`` of a comprehension."""
    target: Target
    iterable: Expr
    tests: tuple[Expr, ...]


@frozen_by_identity
class Comprehension(Expr):
    """``clauses[0].iterable`` is evaluated in the frame around, everything else in a frame of its own."""
    kind: str  # "list", "set", "dict", "generator"
    element: Expr
    value: Expr | None  # of a dict
    clauses: tuple[Clause, ...]
    names: tuple[str, ...]


@frozen_by_identity
class FString(Expr):
    """Text pieces and (value, conversion, format) triples."""
    parts: tuple[str | tuple[Expr, str, Expr | None], ...]


@frozen_by_identity
class Walrus(Expr):
    """``target := value``."""
    target: Target
    value: Expr


@frozen_by_identity
class Target(Node):
    """Something a value is stored into."""


@frozen_by_identity
class SetLocal(Target):
    """A variable of this frame or of one around it."""
    name: str
    depth: int
    slot: int


@frozen_by_identity
class SetGlobal(Target):
    """A module-level name."""
    name: str
    slot: int


@frozen_by_identity
class SetItem(Target):
    """``value[index]``."""
    value: Expr
    index: Expr


@frozen_by_identity
class SetTuple(Target):
    """Several targets, which take the items of one value."""
    items: tuple[Target, ...]
    star: int | None  # position of ``*rest``


@frozen_by_identity
class Statement(Node):
    """A statement."""


@frozen_by_identity
class Assign(Statement):
    """``a = b = value``."""
    targets: tuple[Target, ...]
    value: Expr


@frozen_by_identity
class Augment(Statement):
    """``target op= value``."""
    target: Target
    op: str
    value: Expr


@frozen_by_identity
class Evaluate(Statement):
    """An expression as a statement."""
    value: Expr


@frozen_by_identity
class If(Statement):
    """A branch."""
    test: Expr
    yes: tuple[Statement, ...]
    no: tuple[Statement, ...]


@frozen_by_identity
class For(Statement):
    """``for ... else``."""
    target: Target
    iterable: Expr
    body: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]


@frozen_by_identity
class While(Statement):
    """``while ... else``."""
    test: Expr
    body: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]


@frozen_by_identity
class Break(Statement):
    """``break``."""


@frozen_by_identity
class Continue(Statement):
    """``continue``."""


@frozen_by_identity
class Pass(Statement):
    """``pass``."""


@frozen_by_identity
class Return(Statement):
    """``return``."""
    value: Expr | None


@frozen_by_identity
class Raise(Statement):
    """``raise``."""
    value: Expr | None
    cause: Expr | None


@frozen_by_identity
class Handler(Node):
    """``except`` with what it does."""
    kinds: Expr | None
    target: Target | None
    body: tuple[Statement, ...]


@frozen_by_identity
class Try(Statement):
    """``try ... except ... else ... finally``."""
    body: tuple[Statement, ...]
    handlers: tuple[Handler, ...]
    otherwise: tuple[Statement, ...]
    finally_: tuple[Statement, ...]


@frozen_by_identity
class Assert(Statement):
    """``assert``."""
    test: Expr
    message: Expr | None


@frozen_by_identity
class Delete(Statement):
    """``del``."""
    targets: tuple[Target, ...]


@frozen_by_identity
class Define(Statement):
    """``def`` as a statement: a function that gets a name."""
    target: Target
    function: MakeFunction


@frozen_by_identity
class Unit:
    """A program with all that it reaches, ready to run.

    ``globals``: the module-level names by slot. ``setup``: the statements that fill them, in file order; then
    ``entry`` is the slot of the program itself.
    """

    globals: tuple[str, ...]
    setup: tuple[Statement, ...]
    entry: int
    host: tuple[str, ...]
