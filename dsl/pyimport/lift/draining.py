"""Budgets that are spent until nothing is left: ``take = min(budget, 0.3); budget -= take``.

An iteration maps the budget c to max(c - x, 0), where x is 0 or more and depends on the iteration alone. Then it is
what it was less the sum of all x before, or 0 where those are more.
"""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.rounding import near
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.view import View


def drained(view: View, end: Term, var: Term, old: Term) -> tuple[Term, Term] | None:
    """The budget at the start of an iteration and after the loop; None when it changes in another way."""
    if not _is_no_less(view.m, old):
        return None
    spent = _spent(view, end, var)
    if spent is None:
        return None
    where, amount = spent
    zero = T.ZERO if var.kind == "int" else T.const(0.0)
    values = []
    for before in (True, False):
        left = T.arith("-", old, near(view.fold("sum", where, amount, before), old))
        values.append(T.func("max", (left, zero), "int" if left.kind == "int" else "float"))
    return values[0], values[1]


def _spent(view: View, t: Term, var: Term) -> tuple[Term, Term] | None:
    """Where an iteration spends, and how much at the most."""
    if t is var or (t.op == "bin" and t.data == "-" and t.args[0] is var and t.args[1] in (T.ZERO, T.const(0.0))):
        return T.FALSE, T.ZERO
    if t.op == "bin" and t.data == "-" and t.args[0] is var and t.args[1].op == "ite":
        c, *taken = t.args[1].args
        t = T.mk("ite", None, (c, *(T.arith("-", var, x) for x in taken)), t.kind)
    if t.op == "ite" and var.data not in t.args[0].free:
        c, a, b = t.args
        then, other = _spent(view, a, var), _spent(view, b, var)
        if then is None or other is None:
            return None
        if other[0] is T.FALSE or then[0] is T.FALSE:
            own, side = (then, c) if other[0] is T.FALSE else (other, T.not_(c))
            return T.conj((side, own[0])), own[1]
        return T.ite(c, then[0], other[0]), T.ite(c, then[1], other[1])
    amount = _amount(t, var)
    if amount is None or var.data in amount.free or not _is_no_less(view.m, amount, view.binder.conditions()):
        return None
    return T.TRUE, amount


def _amount(t: Term, var: Term) -> Term | None:
    """The x of ``c - min(c, x)`` and ``max(c - x, 0)``."""
    taken = _less(t, var)
    if taken is not None and taken.op == "func" and taken.data == "min" and len(taken.args) == 2 and var in taken.args:
        return taken.args[1] if taken.args[0] is var else taken.args[0]
    if t.op == "func" and t.data == "max" and len(t.args) == 2:
        left, floor = t.args if T.is_const(t.args[1]) else t.args[::-1]
        return _less(left, var) if T.is_const(floor) and floor.data == 0 else None
    return None


def _less(t: Term, var: Term) -> Term | None:
    """The x of ``c - x``."""
    if t.op == "bin" and t.data == "-" and t.args[0] is var:
        return t.args[1]
    if t.op == "linear":  # where c is not among its parts, it is left in the difference
        return T.sub(var, t)
    return None


def _is_no_less(m: Machine, t: Term, facts: tuple[Term, ...] = ()) -> bool:
    """The number is 0 or more, as its form says."""
    if T.is_const(t):
        return t.kind in ("int", "float") and bool(t.data >= 0)
    if t.kind == "int":
        return m.prover.implies((*m.state.path, *facts), T.compare(">=", t, T.ZERO))
    if t.op == "near":
        return _is_no_less(m, t.args[0], facts)
    if t.op == "ite":
        return all(_is_no_less(m, a, facts) for a in t.args[1:])
    if t.op == "func" and t.data == "max":
        return any(_is_no_less(m, a, facts) for a in t.args)
    if t.op == "func" and t.data in ("min", "exp", "abs", "sqrt"):
        return t.data != "min" or all(_is_no_less(m, a, facts) for a in t.args)
    if t.op == "bin" and t.data in ("*", "/", "+", "**"):
        return all(_is_no_less(m, a, facts) for a in (t.args if t.data != "**" else t.args[:1]))
    return False
