"""Loops: one symbolic iteration, then what all iterations together do to names and lists."""

from __future__ import annotations

import ast
from collections.abc import Callable
from weakref import WeakKeyDictionary

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift import climbing, dicts, lookback, ordering, unordered, walks, whiles
from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import summary as S
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import spread
from attndsl.dsl.pyimport.lift.evaluate import condition, evaluate
from attndsl.dsl.pyimport.lift.folds import exclusive
from attndsl.dsl.pyimport.lift.machine import Event, Flows, Loop, Machine, Retry, State
from attndsl.dsl.pyimport.lift.merge import guard, instantiate, merge_states, subst_value
from attndsl.dsl.pyimport.lift.schedule import WRITES
from attndsl.dsl.pyimport.lift.sequences import bind_target, iterable
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    Carried,
    Choice,
    DictValue,
    Growing,
    Part,
    Ref,
    Scalar,
    Seq,
    Unbound,
    Value,
)


def run_for(m: Machine, node: ast.For) -> bool:
    iterated = spread(m, lambda v: v, evaluate(m, node.iter))
    m.persist()
    walked = dicts.walked_by(m, node.iter)
    alive = _by_cases(m, node, iterated) if isinstance(iterated, Choice) else _over(m, node, iterated)
    dicts.check_walked(m, walked)
    return alive


def _by_cases(m: Machine, node: ast.For, choice: Choice) -> bool:
    """A loop over one list or another."""
    base = m.state
    outcomes: list[tuple[Term, State]] = []
    for c, value in ((choice.condition, choice.then), (T.not_(choice.condition), choice.other)):
        m.state = base.fork(c)
        nested = isinstance(value, Choice)
        alive = _by_cases(m, node, value) if nested else _over(m, node, value)  # type: ignore[arg-type]
        if alive:
            outcomes.append((c, m.state))
    if not outcomes:
        return False
    m.state = merge_states(base, outcomes) if len(outcomes) == 2 else outcomes[0][1]
    return True


def _over(m: Machine, node: ast.For, value: Value) -> bool:
    if isinstance(value, Ref) and any(_mutates(node, name) for name in _names_of(m, value)):
        raise m.stop("a list is changed while it is walked through", node, "E0311")
    low = lookback.low_of(m, value)
    if low is not None and m.at_once and isinstance(value, Seq):
        return lookback.walk(_Walk(m, node, True), low, len(value.parts))
    seq = iterable(m, value)
    ordered = not seq.is_set
    if seq.is_set:
        seq = C.each_once(m, seq)
    if len(seq.parts) > 1 and _breaks(node) and any(p.binders for p in seq.parts) and not exclusive(m, seq):
        raise m.stop("a list that was built in several places is left early", node, "E0313")
    if len(seq.parts) > 1 and node.orelse and any(p.binders for p in seq.parts):
        raise m.stop("for ... else over a list that was built in several places", node, "E0303")
    mixed = any(b.mixed for p in seq.parts for b in p.binders)
    live = walks.of(m, value)

    def through(parts: tuple[Part, ...]) -> bool:
        walk = _Walk(m, node, ordered and not mixed)
        with walks.during(m, live, node, assigned_names(node)) as at:
            for k, original in enumerate(parts):
                p = instantiate(original)
                walks.at_part(at, p, parts[:k])
                if not walk.part(p):
                    break
        return walk.finish()

    if unordered.has_parts(seq):
        return unordered.run(m, node, seq, through)
    read, done = len(m.readings), len(m.events)
    walked = m.state.heap.get(value.key) if isinstance(value, Ref) else None
    alive = through(seq.parts)
    if walked is not None and isinstance(value, Ref) and m.state.heap.get(value.key) != walked:
        raise m.stop("a list is changed while it is walked through", node, "E0311")
    if mixed and (len(m.readings) > read or not all(_any_order(e) for e in m.events[done:])):
        raise m.stop("the order of a list from a set, or with several appends in an iteration", node, "E0313")
    return alive


def _any_order(e: Event) -> bool:
    """The event commutes with itself, or is done at another cell for each of the elements."""
    if e.op in ("add", "check"):
        return True
    own = [x.binder for x in e.loops if x.binder.mixed]
    inside = [x.binder for x in e.loops if x.binder.var.data in e.column.free]
    return e.op in WRITES and len(own) == 1 and inside == own and ordering.moves(own[0], e.column)


def _names_of(m: Machine, ref: Ref) -> list[str]:
    return [name for frame in m.state.frames.values() for name, v in frame.items() if v == ref]


def _mutates(node: ast.For, name: str) -> bool:
    return any(
        isinstance(x, ast.Call)
        and isinstance(x.func, ast.Attribute)
        and isinstance(x.func.value, ast.Name)
        and x.func.value.id == name
        and x.func.attr in ("append", "add", "extend", "update", "remove", "pop", "insert", "clear", "discard")
        for x in pytree.walk(node)
    )


class _Walk:
    """The parts of a sequence, one after the other; breaks are collected on the way."""

    def __init__(self, m: Machine, node: ast.For, ordered: bool) -> None:
        self.m, self.node, self.ordered = m, node, ordered
        self.entry = m.state.fork()
        self.broken: list[State] = []
        self.stopped: Term = T.FALSE
        self.alive = True

    def part(self, part: Part) -> bool:
        """Run the body for one part; False when control cannot get past it."""
        if part.condition is T.FALSE:
            return True
        if not part.binders:
            self._single(part)
        else:
            self._symbolic(part)
        return self.alive

    def _single(self, part: Part) -> None:
        """One element that is written out: run the body once, where its condition holds."""
        m = self.m
        base = m.state
        m.state = base.fork(part.condition)
        flows = Flows()
        m.flows.append(flows)
        bind_target(m, self.node.target, part.element)
        from attndsl.dsl.pyimport.lift.statements import run

        ended = run(m, self.node.body)
        m.flows.pop()
        if flows.breaks and not self.ordered:
            raise m.stop("a walk through a set ends early", self.node, "E0312")
        self.broken.extend(flows.breaks)
        on = [*([m.state] if ended else []), *flows.continues]
        outcomes = [(T.conj(s.path[len(base.path) :]), s) for s in on]
        if part.condition is not T.TRUE:
            skipped = base.fork(T.not_(part.condition))
            outcomes.append((T.not_(part.condition), skipped))
        self.alive = bool(outcomes)
        if outcomes:
            m.state = merge_states(base, outcomes)

    def _symbolic(self, part: Part) -> None:
        m = self.m
        if len(part.binders) > 1 and _breaks(self.node):
            raise m.stop("a nested list is walked through and left early", self.node, "E0313")
        *outer, inner = part.binders

        def once() -> bool:
            self.stopped = symbolic(
                m, inner, part.condition, self.node, lambda: self._body(part.element), self.ordered,
                None if outer else part.element,
            )  # fmt: skip
            return True

        run_one: Callable[[], bool] = once
        for b in reversed(outer):
            run_one = self._around(b, run_one)
        run_one()

    def _around(self, b: Binder, inside: Callable[[], bool]) -> Callable[[], bool]:
        def run_all() -> bool:
            symbolic(self.m, b, T.TRUE, self.node, inside, self.ordered)
            return True

        return run_all

    def _body(self, element: Value) -> bool:
        from attndsl.dsl.pyimport.lift.statements import run

        bind_target(self.m, self.node.target, element)
        return run(self.m, self.node.body)

    def finish(self) -> bool:
        m = self.m
        if self.node.orelse and self.alive:
            self._else()
        states = [*self.broken, *([m.state] if self.alive else [])]
        if not states:
            return False
        if self.broken:
            depth = len(self.entry.path)
            m.state = merge_states(self.entry, [(T.conj(s.path[depth:]), s) for s in states])
        return True

    def _else(self) -> None:
        """``else`` runs unless a break ended the walk; walks that were written out have taken their breaks away."""
        from attndsl.dsl.pyimport.lift.statements import run

        m, base = self.m, self.m.state
        if self.stopped is T.FALSE:
            self.alive = run(m, self.node.orelse)
            return
        m.state = base.fork(T.not_(self.stopped))
        outcomes = [(self.stopped, base.fork(self.stopped))]
        if run(m, self.node.orelse):
            outcomes.append((T.not_(self.stopped), m.state))
        m.state = merge_states(base, outcomes)


def _breaks(node: ast.For) -> bool:
    """The loop's own body has a break."""
    stack: list[ast.AST] = list(node.body)
    while stack:
        at = stack.pop()
        if isinstance(at, ast.Break):
            return True
        if not isinstance(at, ast.For | ast.While | ast.FunctionDef | ast.Lambda):
            stack.extend(pytree.children(at))
    return False


# ---------------------------------------------------------------- one symbolic loop


def assigned_names(node: ast.For) -> list[str]:
    """Names that an iteration sets, in the order of the text."""
    names = _NAMES.get(node)
    if names is None:
        names = _NAMES[node] = _assigned(node.target, *node.body)
    return names


_NAMES: WeakKeyDictionary[ast.For, list[str]] = WeakKeyDictionary()  # every program of a file runs its helpers' loops


def _assigned(*roots: ast.AST) -> list[str]:
    found: dict[str, None] = {}
    inside: set[ast.AST] = set()  # targets of comprehensions, which are names of their own
    for root in roots:
        for x in pytree.walk(root):
            kind = x.__class__
            if kind is ast.Name:
                if x.ctx.__class__ is not ast.Load and x not in inside:  # type: ignore[attr-defined]
                    found.setdefault(x.id)  # type: ignore[attr-defined]
            elif kind is ast.comprehension:
                inside.update(pytree.walk(x.target))  # type: ignore[attr-defined]
            elif kind is ast.FunctionDef:
                found.setdefault(x.name)  # type: ignore[attr-defined]
            elif kind is ast.Import or kind is ast.ImportFrom:
                for alias in x.names:  # type: ignore[attr-defined]
                    found.setdefault(alias.asname or alias.name)
    return list(found)


def symbolic(m: Machine, binder: Binder, where: Term, node: ast.For, body: Callable[[], bool], ordered: bool,
    element: Value | None = None,
) -> Term:  # fmt: skip
    """Run the body once for an unknown value of the binder, sum up all iterations, and say when a break ended them."""
    loop = S.LoopRun(m, binder, where, node, assigned_names(node), ordered)
    loop.element = element
    if T.conj(binder.conditions()) is T.FALSE:
        return T.FALSE
    for _ in range(12):
        checkpoint = loop.begin()
        try:
            loop.end(body())
        except Retry as retry:
            loop.rewind(checkpoint)
            if not loop.learn(retry):
                raise
            continue
        return loop.stopped
    raise m.stop("a loop whose iterations depend on each other in too many ways", node, "E0317")


# ---------------------------------------------------------------- while


def run_while(m: Machine, node: ast.While) -> bool:
    """``while p >= 0 and not P(p): p -= 1`` and its mirror image: a search from p."""
    from attndsl.dsl.pyimport.lift.statements import run

    climbed = climbing.as_for(m, node, run)
    if climbed is not None:
        return climbed
    if len(node.body) > 1:
        return whiles.as_for(m, node, run_for, run)
    if node.orelse or not isinstance(node.body[0], ast.AugAssign):
        raise m.stop("a while loop that is no simple search", node, "E0318")
    step = node.body[0]
    if not isinstance(step.target, ast.Name) or not isinstance(step.op, ast.Add | ast.Sub):
        raise m.stop("a while loop that is no simple search", node, "E0318")
    if not whiles.is_one(step.value):
        raise m.stop("a while loop that is no simple search", node, "E0318")
    name, down = step.target.id, isinstance(step.op, ast.Sub)
    start = spread(m, lambda v: v, evaluate(m, ast.copy_location(ast.Name(name, ast.Load()), step.target)))
    if not (isinstance(start, Scalar) and start.term.kind == "int"):
        raise m.stop("a while loop that is no simple search", node, "E0318")
    _search(m, node, name, start.term, down)
    return True


def _search(m: Machine, node: ast.While, name: str, start: Term, down: bool) -> None:
    p = T.fresh("int")
    held, before = m.state.path, len(m.events)
    if down:
        bounds = T.compare("<=", p, start), T.compare("<", p, T.N)
    else:
        bounds = T.compare(">=", p, start), T.compare(">=", p, T.ZERO)
    inside = T.compare(">=", p, T.ZERO) if down else T.compare("<", p, T.N)
    ok = T.compare("<", start, T.N) if down else T.compare(">=", start, T.ZERO)
    if not m.holds(ok):
        raise m.stop("a while loop that may start outside the text", node, "E0318")
    m.assign(name, Scalar(p))
    m.loops.append(Loop(Binder(p, T.ZERO, T.N)))
    m.state.path = m.state.along(*bounds)
    going = condition(m, node.test)
    m.loops.pop()
    m.state.path = held
    if len(m.events) > before:
        raise m.stop("a while loop whose condition may fail", node, "E0318")
    parts = T.parts(going)
    limits = [
        c
        for c in parts
        if c.op == "cmp" and c.args[0] is p and c.args[1].kind == "int" and p.data not in c.args[1].free
    ]
    edge = _edge(m, limits, down)
    if edge is None or not m.prover.implies((*held, *bounds, *limits), inside):
        raise m.stop("a while loop that may leave the text", node, "E0318")
    stops = T.not_(T.conj(c for c in parts if c not in limits))
    low, high = (edge, T.add(start, T.ONE)) if down else (start, edge)
    found = T.agg("last" if down else "first", p, T.NONE, low, high, stops)
    exists = T.agg("any", p, T.NONE, low, high, stops)
    outside = T.sub(edge, T.ONE) if down else edge
    # nothing to search: the name keeps its value
    empty = T.compare(">=", low, high)
    m.assign(name, Scalar(T.ite(exists, found, T.ite(empty, start, outside))))


def _edge(m: Machine, limits: list[Term], down: bool) -> Term | None:
    """The lowest place that the test lets through (or one past the highest)."""
    edges: list[Term] = []
    for c in limits:
        if down and c.data in (">=", ">"):
            edges.append(c.args[1] if c.data == ">=" else T.add(c.args[1], T.ONE))
        elif not down and c.data in ("<", "<="):
            edges.append(c.args[1] if c.data == "<" else T.add(c.args[1], T.ONE))
        else:
            return None
    return edges[0] if len(edges) == 1 else None


__all__ = ["Carried", "DictValue", "Growing", "Seq", "Unbound", "guard", "run_for", "run_while", "subst_value"]
