"""Writes that reach over to other rows or columns: ``A[j, i] += x`` in the loop over the rows i.

Rules run one after the other for all cells, so a loop must not write a cell in one iteration and change it in another
in an order that matters. But where row x is otherwise written by iteration x alone, each row has an order of its own:
what earlier iterations gave it, what its own iteration does, what later iterations gave it. So such a write becomes
three: one before the loop's own writes where its iteration comes before the row's, one in its place where it is the
row's own, one after them where it comes later. The same holds for the columns of a loop over keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from attndsl.dsl.pyimport.lift import schedule
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Event, Loop, Machine, NotLiftable
from attndsl.dsl.pyimport.lift.merge import subst_binder
from attndsl.dsl.pyimport.lift.overwriting import settled
from attndsl.dsl.pyimport.lift.remaining import counted
from attndsl.dsl.pyimport.lift.terms import Term

_ROUNDS = 12


def check(m: Machine) -> None:
    """``schedule.check``, with writes that reach over or overwrite put in their place, and counts of a row that fills
    up made plain.

    Raises NotLiftable.
    """
    for _ in range(_ROUNDS):
        try:
            return schedule.check(m)
        except NotLiftable as stop:
            if stop.between is None or not any(put(m, *stop.between) for put in (_separate, counted, settled)):
                raise
    schedule.check(m)


@dataclass(slots=True)
class _Stretch:
    """The events ``[start, end)`` of one loop, and whether its variable is the row or the column of its own writes."""

    matrix: str
    loop: Loop
    start: int
    end: int
    by_row: bool

    def place(self, of: Event) -> Term:
        return of.row if self.by_row else of.column

    def own(self, e: Event) -> bool:
        return self.place(e) is self.loop.binder.var

    def holds(self, e: Event) -> bool:
        return any(x.binder.var is self.loop.binder.var for x in e.loops)


def _separate(m: Machine, matrix: str, loop: Loop) -> bool:
    """Whether the writes of the loop that reach over were put in their place."""
    stretch = _stretch(m, matrix, loop)
    if stretch is None:
        return False
    inside = m.events[stretch.start : stretch.end]
    writes = [e for e in inside if e.matrix == matrix and e.op in schedule.WRITES]
    reaching = [e for e in writes if not stretch.own(e)]
    if len(reaching) == len(writes):
        return False
    written = {e.matrix for e in inside if e.op in schedule.WRITES}
    if not reaching or any(r.data[0] in written for e in reaching for r in schedule.reads_in(e.terms())):
        return False
    if not _reads_are_plain(m, stretch):
        return False
    x = loop.binder.var
    before, after = (">", "<") if loop.binder.descending else ("<", ">")
    early, late = _moved(m, stretch, reaching, before), _moved(m, stretch, reaching, after)
    for e in reaching:
        same = T.compare("==", x, stretch.place(e))
        if m.prover.impossible([*e.path, same]):
            e.op = "nothing"
        elif same not in e.path:
            e.path = (*e.path, same)
    _retimed(m, stretch, len(early), len(late))
    m.events[stretch.end : stretch.end] = late
    m.events[stretch.start : stretch.start] = early
    return bool(early or late)


def _stretch(m: Machine, matrix: str, loop: Loop) -> _Stretch | None:
    if loop.binder.over_words or not loop.ordered or loop.binder.mixed:
        return None
    found = _Stretch(matrix, loop, 0, 0, True)
    places = [at for at, e in enumerate(m.events) if found.holds(e)]
    found.start, found.end = places[0], places[-1] + 1
    inside = m.events[found.start : found.end]
    own = [e for e in inside if e.matrix == matrix and e.op in schedule.WRITES]
    found.by_row = any(e.row is loop.binder.var for e in own)
    return found if len(inside) == len(places) else None


def _reads_are_plain(m: Machine, stretch: _Stretch) -> bool:
    """An iteration reads the row (column) of its own alone, and what it read is not used after the loop."""
    if any(
        r.time == stretch.end
        and r.matrix == stretch.matrix
        and any(x.binder.var is stretch.loop.binder.var for x in r.loops)
        for r in m.readings
    ):
        return False
    for at, e in enumerate(m.events):
        for r in schedule.reads_in(e.terms()):
            if any(x.marks & T.READS for x in r.args):
                return False
            if r.data[0] != stretch.matrix or r.data[-1] < stretch.start:
                continue
            if at >= stretch.end and r.data[-1] < stretch.end:
                return False
            if at < stretch.end and _place_of(r, stretch) is not stretch.loop.binder.var:
                return False
    return True


def _place_of(r: Term, stretch: _Stretch) -> Term | None:
    if stretch.by_row:
        return r.args[0]
    return r.args[1] if r.op == "read" else None


def _moved(m: Machine, stretch: _Stretch, reaching: Iterable[Event], op: str) -> list[Event]:
    """The writes whose iteration comes before (after) that of the cell's own row or column, in a loop of their own."""
    renamed: dict[Term, Term] = {}
    out: list[Event] = []
    for e in reaching:
        condition = T.compare(op, stretch.loop.binder.var, stretch.place(e))
        path = e.path if condition in e.path else (*e.path, condition)
        if m.prover.impossible(list(path)):
            continue
        outer = [x.binder.var for x in e.loops].index(stretch.loop.binder.var)
        for x in e.loops[outer:]:
            renamed.setdefault(x.binder.var, T.fresh(x.binder.var.kind))
        loops = (*e.loops[:outer], *(_renamed(x, renamed) for x in e.loops[outer:]))
        row, column, value = (T.subst(t, renamed) for t in (e.row, e.column, e.value))
        out.append(Event(e.op, e.matrix, row, column, value, tuple(T.subst(c, renamed) for c in path), loops, e.span))
    return out


def _renamed(loop: Loop, renamed: dict[Term, Term]) -> Loop:
    moved = subst_binder(loop.binder, renamed)
    return Loop(replace(moved, var=renamed[loop.binder.var]), loop.ordered)


def _retimed(m: Machine, stretch: _Stretch, early: int, late: int) -> None:
    """Reads are told apart by the number of events before them: count the new ones."""

    def moved(time: int, inside: bool) -> int:
        if time < stretch.start or (time == stretch.start and not inside):
            return time
        return time + early + (0 if inside or time < stretch.end else late)

    for r in m.readings:
        inside = any(x.binder.var is stretch.loop.binder.var for x in r.loops)
        r.time = moved(r.time, inside)
    for at, e in enumerate(m.events):
        if at < stretch.start:
            continue
        inside = at < stretch.end
        e.row, e.column, e.value = (_at_times(t, moved, inside) for t in (e.row, e.column, e.value))
        e.path = tuple(_at_times(c, moved, inside) for c in e.path)


def _at_times(t: Term, moved: Callable[[int, bool], int], inside: bool) -> Term:
    """The term with its reads at other times, those of bound variables too: no variable changes."""
    if not t.marks & T.READS:
        return t
    args = tuple(_at_times(a, moved, inside) for a in t.args)
    if t.op in ("read", "stat"):
        return T.mk(t.op, (*t.data[:-1], moved(t.data[-1], inside)), args, t.kind)
    return T.rebuild(t, args)


__all__ = ["check"]
