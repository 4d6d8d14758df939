"""Which name is bound where: Python's scopes for functions, lambdas and comprehensions."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.read import import_targets

Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
ScopeNode = ast.FunctionDef | ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(eq=False)
class Scope:
    """The names one function, lambda or comprehension binds. ``imports`` are those bound by import alone."""

    node: ScopeNode
    parent: Scope | None
    bound: set[str] = field(default_factory=set)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)
    imports: dict[str, str] = field(default_factory=dict)
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)

    def find(self, name: str) -> Scope | None:
        """The scope that binds ``name``, from here outwards; None when the name is the module's or a builtin."""
        at: Scope | None = self
        while at is not None:
            if name in at.globals:
                return None
            if name in at.bound:
                return at
            at = at.parent
        return None


def open_scope(node: ScopeNode, parent: Scope | None) -> Scope:
    """The scope of ``node`` with everything its own body binds."""
    scope = Scope(node, parent)
    if isinstance(node, ast.FunctionDef | ast.Lambda):
        scope.bound.update(argument_names(node.args))
        for item in node.body if isinstance(node, ast.FunctionDef) else [node.body]:
            _collect(item, scope)
    else:
        for generator in node.generators:
            scope.bound.update(n.id for n in pytree.walk(generator.target) if isinstance(n, ast.Name))
    rebound = scope.bound & set(scope.imports)
    scope.bound |= set(scope.imports)
    for name in rebound | (set(scope.imports) & set(scope.functions)):
        del scope.imports[name]
    scope.bound -= scope.globals | scope.nonlocals
    if isinstance(node, ast.FunctionDef):
        _BOUND[node] = frozenset(scope.bound)
    return scope


def bound_names(function: ast.FunctionDef) -> frozenset[str]:
    """The names that a function binds."""
    found = _BOUND.get(function)
    return frozenset(open_scope(function, None).bound) if found is None else found


_BOUND: WeakKeyDictionary[ast.FunctionDef, frozenset[str]] = WeakKeyDictionary()
"""Of the functions looked at so far: they do not change."""


def argument_names(arguments: ast.arguments) -> list[str]:
    """All parameter names, in the order positional, keyword-only, ``*args``, ``**kwargs``."""
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    found += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    return [a.arg for a in found]


def _collect(root: ast.AST, scope: Scope) -> None:
    pending = [root]
    while pending:
        node = pending.pop()
        kind = node.__class__
        if kind is ast.Name:
            if node.ctx.__class__ is not ast.Load:  # type: ignore[attr-defined]
                scope.bound.add(node.id)  # type: ignore[attr-defined]
            continue
        binds = _BINDS.get(kind)
        inside = pytree.below((node,)) if binds is None else binds(node, scope)
        inside.reverse()
        pending += inside


def _function(node: ast.FunctionDef, scope: Scope) -> list[ast.AST]:
    scope.bound.add(node.name)
    scope.functions[node.name] = node
    return _defaults(node)


def _defaults(node: ast.FunctionDef | ast.Lambda) -> list[ast.AST]:
    return [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]


def _comprehension(node: ast.AST, scope: Scope) -> list[ast.AST]:
    """The loop names stay inside; a walrus inside binds here."""
    scope.bound.update(n.target.id for n in pytree.walk(node) if isinstance(n, ast.NamedExpr))
    return []


def _definition(node: ast.ClassDef | ast.AsyncFunctionDef, scope: Scope) -> list[ast.AST]:
    scope.bound.add(node.name)
    return []


def _named(node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar, scope: Scope) -> list[ast.AST]:
    if node.name is not None:
        scope.bound.add(node.name)
    return pytree.children(node)


def _import(node: ast.Import | ast.ImportFrom, scope: Scope) -> list[ast.AST]:
    scope.imports.update(import_targets(node))
    return []


def _global(node: ast.Global, scope: Scope) -> list[ast.AST]:
    scope.globals.update(node.names)
    return []


def _nonlocal(node: ast.Nonlocal, scope: Scope) -> list[ast.AST]:
    scope.nonlocals.update(node.names)
    return []


# What a node of a class binds; each returns the nodes inside that belong to the same scope.
_BINDS: dict[type, Callable[[Any, Scope], list[ast.AST]]] = {
    ast.FunctionDef: _function,
    ast.Lambda: lambda node, scope: _defaults(node),
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), _comprehension),
    **dict.fromkeys((ast.ClassDef, ast.AsyncFunctionDef), _definition),
    **dict.fromkeys((ast.ExceptHandler, ast.MatchAs, ast.MatchStar), _named),
    **dict.fromkeys((ast.Import, ast.ImportFrom), _import),
    ast.Global: _global,
    ast.Nonlocal: _nonlocal,
    ast.Constant: lambda node, scope: [],
}


def dotted(node: ast.expr) -> tuple[ast.Name, list[str]] | None:
    """``np.random.rand`` -> (Name np, ["random", "rand"]); None when the chain does not begin with a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node, parts[::-1]) if isinstance(node, ast.Name) else None
