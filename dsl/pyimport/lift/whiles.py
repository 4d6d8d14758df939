"""While loops that count: ``while j >= 0 and P(j): ...; j -= 1`` is a for loop that a failing ``P`` ends."""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.values import Unbound

_BOUNDS = {
    (True, ast.GtE): 0, (True, ast.Gt): 1, (False, ast.Lt): 0, (False, ast.LtE): 1,
}  # fmt: skip


def as_for(m: Machine, node: ast.While, run_for: Callable[[Machine, ast.For], bool]) -> bool:
    """Run it as the for loop it is. The counter is not known afterwards."""
    *body, step = node.body
    stop = m.stop("a while loop that is no simple search", node, "E0318")
    if node.orelse or not isinstance(step, ast.AugAssign) or not isinstance(step.target, ast.Name):
        raise stop
    if not is_one(step.value) or not isinstance(step.op, ast.Add | ast.Sub):
        raise stop
    if m.lookup("range") is not None or "range" in m.functions:
        raise stop
    name, down = step.target.id, isinstance(step.op, ast.Sub)
    if _changes(body, name) or _continues(body):
        raise stop
    tests = node.test.values if isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.And) else [node.test]
    bound = _bound(tests[0], name, down)
    if bound is None or _changes(body, *(x.id for x in pytree.walk(bound) if isinstance(x, ast.Name))):
        raise stop
    guard: list[ast.stmt] = []
    if len(tests) > 1:
        rest = tests[1] if len(tests) == 2 else ast.BoolOp(ast.And(), tests[1:])
        guard = [ast.If(ast.UnaryOp(ast.Not(), rest), [ast.Break()], [])]
    counter = ast.Name(name, ast.Load())
    arguments = [counter, bound, ast.UnaryOp(ast.USub(), ast.Constant(1))] if down else [counter, bound]
    walk = ast.Call(ast.Name("range", ast.Load()), arguments, [])
    loop = ast.For(ast.Name(name, ast.Store()), walk, [*guard, *body], [])
    for part in pytree.walk(loop):
        if not hasattr(part, "lineno"):
            ast.copy_location(part, node)
    alive = run_for(m, loop)
    m.assign(name, Unbound(f"{name!r} after a while loop"))
    return alive


def is_one(step: ast.expr) -> bool:
    """The whole number 1: neither 1.0 nor True."""
    return isinstance(step, ast.Constant) and type(step.value) is int and step.value == 1


def _changes(body: list[ast.stmt], *names: str) -> bool:
    return any(
        isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store | ast.Del) and x.id in names
        for s in body
        for x in pytree.walk(s)
    )


def _continues(body: list[ast.stmt]) -> bool:
    """The body itself goes on to the next test without counting."""
    stack: list[ast.AST] = list(body)
    while stack:
        at = stack.pop()
        if isinstance(at, ast.Continue):
            return True
        if not isinstance(at, ast.For | ast.While | ast.FunctionDef | ast.Lambda):
            stack.extend(pytree.children(at))
    return False


def _bound(test: ast.expr, name: str, down: bool) -> ast.expr | None:
    """Where the counter leaves the loop: the stop of the range. It must not depend on the counter."""
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.left, ast.Name)):
        return None
    limit = test.comparators[0]
    shift = _BOUNDS.get((down, type(test.ops[0])))
    plain = isinstance(limit, ast.Name | ast.Constant) and getattr(limit, "id", "") != name
    if test.left.id != name or shift is None or not plain:
        return None
    if down:
        return ast.BinOp(limit, ast.Sub(), ast.Constant(1)) if shift == 0 else limit
    return limit if shift == 0 else ast.BinOp(limit, ast.Add(), ast.Constant(1))
