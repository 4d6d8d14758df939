"""Dicts of empty lists whose keys are written out: ``{"noun": [], "verb": []}`` as ``{k: [] for k in (...)}``.

Where the keys of such a dict never change, ``k in d`` asks the keys themselves, also while a loop fills the lists.
"""

from __future__ import annotations

import ast
import copy

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift.uses import is_empty_list, is_name, loads, placed, stores

SIGNS = (": []", ": list()", ": set()", "=[]", "=list()", "=set()")
"""What the text of a function with such a dict has: the cheap question."""

_Dict = tuple[list[ast.Constant], ast.expr]


def rewritten(function: ast.FunctionDef) -> ast.FunctionDef:
    """A copy of the function with such dicts put so."""
    nodes = pytree.walk(function)
    chosen = {name for x in nodes if (name := _chosen(x))}
    made = {_name(x) for x in nodes if isinstance(x, ast.Assign | ast.AnnAssign)}
    names = {name for name in chosen & made if _keeps_keys(function, name)}
    function = copy.deepcopy(function)
    _Rewriting(chosen, names).visit(function)
    return function


def _chosen(x: ast.AST) -> str | None:
    """The name d of ``d[k]`` with a key that is not written there: with written ones each list is known by itself."""
    match x:
        case ast.Subscript(value=ast.Name(id=name), slice=key) if not isinstance(key, ast.Constant):
            return name
    return None


def _of_statement(s: ast.Assign | ast.AnnAssign) -> _Dict | None:
    return None if s.value is None else _of(s.value)


def _of(value: ast.expr) -> _Dict | None:
    """The keys, and what each of them has at first."""
    match value:
        case ast.Dict(keys=keys, values=items):
            pass
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=named) if all(k.arg for k in named):
            keys, items = [ast.Constant(k.arg) for k in named], [k.value for k in named]
        case _:
            return None
    constants = [k for k in keys if isinstance(k, ast.Constant)]
    kinds = {is_empty_list(x) or (ast.unparse(x) == "set()" and "set") for x in items}
    return (constants, items[0]) if len(constants) == len(keys) and kinds in ({True}, {"set"}) else None


def _name(s: ast.Assign | ast.AnnAssign) -> str | None:
    """The one name that the statement binds."""
    target = s.target if isinstance(s, ast.AnnAssign) else s.targets[0]
    alone = isinstance(s, ast.AnnAssign) or len(s.targets) == 1
    return target.id if alone and isinstance(target, ast.Name) else None


def _keeps_keys(function: ast.FunctionDef, name: str) -> bool:
    """The name is bound once, and read where no key can be added or taken away."""
    reads = loads(function, name, [])
    if len(stores(function, name)) != 1 or reads is None:
        return False
    for read in reads:
        match read.parent:
            case ast.Subscript(value=value, ctx=ast.Load()) if value is read.node:
                continue
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[asked]) if asked is read.node:
                continue
            case ast.Attribute(attr="items" | "keys" | "values" | "get") | ast.For():
                continue
        return False
    return True


class _Rewriting(ast.NodeTransformer):
    """``kept``: the names of dicts whose keys never change."""

    def __init__(self, chosen: set[str], kept: set[str]) -> None:
        self.chosen, self.kept = chosen, kept
        self.keys: dict[str, list[ast.Constant]] = {}

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        return self._made(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return self._made(node)

    def _made(self, node: ast.Assign | ast.AnnAssign) -> ast.AST:
        found, name = _of_statement(node), _name(node)
        if found is None or name not in self.chosen:
            return self.generic_visit(node)
        keys, item = found
        if name in self.kept:
            self.keys[str(name)] = keys
        walk = ast.comprehension(ast.Name(_KEY, ast.Store()), ast.Tuple([*keys], ast.Load()), [], False)
        node.value = placed(ast.DictComp(ast.Name(_KEY, ast.Load()), item, [walk]), node)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        for name, keys in self.keys.items():
            if any(is_name(x, name) for x in node.comparators):
                node.comparators = [placed(ast.Set([*keys]), node)]
        return node


_KEY = "key of a new dict"
