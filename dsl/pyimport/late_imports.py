"""Imports inside a function that may come after a use of what they import: Python has no such name there yet."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.read import import_targets


def late_imports(function: ast.FunctionDef, names: set[str]) -> set[str]:
    """The names, imported by the function, of which some use is not certain to come after an import of them."""
    return {name for name in names if not _comes_first(function.body, name)}


def _comes_first(block: list[ast.stmt], name: str) -> bool:
    """An import of the name stands before every use of it, on every way through the block."""
    for at, s in enumerate(block):
        if isinstance(s, ast.Import | ast.ImportFrom):
            if name in import_targets(s):
                return True
        elif _uses(s, name):
            inner = [b for b in _blocks(s) if any(_uses(x, name) for x in b)]
            alone = not any(_uses(x, name) for x in [*heads(s), *block[at + 1 :]])
            return alone and not isinstance(s, ast.FunctionDef) and all(_comes_first(b, name) for b in inner)
    return True


def _uses(node: ast.AST, name: str) -> bool:
    return any(isinstance(x, ast.Name) and x.id == name for x in pytree.walk(node))


def _blocks(s: ast.stmt) -> Iterator[list[ast.stmt]]:
    for part in (s, *getattr(s, "handlers", ())):
        for field in ("body", "orelse", "finalbody"):
            found = getattr(part, field, None)
            if isinstance(found, list):
                yield found


def heads(s: ast.stmt) -> list[ast.AST]:
    """What a statement evaluates itself, outside the blocks that it has."""
    if isinstance(s, ast.FunctionDef):
        return [*s.args.defaults, *(d for d in s.args.kw_defaults if d is not None)]
    inside = {id(x) for block in _blocks(s) for x in block}
    return [x for x in pytree.children(s) if id(x) not in inside and not isinstance(x, ast.ExceptHandler)]
