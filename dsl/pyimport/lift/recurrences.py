"""Lists and dicts that stand for what an iteration hands to the next one, put as names.

``sent[i] = sent[i - 1] + 1`` reads what the iteration before has stored, ``ids.append(ids[-1])`` what was appended
last, and ``last = {"noun": -1, "verb": -1}`` is two names that a loop sets. Names that iterations carry are what the
lifter knows how to sum up. No name of a program has a space in it, so the new ones have.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift import handing_on


def rewritten(function: ast.FunctionDef) -> ast.FunctionDef:
    """The function with such lists and dicts put as names; itself when it has none."""
    fields = _fields(function)
    lists = handing_on.lists(function) - fields.keys()
    loops = (
        [x for x in pytree.walk(function) if isinstance(x, ast.For) and any(handing_on.handed_on(x, lists))]
        if lists
        else []
    )
    if fields:
        function = ast.fix_missing_locations(_Fields(fields).visit(copy.deepcopy(function)))
    if loops:
        function = copy.deepcopy(function)
        handing_on.in_blocks(function, lists)
        ast.fix_missing_locations(function)
    return function


# ---------------------------------------------------------------- dicts with written keys


def _fields(function: ast.FunctionDef) -> dict[str, dict[object, ast.expr]]:
    """Dicts and short lists with constant items that are used by constant keys alone, some of them set in a loop."""
    made: dict[str, dict[object, ast.expr]] = {}
    uses: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    stored: set[str] = set()
    nodes = pytree.walk(function)
    for x in nodes:
        if isinstance(x, ast.Assign) and len(x.targets) == 1 and isinstance(x.targets[0], ast.Name):
            found = _written(x.value)
            name = x.targets[0].id
            if found is not None and name not in made:
                made[name] = found
                uses[name] -= 1  # the assignment itself
        if isinstance(x, ast.Name):
            uses[x.id] += 1
        if isinstance(x, ast.Subscript) and isinstance(x.value, ast.Name) and isinstance(x.slice, ast.Constant):
            inside[x.value.id] += not isinstance(x.ctx, ast.Del)
            if not isinstance(x.ctx, ast.Load):
                stored.add(x.value.id)
    return {
        name: items
        for name, items in made.items()
        if name in stored and uses[name] == inside[name] and _known_keys(function, name, items)
    }


def _written(x: ast.expr) -> dict[object, ast.expr] | None:
    if isinstance(x, ast.Dict) and x.keys and all(isinstance(k, ast.Constant) for k in x.keys):
        keys = [k.value for k in x.keys if isinstance(k, ast.Constant)]
        items: dict[object, ast.expr] = dict(zip(keys, x.values, strict=True))
        whole = len(items) == len(keys)
    elif isinstance(x, ast.List) and 1 <= len(x.elts) <= 8:
        items, whole = {**dict(enumerate(x.elts))}, True
    else:
        return None
    return items if whole and all(_is_constant(v) for v in items.values()) else None


def _is_constant(x: ast.expr) -> bool:
    return isinstance(x, ast.Constant | ast.UnaryOp)  # a number with a sign, most often; others are as good


def _known_keys(function: ast.FunctionDef, name: str, items: dict[object, ast.expr]) -> bool:
    """Only keys that are there are asked for, and in the function itself: no other one sees the names."""
    keys = [
        x.slice.value
        for x in pytree.walk(function)
        if isinstance(x, ast.Subscript) and isinstance(x.value, ast.Name) and x.value.id == name
        if isinstance(x.slice, ast.Constant)
    ]
    if not all(k in items for k in keys):
        return False
    nested = (x for x in pytree.walk(function) if isinstance(x, ast.FunctionDef | ast.Lambda) and x is not function)
    return not any(isinstance(y, ast.Name) and y.id == name for x in nested for y in pytree.walk(x))


class _Fields(ast.NodeTransformer):
    """``last["noun"]`` as a name of its own."""

    def __init__(self, fields: dict[str, dict[object, ast.expr]]) -> None:
        self.fields = fields

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in self.fields:
            items = self.fields[target.id]
            names: list[ast.expr] = [ast.Name(_field(target.id, k), ast.Store()) for k in items]
            return ast.copy_location(
                ast.Assign([ast.Tuple(names, ast.Store())], ast.Tuple([*items.values()], ast.Load())), node
            )
        return self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id in self.fields:
            assert isinstance(node.slice, ast.Constant), "all uses of such a dict are by constant keys"
            keys = [*self.fields[node.value.id]]
            key = keys[keys.index(node.slice.value)]  # 1, 1.0 and True are one key
            return ast.copy_location(ast.Name(_field(node.value.id, key), node.ctx), node)
        return self.generic_visit(node)


def _field(name: str, key: object) -> str:
    return f"{name} of {key}"
