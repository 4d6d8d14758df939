"""While loops that count: ``while j >= 0 and P(j): ...; j -= 1`` is a for loop that a failing ``P`` ends."""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine

_INCLUDED = {(True, ast.GtE): True, (True, ast.Gt): False, (False, ast.Lt): False, (False, ast.LtE): True}
"""Whether the counter, down or up, takes the limit of such a test."""


def as_for(
    m: Machine,
    node: ast.While,
    run_for: Callable[[Machine, ast.For], bool],
    then: Callable[[Machine, list[ast.stmt]], bool],
) -> bool:
    """Run it as the for loop it is; ``else`` says what the counter is when no test but the bound ended the loop."""
    stop = m.stop("a while loop that is no simple search", node, "E0318")
    tests = node.test.values if isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.And) else [node.test]
    tests = _bound_first(node.body, tests)
    found = _counter(node.body, tests[0])
    if found is None or m.lookup("range") is not None or "range" in m.functions:
        raise stop
    step, name, down, bound = found
    body = [s for s in node.body if s is not step]
    if _changes(body, name, *(x.id for x in pytree.walk(bound) if isinstance(x, ast.Name))) or _continues(body):
        raise stop
    guard: list[ast.stmt] = []
    if rest := tests[1:]:
        guard = [ast.If(ast.UnaryOp(ast.Not(), ast.BoolOp(ast.And(), rest)), [ast.Break()], [])]
    start = f"{name}@start"  # no name of Python's
    m.assign(start, evaluate(m, ast.copy_location(ast.Name(name, ast.Load()), node)))
    arguments: list[ast.expr] = [ast.Name(start, ast.Load()), bound]
    if down:
        arguments.append(ast.UnaryOp(ast.USub(), ast.Constant(1)))
    walk = ast.Call(ast.Name("range", ast.Load()), arguments, [])
    if guard and node.orelse and _breaks(body):
        raise stop  # a test that fails leads to ``else``, a break does not
    ended = [_ended(name, start, bound, down), *([] if guard else node.orelse)]
    loop = ast.For(ast.Name(name, ast.Store()), walk, [*guard, *body], ended)
    for part in pytree.walk(loop):
        if not hasattr(part, "lineno"):
            ast.copy_location(part, node)
    return run_for(m, loop) and (not guard or then(m, node.orelse))


def _bound_first(body: list[ast.stmt], tests: list[ast.expr]) -> list[ast.expr]:
    """The tests with that of the counter before those that compare plain names, which cannot fail."""
    for at, test in enumerate(tests):
        if _counter(body, test) is not None:
            return [test, *tests[:at], *tests[at + 1 :]]
        if not all(isinstance(x, ast.Compare | ast.Name | ast.Constant) for x in pytree.walk(test)):
            break
    return tests


def _breaks(body: list[ast.stmt]) -> bool:
    return any(isinstance(x, ast.Break) for s in body for x in pytree.walk(s))


def _counter(body: list[ast.stmt], test: ast.expr) -> tuple[ast.stmt, str, bool, ast.expr] | None:
    """The statement that counts, the name, whether it counts down, and where it leaves the loop."""
    for at, s in reversed(list(enumerate(body))):
        if not (isinstance(s, ast.AugAssign) and isinstance(s.target, ast.Name)):
            return None
        name, one = s.target.id, is_one(s.value)
        if one and isinstance(s.op, ast.Add | ast.Sub):
            down = isinstance(s.op, ast.Sub)
            bound = _bound(test, name, down)
            if bound is not None:
                return None if _mentions(body[at + 1 :], name) else (s, name, down, bound)
    return None


def _mentions(statements: list[ast.stmt], name: str) -> bool:
    return any(isinstance(x, ast.Name) and x.id == name for s in statements for x in pytree.walk(s))


def _ended(name: str, start: str, bound: ast.expr, down: bool) -> ast.stmt:
    """The counter past its bound, or where it was when it stood there from the first."""
    entered = ast.Compare(ast.Name(start, ast.Load()), [ast.Gt() if down else ast.Lt()], [bound])
    return ast.Assign([ast.Name(name, ast.Store())], ast.IfExp(entered, bound, ast.Name(start, ast.Load())))


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
    included = _INCLUDED.get((down, type(test.ops[0])))
    plain = isinstance(limit, ast.Name | ast.Constant) and getattr(limit, "id", "") != name
    if test.left.id != name or included is None or not plain:
        return None
    if not included:
        return limit
    return ast.BinOp(limit, ast.Sub() if down else ast.Add(), ast.Constant(1))
