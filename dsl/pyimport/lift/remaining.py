"""What a row is left with, counted anew for every key: ``A[i, j] = rest / (n - np.count_nonzero(A[i]))`` where
``A[i, j] == 0``.

The count that an iteration finds is the count before the loop, and one more for every iteration before it that wrote:
each writes to a cell that was 0, and never 0 itself.
"""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import schedule
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Event, Loop, Machine, Reading
from attndsl.dsl.pyimport.lift.terms import Term


def counted(m: Machine, matrix: str, loop: Loop) -> bool:
    """Whether the only write of a loop over keys could be given the count that it finds."""
    e = _only_write(m, matrix, loop)
    if e is None or e.loops[-1].binder.var is not loop.binder.var:
        return False
    x, time = loop.binder.var, m.events.index(e)
    stat = T.row_stat(matrix, "count", e.row, time)
    if e.column is not x or x.data in e.row.free or not _fills_zeros(e, matrix, time):
        return False
    if not _used_there_alone(m, e, stat):
        return False
    y = T.fresh("int")
    low, high = (T.add(x, T.ONE), loop.binder.high) if loop.binder.descending else (loop.binder.low, x)
    wrote = T.conj(T.subst(c, {x: y}) for c in e.path if x.data in c.free and c not in loop.binder.conditions())
    found = T.add(stat, T.agg("count", y, T.NONE, low, high, wrote))
    e.value = T.subst(e.value, {stat: found})
    m.readings = [r for r in m.readings if not _counts(r, matrix, time)]
    return True


def _in(thing: Event | Reading, loop: Loop) -> bool:
    return any(x.binder.var is loop.binder.var for x in thing.loops)


def _counts(r: Reading, matrix: str, time: int) -> bool:
    return r.statistic == "count" and r.matrix == matrix and r.time == time


def _only_write(m: Machine, matrix: str, loop: Loop) -> Event | None:
    if loop.binder.over_words or not loop.ordered or loop.binder.mixed:
        return None
    writes = [e for e in m.events if e.matrix == matrix and e.op not in ("check", "nothing") and _in(e, loop)]
    return writes[0] if len(writes) == 1 else None


def _fills_zeros(e: Event, matrix: str, time: int) -> bool:
    """It writes where the cell was 0, and something else than 0."""
    own = T.compare("==", T.read(matrix, e.row, e.column, time), T.ZERO)
    return e.op in ("set", "add") and own in e.path and _not_zero(e.value, e.path)


def _not_zero(t: Term, path: tuple[Term, ...]) -> bool:
    if T.is_const(t):
        return bool(t.data != 0)
    if T.compare(">", t, T.ZERO) in path or T.compare("!=", t, T.ZERO) in path:
        return True
    if t.op == "bin" and t.data == "-" and T.is_const(t.args[0]):
        return any(_below(c, t.args[1], t.args[0].data) for c in path)
    return (
        t.op in ("bin", "func") and t.data in ("/", "ratio") and t.args[1].kind == "int" and _not_zero(t.args[0], path)
    )


def _below(c: Term, t: Term, limit: float) -> bool:
    """The condition says that t is less than the limit."""
    if c.op != "cmp" or c.data not in ("<", "<=") or c.args[0] is not t or not T.is_const(c.args[1]):
        return False
    return bool(c.args[1].data < limit or (c.data == "<" and c.args[1].data == limit))


def _used_there_alone(m: Machine, e: Event, stat: Term) -> bool:
    """Nothing but the value depends on the count; a count from before the loop could not be told from it."""
    if any(_counts(r, e.matrix, stat.data[-1]) and not _in(r, e.loops[-1]) for r in m.readings):
        return False
    count = [
        x for x in schedule.reads_in((e.value, e.row, e.column, *e.path)) if x.op == "stat" and x.data == stat.data
    ]
    if count != [stat] or any(stat in T.walk(c) for c in e.path):
        return False
    others = (t for o in m.events if o is not e for t in (o.row, o.column, o.value, *o.path))
    return all(x.data != stat.data for x in schedule.reads_in(others))


__all__ = ["counted"]
