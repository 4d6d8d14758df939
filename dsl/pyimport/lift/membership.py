"""Whether something equals an element of a symbolic list or set."""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.merge import instantiate
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    Choice,
    NoneValue,
    Part,
    Scalar,
    Seq,
    TupleValue,
    Value,
    Word,
    items_of,
)


def exists(binders: tuple[Binder, ...], condition: Term) -> Term:
    """Some values of the binders satisfy the condition."""
    for b in reversed(binders):
        condition = T.agg("any", b.var, b.domain, b.low, b.high, condition)
    return condition


def equal(m: Machine, a: Value, b: Value) -> Term:
    """``a == b`` of scalars, words and None, and of tuples of them; other sorts stop the lift."""
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        return T.compare("==", a.term, b.term)
    if isinstance(a, Word) and isinstance(b, Word):
        return T.compare("==", T.windex(a.term), T.windex(b.term))
    if isinstance(a, TupleValue) and isinstance(b, TupleValue):
        if len(a.items) != len(b.items):
            return T.FALSE
        return T.conj(equal(m, x, y) for x, y in zip(a.items, b.items, strict=True))
    if isinstance(a, NoneValue | Scalar) and isinstance(b, NoneValue | Scalar):
        return T.const(isinstance(a, NoneValue) and isinstance(b, NoneValue))
    for x, y in ((a, b), (b, a)):
        if isinstance(x, Choice):
            return T.ite(x.condition, equal(m, x.then, y), equal(m, x.other, y))
    raise m.stop("values of different sorts are compared", code="E0302")


def contains(m: Machine, item: Value, seq: Seq) -> Term:
    """``item in seq``."""
    items = items_of(seq)
    if (
        items is not None
        and isinstance(item, Scalar)
        and all(isinstance(i, Scalar) and T.is_const(i.term) for i in items)
    ):
        return T.member(item.term, [i.term for i in items if isinstance(i, Scalar)])
    return T.disj(_holds(m, item, instantiate(p)) for p in seq.parts)


def _holds(m: Machine, item: Value, part: Part) -> Term:
    solved = solve_element(item, part)
    if solved is not None:
        return solved
    return exists(part.binders, T.conj((part.condition, equal(m, part.element, item))))


def solve_element(item: Value, part: Part) -> Term | None:
    """Membership without a search, where the element is the bound position or word itself."""
    found = counted(part.element, item) if len(part.binders) == 1 else None
    if found is None or found[0] is not part.binders[0].var:
        return None
    (b,) = part.binders
    mapping = {b.var: found[1]}
    bounds = [*(T.subst(c, mapping) for c in b.conditions()), *word_bounds(b, found[1])]
    return T.conj((*bounds, T.subst(part.condition, mapping)))


def counted(element: Value, item: Value) -> tuple[Term, Term] | None:
    """The variable that the element is (or numbers), and what it is where the element equals the item."""
    if isinstance(element, Word) and isinstance(item, Word):
        return element.term, item.term
    if not (isinstance(element, Scalar) and isinstance(item, Scalar) and item.term.kind == "int"):
        return None
    if element.term.op == "windex":
        return element.term.args[0], T.wordat(item.term)
    return element.term, item.term


def word_bounds(b: Binder, target: Term) -> list[Term]:
    """The number of a word is one: what ``word number i`` needs."""
    if not (b.over_words and target.op == "wordat"):
        return []
    index = target.args[0]
    return [T.compare(">=", index, T.ZERO), T.compare("<", index, _word_count())]


def _word_count() -> Term:
    from attndsl.dsl.pyimport.lift.linear import WORD_COUNT

    return WORD_COUNT
