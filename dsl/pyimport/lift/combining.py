"""What the changes of all iterations make of a name: sums, products, extremes and flags turned round."""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.rounding import is_plain, is_power_of_two, near
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.view import View


def combined(view: View, form: tuple[str, Term, Term], old: Term, before: bool) -> Term:
    """The value before an iteration (``before``) or after the loop; ``form`` is what ``forms._form`` found."""
    kind, condition, value = form
    match kind:
        case "add":
            from_nothing = T.is_const(old) and old.data == 0
            if T.is_const(value) and not (view.m.exactly and from_nothing):
                count = view.fold("count", condition, T.NONE, before)
                return T.add(old, near(T.mul(value, count), old))
            total = view.fold("sum", condition, value, before)
            if view.m.exactly and view.binder.descending and not is_plain(value):
                total = _from_the_end(total)
                return T.add(old, total if from_nothing and _is_plain_range(view) else near(total))
            return T.add(old, _in_order(view, total, from_nothing))
        case "mul":
            total = view.fold("product", condition, value, before)
            from_one = T.is_const(old) and old.data == 1
            if T.is_const(value) and (from_one or is_power_of_two(value.data)):
                return T.mul(old, total)  # in whatever order
            return T.mul(old, _in_order(view, total, from_one))
        case "max" | "min":
            best = view.fold("maximum" if kind == "max" else "minimum", condition, value, before)
            combined = T.func(kind, (old, best), "int" if old.kind == best.kind == "int" else "float")
            return T.ite(view.fold("any", condition, T.NONE, before), combined, old)
        case "toggle":
            count = view.fold("count", condition, T.NONE, before)
            odd = T.compare("==", T.arith("%", count, T.const(2)), T.ONE)
            return T.ite(odd, T.not_(old), old)
    raise AssertionError(kind)


def _in_order(view: View, folded: Term, from_nothing: bool) -> Term:
    """A sum or product as the language folds it: in the order of the text, and from nothing."""
    same = from_nothing and _is_plain_range(view) and not view.binder.descending
    return folded if same else near(folded)


def _is_plain_range(view: View) -> bool:
    b = view.binder
    return view.ordered and not (b.climbs or b.keys or b.mixed)


def _from_the_end(total: Term) -> Term:
    """A sum over positions, the last of them first, as CPython adds them up in a loop that goes down."""
    if total.op != "agg" or total.args[0] is not T.NONE:
        return near(total)
    _, var, low, high, where, value = total.args
    y = T.fresh("int")
    there = {var: T.sub(T.sub(high, T.ONE), y)}
    return T.agg("sum", y, T.NONE, T.ZERO, T.sub(high, low), T.subst(where, there), T.subst(value, there))
