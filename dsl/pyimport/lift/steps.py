"""Slices with a step: ``A[i, :i:2] = x``, ``A[i, i::-1]``, ``positions[::2]``."""

from __future__ import annotations

import ast

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import ordering, slices
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.merge import instantiate
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Binder, Part, Scalar, Seq, TupleValue, items_of


def places(m: Machine, index: ast.Slice, length: Term) -> tuple[Part, ...]:
    """The places in [0, length) that the slice of a row names, ascending: for what is the same whatever the order."""
    step, back, start, stop = _read(m, index)
    if not back:
        low = T.ZERO if start is None else slices.clamp(m, start, length)
        high = length if stop is None else slices.clamp(m, stop, length)
        first = low
    else:
        low, high = T.ZERO, length if start is None else _after(m, start, length)
        first = T.sub(high, T.ONE)
    k = T.fresh("int")
    away = T.sub(first, k) if back else T.sub(k, first)
    return (Part((Binder(k, low, high),), _each(away, step), Scalar(k)),)


def has_one(index: ast.expr) -> bool:
    """The last place of the index is a slice (with a step): its places take one number, not numbers in their order."""
    last = index.elts[-1] if isinstance(index, ast.Tuple) else index
    return isinstance(last, ast.Slice)


def of_list(m: Machine, seq: Seq, index: ast.Slice) -> Seq:
    """``positions[::2]`` and ``positions[i::-1]`` of a list."""
    step, back, start, stop = _read(m, index)
    items = items_of(seq)
    if items is not None and all(x is None or T.is_const(x) for x in (start, stop)):
        first, end = (None if x is None else x.data for x in (start, stop))
        cut = slice(first, end, -step if back else step)
        return Seq(tuple(Part((), T.TRUE, x) for x in items[cut]))
    if not back:
        found = slices.slice_of(m, seq, start, stop)
    else:
        end = None if start is None else T.add(start, T.ONE)
        found = ordering.reverse(slices.slice_of(m, seq, None, end) if end is not None else seq)
    parts = []
    for p in C.rank(m, Seq(tuple(map(instantiate, found.parts)))):
        assert isinstance(p.element, TupleValue)
        rank, element = p.element.items
        assert isinstance(rank, Scalar)
        parts.append(Part(p.binders, T.conj((p.condition, _each(rank.term, step))), element))
    return Seq(tuple(parts))


def _read(m: Machine, index: ast.Slice) -> tuple[int, bool, Term | None, Term | None]:
    """How far a step goes, which is a constant, whether backwards, and the bounds; backwards from a place that is not
    counted from the end."""
    from attndsl.dsl.pyimport.lift.subscripts import bound

    assert index.step is not None
    given = evaluate(m, index.step)
    start, stop = bound(m, index.lower), bound(m, index.upper)
    if not isinstance(given, Scalar) or given.term.kind != "int" or not T.is_const(given.term) or not given.term.data:
        raise m.stop("a slice with this step", index.step, "E0303")
    step = abs(given.term.data)
    back = given.term.data != step
    if back and (stop is not None or (start is not None and not m.holds(T.compare(">=", start, T.ZERO)))):
        raise m.stop("a slice backwards with these bounds", index.step, "E0303")
    return step, back, start, stop


def _after(m: Machine, start: Term, length: Term) -> Term:
    """The place behind the first one of a slice backwards."""
    behind = T.add(start, T.ONE)
    return behind if m.holds(T.compare("<=", behind, length)) else T.func("min", (behind, length), "int")


def _each(rank: Term, step: int) -> Term:
    return T.TRUE if step == 1 else T.compare("==", T.arith("%", rank, T.const(step)), T.ZERO)
