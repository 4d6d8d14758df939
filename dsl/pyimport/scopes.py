"""Which name is bound where: Python's scopes for functions, lambdas and comprehensions."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

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
            scope.bound.update(n.id for n in ast.walk(generator.target) if isinstance(n, ast.Name))
    rebound = scope.bound & set(scope.imports)
    scope.bound |= set(scope.imports)
    for name in rebound | (set(scope.imports) & set(scope.functions)):
        del scope.imports[name]
    scope.bound -= scope.globals | scope.nonlocals
    return scope


def argument_names(arguments: ast.arguments) -> list[str]:
    """All parameter names, in the order positional, keyword-only, ``*args``, ``**kwargs``."""
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    found += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    return [a.arg for a in found]


def _collect(node: ast.AST, scope: Scope) -> None:
    match node:
        case ast.FunctionDef():
            scope.bound.add(node.name)
            scope.functions[node.name] = node
            for outer in (*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)):
                _collect(outer, scope)
            return
        case ast.Lambda():
            for outer in (*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)):
                _collect(outer, scope)
            return
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            # The loop names stay inside; a walrus inside binds here.
            for inner in ast.walk(node):
                if isinstance(inner, ast.NamedExpr):
                    scope.bound.add(inner.target.id)
            return
        case ast.ClassDef() | ast.AsyncFunctionDef():
            scope.bound.add(node.name)
            return
        case ast.Name(ctx=ast.Store() | ast.Del()):
            scope.bound.add(node.id)
        case ast.ExceptHandler(name=str()):
            scope.bound.add(str(node.name))
        case ast.MatchAs(name=str()) | ast.MatchStar(name=str()):
            scope.bound.add(str(node.name))
        case ast.Import() | ast.ImportFrom():
            scope.imports.update(import_targets(node))
        case ast.Global():
            scope.globals.update(node.names)
        case ast.Nonlocal():
            scope.nonlocals.update(node.names)
    for child in ast.iter_child_nodes(node):
        _collect(child, scope)


def dotted(node: ast.expr) -> tuple[ast.Name, list[str]] | None:
    """``np.random.rand`` -> (Name np, ["random", "rand"]); None when the chain does not begin with a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node, parts[::-1]) if isinstance(node, ast.Name) else None
