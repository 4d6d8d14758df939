"""Lists and arrays of a fixed length whose items are assigned: ``[False] * n``, ``np.zeros(n, dtype=bool)``."""

from __future__ import annotations

import ast
from dataclasses import replace

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import dicts
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.linear import WORD_COUNT
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    CellRow,
    CellTable,
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


def repeated(m: Machine, item: Value, length: Term, array: str = "") -> Ref:
    """``[item] * length``."""
    if not m.holds(T.compare(">=", length, T.ZERO)):
        length = T.func("max", (length, T.ZERO), "int")
    if (length is not WORD_COUNT or array) and not m.holds(T.compare("<=", length, T.N)):
        raise m.stop("a list that may be longer than the text", code="E0316")
    b, k = _places(length)
    first = Part((b,), T.TRUE, TupleValue((Scalar(k), item)))
    return m.allocate(DictValue((first,), length, array))


def _places(length: Term) -> tuple[Binder, Term]:
    """The places of a list, one after the other; those of one item per word are numbers of words."""
    if length is WORD_COUNT:
        w = T.fresh("word")
        return Binder(w, T.NONE, T.NONE, T.ALL_WORDS), T.windex(w)
    k = T.fresh("int")
    return Binder(k, T.ZERO, length), k


def typed(m: Machine, shape: Value, value: Term, array: str, node: ast.AST) -> Value:
    """An array of truth values or whole numbers, whose items are assigned one by one."""
    if not isinstance(shape, Scalar) or shape.term.kind != "int":
        raise m.stop("an array of this type", node, "E0315")
    first = T.const(bool(value.data)) if array == "bool" else T.const(int(value.data))
    return repeated(m, Scalar(first, True), shape.term, array)


def from_list(seq: Seq) -> DictValue | None:
    """A list as a table, so that its items can be assigned; None when it was built in another way."""
    if len(seq.parts) != 1 or seq.is_set:
        return None
    (p,) = seq.parts
    if len(p.binders) != 1 or p.condition is not T.TRUE or p.binders[0].descending:
        return None
    (b,) = p.binders
    if b.domain is T.ALL_WORDS:
        return DictValue((Part((b,), T.TRUE, TupleValue((Scalar(T.windex(b.var)), p.element))),), WORD_COUNT)
    if b.low is not T.ZERO:  # as of the words of a relation, which have no number where they begin
        return None
    return DictValue((Part((b,), T.TRUE, TupleValue((Scalar(b.var), p.element))),), b.high)


def from_vector(m: Machine, v: Vector) -> Ref | None:
    """An array of truth values or whole numbers that a name is bound to; None for one of other numbers."""
    k = T.fresh("int")
    element = v.at(k)
    if element.term.kind not in ("bool", "int") or not m.holds(T.compare("<=", v.length, T.N)):
        return None
    first = Part((Binder(k, T.ZERO, v.length),), T.TRUE, TupleValue((Scalar(k), element)))
    return m.allocate(DictValue((first,), v.length, element.term.kind))


def as_vector(m: Machine, value: Value) -> Value:
    """An array of truth values or whole numbers, for numpy's operations; other values as they are."""
    if isinstance(value, CellTable | CellRow):
        from attndsl.dsl.pyimport.lift import cells

        return cells.as_array(m, value)
    found = m.contents(value) if isinstance(value, Ref) else None
    return vector(m, found) if isinstance(found, DictValue) and found.array else value


def is_array(m: Machine, ref: Ref) -> bool:
    found = m.state.heap.get(ref.key)
    return isinstance(found, DictValue | Growing) and found.array != ""


def length_of(m: Machine, ref: Ref) -> Term:
    """How many items an array has."""
    found = m.state.heap[ref.key]
    assert isinstance(found, DictValue | Growing)
    assert found.length is not None
    return found.length


def fill(m: Machine, ref: Ref, low: Term, high: Term, value: Value) -> None:
    """``a[low:high] = x`` of an array: one item for all these places."""
    found = m.mutable(ref)
    assert isinstance(found, DictValue | Growing)
    y = T.fresh("int")
    pair = TupleValue((Scalar(y), item(m, value, found.array)))
    part = Part((Binder(y, low, high),), T.TRUE, pair)
    if isinstance(found, Growing):
        m.state.heap[ref.key] = replace(found, added=(*found.added, part))
    else:
        m.state.heap[ref.key] = replace(found, parts=(*found.parts, part))


def replace_items(m: Machine, ref: Ref, value: Value) -> None:
    """``a += x`` of a whole array, seen by every name that it has; numpy keeps the type of the items."""
    held = m.mutable(ref)
    if not isinstance(held, DictValue) or not isinstance(value, Vector):
        raise m.stop("an array is changed this way", code="E0311")
    assert held.length is not None
    k = T.fresh("int")
    element = value.at(k)
    if element.term.kind != held.array:
        raise m.stop("an array of this type is assigned another type", code="E0315")
    assert m.holds(T.compare("==", value.length, held.length)), "an operation with it gives as many numbers"
    first = Part((Binder(k, T.ZERO, held.length),), T.TRUE, TupleValue((Scalar(k), element)))
    m.state.heap[ref.key] = DictValue((first,), held.length, held.array)


def place(m: Machine, key: Value, length: Term, array: str) -> Value:
    """An index as a place counted from 0. The program fails where it is out of range."""
    kinds = ("int",) if array else ("int", "bool")  # numpy takes a truth value for a mask
    if not (isinstance(key, Scalar) and key.term.kind in kinds):
        raise m.stop("an index that is no whole number", code="E0302")
    return Scalar(C.wrapped(m, T.as_number(key.term), length))


def item(m: Machine, value: Value, array: str) -> Value:
    """What numpy stores for an assigned value."""
    if not array:
        return value
    if not isinstance(value, Scalar) or value.term.kind not in ("bool", "int"):
        raise m.stop("an array of this type is assigned another type", code="E0315")
    t = value.term
    if array == "bool":
        return Scalar(t if t.kind == "bool" else T.compare("!=", t, T.ZERO), True)
    return Scalar(T.as_number(t), True)


def read(m: Machine, table: DictValue, key: Value) -> Value:
    """The item at a place inside the table."""
    return dicts.last_value(m, table, key, None)


def sequence(m: Machine, table: DictValue) -> Seq:
    """The items from the first place to the last."""
    assert table.length is not None
    b, k = _places(table.length)
    held = m.state.path
    m.state.path = m.state.along(*b.conditions())
    try:
        found = read(m, table, Scalar(k))
    finally:
        m.state.path = held
    return Seq((Part((b,), T.TRUE, found),))


def vector(m: Machine, table: DictValue) -> Vector:
    """An array's items as numpy sees them."""
    (p,) = sequence(m, table).parts
    assert isinstance(p.element, Scalar), "see item"
    var, term, length = p.binders[0].var, p.element.term, table.length
    assert length is not None
    return Vector(length, lambda at: Scalar(T.subst(term, {var: at}), True))
