"""numpy arrays made of lists whose length depends on a condition: ``np.array([w(j) for j in positions])``.

Such an array has no place for the k-th element that could be said in one word; but what is done to it is done to the
elements of the list, one by one, or to all of them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import ordering, slices
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Loop, Machine
from attndsl.dsl.pyimport.lift.merge import guard, instantiate, subst_value
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Part, Scalar, Seq, Value, Vector


def of_list(m: Machine, seq: Seq) -> Vector | None:
    """The array; None when the list was built in another way."""
    if len(seq.parts) != 1 or seq.is_set or len(seq.parts[0].binders) != 1:
        return None
    p = instantiate(seq.parts[0])
    (b,) = p.binders
    if b.mixed or b.climbs or not isinstance(p.element, Scalar) or p.element.term.kind == "str":
        return None
    return array(m, Part(p.binders, p.condition, Scalar(p.element.term, True)))


def array(m: Machine, part: Part, untyped: Term = T.FALSE) -> Vector:
    return Vector(C.part_count(part), lambda k: item(m, part, Scalar(k)), part, untyped=untyped)


def untyped(found: Scalar, *operands: Value) -> Term:
    """Where an array is of floats because those that it was computed from are; a comparison gives truth values."""
    if found.term.kind == "bool":
        return T.FALSE
    return T.disj(v.untyped for v in operands if isinstance(v, Vector))


def typed(m: Machine, *sides: Value) -> None:
    """``~a`` and ``a & b``: numpy fails with floats, of which it makes an array of an empty list."""
    for v in sides:
        if isinstance(v, Vector):
            m.require(T.not_(v.untyped), kind="TypeError")


def item(m: Machine, part: Part, index: Value) -> Scalar:
    if not (isinstance(index, Scalar) and index.term.kind == "int"):
        raise m.stop("an array is indexed by an array", code="E0315")
    found = C.element(m, Seq((part,)), index.term)
    assert isinstance(found, Scalar)
    return found


def cut(m: Machine, part: Part, index: ast.Slice, untyped: Term) -> Vector:
    """A slice of the array."""
    from attndsl.dsl.pyimport.lift.subscripts import bound

    if slices.is_backwards(m, index):
        found = ordering.reverse(Seq((part,)))
    elif index.step is not None:
        raise m.stop("a slice with a step", code="E0303")
    else:
        found = slices.slice_of(m, Seq((part,)), bound(m, index.lower), bound(m, index.upper))
    return array(m, found.parts[0], untyped)


def either(m: Machine, c: Term, then: Vector, other: Vector) -> Vector | None:
    """The array where the condition holds, else an empty one (or the other way round); None for others."""
    for one, empty, where in ((then, other, c), (other, then, T.not_(c))):
        if one.part and empty.items == ():
            return array(m, guard(one.part, where))
    return None


def aligned(part: Part, to: Part) -> Scalar | None:
    """The element that stands at the same place of another list, in its terms; None when it is not the same list."""
    if len(to.binders) != 1:
        return None
    (a,), (b,) = part.binders, to.binders
    same = (a.low, a.high, a.domain, a.descending) == (b.low, b.high, b.domain, b.descending) and not b.mixed
    mapping = {a.var: b.var}
    if a.var.kind != b.var.kind or not same or T.subst(part.condition, mapping) is not to.condition:
        return None
    found = subst_value(part.element, mapping)
    return found if isinstance(found, Scalar) else None


def elementwise(m: Machine, compute: Callable[..., Value], *sides: Value) -> Vector:
    """numpy's operation of the array and numbers, or of arrays made of the same list."""
    lists = [v for v in sides if isinstance(v, Vector)]
    base = next(v.part for v in lists if v.part)
    values: list[Value] = []
    for v in sides:
        one = aligned(v.part, base) if isinstance(v, Vector) and v.part else v
        if not isinstance(one, Scalar):
            raise m.stop("vectors whose lengths may differ", code="E0315")
        values.append(one)
    (binder,) = base.binders
    held = m.state.path
    m.state.path = m.state.along(*binder.conditions(), base.condition)
    m.loops.append(Loop(binder))
    try:
        found = compute(*values)
    finally:
        m.loops.pop()
        m.state.path = held
    if not isinstance(found, Scalar):
        raise m.stop("an array of objects", code="E0302")
    return array(m, Part(base.binders, base.condition, Scalar(found.term, True)), untyped(found, *lists))


def fold(m: Machine, kind: str, part: Part) -> Scalar:
    """Sum, maximum or minimum; numpy fails on the maximum of nothing."""
    from attndsl.dsl.pyimport.lift.folds import _part_sum

    p = instantiate(part)
    assert isinstance(p.element, Scalar)
    if kind == "sum":
        return Scalar(_part_sum(p), True)
    m.require(C.exists(p.binders, p.condition), kind="ValueError")
    if p.element.term.kind == "bool":
        return quantified("any" if kind == "maximum" else "all", part)
    (b,) = p.binders
    return Scalar(T.agg(kind, b.var, b.domain, b.low, b.high, p.condition, T.as_number(p.element.term)), True)


def quantified(name: str, part: Part) -> Scalar:
    """``any`` and ``all``."""
    p = instantiate(part)
    assert isinstance(p.element, Scalar)
    t = p.element.term
    c = t if t.kind == "bool" else T.compare("!=", t, T.ZERO)
    some = C.exists(p.binders, T.conj((p.condition, c if name == "any" else T.not_(c))))
    return Scalar(some if name == "any" else T.not_(some), True)
