"""What the changes of all iterations make of a name: sums, products, extremes and flags turned round."""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.view import View


def combined(view: View, form: tuple[str, Term, Term], old: Term, before: bool) -> Term:
    """The value before an iteration (``before``) or after the loop; ``form`` is what ``forms._form`` found."""
    kind, condition, value = form
    match kind:
        case "add":
            if T.is_const(value):
                count = view.fold("count", condition, T.NONE, before)
                return T.add(old, T.mul(value, count))
            return T.add(old, view.fold("sum", condition, value, before))
        case "mul":
            return T.mul(old, view.fold("product", condition, value, before))
        case "max" | "min":
            best = view.fold("maximum" if kind == "max" else "minimum", condition, value, before)
            combined = T.func(kind, (old, best), "int" if old.kind == best.kind == "int" else "float")
            return T.ite(view.fold("any", condition, T.NONE, before), combined, old)
        case "toggle":
            count = view.fold("count", condition, T.NONE, before)
            odd = T.compare("==", T.arith("%", count, T.const(2)), T.ONE)
            return T.ite(odd, T.not_(old), old)
    raise AssertionError(kind)
