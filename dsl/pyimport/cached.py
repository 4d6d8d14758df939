"""Functions under ``functools.lru_cache`` that give the same without it.

The cache hands out one object to all callers. Where that object is a list, a change by one of them shows in the others;
where it is a text, a number or spaCy's pipeline, nobody can tell it from a new one.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.vocabulary import DICT_METHODS, LIST_METHODS, STR_METHODS

_OF_PARTS = ("min", "max", "sum", "tuple", "frozenset")
_PLAIN = ("str", "int", "float", "bool", "len", "any", "all", "abs", "round", "ord", "chr", "isinstance")
_SHARED = LIST_METHODS | DICT_METHODS | {"split", "rsplit", "splitlines", "partition", "rpartition"}
"""Methods of texts that make lists, or that lists and dicts have as well."""


def gives_the_same(function: ast.FunctionDef, resolve: Callable[[ast.expr], str | None]) -> bool:
    """Whether calls of the function without its cache cannot be told from calls with it."""
    names = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    given = {a.arg for a in names}  # a key of the cache, so nothing that can be changed
    returns: list[ast.expr] = []
    for node in pytree.walk(function):
        if isinstance(node, ast.Global | ast.Nonlocal | ast.Yield | ast.YieldFrom | ast.Lambda | ast.FunctionDef):
            if node is not function:
                return False
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            given.discard(node.id)
        elif isinstance(node, ast.Return) and node.value is not None:
            returns.append(node.value)
    return all(_cannot_change(value, given, resolve) for value in returns)


def _cannot_change(value: ast.expr, given: set[str], resolve: Callable[[ast.expr], str | None]) -> bool:
    def each(*parts: ast.expr) -> bool:
        return all(_cannot_change(part, given, resolve) for part in parts)

    match value:
        case ast.Constant() | ast.Compare() | ast.JoinedStr():
            return True
        case ast.Name(id=name):
            return name in given
        case ast.BoolOp(values=parts) | ast.Tuple(elts=parts):
            return each(*parts)
        case ast.BinOp(left=left, right=right):
            return each(left, right)
        case ast.UnaryOp(operand=operand):
            return each(operand)
        case ast.IfExp(body=body, orelse=other):
            return each(body, other)
        case ast.Call(func=ast.Name(id=name)) if name in _PLAIN:
            return True
        case ast.Call(func=ast.Name(id=name), args=args) if name in _OF_PARTS:
            return each(*(a.elt if isinstance(a, ast.GeneratorExp | ast.ListComp) else a for a in args))
        case ast.Call(func=ast.Attribute(attr=name)) if name in STR_METHODS and name not in _SHARED:
            return True
        case ast.Call(func=function):
            return "spacy.load" in (resolve(function), ast.unparse(function))
    return False
