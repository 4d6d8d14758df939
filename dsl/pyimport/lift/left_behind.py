"""Names that a loop sets and no iteration takes over: what they hold after the last iteration that set them."""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.merge import merge_values, subst_value
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Carried, Choice, Closure, Ref, TupleValue, Unbound, Value
from attndsl.dsl.pyimport.lift.view import View


def placeholder(name: str, serial: int) -> Carried:
    return Carried(f"{name}@{serial}")


def never_set(name: str) -> Unbound:
    """The start of an iteration, of a name that had no value before the loop; an earlier iteration may have set it."""
    return Unbound(f"{name!r} is read before it is set")


def after_loop(view: View, name: str, end: Value, old: Value | None, serial: int) -> Value:
    """A name after the loop: the value from the last iteration that set it, else the one from before."""
    unchanged = never_set(name) if old is None else placeholder(name, serial)
    before: Value = old if old is not None else Unbound(f"{name!r} is set by a loop that may not run", True)
    if end == unchanged:
        return before
    if isinstance(end, Unbound):
        return Unbound(end.reason)
    try:
        assigned = where_assigned(end, unchanged)
    except Unknown:
        return Unbound(f"{name!r} after a loop that sets it in an unusual way")
    value = stripped(end, unchanged)
    if isinstance(value, Ref) or value is None or _holds_refs(value):
        return Unbound(f"{name!r} holds a list from the last iteration")
    last, exists = view.last(assigned, False)
    found = subst_value(value, {view.binder.var: last})
    if not view.ordered and found != value:
        return Unbound(f"{name!r} from the last element of a set")
    if view.m.holds(exists):
        return found
    return merge_values(exists, found, before)


class Unknown(Exception):
    pass


def _holds_refs(v: Value) -> bool:
    match v:
        case Ref() | Carried() | Unbound():
            return True
        case Choice(then=a, other=b):
            return _holds_refs(a) or _holds_refs(b)
        case TupleValue(items=items) | Closure(defaults=items):
            return any(_holds_refs(i) for i in items)
    return False


def where_assigned(v: Value, unchanged: Value) -> Term:
    """Where the value is not what it was."""
    if v == unchanged:
        return T.FALSE
    if isinstance(v, Choice):
        return T.ite(v.condition, where_assigned(v.then, unchanged), where_assigned(v.other, unchanged))
    if isinstance(v, Carried | Unbound):
        raise Unknown
    return T.TRUE


def stripped(v: Value, unchanged: Value) -> Value | None:
    """The value where it was assigned."""
    if v == unchanged:
        return None
    if isinstance(v, Choice):
        a, b = stripped(v.then, unchanged), stripped(v.other, unchanged)
        if a is None or b is None:
            return b if a is None else a
        return merge_values(v.condition, a, b)
    return v
