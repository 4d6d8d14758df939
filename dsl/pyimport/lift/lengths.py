"""Loops that append until a list is long enough: ``while j >= 0 and len(found) < 3: ...; found.append(j)``.

Whether an iteration appends depends on how often the earlier ones did. Here the length gets a name of its own, counted
beside the list: numbers are what the lifter knows how to carry from iteration to iteration.
"""

from __future__ import annotations

import ast
import copy

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift.uses import appended, in_own_block, is_empty_list, own_statements, placed


def rewritten(function: ast.FunctionDef) -> ast.FunctionDef:
    """The function with such lengths put as names; itself when it has none."""
    loops = [x for x in pytree.walk(function) if isinstance(x, ast.For | ast.While)]
    some = any(_begin(function, loop, name) for loop in loops for name in _guards(loop))
    return _counted(copy.deepcopy(function)) if some else function


def _counted(function: ast.FunctionDef) -> ast.FunctionDef:
    for loop in [x for x in pytree.walk(function) if isinstance(x, ast.For | ast.While)]:
        for name, tests in _guards(loop).items():
            begin = _begin(function, loop, name)
            if begin is not None:
                _count(function, loop, name, begin, tests)
    return function


def _guards(loop: ast.For | ast.While) -> dict[str, list[ast.AST]]:
    """The lists whose length decides about an append that follows, each with the nodes that ask for it."""
    own = own_statements(loop.body)
    asked: list[tuple[int, ast.AST]] = [(-1, loop.test)] if isinstance(loop, ast.While) else []
    asked += [(at, s.test) for at, s in enumerate(own) if isinstance(s, ast.If)]
    found: dict[str, list[ast.AST]] = {}
    for at, test in asked:
        for x in pytree.walk(test):
            match x:
                case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)], keywords=[]):
                    if any(appended(s, name) is not None for s in own[at + 1 :]):
                        found.setdefault(name, []).append(x)
    return found


def _begin(function: ast.FunctionDef, loop: ast.stmt, name: str) -> ast.stmt | None:
    """Where the list is made empty; None where something else than appends of the loop may change it by its end."""
    block = in_own_block(function, loop)
    before = block[: block.index(loop)]
    for at, s in reversed(list(enumerate(before))):
        if not _mentions(s, name):
            continue
        made = isinstance(s, ast.Assign) and len(s.targets) == 1 and isinstance(s.targets[0], ast.Name)
        if made and isinstance(s, ast.Assign) and is_empty_list(s.value):
            return before[at] if _only_appends(loop, name) else None
        return None
    return None


def _mentions(s: ast.AST, name: str) -> bool:
    return any(isinstance(x, ast.Name) and x.id == name for x in pytree.walk(s))


def _only_appends(loop: ast.stmt, name: str) -> bool:
    """In the loop the list is appended to, asked for its length and searched; nothing else."""
    unknown = 0
    if any(isinstance(x, ast.FunctionDef | ast.Lambda) for x in pytree.walk(loop)):
        return False
    for x in pytree.walk(loop):
        unknown += isinstance(x, ast.Name) and x.id == name
        match x:
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=found)]) if found == name:
                unknown -= 1
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[ast.Name(id=found)]) if found == name:
                unknown -= 1
            case ast.Expr() if appended(x, name) is not None:
                unknown -= 1
    return not unknown


def _count(
    function: ast.FunctionDef, loop: ast.For | ast.While, name: str, begin: ast.stmt, tests: list[ast.AST]
) -> None:
    length = f"length of {name}"
    block = in_own_block(function, begin)
    zero = ast.Assign([ast.Name(length, ast.Store())], ast.Constant(0))
    block.insert(block.index(begin) + 1, placed(zero, begin))
    _Counting(name, length, tests).visit(loop)


class _Counting(ast.NodeTransformer):
    """Each append counts, and the tests ask for the number."""

    def __init__(self, name: str, length: str, tests: list[ast.AST]) -> None:
        self.name, self.length, self.tests = name, length, tests

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.AST]:
        if appended(node, self.name) is None:
            return self.generic_visit(node)
        one = ast.AugAssign(ast.Name(self.length, ast.Store()), ast.Add(), ast.Constant(1))
        return [node, placed(one, node)]

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if any(node is t for t in self.tests):
            return placed(ast.Name(self.length, ast.Load()), node)
        return self.generic_visit(node)
