"""``if (j := search(i)) is not None:`` as ``j = search(i)`` and the question: nothing else is evaluated before it."""

from __future__ import annotations

import ast
import copy

from attndsl.dsl.pyimport.lift.uses import flatten, placed, together


def rewritten(function: ast.FunctionDef) -> ast.FunctionDef:
    """A copy of the function with such conditions put so."""
    function = copy.deepcopy(function)
    _Rewriting().visit(function)
    flatten(function)
    return function


def _first(x: ast.expr) -> ast.NamedExpr | None:
    """The assignment that is the first thing evaluated."""
    match x:
        case ast.NamedExpr():
            return x
        case ast.BoolOp(values=[inner, *_]) | ast.Compare(left=inner) | ast.UnaryOp(operand=inner):
            return _first(inner)
        case ast.BinOp(left=inner) | ast.Call(func=ast.Name(), args=[inner, *_]):
            return _first(inner)
    return None


class _Rewriting(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        found = _first(node.test)
        if found is None:
            return node
        node.test = _Read(found).visit(node.test)
        return together(placed(ast.Assign([found.target], found.value), found), node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node


class _Read(ast.NodeTransformer):
    """The name in the place of the assignment."""

    def __init__(self, found: ast.NamedExpr) -> None:
        self.found = found

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        if node is not self.found:
            return node
        return ast.copy_location(ast.Name(node.target.id, ast.Load()), node)
