"""Writes into module-level values: what one call leaves behind for the next is refused (E0137)."""

from __future__ import annotations

import ast

from attndsl.dsl import pytree
from attndsl.dsl.diagnostics import Diagnostic, diagnostic
from attndsl.dsl.pyimport.module import PyModule
from attndsl.dsl.pyimport.scopes import open_scope

_MUTATORS_TEXT = (
    "append add extend update insert remove discard pop popitem clear setdefault sort reverse fill appendleft popleft "
    "extendleft rotate subtract move_to_end difference_update intersection_update symmetric_difference_update"
)
_FIRST_TEXT = "heappush heappop heapify heappushpop heapreplace insort insort_left insort_right fill_diagonal"
_CHANGE_FIRST = frozenset(_FIRST_TEXT.split())
"""Functions that change their first argument."""
_CHANGING = (ast.Subscript, ast.Call)
_MUTATORS = frozenset(_MUTATORS_TEXT.split())


def of_module_values(module: PyModule, node: ast.FunctionDef) -> list[Diagnostic]:
    """Every place where ``node`` changes a module-level list, dictionary, set or array in place."""
    local: set[str] | None = None
    found: list[Diagnostic] = []
    places = [x for x in pytree.walk(node) if isinstance(x, _CHANGING)] if module.constants else []
    for inner in places:
        root = _changed(inner)
        while isinstance(root, ast.Subscript):
            root = root.value
        if isinstance(root, ast.Name) and root.id in module.constants:
            local = _every_local(node) if local is None else local
            if root.id in local:
                continue
            found.append(
                diagnostic(
                    "E0137",
                    f"the function changes module-level `{root.id}`, so one call could change the next",
                    source=module.source,
                    span=module.span(root),
                    help="make a copy inside the function",
                )
            )
    return found


def _changed(node: ast.AST) -> ast.expr | None:
    """What an assignment to an item, or a method of lists and the like, changes."""
    if isinstance(node, ast.Subscript):
        return node.value if isinstance(node.ctx, ast.Store | ast.Del) else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MUTATORS:
        return node.func.value
    if isinstance(node, ast.Call) and node.args:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return node.args[0] if name in _CHANGE_FIRST else None
    return None


def _every_local(node: ast.FunctionDef) -> set[str]:
    """Names bound by the function or by anything inside it (a name in two roles counts as local)."""
    names: set[str] = set()
    for inner in pytree.walk(node):
        if isinstance(inner, ast.FunctionDef | ast.Lambda):
            names |= open_scope(inner, None).bound
        elif isinstance(inner, ast.comprehension):
            names |= {n.id for n in pytree.walk(inner.target) if isinstance(n, ast.Name)}
    return names
