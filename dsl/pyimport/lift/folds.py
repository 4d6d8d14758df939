"""max, min, sum, any and all."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import letters, listed, ordering, reductions
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import spread, truth
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Loop, Machine
from attndsl.dsl.pyimport.lift.merge import instantiate, merge_values, subst_value
from attndsl.dsl.pyimport.lift.sequences import iterable
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Closure,
    NoneValue,
    Part,
    RowRef,
    Scalar,
    Seq,
    TupleValue,
    Value,
    Vector,
    items_of,
    known,
)


def _extreme(name: str) -> Callable[[Machine, ast.Call], Value]:
    def handler(m: Machine, node: ast.Call) -> Value:
        options = {k.arg: k.value for k in node.keywords}
        if len(node.args) >= 2 and not options:
            values = [evaluate(m, a) for a in node.args]
            return spread(m, lambda *v: extreme(m, name, list(v)), *values)
        if len(node.args) != 1 or set(options) - {"default", "key"}:
            raise m.stop(f"{name!r} with these arguments", node, "E0305")
        value = evaluate(m, node.args[0])
        if isinstance(value, RowRef | Vector) and not options:
            found = reductions.fold(m, {"max": "maximum", "min": "minimum"}[name], value)
            m.ordinary.append((found.term, tuple(m.loops)))
            return found
        default = evaluate(m, options["default"]) if "default" in options else None
        key = ordering.key_of(value, evaluate(m, options["key"])) if "key" in options else None
        return _of_sequence(m, name, iterable(m, value), default, key, node)

    return handler


def extreme(m: Machine, name: str, values: list[Value]) -> Value:
    """max or min of several numbers."""
    if all(isinstance(v, Scalar) and v.term.kind == "bool" and v.numpy is not False for v in values):
        truths = [v.term for v in values if isinstance(v, Scalar)]
        return Scalar(T.disj(truths) if name == "max" else T.conj(truths), True)
    terms: list[Term] = []
    for v in values:
        if not isinstance(v, Scalar) or v.term.kind == "str":
            raise m.stop(f"{name!r} of these objects", code="E0302")
        number = T.as_number(v.term)
        # of truth values one may come out, which is no index: a number of no kind that is one
        terms.append(T.mul(number, T.const(1.0)) if v.term.kind == "bool" else number)
    flags = {v.numpy for v in values if isinstance(v, Scalar)}
    numpy = flags.pop() if len(flags) == 1 else None
    found = terms[0]
    for t in terms[1:]:
        found = _two(m, name, found, t)
    return Scalar(found, numpy)


def _two(m: Machine, name: str, a: Term, b: Term) -> Term:
    if T.is_const(a) and T.is_const(b):
        return T.const(max(a.data, b.data) if name == "max" else min(a.data, b.data))
    kind = a.kind if a.kind == b.kind else "num"
    if kind == "int":
        if m.holds(T.compare(">=", a, b)):
            return a if name == "max" else b
        if m.holds(T.compare("<=", a, b)):
            return b if name == "max" else a
    if a.op == "func" and a.data == name:
        return T.func(name, (*a.args, b), kind)
    return T.func(name, (a, b), kind)


def _of_sequence(m: Machine, name: str, seq: Seq, default: Value | None, key: Value | None, node: ast.AST) -> Value:
    items = items_of(seq)
    if items and key is None:
        return spread(m, lambda *v: extreme(m, name, list(v)), *items) if len(items) > 1 else items[0]
    if len(seq.parts) > 1 and default is None and exclusive(m, seq):
        return _by_parts(m, name, seq, key, node)
    if len(seq.parts) > 1 and key is None and default is None:
        return _over_parts(m, name, seq, node)
    if len(seq.parts) != 1 or len(seq.parts[0].binders) != 1:
        raise m.stop(f"{name!r} of a list that was built in several places", node, "E0313")
    part = instantiate(seq.parts[0])
    (_b,) = part.binders
    some = C.exists(part.binders, part.condition)
    if default is None:
        m.require(some, node)
        return _of_part(m, name, part, key, seq.is_set, node)
    return merge_values(some, m.under(some, lambda: _of_part(m, name, part, key, seq.is_set, node)), default)


def _of_part(m: Machine, name: str, part: Part, key: Value | None, is_set: bool, node: ast.AST) -> Value:
    """max or min of a part that has elements."""
    if key is not None or isinstance(part.element, TupleValue):
        return _by_key(m, name, part, key, is_set)
    if isinstance(part.element, Scalar) and part.element.term.kind != "str":
        return _folded(name, part, part.element)
    raise m.stop(f"{name!r} of these elements", node, "E0302")


def _over_parts(m: Machine, name: str, seq: Seq, node: ast.AST) -> Value:
    """max or min of the extremes of the parts that have elements."""
    m.require(C.nonempty(seq), node)
    best: Value | None = None
    some: Term = T.FALSE
    for original in seq.parts:
        p = instantiate(original)
        if len(p.binders) > 1 or not isinstance(p.element, Scalar) or p.element.term.kind == "str":
            raise m.stop(f"{name!r} of a list that was built in several places", node, "E0313")
        here = _folded(name, p, p.element) if p.binders else p.element
        there = C.exists(p.binders, p.condition)
        if best is None:
            best = here
        else:
            best = merge_values(some, merge_values(there, extreme(m, name, [best, here]), best), here)
        some = T.disj((some, there))
    assert best is not None
    return best


def exclusive(m: Machine, seq: Seq) -> bool:
    """At most one of the parts has elements, as with a list filled again only when it stayed empty."""
    some = [C.exists(p.binders, p.condition) for p in seq.parts]
    return all(len(p.binders) == 1 for p in seq.parts) and all(
        m.prover.impossible([a, b]) for i, a in enumerate(some) for b in some[i + 1 :]
    )


def _by_parts(m: Machine, name: str, seq: Seq, key: Value | None, node: ast.AST) -> Value:
    """max or min of the one part that has elements."""
    m.require(C.nonempty(seq), node)
    found: Value | None = None
    for p in seq.parts:
        some = C.exists(p.binders, p.condition)
        one = Seq((p,), seq.is_set)
        here = m.under(some, lambda one=one: _of_sequence(m, name, one, None, key, node))  # type: ignore[misc]
        found = here if found is None else merge_values(some, here, found)
    assert found is not None
    return found


def _folded(name: str, part: Part, element: Scalar) -> Value:
    (b,) = part.binders
    t = element.term
    if t is b.var or (t.op == "windex" and t.args[0] is b.var):
        kind = "last" if name == "max" else "first"
        return subst_value(element, {b.var: T.agg(kind, b.var, b.domain, b.low, b.high, part.condition)})
    if t.kind == "bool" and element.numpy is not False:
        return listed.quantified("any" if name == "max" else "all", replace(part, element=element))
    kind = "maximum" if name == "max" else "minimum"
    return Scalar(T.agg(kind, b.var, b.domain, b.low, b.high, part.condition, t), element.numpy)


def _by_key(m: Machine, name: str, part: Part, key: Value | None, unordered: bool) -> Value:
    from attndsl.dsl.pyimport.lift.calls import applied

    (b,) = part.binders
    if unordered and key is not None:
        raise m.stop(f"{name!r} by this key", code="E0313")
    if not _is_lambda(key) or b.descending or b.climbs or b.mixed:
        return ordering.extreme(m, name, part, key or NoneValue())
    assert isinstance(key, Closure)
    path = m.state.path
    m.state.path = m.state.along(*b.conditions(), part.condition)
    m.loops.append(Loop(b))
    score = applied(m, key, [part.element], key.node)
    m.loops.pop()
    m.state.path = path
    if isinstance(score, TupleValue):
        return ordering.extreme(m, name, part, key)
    if not isinstance(score, Scalar) or score.term.kind == "str":
        raise m.stop(f"{name!r} by this key", code="E0313")
    kind = "argmax" if name == "max" else "argmin"
    return subst_value(part.element, {b.var: T.agg(kind, b.var, b.domain, b.low, b.high, part.condition, score.term)})


def _is_lambda(key: Value | None) -> bool:
    return isinstance(key, Closure) and isinstance(key.node, ast.Lambda)


def _next(m: Machine, node: ast.Call) -> Value:
    """``next(generator, default)``: its first element."""
    if len(node.args) not in (1, 2) or not isinstance(node.args[0], ast.GeneratorExp):
        raise m.stop("'next' with these arguments", node, "E0305")
    before = len(m.events)
    seq = iterable(m, evaluate(m, node.args[0]))
    if len(m.events) > before:  # the elements after the first are never computed
        raise m.stop("something in next() may fail", node, "E0314")
    if len(node.args) == 1:
        raise m.stop("'next' without a default", node, "E0305")
    default = evaluate(m, node.args[1])
    if not seq.is_set and not any(p.binders for p in seq.parts):  # of values that are written out
        found = default
        for p in reversed(seq.parts):
            found = merge_values(p.condition, p.element, found)
        return found
    if len(seq.parts) != 1 or len(seq.parts[0].binders) != 1 or seq.is_set:
        raise m.stop("'next' of a list that was built in several places", node, "E0313")
    part = instantiate(seq.parts[0])
    return merge_values(C.exists(part.binders, part.condition), C.end_value(part, last=False), default)


def _sum(m: Machine, node: ast.Call) -> Value:
    given = [*node.args[1:], *(k.value for k in node.keywords)]
    counted = None if given else letters.question(m, "sum", node.args[0])
    if counted is not None:
        return Scalar(counted)
    value = evaluate(m, node.args[0])
    if isinstance(value, RowRef | Vector) and not given:
        return reductions.added(m, value)
    start: Value = evaluate(m, given[0]) if given else known(0)
    if len(given) > 1 or not isinstance(start, Scalar) or start.term.kind == "str":
        raise m.stop("sum of these objects", node, "E0302")
    total, numpy = T.as_number(start.term), start.numpy
    seq = iterable(m, value)
    if seq.is_set:
        seq = C.each_once(m, seq)
    for p in seq.parts:
        if not isinstance(p.element, Scalar) or p.element.term.kind == "str":
            raise m.stop("sum of these objects", node, "E0302")
        numpy = _with(m, numpy, p)
        total = T.add(total, _part_sum(instantiate(p)))
    return Scalar(total, numpy)


def _with(m: Machine, numpy: bool | None, p: Part) -> bool | None:
    """Whether a sum is numpy's once these are added to it: where there are none, it stays what it was."""
    assert isinstance(p.element, Scalar)
    if numpy or p.element.numpy is False:
        return numpy
    return True if p.element.numpy and m.holds(C.exists(p.binders, p.condition)) else None


def _part_sum(p: Part) -> Term:
    assert isinstance(p.element, Scalar)
    value, where = T.as_number(p.element.term), p.condition
    if value.op == "ite" and value.args[1:] == (T.ONE, T.ZERO):
        where, value = T.conj((where, value.args[0])), T.ONE
    if value is T.ONE:
        return C.part_count(Part(p.binders, where, p.element))
    if not p.binders:
        return T.ite(where, value, T.ZERO)
    for at, b in enumerate(reversed(p.binders)):
        value = T.agg("sum", b.var, b.domain, b.low, b.high, where if at == 0 else T.TRUE, value)
    return value


def _quantifier(is_any: bool) -> Callable[[Machine, ast.Call], Value]:
    def handler(m: Machine, node: ast.Call) -> Value:
        before = len(m.events)
        asked = letters.question(m, "any" if is_any else "all", node.args[0])
        if asked is not None:
            return Scalar(asked)
        seq = iterable(m, evaluate(m, node.args[0]))
        if len(m.events) > before:  # any() may stop before the element that fails
            raise m.stop("something in any() or all() may fail", node, "E0314")
        found: list[Term] = []
        for original in seq.parts:
            p = instantiate(original)
            held = m.state.path
            m.state.path = m.state.along(*(c for b in p.binders for c in b.conditions()), p.condition)
            t = truth(m, p.element)
            m.state.path = held
            found.append(C.exists(p.binders, T.conj((p.condition, t if is_any else T.not_(t)))))
        either = T.disj(found)
        return Scalar(either if is_any else T.not_(either))

    return handler
