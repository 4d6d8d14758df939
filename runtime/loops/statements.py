"""Statements of the loop tree -> closures over a frame.

A statement gives None to go on, BREAK or CONTINUE to the loop around it, or a 1-tuple with the value a function
returns.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attndsl.dsl.pyimport import loops as lt
from attndsl.runtime.loops import operators
from attndsl.runtime.loops.dispatch import Evaluate, Frame, Maker, block, expr, spanned
from attndsl.runtime.loops.state import ordered, refuel
from attndsl.runtime.loops.targets import remove, store
from attndsl.runtime.loops.trying import assertion, raising, trying

BREAK = "break"
CONTINUE = "continue"
_REALS: Any = frozenset({float})
_NUMBERS: Any = frozenset({int, float, np.float64, np.int64})


def _assign(node: lt.Assign) -> Evaluate:
    value = expr(node.value)
    if len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, lt.SetLocal) and target.depth == 0:
            slot = target.slot

            def set_local(f: Frame) -> None:
                f[slot] = value(f)

            return set_local
        if isinstance(target, lt.SetItem):
            return _assign_item(target, value)
        put = store(target)
        return lambda f: put(f, value(f))
    stores = tuple(store(t) for t in node.targets)

    def set_all(f: Frame) -> None:
        found = value(f)
        for each in stores:
            each(f, found)

    return set_all


def _assign_item(target: lt.SetItem, value: Evaluate) -> Evaluate:
    holder, index = expr(target.value), expr(target.index)

    def set_item(f: Frame, at_span: Any = target.span) -> None:
        found = value(f)
        into = holder(f)
        into[index(f)] = found

    if isinstance(target.index, lt.Sequence) and not any(isinstance(i, lt.SliceOf) for i in target.index.items):
        return set_item
    put = store(target)
    return lambda f: put(f, value(f))


def _augment(node: lt.Augment) -> Evaluate:
    value, op = expr(node.value), node.op
    fast = operators.PLAIN[op] if op not in ("Mult", "Pow", "LShift") else None

    def combine(f: Frame, old: Any, new: Any) -> Any:
        if fast is not None and old.__class__ in _NUMBERS and new.__class__ in _NUMBERS:
            return fast(old, new)
        if op == "Mult" and old.__class__ in _REALS and new.__class__ in _NUMBERS:
            return old * new
        return operators.in_place(f[1], op, old, new)

    if isinstance(node.target, lt.SetItem):
        holder, index = expr(node.target.value), expr(node.target.index)

        def on_item(f: Frame, at_span: Any = node.span) -> None:
            into = holder(f)
            at = index(f)
            old = into[at]
            into[at] = combine(f, old, value(f))

        return on_item
    read, put = expr(_reading(node.target)), store(node.target)

    def on_name(f: Frame, at_span: Any = node.span) -> None:
        old = read(f)
        put(f, combine(f, old, value(f)))

    return on_name


def _reading(target: lt.Target) -> lt.Expr:
    match target:
        case lt.SetLocal():
            return lt.GetLocal(target.span, target.name, target.depth, target.slot, target.depth > 0)
        case lt.SetGlobal():
            return lt.GetGlobal(target.span, target.name, target.slot)
    raise AssertionError("Python has no augmented assignment to a tuple")


def _evaluate(node: lt.Evaluate) -> Evaluate:
    value = expr(node.value)

    def run(f: Frame) -> None:
        value(f)

    return run


def _if(node: lt.If) -> Evaluate:
    test, yes = expr(node.test), block(node.yes)
    if not node.no:

        def only_yes(f: Frame, at_span: Any = node.test.span) -> Any:
            return yes(f) if test(f) else None

        return only_yes
    no = block(node.no)
    return spanned(lambda f, at_span=node.test.span: yes(f) if test(f) else no(f))


def _for(node: lt.For) -> Evaluate:
    iterable, body, otherwise = expr(node.iterable), block(node.body), block(node.otherwise)
    put = store(node.target)
    target = node.target
    slot = target.slot if isinstance(target, lt.SetLocal) and target.depth == 0 else None

    def loop(f: Frame, at_span: Any = node.iterable.span) -> Any:
        run = f[1]
        values = iterable(f)
        if values.__class__ is set or values.__class__ is frozenset:
            values = ordered(run, values)
        for value in values:
            run.steps -= 1
            if run.steps < 0:
                refuel(run)
            if slot is not None:
                f[slot] = value
            else:
                put(f, value)
            result = body(f)
            if result is not None and result is not CONTINUE:
                return None if result is BREAK else result
        return otherwise(f)

    return loop


def _while(node: lt.While) -> Evaluate:
    test, body, otherwise = expr(node.test), block(node.body), block(node.otherwise)

    def loop(f: Frame, at_span: Any = node.test.span) -> Any:
        run = f[1]
        while test(f):
            run.steps -= 1
            if run.steps < 0:
                refuel(run)
            result = body(f)
            if result is not None and result is not CONTINUE:
                return None if result is BREAK else result
        return otherwise(f)

    return loop


def _return(node: lt.Return) -> Evaluate:
    if node.value is None:
        return lambda f: (None,)
    value = expr(node.value)
    return lambda f: (value(f),)


def _delete(node: lt.Delete) -> Evaluate:
    each = tuple(remove(t) for t in node.targets)

    def drop(f: Frame) -> None:
        for one in each:
            one(f)

    return drop


def _define(node: lt.Define) -> Evaluate:
    make, put = expr(node.function), store(node.target)
    return lambda f: put(f, make(f))


MAKERS: dict[type[lt.Node], Maker] = {
    lt.Assign: _assign,
    lt.Augment: _augment,
    lt.Evaluate: _evaluate,
    lt.If: _if,
    lt.For: _for,
    lt.While: _while,
    lt.Break: lambda node: lambda f: BREAK,
    lt.Continue: lambda node: lambda f: CONTINUE,
    lt.Pass: lambda node: lambda f: None,
    lt.Return: _return,
    lt.Raise: raising,
    lt.Try: trying,
    lt.Assert: assertion,
    lt.Delete: _delete,
    lt.Define: _define,
}
