"""Lists that are empty before the first iteration only: ``if is_start(t) and word: words.append(word); word = []``.

Where every iteration leaves an item in the list, its truth at the start of one says whether there was one before.
That gets a name of its own, which does not depend on where the list was started last.
"""

from __future__ import annotations

import ast
import copy

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift.uses import appended, is_empty_list, is_kept, is_name, is_plain, loads, placed


def rewritten(function: ast.FunctionDef) -> ast.FunctionDef:
    """The function with such questions put so; itself when it has none."""
    if not any(_found(loop) for loop in pytree.walk(function) if isinstance(loop, ast.For)):
        return function
    function = copy.deepcopy(function)
    for holder in pytree.walk(function):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(holder, field, None)
            if isinstance(block, list):
                setattr(holder, field, [x for s in block for x in _put(function, s)])
    return function


def _put(function: ast.FunctionDef, s: ast.stmt) -> list[ast.stmt]:
    """The statement, with what has to stand before it."""
    before: list[ast.stmt] = []
    if not isinstance(s, ast.For):
        return [s]
    for name in _found(s):
        if not _is_begun(function, name, s):
            continue
        flag = f"there was an item in {name}"
        _Asking(name, flag).visit(s)
        for block, value in ((before, False), (s.body, True)):
            block.append(placed(ast.Assign([ast.Name(flag, ast.Store())], ast.Constant(value)), s))
    return [*before, s]


def _found(loop: ast.For) -> list[str]:
    """The lists of the loop that are started anew, always have an item at its end, and are asked for it before."""
    if any(isinstance(x, ast.Continue | ast.Return) for x in pytree.walk(*loop.body)):
        return []
    again = (x for x in pytree.walk(*loop.body) if isinstance(x, ast.Assign) and len(x.targets) == 1)
    names = {x.targets[0].id for x in again if isinstance(x.targets[0], ast.Name)}
    return sorted(name for name in names if _filled(loop.body, name, False) and _asks_first(loop.body, name, [False]))


def _is_begun(function: ast.FunctionDef, name: str, loop: ast.For) -> bool:
    """The list is set empty by a statement of the function's own before this loop, which runs once and alone has it."""
    repeated = (x for x in pytree.walk(function) if isinstance(x, ast.For | ast.While) and x is not loop)
    if any(y is loop for x in repeated for y in pytree.walk(x)) or not _is_alone(function, name, loop):
        return False
    made = [s for s in function.body if isinstance(s, ast.Assign) and is_name(s.targets[0], name)]
    inside = {id(x) for x in pytree.walk(loop)}
    changes = [
        x
        for x in pytree.walk(function)
        if (isinstance(x, ast.Name) and x.id == name and not isinstance(x.ctx, ast.Load)) or appended(x, name)
    ]
    outside = [x for x in changes if id(x) not in inside]
    return len(made) == 1 == len(outside) and is_empty_list(made[0].value) and made[0].lineno < loop.lineno


def _is_alone(function: ast.FunctionDef, name: str, loop: ast.For) -> bool:
    """Until the loop has ended nothing but its own statements, by this name, can put something into the list."""
    nodes = pytree.walk(function)
    reads = loads(function, name, [x for x in nodes if isinstance(x, ast.Expr) and appended(x, name) is not None])
    inside = {id(x) for x in pytree.walk(loop)}
    return reads is not None and all(
        is_plain(r) or is_kept(r, False) if id(r.node) in inside else r.node.lineno > loop.lineno for r in reads
    )


def _filled(block: list[ast.stmt], name: str, there: bool) -> bool:
    """Whatever way control takes through the block, the list has an item after it."""
    for s in block:
        if appended(s, name) is not None:
            there = True
        elif isinstance(s, ast.Assign) and is_name(s.targets[0], name):
            there = isinstance(s.value, ast.List) and bool(s.value.elts)
        elif isinstance(s, ast.If):
            there = _filled(s.body, name, there) and _filled(s.orelse, name, there)
        elif _changes(s, name):
            return False
    return there


def _changes(s: ast.AST, name: str) -> bool:
    return any(
        (isinstance(x, ast.Name) and x.id == name and not isinstance(x.ctx, ast.Load))
        or (isinstance(x, ast.Attribute) and is_name(x.value, name))
        for x in pytree.walk(s)
    )


def _asks_first(block: list[ast.stmt], name: str, changed: list[bool]) -> bool:
    """The list is asked for its truth, and only where the iteration has not changed it yet."""
    asked = False
    for s in block:
        if isinstance(s, ast.If):
            own = _put_in(s.test, name) is not None
            if own and changed[0]:
                return False
            sides = [[changed[0]], [changed[0]]]
            inner = [_asks_first(b, name, side) for b, side in zip((s.body, s.orelse), sides, strict=True)]
            if any(_asks(b, name) and not found for b, found in zip((s.body, s.orelse), inner, strict=True)):
                return False
            asked = asked or own or any(inner)
            changed[0] = sides[0][0] or sides[1][0]
        elif _asks([s], name):
            return False
        changed[0] = changed[0] or _changes(s, name)
    return asked


def _asks(block: list[ast.stmt], name: str) -> bool:
    tests = (x.test for x in pytree.walk(*block) if isinstance(x, ast.If | ast.IfExp | ast.While))
    return any(_put_in(test, name) is not None for test in tests)


def _put_in(test: ast.expr, name: str, flag: str = "") -> ast.expr | None:
    """The condition with the list's truth under the name ``flag``; None where it does not ask for that."""
    match test:
        case ast.BoolOp(op=op, values=values):
            found = [_put_in(v, name, flag) for v in values]
            if not any(x is not None for x in found):
                return None
            return placed(ast.BoolOp(op, [x or v for x, v in zip(found, values, strict=True)]), test)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            own = _put_in(inner, name, flag)
            return None if own is None else placed(ast.UnaryOp(ast.Not(), own), test)
        case ast.Compare(left=ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=found)]), ops=[op], comparators=[to]):
            if found != name:
                return None
            question = f"{type(op).__name__} {ast.unparse(to)}"
            there = placed(ast.Name(flag, ast.Load()), test)
            if question in ("Gt 0", "NotEq 0", "GtE 1"):
                return there
            return placed(ast.UnaryOp(ast.Not(), there), test) if question in ("Eq 0", "Lt 1", "LtE 0") else None
    return placed(ast.Name(flag, ast.Load()), test) if is_name(test, name) else None


class _Asking(ast.NodeTransformer):
    """The truth of the list under its name, in the conditions of branches."""

    def __init__(self, name: str, flag: str) -> None:
        self.name, self.flag = name, flag

    def visit_If(self, node: ast.If) -> ast.AST:
        node.test = _put_in(node.test, self.name, self.flag) or node.test
        return self.generic_visit(node)
