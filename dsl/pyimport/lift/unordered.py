"""Loops over sets that are written out, ``for t in {"a", "the"}``, or come from several places.

Python takes the elements in the order of their hashes, which for texts is another one in every process. So what such a
loop does may not depend on the order: the loop is gone through in the order of the text, and what differs between that
order and others ends the lift.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from itertools import permutations

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.liveness import after_loops
from attndsl.dsl.pyimport.lift.machine import Event, Machine, State
from attndsl.dsl.pyimport.lift.schedule import WRITES
from attndsl.dsl.pyimport.lift.uses import is_name
from attndsl.dsl.pyimport.lift.values import Part, Ref, Scalar, Seq, Value

_ALL = 3
"""Elements of which every order is tried; of more the written one and its reverse, from the first and the second on."""

Walk = Callable[[tuple[Part, ...]], bool]
"""Goes through these elements; whether control gets past the loop."""

_Free = tuple[frozenset[str], frozenset[str]]
"""Names that something reads, and those of them that hold the same in any order."""


def has_parts(seq: Seq) -> bool:
    return seq.is_set and len(seq.parts) > 1


def run(m: Machine, node: ast.For, seq: Seq, walk: Walk) -> bool:
    """The loop, with the same outcome in whatever order the elements come."""
    before, returns = m.state, m.frames[-1].returns
    done, read, begun = len(m.events), len(m.readings), len(returns)
    m.state = before.fork()
    alive = walk(seq.parts)
    writes = [e for e in m.events[done:] if e.op in WRITES]
    if (writes and m.readings[read:]) or not all(_commute(a, b) for k, a in enumerate(writes) for b in writes[:k]):
        raise m.stop("the order of a set decides", node, "E0312")
    free = _free(m, node, before)
    if returns[begun:] or _left(m, before, m.state, free) != _left(m, before, before, free):
        _try_others(m, node, seq, walk, before, begun, free)
    return alive


def _commute(a: Event, b: Event) -> bool:
    same = a.op == b.op and (a.op != "set" or a.value is b.value)
    return same or T.TRUE in (T.compare("!=", a.row, b.row), T.compare("!=", a.column, b.column))


def _free(m: Machine, node: ast.For, before: State) -> _Free:
    """The names of the frame that something reads after an iteration, and those that hold the same in any order.

    There are none of those where an iteration may ask what others left: ``c += 1`` and ``if c == 2``.
    """
    own = m.frames[-1]
    live = after_loops(own.function)[node] if own.function is not None else frozenset()
    known = before.frames[own.key]
    free = frozenset(name for name in live if _any_order(node, name, known.get(name)))
    read = {x.id for x in pytree.walk(node) if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Load)}
    carried = live & read, free
    asked = _left(m, before, m.state, carried) != _left(m, before, before, carried)
    return live, frozenset() if asked else free


def _left(m: Machine, before: State, state: State, names: _Free) -> tuple[object, ...]:
    """What the loop leaves behind and the order may decide: names that something may read, and lists and dicts."""
    key, (live, free) = m.frames[-1].key, names
    said = {
        (at, name): value
        for at, frame in state.frames.items()
        for name, value in frame.items()
        if at != key or name in live - free
    }
    held = {v.key for name in free if isinstance(v := before.frames[key].get(name), Ref)}
    return said, {at: state.heap[at] for at in before.heap if at not in held}


def _any_order(node: ast.For, name: str, held: Value | None) -> bool:
    """In the loop the name is only a number that is added to, or set to one constant, or a set that gets elements."""
    uses = sum(is_name(x, name) for x in pytree.walk(node))
    added, constants, joined = 0, [], 0
    for x in pytree.walk(node):
        match x:
            case ast.AugAssign(target=ast.Name(id=found), op=ast.Add() | ast.Sub()) if found == name:
                added += 1
            case ast.Assign(targets=[ast.Name(id=found)], value=ast.Constant(value=value)) if found == name:
                constants.append(repr(value))
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=found), attr="add"))) if found == name:
                joined += 1
    number = isinstance(held, Scalar) and held.term.kind != "str"
    return uses == joined or (number and uses == added) or (uses == len(constants) and len(set(constants)) == 1)


def _try_others(m: Machine, node: ast.For, seq: Seq, walk: Walk, before: State, begun: int, free: _Free) -> None:
    """Go through the elements in other orders, and take back what that did."""
    after, counts = m.state, (len(m.events), len(m.readings), len(m.frames[-1].returns))
    returned = {value for _, value in m.frames[-1].returns[begun:]}
    wanted = _left(m, before, after, free)
    for parts in _orders(seq.parts):
        m.state = before.fork()
        walk(parts)
        returned |= {value for _, value in m.frames[-1].returns[counts[2] :]}
        if _left(m, before, m.state, free) != wanted or len(returned) > 1:
            raise m.stop("the order of a set decides", node, "E0312")
        del m.events[counts[0] :], m.readings[counts[1] :], m.frames[-1].returns[counts[2] :]
    m.state = after


def _orders(parts: tuple[Part, ...]) -> list[tuple[Part, ...]]:
    if len(parts) <= _ALL:
        return list(permutations(parts))[1:]
    rotated = (*parts[1:], parts[0])
    return [parts[::-1], rotated, rotated[::-1]]
