"""Running sums, maxima and minima: ``np.maximum.accumulate(v)`` and ``itertools.accumulate(xs)``."""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl.pyimport.lift import arrays, folds, walks
from attndsl.dsl.pyimport.lift import elementwise as E
from attndsl.dsl.pyimport.lift import reductions as R
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.making import argument
from attndsl.dsl.pyimport.lift.merge import instantiate
from attndsl.dsl.pyimport.lift.sequences import iterable
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Opaque, Part, Scalar, Seq, Value, Vector

_EXTREMES = {"maximum": "max", "minimum": "min"}


def ufunc(name: str) -> Callable[[Machine, ast.Call], Value]:
    return lambda m, node: _of_ufunc(m, name, node)


def _of_ufunc(m: Machine, name: str, node: ast.Call) -> Value:
    """``np.maximum.accumulate(v)``: of each element, the largest up to it. ``np.add.accumulate`` is ``np.cumsum``."""
    from attndsl.dsl.pyimport.lift import joining

    if name == "add":
        return joining.cumulative(m, node)
    if name not in _EXTREMES or len(node.args) != 1 or node.keywords:
        raise m.stop(f"np.{name}.accumulate with these arguments", node, "E0305")
    v = arrays.vector(m, R.as_vector(m, argument(m, node.args[0])))
    if v.part:
        raise m.stop("a running extreme of an array made of a list", node, "E0315")
    if v.items is not None:
        found: list[Value] = []
        for x in v.items:
            found.append(x if not found else folds.extreme(m, _EXTREMES[name], [found[-1], Scalar(x.term, True)]))
        return E.written(tuple(_plain(m, x, node) for x in found))
    t, last = T.fresh("int"), T.fresh("int")
    element = v.at(t).term
    if element.kind not in ("int", "float"):
        raise m.stop("a running extreme of these elements", node, "E0302")
    term = _running(name, element, t, last)
    return Vector(v.length, lambda k: Scalar(T.subst(term, {last: k}), True))


def _plain(m: Machine, x: Value, node: ast.AST) -> Scalar:
    if not isinstance(x, Scalar) or x.term.kind not in ("int", "float"):
        raise m.stop("a running extreme of these elements", node, "E0302")
    return x


def _running(kind: str, element: Term, var: Term, last: Term) -> Term:
    return T.agg(kind, var, T.NONE, T.ZERO, T.add(last, T.ONE), T.TRUE, element)


def of_list(m: Machine, node: ast.Call) -> Value:
    """``accumulate(xs)`` of numbers, and ``accumulate(xs, max)``: as many as there are of xs."""
    kind = "sum"
    if len(node.args) == 2 and isinstance(node.args[1], ast.Name):
        function = evaluate(m, node.args[1])
        name = node.args[1].id
        kind = {"max": "maximum", "min": "minimum"}.get(name, "") if _is_builtin(function, name) else ""
    elif len(node.args) != 1:
        kind = ""
    if node.keywords or not kind:
        raise m.stop("accumulate with these arguments", node, "E0305")
    value = evaluate(m, node.args[0])
    seq = iterable(m, value)
    if len(seq.parts) != 1 or seq.is_set or len(seq.parts[0].binders) != 1:
        raise m.stop("accumulate of a list that was built in several places", node, "E0313")
    part = instantiate(seq.parts[0])
    (b,) = part.binders
    plain = not (b.descending or b.climbs or b.mixed) and part.condition is T.TRUE and b.low is T.ZERO
    element = part.element
    # The first of sums is the first element itself: of truth values it is one, and prints as one.
    if not plain or not isinstance(element, Scalar) or element.term.kind not in ("int", "float"):
        raise m.stop("accumulate of these elements", node, "E0313")
    t = T.fresh("int")
    term = _running(kind, T.subst(element.term, {b.var: t}), t, b.var)
    found = Seq((Part(part.binders, T.TRUE, Scalar(term, element.numpy)),))
    return walks.iterator(m, found, walks.out_of_step(walks.of(m, value)))


def _is_builtin(function: Value, name: str) -> bool:
    return isinstance(function, Opaque) and function == Opaque("builtin", name)
