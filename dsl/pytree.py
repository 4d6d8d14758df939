"""Walks over Python's syntax trees, for files with a hundred thousand nodes.

``ast.walk`` asks every node for every field. Here the fields that can hold nodes are listed once per class, and load
contexts and operators, which nobody looks for, are left out.
"""

from __future__ import annotations

import ast

_NO_NODES = (
    "ctx", "op", "ops", "id", "attr", "arg", "asname", "module", "level", "kind", "type_comment", "conversion",
    "is_async", "simple", "rest",
)  # fmt: skip


class _Fields(dict[type, tuple[str, ...]]):
    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        names: list[str] = [] if kind is ast.Constant else [f for f in kind._fields if f not in _NO_NODES]
        found = self[kind] = tuple(names)
        return found


_FIELDS = _Fields()


def children(node: ast.AST) -> list[ast.AST]:
    """The direct child nodes in the order of the class's fields, without contexts and operators."""
    found: list[ast.AST] = []
    for name in _FIELDS[node.__class__]:
        value = getattr(node, name, None)
        if value.__class__ is list:
            found.extend([item for item in value if isinstance(item, ast.AST)])
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def walk(*roots: ast.AST) -> list[ast.AST]:
    """The roots and all nodes below them, level by level as ``ast.walk`` gives them."""
    found = list(roots)
    fields = _FIELDS
    for node in found:  # the list grows while it is walked
        for name in fields[node.__class__]:
            value = getattr(node, name, None)
            if value.__class__ is list:
                found.extend([item for item in value if isinstance(item, ast.AST)])
            elif isinstance(value, ast.AST):
                found.append(value)
    return found
