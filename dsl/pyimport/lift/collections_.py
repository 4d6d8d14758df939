"""Questions to symbolic lists and sets: emptiness, length, membership, elements by index."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

from attndsl.dsl.pyimport.lift import climbing
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Machine, NotLiftable
from attndsl.dsl.pyimport.lift.membership import (
    _holds,
    _word_count,
    contains,
    counted,
    equal,
    exists,
    solve_element,
    word_bounds,
)
from attndsl.dsl.pyimport.lift.merge import instantiate, merge_values, subst_value
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Binder, Part, Scalar, Seq, TupleValue, Value, Word, items_of


def nonempty(seq: Seq) -> Term:
    return T.disj(exists(p.binders, p.condition) for p in seq.parts)


def part_count(part: Part) -> Term:
    """How many elements a part has."""
    if not part.binders:
        return T.ite(part.condition, T.ONE, T.ZERO)
    *outer, inner = part.binders
    count = T.agg("count", inner.var, inner.domain, inner.low, inner.high, part.condition)
    for b in reversed(outer):
        count = T.agg("sum", b.var, b.domain, b.low, b.high, T.TRUE, count)
    return count


def size(m: Machine, seq: Seq) -> Term:
    """Python's ``len``."""
    if seq.is_set:
        seq = each_once(m, seq)
    total: Term = T.ZERO
    for p in seq.parts:
        total = T.add(total, part_count(p))
    return total


def each_once(m: Machine, seq: Seq) -> Seq:
    """The elements of a set, each one time."""
    from attndsl.dsl.pyimport.lift.distinct import distinct

    kinds = {p.element.term.kind if isinstance(p.element, Scalar) else "" for p in seq.parts}
    if kinds == {"str"} and items_of(seq) is None:
        return distinct(m, seq)
    try:
        return as_positions(m, seq)
    except NotLiftable:
        if kinds not in ({"int"}, {"bool"}, {"float"}) or items_of(seq) is not None:
            raise
        return distinct(m, seq)


# ---------------------------------------------------------------- sets


def as_positions(m: Machine, seq: Seq) -> Seq:
    """A set of token positions (or of words) as one part without duplicates, ascending."""
    if len(seq.parts) == 1 and _injective(seq.parts[0]):
        return seq
    items = items_of(seq)
    if items is not None and all(isinstance(i, Scalar) and T.is_const(i.term) for i in items):
        distinct: dict[object, Value] = {}
        for i in items:
            distinct.setdefault(i.term.data, i)  # type: ignore[attr-defined]  # 1, 1.0 and True are one
        return Seq(tuple(Part((), T.TRUE, v) for v in distinct.values()), True)
    over_words = all(isinstance(p.element, Word) or _is_windex(p.element) for p in seq.parts)
    if over_words:
        var = T.fresh("word")
        as_word = all(isinstance(p.element, Word) for p in seq.parts)
        element: Value = Word(var) if as_word else Scalar(T.windex(var))
        where = T.disj(_holds(m, element, instantiate(p)) for p in seq.parts)
        return Seq((Part((Binder(var, T.NONE, T.NONE, T.ALL_WORDS),), where, element),), True)
    for p in seq.parts:
        _require_position(m, p)
    var = T.fresh("int")
    where = T.disj(_holds(m, Scalar(var), instantiate(p)) for p in seq.parts)
    return Seq((Part((Binder(var, T.ZERO, T.N),), where, Scalar(var)),), True)


def in_no_order(seq: Seq) -> Seq:
    """The elements of a set: Python's order of them is that of their hashes, {1, 8} begins with 8."""
    parts = (replace(p, binders=tuple(replace(b, mixed=True) for b in p.binders)) for p in seq.parts)
    return Seq(tuple(parts), seq.is_set)


def _is_windex(v: Value) -> bool:
    return isinstance(v, Scalar) and v.term.op == "windex"


def _require_position(m: Machine, p: Part) -> None:
    if not (isinstance(p.element, Scalar) and p.element.term.kind == "int"):
        raise m.stop("a set of something else than positions is walked through", code="E0312")
    facts = tuple(c for b in p.binders for c in b.conditions())
    path = (*m.state.path, *facts, p.condition)
    inside = T.conj((T.compare(">=", p.element.term, T.ZERO), T.compare("<", p.element.term, T.N)))
    if not m.prover.implies(path, inside):
        raise m.stop("a set may hold numbers that are no positions", code="E0312")


def _injective(p: Part) -> bool:
    if not p.binders:
        return True
    if len(p.binders) != 1:
        return False
    t = p.element.term if isinstance(p.element, Scalar | Word) else None
    b = p.binders[0]
    if t is None:
        return False
    if t is b.var or (t.op == "windex" and t.args[0] is b.var):
        return True
    return t.kind == "int" and t.op == "linear" and t.args == (b.var,)


# ---------------------------------------------------------------- elements by index


def element(m: Machine, seq: Seq, index: Term) -> Value:
    """``seq[index]``; requires the index to be in range (or makes the program fail where it is not)."""
    if seq.is_set:
        raise m.stop("a set is indexed", code="E0302")
    items = items_of(seq)
    if items is not None and (T.is_const(index) or not items):
        if not items or not -len(items) <= index.data < len(items):
            raise m.stop("a list index is out of range", code="E0313")
        return items[int(index.data)]
    if len(seq.parts) == 1 and len(seq.parts[0].binders) == 1:
        return _of_part(m, seq.parts[0], index)
    *written, rest = seq.parts
    if written and len(rest.binders) == 1 and all(not p.binders and p.condition is T.TRUE for p in written):
        return _after_written(m, seq, index)
    if index is T.ZERO or index is T.const(-1):
        return _outermost(m, seq, last=index is not T.ZERO)
    if items is not None:
        return _among(m, items, index)
    from attndsl.dsl.pyimport.lift.uniting import united

    seq = united(m, seq)
    if len(seq.parts) == 1:
        return _of_part(m, seq.parts[0], index)
    if T.is_const(index) and index.data < 0 and not rest.binders:
        return _before_written(m, seq, index)
    from attndsl.dsl.pyimport.lift.places import by_place

    found = by_place(m, seq, index)
    if found is not None:
        return found
    raise m.stop("an element by index of a list that was built in several places", code="E0313")


def _after_written(m: Machine, seq: Seq, index: Term) -> Value:
    """An element of ``[0]`` to which a loop has appended."""
    *written, rest = seq.parts
    count = T.const(len(written))
    at = _wrapped(m, index, T.add(count, part_count(rest)))
    begins = T.compare("<", at, count)
    first = m.under(begins, lambda: _among(m, [p.element for p in written], at))
    return merge_values(begins, first, m.under(T.not_(begins), lambda: _of_part(m, rest, T.sub(at, count))))


def _before_written(m: Machine, seq: Seq, index: Term) -> Value:
    """``found[-2]`` where a loop has appended to the list, and the present iteration does so once more, or not."""
    *before, last = seq.parts
    others = replace(seq, parts=tuple(before))
    there = m.under(last.condition, lambda: element(m, others, T.add(index, T.ONE)))
    if last.condition is T.TRUE:
        return there
    return merge_values(last.condition, there, m.under(T.not_(last.condition), lambda: element(m, others, index)))


def _among(m: Machine, items: list[Value], index: Term) -> Value:
    m.require(
        T.conj((T.compare(">=", index, T.const(-len(items))), T.compare("<", index, T.const(len(items))))),
        kind="IndexError",
    )
    found = items[-1]
    for at, item in reversed(list(enumerate(items[:-1]))):
        here = T.disj((T.compare("==", index, T.const(at)), T.compare("==", index, T.const(at - len(items)))))
        found = merge_values(here, item, found)
    return found


def in_text_order(part: Part) -> Part:
    """The part, whose elements come in the order of the text. Raises NotLiftable when they do not."""
    if any(b.climbs for b in part.binders):
        raise NotLiftable("the order of a word's ancestors", None, "E0313")
    if any(b.mixed for b in part.binders):
        raise NotLiftable("the order of a list from a set, or with several appends in an iteration", None, "E0313")
    return part


def sole_binder(part: Part) -> Binder:
    """The loop that makes the elements, in the order of the text. Raises NotLiftable when there is none or several."""
    binders = in_text_order(part).binders
    if len(binders) != 1:
        raise NotLiftable("the place of an element in a list that loops in a loop made", None, "E0313")
    return binders[0]


def _of_part(m: Machine, part: Part, index: Term) -> Value:
    if part.binders[0].keys:
        found: Value = _ordering().element(m, part, index)
        return found
    if part.binders[0].climbs and not part.binders[0].mixed and index in (T.ZERO, T.const(-1)):
        m.require(exists(part.binders, part.condition), kind="IndexError")
        return end_value(instantiate(part), last=index is not T.ZERO)
    b = sole_binder(part)
    if part.condition is T.TRUE and not b.over_words:
        return _direct(m, part, b, index)
    if part.condition is T.TRUE and b.domain is T.ALL_WORDS:
        at = _wrapped(m, index, _word_count())
        place = T.sub(T.sub(_word_count(), T.ONE), at) if b.descending else at
        return subst_value(part.element, {b.var: T.wordat(place)})
    part = instantiate(part)
    (b,) = part.binders
    own = _own_place(m, part, b, index)
    if own is not None:
        return subst_value(part.element, {b.var: own})
    if index is T.ZERO or index is T.const(-1):
        return _end(m, part, last=(index is not T.ZERO))
    count = part_count(part)
    if m.holds(T.compare(">=", index, T.ZERO)):
        m.require(T.compare("<", index, count), kind="IndexError")
    else:
        m.require(T.conj((T.compare("<", index, count), T.compare(">=", index, T.neg(count)))), kind="IndexError")
    rank = T.sub(T.const(-1), index) if b.descending else index
    node = T.agg("nth", b.var, b.domain, b.low, b.high, part.condition, rank)
    return subst_value(part.element, {b.var: node})


def _own_place(m: Machine, part: Part, b: Binder, index: Term) -> Term | None:
    """The position of which the index is the rank, as in ``for k, j in enumerate(positions): ... positions[k]``."""
    if index.op != "agg" or b.over_words:
        return None
    rank = _earlier(part)
    for v in T.walk(index):
        if v.op == "var" and v.kind == "int" and v.data in index.free and T.subst(rank, {b.var: v}) is index:
            here = T.conj(T.subst(c, {b.var: v}) for c in (*b.conditions(), part.condition))
            return v if m.holds(here) else None
    return None


def _direct(m: Machine, part: Part, b: Binder, index: Term) -> Value:
    length = T.sub(b.high, b.low)
    if not m.holds(T.compare(">=", length, T.ZERO)):
        length = T.func("max", (length, T.ZERO), "int")
    at = _wrapped(m, index, length)
    position = T.sub(T.sub(b.high, T.ONE), at) if b.descending else T.add(b.low, at)
    return subst_value(part.element, {b.var: position})


def _wrapped(m: Machine, index: Term, length: Term) -> Term:
    """A Python index as a place counted from 0; negative ones count from the end."""
    negative = T.compare("<", index, T.ZERO)
    if m.fails(negative) or m.holds(T.compare(">=", index, T.ZERO)):
        m.require(T.compare("<", index, length), kind="IndexError")
        return index
    from_end = T.add(length, index)
    if m.holds(negative):
        m.require(T.compare(">=", from_end, T.ZERO), kind="IndexError")
        return from_end
    m.require(T.conj((T.compare("<", index, length), T.compare(">=", from_end, T.ZERO))), kind="IndexError")
    return T.ite(negative, from_end, index)


wrapped = _wrapped


def _end(m: Machine, part: Part, last: bool) -> Value:
    (b,) = part.binders
    kind = "last" if last != b.descending else "first"
    node = T.agg(kind, b.var, b.domain, b.low, b.high, part.condition)
    m.require(exists(part.binders, part.condition), kind="IndexError")
    return subst_value(part.element, {b.var: node})


def _outermost(m: Machine, seq: Seq, last: bool) -> Value:
    m.require(nonempty(seq), kind="IndexError")
    parts = [instantiate(p) for p in (reversed(seq.parts) if last else seq.parts)]
    found: Value | None = None
    for p in reversed(parts):
        if len(p.binders) > 1:
            raise m.stop("the first element of a list built by nested loops", code="E0313")
        here = end_value(p, last)
        found = here if found is None else merge_values(exists(p.binders, p.condition), here, found)
    assert found is not None, "a list without parts is written out"
    return found


def end_value(p: Part, last: bool) -> Value:
    """The first (last) element of a part of at most one binder, without asking whether there is one."""
    if not p.binders:
        return p.element
    b = p.binders[0]
    if len(p.binders) == 1 and b.climbs and not b.mixed:
        return subst_value(p.element, {b.var: climbing.end("last" if last else "first", b, b.var, p.condition)})
    b = sole_binder(p)
    kind = "last" if last != b.descending else "first"
    return subst_value(p.element, {b.var: T.agg(kind, b.var, b.domain, b.low, b.high, p.condition)})


def rank(m: Machine, seq: Seq) -> tuple[Part, ...]:
    """``enumerate(seq)``: parts whose element is (rank, element)."""
    before: Term = T.ZERO
    out: list[Part] = []
    for original in seq.parts:
        p = instantiate(original)
        if len(p.binders) > 1:
            raise m.stop("the rank in a list built by nested loops", code="E0313")
        here = T.add(before, _earlier(p))
        out.append(Part(p.binders, p.condition, TupleValue((Scalar(here), p.element))))
        before = T.add(before, part_count(original))
    return tuple(out)


def _ordering() -> ModuleType:
    from attndsl.dsl.pyimport.lift import ordering

    return ordering


def _earlier(p: Part) -> Term:
    """How many elements of the part come before the one at its binder's value."""
    if not p.binders:
        return T.ZERO
    if p.binders[0].keys:
        place: Term = _ordering().rank(p)
        return place
    if p.binders[0].climbs and not p.binders[0].mixed:
        return earlier("count", p.binders[0], p.condition, T.NONE)
    b = sole_binder(p)
    if p.condition is T.TRUE and not b.over_words:
        return T.sub(T.sub(b.high, T.ONE), b.var) if b.descending else T.sub(b.var, b.low)
    if b.domain is T.ALL_WORDS and not b.descending:
        if p.condition is T.TRUE:
            return T.windex(b.var)
        if p.condition is T.feature(b.var, "is_sent_start", "bool"):
            return T.feature(b.var, "sentence", "int")
    return earlier("count", b, p.condition, T.NONE)


def earlier(kind: str, b: Binder, condition: Term, value: Term) -> Term:
    """An aggregate over the iterations before the one at ``b.var``.

    Of iterations without an order it is a variable that nothing says in the language.
    """
    y = T.fresh(b.var.kind)
    mapping = {b.var: y}
    where, inner = T.subst(condition, mapping), T.subst(value, mapping)
    if b.mixed:
        before: Term = _ordering().earlier(kind, b, y, where, inner)
        return before
    if b.climbs:
        where = T.conj((climbing.comes_after(b, b.var, y), where))
        if kind in ("first", "last"):
            return climbing.end(kind, b, y, where)
        return T.agg(kind, y, b.domain, T.NONE, T.NONE, where, inner)
    if b.over_words:
        op = ">" if b.descending else "<"
        order = T.mk("cmp", op, (T.windex(y), T.windex(b.var)), "bool")
        where = T.conj((order, where))
        return T.agg(kind, y, b.domain, T.NONE, T.NONE, where, inner)
    low, high = (T.add(b.var, T.ONE), b.high) if b.descending else (b.low, b.var)
    return T.agg(kind, y, T.NONE, low, high, where, inner)


__all__ = ["contains", "counted", "equal", "exists", "solve_element", "word_bounds"]
