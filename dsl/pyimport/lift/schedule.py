"""May every statement run for all cells at once, before the next one does? And which weights are read too late?

The language runs one rule after the other, each for all queries and keys. Python runs the statements of an iteration
before the next iteration. Both give the same when no iteration touches what another one wrote, except where the
writes commute.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import TypeVar

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Event, Loop, Machine, NotLiftable, Reading
from attndsl.dsl.pyimport.lift.merge import subst_binder
from attndsl.dsl.pyimport.lift.terms import Term

WRITES = ("set", "add", "scale", "raise", "cap")
_COMMUTE = {"add": {"add"}, "scale": {"scale"}, "raise": {"raise"}, "cap": {"cap"}}


def check(m: Machine) -> None:
    """Raises NotLiftable where iterations of a loop depend on each other through a matrix."""
    writes = [e for e in m.events if e.op in WRITES]
    written, read = _by_loop(writes), _by_loop(m.readings)
    passed: Counter[tuple[str, Term]] = Counter()  # writes of a loop that come before the one in hand
    for first in writes:
        commuting = _COMMUTE.get(first.op, ())
        for var in dict.fromkeys(x.binder.var for x in first.loops):
            passed[first.matrix, var] += 1
        for loop in first.loops:
            other = _Elsewhere(first, loop)
            place = first.matrix, loop.binder.var
            for second in written[place][passed[place] :] if place not in m.settled else ():
                if second.op not in commuting:
                    _check_writes(m, other, second)
            for reading in read.get(place, ()):
                _check_reading(m, other, reading)


_Inside = TypeVar("_Inside", Event, Reading)


def _by_loop(things: Iterable[_Inside]) -> dict[tuple[str, Term], list[_Inside]]:
    """What is done to a matrix inside a loop, in order."""
    found: dict[tuple[str, Term], list[_Inside]] = {}
    for thing in things:
        for var in dict.fromkeys(x.binder.var for x in thing.loops):
            found.setdefault((thing.matrix, var), []).append(thing)
    return found


class _Elsewhere:
    """An event in another iteration of a loop around it: its path, row and column there, worked out once."""

    def __init__(self, event: Event, loop: Loop) -> None:
        self.event, self.loop = event, loop

    @cached_property
    def there(self) -> tuple[Term, tuple[Term, ...], Term, Term]:
        """The loop's variable, the path, row and column."""
        e = self.event
        renamed = _rename(e.loops, keep=_outer(e.loops, self.loop))
        path = tuple(T.subst(c, renamed) for c in e.path)
        return T.subst(self.loop.binder.var, renamed), path, T.subst(e.row, renamed), T.subst(e.column, renamed)


def _check_writes(m: Machine, other: _Elsewhere, b: Event) -> None:
    a, loop = other.event, other.loop
    if a.op == b.op == "set" and a.value is b.value and T.is_const(a.value):
        return
    if _row_is(a.row, b.row, loop) or _repeated(a, b, loop):
        return
    if not _apart(m, other, b.row, b.column, b.path):
        raise _between(m, a, loop, "iterations of a loop write the same cell in an order that matters")


def _repeated(a: Event, b: Event, loop: Loop) -> bool:
    """Both set, in every iteration under the same condition, the same cells to the same values: once is as good."""
    x = loop.binder.var.data
    if not (a.op == b.op == "set") or any(x in t.free for e in (a, b) for t in (e.row, e.column, e.value)):
        return False
    own = [[c for c in e.path if x in c.free] for e in (a, b)]
    return own[0] == own[1] and len(a.loops) == len(b.loops) and a.loops[-1].binder.var.data == x


def _check_reading(m: Machine, other: _Elsewhere, r: Reading) -> None:
    a, loop = other.event, other.loop
    if _row_is(a.row, r.row, loop):
        return
    if r.column is None:
        if not _apart(m, other, r.row, None, r.path):
            raise _between(m, a, loop, "an iteration reads a row that another iteration changes")
        return
    if not _apart(m, other, r.row, r.column, r.path):
        raise _between(m, a, loop, "an iteration reads a cell that another iteration changes")


def _row_is(a: Term, b: Term, loop: Loop) -> bool:
    """Both rows are the loop's own variable: different iterations, different rows."""
    return a is b and a is loop.binder.var


def _stop(m: Machine, event: Event, reason: str) -> NotLiftable:
    found = NotLiftable(reason, None, "E0320")
    found.span = event.span
    return found


def _between(m: Machine, event: Event, loop: Loop, reason: str) -> NotLiftable:
    found = _stop(m, event, reason)
    found.between = event.matrix, loop
    return found


def _apart(m: Machine, other: _Elsewhere, row: Term, column: Term | None, path: tuple[Term, ...]) -> bool:
    """In different iterations of the loop the event's cell is never this one."""
    x = other.loop.binder.var
    x2, there, own_row, own_column = other.there
    facts = [*path, T.compare("==", own_row, row)]
    if column is not None:
        facts.append(T.compare("==", own_column, column))
    return all(m.prover.impossible([*facts, T.mk("cmp", op, (x, x2), "bool")], there) for op in ("<", ">"))


def _outer(loops: tuple[Loop, ...], loop: Loop) -> list[Term]:
    out: list[Term] = []
    for x in loops:
        if x.binder.var is loop.binder.var:
            break
        out.append(x.binder.var)
    return out


def _rename(loops: tuple[Loop, ...], keep: list[Term]) -> dict[Term, Term]:
    return {x.binder.var: T.fresh(x.binder.var.kind) for x in loops if x.binder.var not in keep}


# ---------------------------------------------------------------- reads that come too late


def reads_in(terms: Iterable[Term]) -> list[Term]:
    found: dict[Term, None] = {}
    for t in terms:
        for x in T.walk(t) if t.marks & T.READS else ():
            if x.op in ("read", "stat"):
                found.setdefault(x)
    return list(found)


def snapshots(m: Machine) -> dict[tuple[str, int], str]:
    """(matrix, time) of reads that later events would see changed -> the name of a copy made at that time."""
    needed: dict[tuple[str, int], str] = {}
    for at, event in enumerate(m.events):
        for r in reads_in((event.row, event.column, event.value, *event.path)):
            matrix, time = r.data[0], r.data[-1]
            if time > at:
                raise _stop(m, event, "an iteration uses a weight that an earlier one wrote")
            if (matrix, time) in needed:
                continue
            between = [e for e in m.events[time:at] if e.matrix == matrix and e.op not in ("check", "nothing")]
            if any(_affects(m, e, r, event) for e in between):
                needed[(matrix, time)] = f"Before{len(needed) + 1}"
    return needed


def _affects(m: Machine, e: Event, r: Term, user: Event) -> bool:
    """Whether the event may change what is read (for the same or any other iteration)."""
    if e.op not in WRITES:
        return True
    renamed = _rename(e.loops, keep=[])
    facts = [T.subst(c, renamed) for c in e.path] + list(user.path)
    facts.append(T.compare("==", T.subst(e.row, renamed), r.args[0]))
    if r.op == "read":
        facts.append(T.compare("==", T.subst(e.column, renamed), r.args[1]))
    return not m.prover.impossible(facts)


__all__ = ["check", "reads_in", "snapshots", "subst_binder"]
