"""What every expression needs: settled values, truth, choices spread out, sequences."""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import questions, walks
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Machine, Retry
from attndsl.dsl.pyimport.lift.merge import guard, merge_values
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Carried,
    CellRow,
    CellTable,
    Choice,
    Closure,
    DictValue,
    NoneValue,
    Opaque,
    Part,
    Ref,
    Scalar,
    Seq,
    Span,
    TupleValue,
    Unbound,
    Value,
    Word,
    known,
    literal,
)


def settle(m: Machine, value: Value, node: ast.AST | None) -> Value:
    """A value that may be read here."""
    if isinstance(value, Choice):
        value = m.decide(value)
        gone = _unbound(value)
        if gone is not None:
            bound = _bound(value)
            if not gone.unset or bound is None:
                return settle(m, gone, node)
            m.require(T.not_(_where_unbound(value)), node)
            return settle(m, bound, node)
    if isinstance(value, Carried):
        raise Retry(value.name)
    if isinstance(value, Unbound):
        raise m.stop(f"a value that is not known here: {value.reason}", node, "E0310")
    return value


def _unbound(v: Value) -> Unbound | None:
    """An alternative that is no value, and one that Python might know before others."""
    if isinstance(v, Choice):
        found = [x for x in (_unbound(v.then), _unbound(v.other)) if x is not None]
        return min(found, key=lambda x: x.unset, default=None)
    return v if isinstance(v, Unbound) else None


def _where_unbound(v: Value) -> Term:
    if isinstance(v, Choice):
        return T.ite(v.condition, _where_unbound(v.then), _where_unbound(v.other))
    return T.const(isinstance(v, Unbound))


def _bound(v: Value) -> Value | None:
    """The other alternatives."""
    if isinstance(v, Choice):
        then, other = _bound(v.then), _bound(v.other)
        return merge_values(v.condition, then, other) if then and other else then or other
    return None if isinstance(v, Unbound) else v


def without_none(m: Machine, choice: Choice) -> Value:
    """The other alternatives, where the program has asked whether the value is None."""
    none = _where_none(choice, True)
    if none is T.FALSE:
        return choice
    if not (m.fails(none) or m.holds(_where_none(choice, False)) or questions.excluded(m.prover, m.state.path, none)):
        return choice
    found = _others(choice)
    assert found is not None, "the sides of a choice differ: one of them is not None"
    return found


def _where_none(v: Value, is_none: bool) -> Term:
    """Where the value is None (or is not), in the form of the question that the program asks."""
    if isinstance(v, Choice):
        return T.ite(v.condition, _where_none(v.then, is_none), _where_none(v.other, is_none))
    return T.const(isinstance(v, NoneValue) == is_none)


def _others(v: Value) -> Value | None:
    if isinstance(v, Choice):
        then, other = _others(v.then), _others(v.other)
        return merge_values(v.condition, then, other) if then and other else then or other
    return None if isinstance(v, NoneValue) else v


def unpacked(m: Machine, value: Value, node: ast.AST) -> Value:
    """The value whose items are taken one by one. Python fails where it is None."""
    value = settle(m, value, node)
    while isinstance(value, Choice) and NoneValue() in (value.then, value.other):
        none_first = value.then == NoneValue()
        m.require(T.not_(value.condition) if none_first else value.condition, node, "TypeError")
        value = settle(m, value.other if none_first else value.then, node)
    rows = isinstance(value, TupleValue) and any(isinstance(v, CellRow) and v.kind == "list" for v in value.items)
    if rows and any(isinstance(x, ast.Subscript) for x in ast.iter_child_nodes(node)):
        raise m.stop("rows of a list of lists change places", node, "E0311")  # at once, not one by one
    return value


# ---------------------------------------------------------------- truth


def truth(m: Machine, value: Value) -> Term:
    """Python's truth value."""
    value = settle(m, value, m.node)
    match value:
        case Scalar(term=t):
            if t.kind == "bool":
                return t
            return T.compare("!=", t, T.const("" if t.kind == "str" else 0))
        case NoneValue():
            return T.FALSE
        case Word() | Closure() | Span() | Seq(once=True):
            walks.check_safe(m, value)
            return T.TRUE
        case Ref():
            if isinstance(m.state.heap.get(value.key), DictValue):
                from attndsl.dsl.pyimport.lift import dicts

                dicts.counted_on(m, value)
            return truth(m, m.contents(value))
        case DictValue(length=size, array="") if size is not None:
            return T.compare(">", size, T.ZERO)
        case Seq(sort=sort) if sort != "array":
            return C.nonempty(Seq(value.parts))
        case DictValue(array=""):
            return C.nonempty(Seq(value.parts))
        case TupleValue(items=items):
            return T.const(bool(items))
        case Opaque(name="doc"):
            return T.compare(">", C.size(m, doc_words()), T.ZERO)
        case Opaque(name="letters"):
            from attndsl.dsl.pyimport.lift import letters

            return letters.truth(value)
        case Opaque(name="nlp" | "tokenizer" | "sentence" | "pattern" | "a match"):
            return T.TRUE
        case Choice(condition=c, then=a, other=b):
            return T.ite(c, truth(m, a), truth(m, b))
    raise m.stop("the truth value of this object", code="E0302")


# ---------------------------------------------------------------- operators

SETTLED = frozenset((Scalar, Ref, Word, Seq))
"""The most frequent of the values that ``settle`` leaves as they are."""


def _both(m: Machine, compute: Callable[..., Value], values: tuple[Value, ...], at: int, choice: Choice) -> Value:
    """The two alternatives of one argument, each evaluated where it is the case."""

    def branch(value: Value) -> Callable[[], Value]:
        return lambda: spread(m, compute, *values[:at], value, *values[at + 1 :])

    c = choice.condition
    return merge_values(c, m.under(c, branch(choice.then)), m.under(T.not_(c), branch(choice.other)))


def spread(m: Machine, compute: Callable[..., Value], *values: Value) -> Value:
    """Apply to each alternative of the arguments that are choices."""
    for at, value in enumerate(values):
        if value.__class__ is Choice:
            settled = settle(m, value, m.node)
            if not isinstance(settled, Choice):
                return spread(m, compute, *values[:at], settled, *values[at + 1 :])
            return _both(m, compute, values, at, settled)
    return compute(*[v if v.__class__ in SETTLED else settle(m, v, m.node) for v in values])


def given(m: Machine, value: Value) -> Value:
    """A value that is no None here, as far as the program has asked."""
    found = spread(m, lambda v: v, value)
    if isinstance(found, Choice):
        assert isinstance(value, Choice), "only a choice has alternatives"
        return spread(m, lambda v: v, without_none(m, value))
    return found


# ---------------------------------------------------------------- sequences


def doc_words() -> Seq:
    from attndsl.dsl.pyimport.lift.values import Binder

    var = T.fresh("word")
    return Seq((Part((Binder(var, T.NONE, T.NONE, T.ALL_WORDS),), T.TRUE, Word(var)),))


def sort_of(m: Machine, value: Value) -> str:
    """What Python tells apart: "list", "tuple", "set", "dict", "range", "iterator", "view", or "array"; "" of
    other values."""
    match m.contents(value) if isinstance(value, Ref) else value:
        case Seq(is_set=True):
            return "set"
        case Seq(once=True):
            return "iterator"
        case Seq(sort=sort):
            return sort or "list"
        case TupleValue():
            return "tuple"
        case DictValue(length=None):
            return "dict"
        case DictValue(array=""):
            return "list"
    return ""


def sequence(m: Machine, value: Value) -> Seq | None:
    """The value as a sequence of elements, or None when it is none."""
    match value:
        case Ref():
            found = m.contents(value)
            if isinstance(found, DictValue):
                from attndsl.dsl.pyimport.lift import dicts, tables

                if found.length is not None:
                    return tables.sequence(m, found)

                dicts.counted_on(m, value)
                return dicts.key_sequence(m, found)
            return sequence(m, found)
        case Seq():
            return value
        case CellTable(kind="list") | CellRow(kind="list"):
            from attndsl.dsl.pyimport.lift import cells

            return cells.as_sequence(m, value)
        case TupleValue(items=items):
            return literal(items)
        case DictValue():
            return sequence(m, m.allocate(value))
        case Opaque(name="doc"):
            return doc_words()
        case Span():
            from attndsl.dsl.pyimport.lift import spans

            return spans.words(value)
        case Choice(condition=c, then=a, other=b):
            left, right = sequence(m, a), sequence(m, b)
            if left is None or right is None or (left.is_set != right.is_set and left.parts and right.parts):
                return None
            parts = (*(guard(p, c) for p in left.parts), *(guard(p, T.not_(c)) for p in right.parts))
            return Seq(parts, left.is_set if left.parts else right.is_set)
        case Scalar(term=t) if t.kind == "str" and T.is_const(t):
            return literal(tuple(known(c) for c in t.data))
    return None
