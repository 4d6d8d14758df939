"""Changes of lists and sets."""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import sequence
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.values import (
    Choice,
    DictValue,
    Growing,
    Part,
    Ref,
    RowRef,
    Seq,
    TupleValue,
    Value,
)


def freeze(m: Machine, value: Value) -> Value:
    """The value as it is now, for storing inside another one; a list stored so must not change afterwards."""
    if isinstance(value, Ref):
        found = m.contents(value)
        m.frozen.add(value.key)
        if isinstance(found, DictValue):
            raise m.stop("a dict is stored in a list or dict", code="E0311")
        return found
    if isinstance(value, TupleValue):
        return TupleValue(tuple(freeze(m, v) for v in value.items))
    if isinstance(value, Choice):
        return Choice(value.condition, freeze(m, value.then), freeze(m, value.other))
    if isinstance(value, RowRef):
        raise m.stop("a numpy vector is stored in a list", code="E0311")
    return value


def extend(m: Machine, ref: Ref, parts: tuple[Part, ...]) -> None:
    """Add elements at the end."""
    found = m.mutable(ref)
    if isinstance(found, Growing):
        m.state.heap[ref.key] = Growing(found.key, found.added + parts)
    elif isinstance(found, Seq):
        m.state.heap[ref.key] = Seq(found.parts + parts, found.is_set)
    else:
        raise m.stop("something is appended to this object", code="E0302")


def append(m: Machine, ref: Ref, value: Value) -> None:
    extend(m, ref, (Part((), T.TRUE, freeze(m, value)),))


def extend_with(m: Machine, ref: Ref, value: Value) -> None:
    """``list.extend`` / ``set.update``."""
    seq = sequence(m, value)
    if seq is None:
        raise m.stop("a list is extended by this object", code="E0302")
    if seq.is_set:
        found = m.mutable(ref)
        if not (isinstance(found, Seq) and found.is_set):
            raise m.stop("a list is extended by a set, whose order is not fixed", code="E0312")
    extend(m, ref, tuple(Part(p.binders, p.condition, freeze(m, p.element)) for p in seq.parts))
