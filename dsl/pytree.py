"""Walks over Python's syntax trees, for files with a hundred thousand nodes.

``ast.walk`` asks every node for every field. Here the fields that can hold nodes are listed once per class, and load
contexts and operators, which nobody looks for, are left out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

_NO_NODES = (
    "ctx", "op", "ops", "id", "attr", "arg", "asname", "module", "level", "kind", "type_comment", "conversion",
    "is_async", "simple", "rest", "name", "str", "tag", "lineno",
)  # fmt: skip
_MIXED = frozenset(["keys", "kw_defaults", "names", "kwd_attrs", "type_params", "type_ignores"])
"""Lists that may hold something else than nodes: None, or names."""


class _Fields(dict[type, tuple[tuple[str, bool], ...]]):
    """The fields of a class that can hold nodes, and whether each may hold other things as well."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[tuple[str, bool], ...]:
        names = () if kind in (ast.Constant, ast.MatchSingleton) else kind._fields
        if kind.__name__ == "TypeAlias":  # whose name is an expression
            return self.setdefault(kind, tuple((f, f in _MIXED) for f in names))
        found = self[kind] = tuple((f, f in _MIXED) for f in names if f not in _NO_NODES)
        return found


_FIELDS = _Fields()


def children(node: ast.AST) -> list[ast.AST]:
    """The direct child nodes in the order of the class's fields, without contexts and operators."""
    return below((node,))


def below(level: Iterable[ast.AST]) -> list[ast.AST]:
    """The children of all these nodes, in order."""
    found: list[ast.AST] = []
    fields = _FIELDS
    for node in level:
        for name, mixed in fields[node.__class__]:
            value = getattr(node, name, None)
            if value.__class__ is not list:
                if value is not None:
                    found.append(value)
            elif mixed:
                found += [item for item in value if isinstance(item, ast.AST)]
            else:
                found += value
    return found


def walk(*roots: ast.AST) -> list[ast.AST]:
    """The roots and all nodes below them, level by level as ``ast.walk`` gives them."""
    found = level = list(roots)
    while level:
        level = below(level)
        found += level
    return found
