"""Ascending lists of positions from several places as one part: ``[0] + [j for j in range(1, i) if P(j)]``."""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.membership import _holds
from attndsl.dsl.pyimport.lift.merge import instantiate
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Binder, Part, Scalar, Seq

MAX_PARTS = 6


def united(m: Machine, seq: Seq) -> Seq:
    """The list as one part, where its elements are positions of the text in ascending order; else as it is."""
    if seq.is_set or not 2 <= len(seq.parts) <= MAX_PARTS or any(len(p.binders) > 1 for p in seq.parts):
        return seq
    parts = [instantiate(p) for p in seq.parts]
    if not all(_is_position(m, p) for p in parts):
        return seq
    if not all(_comes_before(m, a, b) for at, a in enumerate(parts) for b in parts[at + 1 :]):
        return seq
    var = T.fresh("int")
    where = T.disj(_holds(m, Scalar(var), p) for p in parts)
    return Seq((Part((Binder(var, T.ZERO, T.N),), where, Scalar(var)),))


def _facts(p: Part) -> tuple[Term, ...]:
    return (*(c for b in p.binders for c in b.conditions()), *T.parts(p.condition))


def _is_position(m: Machine, p: Part) -> bool:
    """The element is a place in the text; of a loop, the very position that it is at."""
    if not isinstance(p.element, Scalar) or p.element.term.kind != "int":
        return False
    if p.binders:
        (b,) = p.binders
        if b.over_words or b.descending or b.mixed or p.element.term is not b.var:
            return False
    x = p.element.term
    inside = T.conj((T.compare(">=", x, T.ZERO), T.compare("<", x, T.N)))
    return inside is T.TRUE or m.prover.implies((*m.state.path, *_facts(p)), inside)


def _comes_before(m: Machine, a: Part, b: Part) -> bool:
    assert isinstance(a.element, Scalar)
    assert isinstance(b.element, Scalar)
    return m.prover.implies((*m.state.path, *_facts(a), *_facts(b)), T.compare("<", a.element.term, b.element.term))
