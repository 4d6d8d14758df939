"""Lists, sets and dicts that a loop reads while it fills them: ``if t in last: ...``, then ``last[t] = i``.

What an iteration finds there is what was there before the loop, what the iterations before it added, and what it has
added itself so far. What one iteration adds is found by running only those statements of the body that lead to it; the
run of the whole body then has to add the very same, or the lift stops.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace
from itertools import dropwhile
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift import climbing, tables
from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.gathering import METHODS
from attndsl.dsl.pyimport.lift.machine import Machine, State
from attndsl.dsl.pyimport.lift.merge import merge_values, subst_part
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    DictValue,
    Growing,
    Part,
    Ref,
    Scalar,
    Seq,
    TupleValue,
    Unbound,
    Value,
)
from attndsl.dsl.pyimport.lift.view import View

if TYPE_CHECKING:
    from attndsl.dsl.pyimport.lift.summary import LoopRun

_ADDING = ("append", "add", "extend", "update", *METHODS)


def earlier(binder: Binder, where: Term, part: Part) -> Part:
    """What the iterations before the one at ``binder.var`` added."""
    y = T.fresh(binder.var.kind)
    mapping = {binder.var: y}
    moved = subst_part(part, mapping)
    condition = T.conj((T.subst(where, mapping), moved.condition))
    if binder.climbs:
        before = Binder(y, T.NONE, T.NONE, binder.domain, binder.descending, binder.mixed)
        order = climbing.comes_after(binder, binder.var, y)
        return Part((before, *moved.binders), T.conj((order, condition)), moved.element)
    if binder.over_words:
        op = ">" if binder.descending else "<"
        order = T.mk("cmp", op, (T.windex(y), T.windex(binder.var)), "bool")
        before = Binder(y, T.NONE, T.NONE, binder.domain, binder.descending, binder.mixed)
        return Part((before, *moved.binders), T.conj((order, condition)), moved.element)
    low, high = (T.add(binder.var, T.ONE), binder.high) if binder.descending else (binder.low, binder.var)
    before = Binder(y, low, high, T.NONE, binder.descending, binder.mixed)
    return Part((before, *moved.binders), condition, moved.element)


def names_of(m: Machine, key: int) -> set[str]:
    return {name for frame in m.state.frames.values() for name, v in frame.items() if v == Ref(key)}


def expect(m: Machine, node: ast.For) -> set[int]:
    """The collections that a loop body changes under their own names; lists whose items it assigns become tables."""
    found: set[int] = set()
    changes = _CHANGES.get(node)
    if changes is None:
        changes = _CHANGES[node] = _changes(node.body)
    for name, stored in changes:
        value = m.lookup(name)
        if not isinstance(value, Ref):
            continue
        held = m.state.heap.get(value.key)
        if stored and isinstance(held, Seq) and value.key not in m.frozen:
            held = m.state.heap[value.key] = tables.from_list(held) or held
        if isinstance(held, Seq | DictValue | Growing) and value.key not in m.frozen:
            found.add(value.key)
    return found


_CHANGES: WeakKeyDictionary[ast.For, list[tuple[str, bool]]] = WeakKeyDictionary()


def _changes(body: list[ast.stmt]) -> list[tuple[str, bool]]:
    """The names whose items are assigned (True) or which a method adds to (False), each once, in order."""
    found: dict[tuple[str, bool], None] = {}
    for x in pytree.walk(*body):
        if isinstance(x, ast.Subscript):
            if isinstance(x.value, ast.Name) and isinstance(x.ctx, ast.Store):
                found.setdefault((x.value.id, True))
        elif isinstance(x, ast.Call) and isinstance(x.func, ast.Attribute) and isinstance(x.func.value, ast.Name):
            name, method = x.func.value.id, x.func.attr
            if method in _ADDING:
                found.setdefault((name, method in METHODS))
    return list(found)


def carried(run: LoopRun, parts: tuple[Part, ...]) -> set[str]:
    """The names that iterations carry over on which the additions depend."""
    found = set()
    for name, c in run.carries.items():
        mapping = {var: T.fresh(var.kind) for var in (c.var, c.unset) if var is not None}
        if tuple(subst_part(p, mapping) for p in parts) != parts:
            found.add(name)
    return found


# ---------------------------------------------------------------- the statements that lead to an addition


def statements(body: list[ast.stmt], names: set[str], carried: set[str]) -> list[ast.stmt]:
    """The part of a loop body that adds to the collection of these names, and what that needs.

    ``carried``: what an iteration adds depends on these names, which statements of the one before have set.
    """
    if carried:
        return _needed(body, names, carried)
    upto_last = [*dropwhile(lambda s: not _adds(s, names), reversed(body))]
    return _needed(upto_last[::-1], names, frozenset())


def _needed(body: list[ast.stmt], names: set[str], after: Iterable[str]) -> list[ast.stmt]:
    """The statements that add, leave, or set what those or the statements ``after`` them read."""
    needed, kept = set(after), []
    for s in reversed(body):
        cut = _cut(s, names, needed)
        if cut is not None:
            kept.append(cut)
            needed |= {x.id for x in pytree.walk(cut) if isinstance(x, ast.Name)}
    return kept[::-1]


def _adds(s: ast.AST, names: set[str]) -> bool:
    return any(_is_addition(x, names) for x in pytree.walk(s))


def _is_addition(x: ast.AST, names: set[str]) -> bool:
    if isinstance(x, ast.Call) and isinstance(x.func, ast.Attribute) and x.func.attr in _ADDING:
        return isinstance(x.func.value, ast.Name) and x.func.value.id in names
    if isinstance(x, ast.Subscript) and isinstance(x.ctx, ast.Store):
        return isinstance(x.value, ast.Name) and x.value.id in names
    return False


def _sets(s: ast.AST, needed: set[str]) -> bool:
    return any(isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store) and x.id in needed for x in pytree.walk(s))


def _cut(s: ast.stmt, names: set[str], needed: set[str]) -> ast.stmt | None:
    if isinstance(s, ast.If):
        body, other = _needed(s.body, names, needed), _needed(s.orelse, names, needed)
        if not body and not other:
            return None
        if not other and len(body) == 1 and _is_guard(s.test, ast.NotIn, body[0]):
            return body[0]
        if not body and len(other) == 1 and _is_guard(s.test, ast.In, other[0]):
            return other[0]
        test = _without_guard(s.test, body[0]) if not other and len(body) == 1 else s.test
        return ast.copy_location(ast.If(test, body or [ast.copy_location(ast.Pass(), s)], other), s)
    if _adds(s, names) or _sets(s, needed) or isinstance(s, ast.Continue | ast.Break | ast.Return):
        return s
    return None


def _without_guard(test: ast.expr, added: ast.stmt) -> ast.expr:
    """``P and x not in seen`` as ``P``."""
    if not (isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And)):
        return test
    rest = [v for v in test.values if not _is_guard(v, ast.NotIn, added)]
    if not rest:
        return test
    return rest[0] if len(rest) == 1 else ast.copy_location(ast.BoolOp(ast.And(), rest), test)


def _is_guard(test: ast.expr, kind: type[ast.cmpop], added: ast.stmt) -> bool:
    """``if x not in seen: seen.add(x)``: the same set results without the test."""
    call = added.value if isinstance(added, ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "add"
        and isinstance(test, ast.Compare)
        and len(test.ops) == 1
        and isinstance(test.ops[0], kind)
        and len(call.args) == 1
        and ast.dump(call.func.value) == ast.dump(test.comparators[0])
        and ast.dump(call.args[0]) == ast.dump(test.left)
    )


def same(m: Machine, guess: tuple[Part, ...], added: tuple[Part, ...], before: Seq | None) -> bool:
    """An iteration adds what was guessed; a set may leave out what it holds already."""
    if guess == added:
        return True
    if before is None or len(guess) != len(added):
        return False
    for g, a in zip(guess, added, strict=True):
        new = T.conj((g.condition, T.not_(C.contains(m, g.element, before))))
        if g.binders or a.binders or g.element != a.element or a.condition not in (g.condition, new):
            return False
    return True


def at_most_one(m: Machine, parts: tuple[Part, ...]) -> tuple[Part, ...] | None:
    """What an iteration adds as one part, where it adds one item at the most; None where that is not sure."""
    if len(parts) <= 1:
        return parts
    merged = parts[0]
    for at, p in enumerate(parts[1:], start=1):
        if p.binders or merged.binders or not _alike(p.element, merged.element):
            return None
        if not all(m.prover.impossible([one.condition, p.condition]) for one in parts[:at]):
            return None
        element = merge_values(p.condition, p.element, merged.element)
        merged = Part((), T.disj((merged.condition, p.condition)), element)
    return (merged,)


def _alike(a: Value, b: Value) -> bool:
    """Values of one sort: none of them is a choice between two."""
    if isinstance(a, TupleValue) and isinstance(b, TupleValue):
        return len(a.items) == len(b.items) and all(map(_alike, a.items, b.items))
    return isinstance(a, Scalar) and isinstance(b, Scalar) and a.term.kind == b.term.kind


def joined(m: Machine, parts: tuple[Part, ...], ordered: bool, node: ast.AST) -> tuple[Part, ...]:
    """Several appends in one iteration: one list only when at most one of them happens."""
    first = parts[0]
    merged = first
    for at, p in enumerate(parts[1:], start=1):
        if p.binders != first.binders or len(p.binders) != 1:
            return _unordered(m, parts, node)
        if not all(m.prover.impossible([one.condition, p.condition]) for one in parts[:at]):
            return _unordered(m, parts, node)
        element = merge_values(p.condition, p.element, merged.element)
        merged = Part(first.binders, T.disj((merged.condition, p.condition)), element)
    return (merged,)


def _unordered(m: Machine, parts: tuple[Part, ...], node: ast.AST) -> tuple[Part, ...]:
    """The order of the elements is lost; the list may still be asked what it holds."""
    return tuple(replace(p, binders=(replace(p.binders[0], mixed=True), *p.binders[1:])) for p in parts)


# ---------------------------------------------------------------- after the loop


def leave(run: LoopRun, view: View, final: State, after: State, mapping: dict[Term, Term]) -> None:
    """The collections as they are when the loop has ended: what they held, and what all iterations added."""
    for key in run.growing:
        inner = final.heap[key]
        if not isinstance(inner, Growing):
            after.heap[key] = Unbound("a list that a loop replaces")
            continue
        if inner.added and key in run.m.frozen:  # each iteration changes what an earlier one stored
            raise run.m.stop("a list is changed after it was stored in another one", run.node, "E0311")
        added = tuple(_bound(view, subst_part(p, mapping)) for p in inner.added)
        if added:
            added = joined(run.m, added, run.ordered, run.node)
        after.heap[key] = _grown(after.heap[key], added, run.ordered)


def _grown(old: Value, added: tuple[Part, ...], ordered: bool) -> Value:
    match old:
        case Seq() if added and not ordered and not old.is_set:
            return Unbound("a list that is filled from a set")
        case Seq():
            return Seq(old.parts + added, old.is_set)
        case DictValue():
            return replace(old, parts=old.parts + added)
        case Growing():
            return replace(old, added=old.added + added)
    return Unbound("a list that a loop changes")


def _bound(view: View, part: Part) -> Part:
    ending = view.at_stop(part)
    if ending is not None:
        return ending
    condition = T.conj((view.where, view.executed(part.condition)))
    return Part((view.binder, *part.binders), condition, part.element)
