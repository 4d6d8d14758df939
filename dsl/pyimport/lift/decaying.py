"""Names that decay: ``salience = 0.9 * salience + bonus``.

An iteration maps the name s to c * s + b, where c and b depend on the iteration alone. Then s is the sum of what the
iterations before added, each times the factors of those that came after it.
"""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.rounding import near
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.view import View

_Affine = tuple[Term, Term]  # c, b


def decayed(view: View, end: Term, var: Term, old: Term) -> tuple[Term, Term] | None:
    """The name at the start of an iteration and after the loop; None when it changes in another way."""
    b = view.binder
    if var.kind != "float" or not view.ordered or b.over_words or b.mixed or view.stops is not T.FALSE:
        return None
    found = _affine(end, var)
    if found is None or view.where is not T.TRUE:
        return None
    factor, added = found
    if not T.is_const(factor) or not 0 < factor.data < 1:
        return None
    x, here = b.var, T.fresh("int")
    values = []
    for before in (True, False):
        at = here if before else (T.sub(b.low, T.ONE) if b.descending else b.high)
        since = T.sub(x, at) if b.descending else T.sub(at, x)
        weight = T.arith("**", factor, T.sub(since, T.ONE))
        total = near(view.fold("sum", T.TRUE, T.mul(added, weight), before))
        start = T.sub(b.high, T.ONE) if b.descending else b.low
        passed = T.sub(start, at) if b.descending else T.sub(at, start)
        if not before and not view.m.holds(T.compare("<=", b.low, b.high)):
            passed = T.func("max", (passed, T.ZERO), "int")  # a range that goes nowhere
        first = near(T.mul(old, T.arith("**", factor, passed)))
        whole = total if old in (T.ZERO, T.const(0.0)) else T.add(first, total)
        values.append(T.subst(whole, {here: x}))
    return values[0], values[1]


def _affine(t: Term, var: Term) -> _Affine | None:
    """The term as c * var + b."""
    if t is var:
        return T.const(1.0), T.const(0.0)
    if var.data not in t.free:
        return T.const(0.0), t
    if t.op == "ite" and var.data not in t.args[0].free:
        then, other = _affine(t.args[1], var), _affine(t.args[2], var)
        if then is None or other is None or then[0] is not other[0]:
            return None
        return then[0], T.ite(t.args[0], then[1], other[1])
    if t.op != "bin":
        return None
    left, right = (_affine(a, var) for a in t.args)
    if left is None or right is None:
        return None
    if t.data in ("+", "-"):
        both = T.add if t.data == "+" else T.sub
        return both(left[0], right[0]), both(left[1], right[1])
    if t.data != "*":
        return None
    by, (factor, rest) = (t.args[0], right) if var.data not in t.args[0].free else (t.args[1], left)
    return (T.mul(by, factor), T.mul(by, rest)) if var.data not in by.free else None
