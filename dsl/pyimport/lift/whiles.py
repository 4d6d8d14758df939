"""While loops that count: ``while j >= 0 and P(j): ...; j -= 1`` is a for loop that a failing ``P`` ends."""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl import pytree
from attndsl.dsl.frozen import frozen
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
    body, tests = _entered(node)
    tests = _bound_first(body, tests)
    count = _counter(body, tests[0]) if tests else None
    if count is None or m.lookup("range") is not None or "range" in m.functions:
        raise stop
    name = count.name
    body = [s for s in body if s is not count.statement]
    read = {x.id for x in pytree.walk(count.bound) if isinstance(x, ast.Name)}
    if _changes(body, name, *read) or (_continues(body) and not count.first):
        raise stop
    if count.first and len(tests) > 1:
        raise stop  # the other tests see the counter before it counts
    guard: list[ast.stmt] = []
    if rest := tests[1:]:
        guard = [ast.If(ast.UnaryOp(ast.Not(), ast.BoolOp(ast.And(), rest)), [ast.Break()], [])]
    start = f"{name}@start"  # no name of Python's
    m.assign(start, evaluate(m, ast.copy_location(ast.Name(name, ast.Load()), node)))
    if guard and node.orelse and _breaks(body):
        raise stop  # a test that fails leads to ``else``, a break does not
    ended = [_ended(count, start), *([] if guard else node.orelse)]
    loop = ast.For(ast.Name(name, ast.Store()), _range(count, start), [*guard, *body], ended)
    for part in pytree.walk(loop):
        if not hasattr(part, "lineno"):
            ast.copy_location(part, node)
    bound = evaluate(m, count.bound)
    goes_on = run_for(m, loop)
    if evaluate(m, count.bound) != bound:
        raise stop  # the body changed a list of which the bound is the length: Python asks for it each time
    return goes_on and (not guard or then(m, node.orelse))


@frozen
class _Count:
    """``statement`` adds ``step`` to the counter, before the rest of the body (``first``) or after it, until the
    counter is at ``bound`` or past it."""

    statement: ast.stmt
    name: str
    step: int
    bound: ast.expr
    first: bool


def _entered(node: ast.While) -> tuple[list[ast.stmt], list[ast.expr]]:
    """The body, and what is asked before it; ``while True: if P: break`` asks what denies P."""
    match node:
        case ast.While(
            test=ast.Constant(value=True | 1), body=[ast.If(test=test, body=[ast.Break()], orelse=[]), *body], orelse=[]
        ):
            either = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) else [test]
            return body, [_denied(t) for t in either]
    test = node.test
    return node.body, test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]


_MIRRORED: dict[type, type[ast.cmpop]] = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE}
_DENIED: dict[type, type[ast.cmpop]] = {ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt}


def _denied(test: ast.expr) -> ast.expr:
    match test:
        case ast.Compare(left=ast.Name() as left, ops=[op], comparators=[limit]) if type(op) in _DENIED:
            # a counter and its bound are whole numbers, or there is no range: none of them is NaN
            return ast.copy_location(ast.Compare(left, [_DENIED[type(op)]()], [limit]), test)
    return ast.copy_location(ast.UnaryOp(ast.Not(), test), test)


def _range(count: _Count, start: str) -> ast.expr:
    """The values of the counter in the body."""
    ends: list[ast.expr] = [ast.Name(start, ast.Load()), count.bound]
    if count.first:
        ends = [_plus(end, count.step) for end in ends]
    if count.step != 1:
        ends.append(ast.Constant(count.step))
    return ast.Call(ast.Name("range", ast.Load()), ends, [])


def _plus(left: ast.expr, value: int) -> ast.expr:
    return ast.BinOp(left, ast.Add(), ast.Constant(value))


def _bound_first(body: list[ast.stmt], tests: list[ast.expr]) -> list[ast.expr]:
    """The tests with that of the counter before those that compare plain names, which cannot fail. A counter that goes
    by one is taken before others: its loop is the plainer one."""
    found: list[tuple[bool, int]] = []
    for at, test in enumerate(tests):
        count = _counter(body, test)
        if count is not None:
            found.append((abs(count.step) != 1, at))
        if not all(isinstance(x, ast.Compare | ast.Name | ast.Constant) for x in pytree.walk(test)):
            break
    if not found:
        return tests
    at = min(found)[1]
    return [tests[at], *tests[:at], *tests[at + 1 :]]


def _breaks(body: list[ast.stmt]) -> bool:
    return any(isinstance(x, ast.Break) for s in body for x in pytree.walk(s))


def _counter(body: list[ast.stmt], test: ast.expr) -> _Count | None:
    """How the loop counts towards the limit of the test."""
    for s in reversed(body):
        counted = _counted(s)
        if counted is None:
            break
        name, step = counted
        bound = _bound(test, name, _is_down(step))
        if bound is not None:
            return _Count(s, name, step, bound, False)
    counted = _counted(body[0]) if body else None
    bound = None if counted is None else _bound(test, counted[0], _is_down(counted[1]))
    return None if counted is None or bound is None else _Count(body[0], *counted, bound, True)


def _counted(s: ast.stmt) -> tuple[str, int] | None:
    """The name that a statement adds a written whole number to, and that number."""
    match s:
        case ast.AugAssign(target=ast.Name(id=name), op=ast.Add() | ast.Sub() as op, value=value):
            pass
        case ast.Assign(
            targets=[ast.Name(id=name)],
            value=ast.BinOp(left=ast.Name(id=same), op=ast.Add() | ast.Sub() as op, right=value),
        ) if name == same:
            pass
        case _:
            return None
    if not (isinstance(value, ast.Constant) and type(value.value) is int and value.value > 0):
        return None
    return name, value.value if isinstance(op, ast.Add) else -value.value


def _is_down(step: int) -> bool:
    return step < 0


def _ended(count: _Count, start: str) -> ast.stmt:
    """The counter at its bound or past it, or where it was when it stood there from the first."""
    first, bound = ast.Name(start, ast.Load()), count.bound
    entered = ast.Compare(first, [ast.Gt() if _is_down(count.step) else ast.Lt()], [bound])
    last = bound
    if abs(count.step) > 1:  # as many steps as it takes
        width = ast.Constant(count.step)
        steps = ast.BinOp(ast.BinOp(ast.BinOp(bound, ast.Sub(), first), ast.FloorDiv(), width), ast.Mult(), width)
        rest = ast.BinOp(ast.BinOp(bound, ast.Sub(), first), ast.Mod(), width)
        over = ast.IfExp(ast.Compare(rest, [ast.NotEq()], [ast.Constant(0)]), width, ast.Constant(0))
        last = ast.BinOp(ast.BinOp(first, ast.Add(), steps), ast.Add(), over)
    return ast.Assign([ast.Name(count.name, ast.Store())], ast.IfExp(entered, last, first))


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
    ahead = 0
    match test:
        case ast.Compare(left=limit, ops=[op], comparators=[ast.Name(id=counter)]) if (
            counter == name and type(op) in _MIRRORED
        ):
            op = _MIRRORED[type(op)]()
        case ast.Compare(left=ast.Name(id=counter), ops=[op], comparators=[limit]):
            pass
        case ast.Compare(
            left=ast.BinOp(
                left=ast.Name(id=counter), op=ast.Add() | ast.Sub() as sign, right=ast.Constant(value=int(ahead))
            ),
            ops=[op],
            comparators=[limit],
        ):
            ahead = ahead if isinstance(sign, ast.Add) else -ahead
        case _:
            return None
    included = _INCLUDED.get((down, type(op)))
    if counter != name or included is None or not _is_plain(limit, name):
        return None
    ahead -= included and (-1 if down else 1)
    return _plus(limit, -ahead) if ahead else limit


def _is_plain(limit: ast.expr, name: str) -> bool:
    """Sums of names, numbers and lengths, without the counter: what does not change while its names do not."""
    match limit:
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
            return _is_plain(left, name) and _is_plain(right, name)
        case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=other)], keywords=[]):
            return other != name
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
            return True
    return isinstance(limit, ast.Constant) or (isinstance(limit, ast.Name) and limit.id != name)
