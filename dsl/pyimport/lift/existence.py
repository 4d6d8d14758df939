"""Which terms are certainly not none, as the conditions of a path say."""

from __future__ import annotations

from collections.abc import Sequence

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.terms import Term


def certain(value: Term, flat: Sequence[Term]) -> bool:
    """``value`` is not none because a condition that reads it holds."""
    for p in flat:
        if p.op == "cmp" and p.data != "!=" and value in _strict_parts(p):
            return True
        if p.op in ("member", "substring", "some") and value in _strict_parts(p):
            return True
    return value.op == "agg" and value.data in ("first", "last", "nth") and _counted(value, flat)


def _counted(value: Term, flat: Sequence[Term]) -> bool:
    """There are enough elements for the one that is looked for, as a condition on their number says."""
    domain, var, low, high, where, place = value.args
    count = T.agg("count", var, domain, low, high, where)
    least = 0
    for p in flat:
        if p.op == "cmp" and p.args[0] is count and T.is_const(p.args[1]) and p.args[1].kind == "int":
            bound = int(p.args[1].data)
            said = {">": bound + 1, ">=": bound, "==": bound, "!=": 1 if bound == 0 else 0}.get(p.data, 0)
            least = max(least, said)
    if value.data != "nth" or place is T.sub(count, T.ONE):
        return least > 0
    if T.is_const(place):
        return bool(0 <= place.data < least)
    return _is_no_less(place) and any(_says_less(p, place, count) for p in flat)


def _is_no_less(place: Term) -> bool:
    """The place is 0 or above: a number of elements, or one and a constant."""
    atoms, rest = T.linear(place)
    return rest >= 0 and all(k > 0 and a.op == "agg" and a.data == "count" for a, k in atoms.items())


def _says_less(p: Term, place: Term, count: Term) -> bool:
    """The condition says that ``place < count``, with the same numbers on either side or not."""
    if p.op != "cmp" or p.data not in ("<", "<=", ">", ">="):
        return False
    low, high = p.args if p.data[0] == "<" else p.args[::-1]
    said, most = T.linear(T.sub(low, high))
    wanted, least = T.linear(T.sub(place, count))
    return bool(said == wanted and most - least >= (0 if len(p.data) == 1 else 1))


def _strict_parts(p: Term) -> set[Term]:
    out: set[Term] = set()
    stack = list(p.args)
    while stack:
        at = stack.pop()
        out.add(at)
        if at.op in ("feature", "method", "windex", "wordat", "bin", "linear", "neg", "slice", "func"):
            stack.extend(at.args)
    return out


def optional_parts(t: Term) -> list[Term]:
    """The outermost terms inside that may be none."""
    out: list[Term] = []
    stack = list(t.args)
    while stack:
        at = stack.pop()
        if at.total:
            continue
        if at.op in ("agg", "index", "none", "ite"):
            out.append(at)
        else:
            stack.extend(at.args)
    return out
