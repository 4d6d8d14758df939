"""Comparisons and membership."""

from __future__ import annotations

import ast

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import spans, texts, walks
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import sequence, sort_of
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    DictValue,
    NoneValue,
    Ref,
    Scalar,
    Span,
    TupleValue,
    Value,
    Word,
    numpy_of,
)

_UNEQUAL = {"list", "tuple", "set", "dict", "range", "iterator"}
"""Sorts of which Python finds no two equal, whatever they hold."""
_COMPARE = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}


def comparison(m: Machine, op: ast.cmpop, a: Value, b: Value) -> Value:
    """One comparison of settled values."""
    if isinstance(op, ast.In | ast.NotIn):
        found = contains(m, a, b)
        return Scalar(found if isinstance(op, ast.In) else T.not_(found))
    if isinstance(op, ast.Is | ast.IsNot):
        return Scalar(_identical(m, a, b) if isinstance(op, ast.Is) else T.not_(_identical(m, a, b)))
    symbol = _COMPARE[type(op)]
    if a.__class__ is Scalar and b.__class__ is Scalar:
        return _of_scalars(m, symbol, a, b)
    from attndsl.dsl.pyimport.lift import arrays, tables

    a, b = tables.as_vector(m, a), tables.as_vector(m, b)
    if arrays.is_array(a) or arrays.is_array(b):
        return arrays.elementwise(m, a, b, lambda x, y: comparison(m, op, x, y), symbol)
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        return _of_scalars(m, symbol, a, b)
    if symbol in ("==", "!="):
        if {type(a), type(b)} == {Word, Scalar}:
            return Scalar(T.FALSE)  # spaCy's answer to both
        found = _same(m, a, b)
        return Scalar(found if symbol == "==" else T.not_(found))
    if isinstance(a, Word) and isinstance(b, Word):
        return Scalar(T.compare(symbol, T.windex(a.term), T.windex(b.term)))
    if (isinstance(a, NoneValue) or isinstance(b, NoneValue)) and not isinstance(a, Word) and not isinstance(b, Word):
        m.require(T.FALSE)  # Python fails, if control ever comes here
        return Scalar(T.FALSE)
    raise m.stop(f"{symbol!r} between these values", code="E0302")


def _of_scalars(m: Machine, symbol: str, a: Scalar, b: Scalar) -> Scalar:
    if (a.term.kind == "str") != (b.term.kind == "str") and symbol not in ("==", "!="):
        raise m.stop("an order between a text and a number", code="E0302")
    return Scalar(T.compare(symbol, a.term, b.term), numpy_of(a, b))


def _same(m: Machine, a: Value, b: Value) -> Term:
    if isinstance(a, NoneValue) or isinstance(b, NoneValue):
        return T.const(isinstance(a, NoneValue) and isinstance(b, NoneValue))
    if isinstance(a, Word) and isinstance(b, Word):
        return T.compare("==", T.windex(a.term), T.windex(b.term))
    if isinstance(a, TupleValue) and isinstance(b, TupleValue):
        if len(a.items) != len(b.items):
            return T.FALSE
        return T.conj(_same_scalar(m, x, y) for x, y in zip(a.items, b.items, strict=True))
    if isinstance(a, Span) and isinstance(b, Span) and a.kind == b.kind:
        return spans.same(a, b)
    if {type(a), type(b)} == {Word, Scalar}:
        return T.FALSE
    left, right = sequence(m, a), sequence(m, b)
    sorts = {sort_of(m, v) for v in (a, b)}
    if len(sorts) == 2 and sorts <= _UNEQUAL:
        return T.FALSE
    if sorts & {"iterator", "view"}:
        raise m.stop("equality of these values", code="E0302")
    if left is not None and right is not None and not left.parts:
        return T.not_(C.nonempty(right))
    if left is not None and right is not None and not right.parts:
        return T.not_(C.nonempty(left))
    raise m.stop("equality of these values", code="E0302")


def _same_scalar(m: Machine, a: Value, b: Value) -> Term:
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        return T.compare("==", a.term, b.term)
    return _same(m, a, b)


def _identical(m: Machine, a: Value, b: Value) -> Term:
    for x, y in ((a, b), (b, a)):
        if isinstance(y, NoneValue):
            return T.const(isinstance(x, NoneValue))
        if not (isinstance(x, Scalar) and isinstance(y, Scalar)) or numpy_of(x, y) is not False:
            continue  # numpy's truth values are objects of their own
        if y.term in (T.TRUE, T.FALSE) and x.term.kind == "bool":
            return T.compare("==", x.term, y.term)
    raise m.stop("'is' between objects", code="E0302")


def contains(m: Machine, item: Value, where: Value) -> Term:
    """``item in where``."""
    walks.check_safe(m, where)  # it is asked for no more than it takes
    if isinstance(where, Scalar) and where.term.kind == "str":
        if isinstance(item, Scalar) and item.term.kind == "str":
            return T.substring(item.term, where.term)
        raise m.stop("'in' a text", code="E0302")
    searched = texts.contains(m, item, where)
    if searched is not None:
        return searched
    if isinstance(where, DictValue):
        where = m.allocate(where)
    held = m.contents(where) if isinstance(where, Ref) else None
    if isinstance(where, Ref) and isinstance(held, DictValue) and held.length is None:
        from attndsl.dsl.pyimport.lift import dicts

        return dicts.has_key(m, where, item)
    seq = sequence(m, where)
    if seq is None:
        raise m.stop("'in' this object", code="E0302")
    if isinstance(item, NoneValue) and all(isinstance(p.element, Scalar | Word) for p in seq.parts):
        return T.FALSE
    tuples = all(isinstance(p.element, TupleValue) for p in seq.parts)
    if isinstance(item, NoneValue | Ref) or (isinstance(item, TupleValue) and not tuples):
        raise m.stop("'in' with this object", code="E0302")
    return C.contains(m, item, seq)
