"""Comprehensions and generator expressions -> closures. Each runs in a frame of its own, as in CPython."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attndsl.dsl.pyimport import loops as lt
from attndsl.runtime.loops.dispatch import Evaluate, Frame, expr
from attndsl.runtime.loops.functions import UNBOUND
from attndsl.runtime.loops.state import ordered, paced, refuel
from attndsl.runtime.loops.targets import store

Emit = Callable[[Frame, Any], None]
_Clause = tuple[Callable[[Frame, Any], None], Evaluate, tuple[Evaluate, ...], Any]


def comprehension(node: lt.Comprehension) -> Evaluate:
    """The closure of a list, set or dict comprehension, or of a generator expression."""
    first = expr(node.clauses[0].iterable)
    clauses = tuple(
        (store(c.target), expr(c.iterable), tuple(expr(t) for t in c.tests), c.iterable.span) for c in node.clauses
    )
    element = expr(node.element)
    value = None if node.value is None else expr(node.value)
    empty = [UNBOUND] * (len(node.names) - 3)

    def frame(f: Frame) -> Frame:
        return [f, f[1], node, *empty]

    if node.kind == "generator":
        return _generator(node, first, clauses, element, frame)
    if len(clauses) == 1 and node.kind in ("list", "set"):
        return _simple(node, first, clauses[0], element, frame)

    def build(f: Frame, at_span: Any = node.clauses[0].iterable.span) -> Any:
        inner, items = frame(f), start(f[1], first(f))
        if node.kind == "dict":
            assert value is not None
            mapping: dict[Any, Any] = {}
            for _ in turns(inner, items, clauses, 0):
                key = element(inner)
                mapping[key] = value(inner)
            return mapping
        made = [element(inner) for _ in turns(inner, items, clauses, 0)]
        return made if node.kind == "list" else set(paced(f[1], made))

    return build


def start(run: Any, values: Any) -> Any:
    """What a ``for`` walks."""
    if values.__class__ is set or values.__class__ is frozenset:
        return ordered(run, values)
    return values


def turns(f: Frame, values: Any, clauses: tuple[_Clause, ...], depth: int) -> Iterator[None]:
    """Run through all clauses; yields once for each element to make."""
    put, _, tests, _ = clauses[depth]
    run = f[1]
    last = depth + 1 == len(clauses)
    for value in values:
        run.steps -= 1
        if run.steps < 0:
            refuel(run)
        put(f, value)
        for test in tests:
            if not test(f):
                break
        else:
            if last:
                yield
            else:
                yield from _inner(f, clauses, depth + 1)


def _inner(f: Frame, clauses: tuple[_Clause, ...], depth: int) -> Iterator[None]:
    at_span = clauses[depth][3]  # noqa: F841  (read by failures.place_of)
    return turns(f, start(f[1], clauses[depth][1](f)), clauses, depth)


def _simple(
    node: lt.Comprehension, first: Evaluate, clause: _Clause, element: Evaluate, frame: Callable[[Frame], Frame]
) -> Evaluate:
    put, _, tests, _ = clause
    as_set = node.kind == "set"
    target = node.clauses[0].target
    slot = target.slot if isinstance(target, lt.SetLocal) and target.depth == 0 else None
    only = tests[0] if len(tests) == 1 else None

    def build(f: Frame, at_span: Any = node.clauses[0].iterable.span) -> Any:
        run, inner = f[1], frame(f)
        values = start(run, first(f))
        made: list[Any] = []
        for value in values:
            run.steps -= 1
            if run.steps < 0:
                refuel(run)
            if slot is not None:
                inner[slot] = value
            else:
                put(inner, value)
            if only is not None:
                if only(inner):
                    made.append(element(inner))
                continue
            for test in tests:
                if not test(inner):
                    break
            else:
                made.append(element(inner))
        return set(paced(run, made)) if as_set else made

    return build


def _generator(
    node: lt.Comprehension,
    first: Evaluate,
    clauses: tuple[_Clause, ...],
    element: Evaluate,
    frame: Callable[[Frame], Frame],
) -> Evaluate:
    def items(f: Frame, iterator: Iterator[Any], at_span: Any = node.element.span) -> Iterator[Any]:
        for _ in turns(f, iterator, clauses, 0):
            yield element(f)

    def build(f: Frame, at_span: Any = node.clauses[0].iterable.span) -> Any:
        return items(frame(f), iter(start(f[1], first(f))))

    return build
