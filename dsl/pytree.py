"""Walks over Python's syntax trees, for files with a hundred thousand nodes.

``ast.walk`` asks every node for every field. Here the fields that can hold nodes are listed once per class, and load
contexts and operators, which nobody looks for, are left out. What is asked of a whole file, of its functions and of
their loops, some twenty questions, is read off one list of nodes (``kept``).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

_NO_NODES = (
    "ctx", "op", "ops", "id", "attr", "arg", "asname", "module", "level", "kind", "type_comment", "conversion",
    "is_async", "simple", "rest", "name", "str", "tag", "lineno",
)  # fmt: skip
_MIXED = frozenset(["keys", "kw_defaults", "names", "kwd_attrs", "type_params", "type_ignores"])
"""Lists that may hold something else than nodes: None, or names."""


class _Fields(dict[type, tuple[Callable[[ast.AST], Any] | None, bool, bool]]):
    """What reads the fields of a class that can hold nodes (None: there are none), whether it gives several, and
    whether one may hold other things as well."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[Callable[[ast.AST], Any] | None, bool, bool]:
        names = fields_of(kind)
        found = self[kind] = attrgetter(*names) if names else None, len(names) > 1, not _MIXED.isdisjoint(names)
        return found


def fields_of(kind: type[ast.AST]) -> tuple[str, ...]:
    """The fields of a class that can hold nodes."""
    names = () if kind in (ast.Constant, ast.MatchSingleton) else kind._fields
    if kind.__name__ == "TypeAlias":  # whose name is an expression
        return tuple(names)
    return tuple(f for f in names if f not in _NO_NODES)


_FIELDS = _Fields()


def children(node: ast.AST) -> list[ast.AST]:
    """The direct child nodes in the order of the class's fields, without contexts and operators."""
    return below((node,))


def below(level: Iterable[ast.AST]) -> list[ast.AST]:
    """The children of all these nodes, in order."""
    found: list[ast.AST] = []
    fields = _FIELDS
    for node in level:
        read, several, mixed = fields[node.__class__]
        if read is None:
            continue
        try:
            values = read(node) if several else (read(node),)
        except AttributeError:  # a node that was made without one of its fields
            values = [getattr(node, name, None) for name in fields_of(node.__class__)]
        for value in values:
            if value.__class__ is not list:
                if value is not None:
                    found.append(value)
            elif mixed:
                found += [item for item in value if isinstance(item, ast.AST)]
            else:
                found += value
    return found


_STATEMENTS = frozenset((ast.Module, *ast.stmt.__subclasses__(), ast.ExceptHandler, ast.match_case))
"""What stands in blocks, and what holds them."""
_SIMPLE = frozenset((ast.Assign, ast.AugAssign, ast.Expr, ast.Return, ast.Continue, ast.Break, ast.Pass))
"""The commonest statements that hold no others."""
_Places = dict[ast.AST, tuple[list[ast.AST], int, int]]
_PLACES: _Places = {}
"""Of statements in trees that are kept: a list of nodes, and which of them are theirs."""


def walk(*roots: ast.AST) -> list[ast.AST]:
    """The roots and all nodes below them: of a statement first itself and its expressions, level by level as
    ``ast.walk`` gives them, then the statements inside it, in the order of the text."""
    found: list[ast.AST] = []
    for root in roots:
        place = _PLACES.get(root)
        if place is None:
            _add(root, found, {})
        else:
            nodes, start, end = place
            found += nodes[start:end]
    return found


def _add(root: ast.AST, found: list[ast.AST], places: _Places) -> None:
    """Add the nodes of a tree to a list, in the order of ``walk``, and note where those of each statement stand."""
    start = len(found)
    found.append(root)
    level = below((root,))
    inner: list[ast.AST] = []
    if root.__class__ in _STATEMENTS and root.__class__ not in _SIMPLE:
        inner = [x for x in level if x.__class__ in _STATEMENTS]
        level = [x for x in level if x.__class__ not in _STATEMENTS]
    while level:
        found += level
        level = below(level)
    for statement in inner:
        _add(statement, found, places)
    if root.__class__ in _STATEMENTS:
        places[root] = found, start, len(found)


@contextmanager
def kept(tree: ast.AST) -> Iterator[None]:
    """Walks over statements of this tree, which nobody changes meanwhile, are read off one list."""
    places: _Places = {}
    _add(tree, [], places)
    _PLACES.update(places)
    try:
        yield
    finally:
        for node in places:
            _PLACES.pop(node, None)
