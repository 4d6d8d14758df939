"""Loops over a written range that searches: ``for step in range(1, 11): if i - step < 0: break; ...``.

Such a loop is mostly written out, one iteration after the other. Where that makes the program too large it is walked
through as other loops are: the first n iterations at once, and then one more. No text has so many positions, so that
iteration has to leave the loop, or all that follow have to do nothing.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.liveness import after_loops
from attndsl.dsl.pyimport.lift.machine import Flows, Machine
from attndsl.dsl.pyimport.lift.sequences import bind_target
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Binder, Part, Scalar, Seq, Value, items_of

if TYPE_CHECKING:
    from attndsl.dsl.pyimport.lift.loops import _Walk

_FEW = 4
"""Iterations that are always written out."""


def low_of(m: Machine, walked: Value) -> Term | None:
    """Where a range of many numbers begins that would be written out; None for other loops."""
    items = items_of(walked) if isinstance(walked, Seq) and walked.sort == "range" else None
    if items is None or len(items) <= _FEW:
        return None
    low = items[0]
    if not isinstance(low, Scalar) or items[1] != Scalar(T.add(low.term, T.ONE)):
        return None
    m.long_ranges = True
    return low.term


def walk(found: _Walk, low: Term, width: int) -> bool:
    """The iterations from ``low`` on, as many as the range has."""
    var = T.fresh("int")
    inside = Binder(var, T.ZERO, T.func("min", (T.const(width), T.N), "int"))
    if found.part(Part((inside,), T.TRUE, Scalar(T.add(low, var)))):
        _beyond(found, low, width)
    return found.finish()


def _beyond(found: _Walk, low: Term, width: int) -> None:
    """The iterations for which no text has positions."""
    m = found.m
    some = T.conj((T.compare("<", T.N, T.const(width)), T.not_(found.stopped)))
    if m.fails(some):
        return
    if _leaves(m, found.node, some, T.add(low, T.N)):
        found.part(Part((), some, Scalar(T.add(low, T.N))))
        return
    s = T.fresh("int")
    far = T.conj((some, T.compare(">=", s, T.N), T.compare("<", s, T.const(width))))
    if not _is_idle(m, found.node, far, T.add(low, s)):
        raise m.stop("a range that is longer than the text", found.node, "E0316")


def _tried(m: Machine, node: ast.For, condition: Term, element: Term) -> tuple[bool, Flows, bool]:
    """Run the body once and take back what it did: whether it ends, its ways out, and whether it did something."""
    from attndsl.dsl.pyimport.lift.statements import run

    base, frame = m.state, m.frames[-1]
    before = len(m.events), len(m.readings), len(frame.returns)
    m.state = base.fork(condition)
    flows = Flows()
    m.flows.append(flows)
    heap = dict(m.state.heap)
    bind_target(m, node.target, Scalar(element))
    ended = run(m, node.body)
    m.flows.pop()
    changed = any(m.state.heap.get(key) != held for key, held in heap.items())
    left = len(frame.returns) > before[2]
    acted = changed or left or bool(flows.breaks) or len(m.events) > before[0]
    del m.events[before[0] :]
    del m.readings[before[1] :]
    del frame.returns[before[2] :]
    m.state = base
    return ended, flows, acted


def _leaves(m: Machine, node: ast.For, condition: Term, element: Term) -> bool:
    """The iteration certainly ends the loop."""
    ended, flows, _ = _tried(m, node, condition, element)
    return not ended and not flows.continues


def _is_idle(m: Machine, node: ast.For, condition: Term, element: Term) -> bool:
    """The iteration changes nothing that something reads afterwards."""
    from attndsl.dsl.pyimport.lift.loops import assigned_names

    function = m.frames[-1].function
    live = after_loops(function).get(node) if function is not None else None
    used = any(name in live for name in assigned_names(node)) if live is not None else True
    return not used and not _tried(m, node, condition, element)[2]
