"""Default values of parameters: computed once, where the ``def`` stands; what a name in them is bound to later does not
count."""

from __future__ import annotations

import ast

from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.file_level import default_key, with_defaults
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.values import Choice, Closure, Ref, TupleValue, Value


def values(m: Machine, node: ast.FunctionDef | ast.Lambda) -> tuple[Value, ...]:
    """Those of a function or lambda that is made here, inside another function."""
    return tuple(evaluate(m, default) for _, default in with_defaults(node.args))


def shared(m: Machine, node: ast.Lambda) -> tuple[Value, ...]:
    """Those of a lambda of the file, which all its calls share."""
    found = values(m, node)
    for value in found:
        _freeze(m, value)
    return found


def complete(m: Machine, callee: Closure, bound: dict[str, Value]) -> None:
    """Give the parameters that the call did not give a value their defaults."""
    for at, (name, default) in enumerate(with_defaults(callee.node.args)):
        if name not in bound:
            own = callee.frame >= 0 or isinstance(callee.node, ast.Lambda)
            bound[name] = callee.defaults[at] if own else of_file(m, callee.node.name, name, default)  # type: ignore[union-attr]


def of_file(m: Machine, function: str, name: str, default: ast.expr) -> Value:
    """One of a function of the file, which all its calls share: a change of it would have to show in the next call."""
    if not isinstance(default, ast.Constant):
        found = m.constants.get(default_key(function, name))
        if found is None:
            raise m.stop("a default value that may mean something else later", default, "E0307")
        default = found
    with m.outside():
        value = evaluate(m, default)
    _freeze(m, value)
    return value


def _freeze(m: Machine, value: Value) -> None:
    match value:
        case Ref(key=key):
            m.frozen.add(key)
        case TupleValue(items=items):
            for item in items:
                _freeze(m, item)
        case Choice(then=then, other=other):
            _freeze(m, then)
            _freeze(m, other)
