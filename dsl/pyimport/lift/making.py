"""numpy functions that make arrays."""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl.pyimport.lift import arrays, listed, matrices, tables
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import sequence
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Grid, Opaque, RowRef, Scalar, Seq, Value, Vector, items_of


def argument(m: Machine, node: ast.expr) -> Value:
    """What a numpy function is given: lists of truth values or whole numbers that are arrays as vectors."""
    return tables.as_vector(m, evaluate(m, node))


def is_double(node: ast.Call) -> bool:
    """No arguments besides numpy's usual element type, in which all matrices are."""
    given = [*node.args, *(k.value for k in node.keywords if k.arg == "dtype")]
    return len(given) == len(node.args) + len(node.keywords) and all(
        ast.unparse(a) in ("float", "np.float64", "'float64'", "np.double") for a in given
    )


def list_vector(m: Machine, seq: Seq) -> Vector:
    if len(seq.parts) == 1 and len(seq.parts[0].binders) == 1 and seq.parts[0].condition is T.TRUE:
        (b,) = seq.parts[0].binders
        element = seq.parts[0].element
        if not b.over_words and not b.descending and isinstance(element, Scalar):
            length = T.sub(b.high, b.low)
            term = element.term
            return Vector(length, lambda k: Scalar(T.subst(term, {b.var: T.add(b.low, k)}), True))
    found = listed.of_list(m, seq)
    if found is None:
        raise m.stop("a numpy array of this list", code="E0315")
    return found


def _filled(value: Term) -> Callable[[Machine, ast.Call], Value]:
    def handler(m: Machine, node: ast.Call) -> Value:
        if len(node.args) != 1 or any(k.arg != "dtype" for k in node.keywords):
            raise m.stop("an array made with these arguments", node, "E0315")
        typed = [_ELEMENTS.get(ast.unparse(k.value), "") for k in node.keywords]
        if typed and typed[0]:
            return tables.typed(m, argument(m, node.args[0]), value, typed[0], node)
        for k in node.keywords:
            if ast.unparse(k.value) not in ("float", "np.float64", "np.float32", "'float64'"):
                raise m.stop("an array of this type", node, "E0315")
            if ast.unparse(k.value) == "np.float32":
                raise m.stop("an array of single precision", node, "E0315")
        return arrays.zeros(m, argument(m, node.args[0]), Scalar(value), "row")

    return handler


_ELEMENTS = {"bool": "bool", "np.bool_": "bool", "int": "int", "np.int64": "int", "np.int32": "int"}


def _full(m: Machine, node: ast.Call) -> Value:
    if len(node.args) != 2 or node.keywords:
        raise m.stop("an array made with these arguments", node, "E0315")
    value = evaluate(m, node.args[1])
    if not isinstance(value, Scalar) or value.term.kind not in ("float", "int", "num"):
        raise m.stop("an array filled with this object", node, "E0315")
    if value.term.kind == "int":
        raise m.stop("an array of whole numbers", node, "E0315")
    return arrays.zeros(m, argument(m, node.args[0]), value, "row")


def _zeros_like(m: Machine, node: ast.Call) -> Value:
    value = argument(m, node.args[0])
    if isinstance(value, RowRef | Vector):
        return arrays.zeros(m, Scalar(value.length), Scalar(T.const(0.0)), "row")
    if isinstance(value, Grid):
        return Opaque("filled", Scalar(T.const(0.0)))
    raise m.stop("np.zeros_like of this object", node, "E0315")


def _array(m: Machine, node: ast.Call) -> Value:
    if len(node.args) != 1:
        raise m.stop("np.array with these arguments", node, "E0315")
    value = argument(m, node.args[0])
    if not is_double(ast.Call(node.func, [], node.keywords)):
        raise m.stop("np.array of this type", node, "E0315")
    if isinstance(value, Grid):
        return arrays.renamed(m, value)
    if arrays.is_array(value):
        return arrays.vector(m, value)
    seq = sequence(m, value)
    if seq is None:
        raise m.stop("np.array of this object", node, "E0315")
    items = items_of(seq)
    if items is not None:
        return Opaque("literal", _literal_rows(m, items))
    return list_vector(m, seq)


def _literal_rows(m: Machine, items: list[Value]) -> tuple[tuple[Term, ...], ...]:
    rows = []
    for item in items:
        seq = sequence(m, item)
        inner = items_of(seq) if seq is not None else None
        if inner is None or not all(isinstance(i, Scalar) for i in inner):
            raise m.stop("a literal array that is no matrix", code="E0315")
        rows.append(tuple(i.term for i in inner if isinstance(i, Scalar)))
    return tuple(rows)


def _tril(m: Machine, node: ast.Call) -> Value:
    if len(node.args) != 1 or node.keywords:
        raise m.stop("np.tril with these arguments", node, "E0315")
    value = argument(m, node.args[0])
    if isinstance(value, Opaque) and value.name == "filled" and value.data.term in (T.ONE, T.const(1.0)):
        return Opaque("tril")
    if isinstance(value, Grid):
        return arrays.mask(m, value)
    raise m.stop("np.tril of this object", node, "E0315")


def _arange(m: Machine, node: ast.Call) -> Value:
    args = [argument(m, a) for a in node.args]
    first = args[0] if len(args) == 1 and not node.keywords else None
    whole = isinstance(first, Scalar) and first.term.kind == "int"
    if isinstance(first, Scalar) and whole and m.holds(T.compare(">=", first.term, T.ZERO)):
        return Vector(first.term, lambda k: Scalar(k, True))
    raise m.stop("np.arange with these arguments", node, "E0315")


MAKING: dict[str, Callable[[Machine, ast.Call], Value]] = {
    "zeros": _filled(T.const(0.0)),
    "ones": _filled(T.const(1.0)),
    "full": _full,
    "zeros_like": _zeros_like,
    "array": _array,
    "asarray": _array,
    "tril": _tril,
    "eye": matrices.eye,
    "identity": matrices.eye,
    "outer": matrices.outer,
    "arange": _arange,
}
