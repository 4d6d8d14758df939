"""What attndsl reads of Python: every class of the ``ast`` module, accepted or refused, in one table.

Unknown means no: a class that is missing here (a newer Python, say) is refused with E0120, and a test walks the
running interpreter's ``ast`` module so that a new class is noticed. Accepting a class says that its *shape* is
understood; which names, attributes and functions may appear in it is decided in ``dsl/pyimport/names.py``.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """The construct is read."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The construct is refused with ``code``; ``reason`` is the headline, ``help`` what to write instead."""

    code: str
    reason: str
    help: str | None = None


Decision = Accepted | Refused

_ACCEPTED = """
AST mod stmt expr expr_context boolop operator unaryop cmpop excepthandler type_ignore comprehension arguments arg
keyword alias Module FunctionDef Return Delete Assign AugAssign AnnAssign For While If Raise Try Assert Import
ImportFrom Global Nonlocal Expr Pass Break Continue ExceptHandler BoolOp NamedExpr BinOp UnaryOp Lambda IfExp Dict Set
ListComp SetComp DictComp GeneratorExp Compare Call JoinedStr FormattedValue Constant Attribute Subscript Starred Name
List Tuple Slice Load Store Del And Or Add Sub Mult MatMult Div Mod Pow LShift RShift BitOr BitXor BitAnd FloorDiv
Invert Not UAdd USub Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn
"""

_ASYNC = Refused("E0121", "asynchronous code is not read", "write an ordinary function with ordinary loops")
_CLASS = Refused("E0122", "class definitions are not read", "use functions, tuples and dictionaries")
_MATCH = Refused("E0123", "`match` statements are not read", "write `if` / `elif` tests")
_YIELD = Refused("E0124", "generator functions are not read", "build a list and return it")
_WITH = Refused("E0125", "`with` blocks are not read", "programs need no files, locks or contexts: drop the block")
_GROUP = Refused("E0126", "`except*` is not read", "write `except` with the class of the error")
_TYPES = Refused("E0127", "type parameters and type aliases are not read", "drop them: they do not change the matrix")
_TEMPLATE = Refused("E0128", "template strings are not read", "write an f-string")
_OTHER = Refused("E0120", "this construct is not part of a program file")

_REFUSED: dict[str, Refused] = {
    **dict.fromkeys(("AsyncFunctionDef", "AsyncFor", "AsyncWith", "Await"), _ASYNC),
    "ClassDef": _CLASS,
    **dict.fromkeys(
        (
            "Match", "match_case", "pattern", "MatchValue", "MatchSingleton", "MatchSequence", "MatchMapping",
            "MatchClass", "MatchStar", "MatchAs", "MatchOr",
        ),
        _MATCH,
    ),
    **dict.fromkeys(("Yield", "YieldFrom"), _YIELD),
    **dict.fromkeys(("With", "withitem"), _WITH),
    "TryStar": _GROUP,
    **dict.fromkeys(("type_param", "TypeVar", "ParamSpec", "TypeVarTuple", "TypeAlias"), _TYPES),
    **dict.fromkeys(("TemplateStr", "Interpolation"), _TEMPLATE),
    # Roots and comments that `ast.parse` only makes in other modes, and classes kept for old code.
    **dict.fromkeys(
        (
            "Interactive", "Expression", "FunctionType", "Suite", "TypeIgnore", "AugLoad", "AugStore", "Param",
            "Num", "Str", "Bytes", "NameConstant", "Ellipsis", "slice", "Index", "ExtSlice",
        ),
        _OTHER,
    ),
}  # fmt: skip

POLICY: dict[str, Decision] = {**dict.fromkeys(_ACCEPTED.split(), Accepted()), **_REFUSED}


def decide(node: ast.AST) -> Decision:
    """The decision for one node, by the name of its class; E0120 for a class that the table does not know."""
    name = node.__class__.__name__
    known = POLICY.get(name)
    return known if known is not None else Refused("E0120", f"`{name}` is not known to attndsl")


def classes_of_running_python() -> tuple[str, ...]:
    """The names of all node classes that the running interpreter's ``ast`` module has."""
    found = {"AST"}
    pending: list[type] = [ast.AST]
    while pending:
        children: list[type] = pending.pop().__subclasses__()
        for child in children:
            if child.__module__ in ("ast", "_ast"):
                found.add(child.__name__)
                pending.append(child)
    # The classes kept for old code are no subclasses on every version; look them up without the warning of 3.12+.
    found.update(
        n
        for n, v in vars(ast).items()
        if isinstance(v, type) and v.__module__ in ("ast", "_ast") and issubclass(v, ast.AST)
    )
    return tuple(sorted(found))
