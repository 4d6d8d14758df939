"""A function before it is executed: what its loops hand on is put as names, and its dicts that gather as calls."""

from __future__ import annotations

import ast
from weakref import WeakKeyDictionary

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift import (
    anew,
    buckets,
    gathering,
    grouped,
    lengths,
    neighbours,
    never_empty,
    recurrences,
    row_dicts,
    stacks,
    walrus,
    windows,
)
from attndsl.dsl.pyimport.lift.machine import Machine


def prepared(m: Machine, function: ast.FunctionDef) -> ast.FunctionDef:
    """The function with its statements put so; itself when there is nothing to be put otherwise."""
    known = _PUT_OTHERWISE if m.put_otherwise else _PREPARED
    if function not in known:
        found = _rewritten(m, _otherwise(m, function) if m.put_otherwise else function)
        known[function] = None if found is function else found
    return known[function] or function


def can_be_put_otherwise(m: Machine, function: ast.FunctionDef) -> bool:
    """Some function that the program may call, or the program itself, has a further form."""
    todo, seen = [function], {function.name}
    while todo:
        own = todo.pop()
        if _otherwise(m, own) is not own:
            return True
        called = {x.id for x in pytree.walk(own) if isinstance(x, ast.Name)} & m.functions.keys()
        todo += [m.functions[name] for name in called - seen]
        seen |= called
    return False


def _otherwise(m: Machine, function: ast.FunctionDef) -> ast.FunctionDef:
    """The function with what may be put in further ways put so. They may cost more, or say it in more words."""
    found = function
    if not _redefines(m, pytree.walk(function)):
        for rewrite in _FURTHER:
            found = rewrite(found)
    return found


_FURTHER = (row_dicts.rewritten, neighbours.rewritten, never_empty.rewritten, grouped.rewritten)


def _rewritten(m: Machine, function: ast.FunctionDef) -> ast.FunctionDef:
    nodes = pytree.walk(function)
    found = walrus.rewritten(function) if any(x.__class__ is ast.NamedExpr for x in nodes) else function
    if any(x.__class__ is ast.For or x.__class__ is ast.While for x in nodes) and not _redefines(m, nodes):
        text = gathering.text_of(function, m.source)
        if "append" in text or ".add(" in text:  # the cheap question: these are of lists that grow
            found = windows.rewritten(found, m.imports)
            for rewrite in (stacks.rewritten, anew.rewritten, lengths.rewritten):
                found = rewrite(found)
            if any(sign in text for sign in buckets.SIGNS):
                found = buckets.rewritten(found)
        found = recurrences.rewritten(found)
    return gathering.rewritten(found, m.source)


_BUILTINS = frozenset(("len", "list", "range", "enumerate", "sum", "max", "min"))


def _redefines(m: Machine, nodes: list[ast.AST]) -> bool:
    """The file gives a built-in function, which the new statements call or stand for, a meaning of its own."""
    if any(_BUILTINS & given.keys() for given in (m.functions, m.constants, m.imports)):
        return True
    return any(
        (x.__class__ is ast.Name and x.id in _BUILTINS and x.ctx.__class__ is not ast.Load)
        or (x.__class__ is ast.arg and x.arg in _BUILTINS)
        or (x.__class__ is ast.FunctionDef and x.name in _BUILTINS)
        for x in nodes
    )


_PUT_OTHERWISE: WeakKeyDictionary[ast.FunctionDef, ast.FunctionDef | None] = WeakKeyDictionary()
_PREPARED: WeakKeyDictionary[ast.FunctionDef, ast.FunctionDef | None] = WeakKeyDictionary()
"""None where nothing changes: the programs of a file share their helpers."""
