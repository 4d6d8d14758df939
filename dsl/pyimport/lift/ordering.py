"""Lists sorted by a key: ``sorted(window, key=lambda j: -score[j])[:3]``, ``pairs.sort(reverse=True)``.

A sorted list is the part that it was, whose binder carries the keys. The place of an element is then the number of
elements with a smaller key, and those with an equal key before it: Python's sort is stable.
"""

from __future__ import annotations

from dataclasses import replace

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Loop, Machine
from attndsl.dsl.pyimport.lift.merge import instantiate, subst_value
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    Closure,
    NoneValue,
    Opaque,
    Part,
    Ref,
    Scalar,
    Seq,
    TupleValue,
    Value,
)

Keys = tuple[Term, ...]


def by_key(m: Machine, seq: Seq, key: Value, backwards: bool) -> Seq:
    """``sorted(seq, key=key, reverse=backwards)`` of one part."""
    if len(seq.parts) != 1 or len(seq.parts[0].binders) != 1:
        raise m.stop("a list that was built in several places is sorted by a key", code="E0313")
    p = instantiate(seq.parts[0])
    (b,) = p.binders
    if b.climbs or (b.mixed and not b.keys):
        raise m.stop("a list without an order is sorted by a key", code="E0313")
    keys = _keys(m, p, key)
    if backwards:
        keys = tuple(T.neg(k) for k in keys)
    return Seq((Part((replace(b, mixed=True, keys=(*keys, *b.keys)),), p.condition, p.element),))


def _keys(m: Machine, p: Part, key: Value) -> Keys:
    """What the elements are compared by, as terms of the binder's variable."""
    held = m.state.path
    m.state.path = m.state.along(*(c for b in p.binders for c in b.conditions()), p.condition)
    m.loops.extend(Loop(b) for b in p.binders)
    try:
        found = _applied(m, p.element, key)
    finally:
        del m.loops[len(m.loops) - len(p.binders) :]
        m.state.path = held
    items = found.items if isinstance(found, TupleValue) else (found,)
    terms = [T.as_number(x.term) for x in items if isinstance(x, Scalar) and x.term.kind != "str"]
    if len(terms) != len(items) or not terms:
        raise m.stop("a list is sorted by something else than numbers", code="E0313")
    if any(t.op == "func" and t.data == "ratio" for k in terms for t in T.walk(k)):
        raise m.stop("a list is sorted by quotients that may be no numbers", code="E0313")
    m.ordinary.extend((t, tuple(m.loops)) for t in terms)
    return tuple(terms)


def _applied(m: Machine, element: Value, key: Value) -> Value:
    from attndsl.dsl.pyimport.lift import dicts
    from attndsl.dsl.pyimport.lift.calls import applied

    match key:
        case NoneValue():
            return element
        case Closure() | Opaque(name="builtin" | "method"):
            assert m.node is not None
            return applied(m, key, [element], m.node)
        case Opaque(name="value of", data=Ref() as table):
            return dicts.get(m, table, element, None)
        case Opaque(name="itemgetter", data=places):
            chosen = [C.element(m, Seq(_written(m, element)), T.const(at)) for at in places]
            return chosen[0] if len(chosen) == 1 else TupleValue(tuple(chosen))
    raise m.stop("a list is sorted by this key", code="E0313")


def key_of(value: Value, key: Value) -> Value:
    """``key`` of ``max(counts, key=counts.get)``: the value of each key of the dict, which is there."""
    match key:
        case Opaque(name="method", data=(Ref() as table, "get" | "__getitem__")) if table == value:
            return Opaque("value of", table)
    return key


def _written(m: Machine, element: Value) -> tuple[Part, ...]:
    if not isinstance(element, TupleValue):
        raise m.stop("a list is sorted by an item of its elements", code="E0313")
    return tuple(Part((), T.TRUE, item) for item in element.items)


def reverse(seq: Seq) -> Seq:
    """``reversed(seq)``."""
    return Seq(
        tuple(
            Part(
                tuple(_backwards(b) for b in p.binders),
                p.condition,
                p.element,
            )
            for p in reversed(seq.parts)
        ),
        seq.is_set,
    )


def _backwards(b: Binder) -> Binder:
    return replace(b, descending=not b.descending, keys=tuple(T.neg(k) for k in b.keys))


# ---------------------------------------------------------------- places


def rank(p: Part) -> Term:
    """How many elements of a sorted part come before the one at its binder's value."""
    for c in T.parts(p.condition):
        # the elements before the k-th keep their places when those after it are cut off
        if c.op == "cmp" and c.data == "<":
            rest = T.conj(x for x in T.parts(p.condition) if x is not c)
            if _rank(Part(p.binders, rest, p.element)) is c.args[0]:
                return c.args[0]
    return _rank(p)


def _rank(p: Part) -> Term:
    (b,) = p.binders
    y = T.fresh(b.var.kind)
    where = T.conj((T.subst(p.condition, {b.var: y}), before(b, y)))
    return T.agg("count", y, b.domain, b.low, b.high, where)


WITHOUT_ORDER = ("any", "all", "count", "sum", "product", "maximum", "minimum")
"""Aggregates over elements in whatever order."""


def earlier(kind: str, b: Binder, y: Term, where: Term, value: Term) -> Term:
    """An aggregate over the elements at y that come before the one at the binder's variable.

    Without an order it is a variable that nothing says in the language.
    """
    if not b.keys or kind not in WITHOUT_ORDER:
        return T.fresh({"any": "bool", "all": "bool", "count": "int"}.get(kind, "num"), "unordered")
    return T.agg(kind, y, b.domain, b.low, b.high, T.conj((before(b, y), where)), value)


def before(b: Binder, y: Term) -> Term:
    """In the order of the keys the element at y comes before the one at the binder's variable."""
    mine, theirs = b.keys, tuple(T.subst(k, {b.var: y}) for k in b.keys)
    smaller = [
        T.conj((*(T.compare("==", t, k) for t, k in zip(theirs[:at], mine[:at], strict=True)), less))
        for at, less in enumerate(T.compare("<", t, k) for t, k in zip(theirs, mine, strict=True))
    ]
    tie = T.conj((*(T.compare("==", t, k) for t, k in zip(theirs, mine, strict=True)), _first(b, y)))
    return T.disj((*smaller, tie))


def _first(b: Binder, y: Term) -> Term:
    """The element at y came before in the list that was sorted."""
    op = ">" if b.descending else "<"
    if b.over_words:
        return T.mk("cmp", op, (T.windex(y), T.windex(b.var)), "bool")
    return T.mk("cmp", op, (y, b.var), "bool")


def element(m: Machine, part: Part, index: Term, certain: bool = False) -> Value:
    """``sorted(...)[index]``; ``certain``: without asking whether there is one."""
    part = instantiate(part)
    (b,) = part.binders
    count = C.part_count(part)
    if index is T.ZERO and not certain:
        m.require(C.exists(part.binders, part.condition), kind="IndexError")
    if index is T.ZERO and len(b.keys) == 1 and not b.descending:
        least = T.agg("argmin", b.var, b.domain, b.low, b.high, part.condition, b.keys[0])
        return subst_value(part.element, {b.var: least})
    place = C.wrapped(m, index, count) if index is not T.ZERO else index
    where = T.conj((part.condition, T.compare("==", rank(part), place)))
    return subst_value(part.element, {b.var: T.agg("first", b.var, b.domain, b.low, b.high, where)})


def extreme(m: Machine, name: str, part: Part, key: Value) -> Value:
    """``max`` and ``min`` by a key, or of tuples: the first of the greatest (least)."""
    ranked = by_key(m, Seq((part,)), key, name == "max")
    return element(m, ranked.parts[0], T.ZERO)


def moves(b: Binder, column: Term) -> bool:
    """Each element of the part stands for another column."""
    atoms, _ = T.linear(column)
    rest = [a for a in atoms if a is not b.var and b.var.data in a.free]
    return atoms.get(b.var) in (1, -1) and not rest
