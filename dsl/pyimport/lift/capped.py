"""Counters that stop at a limit: ``if P and found < 3: ...; found += 1``.

Such a counter is the number of iterations in which P held, or the limit where there were more.
"""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.view import View


def capped(view: View, end: Term, var: Term, old: Term) -> tuple[Term, Term] | None:
    """The counter at the start of an iteration and after the loop; None when it changes in another way."""
    if var.kind != "int" or end.kind != "int" or not T.is_const(old) or not view.limited:
        return None
    found = _counts(end, var)
    if found is None:
        return None
    where, limit = found
    if old.data > limit:
        return None
    counts = (T.add(old, view.fold("count", where, T.NONE, before)) for before in (True, False))
    start, after = (T.func("min", (T.const(limit), c), "int") for c in counts)
    return start, after


def _counts(t: Term, var: Term) -> tuple[Term, int] | None:
    """Where the counter goes up by one as long as it is below the limit, and that limit."""
    if t.op != "ite":
        return None
    c, then, other = t.args
    if then is var:
        c, then, other = T.not_(c), other, then
    if other is not var:
        return None
    parts = T.parts(c)
    limits = [x for p in parts if (x := _limit(p, var)) is not None]
    rest = [p for p in parts if _limit(p, var) is None]
    if any(var.data in p.free for p in rest):
        return None
    if then is T.add(var, T.ONE) and len(limits) == 1:
        return T.conj(rest), limits[0]
    inner = _counts(then, var) if not limits else None
    return None if inner is None else (T.conj((*rest, inner[0])), inner[1])


def _limit(p: Term, var: Term) -> int | None:
    """The limit k of ``c < k`` and ``c <= k - 1``."""
    if p.op != "cmp" or p.args[0] is not var or not T.is_const(p.args[1]) or p.args[1].kind != "int":
        return None
    return {"<": int(p.args[1].data), "<=": int(p.args[1].data) + 1}.get(p.data)
