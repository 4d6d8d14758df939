"""Which names a program binds, and which of them stand for a module: read from the tree in one walk."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_LEAVES = (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)


def walk(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but contexts and operators, in no particular order; faster than ``ast.walk``."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        for name in node._fields:
            value = getattr(node, name, None)
            if type(value) is list:
                stack.extend(item for item in value if isinstance(item, ast.AST))
            elif isinstance(value, ast.AST) and not isinstance(value, _LEAVES):
                stack.append(value)


def _bound_by(node: ast.AST) -> str | None:
    """The name that a node other than a Name or an import binds."""
    if isinstance(node, ast.arg):
        return node.arg
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        return node.name
    return node.rest if isinstance(node, ast.MatchMapping) else None


def read_bindings(tree: ast.AST) -> tuple[set[str], dict[str, str]]:
    """(every name the program binds in any scope, names bound by ``import`` alone with the module each stands for)."""
    names: set[str] = set()
    imported: dict[str, set[str]] = {}
    from_imports: set[str] = set()
    for node in walk(tree):
        kind = type(node)
        if kind is ast.Name:
            if type(node.ctx) is not ast.Load:  # type: ignore[attr-defined]
                names.add(node.id)  # type: ignore[attr-defined]
        elif kind is ast.Import:
            for alias in node.names:  # type: ignore[attr-defined]
                first = alias.name.split(".")[0]
                imported.setdefault(alias.asname or first, set()).add(alias.name if alias.asname else first)
        elif kind is ast.ImportFrom:
            from_imports.update(alias.asname or alias.name for alias in node.names)  # type: ignore[attr-defined]
        elif not isinstance(node, ast.expr):
            bound = _bound_by(node)
            if bound is not None:
                names.add(bound)
    aliases = {
        name: next(iter(modules))
        for name, modules in imported.items()
        if len(modules) == 1 and name not in names and name not in from_imports
    }
    return names | imported.keys() | from_imports, aliases
