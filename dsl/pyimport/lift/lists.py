"""Changes of lists and sets."""

from __future__ import annotations

import ast
from dataclasses import replace

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift import walks
from attndsl.dsl.pyimport.lift.basics import sequence
from attndsl.dsl.pyimport.lift.machine import Machine, Retry
from attndsl.dsl.pyimport.lift.merge import instantiate
from attndsl.dsl.pyimport.lift.values import (
    Carried,
    Choice,
    DictValue,
    Growing,
    NoneValue,
    Part,
    Ref,
    RowRef,
    Scalar,
    Seq,
    TupleValue,
    Value,
    Word,
    known,
)


def freeze(m: Machine, value: Value) -> Value:
    """The value as it is now, for storing inside another one; a list stored so must not change afterwards."""
    if isinstance(value, Ref):
        found = m.contents(value)
        m.frozen.add(value.key)
        return _record(m, found) if isinstance(found, DictValue) else found
    if isinstance(value, Carried):
        raise Retry(value.name)
    if isinstance(value, Seq) and value.once:
        raise m.stop("an iterator is stored in a list", code="E0311")
    if isinstance(value, TupleValue):
        return TupleValue(tuple(freeze(m, v) for v in value.items))
    if isinstance(value, Choice):
        return Choice(value.condition, freeze(m, value.then), freeze(m, value.other))
    if isinstance(value, RowRef) and not (value.start is T.ZERO and m.lengths.get(value.matrix) is value.length):
        raise m.stop("a part of an array is stored in a list", code="E0311")  # a whole vector shows its later changes
    from attndsl.dsl.pyimport.lift import arrays

    return arrays.held(m, value)


def _record(m: Machine, found: DictValue) -> Value:
    """A dict (or a list whose items were assigned) as it is now."""
    if found.length is None:
        return replace(found, parts=tuple(replace(p, element=freeze(m, p.element)) for p in found.parts))
    from attndsl.dsl.pyimport.lift import tables

    if found.array:
        raise m.stop("an array is stored in a list or dict", code="E0311")
    return tables.sequence(m, found)


def extend(m: Machine, ref: Ref, parts: tuple[Part, ...]) -> None:
    """Add elements at the end."""
    found = m.mutable(ref)
    if isinstance(found, Growing) and not found.is_dict:
        m.state.heap[ref.key] = replace(found, added=found.added + parts)
    elif isinstance(found, Seq):
        m.state.heap[ref.key] = Seq(found.parts + parts, found.is_set)
    else:
        raise m.stop("something is appended to this object", code="E0302")


def is_set(m: Machine, ref: Ref) -> bool:
    held = m.state.heap.get(ref.key)
    return isinstance(held, Seq | Growing) and held.is_set


def append(m: Machine, ref: Ref, value: Value) -> None:
    if is_set(m, ref):
        hashed(m, value)
    extend(m, ref, (Part((), T.TRUE, freeze(m, value)),))


def hashed(m: Machine, value: Value) -> Value:
    """An element of a set or a key. Python fails on lists, sets and dicts. Raises NotLiftable for them."""
    if not _hashable(m, value):
        raise m.stop("a set or keys of objects that change", code="E0302")
    return value


def _hashable(m: Machine, value: Value) -> bool:
    match value:
        case Choice(then=a, other=b):
            return _hashable(m, a) and _hashable(m, b)
        case TupleValue(items=items):
            return all(_hashable(m, i) for i in items)
    return isinstance(value, Scalar | Word | NoneValue)


def extend_with(m: Machine, ref: Ref, value: Value) -> None:
    """``list.extend`` / ``set.update``."""
    seq = sequence(m, value)
    if seq is None:
        raise m.stop("a list is extended by this object", code="E0302")
    walks.check_apart(m, ref, value)
    if seq.is_set:
        found = m.mutable(ref)
        if not (isinstance(found, Seq) and found.is_set):
            raise m.stop("a list is extended by a set, whose order is not fixed", code="E0312")
    extend(m, ref, tuple(Part(p.binders, p.condition, freeze(m, p.element)) for p in seq.parts))


def _held(m: Machine, ref: Ref) -> Seq:
    """The list or set, of which something is taken away. A loop cannot take away from one it did not make."""
    found = m.mutable(ref)
    if not isinstance(found, Seq):
        raise m.stop("something is taken from this object", code="E0311")
    return found


def remove(m: Machine, ref: Ref, item: Value, certain: bool) -> None:
    """``list.remove``, ``set.remove`` (``certain``: Python fails when it is not there) and ``set.discard``."""
    found = _held(m, ref)
    if not found.is_set and (len(found.parts) > 1 or not all(C._injective(p) for p in found.parts)):
        raise m.stop("one of several equal elements is removed", code="E0311")
    if certain:
        m.require(C.contains(m, item, found))
    parts = []
    for original in found.parts:
        p = instantiate(original)
        parts.append(Part(p.binders, T.conj((p.condition, T.not_(C.equal(m, p.element, item)))), p.element))
    m.state.heap[ref.key] = Seq(tuple(parts), found.is_set)


def sort(m: Machine, ref: Ref, node: ast.Call) -> None:
    """``list.sort(key=..., reverse=...)``."""
    from attndsl.dsl.pyimport.lift.evaluate import evaluate
    from attndsl.dsl.pyimport.lift.sequences import sort as in_order

    options = {k.arg: evaluate(m, k.value) for k in node.keywords}
    key, backwards = options.pop("key", NoneValue()), options.pop("reverse", known(False))
    found = _held(m, ref)
    if options or backwards not in (known(True), known(False)) or found.is_set:
        raise m.stop("'sort' with these arguments", node, "E0305")
    m.state.heap[ref.key] = in_order(m, found, key, backwards == known(True), node)


def pop(m: Machine, ref: Ref, first: bool) -> Value:
    """``list.pop()`` and ``list.pop(0)``."""
    found = _held(m, ref)
    if found.is_set or len(found.parts) != 1 or len(found.parts[0].binders) != 1:
        raise m.stop("an element is popped off a list that was built in several places", code="E0311")
    taken = C.element(m, found, T.ZERO if first else T.const(-1))
    p = instantiate(found.parts[0])
    (b,) = C.in_text_order(p).binders
    kind = "first" if first != b.descending else "last"
    end = T.agg(kind, b.var, b.domain, b.low, b.high, p.condition)
    order = ">" if kind == "first" else "<"
    here, there = (T.windex(b.var), T.windex(end)) if b.over_words else (b.var, end)
    rest = T.mk("cmp", order, (here, there), "bool")
    m.state.heap[ref.key] = Seq((Part((b,), T.conj((p.condition, rest)), p.element),))
    return taken
