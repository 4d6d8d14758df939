"""A function before it is executed: what its loops hand on is put as names, and its dicts that gather as calls."""

from __future__ import annotations

import ast
from weakref import WeakKeyDictionary

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift import anew, gathering, lengths, recurrences, stacks, windows
from attndsl.dsl.pyimport.lift.machine import Machine


def prepared(m: Machine, function: ast.FunctionDef) -> ast.FunctionDef:
    """The function with its statements put so; itself when there is nothing to be put otherwise."""
    if function not in _PREPARED:
        found = _rewritten(m, function)
        _PREPARED[function] = None if found is function else found
    return _PREPARED[function] or function


def _rewritten(m: Machine, function: ast.FunctionDef) -> ast.FunctionDef:
    found = function
    nodes = pytree.walk(function)
    if any(x.__class__ is ast.For or x.__class__ is ast.While for x in nodes) and not _redefines(m, nodes):
        if "append" in gathering.text_of(function, m.source):  # the cheap question: these are of lists that grow
            found = windows.rewritten(found, m.imports)
            for rewrite in (stacks.rewritten, anew.rewritten, lengths.rewritten):
                found = rewrite(found)
        found = recurrences.rewritten(found)
    return gathering.rewritten(found, m.source)


_BUILTINS = frozenset(("len", "list", "range", "enumerate"))


def _redefines(m: Machine, nodes: list[ast.AST]) -> bool:
    """The file gives a built-in function, which the new statements call or stand for, a meaning of its own."""
    if any(_BUILTINS & given.keys() for given in (m.functions, m.constants, m.imports)):
        return True
    return any(
        (x.__class__ is ast.Name and x.id in _BUILTINS and x.ctx.__class__ is not ast.Load)
        or (x.__class__ is ast.arg and x.arg in _BUILTINS)
        or (isinstance(x, ast.FunctionDef | ast.ExceptHandler) and x.name in _BUILTINS)
        or (x.__class__ is ast.alias and (x.asname or x.name) in _BUILTINS)
        for x in nodes
    )


_PREPARED: WeakKeyDictionary[ast.FunctionDef, ast.FunctionDef | None] = WeakKeyDictionary()
"""None where nothing changes: the programs of a file share their helpers."""
