"""The iterations of a loop: which happen, which was the last one such that, folds over them."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from attndsl.dsl.pyimport.lift import climbing, ordering
from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.merge import subst_part
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    Part,
    Scalar,
)


@dataclass
class View:
    """The iterations of a loop: which happen, which was the last one such that ..."""

    m: Machine
    binder: Binder
    where: Term
    stops: Term
    ordered: bool
    node: ast.AST
    serial: int = 0
    limited: bool = True  # counters may be taken for ones that stop at a limit

    def __post_init__(self) -> None:
        b = self.binder
        self.first_stop = self._end("first", T.conj((self.where, self.stops)))
        self.stopped = C.exists((b,), T.conj((self.where, self.stops)))

    def _end(self, which: str, where: Term) -> Term:
        """The first or last iteration at which the condition holds."""
        b = self.binder
        if b.keys:  # of the last one nobody asks: see ``ordered``
            found = ordering.element(self.m, Part((b,), where, Scalar(b.var)), T.ZERO, certain=True)
            assert isinstance(found, Scalar)
            return found.term
        if b.climbs:
            return climbing.end(which, b, b.var, where)
        kind = "last" if (which == "last") != b.descending else "first"
        return T.agg(kind, b.var, b.domain, b.low, b.high, where)

    def executed(self, condition: Term) -> Term:
        """The condition, of an iteration that happens."""
        if self.m.prover.implies((condition,), self.stops):
            return T.conj((self._is_first(), condition))
        return T.conj((self._none_before(), condition))

    def _is_first(self) -> Term:
        return T.mk("cmp", "==", (self.binder.var, self.first_stop), "bool")

    def _none_before(self) -> Term:
        return T.not_(C.earlier("any", self.binder, T.conj((self.where, self.stops)), T.NONE))

    def at_stop(self, part: Part) -> Part | None:
        """What only the iteration that ends the loop adds, without the loop; None for other parts."""
        parts = part.condition.args if part.condition.op == "and" else (part.condition,)
        if not self.m.prover.implies(parts, self.stops):
            return None
        said = {c for t in (self.where, self.stops) for c in (t.args if t.op == "and" else (t,))}
        there = {self.binder.var: self.first_stop}
        found = subst_part(Part(part.binders, T.conj(c for c in parts if c not in said), part.element), there)
        return Part(found.binders, T.conj((self.stopped, found.condition)), found.element)

    def executed_path(self, path: tuple[Term, ...], at: int) -> tuple[Term, ...]:
        if self.m.prover.implies(path[at:], self.stops):
            return (*path[:at], self._is_first(), *path[at:])
        return (*path[:at], self._none_before(), *path[at:])

    # ------------------------------------------------------------ folds over iterations

    def last(self, assigned: Term, before: bool) -> tuple[Term, Term]:
        """The last iteration (before this one, or of all) at which ``assigned`` holds, and that there is one."""
        b = self.binder
        where = T.conj((self.where, assigned))
        if not before and self.stops is not T.FALSE:
            if assigned is self.stops:
                return self.first_stop, self.stopped
            if self.m.prover.implies((assigned,), self.stops):
                at_stop = T.subst(assigned, {b.var: self.first_stop})
                return self.first_stop, T.conj((self.stopped, at_stop))
            where = T.conj((self.where, self._none_before(), assigned))
        kind = "first" if b.descending and not b.climbs else "last"
        if before:
            return C.earlier(kind, b, where, T.NONE), C.earlier("any", b, where, T.NONE)
        return self._end("last", where), C.exists((b,), where)

    def first(self, wanted: Term, before: bool) -> tuple[Term, Term]:
        """The first iteration (before this one, or of all) at which ``wanted`` holds, and that there is one.

        Not of a loop that climbs.
        """
        b = self.binder
        wanted = wanted if before else self.executed(wanted)
        where = T.conj((self.where, wanted))
        kind = "last" if b.descending else "first"
        if before:
            return C.earlier(kind, b, where, T.NONE), C.earlier("any", b, where, T.NONE)
        return self._end("first", where), C.exists((b,), where)

    def fold(self, kind: str, condition: Term, value: Term, before: bool) -> Term:
        """An aggregate over the iterations that happen (or that came before this one)."""
        b = self.binder
        condition = condition if before else self.executed(condition)
        where = T.conj((self.where, condition))
        if before:
            return C.earlier(kind, b if self.ordered else replace(b, mixed=True), where, value)
        return T.agg(kind, b.var, b.domain, b.low, b.high, where, value)
