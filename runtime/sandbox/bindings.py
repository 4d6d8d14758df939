"""Which names a program binds, and which of them stand for a module: read from the tree."""

from __future__ import annotations

import ast


def bound_names(tree: ast.AST, imports: bool = True) -> set[str]:
    """Every name the program binds anywhere, in any scope; ``imports=False`` leaves out import statements."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or (
            isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name
        ):
            names.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            names.add(node.rest)
        elif imports and isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
    return names


def module_aliases(tree: ast.AST) -> dict[str, str]:
    """Names bound by ``import`` alone, with the module each stands for."""
    imported: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.split(".")[0]
                module = alias.name if alias.asname else alias.name.split(".")[0]
                imported.setdefault(name, set()).add(module)
    other = bound_names(tree, imports=False)
    return {name: next(iter(modules)) for name, modules in imported.items() if len(modules) == 1 and name not in other}
