"""How the statements of a function use one list: what fills it, what reads it, and what gives it a second name."""

from __future__ import annotations

import ast
from typing import TypeVar

from attndsl.dsl import pytree
from attndsl.dsl.frozen import frozen

_Node = TypeVar("_Node", bound=ast.AST)
_READERS = frozenset(("len", "range", "enumerate", "zip", "sum", "max", "min", "list", "set", "tuple", "sorted",
                      "reversed", "any", "all", "np.array", "np.asarray", "np.mean", "np.sum", "Counter"))  # fmt: skip
_METHODS = frozenset(("index", "count", "copy"))
_ADDERS = frozenset(("extend", "update"))


@frozen
class Read:
    """A place where the list is read, and the node around it."""

    node: ast.Name
    parent: ast.AST
    tested: bool  # the node around it is asked for its truth only


def placed(made: _Node, node: ast.AST) -> _Node:
    """The new nodes, at the place of the old one."""
    for part in ast.walk(made):
        if isinstance(part, ast.expr | ast.stmt) and not hasattr(part, "lineno"):
            ast.copy_location(part, node)
    return made


def own_statements(block: list[ast.stmt]) -> list[ast.stmt]:
    """The statements of a loop body that are in no loop or other block but ``if``."""
    found = []
    for s in block:
        found.append(s)
        if isinstance(s, ast.If):
            found += [*own_statements(s.body), *own_statements(s.orelse)]
    return found


def is_empty_list(x: ast.expr) -> bool:
    match x:
        case ast.List(elts=[]) | ast.Call(func=ast.Name(id="list"), args=[], keywords=[]):
            return True
    return False


def is_name(x: ast.AST, name: str) -> bool:
    return isinstance(x, ast.Name) and x.id == name


def appended(s: ast.AST, name: str) -> ast.expr | None:
    """What the statement appends to the list of that name."""
    match s:
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(value=ast.Name(id=found), attr="append"), args=[value], keywords=[])
        ) if found == name and not isinstance(value, ast.Starred):
            return value
    return None


def stores(function: ast.FunctionDef, name: str) -> list[ast.AST]:
    """The statements (or other nodes) that bind the name."""
    found: list[ast.AST] = []
    for x in pytree.walk(function):
        for part in pytree.children(x):
            own = part.elts if isinstance(part, ast.Tuple | ast.List) else [part]
            if any(isinstance(y, ast.Name) and y.id == name and not isinstance(y.ctx, ast.Load) for y in own):
                found.append(x)
    return found


def loads(function: ast.FunctionDef, name: str, but: list[ast.stmt]) -> list[Read] | None:
    """The reads of the list outside these statements; None when a function inside has one."""
    inner = [x for x in pytree.walk(function) if isinstance(x, ast.FunctionDef | ast.Lambda) and x is not function]
    if any(isinstance(y, ast.Name) and y.id == name for x in inner for y in pytree.walk(x)):
        return None
    skipped = {id(y) for s in but for y in pytree.walk(s)}
    asked = _asked(function)
    found = []
    for x in pytree.walk(function):
        if id(x) in skipped:
            continue
        for part in pytree.children(x):
            if isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, ast.Load):
                found.append(Read(part, x, id(x) in asked))
    return found


def _asked(function: ast.FunctionDef) -> set[int]:
    """The conditions, and what they are made of with ``and``, ``or`` and ``not``."""
    todo: list[ast.expr] = []
    for x in pytree.walk(function):
        if isinstance(x, ast.If | ast.While | ast.IfExp):
            todo.append(x.test)
        elif isinstance(x, ast.comprehension):
            todo.extend(x.ifs)
    found: set[int] = set()
    while todo:
        at = todo.pop()
        found.add(id(at))
        if isinstance(at, ast.BoolOp):
            todo.extend(at.values)
        elif isinstance(at, ast.UnaryOp):
            todo.append(at.operand)
    return found


def is_plain(read: Read) -> bool:
    """The read gives the list no other name, and changes nothing."""
    x, own = read.parent, read.node
    match x:
        case ast.Subscript(ctx=ast.Load()):
            return x.value is own
        case ast.For() | ast.comprehension():
            return x.iter is own
        case ast.Compare() | ast.If() | ast.While() | ast.UnaryOp():
            return True
        case ast.BoolOp():
            return read.tested
        case ast.IfExp():
            return x.test is own
        case ast.Call(func=ast.Attribute(attr=method)) if method in _ADDERS:
            return own in x.args
        case ast.Call():
            return own in x.args and ast.unparse(x.func) in _READERS
        case ast.Attribute(attr=method):
            return method in _METHODS
    return False


def is_kept(read: Read, named: bool) -> bool:
    """The list is appended to another one or, with ``named``, assigned: a second way to it, which changes nothing."""
    match read.parent:
        case ast.Call(func=ast.Attribute(attr="append"), args=[value]):
            return value is read.node
        case ast.Assign():
            return named  # the list is what is assigned: it is read there
    return False


def in_own_block(function: ast.FunctionDef, s: ast.stmt) -> list[ast.stmt]:
    """The block in which the statement stands."""
    for x in pytree.walk(function):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(x, field, None)
            if isinstance(block, list) and any(y is s for y in block):
                return block
    return [s]


def together(*statements: ast.AST) -> ast.stmt:
    """Several statements where the tree has place for one; ``flatten`` takes them apart again."""
    found = [s for s in statements if isinstance(s, ast.stmt)]
    return placed(ast.If(ast.Constant(_TOGETHER), found, []), found[0])


_TOGETHER = "statements that belong together"


def flatten(node: ast.AST) -> None:
    for own in pytree.walk(node):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(own, name, None)
            if isinstance(block, list):
                while any(_is_together(s) for s in block):
                    block[:] = [x for s in block for x in (s.body if _is_together(s) else [s])]


def _is_together(s: ast.AST) -> bool:
    return isinstance(s, ast.If) and isinstance(s.test, ast.Constant) and s.test.value is _TOGETHER
