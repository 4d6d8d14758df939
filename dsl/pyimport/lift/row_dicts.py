"""Dicts of weights by position, as rows: ``w[0] = 0.5``, ``w[j] = w.get(j, 0) + 0.2``, ``for j, x in w.items()``.

Such a dict becomes two rows of the matrix: the weight at each position, and 1 at the positions that are keys. Then
later assignments may depend on earlier ones in any way. Keys have to be positions: where that is not certain, the
program stays as it was. No name of a program has a space in it, so the new ones have.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift.row_calls import COUNT, FOUND, INSIDE, KEPT, PLACE, ROW, WEIGHT
from attndsl.dsl.pyimport.lift.uses import flatten, is_name, placed, together

_WALKS = ("items", "keys", "values")
_FOLDS = ("sum", "max", "min", "len")
_CALLS = frozenset(("max", "min", "int", "abs", "len"))


def rewritten(function: ast.FunctionDef) -> ast.FunctionDef:
    """The function with such dicts put as rows; itself when it has none."""
    names = sorted(name for name in _made(function) if _is_known(function, name))
    if not names or any(isinstance(x, ast.Try) for x in pytree.walk(function)):
        return function
    function = copy.deepcopy(function)
    for name in names:
        default = any(_default(x) for x in pytree.walk(function) if _binding(x) == name)
        function = _Rows(name, default).visit(function)
    flatten(function)
    return function


def _made(function: ast.FunctionDef) -> set[str]:
    """Names that are bound to dicts and to nothing else, and of which an item is set."""
    nodes = pytree.walk(function)
    made = {name for x in nodes if (name := _binding(x))}
    if not made:
        return made
    items = (x for x in nodes if isinstance(x, ast.Subscript) and isinstance(x.ctx, ast.Store))
    stored = {x.value.id for x in items if isinstance(x.value, ast.Name)}
    return (made & stored) - {t for x in nodes if not _binding(x) for t in _targets(x)}


def _targets(x: ast.AST) -> Iterator[str]:
    """The names that this node itself binds."""
    own: list[ast.expr] = []
    if isinstance(x, ast.Assign):
        own = x.targets
    elif isinstance(x, ast.AugAssign | ast.AnnAssign | ast.For | ast.comprehension | ast.NamedExpr):
        own = [x.target]
    elif isinstance(x, ast.withitem) and x.optional_vars is not None:
        own = [x.optional_vars]
    elif isinstance(x, ast.arg):
        yield x.arg
    elif isinstance(x, ast.Delete):
        own = x.targets
    for target in own:
        for y in pytree.walk(target):
            if isinstance(y, ast.Name) and not isinstance(y.ctx, ast.Load):
                yield y.id


def _binding(x: ast.AST) -> str | None:
    """The name that the statement binds to a dict by which weights may be kept."""
    match x:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=value)
        ):
            return name if value is not None and _makes(value) else None
    return None


def _makes(x: ast.expr) -> bool:
    match x:
        case ast.Dict(keys=keys):
            return all(k is not None and _is_pure(k) and not _is_text(k) for k in keys)
        case ast.DictComp(generators=[ast.comprehension(target=target)], key=key):
            return _is_pure(key) and not _is_text(key) and isinstance(target, ast.Name | ast.Tuple)
        case ast.Call(func=function, args=args, keywords=[]):
            name = ast.unparse(function).rpartition(".")[2]
            return (name in ("dict", "Counter") and not args) or ast.unparse(x) in (
                "defaultdict(float)", "defaultdict(int)", "collections.defaultdict(float)",
            )  # fmt: skip
    return False


def _is_text(x: ast.expr) -> bool:
    return isinstance(x, ast.Constant) and not isinstance(x.value, int)


def _is_pure(x: ast.expr) -> bool:
    """The expression may be evaluated once more without a difference."""
    for y in pytree.walk(x):
        if isinstance(y, ast.Call) and not (isinstance(y.func, ast.Name) and y.func.id in _CALLS):
            return False
        if isinstance(y, ast.NamedExpr | ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            return False
    return True


# ---------------------------------------------------------------- how the dict is used


def _is_known(function: ast.FunctionDef, name: str) -> bool:
    """Every mention of the name is one that can be put for rows."""
    parents = {id(child): x for x in pytree.walk(function) for child in pytree.children(x)}
    inner = [x for x in pytree.walk(function) if isinstance(x, ast.FunctionDef | ast.Lambda) and x is not function]
    if any(is_name(y, name) for x in inner for y in pytree.walk(x)):
        return False
    defaults = {_default(x) for x in pytree.walk(function) if _binding(x) == name}
    if len(defaults) > 1:
        return False
    (default,) = defaults
    own = [x for x in pytree.walk(function) if isinstance(x, ast.Name) and x.id == name]
    return all(_has_form(x, parents, name) and not (default and _may_add(x, parents, name)) for x in own)


def _default(x: ast.AST) -> bool:
    """The dict gives 0 for a key that it has not."""
    return isinstance(x, ast.Assign | ast.AnnAssign) and isinstance(x.value, ast.Call) and bool(
        ast.unparse(x.value.func).rpartition(".")[2] != "dict"
    )  # fmt: skip


def _may_add(x: ast.Name, parents: dict[int, ast.AST], name: str) -> bool:
    """The look-up may give the dict a key: it is none of the keys that are walked through."""
    item = parents[id(x)]
    if not (isinstance(item, ast.Subscript) and isinstance(item.ctx, ast.Load)):
        return False
    at: ast.AST = item
    while id(at) in parents:
        at = parents[id(at)]
        if isinstance(at, ast.For) and walked(at.iter, name):
            key = at.target.elts[0] if isinstance(at.target, ast.Tuple) else at.target
            return ast.unparse(key) != ast.unparse(item.slice)
    return True


def _has_form(x: ast.Name, parents: dict[int, ast.AST], name: str) -> bool:
    parent = parents[id(x)]
    if not isinstance(x.ctx, ast.Load):
        return _binding(parent) == name
    match parent:
        case ast.Subscript(value=value, slice=key):
            above = parents[id(parent)]
            whole = isinstance(parent.ctx, ast.Load) or _sets(above, parent)
            return value is x and _is_pure(key) and not _is_text(key) and whole
        case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[own]):
            return own is x and _is_pure(left)
        case ast.If(test=own) | ast.IfExp(test=own) | ast.While(test=own):
            return own is x
        case ast.UnaryOp(op=ast.Not()):
            return True
        case ast.Call(func=ast.Name(id="len"), args=[own]):
            return own is x
        case ast.For(iter=own) | ast.comprehension(iter=own):
            return own is x and _is_walk(parent, name)
        case ast.Call(func=ast.Name(id="sorted"), args=[own], keywords=[]):
            return own is x and _is_walk(parents[id(parent)], name)
        case ast.Attribute(attr=method):
            call = parents[id(parent)]
            return isinstance(call, ast.Call) and call.func is parent and _method(call, method, parents, name)
    return False


def _sets(s: ast.AST, item: ast.Subscript) -> bool:
    """The statement sets this item alone."""
    return (isinstance(s, ast.Assign) and s.targets == [item]) or (isinstance(s, ast.AugAssign) and s.target is item)


def _method(call: ast.Call, method: str, parents: dict[int, ast.AST], name: str) -> bool:
    if method == "get":
        return len(call.args) == 2 and _is_pure(call.args[0]) and isinstance(call.args[1], ast.Constant)
    if method not in _WALKS or call.args or call.keywords:
        return False
    above = parents[id(call)]
    if method == "values":
        return isinstance(above, ast.Call) and ast.unparse(above.func) in _FOLDS and above.args == [call]
    while isinstance(above, ast.Call) and ast.unparse(above.func) in ("list", "sorted") and not above.keywords:
        above = parents[id(above)]
    return _is_walk(above, name)


def _is_walk(x: ast.AST, name: str) -> bool:
    """A walk through the dict that changes nothing but the item at hand."""
    if not isinstance(x, ast.For | ast.comprehension):
        return False
    found = walked(x.iter, name)
    if found is None or (found[0] == "items") != isinstance(x.target, ast.Tuple):
        return False
    names = x.target.elts if isinstance(x.target, ast.Tuple) else [x.target]
    if not all(isinstance(t, ast.Name) for t in names) or len(names) != (2 if found[0] == "items" else 1):
        return False
    key = names[0]
    for y in pytree.walk(*x.body) if isinstance(x, ast.For) else ():
        stored = isinstance(y, ast.Subscript) and isinstance(y.ctx, ast.Store) and is_name(y.value, name)
        if stored and ast.unparse(y.slice) != ast.unparse(key):  # type: ignore[attr-defined]
            return False
        if isinstance(y, ast.Name) and y.id in (name, ast.unparse(key)) and not isinstance(y.ctx, ast.Load):
            return False
    return True


def walked(x: ast.expr, name: str) -> tuple[str, bool] | None:
    """What a loop over the dict walks through (its keys or items), and whether in the order of the text."""
    match x:
        case ast.Name(id=found) if found == name:
            return "keys", False
        case ast.Call(func=ast.Attribute(value=ast.Name(id=found), attr="items" | "keys" as what), args=[]):
            return (what, False) if found == name else None
        case ast.Call(func=ast.Name(id="list" | "sorted" as how), args=[inner], keywords=[]):
            own = walked(inner, name)
            return None if own is None else (own[0], own[1] or how == "sorted")
    return None


# ---------------------------------------------------------------- the rows


def _name(of: str, ctx: ast.expr_context | None = None) -> ast.Name:
    return ast.Name(of, ctx or ast.Load())


def _call(function: str, *args: ast.expr) -> ast.Call:
    return ast.Call(_name(function), list(args), [])


class _Rows(ast.NodeTransformer):
    """The dict of that name as rows."""

    def __init__(self, name: str, default: bool = False) -> None:
        self.name, self.default = name, default
        self.weights, self.keys, self.key = f"{name} by position", f"keys of {name}", f"key of {name}"

    # ------------------------------------------------------------ statements

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        if _binding(node) == self.name:
            return self._made(node.value, node)
        target = node.targets[0]
        if isinstance(target, ast.Subscript) and is_name(target.value, self.name):
            return together(*self._kept(target.slice, node.value, node))
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return self._made(node.value, node) if _binding(node) == self.name else self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        target = node.target
        if not (isinstance(target, ast.Subscript) and is_name(target.value, self.name)):
            return self.generic_visit(node)
        item: ast.expr = ast.Subscript(_name(self.name), copy.deepcopy(target.slice), ast.Load())
        if self.default:
            item = self._weight(copy.deepcopy(target.slice))
        return together(*self._kept(target.slice, ast.BinOp(item, node.op, node.value), node))

    def visit_For(self, node: ast.For) -> ast.AST:
        found = walked(node.iter, self.name)
        if found is None:
            return self.generic_visit(node)
        names = node.target.elts if isinstance(node.target, ast.Tuple) else [node.target]
        begin: list[ast.stmt] = []
        if len(names) == 2:
            begin = [placed(ast.Assign([names[1]], self._weight(_name(ast.unparse(names[0])))), node)]
        node.target, node.iter = names[0], placed(self._walk(found[1]), node.iter)
        node.body = [*begin, *(s for old in node.body if isinstance(s := self.visit(old), ast.stmt))]
        node.orelse = [s for old in node.orelse if isinstance(s := self.visit(old), ast.stmt)]
        return node

    def _walk(self, in_order: bool) -> ast.expr:
        """The keys: a set, where their order is that of the assignments."""
        there = ast.Compare(self._there(_name(self.key)), [ast.Gt()], [ast.Constant(0)])
        inside = ast.comprehension(_name(self.key, ast.Store()), _call("range", _call(COUNT)), [there], 0)
        return (ast.ListComp if in_order else ast.SetComp)(_name(self.key), [inside])

    def _made(self, value: ast.expr | None, node: ast.stmt) -> ast.stmt:
        assert value is not None
        rows = [ast.Assign([_name(x, ast.Store())], _call(ROW)) for x in (self.weights, self.keys)]
        items: list[ast.stmt] = []
        if isinstance(value, ast.Dict):
            for k, v in zip(value.keys, value.values, strict=True):
                assert k is not None
                items += self._kept(k, v, node)
        elif isinstance(value, ast.DictComp):
            return self._from_comprehension(value, node)
        return together(*(placed(x, node) for x in rows), *items)

    def _from_comprehension(self, value: ast.DictComp, node: ast.stmt) -> ast.stmt:
        """``w = {j: x / total for j, x in w.items()}``: the new rows take the place of the old ones when filled."""
        (walk,) = value.generators
        new = _Rows(f"new {self.name}")
        for y in pytree.walk(value):  # the variables of a comprehension are its own
            if isinstance(y, ast.Name) and y.id in {t.id for t in pytree.walk(walk.target) if isinstance(t, ast.Name)}:
                y.id = f"{y.id} of {self.name}"
        body: ast.stmt = together(*new._kept(value.key, self.visit(value.value), node, visit=False))
        for test in reversed(walk.ifs):
            body = placed(ast.If(self.visit(test), [body], []), node)
        loop = self.visit(placed(ast.For(walk.target, walk.iter, [body], []), node))
        rows = [ast.Assign([_name(x, ast.Store())], _call(ROW)) for x in (new.weights, new.keys)]
        pairs = ((self.weights, new.weights), (self.keys, new.keys))
        after = [ast.Assign([_name(old, ast.Store())], _name(made)) for old, made in pairs]
        return together(*(placed(x, node) for x in rows), loop, *(placed(x, node) for x in after))

    def _kept(self, key: ast.expr, value: ast.expr, node: ast.stmt, visit: bool = True) -> list[ast.stmt]:
        key, value = (self.visit(key), self.visit(value)) if visit else (key, value)
        kept = _call(KEPT, ast.Constant(self.name.removeprefix("new ")), value)
        weight = ast.Assign([self._item(self.weights, key, ast.Store())], kept)
        there = ast.Assign([self._item(self.keys, copy.deepcopy(key), ast.Store())], ast.Constant(1.0))
        return [placed(weight, node), placed(there, node)]

    # ------------------------------------------------------------ expressions

    def _item(self, row: str, key: ast.expr, ctx: ast.expr_context) -> ast.Subscript:
        return ast.Subscript(_name(row), _call(PLACE, key), ctx)

    def _there(self, key: ast.expr) -> ast.expr:
        return self._item(self.keys, copy.deepcopy(key), ast.Load())

    def _weight(self, key: ast.expr) -> ast.expr:
        return _call(WEIGHT, ast.Constant(self.name), self._item(self.weights, key, ast.Load()))

    def _inside(self, key: ast.expr, then: ast.expr, other: ast.expr) -> ast.expr:
        """What is asked of a key that may be no position."""
        return ast.IfExp(_call(INSIDE, copy.deepcopy(key)), then, other)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if not is_name(node.value, self.name):
            return self.generic_visit(node)
        key = self.visit(node.slice)
        found = _call(FOUND, self._there(key), ast.Constant(self.name), self._item(self.weights, key, ast.Load()))
        return placed(found, node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        if not is_name(node.comparators[0], self.name):
            return self.generic_visit(node)
        key = self.visit(node.left)
        there = ast.Compare(self._there(key), [ast.Gt()], [ast.Constant(0)])
        found = self._inside(key, there, ast.Constant(False))
        return placed(ast.UnaryOp(ast.Not(), found) if isinstance(node.ops[0], ast.NotIn) else found, node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """The truth of the dict."""
        if node.id != self.name:
            return node
        return placed(ast.Compare(self._sum(self.keys), [ast.Gt()], [ast.Constant(0)]), node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=own), attr="get")) if own == self.name:
                key, default = self.visit(node.args[0]), node.args[1]
                weight = self._weight(key)
                if ast.unparse(default) not in ("0", "0.0"):
                    there = ast.Compare(self._there(key), [ast.Gt()], [ast.Constant(0)])
                    weight = ast.IfExp(there, weight, default)
                return placed(self._inside(key, weight, default), node)
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=own)]) if own == self.name:
                return placed(_call("len", self._walk(True)), node)
            case ast.Call(args=[ast.Call(func=ast.Attribute(value=ast.Name(id=own), attr="values"))]) if (
                own == self.name
            ):
                return placed(self._folded(ast.unparse(node.func)), node)
        return self.generic_visit(node)

    def _sum(self, row: str) -> ast.expr:
        return ast.Call(ast.Attribute(_name(row), "sum", ast.Load()), [], [])

    def _folded(self, how: str) -> ast.expr:
        if how == "sum":
            return _call(WEIGHT, ast.Constant(self.name), self._sum(self.weights))
        if how == "len":
            return _call("len", self._walk(True))
        walk = ast.comprehension(_name(self.key, ast.Store()), self._walk(True), [], 0)
        return _call(how, ast.ListComp(self._weight(_name(self.key)), [walk]))

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        found = walked(node.iter, self.name)
        if found is None:
            return self.generic_visit(node)
        walk = self._walk(found[1])
        if isinstance(node.target, ast.Tuple):
            pair = ast.Tuple([_name(self.key), self._weight(_name(self.key))], ast.Load())
            walk = ast.GeneratorExp(pair, [ast.comprehension(_name(self.key, ast.Store()), walk, [], 0)])
        node.iter = placed(walk, node.iter)
        node.ifs = [self.visit(t) for t in node.ifs]
        return node
