"""Dicts that are made with their keys, a number for each, and whose items only ``+=`` changes: ``{"a": 0, "b": 0}``.

Such a dict keeps its keys, so that a question for one may be asked of a copy, also while a loop counts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TypeGuard

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift.uses import flatten, placed, together

SIGNS = (": 0}", ": 0.0}", ": 0,", ": 0.0,", ": 0 for", ": 0.0 for", "fromkeys(")
"""Without one of these in its text a function makes no such dict."""


def keep_keys(function: ast.FunctionDef, names: set[str]) -> None:
    """Ask ``k in d`` of a copy that is made where the dict is, where nobody else may add a key."""
    used = [name for x in pytree.walk(function) for name in _uses(x)]
    loads = [x.id for x in pytree.walk(function) if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Load)]
    own = {name for name in names if used.count(name) == loads.count(name)}
    if own:
        _Asking(own).visit(function)
        flatten(function)


def _uses(x: ast.AST) -> list[str]:
    """The names of which this asks something, and that it does not hand on."""
    match x:
        case ast.Subscript(value=ast.Name(id=name)) | ast.For(iter=ast.Name(id=name)):
            return [name]
        case ast.comprehension(iter=ast.Name(id=name)):
            return [name]
        case ast.Attribute(value=ast.Name(id=name), attr="get" | "items" | "values" | "keys" | "copy"):
            return [name]
        case ast.Compare(comparators=sides):
            return [s.id for s in sides if isinstance(s, ast.Name)]
        case ast.Call(func=ast.Name(id="len" | "max" | "min" | "sorted"), args=[ast.Name(id=name), *_]):
            return [name]
    return []


class _Asking(ast.NodeTransformer):
    def __init__(self, names: set[str]) -> None:
        self.names = names

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        for name in self.names.intersection(_begun(node)):
            return self._with_copy(node, name)
        return node

    def _with_copy(self, node: ast.Assign, name: str) -> ast.AST:
        copy = ast.Call(ast.Attribute(ast.Name(name, ast.Load()), "copy", ast.Load()), [], [])
        return together(node, placed(ast.Assign([ast.Name(_keys(name), ast.Store())], copy), node))

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        for at, (op, right) in enumerate(zip(node.ops, node.comparators, strict=True)):
            if isinstance(op, ast.In | ast.NotIn) and isinstance(right, ast.Name) and right.id in self.names:
                node.comparators[at] = placed(ast.Name(_keys(right.id), ast.Load()), right)
        return node


def _keys(name: str) -> str:
    return f"keys of {name}"


def item_of(x: ast.AST) -> str | None:
    """The name d of ``d[...]``."""
    return x.value.id if isinstance(x, ast.Subscript) and isinstance(x.value, ast.Name) else None


def constant(x: ast.expr) -> ast.Constant | None:
    """A constant, or a number with a minus sign before it."""
    if isinstance(x, ast.UnaryOp) and isinstance(x.op, ast.USub) and isinstance(x.operand, ast.Constant):
        number = x.operand.value
        plain = type(number) in (int, float)
        return ast.Constant(-number) if plain else None  # type: ignore[operator]  # a plain number, as just asked
    return x if isinstance(x, ast.Constant) else None


def only_added_to(function: ast.FunctionDef, names: Iterable[str]) -> set[str]:
    """The lists whose items only ``+=`` changes."""
    stores = [item_of(x) for x in pytree.walk(function) if isinstance(getattr(x, "ctx", None), ast.Store)]
    sums = [item_of(x.target) for x in pytree.walk(function) if is_sum(x)]
    return {name for name in names if stores.count(name) == sums.count(name)}


def found(function: ast.FunctionDef, others: Iterable[str]) -> set[str]:
    """The dicts that are made with their keys, a number for each, and whose items only ``+=`` changes."""
    nodes = pytree.walk(function)
    begun = [name for x in nodes if isinstance(x, ast.Assign) for name in _begun(x)]
    bound = [x.id for x in nodes if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)]
    parameters = {x.arg for x in nodes if isinstance(x, ast.arg)}
    names = {name for name in begun if begun.count(name) == bound.count(name)} - parameters
    return only_added_to(function, names - set(others)) if names else names


def _begun(x: ast.Assign) -> list[str]:
    """The name x of ``x = {"a": 0, "b": 0}``, ``x = {k: 0 for k in ...}`` and ``x = dict.fromkeys(keys, 0)``."""
    match x.targets, x.value:
        case [ast.Name(id=name)], ast.Dict(values=[_, *_] as values):  # of {**other} a value is no number
            pass
        case [ast.Name(id=name)], ast.DictComp(value=value):
            values = [value]
        case [ast.Name(id=name)], ast.Call(
            func=ast.Attribute(value=ast.Name(id="dict"), attr="fromkeys"), args=[_, value]
        ):
            values = [value]
        case _:
            return []
    return [name] if all(map(_is_number, values)) else []


def _is_number(x: ast.expr) -> bool:
    found = constant(x)
    return found is not None and type(found.value) in (int, float)


def is_sum(x: ast.AST) -> TypeGuard[ast.AugAssign]:
    return isinstance(x, ast.AugAssign) and isinstance(x.op, ast.Add)
