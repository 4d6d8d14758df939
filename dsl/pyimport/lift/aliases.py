"""Who else holds an object: what is changed in place changes for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from attndsl.dsl.pyimport.lift.values import (
    Choice,
    Closure,
    DictValue,
    Grid,
    Growing,
    Opaque,
    Ref,
    RowRef,
    Scalar,
    Seq,
    Sheet,
    TupleValue,
    Unbound,
    Value,
    Vector,
    Word,
)

if TYPE_CHECKING:
    from attndsl.dsl.pyimport.lift.machine import Machine

_NO_HOLDERS = (Scalar, Unbound, Ref, Word)
"""Most values: none of them is an array or holds one, which is what all the questions here are about."""


def holders(m: Machine, wanted: Callable[[Value], bool]) -> int:
    """How many names, items and defaults are such a value: an array, a row or another view."""
    found = 0
    for values in (m.state.heap.values(), *[names.values() for names in m.state.frames.values()]):
        for v in values:
            if v.__class__ not in _NO_HOLDERS:
                found += _inside(v, wanted)
    return found


def _inside(value: Value, wanted: Callable[[Value], bool]) -> int:
    items: Iterable[Value] = ()
    match value:
        case Choice(then=then, other=other):
            items = then, other
        case TupleValue(items=items):
            pass
        case Seq(parts=parts) | DictValue(parts=parts) | Growing(added=parts):
            items = [p.element for p in parts if p.element.__class__ not in _NO_HOLDERS]
        case Closure(defaults=items):
            pass
    return int(wanted(value)) + sum(_inside(v, wanted) for v in items)


def forget_rows(m: Machine, matrix: str) -> None:
    """The matrix gets another version: the rows that have names are those of the one before."""
    for names in m.state.frames.values():
        for name, v in names.items():
            if isinstance(v, RowRef) and v.matrix == matrix:
                names[name] = Unbound("it is a row of an earlier version of the matrix")


def shown(m: Machine, grid: Grid) -> bool:
    """Another name holds the matrix, or a row or another view of it."""

    def shows(v: Value) -> bool:
        if isinstance(v, Vector | Sheet):
            return v.seen == grid
        return (isinstance(v, RowRef) and v.matrix == grid.matrix) or (isinstance(v, Opaque) and v.data == grid)

    return holders(m, lambda v: v == grid) > 1 or holders(m, shows) > 0


def replaced(m: Machine, grid: Grid) -> None:
    """A name is about to be bound to a new array in the place of an older one, of which a list, tuple or dict may keep
    a row; names of rows are forgotten already (``forget_rows``)."""
    older = holders(m, lambda v: isinstance(v, Grid) and v.matrix == grid.matrix and v.version < grid.version)
    new = holders(m, lambda v: v == grid)
    if older and not new and holders(m, lambda v: isinstance(v, RowRef) and v.matrix == grid.matrix):
        raise m.stop("a row of a matrix that is computed anew is kept", code="E0311")


def share(m: Machine, view: Vector, name: Value) -> None:
    """A name is bound to a slice of an array: numpy would change both, so neither may change from now on."""
    if view.slice_of is not None:
        m.frozen.add(view.slice_of)
    if view.slice_of is not None and isinstance(name, Ref):
        m.frozen.add(name.key)
