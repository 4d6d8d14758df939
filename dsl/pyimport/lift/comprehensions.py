"""List, set and dict comprehensions, and generators."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import dicts, lists, walks
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import spread
from attndsl.dsl.pyimport.lift.evaluate import condition, evaluate
from attndsl.dsl.pyimport.lift.machine import Loop, Machine
from attndsl.dsl.pyimport.lift.merge import instantiate
from attndsl.dsl.pyimport.lift.sequences import (
    bind_target,
    iterable,
)
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    DictValue,
    Live,
    Part,
    Seq,
    TupleValue,
    Value,
)

# ---------------------------------------------------------------- comprehensions


def _comprehension(m: Machine, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Value:
    targets = pytree.walk(*[g.target for g in node.generators])
    names = frozenset(n.id for n in targets if isinstance(n, ast.Name))
    path, depth = m.state.path, len(m.loops)
    parts: list[Part] = []
    fallible = len(m.events), sum(len(a.failures) for a in m.trying)
    walked = {key for g in node.generators for key in dicts.walked_by(m, g.iter)}
    m.assuming.append(next(m.keys))
    try:
        any_order = isinstance(node, ast.SetComp) or node is m.any_order
        first = _walked(m, node.generators[0])  # of which Python computes the sequence outside
        with m.scope(names):
            unordered = _generate(m, node, 0, first, (), [], parts, any_order)
    finally:
        m.assuming.pop()
        m.state.path = path
        del m.loops[depth:]
    dicts.check_walked(m, walked)
    fails = fallible != (len(m.events), sum(len(a.failures) for a in m.trying))
    if isinstance(node, ast.GeneratorExp):
        if node is m.any_order:  # all is computed now
            return Seq(tuple(parts), once=True)
        live = walks.of_generator(m, node, first.live, [p.element for p in first.seq.parts], fails)
        return walks.iterator(m, Seq(tuple(parts)), live)
    if isinstance(node, ast.DictComp):
        return m.allocate(DictValue(tuple(parts), unordered=unordered))
    return m.allocate(Seq(tuple(parts), isinstance(node, ast.SetComp)))


@dataclass(frozen=True, slots=True)
class _Walked:
    """What a loop walks through, what that depends on, and how many events there were before the walk."""

    seq: Seq
    live: Live
    begun: int


def _walked(m: Machine, g: ast.comprehension) -> _Walked:
    value = spread(m, lambda v: v, evaluate(m, g.iter))
    return _Walked(iterable(m, value), walks.of(m, value), len(m.events))


def _generate(
    m: Machine,
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
    level: int,
    walked: _Walked,
    binders: tuple[Binder, ...],
    conditions: list[Term],
    parts: list[Part],
    any_order: bool,
) -> bool:
    """Add what the loops from this level on produce, of which the first walks through ``walked``; whether it has the
    keys of a set, in no order."""
    g, seq, begun = node.generators[level], walked.seq, len(parts)
    unordered = seq.is_set and _keeps_keys(node)
    if unordered:
        seq = Seq(seq.parts)
    elif seq.is_set:
        seq = C.in_no_order(C.each_once(m, seq))
        if len(seq.parts) > 1 and not any_order:
            raise m.stop("the order of a set", node, "E0312")
    with walks.walking(m, walked.live) as walk:
        for k, original in enumerate(seq.parts):
            p = instantiate(original)
            walks.at_part(walk, p, seq.parts[:k])
            path, depth = m.state.path, len(m.loops)
            m.loops.extend(Loop(b) for b in p.binders)
            m.state.path = m.state.along(*(c for b in p.binders for c in b.conditions()), p.condition)
            bind_target(m, g.target, p.element)
            filters = [p.condition]
            for test in g.ifs:
                c = condition(m, test)
                filters.append(c)
                m.state.path = m.state.along(c)
            if T.FALSE not in filters:
                found = binders + p.binders, conditions + filters
                if level + 1 == len(node.generators):
                    parts.append(Part(found[0], T.conj(found[1]), _produced(m, node)))
                else:
                    _generate(m, node, level + 1, _walked(m, node.generators[level + 1]), *found, parts, any_order)
            m.state.path = path
            del m.loops[depth:]
    if binders and len(parts) > begun + 1:  # those of one value of the outer loops come before those of the next
        parts[begun:] = C.in_no_order(Seq(tuple(parts[begun:]))).parts
    if walked.live.fails and len(m.events) > walked.begun:
        raise m.stop("which fails first, an element of one iterator or of the other", node, "E0314")
    return unordered


def _keeps_keys(node: ast.expr) -> bool:
    """``{t: f(t) for t in a_set}``: an element that is named twice gives one key one value."""
    match node:
        case ast.DictComp(key=ast.Name(id=key), generators=[ast.comprehension(target=ast.Name(id=name))]):
            return key == name
    return False


def _produced(m: Machine, node: ast.expr) -> Value:
    if isinstance(node, ast.DictComp):
        key, value = evaluate(m, node.key), evaluate(m, node.value)
        return TupleValue((lists.freeze(m, lists.hashed(m, key)), lists.freeze(m, value)))
    if isinstance(node, ast.SetComp):
        return lists.freeze(m, lists.hashed(m, evaluate(m, node.elt)))
    return lists.freeze(m, evaluate(m, node.elt))  # type: ignore[attr-defined]
