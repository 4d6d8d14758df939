"""Lists that forget their oldest items: ``deque(maxlen=3)``, and ``if len(recent) > 3: recent.pop(0)`` after an append.

What such a list holds are the last items of one that forgets nothing: each read becomes ``recent[-3:]``.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping

from attndsl.dsl import pytree
from attndsl.dsl.frozen import frozen
from attndsl.dsl.pyimport.lift.uses import (
    Read,
    appended,
    is_empty_list,
    is_plain,
    loads,
    own_statements,
    placed,
    stores,
)


@frozen
class _Window:
    """A list by name, how many items it keeps, the statement that makes it, and those that make it forget."""

    name: str
    size: int
    begin: ast.stmt
    forget: tuple[ast.stmt, ...] = ()
    is_deque: bool = False


def rewritten(function: ast.FunctionDef, imports: Mapping[str, str]) -> ast.FunctionDef:
    """The function with such lists put as ones that forget nothing; itself when it has none."""
    deques = _names_of_deque(pytree.walk(function), imports)
    if not _windows(function, deques):
        return function
    function = copy.deepcopy(function)
    for window in _windows(function, deques):
        _Forgetting(window).visit(function)
    return function


def _names_of_deque(nodes: list[ast.AST], imports: Mapping[str, str]) -> frozenset[str]:
    """How the function may write ``collections.deque``."""
    known = dict(imports)
    for x in nodes:
        if isinstance(x, ast.ImportFrom) and x.module == "collections":
            known |= {alias.asname or alias.name: f"collections.{alias.name}" for alias in x.names}
    bound = {x.id for x in nodes if isinstance(x, ast.Name) and not isinstance(x.ctx, ast.Load)}
    names = {name: target for name, target in known.items() if name not in bound}
    own = {name for name, target in names.items() if target == "collections.deque"}
    return frozenset(own | {f"{name}.deque" for name, target in names.items() if target == "collections"})


def _windows(function: ast.FunctionDef, deques: frozenset[str]) -> list[_Window]:
    found = []
    nodes = pytree.walk(function)
    for x in nodes:
        if not (isinstance(x, ast.Assign | ast.AnnAssign) and x.value is not None):
            continue
        target = x.targets[0] if isinstance(x, ast.Assign) else x.target
        if not isinstance(target, ast.Name) or (isinstance(x, ast.Assign) and len(x.targets) > 1):
            continue
        size = _maxlen(x.value, deques)
        window = _Window(target.id, size, x, (), True) if size else None
        if is_empty_list(x.value) or size == 0:
            window = _cut_off(nodes, target.id, x, size == 0)
        if window is not None and _is_known(function, window):
            found.append(window)
    return found


def _maxlen(x: ast.expr, deques: frozenset[str]) -> int | None:
    """The length of ``deque(maxlen=3)``; 0 for an empty one without a limit, None for anything else."""
    if not isinstance(x, ast.Call) or ast.unparse(x.func) not in deques:
        return None
    given = [k.value for k in x.keywords if k.arg == "maxlen"]
    empty = not x.args or (len(x.args) == 1 and isinstance(x.args[0], ast.List) and not x.args[0].elts)
    if len(given) != len(x.keywords) or not empty:
        return None
    return (_size(given[0]) or None) if given else 0


def _size(x: ast.expr) -> int:
    return x.value if isinstance(x, ast.Constant) and type(x.value) is int else 0


def _cut_off(nodes: list[ast.AST], name: str, begin: ast.stmt, is_deque: bool) -> _Window | None:
    """The list of a loop that cuts off the oldest item whenever there are too many."""
    for loop in nodes:
        if not isinstance(loop, ast.For):
            continue
        own = own_statements(loop.body)
        cuts = [(s, size) for s in own if (size := _cut(s, name, is_deque))]
        appends = [s for s in own if appended(s, name) is not None]
        if not cuts or len({size for _, size in cuts}) != 1 or not appends:
            continue
        forget = tuple(s for s, _ in cuts)
        if all(_follows(loop.body, s, name, forget) for s in appends):
            return _Window(name, cuts[0][1], begin, forget, is_deque)
    return None


def _cut(s: ast.stmt, name: str, is_deque: bool) -> int:
    """How many items ``if len(x) > 3: x.pop(0)`` leaves; 0 for other statements."""
    if not (isinstance(s, ast.If) and not s.orelse and len(s.body) == 1):
        return 0
    own = (f"{name}.popleft()",) if is_deque else (f"{name}.pop(0)", f"{name} = {name}[1:]")  # the other has none
    if ast.unparse(s.body[0]) not in (f"del {name}[0]", *own):
        return 0
    match s.test:
        case ast.Compare(
            left=ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=found)]), ops=[op], comparators=[limit]
        ) if found == name:
            size = _size(limit)
            return size if isinstance(op, ast.Gt) else size - 1 if isinstance(op, ast.GtE) and size > 1 else 0
    return 0


def _follows(block: list[ast.stmt], append: ast.stmt, name: str, cuts: tuple[ast.stmt, ...]) -> bool:
    """Whenever the statement appends, the next thing that the iteration does with the list is to cut it."""
    for at, s in enumerate(block):
        inside = isinstance(s, ast.If) and any(x is append for x in own_statements([s]))
        if s is not append and not inside:
            continue
        if isinstance(s, ast.If):
            side = s.body if any(x is append for x in own_statements(s.body)) else s.orelse
            if _follows(side, append, name, cuts):
                return True
            if _mentions(side[side.index(append) + 1 :] if append in side else side, name) or _jumps(s):
                return False
            if append not in side:
                return False
        for after in block[at + 1 :]:
            if after in cuts:
                return True
            if _mentions([after], name) or _jumps(after):
                return False
        return False
    return False


def _mentions(block: list[ast.stmt], name: str) -> bool:
    return any(isinstance(x, ast.Name) and x.id == name for x in pytree.walk(*block))


def _jumps(s: ast.stmt) -> bool:
    return any(isinstance(x, ast.Break | ast.Continue | ast.Return) for x in pytree.walk(s))


def _is_known(function: ast.FunctionDef, window: _Window) -> bool:
    """Nothing but appends changes the list, and no read gives it a second name."""
    name = window.name
    appends = [x for x in pytree.walk(function) if isinstance(x, ast.Expr) and appended(x, name) is not None]
    cutting = {id(x) for s in window.forget for x in pytree.walk(s)}
    if any(s is not window.begin and id(s) not in cutting for s in stores(function, name)):
        return False
    if window.forget:
        loop = next(
            x for x in pytree.walk(function) if isinstance(x, ast.For) and window.forget[0] in own_statements(x.body)
        )
        if any(a not in own_statements(loop.body) for a in appends):
            return False
    reads = loads(function, name, [*appends, *window.forget])
    if reads is None or not all(is_plain(r) and not (window.is_deque and _only_of_lists(r)) for r in reads):
        return False
    return all(_uses(a, name) == 1 for a in appends)


def _only_of_lists(read: Read) -> bool:
    """A slice, a comparison or a copy: a deque has none, or another one."""
    match read.parent:
        case ast.Subscript(slice=index):
            return isinstance(index, ast.Slice)
        case ast.Compare(ops=ops):
            return not all(isinstance(op, ast.In | ast.NotIn) for op in ops)
    return isinstance(read.parent, ast.Attribute)


def _uses(s: ast.stmt, name: str) -> int:
    return sum(isinstance(x, ast.Name) and x.id == name for x in pytree.walk(s))


class _Forgetting(ast.NodeTransformer):
    """The list in its new form."""

    def __init__(self, window: _Window) -> None:
        self.window = window

    def visit(self, node: ast.AST) -> ast.AST:
        window = self.window
        if node is window.begin:
            empty = placed(ast.List([], ast.Load()), node)
            target = placed(ast.Name(window.name, ast.Store()), node)
            return placed(ast.Assign([target], empty), node)
        if any(node is s for s in window.forget):
            return placed(ast.Pass(), node)
        if isinstance(node, ast.Expr) and appended(node, window.name) is not None:
            return node
        if isinstance(node, ast.Name) and node.id == window.name and isinstance(node.ctx, ast.Load):
            last = ast.Slice(ast.UnaryOp(ast.USub(), ast.Constant(window.size)), None, None)
            return placed(ast.Subscript(ast.Name(window.name, ast.Load()), last, ast.Load()), node)
        visited: ast.AST = super().visit(node)
        return visited
