"""Loops in which later iterations overwrite what earlier ones wrote: ``for w in words: A[i, j] = x if P(w) else y``.

Rules run one after the other for all iterations, so that of two of them the second would win everywhere. Python lets
the later iteration win. So a write is left out at cells that a later iteration sets, and what is added stands after
what is set: a cell holds the last value set, and what was added to it since.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from attndsl.dsl.pyimport.lift import schedule
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Event, Loop, Machine
from attndsl.dsl.pyimport.lift.merge import subst_binder
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Binder

_GATHERED = ({"set"}, {"set", "add"}, {"set", "scale"})
MAX_WRITES = 12
"""Writes of one loop: each is compared with each, and more of them say more than a reader can follow."""


def settled(m: Machine, matrix: str, loop: Loop) -> bool:
    """Whether the writes of the loop were told apart, so that their order no longer matters."""
    x = loop.binder.var
    places = [at for at, e in enumerate(m.events) if _inside(e.loops, x)]
    writes = [at for at in places if m.events[at].matrix == matrix and m.events[at].op in schedule.WRITES]
    events = [m.events[at] for at in writes]
    if len(places) != places[-1] + 1 - places[0] or not 1 < len(events) <= MAX_WRITES:
        return False
    if {e.op for e in events} not in _GATHERED or not all(_has_order(e.loops, x) for e in events):
        return False
    if _reads(m, matrix, x, places[0], events):
        return False
    guards = [_guards(m, events, at, x) for at in range(len(events))]
    for e, found in zip(events, guards, strict=True):
        e.path = (*e.path, *found)
        m.settled |= {(matrix, inner.binder.var) for inner in _from(e.loops, x)}
    in_order = [e for e in events if e.op == "set"] + [e for e in events if e.op != "set"]
    for at, e in zip(writes, in_order, strict=True):
        m.events[at] = e
    return True


def _inside(loops: Iterable[Loop], x: Term) -> bool:
    return any(loop.binder.var is x for loop in loops)


def _from(loops: Sequence[Loop], x: Term) -> Sequence[Loop]:
    """The loop over x and those inside it."""
    at = [loop.binder.var for loop in loops].index(x)
    return loops[at:]


def _has_order(loops: Sequence[Loop], x: Term) -> bool:
    return all(i.ordered and not i.binder.climbs and not i.binder.mixed for i in _from(loops, x))


def _reads(m: Machine, matrix: str, x: Term, start: int, events: list[Event]) -> bool:
    """The loop reads what it wrote, or something that the new order of its writes would change."""
    if any(r.matrix == matrix and r.time > start and _inside(r.loops, x) for r in m.readings):
        return True
    kinds = [e.op == "set" for e in events]
    moved = kinds != sorted(kinds, reverse=True)
    return any(
        r.data[-1] > start and (moved or r.data[0] == matrix)
        for e in events
        for r in schedule.reads_in((e.row, e.column, e.value, *e.path))
    )


def _guards(m: Machine, events: list[Event], at: int, x: Term) -> list[Term]:
    """Where nothing that comes later sets the cell that the event writes."""
    own, found = events[at], []
    for other, e in enumerate(events):
        if e.op != "set" or (other >= at and own.op == "set"):
            continue  # a later rule overwrites an earlier one, and one rule takes the last of its own values
        if own.op == "set" and e.value is own.value and T.is_const(e.value):
            continue
        shared = _shared(_from(own.loops, x), _from(e.loops, x))
        for depth in range(shared + (other > at)):
            later = _overwritten(m, own, e, len(own.loops) - len(_from(own.loops, x)), depth, depth == shared)
            if later is not T.FALSE:
                found.append(T.not_(later))
    return found


def _shared(a: Sequence[Loop], b: Sequence[Loop]) -> int:
    """How many loops from the outside in are the same ones."""
    count = 0
    for one, two in zip(a, b, strict=False):
        if one.binder.var is not two.binder.var:
            break
        count += 1
    return count


def _overwritten(m: Machine, own: Event, e: Event, outer: int, depth: int, same: bool) -> Term:
    """The other event happens at the same cell in an iteration that comes later at this depth (or is the same)."""
    loops = e.loops[outer + depth :]
    renamed = {i.binder.var: T.fresh(i.binder.var.kind) for i in loops}
    binders = [_renamed(i.binder, renamed) for i in loops]
    facts = [T.subst(c, renamed) for c in e.path]
    row, column = T.subst(e.row, renamed), T.subst(e.column, renamed)
    if not same:
        facts = [_after(binders[0], loops[0].binder.var), *facts]
    for written, cell in ((row, own.row), (column, own.column)):
        at = next((i for i, b in enumerate(binders) if b.var is written), None)
        if at is None:
            facts.append(T.compare("==", written, cell))
            continue
        solved = {written: cell}
        facts = [T.subst(c, solved) for c in (*binders[at].conditions(), *facts)]
        column = T.subst(column, solved)
        binders = [subst_binder(b, solved) for i, b in enumerate(binders) if i != at]
    facts = [c for c in dict.fromkeys(facts) if c is not T.TRUE and c not in own.path]
    if m.prover.impossible([*own.path, *facts]):
        return T.FALSE
    found = T.conj(facts)
    for b in reversed(binders):
        found = T.agg("any", b.var, b.domain, b.low, b.high, found)
    return found


def _renamed(b: Binder, renamed: dict[Term, Term]) -> Binder:
    return replace(subst_binder(b, renamed), var=renamed[b.var])


def _after(b: Binder, var: Term) -> Term:
    """The binder's iteration comes after that of the variable."""
    op = "<" if b.descending else ">"
    if b.over_words:
        return T.mk("cmp", op, (T.windex(b.var), T.windex(var)), "bool")
    return T.mk("cmp", op, (b.var, var), "bool")


__all__ = ["settled"]
