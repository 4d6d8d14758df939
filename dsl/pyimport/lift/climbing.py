"""Walks from a word up to the root: ``for a in word.ancestors``, and ``while word.head != word: word = word.head``.

That is no order of the text. But of two ancestors of one word the nearer one has the other among its own ancestors,
and more of them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.uses import is_name, placed
from attndsl.dsl.pyimport.lift.values import Binder


def comes_after(b: Binder, x: Term, y: Term) -> Term:
    """In such a walk the word x comes after the word y."""
    far, near = (y, x) if b.descending else (x, y)
    return T.mk("within", None, (far, T.feature(near, "ancestors", "words")), "bool")


def end(kind: str, b: Binder, y: Term, where: Term) -> Term:
    """The first or last word y of such a walk at which the condition holds."""
    a = T.fresh("word")
    depth = T.agg("count", a, T.feature(y, "ancestors", "words"), T.NONE, T.NONE, T.TRUE)
    nearest = (kind == "first") != b.descending
    return T.agg("argmax" if nearest else "argmin", y, b.domain, T.NONE, T.NONE, where, depth)


# ---------------------------------------------------------------- while


def as_for(m: Machine, node: ast.While, run: Callable[[Machine, list[ast.stmt]], bool]) -> bool | None:
    """Run a loop that climbs until it is at the root or a test fails; None when it does something else.

    The word itself comes first, then its ancestors, of which the root fails the test.
    """
    name = _climber(node)
    if name is None:
        return None
    start = f"{name}@start"  # no name of Python's
    at = next(k for k, s in enumerate(node.body) if _steps_up(s, name))
    before, after = node.body[:at], node.body[at + 1 :]
    ends = ast.If(ast.UnaryOp(ast.Not(), node.test), [ast.Break()], [])
    above = ast.Attribute(ast.Name(start, ast.Load()), "ancestors", ast.Load())
    walk = ast.For(ast.Name(name, ast.Store()), above, [*after, ends, *before], [])
    keeps = ast.Assign([ast.Name(start, ast.Store())], ast.Name(name, ast.Load()))
    made = ast.If(node.test, [keeps, *before, walk], [])
    return run(m, [placed(made, node)])


def _climber(node: ast.While) -> str | None:
    """The name that climbs."""
    names = {s.targets[0].id for s in node.body if isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name)}
    found = [name for name in sorted(names) if any(_steps_up(s, name) for s in node.body)]
    if len(found) != 1 or node.orelse or not any(_is_no_root(t, found[0]) for t in _tests(node.test)):
        return None
    (name,) = found
    at = next(k for k, s in enumerate(node.body) if _steps_up(s, name))
    others = [*node.body[:at], *node.body[at + 1 :]]
    if any(isinstance(x, ast.Break | ast.Continue | ast.Return) for x in pytree.walk(*others)):
        return None
    sets = any(is_name(x, name) and not isinstance(x.ctx, ast.Load) for x in pytree.walk(*others))  # type: ignore[attr-defined]
    return None if sets else name


def _tests(test: ast.expr) -> list[ast.expr]:
    return test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]


def _steps_up(s: ast.stmt, name: str) -> bool:
    """``word = word.head``."""
    match s:
        case ast.Assign(targets=[ast.Name(id=target)], value=ast.Attribute(value=ast.Name(id=source), attr="head")):
            return target == source == name
    return False


def _is_no_root(test: ast.expr, name: str) -> bool:
    """``word.head != word`` and what says the same."""
    match test:
        case ast.Compare(left=left, ops=[ast.NotEq()], comparators=[right]):
            sides = {ast.unparse(left), ast.unparse(right)}
            return sides in ({f"{name}.head", name}, {f"{name}.head.i", f"{name}.i"})
    return False
