"""numpy's operations element by element: of numbers, vectors and matrices of one shape, or stretched to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from attndsl.dsl.pyimport.lift import listed, sheets
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Loop, Machine
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Binder, Chosen, Grid, Opaque, RowRef, Scalar, Sheet, Value, Vector

MAX_ITEMS = 64


def is_array(v: Value) -> bool:
    return isinstance(v, Grid | RowRef | Vector | Sheet | Chosen) or (
        isinstance(v, Opaque) and v.name in sheets.CONSTANT
    )


def written(items: tuple[Scalar, ...]) -> Vector:
    """A vector whose elements are written out: its length is a constant, and may be more than that of the text."""

    def at(k: Term) -> Scalar:
        found = items[-1].term if items else T.ZERO
        for place in range(len(items) - 2, -1, -1):
            found = T.ite(T.compare("==", k, T.const(place)), items[place].term, found)
        return Scalar(found, True)

    return Vector(T.const(len(items)), at, items=tuple(Scalar(x.term, True) for x in items))


def counted(m: Machine, length: Term, at: Callable[[Term], Scalar]) -> Vector:
    """A vector of that length: no longer than the text, or else written out."""
    if T.is_const(length):
        if not 0 <= length.data <= MAX_ITEMS:
            raise m.stop("an array of this length", code="E0316")
        return written(tuple(at(T.const(k)) for k in range(length.data)))
    if not m.holds(T.compare(">=", length, T.ZERO)):
        raise m.stop("an array whose length may be negative", code="E0315")
    if not m.holds(T.compare("<=", length, T.N)):
        raise m.stop("an array that may be longer than the text", code="E0316")
    return Vector(length, at)


def apply(m: Machine, compute: Callable[..., Value], *values: Value) -> Value:
    """``compute`` for the elements of all of them."""
    if any(isinstance(v, Chosen) for v in values):
        return _of_chosen(m, compute, *values)
    if any(isinstance(v, Grid | Sheet) or (isinstance(v, Opaque) and is_array(v)) for v in values):
        return sheets.apply(m, compute, *values)
    if any(isinstance(v, RowRef | Vector) for v in values):
        return _of_vectors(m, compute, *values)
    return compute(*values)


def _of_chosen(m: Machine, compute: Callable[..., Value], *values: Value) -> Value:
    """What was chosen by one mask, and numbers or rows that count for all."""
    masks = [v.mask for v in values if isinstance(v, Chosen)]
    r, c = T.fresh("int"), T.fresh("int")
    if any(x.at(r, c).term is not masks[0].at(r, c).term or x.wide != masks[0].wide for x in masks):
        raise m.stop("what two masks choose", code="E0315")
    for v in values:
        if not isinstance(v, Chosen | Scalar):
            raise m.stop("what a mask chooses with this object", code="E0315")
    return Chosen(sheets.apply(m, compute, *(v.sheet if isinstance(v, Chosen) else v for v in values)), masks[0])


def _of_vectors(m: Machine, compute: Callable[..., Value], *values: Value) -> Value:
    from attndsl.dsl.pyimport.lift.arrays import vector

    for v in values:
        if not isinstance(v, RowRef | Vector | Scalar):
            raise m.stop("an array with this object", code="E0302")
    sides = [vector(m, v) if isinstance(v, RowRef | Vector) else v for v in values]
    vectors = [v for v in sides if isinstance(v, Vector)]
    shape = vectors[0]
    if not all(_same_length(m, shape, v) for v in vectors[1:]):
        raise m.stop("vectors whose lengths may differ", code="E0315")
    if any(v.part for v in vectors):
        return listed.elementwise(m, compute, *(as_numpy(v) for v in sides))
    if all(v.items is not None for v in vectors):
        return _of_items(m, compute, len(shape.items or ()), sides)
    k = T.fresh("int")
    held = m.state.path
    m.state.path = m.state.along(T.compare(">=", k, T.ZERO), T.compare("<", k, shape.length))
    m.loops.append(Loop(Binder(k, T.ZERO, shape.length)))
    try:
        found = compute(*(v.at(k) if isinstance(v, Vector) else as_numpy(v) for v in sides))
    finally:
        m.loops.pop()
        m.state.path = held
    one = _scalar(m, found)
    term, untyped = one.term, listed.untyped(one, *vectors)
    return Vector(shape.length, lambda at: Scalar(T.subst(term, {k: at}), True), untyped=untyped)


def _of_items(m: Machine, compute: Callable[..., Value], count: int, sides: list[Value]) -> Vector:
    """Vectors that are written out, place by place."""
    rows = [v.items if isinstance(v, Vector) else (as_numpy(v),) * count for v in sides]
    if count == 0:
        return replace(written(()), untyped=T.disj(v.untyped for v in sides if isinstance(v, Vector)))
    return written(tuple(_scalar(m, compute(*(row[k] for row in rows if row))) for k in range(count)))


def _same_length(m: Machine, a: Vector, b: Vector) -> bool:
    return m.holds(T.compare("==", a.length, b.length))


def probe(v: Vector | Sheet) -> Scalar:
    """Any element."""
    if isinstance(v, Sheet):
        return v.at(T.fresh("int"), T.fresh("int"))
    if v.part is not None:
        assert isinstance(v.part.element, Scalar), "what an array is made of is a number, or a text"
        return v.part.element
    return v.at(T.fresh("int"))


def as_numpy(v: Value) -> Value:
    return Scalar(v.term, True) if isinstance(v, Scalar) else v


def _scalar(m: Machine, found: Value) -> Scalar:
    if not isinstance(found, Scalar):
        raise m.stop("an array of objects", code="E0302")
    return found
