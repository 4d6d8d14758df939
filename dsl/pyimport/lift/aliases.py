"""Who else holds an object: what is changed in place changes for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.values import (
    Choice,
    Closure,
    DictValue,
    Growing,
    Ref,
    RowRef,
    Seq,
    TupleValue,
    Unbound,
    Value,
    Vector,
)


def holders(m: Machine, wanted: Callable[[Value], bool]) -> int:
    """How many names, items and defaults are such a value."""
    frames = (v for frame in m.state.frames.values() for v in frame.values())
    return sum(_inside(v, wanted) for values in (frames, m.state.heap.values()) for v in values)


def _inside(value: Value, wanted: Callable[[Value], bool]) -> int:
    items: Iterable[Value] = ()
    match value:
        case Choice(then=then, other=other):
            items = then, other
        case TupleValue(items=items):
            pass
        case Seq(parts=parts) | DictValue(parts=parts) | Growing(added=parts):
            items = [p.element for p in parts]
        case Closure(defaults=items):
            pass
    return int(wanted(value)) + sum(_inside(v, wanted) for v in items)


def forget_rows(m: Machine, matrix: str) -> None:
    """The matrix gets another version: the rows that have names are those of the one before."""
    for names in m.state.frames.values():
        for name, v in names.items():
            if isinstance(v, RowRef) and v.matrix == matrix:
                names[name] = Unbound("it is a row of an earlier version of the matrix")


def share(m: Machine, view: Vector, name: Value) -> None:
    """A name is bound to a slice of an array: numpy would change both, so neither may change from now on."""
    if view.slice_of is not None:
        m.frozen.add(view.slice_of)
    if view.slice_of is not None and isinstance(name, Ref):
        m.frozen.add(name.key)
