"""numpy's functions of several arrays, element by element."""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl.pyimport.lift import arrays, picking, sheets
from attndsl.dsl.pyimport.lift import elementwise as E
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.comparisons import comparison
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.making import argument, as_float
from attndsl.dsl.pyimport.lift.operators import binary
from attndsl.dsl.pyimport.lift.reductions import truth_of
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Grid, Scalar, Sheet, TupleValue, Value, known

Handler = Callable[[Machine, ast.Call], Value]


def _where(m: Machine, node: ast.Call) -> Value:
    """``np.where(c, a, b)``; with one argument, the places where it holds."""
    values = [argument(m, x) for x in node.args]
    if len(values) == 2:
        raise m.stop("'np.where' with these arguments", node, "E0305")
    if len(values) == 1:
        return TupleValue((picking.places_where(m, values[0]),))

    def chosen(c: Value, a: Value, b: Value) -> Value:
        if not all(isinstance(x, Scalar) and x.term.kind != "str" for x in (c, a, b)):
            raise m.stop("np.where of these objects", node, "E0315")
        return _chosen(truth_of(c, False), *_of_one_kind(a, b))

    return E.apply(m, chosen, *values)


def _chosen(c: Scalar, a: Scalar, b: Scalar) -> Scalar:
    return Scalar(T.ite(c.term, a.term, b.term), True)


def _of_one_kind(a: Value, b: Value) -> tuple[Scalar, Scalar]:
    """Two numbers as an array holds them: both whole, or neither."""
    assert isinstance(a, Scalar)
    assert isinstance(b, Scalar)
    terms = [a.term, b.term]
    if {t.kind for t in terms} != {"bool"}:
        terms = [T.as_number(t) for t in terms]
    if any(t.kind != "int" for t in terms) and any(t.kind == "int" for t in terms):
        terms = [as_float(t) for t in terms]
    return Scalar(terms[0], True), Scalar(terms[1], True)


def clip(m: Machine, value: Value, low: Value, high: Value) -> Value:
    """``np.clip`` and ``np.maximum``/``np.minimum``."""
    for bound, op, name in ((low, "raise", "max"), (high, "cap", "min")):
        if bound == known(None):
            continue
        if isinstance(value, Grid) and isinstance(bound, Scalar):
            limit = bound.term
            value = arrays.whole(m, op, value, lambda r, c, limit=limit: limit)  # type: ignore[misc]
        else:
            value = _clipped(m, value, name, bound)
    return value


def _clipped(m: Machine, value: Value, name: str, limit: Value) -> Value:
    def one(v: Value, bound: Value) -> Value:
        if not (isinstance(v, Scalar) and isinstance(bound, Scalar)) or "str" in (v.term.kind, bound.term.kind):
            raise m.stop("np.clip of this object", code="E0302")
        if v.term.kind == bound.term.kind == "bool":
            return Scalar((T.disj if name == "max" else T.conj)((v.term, bound.term)), True)
        kind = "int" if {v.term.kind, bound.term.kind} <= {"int", "bool"} else "float"
        return Scalar(T.func(name, (T.as_number(v.term), T.as_number(bound.term)), kind), True)

    return E.apply(m, one, value, limit)


def _extreme(which: str) -> Callable[[Machine, ast.Call], Value]:
    def handler(m: Machine, node: ast.Call) -> Value:
        if len(node.args) != 2 or node.keywords:
            raise m.stop(f"np.{which} with these arguments", node, "E0305")
        a, b = (argument(m, x) for x in node.args)
        if arrays.is_array(b) and not arrays.is_array(a):
            a, b = b, a
        none = known(None)
        return clip(m, a, b if which == "maximum" else none, b if which == "minimum" else none)

    return handler


_ARITHMETIC = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "mod": "%", "remainder": "%",
    "floor_divide": "//",
}  # fmt: skip
_COMPARED: dict[str, type[ast.cmpop]] = {
    "equal": ast.Eq, "not_equal": ast.NotEq, "less": ast.Lt, "less_equal": ast.LtE, "greater": ast.Gt,
    "greater_equal": ast.GtE,
}  # fmt: skip


def _two(m: Machine, name: str) -> Callable[[Value, Value], Value]:
    """What the function of that name does with two elements."""
    if name in _ARITHMETIC:
        return lambda a, b: binary(m, _ARITHMETIC[name], a, b)
    if name in _COMPARED:
        return lambda a, b: comparison(m, _COMPARED[name](), a, b)
    join = T.conj if name == "logical_and" else T.disj
    return lambda a, b: Scalar(join((truth_of(a, False).term, truth_of(b, False).term)), True)


def _of_two(name: str) -> Handler:
    def handler(m: Machine, node: ast.Call) -> Value:
        if name == "divide" and node.keywords:
            return _divided(m, node)
        if len(node.args) != 2 or node.keywords:
            raise m.stop(f"np.{name} with these arguments", node, "E0305")
        a, b = (argument(m, x) for x in node.args)
        return _applied(m, name, a, b)

    return handler


def _applied(m: Machine, name: str, a: Value, b: Value) -> Value:
    if name in _ARITHMETIC and (arrays.is_array(a) or arrays.is_array(b)):
        return binary(m, _ARITHMETIC[name], a, b)
    return E.apply(m, _two(m, name), E.as_numpy(a), E.as_numpy(b))


def _divided(m: Machine, node: ast.Call) -> Value:
    """``np.divide(a, b, out=np.zeros_like(a), where=b > 0)``: the quotient there, else what ``out`` held."""
    options = {k.arg: k.value for k in node.keywords}
    out = argument(m, options.pop("out")) if "out" in options else None
    where = argument(m, options.pop("where")) if "where" in options else None
    fresh = "out" not in {k.arg for k in node.keywords} or isinstance(options_of(node, "out"), ast.Call)
    if len(node.args) != 2 or options or out is None or where is None or not fresh:
        raise m.stop("np.divide with these arguments", node, "E0305")
    a, b = (argument(m, x) for x in node.args)
    shapes = [sheets.of(m, v) for v in (out, a, b, where)] if arrays.is_array(out) else []
    if not shapes or any(s.tall > shapes[0].tall or s.wide > shapes[0].wide for s in shapes):
        raise m.stop("np.divide into an array of another shape", node, "E0315")
    if E.probe(shapes[0]).term.kind != "float":
        raise m.stop("np.divide into an array of another type", node, "E0315")

    def one(x: Value, y: Value, c: Value, old: Value) -> Value:
        if not all(isinstance(v, Scalar) and v.term.kind != "str" for v in (x, y, c, old)):
            raise m.stop("np.divide of these objects", node, "E0302")
        condition = truth_of(c, False).term
        held = m.state.path
        m.state.path = m.state.along(condition)
        quotient = binary(m, "/", E.as_numpy(x), E.as_numpy(y))
        m.state.path = held
        assert isinstance(quotient, Scalar)
        return _chosen(Scalar(condition), *_of_one_kind(quotient, old))

    return E.apply(m, one, a, b, where, out)


def options_of(node: ast.Call, name: str) -> ast.expr | None:
    return next((k.value for k in node.keywords if k.arg == name), None)


def _outer_of(name: str) -> Handler:
    """``np.subtract.outer(v, w)``."""

    def handler(m: Machine, node: ast.Call) -> Value:
        if len(node.args) != 2 or node.keywords:
            raise m.stop(f"np.{name}.outer with these arguments", node, "E0305")
        left, right = (sheets.of(m, argument(m, x)) for x in node.args)
        if left.tall or right.tall:
            raise m.stop(f"np.{name}.outer of these objects", node, "E0315")
        return E.apply(m, _two(m, name), sheets.turned(left), right)

    return handler


def _not(m: Machine, node: ast.Call) -> Value:
    return negated(m, argument(m, node.args[0]))


def negated(m: Machine, value: Value) -> Value:
    """``~mask`` and ``np.logical_not``."""
    return E.apply(m, lambda x: truth_of(x, True), value)


def negated_mask(m: Machine, value: Value) -> Value:
    """``~mask``: of whole numbers numpy turns all bits around."""

    def one(x: Value) -> Value:
        if not isinstance(x, Scalar) or x.term.kind != "bool":
            raise m.stop("the operator ~ of numbers", code="E0303")
        return Scalar(T.not_(x.term), True)

    return E.apply(m, one, value)


def _square(m: Machine, node: ast.Call) -> Value:
    return binary(m, "**", argument(m, node.args[0]), known(2))


def _sign(m: Machine, node: ast.Call) -> Value:
    def one(x: Value) -> Value:
        if not isinstance(x, Scalar) or x.term.kind in ("str", "bool"):
            raise m.stop("np.sign of this object", node, "E0302")
        t, kind = x.term, int if x.term.kind == "int" else float
        ends = T.ite(T.compare("<", t, T.ZERO), T.const(kind(-1)), t)
        return Scalar(T.ite(T.compare(">", t, T.ZERO), T.const(kind(1)), ends), True)

    return E.apply(m, one, E.as_numpy(argument(m, node.args[0])))


def _close(m: Machine, node: ast.Call) -> Value:
    """``np.isclose(a, b)``: they differ by no more than 1e-8 and a hundred-thousandth of b."""
    if len(node.args) != 2 or node.keywords:
        raise m.stop("np.isclose with these arguments", node, "E0305")

    def one(a: Value, b: Value) -> Value:
        if not all(isinstance(x, Scalar) and x.term.kind not in ("str", "bool") for x in (a, b)):
            raise m.stop("np.isclose of these objects", node, "E0302")
        x, y = (as_float(v.term) for v in (a, b) if isinstance(v, Scalar))
        within = T.add(T.const(1e-8), T.mul(T.const(1e-5), T.func("abs", (y,), "float")))
        near = T.compare("<=", T.func("abs", (T.sub(x, y),), "float"), within)
        finite = T.compare("<=", T.func("abs", (y,), "float"), T.const(_GREATEST))
        return Scalar(T.disj((T.compare("==", x, y), T.conj((finite, near)))), True)

    return E.apply(m, one, *(E.as_numpy(argument(m, a)) for a in node.args))


def _test(of: Callable[[Term], Term]) -> Handler:
    """``np.isnan`` and the like."""

    def handler(m: Machine, node: ast.Call) -> Value:
        def one(x: Value) -> Value:
            if not isinstance(x, Scalar) or x.term.kind == "str":
                raise m.stop("a question to this object", node, "E0302")
            return Scalar(of(as_float(x.term)), True)

        if len(node.args) != 1 or node.keywords:
            raise m.stop("a question with these arguments", node, "E0305")
        return E.apply(m, one, E.as_numpy(argument(m, node.args[0])))

    return handler


def _is_finite(t: Term) -> Term:
    return T.compare("<=", T.func("abs", (t,), "float"), T.const(_GREATEST))


_GREATEST = 1.7976931348623157e308


def _nan_to_num(m: Machine, node: ast.Call) -> Value:
    """nan becomes 0, and an infinity the greatest number."""
    options = {str(k.arg): evaluate(m, k.value) for k in node.keywords}
    numbers = {"nan": known(0.0), "posinf": known(_GREATEST), "neginf": known(-_GREATEST)}
    if set(options) - {*numbers, "copy"} or len(node.args) != 1 or options.get("copy", known(True)) != known(True):
        raise m.stop("np.nan_to_num with these arguments", node, "E0305")
    instead = [{**numbers, **options}[name] for name in numbers]

    def one(x: Value) -> Value:
        plain = all(isinstance(v, Scalar) and T.is_const(v.term) and v.term.kind in ("int", "float") for v in instead)
        if not isinstance(x, Scalar) or x.term.kind == "str" or not plain:
            raise m.stop("np.nan_to_num of this object", node, "E0302")
        if x.term.kind in ("int", "bool"):
            return x
        nan, high, low = (T.const(float(v.term.data)) for v in instead if isinstance(v, Scalar))
        kept = T.ite(T.compare(">", x.term, T.const(_GREATEST)), high, x.term)
        kept = T.ite(T.compare("<", x.term, T.const(-_GREATEST)), low, kept)
        return Scalar(T.ite(T.compare("!=", x.term, x.term), nan, kept), True)

    return E.apply(m, one, E.as_numpy(argument(m, node.args[0])))


UFUNCS: dict[str, Handler] = {
    "where": _where,
    "maximum": _extreme("maximum"),
    "minimum": _extreme("minimum"),
    "logical_not": _not,
    "square": _square,
    "sign": _sign,
    "nan_to_num": _nan_to_num,
    "isclose": _close,
    "isnan": _test(lambda t: T.compare("!=", t, t)),
    "isinf": _test(lambda t: T.compare(">", T.func("abs", (t,), "float"), T.const(_GREATEST))),
    "isfinite": _test(_is_finite),
    **{name: _of_two(name) for name in (*_ARITHMETIC, *_COMPARED, "logical_and", "logical_or")},
    **{f"{name}.outer": _outer_of(name) for name in (*_ARITHMETIC, *_COMPARED, "logical_and", "logical_or")},
}
__all__ = ["UFUNCS", "Sheet", "TupleValue", "negated"]
