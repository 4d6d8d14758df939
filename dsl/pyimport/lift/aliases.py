"""Who else holds an object: what is changed in place changes for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.values import (
    Choice,
    Closure,
    DictValue,
    Growing,
    Part,
    Ref,
    Scalar,
    Seq,
    TupleValue,
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


def share(m: Machine, view: Vector, name: Value) -> None:
    """A name is bound to a slice of an array: numpy would change both, so neither may change from now on."""
    if view.slice_of is not None:
        m.frozen.add(view.slice_of)
    if view.slice_of is not None and isinstance(name, Ref):
        m.frozen.add(name.key)


def changes_alone(m: Machine, old: Vector, op: str) -> None:
    """``w /= w.sum()`` gives the name a new array: so no other name may hold the old one, and its type must do."""
    element = old.at(T.fresh("int")) if old.part is None else _element(old.part)
    alone = old.slice_of is None and holders(m, lambda v: v is old) == 1
    if not alone or element.term.kind != "float" or op not in ("+", "-", "*", "/", "**"):
        raise m.stop("an array made of a list is changed", code="E0311")


def _element(part: Part) -> Scalar:
    assert isinstance(part.element, Scalar)
    return part.element
