"""Functions under ``functools.lru_cache`` that give the same without it: those that load spaCy's pipeline.

A cache changes more than how long a call takes. It hands out one object to all callers, so that a change by one of them
shows in the others; it fails for a list as an argument; it takes ``f(True)`` for ``f(1)``; and it keeps what depended
on a variable that has another value by now. None of this concerns a function without parameters that reads nothing but
imports and its own names, and gives the pipeline or a constant.
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

