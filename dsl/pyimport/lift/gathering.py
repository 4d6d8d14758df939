"""Dicts that gather: ``d.setdefault(k, []).append(x)``, ``d[k] = d.get(k, 0) + 1``, ``if k not in d: d[k] = x``.

Each of these ways of writing says one thing without asking the dict first: append x for k, add to the number for k,
keep the first x for k. Here a program's statements are put that way, as calls of methods that no Python dict has.
"""

from __future__ import annotations

import ast
import copy

from attndsl.dsl import pytree
from attndsl.dsl.source import SourceFile

APPEND, SUM, FIRST = "@append", "@sum", "@first"
METHODS = (APPEND, SUM, FIRST)
_SIGNS = ("{}", "dict()", "defaultdict(", "Counter(")


def rewritten(function: ast.FunctionDef, source: SourceFile) -> ast.FunctionDef:
    """The function with its gathering statements put as calls; itself when it has no dict that starts empty."""
    span = source.span_of_bytes(
        function.lineno, function.col_offset, function.end_lineno or function.lineno, function.end_col_offset or 0
    )
    own = source.text[span.start : span.end]
    if not any(sign in own for sign in _SIGNS):
        return function
    made = {name: kind for x in pytree.walk(function) for name, kind in _made(x)}
    if not made:
        return function
    function = copy.deepcopy(function)
    _Rewriting(made).inside(function)
    return function


def _made(x: ast.AST) -> list[tuple[str, str]]:
    """The name that a statement binds to an empty dict, and what the dict makes of a key it has not."""
    if isinstance(x, ast.AnnAssign) and x.value is not None:
        targets, value = [x.target], x.value
    elif isinstance(x, ast.Assign):
        targets, value = x.targets, x.value  # type: ignore[assignment]
        if len(targets) == 1 and isinstance(targets[0], ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = zip(targets[0].elts, value.elts, strict=False)
            return [found for t, v in pairs for found in _made(ast.Assign([t], v))]
    else:
        return []
    kind = None
    if isinstance(value, ast.Dict) and not value.keys:
        kind = ""
    elif isinstance(value, ast.Call):
        name = ast.unparse(value.func).rpartition(".")[2]
        kind = {"dict": "", "Counter": SUM}.get(name)
        if name == "defaultdict" and len(value.args) == 1:
            kind = {"list": APPEND, "int": SUM, "float": SUM}.get(ast.unparse(value.args[0]), "")
    return [(t.id, kind) for t in targets if isinstance(t, ast.Name) and kind is not None]


class _Rewriting:
    """``made``: the dicts by name, with what each makes of a missing key."""

    def __init__(self, made: dict[str, str]) -> None:
        self.made = made

    def inside(self, node: ast.AST) -> None:
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                for s in block:
                    self.inside(s)
                setattr(node, field, self._block(block))
        for handler in getattr(node, "handlers", ()):
            self.inside(handler)

    def _block(self, block: list[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        todo = list(block)
        while todo:
            s = todo.pop(0)
            plain = self._plain(s)
            if plain is not None:
                out.append(plain)
            elif isinstance(s, ast.If):
                out.extend(self._if(s, todo))
            else:
                out.append(s)
        return out

    def _plain(self, s: ast.stmt) -> ast.stmt | None:
        """A statement that gathers on its own."""
        call = s.value if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call) else None
        if call is not None and isinstance(call.func, ast.Attribute) and call.func.attr == "append":
            base = call.func.value
            if isinstance(base, ast.Call) and isinstance(base.func, ast.Attribute) and base.func.attr == "setdefault":
                empty = len(base.args) == 2 and _empty_list(base.args[1])
                if isinstance(base.func.value, ast.Name) and base.func.value.id in self.made and empty:
                    return _call(s, base.func.value.id, APPEND, base.args[0], call.args[0])
            name = _item_of(base)
            if name is not None and self.made.get(name) == APPEND:
                return _call(s, name, APPEND, base.slice, call.args[0])  # type: ignore[attr-defined]
        if call is not None and isinstance(call.func, ast.Attribute) and call.func.attr == "setdefault":
            base = call.func.value
            if isinstance(base, ast.Name) and self.made.get(base.id) == "" and len(call.args) == 2:
                return None if _empty_list(call.args[1]) else _call(s, base.id, FIRST, call.args[0], call.args[1])
        if isinstance(s, ast.AugAssign) and isinstance(s.op, ast.Add):
            name = _item_of(s.target)
            if name is not None and self.made.get(name) == SUM:
                return _call(s, name, SUM, s.target.slice, s.value)  # type: ignore[union-attr]
        if isinstance(s, ast.Assign) and len(s.targets) == 1:
            return self._from_get(s, s.targets[0])
        return None

    def _from_get(self, s: ast.Assign, target: ast.expr) -> ast.stmt | None:
        """``d[k] = d.get(k, 0) + x``."""
        name, value = _item_of(target), s.value
        if name not in self.made or not (isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add)):
            return None
        get = value.left
        if not (isinstance(get, ast.Call) and isinstance(get.func, ast.Attribute) and get.func.attr == "get"):
            return None
        key = target.slice  # type: ignore[attr-defined]
        own = isinstance(get.func.value, ast.Name) and get.func.value.id == name and len(get.args) == 2
        if name is None or not own or not _equal(get.args[0], key):
            return None
        if isinstance(get.args[1], ast.Constant) and get.args[1].value == 0:
            return _call(s, name, SUM, key, value.right)
        if _empty_list(get.args[1]) and isinstance(value.right, ast.List) and len(value.right.elts) == 1:
            return _call(s, name, APPEND, key, value.right.elts[0])
        return None

    # ------------------------------------------------------------ if k in d

    def _if(self, s: ast.If, rest: list[ast.stmt]) -> list[ast.stmt]:
        test = s.test
        if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.comparators[0], ast.Name)):
            return [s]
        name, key = test.comparators[0].id, test.left
        if name not in self.made or not isinstance(test.ops[0], ast.In | ast.NotIn):
            return [s]
        missing, there = (s.orelse, s.body) if isinstance(test.ops[0], ast.In) else (s.body, s.orelse)
        at = next((i for i, x in enumerate(missing) if _assigns(x, name, key)), None)
        if at is None or _leaves([*missing, *there]) or _mentions(missing[at + 1 :], name):
            return [s]
        first = missing[at].value  # type: ignore[attr-defined]
        taken = _names(key) | _names(first)
        if any(_stores(x, taken) for x in [*missing[at + 1 :], *there]) or any(
            _stores(x, _names(key)) for x in missing[:at]
        ):
            return [s]
        found = self._second(name, key, first, there, rest)
        if found is None:
            return [s]
        missing.pop(at)
        return [*_without_empty(s), found]

    def _second(
        self, name: str, key: ast.expr, first: ast.expr, there: list[ast.stmt], rest: list[ast.stmt]
    ) -> ast.stmt | None:
        """What gathering the two branches (or the branch and a statement that follows) come to; takes it out."""
        for block, following in ((there, False), (rest, True)):
            at = next((i for i, x in enumerate(block) if _mentions([x], name)), None)
            while not following and at is not None and _change(block[at], name, key) is None:
                at = next((i for i, x in enumerate(block) if i > at and _mentions([x], name)), None)
            change = None if at is None else _change(block[at], name, key)
            if change is None or at is None:
                continue
            kind, value = change
            empty = _empty_list(first) if kind == APPEND else isinstance(first, ast.Constant) and first.value == 0
            started = isinstance(first, ast.List) and len(first.elts) == 1 and _equal(first.elts[0], value)
            same = started if kind == APPEND else _equal(first, value)
            if (empty if following else same) and (following or not _mentions(block[at + 1 :], name)):
                return _call(block.pop(at), name, kind, key, value)
            return None
        if _changed(there, name) or _empty_list(first):
            return None
        return _call(first, name, FIRST, key, first)


def _change(s: ast.stmt, name: str, key: ast.expr) -> tuple[str, ast.expr] | None:
    """``d[k].append(x)`` or ``d[k] += x``."""
    if isinstance(s, ast.AugAssign) and isinstance(s.op, ast.Add):
        own = _item_of(s.target) == name and _equal(s.target.slice, key)  # type: ignore[union-attr]
        return (SUM, s.value) if own else None
    call = s.value if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call) else None
    if call is None or not isinstance(call.func, ast.Attribute) or call.func.attr != "append":
        return None
    base = call.func.value
    own = _item_of(base) == name and _equal(base.slice, key)  # type: ignore[attr-defined]
    return (APPEND, call.args[0]) if own and len(call.args) == 1 else None


def _call(place: ast.AST, name: str, kind: str, key: ast.expr, value: ast.expr) -> ast.stmt:
    function = ast.Attribute(ast.Name(name, ast.Load()), kind, ast.Load())
    found = ast.Expr(ast.Call(function, [copy.deepcopy(key), value], []))
    for x in (found, found.value, function, function.value):
        ast.copy_location(x, place)
    return found


def _without_empty(s: ast.If) -> list[ast.stmt]:
    if not s.body and not s.orelse:
        return []
    if not s.body:
        s.body = [ast.copy_location(ast.Pass(), s)]
    return [s]


def _item_of(x: ast.AST) -> str | None:
    """The name d of ``d[...]``."""
    return x.value.id if isinstance(x, ast.Subscript) and isinstance(x.value, ast.Name) else None


def _assigns(s: ast.stmt, name: str, key: ast.expr) -> bool:
    if not isinstance(s, ast.Assign) or len(s.targets) != 1 or _item_of(s.targets[0]) != name:
        return False
    return _equal(s.targets[0].slice, key)  # type: ignore[attr-defined]


def _equal(a: ast.expr, b: ast.expr) -> bool:
    return ast.unparse(a) == ast.unparse(b)


def _empty_list(x: ast.expr) -> bool:
    return (isinstance(x, ast.List) and not x.elts) or (isinstance(x, ast.Call) and ast.unparse(x) == "list()")


def _names(x: ast.AST) -> set[str]:
    return {y.id for y in pytree.walk(x) if isinstance(y, ast.Name)}


def _mentions(block: list[ast.stmt], name: str) -> bool:
    return any(name in _names(s) for s in block)


def _stores(s: ast.stmt, names: set[str]) -> bool:
    return any(isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store) and x.id in names for x in pytree.walk(s))


def _changed(block: list[ast.stmt], name: str) -> bool:
    """Something may change the dict: an item is stored, or a method other than ``get`` is called."""
    for x in pytree.walk(*block):
        if _item_of(x) == name and not isinstance(x.ctx, ast.Load):  # type: ignore[attr-defined]
            return True
        if isinstance(x, ast.Attribute) and name in _names(x.value) and x.attr != "get":
            return True
    return False


def _leaves(block: list[ast.stmt]) -> bool:
    return any(isinstance(x, ast.Continue | ast.Break | ast.Return) for x in pytree.walk(*block))
