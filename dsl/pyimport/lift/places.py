"""Elements by index of a list that a program builds in a few places: ``[0] + ends + [n]``."""

from __future__ import annotations

from functools import partial

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.merge import merge_values
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Part, Seq, Value

_MAX_PLACES = 4


def by_place(m: Machine, seq: Seq, index: Term) -> Value | None:
    """The element: of the first place that has so many. None of a list from many places, or from loops in loops."""
    if len(seq.parts) > _MAX_PLACES or any(len(p.binders) > 1 for p in seq.parts):
        return None
    counts = [C.part_count(p) for p in seq.parts]
    total: Term = T.ZERO
    for c in counts:
        total = T.add(total, c)
    rest = C.wrapped(m, index, total)
    found: list[tuple[Term, Value]] = []
    held = m.state.path
    try:
        for p, count in zip(seq.parts, counts, strict=True):
            here = T.compare("<", rest, count)
            found.append((here, m.under(here, partial(_of_place, m, p, rest))))
            m.state.path = m.state.along(T.not_(here))
            rest = T.sub(rest, count)
    finally:
        m.state.path = held
    value = found[-1][1]
    for here, own in reversed(found[:-1]):
        value = merge_values(here, own, value)
    return value


def _of_place(m: Machine, part: Part, index: Term) -> Value:
    return C._of_part(m, part, index) if part.binders else part.element
