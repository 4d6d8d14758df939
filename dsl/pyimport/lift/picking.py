"""Vectors of places: those where a mask holds, and the elements of a vector at a mask or at such places."""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import arrays, listed
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.merge import instantiate
from attndsl.dsl.pyimport.lift.reductions import as_vector, truth_of
from attndsl.dsl.pyimport.lift.values import Binder, Part, RowRef, Scalar, Value, Vector


def as_part(m: Machine, value: Value) -> Part:
    """The elements of a vector as those of a list."""
    if not isinstance(value, RowRef | Vector):
        raise m.stop("an array is indexed by an array", code="E0315")
    v = arrays.vector(m, value)
    if v.items is not None:
        raise m.stop("an array that is written out is indexed by an array", code="E0315")
    if v.part:
        return instantiate(v.part)
    k = T.fresh("int")
    return Part((Binder(k, T.ZERO, v.length),), T.TRUE, v.at(k))


def places_where(m: Machine, mask: Value) -> Vector:
    """``np.where(mask)[0]`` and ``np.flatnonzero(mask)``: ascending."""
    part = as_part(m, as_vector(m, mask))
    if part.condition is not T.TRUE:
        raise m.stop("the places at which an array made of a list holds", code="E0315")
    (b,) = part.binders
    return listed.array(m, Part((b,), truth_of(part.element, False).term, Scalar(b.var, True)))


def masked(m: Machine, value: Value, mask: Value) -> Vector:
    """``v[mask]``: the elements where it holds."""
    part, chosen = as_part(m, value), as_part(m, mask)
    own = listed.aligned(chosen, part)
    if own is None:
        raise m.stop("an array is indexed by an array", code="E0315")
    untyped = value.untyped if isinstance(value, Vector) else T.FALSE
    return listed.array(m, Part(part.binders, T.conj((part.condition, own.term)), part.element), untyped)


def taken(m: Machine, value: RowRef | Vector, places: Vector) -> Value:
    """``v[places]``: the elements at those places."""
    from attndsl.dsl.pyimport.lift import collections_ as C

    v = arrays.vector(m, value)
    part = as_part(m, places)
    assert isinstance(part.element, Scalar)
    held = m.state.path
    m.state.path = m.state.along(*(c for b in part.binders for c in b.conditions()), part.condition)
    before = len(m.events)
    at = C.wrapped(m, part.element.term, v.length)
    m.state.path = held
    if len(m.events) > before or v.part:
        raise m.stop("an array is indexed by an array", code="E0315")
    found = v.at(at)
    if places.part is None:
        term, (b,) = found.term, part.binders
        return Vector(places.length, lambda k: Scalar(T.subst(term, {b.var: k}), True), untyped=v.untyped)
    return listed.array(m, Part(part.binders, part.condition, Scalar(found.term, True)), v.untyped)


def by_array(m: Machine, value: RowRef | Vector, index: Value) -> Value | None:
    """A vector indexed by another one; None when the index is none."""
    if not isinstance(index, RowRef | Vector):
        return None
    v = arrays.vector(m, index)
    kind = as_part(m, v).element.term.kind  # type: ignore[attr-defined]
    if kind == "bool":
        m.require(T.not_(v.untyped), kind="IndexError")
        return masked(m, value, v)
    if kind != "int":
        raise m.stop("an array is indexed by texts, or by numbers that may have a fraction", code="E0315")
    m.require(T.not_(v.untyped), kind="IndexError")
    return taken(m, value, v)
