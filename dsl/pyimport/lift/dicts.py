"""Dicts as the sequence of their assignments, of which the last one with a key counts."""

from __future__ import annotations

import ast
from dataclasses import replace

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import gathered, walks
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.gathering import ADD, APPEND, SUM
from attndsl.dsl.pyimport.lift.keyed import at_key, key_of, one_of
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.merge import instantiate, merge_values, subst_value
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import DictValue, Growing, NoneValue, Part, Ref, Scalar, Seq, TupleValue, Value


def _dict(m: Machine, ref: Ref) -> DictValue:
    found = m.contents(ref)
    if not isinstance(found, DictValue):
        raise m.stop("this object is no dict", code="E0302")
    return found


def has_key(m: Machine, ref: Ref, key: Value) -> Term:
    found: list[Term] = []
    table = _dict(m, ref)
    if table.default in (APPEND, SUM, gathered.FILLED):
        raise m.stop("'in' a dict to which every look-up adds a key", code="E0310")
    for original in table.parts:
        part = at_key(m, instantiate(original), key)
        found.append(C.exists(part.binders, part.condition))
    return T.disj(found)


def _own_key(m: Machine, table: DictValue, key: Value) -> bool:
    """The position at hand has put this very key into the dict."""
    if not isinstance(key, Scalar):
        return False
    places = [v for v in T.walk(key.term) if v.op == "var" and v.kind == "int"]
    for p in table.parts:
        own = key_of(p)
        if len(p.binders) != 1 or p.binders[0].over_words or not isinstance(own, Scalar):
            continue
        (b,) = p.binders
        for v in places:
            if T.subst(own.term, {b.var: v}) is key.term:
                return m.holds(T.subst(T.conj((*b.conditions(), p.condition)), {b.var: v}))
    return False


_ADDING = (APPEND, ADD, SUM, gathered.FILLED)
"""Sorts of dicts to which a look-up adds its key."""


def _may_add(m: Machine, ref: Ref) -> None:
    """A look-up may add a key, which a walk through the dict would find."""
    if ref.key in m.walked:
        raise m.stop("a look-up that may add a key to a dict that is walked through", code="E0310")
    m.looked_up.add(ref.key)


def counted_on(m: Machine, ref: Ref) -> None:
    """Which keys the dict has matters: a look-up before, or in another iteration, may have added one."""
    if ref.key in m.looked_up:
        raise m.stop("a walk through a dict to which a look-up may have added a key", code="E0310")
    if m.loops:
        m.walked.add(ref.key)


def walked_by(m: Machine, node: ast.expr) -> set[int]:
    """The dicts through which a loop over the expression walks, while it runs."""
    match node:
        case (
            ast.Name(id=name) | ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="items" | "keys" | "values"))
        ):
            found = m.lookup(name)
            return {found.key} if isinstance(found, Ref) else set()
        case ast.Call(func=ast.Name(id="enumerate" | "zip"), args=args):
            return {key for a in args for key in walked_by(m, a)}
    return set()


def check_walked(m: Machine, keys: set[int]) -> None:
    """After the loop: Python has failed if an iteration looked up a key that the dict did not have."""
    if keys & m.looked_up:
        raise m.stop("a look-up that may add a key to a dict that is walked through", code="E0310")


def lookup(m: Machine, ref: Ref, key: Value) -> Value:
    """``d[key]``; requires the key to be there."""
    table = _dict(m, ref)
    if table.length is not None:
        from attndsl.dsl.pyimport.lift import tables

        return tables.read(m, table, tables.place(m, key, table.length, table.array))
    if table.default in _ADDING and not _own_key(m, table, key):
        _may_add(m, ref)
    if not table.default and not _own_key(m, table, key):
        m.require(has_key(m, ref, key), kind="KeyError")
    return get(m, ref, key, None)


def get(m: Machine, ref: Ref, key: Value, default: Value | None) -> Value:
    """The value of the last assignment with that key, else the default."""
    return last_value(m, _dict(m, ref), key, default)


def last_value(m: Machine, d: DictValue, key: Value, default: Value | None) -> Value:
    """The value of the last assignment with that key, else the default."""
    if d.default or gathered.is_gathered(d.parts):
        return gathered.value_of(m, d, key, default)
    found = default
    for original in d.parts:
        part = instantiate(original)
        here, value = _last(m, part, key)
        found = value if found is None else merge_values(here, value, found)
    if found is None:
        raise m.stop("a value of an empty dict", code="E0313")
    return found


def _last(m: Machine, part: Part, key: Value) -> tuple[Term, Value]:
    here, found = one_of(m, at_key(m, part, key), last=True)
    assert isinstance(found, TupleValue)
    return here, found.items[1]


def key_sequence(m: Machine, found: DictValue) -> Seq:
    """The keys, when each assignment certainly has a key of its own."""
    return Seq(tuple(Part(p.binders, p.condition, key_of(p)) for p in _distinct(m, found)))


def items(m: Machine, ref: Ref) -> Seq:
    counted_on(m, ref)
    return Seq(_distinct(m, _dict(m, ref)), sort="view", live=walks.through(ref, "pair"))


def values(m: Machine, ref: Ref) -> Seq:
    counted_on(m, ref)
    parts = []
    for p in _distinct(m, _dict(m, ref)):
        assert isinstance(p.element, TupleValue)
        parts.append(Part(p.binders, p.condition, p.element.items[1]))
    return Seq(tuple(parts), sort="view", live=walks.through(ref, "value"))


def _distinct(m: Machine, found: DictValue) -> tuple[Part, ...]:
    """Each key once, with the value that it has in the end."""
    if found.default and found.parts and gathered.begun(found.parts):
        raise m.stop("a walk through a dict to which every look-up adds a key", code="E0310")
    parts = _each_key(m, found)
    if found.unordered and len(parts) > 1:
        raise m.stop("the order of a set", code="E0312")
    return C.in_no_order(Seq(parts)).parts if found.unordered else parts


def _each_key(m: Machine, found: DictValue) -> tuple[Part, ...]:
    constant = [p for p in found.parts if not p.binders]
    keys = [key_of(p) for p in constant]
    written = len(constant) == len(found.parts) and all(isinstance(k, Scalar) and T.is_const(k.term) for k in keys)
    if written and len({k.term.data for k in keys}) == len(keys):  # type: ignore[attr-defined]  # 1 and True are one
        return found.parts
    own = len(found.parts) == 1 and C._injective(Part(found.parts[0].binders, T.TRUE, key_of(found.parts[0])))
    if own and not gathered.is_gathered(found.parts):
        return found.parts
    begun = gathered.begun(found.parts)
    alone = len(begun) == 1 and gathered.keys_are_begun(found)
    if alone and C._injective(Part(begun[0].binders, T.TRUE, key_of(begun[0]))):
        p = instantiate(begun[0])
        return (Part(p.binders, p.condition, TupleValue((key_of(p), last_value(m, found, key_of(p), None)))),)
    if any(len(p.binders) > 1 for p in found.parts):
        raise m.stop("a dict whose keys may repeat is walked through", code="E0312")
    known = begun if gathered.is_gathered(found.parts) and begun and gathered.keys_are_begun(found) else found.parts
    return tuple(_once(m, found, at) for at in range(len(known)))


def _once(m: Machine, found: DictValue, at: int) -> Part:
    """The keys of one part, each where it comes first in the dict, with the value that it has in the end."""
    part = C.in_text_order(instantiate(found.parts[at]))
    key = key_of(part)
    known: list[Term] = []
    for earlier in found.parts[:at]:
        there = at_key(m, instantiate(earlier), key)
        known.append(C.exists(there.binders, there.condition))
    if part.binders and not C._injective(Part(part.binders, T.TRUE, key)):
        (b,) = part.binders
        own = T.fresh(b.var.kind)  # the iteration itself, while its variable stands for those before it
        same = C.equal(m, key, subst_value(key, {b.var: own}))
        known.append(T.subst(C.earlier("any", b, T.conj((part.condition, same)), T.NONE), {own: b.var}))
    fresh = T.conj((part.condition, *(T.not_(c) for c in known)))
    return Part(part.binders, fresh, TupleValue((key, last_value(m, found, key, None))))


def assign(m: Machine, ref: Ref, key: Value, value: Value) -> None:
    """``d[key] = value``."""
    from attndsl.dsl.pyimport.lift import tables
    from attndsl.dsl.pyimport.lift.lists import freeze, hashed

    if isinstance(key, NoneValue):
        raise m.stop("None as a key", code="E0302")
    hashed(m, key)
    found = m.mutable(ref, told=True)
    if isinstance(found, Growing | DictValue) and found.length is not None:
        key, value = tables.place(m, key, found.length, found.array), tables.item(m, value, found.array)
    walks.changed(m, ref.key, key)
    part = Part((), T.TRUE, TupleValue((freeze(m, key), freeze(m, value))))
    if isinstance(found, Growing):
        m.state.heap[ref.key] = replace(found, added=(*found.added, part))
    elif isinstance(found, DictValue):
        m.state.heap[ref.key] = replace(found, parts=(*found.parts, part))
    else:
        raise m.stop("an item of this object is assigned", code="E0302")
