"""Functions under ``functools.lru_cache``: whose cache is read, and which give the same without it.

A cache changes more than how long a call takes. It hands out one object to all callers, so that a change by one of them
shows in the others; it fails for a list as an argument; it takes ``f(True)`` for ``f(1)``; and it keeps what depended
on a variable that has another value by now. A bounded program has the cache itself, one for each run. That is all of
it where the function is made anew in each call of the program; a function of the file keeps its cache from one call to
the next, which nobody can tell where it gives numbers and texts, or the pipeline.

None of this concerns a function without parameters that reads nothing but imports and its own names, and gives the
pipeline or a constant: that one is lifted.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl import pytree

Resolve = Callable[[ast.expr], str | None]
_MORE = (ast.Global, ast.Nonlocal, ast.Lambda, ast.FunctionDef, ast.Yield, ast.YieldFrom)
"""What a function that only loads something does not hold."""


def gives_the_same(function: ast.FunctionDef, resolve: Resolve) -> bool:
    """Whether calls of the function without its cache cannot be told from calls with it."""
    given = function.args
    if given.posonlyargs or given.args or given.kwonlyargs or given.vararg or given.kwarg:
        return False
    inside = [node for statement in function.body for node in pytree.walk(statement)]
    if any(isinstance(n, _MORE) for n in inside):
        return False
    names = [n for n in inside if isinstance(n, ast.Name)]
    stored = [n.id for n in names if isinstance(n.ctx, ast.Store)]
    own = {*stored}
    for n in inside:
        if isinstance(n, ast.Import | ast.ImportFrom):
            own |= {a.asname or a.name.split(".")[0] for a in n.names}
    if any(n.id not in own and resolve(n) is None and not n.id.endswith(("Error", "Exception")) for n in names):
        return False
    targets = [t for n in inside if isinstance(n, ast.Assign) and _loads(n.value) for t in n.targets]
    loaded = {t.id for t in targets if isinstance(t, ast.Name) and stored.count(t.id) == 1}
    values = [n.value for n in inside if isinstance(n, ast.Return) and n.value is not None]
    return all(isinstance(v, ast.Constant) or _loads(v) or (isinstance(v, ast.Name) and v.id in loaded) for v in values)


def _loads(value: ast.expr) -> bool:
    """``spacy.load(...)``."""
    return isinstance(value, ast.Call) and ast.unparse(value.func) == "spacy.load"


# ---------------------------------------------------------------- which caches are read

CACHES = ("functools.lru_cache", "functools.cache")
Settings = tuple[int | None, bool]


def settings(decorator: ast.expr, resolve: Resolve) -> Settings | None:
    """(most entries, whether 1 and 1.0 are two) of a decorator that is a cache written out, else None."""
    target = resolve(decorator.func if isinstance(decorator, ast.Call) else decorator)
    if target not in CACHES or (target == CACHES[1] and isinstance(decorator, ast.Call)):
        return None
    if not isinstance(decorator, ast.Call):
        return (None if target == CACHES[1] else 128), False
    given = [*zip(("maxsize", "typed"), decorator.args, strict=False), *((k.arg, k.value) for k in decorator.keywords)]
    values = {name: x.value for name, x in given if isinstance(x, ast.Constant)}
    size, typed = values.get("maxsize", 128), values.get("typed", False)
    fits = len(values) == len(decorator.args) + len(decorator.keywords) and set(values) <= {"maxsize", "typed"}
    if fits and (size is None or size.__class__ is int) and typed.__class__ is bool:
        return size, typed
    return None


def gives_values(function: ast.FunctionDef) -> bool:
    """Whether all that the function returns is numbers, texts, its own arguments (which have a hash) and tuples of
    these: what nobody can change."""
    inside = [node for statement in function.body for node in pytree.walk(statement)]
    given = function.args
    if given.kwarg is not None or any(isinstance(n, _MORE) for n in inside):
        return False
    stored = _stored(inside)
    values = {a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)} | set(stored)
    while True:  # a name holds a value where each thing stored into it is one
        left = {x for x in values if all(v is not None and _value(v, values, function.name) for v in stored.get(x, ()))}
        if left == values:
            break
        values = left
    returned = [n.value for n in inside if isinstance(n, ast.Return) and n.value is not None]
    return all(_value(v, values, function.name) for v in returned)


def _stored(inside: list[ast.AST]) -> dict[str, list[ast.expr | None]]:
    """What is stored into each name; None for a loop, an unpacking and the like."""
    stored: dict[str, list[ast.expr | None]] = {}
    for n in inside:
        if isinstance(n, ast.Assign):
            for t in [t for t in n.targets if isinstance(t, ast.Name)]:
                stored.setdefault(t.id, []).append(n.value)
        elif isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name):
            stored.setdefault(n.target.id, []).append(ast.BinOp(n.target, n.op, n.value))
    for name in [n.id for n in inside if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)]:
        plain = sum(isinstance(n, ast.Name) and n.id == name and not isinstance(n.ctx, ast.Load) for n in inside)
        if len(stored.setdefault(name, [])) != plain:
            stored[name].append(None)
    return stored


_MAKERS_TEXT = "len int float bool str ord chr isinstance any all repr frozenset"
_MAKERS = frozenset(_MAKERS_TEXT.split())
_METHODS_TEXT = (
    "lower upper strip lstrip rstrip startswith endswith isalpha isdigit isupper islower istitle isalnum count find "
    "replace join capitalize title casefold removeprefix removesuffix"
)
_METHODS = frozenset(_METHODS_TEXT.split())


def _value(node: ast.expr, values: set[str], itself: str) -> bool:
    """Whether the expression gives a number, a text, a truth, or a tuple of these."""

    def each(*nodes: ast.expr) -> bool:
        return all(_value(x, values, itself) for x in nodes)

    match node:
        case ast.Constant() | ast.JoinedStr() | ast.UnaryOp(op=ast.Not()):
            return True
        case ast.Compare():
            looked = all(isinstance(op, ast.In | ast.NotIn | ast.Is | ast.IsNot) for op in node.ops)
            return looked or each(node.left, *node.comparators)
        case ast.Subscript():
            return each(node.value)
        case ast.Name():
            return node.id in values
        case ast.UnaryOp():
            return each(node.operand)
        case ast.BinOp(op=ast.Add() | ast.Mult()):
            return each(node.left) or each(node.right)
        case ast.BinOp():
            return each(node.left) and each(node.right)
        case ast.BoolOp():
            return each(*node.values)
        case ast.IfExp():
            return each(node.body, node.orelse)
        case ast.Tuple():
            return each(*node.elts)
        case ast.Call(func=ast.Name(id="max" | "min"), args=args, keywords=[]) if len(args) > 1:
            return each(*args)
        case ast.Call(func=ast.Name(id="abs" | "round"), args=args):
            return each(*args)
        case ast.Call(func=ast.Name(id="sum"), args=[ast.Name() as items], keywords=[]):
            return each(items)
        case ast.Call(func=ast.Name(id="sum"), args=[ast.GeneratorExp(elt=item)], keywords=[]):
            return each(item)
        case ast.Call(func=ast.Name(id=name)):
            return name in _MAKERS or name == itself
        case ast.Call(func=ast.Attribute(value=ast.Name(id="math"))):
            return True
        case ast.Call(func=ast.Attribute(value=value, attr=name)):
            return name in _METHODS and each(value)
    return False
