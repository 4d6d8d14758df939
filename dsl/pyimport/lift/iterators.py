"""What ``zip``, ``enumerate``, ``reversed``, ``map``, ``filter`` or a generator gives can be walked through once.

The lifter sees the elements as a sequence, which could be walked through again. So a name may hold an iterator only
where the text shows that it is read a single time.
"""

from __future__ import annotations

import ast
from weakref import WeakKeyDictionary

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift.values import Choice, Seq, TupleValue, Value

_COMPREHENSION = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_AGAIN = ast.For | ast.While | ast.FunctionDef | ast.Lambda | _COMPREHENSION
_Places = tuple[ast.AST, ...]  # the loops and functions around a place, from the outermost on
_Found = dict[str, tuple[list[_Places], list[_Places]]]  # name -> where it is read, where it is set
_FOUND: WeakKeyDictionary[ast.FunctionDef, _Found] = WeakKeyDictionary()


def is_iterator(value: Value) -> bool:
    """The value, or one of its alternatives or items, is an iterator."""
    match value:
        case Seq(once=once):
            return once
        case Choice(then=a, other=b):
            return is_iterator(a) or is_iterator(b)
        case TupleValue(items=items):
            return any(is_iterator(i) for i in items)
    return False


def is_read_once(function: ast.FunctionDef | None, name: str) -> bool:
    """The function reads the name in one place, which is reached no more often than the place where it is set."""
    if function is None:
        return False
    found = _FOUND.get(function)
    if found is None:
        found = _FOUND[function] = {}
        for part in function.body:
            _collect(part, (), found)
    read, set_ = found.get(name, ([], []))
    return len(read) <= 1 and all(places == at for places in read for at in set_ or [()])


def _collect(node: ast.AST, around: _Places, found: _Found, done: ast.AST | None = None) -> None:
    if node is done:
        return
    if isinstance(node, ast.Name):
        read, set_ = found.setdefault(node.id, ([], []))
        (read if isinstance(node.ctx, ast.Load) else set_).append(around)
        return
    first = _first_walked(node)
    if first is not None:
        _collect(first, around, found)
    inside = (*around, node) if isinstance(node, _AGAIN) else around
    for child in pytree.children(node):
        _collect(child, inside, found, first or done)


def _first_walked(node: ast.AST) -> ast.AST | None:
    """What a loop or comprehension walks through, which is computed once before it."""
    if isinstance(node, ast.For):
        return node.iter
    if isinstance(node, _COMPREHENSION):
        return node.generators[0].iter
    return None
