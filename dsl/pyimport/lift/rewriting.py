"""Functions that mean a generator: ``map``, ``filter`` and those of ``itertools``, written as one.

No name of a program has a space in it, so the variables of the new generators have.
"""

from __future__ import annotations

import ast
from typing import TypeVar

from attndsl.dsl.pyimport.lift import walks
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.values import Seq, Value

_Node = TypeVar("_Node", bound=ast.AST)


def placed(made: _Node, node: ast.AST) -> _Node:
    """The new nodes, at the place of the old one."""
    for part in ast.walk(made):
        if not hasattr(part, "lineno"):
            ast.copy_location(part, node)
    return made


def _get(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _set(name: str) -> ast.Name:
    return ast.Name(name, ast.Store())


def _loop(target: ast.expr, walked: ast.expr, *tests: ast.expr) -> ast.comprehension:
    return ast.comprehension(target, walked, list(tests), is_async=False)


def mapped(m: Machine, node: ast.Call) -> Value:
    """``map(f, xs)`` as ``(f(x) for x in xs)``; of several sequences, of their ``zip``."""
    function, *given = node.args
    names = [f"argument of map {k}" for k in range(len(given))]
    walked = given[0] if len(given) == 1 else ast.Call(_get("zip"), given, [])
    target = _set(names[0]) if len(given) == 1 else ast.Tuple([_set(name) for name in names], ast.Store())
    element = _applied(function, [_get(name) for name in names])
    return evaluate(m, placed(ast.GeneratorExp(element, [_loop(target, walked)]), node))


def filtered(m: Machine, node: ast.Call) -> Value:
    """``filter(f, xs)`` as ``(x for x in xs if f(x))``; ``filter(None, xs)`` asks x itself."""
    function, walked = node.args
    name = "argument of filter"
    no_function = isinstance(function, ast.Constant) and function.value is None
    test = _get(name) if no_function else _applied(function, [_get(name)])
    return evaluate(m, placed(ast.GeneratorExp(_get(name), [_loop(_set(name), walked, test)]), node))


def _applied(function: ast.expr, items: list[ast.Name]) -> ast.expr:
    """``f(x)``; ``str.lower`` is a method of its first argument."""
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "str":
        return ast.Call(ast.Attribute(items[0], function.attr, ast.Load()), list(items[1:]), [])
    return ast.Call(function, list(items), [])


def multiplied(m: Machine, node: ast.Call) -> Value:
    """``product(xs, ys)`` as ``((x, y) for x in xs for y in ys)``, and ``product(xs, repeat=2)``."""
    options = {k.arg: k.value for k in node.keywords}
    times = options.pop("repeat", ast.Constant(1))
    again = times.value if isinstance(times, ast.Constant) else 0
    if options or not isinstance(again, int) or not 1 <= again <= 3 or not node.args:
        raise m.stop("product with these arguments", node, "E0305")
    walked = [a for _ in range(again) for a in node.args]
    if any(isinstance(a, ast.Starred) for a in walked):
        raise m.stop("product with these arguments", node, "E0305")
    names = [f"argument of product {k}" for k in range(len(walked))]
    loops = [_loop(_set(name), a) for name, a in zip(names, walked, strict=True)]
    element = ast.Tuple([_get(name) for name in names], ast.Load())
    return evaluate(m, placed(ast.GeneratorExp(element, loops), node))


def combined(m: Machine, node: ast.Call) -> Value:
    """``combinations(range(n), 2)`` as ``((a, b) for a in range(n) for b in range(a + 1, n))``; of a list, of which the
    second element comes after the place of the first."""
    match node:
        case ast.Call(args=[ast.Call(func=ast.Name(id="range"), args=[high], keywords=[]), ast.Constant(value=2)]):
            a, b = "argument of combinations 0", "argument of combinations 1"
            rest = ast.Call(_get("range"), [ast.BinOp(_get(a), ast.Add(), ast.Constant(1)), high], [])
            first = ast.Call(_get("range"), [high], [])
            loops = [_loop(_set(a), first), _loop(_set(b), rest)]
            pair = ast.Tuple([_get(a), _get(b)], ast.Load())
            return evaluate(m, placed(ast.GeneratorExp(pair, loops), node))
        case ast.Call(args=[ast.Name() as walked, ast.Constant(value=2)], keywords=[]):
            a, b, place = (f"argument of combinations {k}" for k in range(3))
            after = ast.Slice(ast.BinOp(_get(place), ast.Add(), ast.Constant(1)))
            numbered = ast.Call(_get("enumerate"), [walked], [])
            loops = [
                _loop(ast.Tuple([_set(place), _set(a)], ast.Store()), numbered),
                _loop(_set(b), ast.Subscript(walked, after, ast.Load())),
            ]
            pair = ast.Tuple([_get(a), _get(b)], ast.Load())
            return evaluate(m, placed(ast.GeneratorExp(pair, loops), node))
    raise m.stop("combinations of this", node, "E0305")


def chained(m: Machine, node: ast.Call) -> Value:
    """``chain(xs, ys)``: the elements of one, then those of the next."""
    from attndsl.dsl.pyimport.lift.sequences import iterable

    values = [evaluate(m, a) for a in node.args if not isinstance(a, ast.Starred)]
    seqs = [iterable(m, v) for v in values]
    if len(seqs) != len(node.args) or node.keywords or any(s.is_set for s in seqs):
        raise m.stop("chain with these arguments", node, "E0305")
    live = walks.out_of_step(walks.together([walks.of(m, v) for v in values]))
    return walks.iterator(m, Seq(tuple(p for s in seqs for p in s.parts)), live)
