"""Writes into module-level values: what one call leaves behind for the next is refused (E0137)."""

from __future__ import annotations

import ast

from attndsl.dsl import pytree
from attndsl.dsl.diagnostics import Diagnostic, diagnostic
from attndsl.dsl.pyimport.module import PyModule
from attndsl.dsl.pyimport.scopes import open_scope

_MUTATORS_TEXT = (
    "append add extend update insert remove discard pop popitem clear setdefault sort reverse fill appendleft popleft "
    "extendleft rotate difference_update intersection_update symmetric_difference_update"
)
_MUTATORS = frozenset(_MUTATORS_TEXT.split())


def of_module_values(module: PyModule, node: ast.FunctionDef) -> list[Diagnostic]:
    """Every place where ``node`` changes a module-level list, dictionary, set or array in place."""
    local: set[str] | None = None
    found: list[Diagnostic] = []
    for inner in pytree.walk(node) if module.constants else ():
        root: ast.expr | None = None
        if isinstance(inner, ast.Subscript) and isinstance(inner.ctx, ast.Store | ast.Del):
            root = inner.value
        elif isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr in _MUTATORS:
            root = inner.func.value
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


def _every_local(node: ast.FunctionDef) -> set[str]:
    """Names bound by the function or by anything inside it (a name in two roles counts as local)."""
    names: set[str] = set()
    for inner in pytree.walk(node):
        if isinstance(inner, ast.FunctionDef | ast.Lambda):
            names |= open_scope(inner, None).bound
        elif isinstance(inner, ast.comprehension):
            names |= {n.id for n in pytree.walk(inner.target) if isinstance(n, ast.Name)}
    return names
