"""Lists that hold one item or none: ``if opened: opened.pop() else: opened.append(i)``, as for quotation marks.

Such a list becomes the item itself, or None. That there is never a second one is what the branches say: an item is
appended only where the list was asked for its truth and is empty.
"""

from __future__ import annotations

import ast
import copy

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift.uses import (
    Read,
    appended,
    flatten,
    is_empty_list,
    is_name,
    loads,
    placed,
    stores,
    together,
)

ITEM = "item that has to be there"
"""A function that gives back what it is given, and fails for None."""


def rewritten(function: ast.FunctionDef) -> ast.FunctionDef:
    """The function with such lists put as names; itself when it has none."""
    names = _popped(function)
    names = {name for name in names if _is_single(function, name)}
    if not names:
        return function
    function = copy.deepcopy(function)
    for name in sorted(names):
        _Single(name).visit(function)
    flatten(function)
    return function


def _popped(function: ast.FunctionDef) -> set[str]:
    return {name for x in pytree.walk(function) if (name := _pop(x))}


def _pop(x: ast.AST) -> str | None:
    """The name x of ``x.pop()``."""
    match x:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="pop"), args=[], keywords=[]):
            return name
    return None


def _is_single(function: ast.FunctionDef, name: str) -> bool:
    nodes = pytree.walk(function)
    appends = [x for x in nodes if isinstance(x, ast.Expr) and appended(x, name) is not None]
    pops = [x for x in nodes if isinstance(x, ast.Expr | ast.Assign | ast.AugAssign) and _pops(x, name)]
    if not appends:
        return False
    if not all(_makes_empty(s) for s in stores(function, name)):
        return False
    if not all(_uses(s, name) == 1 and _is_counter(nodes, appended(s, name)) for s in appends):
        return False
    reads = loads(function, name, [*appends, *pops])
    if reads is None or not all(_is_asked(nodes, r) for r in reads):
        return False
    return all(_only_when_empty(function.body, s, name, False) for s in appends)


def _makes_empty(s: ast.AST) -> bool:
    value = s.value if isinstance(s, ast.Assign | ast.AnnAssign) else None
    plain = not isinstance(s, ast.Assign) or (len(s.targets) == 1 and isinstance(s.targets[0], ast.Name))
    return plain and value is not None and is_empty_list(value)


def _pops(s: ast.AST, name: str) -> bool:
    """The statement takes the item off the list, and says nothing else of the list."""
    return _uses(s, name) == 1 and any(_pop(x) == name for x in pytree.walk(s))


def _is_counter(nodes: list[ast.AST], value: ast.expr | None) -> bool:
    """The item is a number that a loop counts: never None."""
    if not isinstance(value, ast.Name):
        return False
    bound = [x for x in nodes if is_name(x, value.id) and not isinstance(x.ctx, ast.Load)]  # type: ignore[attr-defined]
    counted = [x for x in nodes if isinstance(x, ast.For) and _counts(x, value.id)]
    return len(bound) == len(counted)


def _counts(loop: ast.For, name: str) -> bool:
    match loop.iter, loop.target:
        case ast.Call(func=ast.Name(id="range")), ast.Name(id=target):
            return target == name
        case ast.Call(func=ast.Name(id="enumerate"), args=[_]), ast.Tuple(elts=[ast.Name(id=target), _]):
            return target == name
    return False


def _binds(s: ast.Assign | ast.AnnAssign, name: str) -> bool:
    return is_name(s.targets[0] if isinstance(s, ast.Assign) else s.target, name)


def _uses(s: ast.AST, name: str) -> int:
    return sum(is_name(x, name) for x in pytree.walk(s))


def _is_asked(nodes: list[ast.AST], read: Read) -> bool:
    """The list is a condition or a part of one, or asked for its item or length."""
    if read.tested and isinstance(read.parent, ast.BoolOp | ast.UnaryOp):
        return True
    tests = any(isinstance(x, ast.If | ast.While | ast.IfExp) and x.test is read.node for x in nodes)
    return tests or _is_top(read.parent) or _is_length(read.parent, read.node.id)


def _is_top(x: ast.AST) -> bool:
    """``x[-1]`` and ``x[0]``."""
    return isinstance(x, ast.Subscript) and isinstance(x.ctx, ast.Load) and ast.unparse(x.slice) in ("-1", "0")


def _is_length(x: ast.AST, name: str) -> bool:
    return isinstance(x, ast.Call) and ast.unparse(x) == f"len({name})"


def _only_when_empty(block: list[ast.stmt], append: ast.stmt, name: str, empty: bool) -> bool:
    """Where the statement is reached, the list is known to be empty: a branch has said so, and nothing was appended."""
    for s in block:
        if s is append:
            return empty
        if not any(x is append for x in pytree.walk(s)):
            empty = empty and not _uses(s, name)
            continue
        if isinstance(s, ast.If):
            for side, holds in ((s.body, True), (s.orelse, False)):
                if any(x is append for x in pytree.walk(*side)):
                    return _only_when_empty(side, append, name, empty or _says_empty(s.test, name, holds))
        return any(_only_when_empty(b, append, name, False) for b in _blocks(s))
    return False


def _blocks(s: ast.stmt) -> list[list[ast.stmt]]:
    return [b for field in ("body", "orelse", "finalbody") if isinstance(b := getattr(s, field, None), list)]


def _says_empty(test: ast.expr, name: str, holds: bool) -> bool:
    """The test, where it holds or does not, says that the list is empty."""
    match test:
        case ast.Name(id=found):
            return found == name and not holds
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return _says_empty(inner, name, not holds)
        case ast.BoolOp(op=ast.And(), values=values):
            return holds and any(_says_empty(v, name, True) for v in values)
        case ast.BoolOp(op=ast.Or(), values=values):
            return not holds and any(_says_empty(v, name, False) for v in values)
    return False


class _Single(ast.NodeTransformer):
    """The list as the item that it holds, or None."""

    def __init__(self, name: str) -> None:
        self.name, self.item = name, f"item of {name}"

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Assign | ast.AnnAssign) and _binds(node, self.name):
            return self._set(ast.Constant(None), node)
        if isinstance(node, ast.Expr) and (value := appended(node, self.name)) is not None:
            return self._set(value, node)
        if isinstance(node, ast.Expr | ast.Assign | ast.AugAssign) and _pops(node, self.name):
            rest = [] if isinstance(node, ast.Expr) and _pop(node.value) else [super().visit(node)]
            return together(*rest, self._set(ast.Constant(None), node))
        if _pop(node) == self.name or (_is_top(node) and is_name(node.value, self.name)):  # type: ignore[attr-defined]
            return placed(self._get(), node)
        if _is_length(node, self.name):
            return placed(ast.IfExp(self._holds(), ast.Constant(1), ast.Constant(0)), node)
        return placed(self._holds(), node) if is_name(node, self.name) else super().visit(node)

    def _set(self, value: ast.expr, node: ast.AST) -> ast.stmt:
        return placed(ast.Assign([ast.Name(self.item, ast.Store())], value), node)

    def _holds(self) -> ast.expr:
        return ast.Compare(ast.Name(self.item, ast.Load()), [ast.IsNot()], [ast.Constant(None)])

    def _get(self) -> ast.expr:
        """The item; Python fails where there is none."""
        return ast.Call(ast.Name(ITEM, ast.Load()), [ast.Name(self.item, ast.Load())], [])
