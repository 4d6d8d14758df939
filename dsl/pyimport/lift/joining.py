"""numpy functions that make a vector of vectors, or a number of two: ``concatenate``, ``cumsum``, ``dot``, ``isin``."""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl.pyimport.lift import arrays, listed, nested, picking
from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import elementwise as E
from attndsl.dsl.pyimport.lift import reductions as R
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import sequence, sort_of
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.making import argument, as_float
from attndsl.dsl.pyimport.lift.operators import binary
from attndsl.dsl.pyimport.lift.sequences import sort
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.uniting import united
from attndsl.dsl.pyimport.lift.values import (
    NoneValue,
    Part,
    Scalar,
    Seq,
    Value,
    Vector,
    items_of,
)


def _vector(m: Machine, value: Value) -> Vector:
    return arrays.vector(m, R.as_vector(m, value))


def cumulative(m: Machine, node: ast.Call) -> Value:
    """``np.cumsum(v)``."""
    if len(node.args) != 1 or node.keywords:
        raise m.stop("np.cumsum with these arguments", node, "E0305")
    v = _vector(m, argument(m, node.args[0]))
    if v.part:
        raise m.stop("the running sum of an array made of a list", node, "E0315")
    if v.items is not None:
        total, sums = T.ZERO, []
        for x in v.items:
            total = T.add(total, T.as_number(x.term))
            sums.append(Scalar(total, True))
        return E.written(tuple(sums))
    t, last = T.fresh("int"), T.fresh("int")
    element = v.at(t).term
    if element.kind == "bool":
        term = T.agg("count", t, T.NONE, T.ZERO, T.add(last, T.ONE), element)
    else:
        term = T.agg("sum", t, T.NONE, T.ZERO, T.add(last, T.ONE), T.TRUE, element)
    return Vector(v.length, lambda k: Scalar(T.subst(term, {last: k}), True))


def product(m: Machine, node: ast.Call) -> Value:
    """``np.dot(v, w)`` of two vectors."""
    if len(node.args) != 2 or node.keywords:
        raise m.stop("np.dot with these arguments", node, "E0305")
    a, b = (_vector(m, argument(m, x)) for x in node.args)
    return R.fold(m, "sum", binary(m, "*", a, b))


def concatenated(m: Machine, node: ast.Call) -> Value:
    """``np.concatenate([v, w])``, and ``np.append(v, x)``."""
    if node.keywords:
        raise m.stop("np.concatenate with these arguments", node, "E0305")
    if ast.unparse(node.func).endswith("append"):
        if len(node.args) != 2:
            raise m.stop("np.append with these arguments", node, "E0305")
        given = [argument(m, a) for a in node.args]
        sides = [m.allocate(Seq((Part((), T.TRUE, v),))) if isinstance(v, Scalar) else v for v in given]
    else:
        held = sequence(m, evaluate(m, node.args[0])) if len(node.args) == 1 else None
        found = items_of(held) if held is not None else None
        if not found:
            raise m.stop("np.concatenate of this", node, "E0315")
        sides = list(found)
    vectors = [_vector(m, s) for s in sides]
    kinds = {E.probe(v).term.kind if v.items != () else "float" for v in vectors}
    if any(v.part for v in vectors):
        if kinds != {"int"}:
            raise m.stop("np.concatenate of these arrays", node, "E0315")
        one = united(m, Seq(tuple(p for v in vectors for p in _parts(m, v))))
        array = listed.of_list(m, one)
        if array is None:
            raise m.stop("np.concatenate of these arrays", node, "E0315")
        return array
    whole = kinds == {"int"} or kinds == {"bool"}
    if all(v.items is not None for v in vectors):
        items = [x for v in vectors for x in v.items or ()]
        return E.written(tuple(x if whole else Scalar(as_float(x.term), True) for x in items))
    if len(vectors) == 2:
        return _end_to_end(m, vectors[0], vectors[1], whole)
    raise m.stop("np.concatenate of these arrays", node, "E0315")


def _parts(m: Machine, v: Vector) -> tuple[Part, ...]:
    if v.items is not None:
        return tuple(Part((), T.TRUE, x) for x in v.items)
    return (picking.as_part(m, v),)


def _end_to_end(m: Machine, a: Vector, b: Vector, whole: bool) -> Vector:
    def at(k: Term) -> Scalar:
        first, second = a.at(k).term, b.at(T.sub(k, a.length)).term
        if not whole:
            first, second = as_float(first), as_float(second)
        return Scalar(T.ite(T.compare("<", k, a.length), first, second), True)

    return E.counted(m, T.add(a.length, b.length), at)


def among(m: Machine, node: ast.Call) -> Value:
    """``np.isin(v, values)`` of values that are written out."""
    if len(node.args) != 2 or node.keywords:
        raise m.stop("np.isin with these arguments", node, "E0305")
    v, wanted = _vector(m, argument(m, node.args[0])), argument(m, node.args[1])
    values = sequence(m, wanted)
    if values is None or sort_of(m, wanted) not in ("list", "tuple", "range"):  # numpy takes a set for one object
        raise m.stop("np.isin of these values", node, "E0305")
    return E.apply(m, lambda x: Scalar(C.contains(m, x, values), True), v)


def sorted_places(m: Machine, node: ast.Call) -> Value:
    """``np.argsort(v, kind="stable")``: its usual method leaves the order of equal elements open."""
    options = {k.arg: k.value for k in node.keywords}
    kind = options.pop("kind", None)
    stable = isinstance(kind, ast.Constant) and kind.value in ("stable", "mergesort")
    if len(node.args) != 1 or options or not stable:
        raise m.stop("the order of equal elements in np.argsort", node, "E0312")
    v = _vector(m, argument(m, node.args[0]))
    if v.items is not None or v.part:
        raise m.stop("np.argsort of this object", node, "E0315")
    part = picking.as_part(m, v)
    ordered = sort(m, Seq((part,)), NoneValue(), False, node)
    parts = tuple(Part(p.binders, p.condition, Scalar(p.binders[0].var, True)) for p in ordered.parts)
    found = m.allocate(Seq(parts, sort="array"))
    m.frozen.add(found.key)
    return found


JOINING: dict[str, Callable[[Machine, ast.Call], Value]] = {
    "cumsum": cumulative,
    "dot": product,
    "concatenate": concatenated,
    "append": concatenated,
    "hstack": concatenated,
    "isin": among,
    "vstack": nested.stacked,
    "stack": nested.stacked,
    "argsort": sorted_places,
}
