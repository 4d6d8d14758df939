"""What one carried name says of another: ``start`` is no longer None where ``inside`` is true, or ``count`` above 0.

A name that is None before the loop is often asked for by way of a flag or a counter that is set at the same time. That
the flag is as it was before the loop or the name is set holds at the first iteration; the loop proves that it stays so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.carry import Carry
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import NoneValue, Scalar, Value


def candidates(carries: Iterable[Carry], before: Mapping[str, Value]) -> Iterator[tuple[Term, tuple[Carry, Carry]]]:
    """Conditions that hold at the first iteration, and the two names that they speak of."""
    known = list(carries)
    for name in known:
        if name.unset is None or not isinstance(before[name.name], NoneValue):
            continue
        for flag in known:
            old = before[flag.name]
            if flag.unset is not None or not isinstance(old, Scalar) or not T.is_const(old.term):
                continue
            for unchanged in _unchanged(flag.var, old.term):
                yield T.disj((unchanged, T.not_(name.unset))), (name, flag)


def _unchanged(var: Term, old: Term) -> list[Term]:
    """The flag is as before the loop; a counter, or not above that."""
    if var.kind != old.kind:
        return []
    if var.kind == "bool":
        return [T.not_(var) if old is T.FALSE else var]
    if var.kind == "int":
        return [T.compare("==", var, old), T.compare("<=", var, old)]
    return [T.compare("==", var, old)] if var.kind == "str" else []
