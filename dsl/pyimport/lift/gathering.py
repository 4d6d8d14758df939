"""Dicts that gather: ``d.setdefault(k, []).append(x)``, ``d[k] = d.get(k, 0) + 1``, ``if k not in d: d[k] = x``.

Each of these ways of writing says one thing without asking the dict first: append x for k, add to the number for k,
keep the first x for k. Here a program's statements are put that way, as calls of methods that no Python dict has.
Lists with an item per place gather as well: ``kids[i].append(j)``, ``counts[i] += 1``, ``if at[i] is None: at[i] = j``.
"""

from __future__ import annotations

import ast
import copy

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift import buckets, counters
from attndsl.dsl.pyimport.lift.counters import constant, item_of, only_added_to
from attndsl.dsl.source import SourceFile

APPEND, SUM, FIRST, ADD = "@append", "@sum", "@first", "@add"
THERE = "!"  # after the way: the dict was made with its keys, and fails for others
METHODS = (APPEND, SUM, FIRST, ADD, APPEND + THERE, ADD + THERE, SUM + THERE)
_SIGNS = (
    "{}", "dict()", "OrderedDict()", "defaultdict(", "Counter(", "[[] for", "[set() for", "] * ", *buckets.SIGNS,
    *counters.SIGNS,
)  # fmt: skip
_ADDS = {"append": APPEND, "add": ADD}
_EMPTY = {APPEND: (True, False), ADD: (False, True)}  # whether the default is an empty list, or an empty set


def rewritten(function: ast.FunctionDef, source: SourceFile) -> ast.FunctionDef:
    """The function with its gathering statements put as calls; itself when it has no dict that starts empty."""
    own = text_of(function, source)
    if not any(sign in own for sign in _SIGNS):
        return function
    made = {name: kind for x in pytree.walk(function) for name, kind in _made(x)}
    tables = dict(found for x in pytree.walk(function) if (found := _table(x)) and found[0] not in made)
    added = only_added_to(function, tables.keys()) if tables else set()
    guarded = any(_empty_place(x, tables) for x in pytree.walk(function)) if tables else False
    counted = counters.found(function, made.keys())
    if not made and not added and not guarded and not counted:
        return function
    function = copy.deepcopy(function)
    if counted:
        counters.keep_keys(function, counted)
    _Rewriting(made | dict.fromkeys(added, SUM) | dict.fromkeys(counted, SUM + THERE), tables).inside(function)
    return function


def text_of(node: ast.stmt, source: SourceFile) -> str:
    """The text of a statement as it stands in the file."""
    span = source.span_of_bytes(node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)  # type: ignore[arg-type]
    return source.text[span.start : span.end]


def _table(x: ast.AST) -> tuple[str, ast.Constant] | None:
    """The name of ``[constant] * n`` and the constant."""
    if not (isinstance(x, ast.Assign) and isinstance(x.targets[0], ast.Name) and len(x.targets) == 1):
        return None
    value = x.value
    if not (isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult) and isinstance(value.left, ast.List)):
        return None
    items = value.left.elts
    found = constant(items[0]) if len(items) == 1 else None
    return None if found is None else (x.targets[0].id, found)


def _empty_place(s: ast.AST, tables: dict[str, ast.Constant]) -> tuple[list[ast.expr], ast.Assign] | None:
    """``if at[k] is None and P: at[k] = x``, with what else it asks; the list began with what the test looks for."""
    if not (isinstance(s, ast.If) and not s.orelse and len(s.body) == 1):
        return None
    own = s.body[0]
    if not isinstance(own, ast.Assign) or len(own.targets) != 1 or item_of(own.targets[0]) not in tables:
        return None
    tests = s.test.values if isinstance(s.test, ast.BoolOp) and isinstance(s.test.op, ast.And) else [s.test]
    first = tables[str(item_of(own.targets[0]))]
    asked = [t for t in tests if _asks(t, own.targets[0], first)]
    return ([t for t in tests if t is not asked[0]], own) if len(asked) == 1 else None


def _asks(test: ast.expr, place: ast.expr, first: ast.Constant) -> bool:
    """The test is true of what the list holds at first, and of nothing else that it may be given there."""
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and ast.unparse(test.left) == ast.unparse(place)):
        return False
    limit = constant(test.comparators[0])
    if limit is None:
        return False
    op, sort = test.ops[0], type(first.value)
    if isinstance(op, ast.Lt) and limit.value == 0 and sort is int:
        return isinstance(first.value, int) and first.value < 0
    same = type(limit.value) is sort and limit.value == first.value
    return same and isinstance(op, ast.Is if first.value is None else ast.Eq)


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
    kind = _of_lists(value)
    if isinstance(value, ast.Dict) and not value.keys:
        kind = ""
    elif isinstance(value, ast.Call):
        name = ast.unparse(value.func).rpartition(".")[2]
        kind = {"dict": "", "OrderedDict": "", "Counter": SUM}.get(name)
        if name == "defaultdict" and len(value.args) == 1:
            kind = {"list": APPEND, "set": ADD, "int": SUM, "float": SUM}.get(ast.unparse(value.args[0]), "")
    return [(t.id, kind) for t in targets if isinstance(t, ast.Name) and kind is not None]


def _of_lists(value: ast.expr) -> str | None:
    """``[[] for _ in ...]``, ``[set() for _ in ...]`` and ``{k: [] for k in ...}``."""
    if not isinstance(value, ast.ListComp | ast.DictComp):
        return None
    item, there = (value.elt, "") if isinstance(value, ast.ListComp) else (value.value, THERE)
    return APPEND + there if _empty_list(item) else ADD + there if ast.unparse(item) == "set()" else None


class _Rewriting:
    """``made``: the dicts by name, with what each makes of a missing key; ``tables``: lists with their first item."""

    def __init__(self, made: dict[str, str], tables: dict[str, ast.Constant]) -> None:
        self.made, self.tables = made, tables

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
        adds = call is not None and isinstance(call.func, ast.Attribute) and call.func.attr in _ADDS
        if adds and call is not None and isinstance(call.func, ast.Attribute) and len(call.args) == 1:
            base, how = call.func.value, _ADDS[call.func.attr]
            if isinstance(base, ast.Call) and isinstance(base.func, ast.Attribute) and base.func.attr == "setdefault":
                empty = len(base.args) == 2 and (_empty_list(base.args[1]), ast.unparse(base.args[1]) == "set()")
                if isinstance(base.func.value, ast.Name) and base.func.value.id in self.made and empty == _EMPTY[how]:
                    return _call(s, base.func.value.id, how, base.args[0], call.args[0])
            name = item_of(base)
            if name is not None and self.made.get(name) in (how, how + THERE):
                return _call(s, name, self.made[name], base.slice, call.args[0])  # type: ignore[attr-defined]
        if call is not None and isinstance(call.func, ast.Attribute) and call.func.attr == "setdefault":
            base = call.func.value
            if isinstance(base, ast.Name) and self.made.get(base.id) == "" and len(call.args) == 2:
                return None if _empty_list(call.args[1]) else _call(s, base.id, FIRST, call.args[0], call.args[1])
        if isinstance(s, ast.AugAssign) and isinstance(s.op, ast.Add):
            name = item_of(s.target)
            if name is not None and self.made.get(name) in (SUM, SUM + THERE):
                return _call(s, name, self.made[name], s.target.slice, s.value)  # type: ignore[union-attr]
        if isinstance(s, ast.Assign) and len(s.targets) == 1:
            return self._from_get(s, s.targets[0])
        return None

    def _from_get(self, s: ast.Assign, target: ast.expr) -> ast.stmt | None:
        """``d[k] = d.get(k, 0) + x``."""
        name, value = item_of(target), s.value
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
        empty = _empty_place(s, self.tables)
        if empty is not None:
            return self._first(s, *empty)
        test = s.test
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) and not s.orelse and len(s.body) == 1:
            return self._under(s, test)
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

    def _under(self, s: ast.If, test: ast.BoolOp) -> list[ast.stmt]:
        """``if P and k not in d: d[k] = x``: where P holds, the first value stays."""
        at = next((k for k, v in enumerate(test.values) if _asks_for_key(v, self.made)), None)
        if at is None or not all(_cannot_fail(v, test.values[at]) for v in test.values[at + 1 :]):
            return [s]
        others = [*test.values[:at], *test.values[at + 1 :]]
        inner = ast.copy_location(ast.If(test.values[at], s.body, []), s)
        found = self._if(inner, [])
        if found == [inner]:
            return [s]
        rest = others[0] if len(others) == 1 else ast.copy_location(ast.BoolOp(ast.And(), others), test)
        return [ast.copy_location(ast.If(rest, found, []), s)]

    def _first(self, s: ast.If, asked: list[ast.expr], own: ast.Assign) -> list[ast.stmt]:
        """The first value given to a place of a list stays there."""
        name = str(item_of(own.targets[0]))
        found = _call(own, name, FIRST, own.targets[0].slice, own.value)  # type: ignore[attr-defined]
        assert isinstance(found, ast.Expr)
        assert isinstance(found.value, ast.Call)
        found.value.args.append(ast.copy_location(self.tables[name], own))
        if not asked:
            return [found]
        test = asked[0] if len(asked) == 1 else ast.copy_location(ast.BoolOp(ast.And(), asked), s)
        return [ast.copy_location(ast.If(test, [found], []), s)]

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


def _asks_for_key(test: ast.expr, made: dict[str, str]) -> bool:
    """``k not in d``."""
    match test:
        case ast.Compare(ops=[ast.NotIn()], comparators=[ast.Name(id=name)]):
            return name in made
    return False


_ASKED = ("isalpha", "isdigit", "isalnum", "isupper", "islower", "istitle", "isspace", "lower", "upper", "strip",
          "startswith", "endswith")  # fmt: skip


def _cannot_fail(test: ast.expr, before: ast.expr) -> bool:
    """The test asks for the form of a text that the one before it has looked up already."""
    known = {ast.unparse(x) for x in pytree.walk(before)}
    for x in pytree.walk(test):
        if isinstance(x, ast.Subscript) and ast.unparse(x) not in known:
            return False
        if isinstance(x, ast.Call) and not (isinstance(x.func, ast.Attribute) and x.func.attr in _ASKED):
            return False
        if isinstance(x, ast.BinOp | ast.Lambda | ast.ListComp | ast.GeneratorExp | ast.NamedExpr):
            return False
    return True


def _change(s: ast.stmt, name: str, key: ast.expr) -> tuple[str, ast.expr] | None:
    """``d[k].append(x)`` or ``d[k] += x``."""
    if isinstance(s, ast.AugAssign) and isinstance(s.op, ast.Add):
        own = item_of(s.target) == name and _equal(s.target.slice, key)  # type: ignore[union-attr]
        return (SUM, s.value) if own else None
    call = s.value if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call) else None
    if call is None or not isinstance(call.func, ast.Attribute) or call.func.attr != "append":
        return None
    base = call.func.value
    own = item_of(base) == name and _equal(base.slice, key)  # type: ignore[attr-defined]
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


def _assigns(s: ast.stmt, name: str, key: ast.expr) -> bool:
    if not isinstance(s, ast.Assign) or len(s.targets) != 1 or item_of(s.targets[0]) != name:
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
        if item_of(x) == name and not isinstance(x.ctx, ast.Load):  # type: ignore[attr-defined]
            return True
        if isinstance(x, ast.Attribute) and name in _names(x.value) and x.attr != "get":
            return True
    return False


def _leaves(block: list[ast.stmt]) -> bool:
    return any(isinstance(x, ast.Continue | ast.Break | ast.Return) for x in pytree.walk(*block))
