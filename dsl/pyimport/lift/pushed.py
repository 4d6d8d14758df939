"""Stacks: ``opened.append(i)`` at an opening bracket, ``j = opened.pop()`` at a closing one.

A stack becomes the number of its items, and a list of all that was ever pushed, each with the number of items from
then on. Its top is what was pushed last with the number that there is now: what lies above was taken off since, and
what was pushed there before lies below no more.
"""

from __future__ import annotations

import ast
import copy

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift.uses import appended, flatten, is_empty_list, is_name, placed, together


def rewritten(function: ast.FunctionDef) -> ast.FunctionDef:
    """The function with its stacks put so; itself when it has none."""
    nodes = pytree.walk(function)
    names = {name for x in nodes if (name := _pop(x))}
    names = {name for name in names if _is_stack(function, name)}
    if not names or any(isinstance(x, ast.Try) for x in nodes):
        return function
    function = copy.deepcopy(function)
    for name in sorted(names):
        _Stack(name, _loop(function, name)).visit(function)
    flatten(function)
    return function


def _pop(x: ast.AST) -> str | None:
    """The name x of ``x.pop()``."""
    match x:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="pop"), args=[], keywords=[]):
            return name
    return None


def _loop(function: ast.FunctionDef, name: str) -> ast.For | None:
    """The innermost loop with all pushes and pops."""
    found = None
    changes = [x for x in pytree.walk(function) if appended(x, name) is not None or _pop(x) == name]
    for loop in pytree.walk(function):
        if isinstance(loop, ast.For):
            inside = {id(x) for x in pytree.walk(loop)}
            if all(id(x) in inside for x in changes):
                found = loop  # the nodes come level by level: what comes later stands further inside
    return found


def _is_stack(function: ast.FunctionDef, name: str) -> bool:
    """Every mention of the list is one of a stack, and every statement takes off one item at the most."""
    loop = _loop(function, name)
    if loop is None:
        return False
    inner = [x for x in pytree.walk(function) if isinstance(x, ast.FunctionDef | ast.Lambda) and x is not function]
    if any(is_name(y, name) for x in inner for y in pytree.walk(x)):
        return False
    known: set[int] = set()
    for x in pytree.walk(function):
        known |= {id(y) for y in _mentions(x, name)}
    own = [x for x in pytree.walk(function) if is_name(x, name)]
    begins = [s for s in _bindings(function, name) if not any(x is s for x in pytree.walk(loop))]
    return all(id(x) in known for x in own) and len(begins) == 1


def _bindings(function: ast.AST, name: str) -> list[ast.Assign]:
    return [
        s
        for s in pytree.walk(function)
        if isinstance(s, ast.Assign) and len(s.targets) == 1 and is_name(s.targets[0], name) and is_empty_list(s.value)
    ]


def _mentions(x: ast.AST, name: str) -> list[ast.AST]:
    """The mentions of the list in a change, or in a question that a stack can answer."""
    if isinstance(x, ast.Assign) and x in _bindings(x, name):
        return [x.targets[0]]
    if isinstance(x, ast.Expr) and (value := appended(x, name)) is not None:
        plain = not any(is_name(y, name) for y in pytree.walk(value))
        return [x.value.func.value] if plain else []  # type: ignore[attr-defined]
    if isinstance(x, ast.Expr | ast.Assign | ast.AugAssign):
        inside = pytree.walk(x)
        alone = sum(is_name(y, name) for y in inside) == 1 and not any(_is_inner(y) for y in inside)
        return [y.func.value for y in inside if _pop(y) == name] if alone else []  # type: ignore[attr-defined]
    match x:
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            return [y for y in _truths(test) if is_name(y, name)]
        case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=own) as read]):
            return [read] if own == name else []
        case ast.Subscript(value=ast.Name(id=own) as read, slice=place, ctx=ast.Load()):
            return [read] if own == name and ast.unparse(place) == "-1" else []
    return []


def _is_inner(x: ast.AST) -> bool:
    """What may be evaluated several times, or not at all."""
    return isinstance(x, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp | ast.IfExp | ast.BoolOp)


def _truths(test: ast.expr) -> list[ast.expr]:
    """The parts of a condition that are asked for their truth."""
    if isinstance(test, ast.BoolOp):
        return [y for v in test.values for y in _truths(v)]
    return _truths(test.operand) if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) else [test]


class _Stack(ast.NodeTransformer):
    """The list as the number of its items and all that was pushed."""

    def __init__(self, name: str, loop: ast.For | None) -> None:
        self.name, self.inside = name, {id(x) for x in pytree.walk(loop)} if loop is not None else set()
        self.size, self.pushed, self.item = f"size of {name}", f"all pushed on {name}", f"item pushed on {name}"

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Assign) and node in _bindings(node, self.name):
            begin = [self._set(self.size, ast.Constant(0))]
            if id(node) not in self.inside:
                begin.append(self._set(self.pushed, ast.List([], ast.Load())))
            return together(*(placed(s, node) for s in begin))
        if isinstance(node, ast.Expr) and (value := appended(node, self.name)) is not None:
            return together(*(placed(s, node) for s in self._push(value)))
        simple = isinstance(node, ast.Expr | ast.Assign | ast.AugAssign)
        if simple and any(_pop(y) == self.name for y in pytree.walk(node)):
            less = self._set(self.size, ast.BinOp(self._size(), ast.Sub(), ast.Constant(1)))
            own: ast.AST = node
            if isinstance(node, ast.Expr) and _pop(node.value):
                own = placed(self._set(self.item, self._top()), node)  # it fails where there is none
            return together(super().visit(own), placed(less, node))
        if _pop(node) == self.name or (isinstance(node, ast.Subscript) and is_name(node.value, self.name)):
            return placed(self._top(), node)
        if isinstance(node, ast.Call) and ast.unparse(node) == f"len({self.name})":
            return placed(self._size(), node)
        if is_name(node, self.name):
            return placed(ast.Compare(self._size(), [ast.Gt()], [ast.Constant(0)]), node)
        visited: ast.AST = super().visit(node)
        return visited

    def _set(self, name: str, value: ast.expr) -> ast.stmt:
        return ast.Assign([ast.Name(name, ast.Store())], value)

    def _size(self) -> ast.expr:
        return ast.Name(self.size, ast.Load())

    def _push(self, value: ast.expr) -> list[ast.stmt]:
        more = self._set(self.size, ast.BinOp(self._size(), ast.Add(), ast.Constant(1)))
        into = ast.Attribute(ast.Name(self.pushed, ast.Load()), "append", ast.Load())
        return [more, ast.Expr(ast.Call(into, [ast.Tuple([self._size(), copy.deepcopy(value)], ast.Load())], []))]

    def _top(self) -> ast.expr:
        """``[x for s, x in pushed if s == size][-1]``."""
        size, item = f"size then of {self.name}", f"item then of {self.name}"
        pair = ast.Tuple([ast.Name(size, ast.Store()), ast.Name(item, ast.Store())], ast.Store())
        test = ast.Compare(ast.Name(size, ast.Load()), [ast.Eq()], [self._size()])
        walk = ast.comprehension(pair, ast.Name(self.pushed, ast.Load()), [test], is_async=False)
        last = ast.UnaryOp(ast.USub(), ast.Constant(1))
        return ast.Subscript(ast.ListComp(ast.Name(item, ast.Load()), [walk]), last, ast.Load())
