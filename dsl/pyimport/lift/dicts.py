"""Dicts as the sequence of their assignments, of which the last one with a key counts."""

from __future__ import annotations

from dataclasses import replace

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.merge import instantiate, merge_values, subst_value
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import DictValue, NoneValue, Part, Ref, Scalar, Seq, TupleValue, Value, Word


def _dict(m: Machine, ref: Ref) -> DictValue:
    found = m.contents(ref)
    if not isinstance(found, DictValue):
        raise m.stop("this object is no dict", code="E0302")
    return found


def _key(part: Part) -> Value:
    assert isinstance(part.element, TupleValue)
    return part.element.items[0]


def _matches(m: Machine, part: Part, key: Value) -> Term:
    """Where the part's condition holds and its key is the one looked for (binders still free)."""
    return T.conj((part.condition, C.equal(m, _key(part), key)))


def has_key(m: Machine, ref: Ref, key: Value) -> Term:
    found: list[Term] = []
    for original in _dict(m, ref).parts:
        part = instantiate(original)
        keys = Part(part.binders, part.condition, _key(part))
        solved = C.solve_element(key, keys)
        found.append(C.exists(part.binders, _matches(m, part, key)) if solved is None else solved)
    return T.disj(found)


def lookup(m: Machine, ref: Ref, key: Value) -> Value:
    """``d[key]``; requires the key to be there."""
    table = _dict(m, ref)
    if table.length is not None:
        from attndsl.dsl.pyimport.lift import tables

        return tables.read(m, table, tables.place(m, key, table.length, table.array))
    if not m.holds(has_key(m, ref, key)):
        m.require(has_key(m, ref, key))
    return get(m, ref, key, None)


def get(m: Machine, ref: Ref, key: Value, default: Value | None) -> Value:
    """The value of the last assignment with that key, else the default."""
    return last_value(m, _dict(m, ref), key, default)


def last_value(m: Machine, d: DictValue, key: Value, default: Value | None) -> Value:
    """The value of the last assignment with that key, else the default."""
    found = default
    for original in d.parts:
        part = instantiate(original)
        here, value = _last(m, part, key)
        found = value if found is None else merge_values(here, value, found)
    if found is None:
        raise m.stop("a value of an empty dict", code="E0313")
    return found


def _last(m: Machine, part: Part, key: Value) -> tuple[Term, Value]:
    assert isinstance(part.element, TupleValue)
    value = part.element.items[1]
    if len(part.binders) > 1:
        raise m.stop("a dict that nested loops fill", code="E0313")
    C.in_text_order(part)
    if not part.binders:
        return _matches(m, part, key), value
    (b,) = part.binders
    own = _key(part)
    if isinstance(own, Scalar | Word) and own.term is b.var and isinstance(key, Scalar | Word):
        solved = C.solve_element(key, Part(part.binders, part.condition, own))
        if solved is not None:
            return solved, subst_value(value, {b.var: key.term})
    where = _matches(m, part, key)
    kind = "first" if b.descending else "last"
    node = T.agg(kind, b.var, b.domain, b.low, b.high, where)
    return C.exists(part.binders, where), subst_value(value, {b.var: node})


def key_sequence(m: Machine, found: DictValue) -> Seq:
    """The keys, when each assignment certainly has a key of its own."""
    return Seq(tuple(Part(p.binders, p.condition, _key(p)) for p in _distinct(m, found)))


def items(m: Machine, ref: Ref) -> Seq:
    return Seq(_distinct(m, _dict(m, ref)))


def values(m: Machine, ref: Ref) -> Seq:
    parts = []
    for p in _distinct(m, _dict(m, ref)):
        assert isinstance(p.element, TupleValue)
        parts.append(Part(p.binders, p.condition, p.element.items[1]))
    return Seq(tuple(parts))


def _distinct(m: Machine, found: DictValue) -> tuple[Part, ...]:
    constant = [p for p in found.parts if not p.binders]
    keys = [_key(p) for p in constant]
    written = len(constant) == len(found.parts) and all(isinstance(k, Scalar) and T.is_const(k.term) for k in keys)
    if written and len(set(keys)) == len(keys):
        return found.parts
    if len(found.parts) == 1 and C._injective(Part(found.parts[0].binders, T.TRUE, _key(found.parts[0]))):
        return found.parts
    raise m.stop("a dict whose keys may repeat is walked through", code="E0312")


def assign(m: Machine, ref: Ref, key: Value, value: Value) -> None:
    """``d[key] = value``."""
    from attndsl.dsl.pyimport.lift import tables
    from attndsl.dsl.pyimport.lift.lists import freeze
    from attndsl.dsl.pyimport.lift.values import Growing

    if isinstance(key, NoneValue):
        raise m.stop("None as a key", code="E0302")
    found = m.mutable(ref)
    if isinstance(found, Growing | DictValue) and found.length is not None:
        key, value = tables.place(m, key, found.length, found.array), tables.item(m, value, found.array)
    part = Part((), T.TRUE, TupleValue((freeze(m, key), freeze(m, value))))
    if isinstance(found, Growing):
        m.state.heap[ref.key] = replace(found, added=(*found.added, part))
    elif isinstance(found, DictValue):
        m.state.heap[ref.key] = replace(found, parts=(*found.parts, part))
    else:
        raise m.stop("an item of this object is assigned", code="E0302")
