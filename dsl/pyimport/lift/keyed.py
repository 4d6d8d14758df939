"""The assignments of a dict that have one key, and the last or first of them, which nested loops may have made."""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.merge import subst_part
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Part, TupleValue, Value


def key_of(part: Part) -> Value:
    assert isinstance(part.element, TupleValue)
    return part.element.items[0]


def _matches(m: Machine, part: Part, key: Value) -> Term:
    """Where the part's condition holds and its key is the one looked for (binders still free)."""
    return T.conj((part.condition, C.equal(m, key_of(part), key)))


def at_key(m: Machine, part: Part, key: Value) -> Part:
    """The assignments with this key alone. Where one loop counts through the keys, its iteration is known."""
    own = key_of(part)
    found = C.counted(own, key)
    for at, b in enumerate(part.binders):
        if found is None or found[0] is not b.var:
            continue
        there = {b.var: found[1]}
        bounds = (T.subst(c, there) for c in (*b.conditions(), *C.word_bounds(b, found[1])))
        inside = [c for c in bounds if not m.holds(c)]
        rest = subst_part(Part(part.binders[at + 1 :], part.condition, part.element), there)
        binders = (*part.binders[:at], *rest.binders)
        return Part(binders, T.conj((*inside, rest.condition)), rest.element)
    return Part(part.binders, _matches(m, part, key), part.element)


def one_of(m: Machine, part: Part, last: bool) -> tuple[Term, Value]:
    """That the part has an element, and the last (first) one, which nested loops may reach."""
    C.in_text_order(part)
    exists, where = C.exists(part.binders, part.condition), part
    while where.binders:
        b, *inner = where.binders
        kind = "last" if last != b.descending else "first"
        some = C.exists(tuple(inner), where.condition)
        there = {b.var: T.agg(kind, b.var, b.domain, b.low, b.high, some)}
        where = subst_part(Part(tuple(inner), where.condition, where.element), there)
    return exists, where.element
