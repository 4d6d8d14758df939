"""numpy and math functions."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import replace

from attndsl.dsl.pyimport.lift import accumulating, arguments, arrays, diagonals, gathered, picking
from attndsl.dsl.pyimport.lift import elementwise as E
from attndsl.dsl.pyimport.lift import reductions as R
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import spread
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.joining import JOINING
from attndsl.dsl.pyimport.lift.machine import Loop, Machine
from attndsl.dsl.pyimport.lift.making import ELEMENTS, MAKING, argument, converted, is_double, own_copy
from attndsl.dsl.pyimport.lift.rewriting import chained, combined, multiplied, placed
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.triangles import TRIANGLES, diagonal, reshaped
from attndsl.dsl.pyimport.lift.ufuncs import UFUNCS, clip
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    Grid,
    NoneValue,
    Opaque,
    RowRef,
    Scalar,
    Seq,
    TupleValue,
    Value,
    Vector,
    known,
)

_PLAIN = {
    "exp": "exp",
    "log": "log",
    "sqrt": "sqrt",
    "tanh": "tanh",
    "sin": "sin",
    "cos": "cos",
    "abs": "abs",
    "floor": "floor",
    "ceil": "ceil",
}
_ITERTOOLS = {"product": multiplied, "chain": chained, "combinations": combined, "accumulate": accumulating.of_list}
_MATH = {"exp", "sqrt", "tanh", "sin", "cos", "floor", "ceil", "log", "fabs"}


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
    if module == "operator" and function == "itemgetter":
        return _getter(m, node)
    if module == "collections" and function in gathered.MAKERS:
        return gathered.made(m, function, node)
    if module == "itertools" and function in _ITERTOOLS:
        return _ITERTOOLS[function](m, node)
    if module == "re":
        from attndsl.dsl.pyimport.lift import matching

        return matching.call(m, function, node)
    if module == "random":
        raise m.stop("random numbers", node, "E0308")
    raise m.stop(f"the function {name!r}", node, "E0305")


def _derived(m: Machine, module: str, function: str, node: ast.Call) -> Value | None:
    """``log1p(x)`` as ``log(1 + x)``: the same to rounding. Not ``log2``: people cut it to whole numbers, where
    rounding counts."""
    (x,) = node.args
    if function == "log1p":
        more = ast.BinOp(ast.Constant(1.0), ast.Add(), x)
        return call(m, f"{module}.log", placed(ast.Call(node.func, [more], []), node))
    return None


def _getter(m: Machine, node: ast.Call) -> Value:
    """``operator.itemgetter(1)``."""
    places = [evaluate(m, a) for a in node.args]
    terms = [p.term for p in places if isinstance(p, Scalar) and p.term.kind == "int" and T.is_const(p.term)]
    if node.keywords or not terms or len(terms) != len(places):
        raise m.stop("itemgetter with these arguments", node, "E0305")
    return Opaque("itemgetter", tuple(t.data for t in terms))


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
    if function in ("sin", "cos") and not _is_finite(t):
        m.require(T.conj((T.compare("<", t, T.const(math.inf)), T.compare(">", t, T.const(-math.inf)))))
    return Scalar(T.func({"fabs": "abs"}.get(function, function), (t,), "float"))


def _is_finite(t: Term) -> bool:
    """A number that is computed from whole numbers and constants without anything that may be infinite."""
    if t.kind in ("int", "bool") or T.is_const(t):
        return not T.is_const(t) or math.isfinite(t.data)
    plain = t.op in ("linear", "neg", "ite") or (t.op == "bin" and t.data in ("+", "-", "*", "/"))
    return plain and all(map(_is_finite, t.args))


def _function(m: Machine, name: str, value: Value) -> Value:
    def one(v: Value, _: Value) -> Value:
        if not isinstance(v, Scalar) or v.term.kind == "str":
            raise m.stop(f"np.{name} of this object", code="E0302")
        if v.term.kind == "bool" and name == "abs":
            return Scalar(v.term, True)
        if v.term.kind == "bool":
            raise m.stop(f"np.{name} of a truth value, which numpy computes with 16 bits", code="E0302")
        t = T.as_number(v.term)
        return Scalar(T.func(name, (t,), "int" if name == "abs" and t.kind == "int" else "float"), True)

    def apply(v: Value) -> Value:
        return E.apply(m, lambda x: one(x, x), v)

    return spread(m, apply, value)


# ---------------------------------------------------------------- folds


def _fold_call(kind: str) -> Callable[[Machine, ast.Call], Value]:
    def handler(m: Machine, node: ast.Call) -> Value:
        if len(node.args) not in (1, 2):
            raise m.stop("a numpy function with these arguments", node, "E0305")
        value = argument(m, node.args[0])
        if R.is_matrix(value):
            return R.matrix_fold(m, value, kind, node, list(node.args[1:]))
        if node.keywords or len(node.args) > 1:
            raise m.stop("a numpy function with these arguments", node, "E0305")
        return R.fold(m, kind, R.as_vector(m, value))

    return handler


def method(m: Machine, base: Value, name: str, node: ast.Call) -> Value:
    """Methods of arrays."""
    kind = {"sum": "sum", "max": "maximum", "min": "minimum"}.get(name)
    if kind is not None:
        if R.is_matrix(base):
            return R.matrix_fold(m, base, kind, node, list(node.args))
        if not node.args and not node.keywords:
            return R.fold(m, kind, base)
    if name in ("mean", "any", "all") and R.is_matrix(base):
        return R.matrix_question(m, base, name, node, list(node.args))
    if name in ("copy", "astype") and isinstance(base, Grid) and is_double(node):
        return arrays.renamed(m, base)
    if name == "copy" and not node.args and not node.keywords and not isinstance(base, Grid):
        return own_copy(m, base)
    if name == "astype" and len(node.args) == 1 and not node.keywords and not isinstance(base, Grid):
        kind = "float" if is_double(node) else ELEMENTS.get(ast.unparse(node.args[0]), "")
        if kind:
            return converted(m, own_copy(m, base), kind, node)
    if name == "reshape":
        return reshaped(m, base, node)
    if name == "diagonal" and not node.args and not node.keywords:
        return diagonal(m, base, T.ZERO, node)
    if name == "tolist" and not node.args and not node.keywords and isinstance(base, RowRef | Vector):
        part = picking.as_part(m, base)
        assert isinstance(part.element, Scalar)
        return m.allocate(Seq((replace(part, element=Scalar(part.element.term)),)))  # of Python's numbers
    if name in ("any", "all") and not node.args and not node.keywords:
        return R.quantified(m, name, base)
    if name == "mean" and not node.args and not node.keywords:
        return R.mean(m, base)
    if name in ("argmax", "argmin") and not node.args and not node.keywords and not isinstance(base, Grid):
        return R.arg(m, name, base)
    raise m.stop(f"the array method {name!r}", node, "E0315")


# ---------------------------------------------------------------- changing arrays


def _clip(m: Machine, node: ast.Call) -> Value:
    args = [argument(m, a) for a in node.args]
    options = {k.arg: evaluate(m, k.value) for k in node.keywords}
    if len(args) + len(options) != 3:
        raise m.stop("np.clip with one bound", node, "E0305")
    low = args[1] if len(args) > 1 else options.get("a_min", known(None))
    high = args[2] if len(args) > 2 else options.get("a_max", known(None))
    return clip(m, args[0], low, high)


def _count_nonzero(m: Machine, node: ast.Call) -> Value:
    """The number is Python's before numpy 2, numpy's since."""
    value = argument(m, node.args[0])
    if node.keywords or len(node.args) != 1:
        raise m.stop("np.count_nonzero with these arguments", node, "E0305")
    if isinstance(value, RowRef) and value.length is T.N:
        return Scalar(m.read_stat(value.matrix, "count", value.row), None)
    v = arrays.vector(m, value)
    k = T.fresh("int")
    nonzero = T.compare("!=", T.as_number(v.at(k).term), T.ZERO)
    return Scalar(T.agg("count", k, T.NONE, T.ZERO, v.length, nonzero), None)


def _any_array(name: str) -> Callable[[Machine, ast.Call], Value]:
    def handler(m: Machine, node: ast.Call) -> Value:
        value = argument(m, node.args[0]) if node.args else NoneValue()
        if R.is_matrix(value):
            return R.matrix_question(m, value, name, node, node.args[1:])
        if len(node.args) != 1 or node.keywords:
            raise m.stop(f"np.{name} with these arguments", node, "E0305")
        return R.quantified(m, name, value)

    return handler


def _mean_call(m: Machine, node: ast.Call) -> Value:
    value = argument(m, node.args[0])
    if R.is_matrix(value):
        return R.matrix_question(m, value, "mean", node, node.args[1:])
    if len(node.args) != 1 or node.keywords:
        raise m.stop("np.mean with these arguments", node, "E0305")
    return R.mean(m, R.as_vector(m, value))


def _argmax_call(m: Machine, node: ast.Call) -> Value:
    kind = ast.unparse(node.func).rpartition(".")[2]
    return R.arg(m, "argmin" if kind == "argmin" else "argmax", R.as_vector(m, argument(m, node.args[0])))


def _copied(m: Machine, node: ast.Call) -> Value:
    value = argument(m, node.args[0])
    return arrays.renamed(m, value) if isinstance(value, Grid) else own_copy(m, value)


def _flat_places(m: Machine, node: ast.Call) -> Value:
    """``np.flatnonzero(mask)``; ``np.nonzero(mask)`` is a tuple of one."""
    found = picking.places_where(m, argument(m, node.args[0]))
    return TupleValue((found,)) if ast.unparse(node.func).endswith(".nonzero") else found


_NUMPY: dict[str, Callable[[Machine, ast.Call], Value]] = {
    **MAKING,
    **UFUNCS,
    **TRIANGLES,
    **JOINING,
    "clip": _clip,
    "sum": _fold_call("sum"),
    "max": _fold_call("maximum"),
    "min": _fold_call("minimum"),
    "mean": _mean_call,
    "argmax": _argmax_call,
    "argmin": _argmax_call,
    "count_nonzero": _count_nonzero,
    "any": _any_array("any"),
    "all": _any_array("all"),
    "copy": _copied,
    "flatnonzero": _flat_places,
    "nonzero": _flat_places,
    "fill_diagonal": diagonals.fill,
    "eye": diagonals.eye,
    "identity": diagonals.eye,
    **{f"{name}.accumulate": accumulating.ufunc(name) for name in ("maximum", "minimum", "add")},
}
__all__ = ["Binder", "Loop", "TupleValue", "call", "method", "spread"]
