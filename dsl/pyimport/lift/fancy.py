"""Rows indexed by lists of positions and by masks: ``A[i, positions] = x``, ``A[i][mask] *= 2``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import listed
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import given, spread
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Loop, Machine
from attndsl.dsl.pyimport.lift.merge import instantiate
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Binder, DictValue, Part, Ref, RowRef, Scalar, Seq, Value, Vector

Places = tuple[Part, ...]


def place(m: Machine, node: ast.expr, length: Term) -> Term | Places:
    """What an index expression says: one place in [0, length), or several."""
    value = given(m, evaluate(m, node))
    found = several(m, value, length)
    if found is not None:
        return found
    if not (isinstance(value, Scalar) and value.term.kind == "int"):  # numpy takes a truth value for a mask
        raise m.stop("an array index that is no whole number", node, "E0302")
    return C.wrapped(m, value.term, length)


def several(m: Machine, value: Value, length: Term) -> Places | None:
    if isinstance(value, Scalar):
        return None
    from attndsl.dsl.pyimport.lift import arrays, tables

    if isinstance(value, Ref) and isinstance(found := m.contents(value), DictValue) and found.array:
        value = tables.vector(m, found)
    if isinstance(value, Vector):
        m.require(T.not_(value.untyped), kind="IndexError")
    if isinstance(value, Vector) and value.part:
        return (instantiate(value.part),)
    if isinstance(value, Vector | RowRef):
        v = arrays.vector(m, value)
        if v.items is not None:
            return tuple(Part((), T.TRUE, x) for x in v.items)
        k = T.fresh("int")
        element = v.at(k)
        binder = Binder(k, T.ZERO, v.length)
        if element.term.kind == "bool":
            if not m.holds(T.compare("==", v.length, length)):
                raise m.stop("a mask whose length may be another one", code="E0315")
            return (Part((binder,), element.term, Scalar(k)),)
        return (Part((binder,), T.TRUE, element),)
    seq = m.contents(value) if isinstance(value, Ref) else None
    if not isinstance(seq, Seq) or seq.is_set:  # numpy refuses sets and dicts
        return None
    return tuple(instantiate(p) for p in seq.parts)


@contextmanager
def each(m: Machine, part: Part, length: Term) -> Iterator[Term]:
    """Each of the places, as a loop around what is done there."""
    if not isinstance(part.element, Scalar) or part.element.term.kind != "int":
        raise m.stop("an array index that is no whole number", code="E0302")
    held = m.state.path
    conditions = [c for b in part.binders for c in b.conditions()]
    m.loops.extend(Loop(b, not b.mixed) for b in part.binders)
    m.state.path = m.state.along(*conditions, part.condition)
    try:
        yield C.wrapped(m, part.element.term, length)
    finally:
        m.state.path = held
        del m.loops[len(m.loops) - len(part.binders) :]


def store(m: Machine, row: RowRef, places: Places, value: Value, write: Callable[[Term, Scalar], None]) -> None:
    """The same number to each of the places, or an array made of the same list, element by element."""
    for part, own in _shared(m, places, value):
        with each(m, part, row.length) as at:
            write(at, own)


def _shared(m: Machine, places: Places, value: Value) -> list[tuple[Part, Scalar]]:
    """What each of the places gets: one number, or the element of an array made of the same list."""
    if isinstance(value, Scalar):
        return [(part, value) for part in places]
    from attndsl.dsl.pyimport.lift import picking

    if isinstance(value, Vector) and value.items is None and len(places) == 1:
        own = listed.aligned(picking.as_part(m, value), places[0])
        if own is not None:
            return [(places[0], own)]
    raise m.stop("several places are assigned an array", code="E0315")


def update(m: Machine, row: RowRef, places: Places, value: Value, change: Callable[[Term, Scalar], None]) -> None:
    """Change each of the places once: numpy changes a place that is named twice only once."""
    if len(places) > 1 or not all(C._injective(p) for p in places):
        raise m.stop("places that may be named twice are changed", code="E0315")
    for part, own in _shared(m, places, value):
        with each(m, part, row.length) as at:
            change(at, own)


def pairs(m: Machine, index: ast.Tuple) -> tuple[Binder, Term, Term] | None:
    """``A[rows, columns]`` of two vectors of one length: row and column of the k-th cell."""
    if not all(isinstance(e, ast.Call | ast.Name) or _sliced(e) for e in index.elts):
        return None
    if any(isinstance(e, ast.Name) and isinstance(m.lookup(e.id), Scalar) for e in index.elts):
        return None  # most often: one cell, and the caller evaluates its place
    from attndsl.dsl.pyimport.lift import arrays, tables

    held, events, readings = m.state, len(m.events), len(m.readings)
    m.state = held.fork()
    rows, columns = (spread(m, lambda v: tables.as_vector(m, v), evaluate(m, e)) for e in index.elts)
    if not (isinstance(rows, Vector) and isinstance(columns, Vector)):
        m.state = held  # the caller evaluates them again
        del m.events[events:], m.readings[readings:]
        return None
    if not m.holds(T.compare("==", rows.length, columns.length)):
        raise m.stop("vectors whose lengths may differ", code="E0315")
    k = T.fresh("int")
    r, c = arrays.vector(m, rows).at(k).term, arrays.vector(m, columns).at(k).term
    if r.kind != "int" or c.kind != "int":
        raise m.stop("an array index that is no whole number", code="E0302")
    return Binder(k, T.ZERO, rows.length), r, c


def _sliced(e: ast.expr) -> bool:
    return isinstance(e, ast.Subscript) and isinstance(e.slice, ast.Slice)
