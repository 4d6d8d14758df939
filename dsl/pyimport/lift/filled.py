"""Rows in which some weight is surely far from zero, so that their sum is not zero, however it is rounded.

It is the weight that the first iteration of a loop writes: ``w = 1.0`` before ``A[i, j] = max(w, 0); w -= 0.1``.
"""

from __future__ import annotations

from collections.abc import Callable

from attndsl.dsl.pyimport.lift import closeness as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.closeness import Number
from attndsl.dsl.pyimport.lift.machine import Event, Machine
from attndsl.dsl.pyimport.lift.terms import Term

_Of = Callable[[Term], Number]


def row(m: Machine, of: _Of, events: list[Event], matrix: str, at: Term, path: tuple[Term, ...]) -> bool:
    """Whether these events, which come before what the path leads to, leave such a weight in that row of the matrix."""
    wrote = [e for e in events if e.matrix == matrix and e.op not in ("check", "nothing")]
    for e in wrote:
        column = _written(m, of, e, at, path)
        if column is not None and all(x is e or _leaves(of, x) or _misses(m, x, at, column, path) for x in wrote):
            return True
    return False


def _leaves(of: _Of, e: Event) -> bool:
    """It makes no weight small."""
    value = of(e.value)
    return value.not_negative and (e.op in ("add", "raise") or (e.op == "set" and C.is_away_from_zero(value)))


def _misses(m: Machine, e: Event, at: Term, column: Term, path: tuple[Term, ...]) -> bool:
    """It does not change that cell."""
    own = {x.binder.var for x in e.loops}
    if not {e.row, e.column} <= own or e.row is e.column or any(b.data in at.free | column.free for b in own):
        return False
    there = {e.row: at, e.column: column}
    return m.prover.impossible([*path, *(T.subst(c, there) for c in e.path)])


def _written(m: Machine, of: _Of, e: Event, at: Term, path: tuple[Term, ...]) -> Term | None:
    """The column to which the first iteration of the innermost loop around it writes what is far from zero."""
    if e.op not in ("set", "add") or not e.loops or not once(e):
        return None
    b, outer = e.loops[-1].binder, [x.binder.var for x in e.loops[:-1]]
    there: dict[Term, Term] = {}
    if e.row is not at:
        if outer != [e.row]:
            return None
        there, outer = {e.row: at}, []
    if b.over_words or b.mixed or b.keys or b.var.data in e.row.free or any(v.data not in at.free for v in outer):
        return None
    first = T.sub(b.high, T.ONE) if b.descending else b.low
    there = {**there, b.var: T.subst(first, there)}
    entered = T.subst(T.compare("<", b.low, b.high), there)
    if not all(_holds(m, path, T.subst(c, there)) for c in (entered, *e.path)):
        return None
    value = of(T.subst(e.value, there))
    return T.subst(e.column, there) if value.not_negative and C.is_away_from_zero(value) else None


def _holds(m: Machine, path: tuple[Term, ...], c: Term) -> bool:
    if c.op == "absent" and c.args[0].op == "agg" and c.args[0].args[2].kind == "int" and is_empty(c.args[0]):
        return True
    return m.prover.implies(path, c)


def is_empty(t: Term) -> bool:
    """An aggregate from a position to one that is not after it."""
    gap = T.sub(t.args[3], t.args[2])
    return T.is_const(gap) and gap.data <= 0


def once(e: Event) -> bool:
    """Different iterations of the loops around it change different cells."""
    waiting = {b.binder.var for b in e.loops}
    while waiting:
        for place in (e.row, e.column):
            atoms, _ = T.linear(place)
            own = [v for v in waiting if v.data in place.free]
            if len(own) == 1 and own[0] in atoms and not any(a is not own[0] and own[0].data in a.free for a in atoms):
                waiting.remove(own[0])
                break
        else:
            return False
    return True
