"""Slices of symbolic lists and ranges."""

from __future__ import annotations

import ast
from dataclasses import replace

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.merge import guard, instantiate, merge_values
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.uniting import united
from attndsl.dsl.pyimport.lift.values import Binder, Part, Scalar, Seq, TupleValue, Value, items_of, known


def is_backwards(m: Machine, index: ast.Slice) -> bool:
    """``[::-1]``."""
    return (
        index.lower is None and index.upper is None and index.step is not None and evaluate(m, index.step) == known(-1)
    )


def slice_of(m: Machine, seq: Seq, start: Term | None, stop: Term | None) -> Seq:
    """``seq[start:stop]`` of one part, or of a list that is written out."""
    if seq.is_set or seq.sort == "view":
        raise m.stop(f"a slice of a {seq.sort or 'set'}", code="E0302")
    found = _slice_of(m, seq, start, stop)
    return replace(found, sort=seq.sort) if seq.sort else found


def _slice_of(m: Machine, seq: Seq, start: Term | None, stop: Term | None) -> Seq:
    items = items_of(seq)
    constant = all(x is None or T.is_const(x) for x in (start, stop))
    if items is not None and constant:
        cut = items[(start.data if start else None) : (stop.data if stop else None)]
        return Seq(tuple(Part((), T.TRUE, i) for i in cut))
    if items:
        return _of_written(m, items, start, stop)
    seq = united(m, seq)
    if len(seq.parts) != 1 or len(seq.parts[0].binders) != 1:
        return _by_ranks(m, seq, start, stop)
    part = instantiate(seq.parts[0])
    (b,) = part.binders
    if part.condition is T.TRUE and not b.over_words and not b.descending and not b.mixed:
        return _cut_range(m, part, b, start, stop)
    rank_here = C._earlier(part)
    count = C.part_count(seq.parts[0])
    conditions = []
    if start is not None:
        conditions.append(_from_rank(m, rank_here, start, count))
    if stop is not None:
        conditions.append(T.not_(_from_rank(m, rank_here, stop, count)))
    p = part
    for c in conditions:
        p = guard(p, c)
    return Seq((Part(p.binders, T.conj((part.condition, *conditions)), part.element),))


def _by_ranks(m: Machine, seq: Seq, start: Term | None, stop: Term | None) -> Seq:
    """A slice of a list that was built in several places: of each place the elements whose rank is inside."""
    if len(seq.parts) > _MAX_PLACES or any(len(p.binders) > 1 for p in seq.parts):
        raise m.stop("a slice of a list that was built in several places", code="E0313")
    count: Term = T.ZERO
    for p in seq.parts:
        count = T.add(count, C.part_count(p))
    found = []
    for p in C.rank(m, seq):
        assert isinstance(p.element, TupleValue)
        rank, element = p.element.items
        assert isinstance(rank, Scalar)
        inside = []
        if start is not None:
            inside.append(_from_rank(m, rank.term, start, count))
        if stop is not None:
            inside.append(T.not_(_from_rank(m, rank.term, stop, count)))
        found.append(Part(p.binders, T.conj((p.condition, *inside)), element))
    return Seq(tuple(found))


_MAX_PLACES = 4


def _of_written(m: Machine, items: list[Value], start: Term | None, stop: Term | None) -> Seq:
    """A slice of a list that is written out, whose bounds are not known: no longer than the text."""
    length = T.const(len(items))
    low = T.ZERO if start is None else clamp(m, start, length)
    high = length if stop is None else clamp(m, stop, length)
    if not m.holds(T.compare("<=", T.sub(high, low), T.N)):
        raise m.stop("a slice that may be longer than the text", code="E0316")
    k = T.fresh("int")
    found = items[-1]
    for place in range(len(items) - 2, -1, -1):
        found = merge_values(T.compare("==", T.add(low, k), T.const(place)), items[place], found)
    return Seq((Part((Binder(k, T.ZERO, T.sub(high, low)),), T.TRUE, found),))


def _from_rank(m: Machine, rank_here: Term, bound: Term, count: Term) -> Term:
    """The element's rank is at least the (Python) index ``bound``."""
    if m.holds(T.compare(">=", bound, T.ZERO)):
        return T.compare(">=", rank_here, bound)
    if m.holds(T.compare("<", bound, T.ZERO)):
        return T.compare(">=", rank_here, T.add(count, bound))
    raise m.stop("a slice whose bound may be negative", code="E0313")


def _cut_range(m: Machine, part: Part, b: Binder, start: Term | None, stop: Term | None) -> Seq:
    length = T.sub(b.high, b.low)
    if not m.holds(T.compare(">=", length, T.ZERO)):
        raise m.stop("a slice of a range that may be empty", code="E0313")
    low = T.ZERO if start is None else clamp(m, start, length)
    high = length if stop is None else clamp(m, stop, length)
    moved = Binder(b.var, T.add(b.low, low), T.add(b.low, high), b.domain)
    return Seq((Part((moved,), T.TRUE, part.element),))


def clamp(m: Machine, bound: Term, length: Term) -> Term:
    """A slice bound as Python reads it, between 0 and the length."""
    negative = T.compare("<", bound, T.ZERO)
    if m.fails(negative):
        if m.holds(T.compare("<=", bound, length)):
            return bound
        return T.func("min", (bound, length), "int")
    from_end = T.add(length, bound)
    if not m.holds(T.compare(">=", from_end, T.ZERO)):
        from_end = T.func("max", (from_end, T.ZERO), "int")
    if m.holds(negative):
        return from_end
    inside = (
        bound
        if m.prover.implies((*m.state.path, T.not_(negative)), T.compare("<=", bound, length))
        else T.func("min", (bound, length), "int")
    )
    return T.ite(negative, from_end, inside)
