"""Lists and arrays that hand on an item to the next iteration: ``sent[i] = sent[i - 1] + 1``, ``ids.append(ids[-1])``.

The item that was stored or appended last gets a name, which iterations carry.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift.uses import appended

_READERS = frozenset(("len", "range", "enumerate", "zip", "sum", "max", "min", "list", "set", "sorted", "reversed",
                      "any", "all", "np.array", "np.asarray", "Counter"))  # fmt: skip


def lists(function: ast.FunctionDef) -> set[str]:
    """Names of nothing but new lists, which no other name and no other list holds as well."""
    nodes = pytree.walk(function)
    made: dict[str, bool] = {}
    arrays: set[str] = set()
    for x in nodes:
        if isinstance(x, ast.Assign) and isinstance(x.targets[0], ast.Name):
            name = x.targets[0].id
            array = _makes_array(x.value)
            made[name] = made.get(name, True) and (array or _makes_list(x.value))
            if array:
                arrays.add(name)
    back = (x.value for x in nodes if x.__class__ is ast.Subscript and x.slice.__class__ in _BACK)
    wanted = {x.id for x in back if isinstance(x, ast.Name) and made.get(x.id)}
    if not wanted:
        return wanted
    seen = Counter(x.id for x in nodes if isinstance(x, ast.Name))
    plain: Counter[str] = Counter()
    for x in nodes:
        plain.update(_plain_uses(x))
        for name in _views(x) if arrays else ():
            plain[name] -= name in arrays
        if isinstance(x, ast.Assign) and isinstance(x.targets[0], ast.Name) and len(x.targets) == 1:
            plain[x.targets[0].id] += 1
    return {name for name in wanted if seen[name] == plain[name]} - _changed_inside(nodes)


def _changed_inside(nodes: list[ast.AST]) -> set[str]:
    """The names whose items a function inside sets or appends to: a call of it changes the item that was last."""
    _, *others = nodes  # the function itself comes first
    inner = (y for x in others if isinstance(x, ast.FunctionDef | ast.Lambda) for y in pytree.walk(x))
    of_names = (x for x in inner if isinstance(x, ast.Attribute | ast.Subscript) and isinstance(x.value, ast.Name))
    stored = (x for x in of_names if isinstance(x, ast.Attribute) or not isinstance(x.ctx, ast.Load))
    return {x.value.id for x in stored}  # type: ignore[attr-defined]


_BACK = (ast.UnaryOp, ast.BinOp)
"""What ``-1`` and ``i - 1`` are: without such an item, the cheap question, a list hands nothing on."""


def _plain_uses(x: ast.AST) -> Iterator[str]:
    """Names that are read here in a way that gives the list no other name."""
    found: list[ast.expr] = []
    if isinstance(x, ast.Subscript):
        found = [x.value]
    elif isinstance(x, ast.For | ast.comprehension):
        found = [x.iter]
    elif isinstance(x, ast.Compare):
        found = [x.left, *x.comparators]
    elif isinstance(x, ast.If | ast.IfExp | ast.While):
        found = [x.test]
    elif isinstance(x, ast.UnaryOp):
        found = [x.operand]
    elif isinstance(x, ast.BoolOp):
        found = x.values
    elif isinstance(x, ast.Call) and ast.unparse(x.func) in _READERS:
        found = x.args
    elif isinstance(x, ast.BinOp):
        found = [x.left, x.right]
    elif (isinstance(x, ast.Attribute) and x.attr in ("append", *_ASKED)) or (
        isinstance(x, ast.Assign) and _sets_part(x)
    ):
        found = [x.value]
    return (y.id for y in found if isinstance(y, ast.Name))


_ASKED = frozenset(("max", "min", "sum", "mean", "std", "any", "all", "argmax", "argmin", "copy", "astype", "tolist",
                    "size", "shape", "dtype", "index", "count"))  # fmt: skip
"""What is asked of a list or array, and gives no second name to it."""


def _sets_part(x: ast.Assign) -> bool:
    """``A[:, 0] = ...``: an array takes the numbers."""
    target = x.targets[0]
    return len(x.targets) == 1 and isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice | ast.Tuple)


def _views(x: ast.AST) -> list[str]:
    """Names of which a part is kept under a name of its own: of an array that is a second way to change it."""
    if not isinstance(x, ast.Assign | ast.AnnAssign | ast.NamedExpr) or x.value is None:
        return []
    parts = [y for y in pytree.walk(x.value) if isinstance(y, ast.Subscript) and isinstance(y.slice, ast.Slice)]
    named = isinstance(x, ast.AnnAssign | ast.NamedExpr) or not isinstance(x.targets[0], ast.Subscript)
    return [y.value.id for y in parts if named and isinstance(y.value, ast.Name)]


def _makes_array(x: ast.expr) -> bool:
    """``np.zeros(n, dtype=int)`` and the like."""
    return isinstance(x, ast.Call) and ast.unparse(x.func) in ("np.zeros", "np.ones", "np.full", "numpy.zeros")


def _makes_list(x: ast.expr) -> bool:
    if isinstance(x, ast.BinOp) and isinstance(x.op, ast.Mult):
        return isinstance(x.left, ast.List) or isinstance(x.right, ast.List)
    return isinstance(x, ast.List | ast.ListComp)


def handed_on(loop: ast.For, lists: set[str]) -> Iterator[tuple[str, str]]:
    """The lists of a loop by name, and how their last item is read: ``x[i - 1]``, or ``x[-1]`` of those appended to."""
    for name in sorted(lists & {x.id for x in pytree.walk(*loop.body) if isinstance(x, ast.Name)}):
        if _appends_after_last(loop, name):
            yield name, "append"
        elif _stores_after_previous(loop, name):
            yield name, "store"


def _appends_after_last(loop: ast.For, name: str) -> bool:
    """In the loop the list is only appended to and read at -1."""
    uses = reads = appends = 0
    for x in pytree.walk(*loop.body):
        uses += isinstance(x, ast.Name) and x.id == name
        reads += isinstance(x, ast.Subscript) and _is_item(x, name) and ast.unparse(x.slice) == "-1"
        appends += appended(x, name) is not None
        if isinstance(x, ast.Subscript) and _is_item(x, name) and not isinstance(x.ctx, ast.Load):
            return False
    return bool(reads and appends and uses == reads + appends) and not _is_inner(loop, name)


def _counted(loop: ast.For) -> tuple[str, int] | None:
    """The name that counts the iterations, and where it begins."""
    match loop.iter, loop.target:
        case ast.Call(func=ast.Name(id="range"), args=[_], keywords=[]), ast.Name(id=i):
            return i, 0
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(start)), _], keywords=[]), ast.Name(id=i):
            return (i, start) if type(start) is int else None
        case ast.Call(func=ast.Name(id="enumerate"), args=[_], keywords=[]), ast.Tuple(elts=[ast.Name(id=i), _]):
            return i, 0
    return None


def _stores_after_previous(loop: ast.For, name: str) -> bool:
    """The list is read at i - 1 and i only, and set at i, where i counts the iterations."""
    counted = _counted(loop)
    if counted is None:
        return False
    i, start = counted
    uses = before = at = stores = 0
    inside = pytree.walk(*loop.body)
    assigned = {id(target) for x in inside for target in _targets(x)}
    for x in inside:
        uses += isinstance(x, ast.Name) and x.id == name
        if isinstance(x, ast.Name) and x.id == i and not isinstance(x.ctx, ast.Load):
            return False
        if isinstance(x, ast.Subscript) and _is_item(x, name):
            place = ast.unparse(x.slice)
            load = isinstance(x.ctx, ast.Load)
            if not load and id(x) not in assigned:
                return False
            before += load and place == f"{i} - 1"
            at += place == i
            stores += not load and place == i
    if not (before and stores and uses == before + at) or _is_inner(loop, name):
        return False
    return start > 0 or not _reads_after_store(loop.body, name, f"{i} - 1", [False])


def _targets(x: ast.AST) -> list[ast.AST]:
    """What an assignment sets, and all that stands there."""
    if isinstance(x, ast.AugAssign) or (isinstance(x, ast.AnnAssign) and x.value is not None):
        return [x.target]
    return pytree.walk(*x.targets) if isinstance(x, ast.Assign) else []


def _reads_after_store(block: list[ast.stmt], name: str, place: str, stored: list[bool]) -> bool:
    """An item at ``place`` may be read in an iteration that has set one: of a list of one item they are the same."""
    for s in block:
        if isinstance(s, ast.If):
            sides = [[stored[0]], [stored[0]]]
            if (stored[0] and _reads(s.test, name, place)) or any(
                _reads_after_store(b, name, place, side) for b, side in zip((s.body, s.orelse), sides, strict=True)
            ):
                return True
            stored[0] = sides[0][0] or sides[1][0]
            continue
        sets = any(isinstance(x, ast.Subscript) and _is_item(x, name) and not isinstance(x.ctx, ast.Load) for x in
                   pytree.walk(s))  # fmt: skip
        plain = isinstance(s, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr)
        if _reads(s, name, place) and (stored[0] or (sets and not plain)):
            return True
        stored[0] = stored[0] or sets
    return False


def _reads(s: ast.AST, name: str, place: str) -> bool:
    return any(isinstance(x, ast.Subscript) and _is_item(x, name) and ast.unparse(x.slice) == place
               for x in pytree.walk(s))  # fmt: skip


def _is_inner(loop: ast.For, name: str) -> bool:
    """A function or comprehension inside the loop reads the list, or a loop inside it does so for itself."""
    kinds = ast.FunctionDef | ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    inside = (x for x in pytree.walk(*loop.body) if isinstance(x, kinds))
    return any(isinstance(y, ast.Name) and y.id == name for x in inside for y in pytree.walk(x))


def _is_item(x: ast.Subscript, name: str) -> bool:
    return isinstance(x.value, ast.Name) and x.value.id == name


def in_blocks(node: ast.AST, lists: set[str]) -> None:
    """Rewrite the loops of all blocks inside, the outer ones first."""
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, None)
        if not isinstance(block, list):
            continue
        out: list[ast.stmt] = []
        for s in block:
            if isinstance(s, ast.For):
                out.extend(_rewrite_loop(s, lists))
            out.append(s)
            in_blocks(s, lists)
        setattr(node, field, out)


def _rewrite_loop(loop: ast.For, lists: set[str]) -> list[ast.stmt]:
    """Changes the loop; gives what has to stand before it."""
    before: list[ast.stmt] = []
    for name, how in list(handed_on(loop, lists)):
        if how == "append":
            before.append(_parsed(f"if {name}: _last = {name}[-1]", name, loop))
            loop.body = [_Appending(name).visit(s) for s in loop.body]
        else:
            counted = _counted(loop)
            assert counted is not None
            i, first = counted
            begin = f"if _begun: _last = _begun[{first - 1}]"
            if first > 1:
                begin = f"_last = _begun[{first - 1}] if len(_begun) >= {first} else 0"
            before += [_parsed(s, name, loop) for s in (f"_begun = list({name})", begin)]
            start = [_parsed(s, name, loop) for s in ("_before = _last", f"if {i} < len(_begun): _last = _begun[{i}]")]
            loop.body = [*start, *(_Storing(name, i, first > 1).visit(s) for s in loop.body)]
        loop.body = [x for s in loop.body for x in (s if isinstance(s, list) else [s])]
    return before


STORED = "item as stored in"
"""A function of a list and a value: the value as an item of that list. An array's items are of its own sort."""

_NEW = {"_stored": STORED, "_last": "last item of", "_begun": "items of", "_before": "item before of"}


def _parsed(text: str, name: str, place: ast.AST) -> ast.stmt:
    """A statement in which ``_last`` and the like are the new names."""
    (found,) = ast.parse(text).body
    for x in ast.walk(found):
        if isinstance(x, ast.Name) and x.id in _NEW:
            x.id = STORED if x.id == "_stored" else f"{_NEW[x.id]} {name}"
        if isinstance(x, ast.expr | ast.stmt):
            ast.copy_location(x, place)
    return found


class _Appending(ast.NodeTransformer):
    """``x.append(e)`` and ``x[-1]`` with the item that was appended last under a name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.AST]:
        value = appended(node, self.name)
        if value is None:
            return self.generic_visit(node)
        first = _parsed("_last = 0", self.name, node)
        assert isinstance(first, ast.Assign)
        first.value = self.visit(value)
        return [first, _parsed(f"{self.name}.append(_last)", self.name, node)]

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if _is_item(node, self.name):
            return ast.copy_location(ast.Name(f"{_NEW['_last']} {self.name}", ast.Load()), node)
        return self.generic_visit(node)


class _Storing(ast.NodeTransformer):
    """``x[i] = e``, ``x[i]`` and ``x[i - 1]`` with the items under names."""

    def __init__(self, name: str, at: str, may_fail: bool) -> None:
        self.name, self.at, self.may_fail = name, at, may_fail

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.AST]:
        node.value = self.visit(node.value)
        return self._stored(node, node.targets)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | list[ast.AST]:
        if node.value is None:
            return node
        return self.visit_Assign(ast.copy_location(ast.Assign([node.target], node.value), node))

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | list[ast.AST]:
        node.value = self.visit(node.value)
        return self._stored(node, [node.target])

    def _stored(self, node: ast.Assign | ast.AugAssign, targets: list[ast.expr]) -> ast.AST | list[ast.AST]:
        own = [t for t in targets if isinstance(t, ast.Subscript) and _is_item(t, self.name)]
        again = _parsed(f"_last = _stored({self.name}, _last)", self.name, node)
        kept = _parsed(f"{self.name}[{self.at}] = _last", self.name, node)
        if not own or len(targets) > 1:
            sets = any(isinstance(x, ast.Subscript) and _is_item(x, self.name) and not isinstance(x.ctx, ast.Load)
                       for x in pytree.walk(*targets))  # fmt: skip
            changed = self.generic_visit(node)
            return [changed, again, kept] if sets else changed
        name = ast.copy_location(ast.Name(f"{_NEW['_last']} {self.name}", ast.Store()), own[0])
        if isinstance(node, ast.Assign):
            node.targets = [name]
            stored = ast.Call(ast.Name(STORED, ast.Load()), [ast.Name(self.name, ast.Load()), node.value], [])
            node.value = ast.copy_location(stored, node.value)
            return [node, kept]
        node.target = name
        return [node, again, kept]

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if not _is_item(node, self.name):
            return self.generic_visit(node)
        which = "_last" if ast.unparse(node.slice) == self.at else "_before"
        if which == "_before" and self.may_fail:  # the list may be too short for the first iteration
            text = f"_ = _before if {self.at} <= len(_begun) else _begun[{self.at} - 1]"
            found = _parsed(text, self.name, node)
            assert isinstance(found, ast.Assign)
            return found.value
        return ast.copy_location(ast.Name(f"{_NEW[which]} {self.name}", node.ctx), node)
