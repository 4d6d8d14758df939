"""Lists and dicts that stand for what an iteration hands to the next one, put as names.

``sent[i] = sent[i - 1] + 1`` reads what the iteration before has stored, ``ids.append(ids[-1])`` what was appended
last, and ``last = {"noun": -1, "verb": -1}`` is two names that a loop sets. Names that iterations carry are what the
lifter knows how to sum up. No name of a program has a space in it, so the new ones have.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from attndsl.dsl import pytree


def rewritten(function: ast.FunctionDef) -> ast.FunctionDef:
    """The function with such lists and dicts put as names; itself when it has none."""
    fields = _fields(function)
    lists = _lists(function) - fields.keys()
    loops = [x for x in pytree.walk(function) if isinstance(x, ast.For) and any(_handed_on(x, lists))] if lists else []
    if not fields and not loops:
        return function
    function = copy.deepcopy(function)
    if fields:
        function = _Fields(fields).visit(function)
    if loops:
        _in_blocks(function, lists)
    return ast.fix_missing_locations(function)


# ---------------------------------------------------------------- dicts with written keys


def _fields(function: ast.FunctionDef) -> dict[str, dict[object, ast.expr]]:
    """Dicts and short lists with constant items that are used by constant keys alone, some of them set in a loop."""
    made: dict[str, dict[object, ast.expr]] = {}
    uses: dict[str, int] = {}
    inside: dict[str, int] = {}
    stored: set[str] = set()
    nodes = pytree.walk(function)
    if not any(x.__class__ is ast.Assign and x.value.__class__ in (ast.Dict, ast.List) for x in nodes):
        return {}
    for x in nodes:
        if isinstance(x, ast.Assign) and len(x.targets) == 1 and isinstance(x.targets[0], ast.Name):
            found = _written(x.value)
            name = x.targets[0].id
            if found is not None and name not in made:
                made[name] = found
                uses[name] = uses.get(name, 0) - 1  # the assignment itself
        if isinstance(x, ast.Name):
            uses[x.id] = uses.get(x.id, 0) + 1
        if isinstance(x, ast.Subscript) and isinstance(x.value, ast.Name) and isinstance(x.slice, ast.Constant):
            inside[x.value.id] = inside.get(x.value.id, 0) + (not isinstance(x.ctx, ast.Del))
            if not isinstance(x.ctx, ast.Load):
                stored.add(x.value.id)
    return {
        name: items
        for name, items in made.items()
        if name in stored and uses[name] == inside.get(name) and _known_keys(function, name, items)
    }


def _written(x: ast.expr) -> dict[object, ast.expr] | None:
    if isinstance(x, ast.Dict) and x.keys and all(isinstance(k, ast.Constant) for k in x.keys):
        keys = [k.value for k in x.keys if isinstance(k, ast.Constant)]
        items: dict[object, ast.expr] = dict(zip(keys, x.values, strict=True))
        whole = len(items) == len(keys) and all(isinstance(k, str) for k in keys)
    elif isinstance(x, ast.List) and 1 <= len(x.elts) <= 8:
        items, whole = {**dict(enumerate(x.elts))}, True
    else:
        return None
    return items if whole and all(_is_constant(v) for v in items.values()) else None


def _is_constant(x: ast.expr) -> bool:
    return isinstance(x, ast.Constant) or (isinstance(x, ast.UnaryOp) and isinstance(x.operand, ast.Constant))


def _known_keys(function: ast.FunctionDef, name: str, items: dict[object, ast.expr]) -> bool:
    """Only keys that are there are asked for, and in the function itself: no other one sees the names."""
    keys = [
        x.slice.value
        for x in pytree.walk(function)
        if isinstance(x, ast.Subscript) and isinstance(x.value, ast.Name) and x.value.id == name
        if isinstance(x.slice, ast.Constant)
    ]
    if not all(k in items and type(k) in (str, int) for k in keys):
        return False
    nested = (x for x in pytree.walk(function) if isinstance(x, ast.FunctionDef | ast.Lambda) and x is not function)
    return not any(isinstance(y, ast.Name) and y.id == name for x in nested for y in pytree.walk(x))


class _Fields(ast.NodeTransformer):
    """``last["noun"]`` as a name of its own."""

    def __init__(self, fields: dict[str, dict[object, ast.expr]]) -> None:
        self.fields = fields

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in self.fields:
            items = self.fields[target.id]
            names: list[ast.expr] = [ast.Name(_field(target.id, k), ast.Store()) for k in items]
            return ast.copy_location(
                ast.Assign([ast.Tuple(names, ast.Store())], ast.Tuple([*items.values()], ast.Load())), node
            )
        return self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id in self.fields and isinstance(node.slice, ast.Constant):
            return ast.copy_location(ast.Name(_field(node.value.id, node.slice.value), node.ctx), node)
        return self.generic_visit(node)


def _field(name: str, key: object) -> str:
    return f"{name} of {key}"


# ---------------------------------------------------------------- lists that hand on their last item


_READERS = frozenset(("len", "range", "enumerate", "zip", "sum", "max", "min", "list", "set", "sorted", "reversed",
                      "any", "all", "np.array", "np.asarray", "Counter"))  # fmt: skip


def _lists(function: ast.FunctionDef) -> set[str]:
    """Names of nothing but new lists, which no other name and no other list holds as well."""
    nodes = pytree.walk(function)
    made: dict[str, bool] = {}
    for x in nodes:
        if isinstance(x, ast.Assign) and isinstance(x.targets[0], ast.Name) and len(x.targets) == 1:
            name = x.targets[0].id
            made[name] = made.get(name, True) and _makes_list(x.value)
    back = (x.value for x in nodes if x.__class__ is ast.Subscript and x.slice.__class__ in _BACK)
    wanted = {x.id for x in back if isinstance(x, ast.Name) and made.get(x.id)}
    if not wanted:
        return wanted
    seen: dict[str, int] = {}
    plain: dict[str, int] = {}
    for x in nodes:
        if isinstance(x, ast.Name):
            seen[x.id] = seen.get(x.id, 0) + 1
        for name in _plain_uses(x):
            plain[name] = plain.get(name, 0) + 1
        if isinstance(x, ast.Assign) and isinstance(x.targets[0], ast.Name) and len(x.targets) == 1:
            plain[x.targets[0].id] = plain.get(x.targets[0].id, 0) + 1
    return {name for name in wanted if seen[name] == plain[name]}


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
    elif isinstance(x, ast.Call) and isinstance(x.func, ast.Attribute) and x.func.attr == "append":
        found = [x.func.value]
    return (y.id for y in found if isinstance(y, ast.Name))


def _makes_list(x: ast.expr) -> bool:
    if isinstance(x, ast.BinOp) and isinstance(x.op, ast.Mult):
        return isinstance(x.left, ast.List) or isinstance(x.right, ast.List)
    return isinstance(x, ast.List | ast.ListComp)


def _handed_on(loop: ast.For, lists: set[str]) -> Iterator[tuple[str, str]]:
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
        appends += isinstance(x, ast.Expr) and _appended(x, name) is not None
        if isinstance(x, ast.Subscript) and _is_item(x, name) and not isinstance(x.ctx, ast.Load):
            return False
    return bool(reads and appends and uses == reads + appends) and not _is_inner(loop, name)


def _stores_after_previous(loop: ast.For, name: str) -> bool:
    """``for i in range(1, ...)``: the list is read at i - 1 and i only, and set at i."""
    i = loop.target
    if not (isinstance(i, ast.Name) and isinstance(loop.iter, ast.Call) and ast.unparse(loop.iter.func) == "range"):
        return False
    if len(loop.iter.args) != 2 or ast.unparse(loop.iter.args[0]) != "1":
        return False
    uses = before = at = stores = 0
    for x in pytree.walk(*loop.body):
        uses += isinstance(x, ast.Name) and x.id == name
        if isinstance(x, ast.Name) and x.id == i.id and not isinstance(x.ctx, ast.Load):
            return False
        if isinstance(x, ast.Subscript) and _is_item(x, name):
            place = ast.unparse(x.slice)
            load = isinstance(x.ctx, ast.Load)
            before += load and place == f"{i.id} - 1"
            at += place == i.id
            stores += not load and place == i.id
    return bool(before and stores and uses == before + at) and not _is_inner(loop, name)


def _is_inner(loop: ast.For, name: str) -> bool:
    """A function or comprehension inside the loop reads the list, or a loop inside it does so for itself."""
    kinds = ast.FunctionDef | ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    inside = (x for x in pytree.walk(*loop.body) if isinstance(x, kinds))
    return any(isinstance(y, ast.Name) and y.id == name for x in inside for y in pytree.walk(x))


def _is_item(x: ast.Subscript, name: str) -> bool:
    return isinstance(x.value, ast.Name) and x.value.id == name


def _appended(x: ast.Expr, name: str) -> ast.expr | None:
    call = x.value
    if isinstance(call, ast.Call) and ast.unparse(call.func) == f"{name}.append" and len(call.args) == 1:
        return None if call.keywords else call.args[0]
    return None


def _in_blocks(node: ast.AST, lists: set[str]) -> None:
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
            _in_blocks(s, lists)
        setattr(node, field, out)


def _rewrite_loop(loop: ast.For, lists: set[str]) -> list[ast.stmt]:
    """Changes the loop; gives what has to stand before it."""
    before: list[ast.stmt] = []
    for name, how in list(_handed_on(loop, lists)):
        if how == "append":
            before.append(_parsed(f"if {name}: _last = {name}[-1]", name, loop))
            loop.body = [_Appending(name).visit(s) for s in loop.body]
        else:
            assert isinstance(loop.target, ast.Name)
            i = loop.target.id
            before += [_parsed(s, name, loop) for s in (f"_begun = list({name})", "if _begun: _last = _begun[0]")]
            start = [_parsed(s, name, loop) for s in ("_before = _last", f"if {i} < len(_begun): _last = _begun[{i}]")]
            loop.body = [*start, *(_Storing(name, i).visit(s) for s in loop.body)]
        loop.body = [x for s in loop.body for x in (s if isinstance(s, list) else [s])]
    return before


_NEW = {"_last": "last item of", "_begun": "items of", "_before": "item before of"}


def _parsed(text: str, name: str, place: ast.AST) -> ast.stmt:
    """A statement in which ``_last`` and the like are the new names."""
    (found,) = ast.parse(text).body
    for x in ast.walk(found):
        if isinstance(x, ast.Name) and x.id in _NEW:
            x.id = f"{_NEW[x.id]} {name}"
        if isinstance(x, ast.expr | ast.stmt):
            ast.copy_location(x, place)
    return found


class _Appending(ast.NodeTransformer):
    """``x.append(e)`` and ``x[-1]`` with the item that was appended last under a name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.AST]:
        value = _appended(node, self.name)
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

    def __init__(self, name: str, at: str) -> None:
        self.name, self.at = name, at

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.AST]:
        node.value = self.visit(node.value)
        return self._stored(node, node.targets)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | list[ast.AST]:
        node.value = self.visit(node.value)
        return self._stored(node, [node.target])

    def _stored(self, node: ast.Assign | ast.AugAssign, targets: list[ast.expr]) -> ast.AST | list[ast.AST]:
        own = [t for t in targets if isinstance(t, ast.Subscript) and _is_item(t, self.name)]
        if not own or len(targets) > 1:
            return self.generic_visit(node)
        name = ast.copy_location(ast.Name(f"{_NEW['_last']} {self.name}", ast.Store()), own[0])
        if isinstance(node, ast.Assign):
            node.targets = [name]
        else:
            node.target = name
        return [node, _parsed(f"{self.name}[{self.at}] = _last", self.name, node)]

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if not _is_item(node, self.name):
            return self.generic_visit(node)
        which = "_last" if ast.unparse(node.slice) == self.at else "_before"
        return ast.copy_location(ast.Name(f"{_NEW[which]} {self.name}", ast.Load()), node)
