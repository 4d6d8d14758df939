"""Targets of assignments -> closures that store a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from attndsl.dsl.pyimport import loops as lt
from attndsl.runtime.loops.dispatch import Frame, expr
from attndsl.runtime.loops.functions import UNBOUND, unbound
from attndsl.runtime.loops.state import bounded_list, walk

Store = Callable[[Frame, Any], None]


def store(target: lt.Target) -> Store:
    """The closure that stores a value into ``target``."""
    match target:
        case lt.SetLocal():
            return _local(target)
        case lt.SetGlobal():
            return _global(target)
        case lt.SetItem():
            return _item(target)
        case lt.SetTuple():
            return _tuple(target)
    raise AssertionError(type(target).__name__)


def _local(target: lt.SetLocal) -> Store:
    slot, depth = target.slot, target.depth
    if depth == 0:

        def here(f: Frame, value: Any) -> None:
            f[slot] = value

        return here

    def further(f: Frame, value: Any) -> None:
        for _ in range(depth):
            f = f[0]
        f[slot] = value

    return further


def _global(target: lt.SetGlobal) -> Store:
    slot = target.slot

    def put(f: Frame, value: Any) -> None:
        f[1].globals[slot] = value

    return put


def _item(target: lt.SetItem) -> Store:
    holder, index = expr(target.value), expr(target.index)

    def put(f: Frame, value: Any, at_span: Any = target.span) -> None:
        into = holder(f)
        at = index(f)
        if into.__class__ is list and at.__class__ is slice and value.__class__ is not list:
            value = bounded_list(f[1], value)
        into[at] = value
        if into.__class__ is np.ndarray and into.size > 65536 and not isinstance(at, tuple):
            f[1].step(into.size >> 10)

    return put


def _tuple(target: lt.SetTuple) -> Store:
    items = target.items
    if len(items) == 2 and target.star is None and all(isinstance(t, lt.SetLocal) and t.depth == 0 for t in items):
        return _pair(target, *(t.slot for t in items if isinstance(t, lt.SetLocal)))
    stores = tuple(store(t) for t in items)
    count, star = len(stores), target.star

    def spread(f: Frame, value: Any, at_span: Any = target.span) -> None:
        kind = value.__class__
        items = value if kind is tuple or kind is list else _few(walk(f[1], value), count)
        if len(items) != count:
            raise ValueError(_mismatch(len(items), count))
        for put, item in zip(stores, items, strict=True):
            put(f, item)

    def spread_star(f: Frame, value: Any, at_span: Any = target.span) -> None:
        assert star is not None
        items = list(walk(f[1], value))
        after = count - star - 1
        if len(items) < star + after:
            raise ValueError(f"not enough values to unpack (expected at least {star + after}, got {len(items)})")
        middle = items[star : len(items) - after]
        for put, item in zip(stores, [*items[:star], middle, *items[len(items) - after :]], strict=True):
            put(f, item)

    return spread if star is None else spread_star


def _pair(target: lt.SetTuple, one: int, two: int) -> Store:
    """``i, token``: the commonest of all."""

    def spread(f: Frame, value: Any, at_span: Any = target.span) -> None:
        if value.__class__ is tuple and len(value) == 2:
            f[one], f[two] = value
            return
        items = value if value.__class__ is list else _few(walk(f[1], value), 2)
        if len(items) != 2:
            raise ValueError(_mismatch(len(items), 2))
        f[one], f[two] = items

    return spread


def _few(value: Any, count: int) -> list[Any]:
    """At most one item more than wanted: enough to know that there are too many."""
    items: list[Any] = []
    for item in value:
        items.append(item)
        if len(items) > count:
            break
    return items


def _mismatch(given: int, wanted: int) -> str:
    if given < wanted:
        return f"not enough values to unpack (expected {wanted}, got {given})"
    return f"too many values to unpack (expected {wanted})"


def remove(target: lt.Target) -> Callable[[Frame], None]:
    """The closure of ``del target``."""
    match target:
        case lt.SetLocal():
            slot, name, depth = target.slot, target.name, target.depth

            def drop_name(f: Frame, at_span: Any = target.span) -> None:
                for _ in range(depth):
                    f = f[0]
                if f[slot] is UNBOUND:
                    raise unbound(name, False)
                f[slot] = UNBOUND

            return drop_name
        case lt.SetItem():
            holder, index = expr(target.value), expr(target.index)

            def drop_item(f: Frame, at_span: Any = target.span) -> None:
                into = holder(f)
                del into[index(f)]

            return drop_item
        case lt.SetTuple():
            each = tuple(remove(t) for t in target.items)

            def drop_all(f: Frame) -> None:
                for drop in each:
                    drop(f)

            return drop_all
        case lt.SetGlobal():
            place = target.slot

            def drop_global(f: Frame) -> None:
                f[1].globals[place] = UNBOUND

            return drop_global
    raise AssertionError(type(target).__name__)
