"""Changes of a part of a row in place: ``A[i, a:b] += x`` and the like."""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.arrays import is_array, vector
from attndsl.dsl.pyimport.lift.machine import Loop, Machine
from attndsl.dsl.pyimport.lift.operators import binary
from attndsl.dsl.pyimport.lift.values import Binder, RowRef, Scalar, Value


def add_to_range(m: Machine, op: str, row: RowRef, value: Value) -> None:
    """Each cell of ``row`` becomes itself ``op`` the value, or the value's element at its place."""
    k = T.fresh("int")
    binder = Binder(k, T.ZERO, row.length)
    own = vector(m, row)
    held = m.state.path
    m.loops.append(Loop(binder))
    m.state.path = m.state.along(*binder.conditions())
    other = vector(m, value).at(k) if is_array(value) else value
    if is_array(value) and not m.holds(T.compare("==", vector(m, value).length, row.length)):
        raise m.stop("vectors whose lengths may differ", code="E0315")
    if not isinstance(other, Scalar) or other.term.kind == "str":
        raise m.stop("an array is changed by this object", code="E0302")
    column = T.add(k, row.start)
    if op in ("+", "-", "*"):
        term = T.neg(T.as_number(other.term)) if op == "-" else T.as_number(other.term)
        m.write("scale" if op == "*" else "add", row.matrix, row.row, column, term)
    else:
        found = binary(m, op, own.at(k), Scalar(other.term, True))
        assert isinstance(found, Scalar)
        m.write("set", row.matrix, row.row, column, found.term)
    m.state.path = held
    m.loops.pop()
