"""``try`` blocks: where something in them fails, the handler goes on from there with what was done so far."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Attempt, Machine, State
from attndsl.dsl.pyimport.lift.merge import merge_states
from attndsl.dsl.pyimport.lift.terms import Term

_ALL = {"Exception", "BaseException"}


@dataclass
class _Trying:
    """One execution of a block: the states in which it failed."""

    node: ast.Try
    attempt: Attempt
    base: State
    failed: list[State] = field(default_factory=list)


def run_try(m: Machine, node: ast.Try) -> bool:
    """Execute the block, its handler and what follows; False when control reaches the end of none of them."""
    from attndsl.dsl.pyimport.lift.statements import run

    parts = [*node.body, *node.orelse, *(s for handler in node.handlers for s in handler.body)]
    if node.finalbody and any(_leaves(s) for s in parts):
        raise m.stop("a finally block after a way out", node, "E0303")
    raises = any(isinstance(x, ast.Raise | ast.Assert) for s in node.body for x in pytree.walk(s))
    before = len(m.events)
    base = m.state
    m.state = base.fork()
    attempt = Attempt(len(m.loops), len(m.frames), len(m.flows), [])
    trying = _Trying(node, attempt, base)
    alive = _body(m, trying)
    if raises or any(e.op == "check" for e in m.events[before:]):
        raise m.stop("a try block in which something may fail", node, "E0303")
    if alive:
        alive = run(m, node.orelse)
    if trying.failed:
        alive = _handled(m, trying, alive)
    return alive and run(m, node.finalbody)


def _body(m: Machine, trying: _Trying) -> bool:
    from attndsl.dsl.pyimport.lift.statements import run

    attempt = trying.attempt
    for s in trying.node.body:
        attempt.start = len(m.state.path)
        m.trying.append(attempt)
        try:
            alive = run(m, [s])
        finally:
            m.trying.pop()
        found, attempt.failures = attempt.failures, []
        if any(f.inside for f in found) and _leaves(s):
            raise m.stop("a try block in which something may fail", s, "E0303")
        for f in found:
            if not _caught(trying.node, f.node, f.kind):
                raise m.stop("a try block in which something may fail", s, "E0303")
            trying.failed.append(f.state)
            happened = T.not_(T.conj(f.state.path[attempt.start :]))
            if alive:
                m.state = m.state.fork(happened)
        if not alive:
            return False
    return True


def _leaves(s: ast.AST) -> bool:
    if isinstance(s, ast.FunctionDef):
        return False
    return isinstance(s, ast.Continue | ast.Break | ast.Return) or any(map(_leaves, pytree.children(s)))


def _handled(m: Machine, trying: _Trying, alive: bool) -> bool:
    from attndsl.dsl.pyimport.lift.statements import run

    (handler,) = trying.node.handlers
    depth = len(trying.base.path)
    outcomes: list[tuple[Term, State]] = [(T.conj(m.state.path[depth:]), m.state)] if alive else []
    for state in trying.failed:
        condition = T.conj(state.path[depth:])
        m.state = state
        if run(m, handler.body):
            outcomes.append((condition, m.state))
    if not outcomes:
        return False
    m.state = merge_states(trying.base, outcomes)
    return True


def _caught(node: ast.Try, failing: ast.AST | None, kind: str) -> bool:
    """The only handler catches what the failing node raises."""
    if len(node.handlers) != 1 or node.handlers[0].name is not None:
        return False
    caught = node.handlers[0].type
    if caught is None:
        return True
    classes = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    if not all(isinstance(x, ast.Name) and _is_exception(x.id) for x in classes):
        return False  # Python evaluates it, and asks each class in turn: that may fail
    names = {ast.unparse(x) for x in classes}
    if names & _ALL:
        return True
    if kind:
        return kind in names or (kind in ("KeyError", "IndexError") and "LookupError" in names)
    if isinstance(failing, ast.Call) and isinstance(failing.func, ast.Attribute) and failing.func.attr == "index":
        return "ValueError" in names
    return False


def _is_exception(name: str) -> bool:
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, BaseException)
