"""Names carried from iteration to iteration: which form their change has, and what it sums up to."""

from __future__ import annotations

from contextlib import suppress

from attndsl.dsl.frozen import frozen
from attndsl.dsl.pyimport.lift import automata
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.capped import capped
from attndsl.dsl.pyimport.lift.clamped import clamped
from attndsl.dsl.pyimport.lift.combining import combined
from attndsl.dsl.pyimport.lift.decaying import decayed
from attndsl.dsl.pyimport.lift.draining import drained
from attndsl.dsl.pyimport.lift.forms import _form, _normal, alternation, set_and_reset
from attndsl.dsl.pyimport.lift.left_behind import Unknown, stripped, where_assigned
from attndsl.dsl.pyimport.lift.machine import NotLiftable, Retry
from attndsl.dsl.pyimport.lift.merge import merge_values, subst_value
from attndsl.dsl.pyimport.lift.resetting import as_first, restarted
from attndsl.dsl.pyimport.lift.runs import since_reset
from attndsl.dsl.pyimport.lift.starting import put_otherwise, without_tests
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.toggles import turned_on
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    Carried,
    Choice,
    NoneValue,
    Scalar,
    TupleValue,
    Value,
    Word,
)
from attndsl.dsl.pyimport.lift.view import View


def bounds(c: Carry, binder: Binder) -> list[Term]:
    """What may hold of a carried position at the start of every iteration."""
    if c.var.kind != "int":
        return []
    x = binder.var
    plain = [("<=", x), ("<", x)] if not binder.descending else []
    found = [T.mk("cmp", op, (c.var, t), "bool") for op, t in (*plain, (">=", T.ZERO), ("<", T.N), ("<=", T.N))]
    found.append(T.compare(">=", c.var, T.const(-1)))
    return found if c.unset is None else [T.disj((c.unset, f)) for f in found]


def as_terms(c: Carry, value: Value) -> dict[Term, Term]:
    """The carried variables as they are when the name holds this value."""
    if value == c.value:
        return {}
    mapping = {c.var: _term_of(value)}
    if c.unset is not None:
        mapping[c.unset] = _none_where(value)
    return mapping


def carried_inside(v: Value) -> str | None:
    """The name of an outer loop's carried value inside this one."""
    if isinstance(v, Carried):
        return v.name
    if isinstance(v, Choice):
        return carried_inside(v.then) or carried_inside(v.other)
    return None


@frozen
class Carry:
    """A carried name: its value at the start of an iteration, in terms of ``var`` (and ``unset``: still None)."""

    name: str
    attempt: int
    value: Value
    var: Term
    unset: Term | None = None


_SORTS = ("int", "word", "str", "float")


def carry(name: str, old: Value, attempt: int, sort: str | None = None) -> Carry | None:
    """The next guess at what sort of value the name carries; None when there is no further one. ``sort``: what a name
    that is None at first seems to become."""
    if isinstance(old, Scalar):
        kinds = {"int": ("int", "float"), "float": ("float",), "bool": ("bool",), "str": ("str",), "num": ("float",)}
        tried = kinds.get(old.term.kind, ())
        if attempt < len(tried):
            var = T.fresh(tried[attempt], "carry")
            return Carry(name, attempt, Scalar(var, None if tried[attempt] == "float" else False), var)
        return None
    if isinstance(old, Word) and attempt == 0:
        var = T.fresh("word", "carry")
        return Carry(name, attempt, Word(var), var)
    if isinstance(old, NoneValue) and attempt < len(_SORTS):
        kind = sorted(_SORTS, key=lambda kind: kind != sort)[attempt]
        var = T.fresh(kind, "carry")
        unset = T.fresh("bool", "unset")
        inner: Value = Word(var) if kind == "word" else Scalar(var)
        return Carry(name, attempt, Choice(unset, NoneValue(), inner), var, unset)
    return None


# ---------------------------------------------------------------- names that iterations read


def resolve(
    view: View, carries: dict[str, Carry], ended: dict[str, Value], old: dict[str, Value]
) -> tuple[dict[Term, Term], dict[str, Value]]:
    """The carried variables as terms, and the names' values after the loop."""
    mapping: dict[Term, Term] = {}
    done: dict[str, Value] = {}
    waiting = dict(carries)
    while waiting:
        ready = [c for c in waiting.values() if not _needs(ended[c.name], waiting, c, mapping)]
        if not ready:
            raise view.m.stop("names that depend on each other from iteration to iteration", view.node, "E0317")
        for c in ready:
            end = subst_value(ended[c.name], mapping)
            starts, after = summed(view, c, end, old[c.name])
            done[c.name] = after
            mapping.update(starts)
            del waiting[c.name]
    return mapping, done


def _needs(end: Value, waiting: dict[str, Carry], own: Carry, mapping: dict[Term, Term]) -> bool:
    end = subst_value(end, mapping)
    free = _free(end)
    return any(
        c.var.data in free or (c.unset is not None and c.unset.data in free) for c in waiting.values() if c is not own
    )


def _free(v: Value) -> frozenset[str]:
    match v:
        case Scalar(term=t) | Word(term=t):
            return t.free
        case Choice(condition=c, then=a, other=b):
            return c.free | _free(a) | _free(b)
        case TupleValue(items=items):
            return frozenset().union(*(_free(i) for i in items))
    return frozenset()


MAX_CARRIED = 20_000
"""Parts of what a name holds at the end of an iteration, those that are shared counted each time: it is taken apart
choice by choice. Fourteen times what the largest of 288 published programs and of our own needs."""


def summed(view: View, c: Carry, end: Value, old: Value) -> tuple[dict[Term, Term], Value]:
    """What the name was at the start of an iteration, and what it is after the loop."""
    try:
        return _summed(view, c, end, old)
    except NotLiftable:
        for other in put_otherwise(view, c.var, c.unset, end, old):
            with suppress(NotLiftable):
                return _summed(view, c, other, old)
        if (found := _of_two(view, c, end, old)) is None:
            raise
        return found


def _summed(view: View, c: Carry, end: Value, old: Value) -> tuple[dict[Term, Term], Value]:
    if c.unset is not None or not isinstance(end, Scalar):
        return _on_and_off(view, c, end, old) or _last_value(view, c, end, old)
    assert isinstance(old, Scalar)
    if end.term.size > MAX_CARRIED:
        raise T.TooLarge
    if end.term.kind in ("float", "num") and c.var.kind == "int":
        raise Retry(f"{c.name}@{view.serial}")
    # Of numpy after the loop only if an iteration made it so: where there is none, the name keeps what it had.
    runs = view.where is T.TRUE and view.m.holds(T.compare("<", view.binder.low, view.binder.high))
    numpy = True if old.numpy is True or (end.numpy is True and runs) else None
    end = Scalar(as_first(view, end.term, c.var, old.term), end.numpy)
    form = _form(end.term, c.var)
    if form is None or form[0] == "assign":
        turns = _alternating(view, c, end.term, old.term)
        if turns is not None:
            return turns
    if form is None and c.var.kind == end.term.kind == "bool":
        flag = set_and_reset(end.term, c.var)
        if flag is not None:
            return _last_value(view, c, Scalar(flag), old)
    if form is None:
        found = restarted(view, c.var, end.term, old.term)
        if found is None:
            plainer = without_tests(view, end.term, c.var, old.term)
            if plainer is not end.term:
                return _summed(view, c, Scalar(plainer, end.numpy), old)
            found = decayed(view, end.term, c.var, old.term)
        if found is None:
            found = capped(view, end.term, c.var, old.term) or clamped(view, end.term, c.var, old.term)
        if found is None and view.ordered:
            found = drained(view, end.term, c.var, old.term)
        if found is not None:
            return {c.var: found[0]}, Scalar(found[1], end.numpy if end.numpy == old.numpy else numpy)
        raise view.m.stop(f"{c.name!r} changes from iteration to iteration in an unknown way", view.node, "E0317")
    if form[0] == "assign":
        return _last_value(view, c, end, old)
    numpy = end.numpy if end.numpy == old.numpy else numpy
    start = combined(view, form, old.term, True)
    after = combined(view, form, old.term, False)
    if c.var.kind in ("int", "bool"):
        numpy = end.numpy if end.numpy == old.numpy is False else None
    return {c.var: start}, Scalar(after, numpy)


def _alternating(view: View, c: Carry, end: Term, old: Term) -> tuple[dict[Term, Term], Value] | None:
    """The name goes back and forth between two values: every second change brings the first one back."""
    found = alternation(end, c.var)
    if found is None or not view.ordered:
        return None
    where, a, b = found
    if old is not a:
        if not (T.is_const(b) and old is b):
            return None
        a, b = b, a
    facts = (
        *view.m.state.path,
        *view.binder.conditions(),
        view.where,
        where,
    )
    if a.kind != b.kind or a.kind != c.var.kind or not view.m.prover.implies(facts, T.compare("!=", b, a)):
        return None
    values: list[Term] = []
    for before in (True, False):
        count = view.fold("count", where, T.NONE, before)
        away = T.compare("==", T.arith("%", count, T.const(2)), T.ONE)
        then = T.subst(b, {view.binder.var: view.last(where, before)[0]})
        values.append(T.ite(away, then, a))
    return {c.var: values[0]}, Scalar(values[1], False)


def _on_and_off(view: View, c: Carry, end: Value, old: Value) -> tuple[dict[Term, Term], Value] | None:
    """``opened = i if opened is None else None``: None again at every second change."""
    if c.unset is None or not isinstance(old, NoneValue) or not view.ordered:
        return None
    assert isinstance(c.value, Choice)
    found = turned_on(c.unset, c.value.other, end)
    if found is None:
        return None
    where, on = found
    if not isinstance(on, Scalar | Word) or {c.var.data, c.unset.data} & (_free(on) | where.free) or not _fits(on, c):
        return None
    parts = []
    for before in (True, False):
        odd = T.compare("==", T.arith("%", view.fold("count", where, T.NONE, before), T.const(2)), T.ONE)
        parts.append((odd, subst_value(on, {view.binder.var: view.last(where, before)[0]})))
    (is_on, now), (left_on, then) = parts
    return {c.var: _term_of(now), c.unset: T.not_(is_on)}, merge_values(left_on, then, NoneValue())


def _of_two(view: View, c: Carry, end: Value, old: Value) -> tuple[dict[Term, Term], Value] | None:
    """The name has two values, or is None and set again and again, and which of the two decides what comes next."""
    if c.unset is None and isinstance(end, Scalar) and isinstance(old, Scalar):
        states = automata.two_states(view, c.var, end.term, old.term)
        return states and ({c.var: states[0]}, Scalar(states[1], end.numpy if end.numpy == old.numpy else None))
    if c.unset is None:
        return None
    found = automata.set_or_none(view, c.var, c.unset, end) if isinstance(old, NoneValue) else None
    if found is None or not all(_fits(value, c) for _, value in found):
        return None
    return {c.var: _term_of(found[0][1]), c.unset: found[0][0]}, merge_values(found[1][0], NoneValue(), found[1][1])


def _last_value(view: View, c: Carry, end: Value, old: Value) -> tuple[dict[Term, Term], Value]:
    """The name holds what the last iteration that assigned it gave."""
    m = view.m
    if not view.ordered:
        raise m.stop("the last element of a set", view.node, "E0312")
    ended, end = end, _expanded(end, c)
    try:
        assigned = where_assigned(end, c.value)
    except Unknown:
        raise m.stop(f"{c.name!r} is set in an unusual way", view.node, "E0317") from None
    value = stripped(end, c.value)
    if value is None:
        value = old
    once = _set_once(view, c, assigned, value, old)
    if once is not None:
        assigned = once
    free = _free(value) | assigned.free
    if c.var.data in free or (c.unset is not None and c.unset.data in free):
        begun = since_reset(view, c.var, c.unset, c.value, ended, old)
        if begun is None:
            raise m.stop(f"{c.name!r} depends on itself from iteration to iteration", view.node, "E0317")
        if not all(_fits(value, c) for _, value in begun):
            raise Retry(f"{c.name}@{view.serial}")  # it holds another sort of value
        return _of_run(c, begun, old)
    if not _fits(value, c):
        raise Retry_for(view, c)
    pick = view.last if once is None else view.first
    t, exists = pick(assigned, True)
    x = view.binder.var
    earlier = subst_value(value, {x: t})
    starts = _start_terms(view, c, earlier, exists, old)
    last, some = pick(assigned, False)
    after = merge_values(some, subst_value(value, {x: last}), old)
    return starts, after


def _of_run(c: Carry, begun: list[tuple[Term, Value]], old: Value) -> tuple[dict[Term, Term], Value]:
    """The name where a run began, at the start of an iteration and after the loop."""
    (there, value), (left, last) = begun
    if c.unset is not None:
        return {c.var: _term_of(value), c.unset: T.not_(there)}, merge_values(left, last, old)
    return {c.var: T.ite(there, _term_of(value), _term_of(old))}, merge_values(left, last, old)


def _set_once(view: View, c: Carry, assigned: Term, value: Value, old: Value) -> Term | None:
    """``if found is None: found = x`` (or ``== -1``): where the first assignment may happen; it is the only one."""
    parts = T.parts(assigned)
    if c.unset is not None:
        tests = [p for p in parts if p is c.unset]
        certain = _none_where(value) is T.FALSE
    else:
        first = _term_of(old)
        tests = [p for p in parts if p.op == "cmp" and p.data == "==" and p.args == (c.var, first)]
        given = _term_of(value)
        facts = (*view.m.state.path, *view.binder.conditions(), view.where, *(p for p in parts if p not in tests))
        changes = T.compare("!=", given, first)  # an assignment of what the name holds already changes nothing
        if tests and given.kind == first.kind and not view.m.prover.implies(facts, changes):
            parts = (*parts, changes)
        certain = given.kind == first.kind
    if not tests or not certain:
        return None
    rest = T.conj(p for p in parts if p not in tests)
    free = rest.free | _free(value)
    if c.var.data in free or (c.unset is not None and c.unset.data in free):
        return None
    return rest


def Retry_for(view: View, c: Carry) -> Exception:
    return view.m.stop(f"{c.name!r} holds values of different sorts", view.node, "E0317")


def _fits(value: Value, c: Carry) -> bool:
    """The values assigned are of the sort that was guessed."""
    match value:
        case Choice(then=a, other=b):
            return _fits(a, c) and _fits(b, c)
        case NoneValue():
            return c.unset is not None
        case Word():
            return c.var.kind == "word"
        case Scalar(term=t):
            return t.kind == c.var.kind or (c.var.kind == "float" and t.kind in ("int", "num"))
    return False


def _start_terms(view: View, c: Carry, earlier: Value, exists: Term, old: Value) -> dict[Term, Term]:
    term = _term_of(earlier)
    if c.unset is not None:
        none = T.ite(exists, _none_where(earlier), T.TRUE)
        return {c.var: term, c.unset: none}
    first = _term_of(old)
    return {c.var: T.ite(exists, term, first)}


def _term_of(v: Value) -> Term:
    match v:
        case Scalar(term=t) | Word(term=t):
            return t
        case Choice(condition=c, then=a, other=b):
            if isinstance(a, NoneValue):
                return _term_of(b)
            if isinstance(b, NoneValue):
                return _term_of(a)
            return T.ite(c, _term_of(a), _term_of(b))
    return T.NONE


def _none_where(v: Value) -> Term:
    match v:
        case NoneValue():
            return T.TRUE
        case Choice(condition=c, then=a, other=b):
            return T.ite(c, _none_where(a), _none_where(b))
    return T.FALSE


def _expanded(end: Value, c: Carry) -> Value:
    """Conditional terms as choices, so that the unchanged case is seen."""
    if end == c.value:
        return end
    if isinstance(end, Choice):
        return Choice(end.condition, _expanded(end.then, c), _expanded(end.other, c))
    if not isinstance(end, Scalar):
        return end
    t = _normal(end.term, c.var)
    if t is c.var:
        return c.value
    if t.op == "ite":
        condition, a, b = t.args
        then, other = (_expanded(Scalar(x, end.numpy), c) for x in (a, b))
        return Choice(condition, then, other)
    return Scalar(t, end.numpy)
