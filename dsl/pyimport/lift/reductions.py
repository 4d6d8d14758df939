"""Folds of arrays: sums, maxima, means, any and all, of a vector or along an axis of a matrix."""

from __future__ import annotations

import ast

from attndsl.dsl.pyimport.lift import arrays, listed, sheets
from attndsl.dsl.pyimport.lift import elementwise as E
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import sequence
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.making import list_vector
from attndsl.dsl.pyimport.lift.merge import instantiate
from attndsl.dsl.pyimport.lift.operators import binary
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Grid, Part, RowRef, Scalar, Sheet, Value, Vector, known

_OF_TRUTHS = {"maximum": "any", "minimum": "all"}
"""The greatest of numpy's truth values is one, with which there is no arithmetic."""


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
    if v.items is not None:
        return _of_items(m, kind, v.items)
    k = T.fresh("int")
    if kind != "sum":
        m.require(T.compare(">", v.length, T.ZERO))
        if v.at(k).term.kind == "bool":
            return quantified(m, _OF_TRUTHS[kind], v)
    element = T.as_number(v.at(k).term)
    if element.op == "ite" and kind == "sum" and element.args[1:] == (T.ONE, T.ZERO):
        return Scalar(T.agg("count", k, T.NONE, T.ZERO, v.length, element.args[0]), True)
    return Scalar(T.agg(kind, k, T.NONE, T.ZERO, v.length, T.TRUE, element), True)


def added(m: Machine, value: RowRef | Vector) -> Scalar:
    """Python's ``sum`` of a vector: the sum of nothing is Python's 0, by which there is no division."""
    total = fold(m, "sum", value)
    if isinstance(value, Vector) and value.items is not None:
        return Scalar(total.term, bool(value.items))
    return Scalar(total.term, True if m.holds(T.compare(">", value.length, T.ZERO)) else None)


def _of_items(m: Machine, kind: str, items: tuple[Scalar, ...]) -> Scalar:
    """The fold of a vector that is written out."""
    from attndsl.dsl.pyimport.lift.folds import extreme

    terms = [T.as_number(x.term) for x in items]
    if kind == "sum":
        total: Term = T.ZERO if all(t.kind == "int" for t in terms) else T.const(0.0)
        for t in terms:
            total = T.add(total, t)
        return Scalar(total, True)
    m.require(T.const(bool(terms)), kind="ValueError")
    found = extreme(m, {"maximum": "max", "minimum": "min"}[kind], list(items)) if items else Scalar(T.ZERO)
    assert isinstance(found, Scalar)
    return Scalar(found.term, True)


def _covers(m: Machine, row: RowRef) -> bool:
    """The slice is the whole row, or all of a vector of its own (the cells beyond which stay zero)."""
    return row.start is T.ZERO and (row.length is T.N or m.lengths.get(row.matrix) is row.length)


def is_matrix(value: Value) -> bool:
    return arrays.is_array(value) and not isinstance(value, RowRef | Vector)


def as_vector(m: Machine, value: Value) -> Value:
    """A list of numbers as numpy reads it."""
    seq = sequence(m, value)
    if seq is None:
        return value
    return list_vector(m, seq)


def _axis(m: Machine, node: ast.Call, args: list[ast.expr]) -> tuple[int | None, bool]:
    """The axis that a fold goes along (None: both), and whether it stays as one of length one."""
    options: dict[str | None, ast.expr] = {k.arg: k.value for k in node.keywords}
    given = [*args, *([options.pop("axis")] if "axis" in options else [])]
    axis = evaluate(m, given[0]) if given else known(None)
    keep = evaluate(m, options.pop("keepdims")) if "keepdims" in options else known(False)
    if options or len(given) > 1 or axis not in (known(None), known(0), known(1), known(-1)):
        raise m.stop("a fold over the whole matrix with these arguments", node, "E0315")
    if keep not in (known(True), known(False)):
        raise m.stop("a fold over the whole matrix with these arguments", node, "E0315")
    return (None if axis == known(None) else 0 if axis == known(0) else 1), keep == known(True)


def matrix_fold(m: Machine, value: Value, kind: str, node: ast.Call, args: list[ast.expr]) -> Value:
    axis, keep = _axis(m, node, args)
    if m.loops and isinstance(value, Grid):
        raise m.stop("a fold over the whole matrix inside a loop", node, "E0315")
    if not isinstance(value, Grid) or axis != 1:
        return sheets.fold(m, kind, sheets.of(m, value), axis, keep)
    matrix, time = arrays.current(m, value), len(m.events)
    name = {"sum": "sum", "maximum": "max", "minimum": "min"}[kind]
    r = T.fresh("int")
    m.read_stat(matrix, name, r)
    term = T.row_stat(matrix, name, r, time)

    def at(row: Term) -> Scalar:
        return Scalar(T.subst(term, {r: row}), True)

    return Sheet(lambda row, _: at(row), True, False, True) if keep else Vector(T.N, at, fixed=True, own=True)


def matrix_question(m: Machine, value: Value, name: str, node: ast.Call, args: list[ast.expr]) -> Value:
    """``mean``, ``any`` and ``all`` along an axis of a matrix."""
    sheet = sheets.of(m, value)
    axis, keep = _axis(m, node, args)
    if name == "mean":
        total = sheets.fold(m, "sum", sheet, axis, keep)
        sides = [
            T.N if many else T.ONE for many, folded in ((sheet.tall, 0), (sheet.wide, 1)) if axis in (None, folded)
        ]
        for size in sides:
            total = E.apply(m, lambda x, y: binary(m, "/", x, y), total, Scalar(size, True))
        return total
    wanted = E.apply(m, lambda x: truth_of(x, name == "all"), sheet)
    assert isinstance(wanted, Sheet)
    count = sheets.fold(m, "sum", wanted, axis, keep)
    symbol = "==" if name == "all" else ">"
    return E.apply(m, lambda x: Scalar(T.compare(symbol, x.term, T.ZERO), True), count)


def truth_of(x: Value, denied: bool) -> Scalar:
    assert isinstance(x, Scalar)
    c = x.term if x.term.kind == "bool" else T.compare("!=", x.term, T.ZERO)
    return Scalar(T.not_(c) if denied else c, True)


def quantified(m: Machine, name: str, value: Value) -> Scalar:
    v = arrays.vector(m, value)
    if v.part:
        return listed.quantified(name, v.part)
    if v.items is not None:
        truths = [truth_of(x, False).term for x in v.items]
        return Scalar(T.disj(truths) if name == "any" else T.conj(truths), True)
    k = T.fresh("int")
    c = v.at(k).term
    c = c if c.kind == "bool" else T.compare("!=", c, T.ZERO)
    some = T.agg("any", k, T.NONE, T.ZERO, v.length, c if name == "any" else T.not_(c))
    return Scalar(some if name == "any" else T.not_(some), True)


def mean(m: Machine, value: Value) -> Value:
    """The mean of nothing is no number (nan), with a warning only."""
    v = arrays.vector(m, value)
    total = fold(m, "sum", value)
    some = m.holds(T.compare(">", v.length, T.ZERO))
    return Scalar(T.arith("/" if some else "ratio", total.term, v.length), True)


def _arg_of_list(m: Machine, kind: str, part: Part) -> Value:
    """The place of the greatest element in an array made of a list."""
    from attndsl.dsl.pyimport.lift import collections_ as C

    p = instantiate(part)
    (b,) = p.binders
    assert isinstance(p.element, Scalar)
    if b.descending or b.mixed:
        raise m.stop("the place of the greatest element of an array made of a list", code="E0315")
    m.require(C.exists(p.binders, p.condition), kind="ValueError")
    found = T.agg(kind, b.var, b.domain, b.low, b.high, p.condition, T.as_number(p.element.term))
    return Scalar(T.subst(C.earlier("count", b, p.condition, T.NONE), {b.var: found}), True)


def arg(m: Machine, kind: str, value: Value) -> Value:
    v = arrays.vector(m, value)
    if v.items is not None:
        raise m.stop("the place of the greatest element of an array that is written out", code="E0315")
    if v.part:
        return _arg_of_list(m, kind, v.part)
    m.require(T.compare(">", v.length, T.ZERO))
    k = T.fresh("int")
    return Scalar(T.agg(kind, k, T.NONE, T.ZERO, v.length, T.TRUE, v.at(k).term), True)
