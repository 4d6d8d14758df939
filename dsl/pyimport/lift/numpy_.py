"""numpy and math functions."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from attndsl.dsl.pyimport.lift import arguments, arrays, gathered, listed
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import sequence, spread
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Loop, Machine
from attndsl.dsl.pyimport.lift.making import MAKING, argument, is_double, list_vector
from attndsl.dsl.pyimport.lift.rewriting import chained, combined, multiplied, placed
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    Grid,
    PerRow,
    RowRef,
    Scalar,
    TupleValue,
    Value,
    known,
)

_PLAIN = {"exp": "exp", "log": "log", "sqrt": "sqrt", "tanh": "tanh", "abs": "abs", "floor": "floor", "ceil": "ceil"}
_ITERTOOLS = {"product": multiplied, "chain": chained, "combinations": combined}
_MATH = {"exp", "sqrt", "tanh", "floor", "ceil", "log", "fabs"}


def call(m: Machine, name: str, node: ast.Call) -> Value:
    """``np.f(...)`` or ``math.f(...)``; anything not listed stops the lift."""
    module, _, function = name.partition(".")
    if module == "numpy":
        if function.startswith("random"):
            raise m.stop("random numbers", node, "E0308")
        handler = _NUMPY.get(function)
        arguments.check(m, name, node)
        if handler is not None:
            return handler(m, node)
        if function in _PLAIN and len(node.args) == 1 and not node.keywords:
            return _function(m, _PLAIN[function], argument(m, node.args[0]))
    if module in ("numpy", "math") and len(node.args) == 1 and not node.keywords:
        derived = _derived(m, module, function, node)
        if derived is not None:
            return derived
    if module == "math" and function in _MATH and len(node.args) == 1 and not node.keywords:
        return _math(m, function, evaluate(m, node.args[0]))
    if module == "collections" and function in gathered.MAKERS:
        return gathered.made(m, function, node)
    if module == "itertools" and function in _ITERTOOLS:
        return _ITERTOOLS[function](m, node)
    if module == "random":
        raise m.stop("random numbers", node, "E0308")
    raise m.stop(f"the function {name!r}", node, "E0305")


def _derived(m: Machine, module: str, function: str, node: ast.Call) -> Value | None:
    """``log1p(x)`` as ``log(1 + x)`` and ``square(x)``: the same to rounding. Not ``log2``: people cut it
    to whole numbers, where rounding counts."""
    (x,) = node.args
    if function == "square" and module == "numpy":
        return evaluate(m, placed(ast.BinOp(x, ast.Pow(), ast.Constant(2)), node))
    if function == "log1p":
        more = ast.BinOp(ast.Constant(1.0), ast.Add(), x)
        return call(m, f"{module}.log", placed(ast.Call(node.func, [more], []), node))
    return None


def _math(m: Machine, function: str, value: Value) -> Value:
    if not isinstance(value, Scalar) or value.term.kind == "str":
        raise m.stop(f"math.{function} of this object", code="E0302")
    t = T.as_number(value.term)
    if function in ("floor", "ceil"):
        return Scalar(t if t.kind == "int" else T.func(function, (t,), "int"))
    if function in ("sqrt", "log"):
        from attndsl.dsl.pyimport.lift.operators import positive

        if not positive(m, t, strict=(function == "log")):
            m.require(T.compare(">" if function == "log" else ">=", t, T.ZERO))
    if function == "exp":
        m.require(T.compare("<", t, T.const(709.0)))
    return Scalar(T.func({"fabs": "abs"}.get(function, function), (t,), "float"))


def _function(m: Machine, name: str, value: Value) -> Value:
    def one(v: Value, _: Value) -> Value:
        if not isinstance(v, Scalar) or v.term.kind == "str":
            raise m.stop(f"np.{name} of this object", code="E0302")
        if v.term.kind == "bool" and name != "abs":
            raise m.stop(f"np.{name} of a truth value, which numpy computes with 16 bits", code="E0302")
        t = T.as_number(v.term)
        return Scalar(T.func(name, (t,), "int" if name == "abs" and t.kind == "int" else "float"), True)

    def apply(v: Value) -> Value:
        return arrays.elementwise(m, v, known(0), one, name) if arrays.is_array(v) else one(v, v)

    return spread(m, apply, value)


# ---------------------------------------------------------------- folds


def fold(m: Machine, kind: str, value: Value) -> Scalar:
    """Sum, maximum or minimum of a vector; numpy fails on the maximum of nothing."""
    if isinstance(value, RowRef) and kind == "sum" and _covers(m, value):
        return Scalar(m.read_stat(value.matrix, "sum", value.row), True)
    if isinstance(value, RowRef) and kind in ("maximum", "minimum") and value.length is T.N:
        name = {"maximum": "max", "minimum": "min"}[kind]
        return Scalar(m.read_stat(value.matrix, name, value.row), True)
    v = arrays.vector(m, value)
    if v.part:
        return listed.fold(m, kind, v.part)
    k = T.fresh("int")
    if kind != "sum":
        m.require(T.compare(">", v.length, T.ZERO))
    element = T.as_number(v.at(k).term)
    if element.op == "ite" and kind == "sum" and element.args[1:] == (T.ONE, T.ZERO):
        return Scalar(T.agg("count", k, T.NONE, T.ZERO, v.length, element.args[0]), True)
    return Scalar(T.agg(kind, k, T.NONE, T.ZERO, v.length, T.TRUE, element), True)


def _covers(m: Machine, row: RowRef) -> bool:
    """The slice is the whole row, or all of a vector of its own (the cells beyond which stay zero)."""
    return row.start is T.ZERO and (row.length is T.N or m.lengths.get(row.matrix) is row.length)


def _fold_call(kind: str) -> Callable[[Machine, ast.Call], Value]:
    def handler(m: Machine, node: ast.Call) -> Value:
        if len(node.args) != 1:
            raise m.stop("a numpy function with these arguments", node, "E0305")
        value = argument(m, node.args[0])
        if isinstance(value, Grid):
            return _grid_fold(m, value, kind, node)
        if node.keywords:
            raise m.stop("a numpy function with these arguments", node, "E0305")
        return fold(m, kind, _as_vector(m, value))

    return handler


def _as_vector(m: Machine, value: Value) -> Value:
    """A list of numbers as numpy reads it."""
    seq = sequence(m, value)
    if seq is None:
        return value
    return list_vector(m, seq)


def _grid_fold(m: Machine, grid: Grid, kind: str, node: ast.Call) -> Value:
    options = {k.arg: ast.unparse(k.value) for k in node.keywords}
    if (
        kind != "sum"
        or options.pop("axis", None) not in ("1", "-1")
        or options.pop("keepdims", None) != "True"
        or options
    ):
        raise m.stop("a fold over the whole matrix", node, "E0315")
    matrix, time = arrays.current(m, grid), len(m.events)
    if m.loops:
        raise m.stop("a fold over the whole matrix inside a loop", node, "E0315")
    r = T.fresh("int")
    m.read_stat(matrix, "sum", r)
    term = T.row_stat(matrix, "sum", r, time)
    return PerRow(lambda at: Scalar(T.subst(term, {r: at}), True))


def method(m: Machine, base: Value, name: str, node: ast.Call) -> Value:
    """Methods of arrays."""
    kind = {"sum": "sum", "max": "maximum", "min": "minimum"}.get(name)
    if kind is not None:
        if isinstance(base, Grid):
            return _grid_fold(m, base, kind, node)
        if not node.args and not node.keywords:
            return fold(m, kind, base)
    if name in ("copy", "astype") and isinstance(base, Grid) and is_double(node):
        return arrays.renamed(m, base)
    if name == "copy" and not node.args and not node.keywords and not isinstance(base, Grid):
        return replace(arrays.vector(m, base), slice_of=None)
    if name in ("any", "all") and not node.args and not node.keywords and not isinstance(base, Grid):
        return _quantified(m, name, base)
    if name == "mean" and not node.args and not node.keywords and not isinstance(base, Grid):
        return _mean(m, base)
    if name == "argmax" and not node.args and not node.keywords and not isinstance(base, Grid):
        return _arg(m, "argmax", base)
    raise m.stop(f"the array method {name!r}", node, "E0315")


def _quantified(m: Machine, name: str, value: Value) -> Value:
    v = arrays.vector(m, value)
    if v.part:
        return listed.quantified(name, v.part)
    k = T.fresh("int")
    c = v.at(k).term
    c = c if c.kind == "bool" else T.compare("!=", c, T.ZERO)
    some = T.agg("any", k, T.NONE, T.ZERO, v.length, c if name == "any" else T.not_(c))
    return Scalar(some if name == "any" else T.not_(some), True)


def _mean(m: Machine, value: Value) -> Value:
    v = arrays.vector(m, value)
    total = fold(m, "sum", value)
    m.require(T.compare(">", v.length, T.ZERO))
    return Scalar(T.arith("/", total.term, v.length), True)


def _arg(m: Machine, kind: str, value: Value) -> Value:
    v = arrays.vector(m, value)
    if v.part:
        raise m.stop("the place of the greatest element of an array made of a list", code="E0315")
    m.require(T.compare(">", v.length, T.ZERO))
    k = T.fresh("int")
    return Scalar(T.agg(kind, k, T.NONE, T.ZERO, v.length, T.TRUE, v.at(k).term))


# ---------------------------------------------------------------- changing arrays


def _clip(m: Machine, node: ast.Call) -> Value:
    args = [argument(m, a) for a in node.args]
    options = {k.arg: evaluate(m, k.value) for k in node.keywords}
    if len(args) + len(options) != 3:
        raise m.stop("np.clip with one bound", node, "E0305")
    low = args[1] if len(args) > 1 else options.get("a_min", known(None))
    high = args[2] if len(args) > 2 else options.get("a_max", known(None))
    return arrays.clip(m, args[0], low, high)


def _extreme(which: str) -> Callable[[Machine, ast.Call], Value]:
    def handler(m: Machine, node: ast.Call) -> Value:
        if len(node.args) != 2 or node.keywords:
            raise m.stop(f"np.{which} with these arguments", node, "E0305")
        a, b = (argument(m, x) for x in node.args)
        if arrays.is_array(b) and not arrays.is_array(a):
            a, b = b, a
        none = known(None)
        return arrays.clip(m, a, b if which == "maximum" else none, b if which == "minimum" else none)

    return handler


def _count_nonzero(m: Machine, node: ast.Call) -> Value:
    value = argument(m, node.args[0])
    if node.keywords or len(node.args) != 1:
        raise m.stop("np.count_nonzero with these arguments", node, "E0305")
    if isinstance(value, RowRef) and value.length is T.N:
        return Scalar(m.read_stat(value.matrix, "count", value.row))
    v = arrays.vector(m, value)
    k = T.fresh("int")
    return Scalar(T.agg("count", k, T.NONE, T.ZERO, v.length, T.compare("!=", T.as_number(v.at(k).term), T.ZERO)))


def _any_array(name: str) -> Callable[[Machine, ast.Call], Value]:
    def handler(m: Machine, node: ast.Call) -> Value:
        if len(node.args) != 1 or node.keywords:
            raise m.stop(f"np.{name} with these arguments", node, "E0305")
        return _quantified(m, name, argument(m, node.args[0]))

    return handler


def _at_row(v: Value, row: Term) -> Term:
    found = v.at(row) if isinstance(v, PerRow) else v
    assert isinstance(found, Scalar)
    return found.term


def _where(m: Machine, node: ast.Call) -> Value:
    if len(node.args) != 3:
        raise m.stop("np.where with these arguments", node, "E0315")
    c, a, b = (argument(m, x) for x in node.args)
    if isinstance(c, PerRow) and all(isinstance(x, PerRow | Scalar) for x in (a, b)):
        r = T.fresh("int")
        then, other = (_at_row(x, r) for x in (a, b))
        term = T.ite(c.at(r).term, then, other)
        return PerRow(lambda at: Scalar(T.subst(term, {r: at}), True))
    raise m.stop("np.where of these objects", node, "E0315")


def _mean_call(m: Machine, node: ast.Call) -> Value:
    value = argument(m, node.args[0])
    if len(node.args) != 1 or node.keywords or isinstance(value, Grid):
        raise m.stop("np.mean with these arguments", node, "E0305")
    return _mean(m, _as_vector(m, value))


def _argmax_call(m: Machine, node: ast.Call) -> Value:
    return _arg(m, "argmax", _as_vector(m, argument(m, node.args[0])))


def _copied(m: Machine, node: ast.Call) -> Value:
    value = argument(m, node.args[0])
    return arrays.renamed(m, value) if isinstance(value, Grid) else replace(arrays.vector(m, value), slice_of=None)


_NUMPY: dict[str, Callable[[Machine, ast.Call], Value]] = {
    **MAKING,
    "clip": _clip,
    "maximum": _extreme("maximum"),
    "minimum": _extreme("minimum"),
    "sum": _fold_call("sum"),
    "max": _fold_call("maximum"),
    "min": _fold_call("minimum"),
    "mean": _mean_call,
    "argmax": _argmax_call,
    "count_nonzero": _count_nonzero,
    "any": _any_array("any"),
    "all": _any_array("all"),
    "where": _where,
    "copy": _copied,
}
__all__ = ["Binder", "Loop", "TupleValue", "call", "fold", "method", "spread"]
