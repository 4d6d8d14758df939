"""A function before it is executed: what its loops hand on is put as names, and its dicts that gather as calls."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import reduce
from itertools import accumulate, pairwise
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
    partitions,
    pushed,
    recurrences,
    row_dicts,
    stacks,
    walrus,
    windows,
)
from attndsl.dsl.pyimport.lift.machine import Machine


def prepared(m: Machine, function: ast.FunctionDef) -> ast.FunctionDef:
    """The function with its statements put so; itself when there is nothing to be put otherwise."""
    known = _PREPARED[m.put_otherwise]
    if function not in known:
        found = _rewritten(m, _otherwise(m, function, m.put_otherwise))
        known[function] = None if found is function else found
    return known[function] or function


def further_forms(m: Machine, function: ast.FunctionDef) -> list[int]:
    """The further ways in which the program, or a function that it may call, can be put: for ``m.put_otherwise``."""
    todo, seen, found = [function], {function.name}, set()
    while todo:
        own = todo.pop()
        forms = accumulate(() if _redefines(m, pytree.walk(own)) else _FURTHER, _put, initial=own)
        found |= {way for way, (before, after) in enumerate(pairwise(forms), 1) if after is not before}
        called = {x.id for x in pytree.walk(own) if isinstance(x, ast.Name)} & m.functions.keys()
        todo += [m.functions[name] for name in called - seen]
        seen |= called
    return sorted(found)


def _otherwise(m: Machine, function: ast.FunctionDef, ways: int) -> ast.FunctionDef:
    """The function with what may be put in the first so many further ways put so."""
    if not ways or _redefines(m, pytree.walk(function)):
        return function
    return reduce(_put, _FURTHER[:ways], function)


_Rewrites = tuple[Callable[[ast.FunctionDef], ast.FunctionDef], ...]


def _put(function: ast.FunctionDef, rewrites: _Rewrites) -> ast.FunctionDef:
    return reduce(lambda found, rewrite: rewrite(found), rewrites, function)


_FURTHER: tuple[_Rewrites, ...] = (
    (neighbours.rewritten, never_empty.rewritten, grouped.rewritten, pushed.rewritten),
    (row_dicts.rewritten,),  # where a dict by position holds positions, they would become numbers with a fraction
)
"""Ways that may cost more, or say it in more words: where the program cannot be lifted as it stands."""


def _rewritten(m: Machine, function: ast.FunctionDef) -> ast.FunctionDef:
    nodes = pytree.walk(function)
    text = gathering.text_of(function, m.source)
    found = walrus.rewritten(function) if ":=" in text else function
    if not _redefines(m, nodes):
        if "while " in text:
            found = partitions.rewritten(found)
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
    given: list[str | None] = []
    for x in nodes:
        kind = x.__class__
        if kind is ast.Name:
            if x.id in _BUILTINS and x.ctx.__class__ is not ast.Load:  # type: ignore[attr-defined]
                return True
        elif kind is ast.arg:
            given.append(x.arg)  # type: ignore[attr-defined]
        elif kind is ast.alias:
            given.append(x.asname or x.name)  # type: ignore[attr-defined]
        elif kind is ast.FunctionDef or kind is ast.ExceptHandler:
            given.append(x.name)  # type: ignore[attr-defined]
    return not _BUILTINS.isdisjoint(given)


_PREPARED: tuple[WeakKeyDictionary[ast.FunctionDef, ast.FunctionDef | None], ...] = tuple(
    WeakKeyDictionary() for _ in range(len(_FURTHER) + 1)
)
"""None where nothing changes: the programs of a file share their helpers."""
