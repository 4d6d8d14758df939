"""What all iterations of a loop do together, worked out from one of them.

A name that an iteration takes over from the one before is a variable at first (``Carry``); the form of its value at the
end of the iteration says what it is: a sum, a product, an extreme, the last value assigned, a flag. Its value at the
start of an iteration is then the same over the iterations before.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from attndsl.dsl.pyimport.lift import carry as K
from attndsl.dsl.pyimport.lift import cases, guessing, known_by, questions
from attndsl.dsl.pyimport.lift import filling as F
from attndsl.dsl.pyimport.lift import left_behind as B
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.liveness import NOT_READ, after_loops
from attndsl.dsl.pyimport.lift.machine import Flows, Loop, Machine, NotLiftable, Retry, State
from attndsl.dsl.pyimport.lift.merge import (
    merge_states,
    merge_unbroken,
    merge_values,
    subst_event,
    subst_part,
    subst_reading,
    subst_value,
)
from attndsl.dsl.pyimport.lift.sorts import sort_given
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    Choice,
    DictValue,
    Growing,
    NoneValue,
    Part,
    Ref,
    Scalar,
    Seq,
    Unbound,
    Value,
)
from attndsl.dsl.pyimport.lift.view import View

_NEVER_SET = Unbound("never set")


@dataclass(slots=True)
class Checkpoint:
    """Where a run of the body began, for starting over."""

    state: State
    events: int
    readings: int
    matrices: dict[str, int]
    rows: dict[str, Term]
    returns: int
    depth: tuple[int, int, int, int]
    inner: State
    assuming: int


class LoopRun:
    """One loop being summed up."""

    def __init__(self, m: Machine, binder: Binder, where: Term, node: ast.For, names: list[str], ordered: bool) -> None:
        self.m, self.binder, self.where, self.node, self.names = m, binder, where, node, names
        self.ordered = ordered
        self.element: Value | None = None
        self.serial = next(m.keys)
        self.carries: dict[str, K.Carry] = {}
        self.growing = F.expect(m, node)
        self.rejected: set[Term] = set()
        self.invariants: dict[Term, tuple[K.Carry, ...]] = {}
        self.start: Checkpoint | None = None
        self.stopped: Term = T.FALSE
        self.filled: dict[int, tuple[Part, ...]] = {}
        self.tried: set[int] = set()
        self.assumed: dict[int, dict[Term, Term]] = {}  # carried variables in what is added, as they were found to be
        self.breaking: tuple[dict[str, Value], dict[str, Value]] | None = None  # carried names: ran out, broke off

    # ------------------------------------------------------------ running the body

    def begin(self) -> Checkpoint:
        m = self.m
        before = m.state
        frame = m.frames[-1]
        first_key = next(m.keys)
        self.invariants = self._candidates(before)
        m.state = before.fork(*self.binder.conditions(), self.where, *self.invariants)
        names = m.state.frames[frame.key]
        for name in self.names:
            old = names.get(name)
            if old is None:
                names[name] = B.never_set(name)
            elif name in self.carries:
                names[name] = self.carries[name].value
            else:
                names[name] = B.placeholder(name, self.serial)
        for key in self.growing:
            old = before.heap[key]
            if isinstance(old, DictValue):
                m.state.heap[key] = Growing(key, (), True, old.length, old.array)
            elif isinstance(old, Growing):
                m.state.heap[key] = replace(old, added=())
            else:
                m.state.heap[key] = Growing(key, is_set=isinstance(old, Seq) and old.is_set)
        checkpoint = Checkpoint(
            before, len(m.events), len(m.readings), dict(m.matrices), dict(m.rows), len(frame.returns),
            (len(m.loops), len(m.flows), len(m.growing), len(m.frames)), m.state.fork(), len(m.assuming),
        )  # fmt: skip
        m.loops.append(Loop(self.binder, self.ordered))
        m.flows.append(Flows())
        m.growing.append((first_key, self.growing))
        m.runs.append(self)
        self.start = checkpoint
        return checkpoint

    def rewind(self, c: Checkpoint) -> None:
        m = self.m
        m.state = c.state
        del m.events[c.events :]
        del m.readings[c.readings :]
        m.matrices, m.rows = dict(c.matrices), dict(c.rows)
        loops, flows, growing, frames = c.depth
        del m.loops[loops:]
        del m.flows[flows:]
        del m.growing[growing:]
        del m.runs[growing:]
        del m.frames[frames:]
        del m.assuming[c.assuming :]
        del m.frames[-1].returns[c.returns :]

    def _candidates(self, before: State) -> dict[Term, tuple[K.Carry, ...]]:
        """What holds of carried names at the first iteration; ``end`` proves that it stays true."""
        found: dict[Term, tuple[K.Carry, ...]] = {}
        if self.binder.over_words:
            return found
        olds = before.frames[self.m.frames[-1].key]
        for bound, pair in known_by.candidates(self.carries.values(), olds):
            if bound not in self.rejected:
                found[bound] = pair
        path = (*before.path, T.compare("<", self.binder.low, self.binder.high))
        for carry in self.carries.values():
            old = before.frames[self.m.frames[-1].key][carry.name]
            for bound in K.bounds(carry, self.binder):
                first = T.subst(bound, {**K.as_terms(carry, old), self.binder.var: self.binder.low})
                if bound not in self.rejected and self.m.prover.implies(path, first):
                    found[bound] = (carry,)
        return found

    def _keep_invariants(self, final: State) -> None:
        """Raises Retry when an iteration may break a bound that was assumed."""
        x = self.binder.var
        following = T.sub(x, T.ONE) if self.binder.descending else T.add(x, T.ONE)
        broken = set()
        for bound, carries in self.invariants.items():
            ends = [(c, final.frames[self.m.frames[-1].key][c.name]) for c in carries]
            if any(c.var.kind == "int" and _is_text(end) for c, end in ends):  # another sort of name is tried next
                broken.add(bound)
                continue
            goal = T.subst(bound, {var: t for c, end in ends for var, t in K.as_terms(c, end).items()} | {x: following})
            stays = questions.always(self.m.prover, goal, bound) if len(carries) > 1 else False
            if not stays and not cases.implies(self.m.prover, final.path, goal):
                broken.add(bound)
        if broken:
            self.rejected |= broken
            raise Retry(f"@{self.serial}")

    def holds_now(self, key: int, found: Growing) -> Value:
        """A collection in the middle of an iteration. Raises Retry when what iterations add is not known yet."""
        if key not in self.filled:
            if key in self.tried:
                raise self.m.stop("a loop reads a list that it is still filling", self.m.node, "E0310")
            raise Retry((self.serial, key))
        m, start = self.m, self.start
        assert start is not None
        old = start.state.heap[key]
        if isinstance(old, Growing):
            inside = m.runs.index(self) if self in m.runs else len(m.runs)
            outer = next((r for r in reversed(m.runs[:inside]) if key in r.growing), None)
            if outer is None:
                raise m.stop("a loop reads a list that it is still filling", m.node, "E0310")
            old = outer.holds_now(key, old)
        each = F.at_most_one(m, self.filled[key]) or ()
        parts = (*(F.earlier(self.binder, self.where, p) for p in each), *found.added)
        if isinstance(old, Seq) and (self.ordered or old.is_set):
            return replace(old, parts=old.parts + parts)
        if isinstance(old, DictValue) and self.ordered:
            return replace(old, parts=old.parts + parts)
        raise m.stop("a loop reads a list that it is still filling", m.node, "E0310")

    def learn(self, retry: Retry) -> bool:
        """Use what made the run start over; False when it concerns a loop further out."""
        if isinstance(retry.what, tuple):
            if retry.what[0] != self.serial:
                return False
            guessing.guess(self, retry.what[1])
            return True
        if isinstance(retry.what, int):
            if retry.what in self.growing:
                return False
            self.growing.add(retry.what)
            return True
        name, _, serial = retry.what.partition("@")
        if serial != str(self.serial):
            return False
        if not name:
            return True
        assert self.start is not None
        old = self.start.state.frames[self.m.frames[-1].key][name]
        outer = K.carried_inside(old)
        if outer is not None:
            raise Retry(outer)
        known = self.carries.get(name)
        sort = sort_given(self.m, self.node, self.element, name) if isinstance(old, NoneValue) else None
        found = K.carry(name, old, known.attempt + 1 if known else 0, sort)
        if found is None:
            raise self.m.stop(
                f"{name!r} is carried from one iteration to the next in an unknown way", self.node, "E0317"
            )
        self.carries[name] = found
        return True

    # ------------------------------------------------------------ after the body

    def end(self, alive: bool) -> None:
        m, start = self.m, self.start
        assert start is not None
        flows = m.flows.pop()
        m.loops.pop()
        m.growing.pop()
        m.runs.pop()
        frame = m.frames[-1]
        returns = frame.returns[start.returns :]
        del frame.returns[start.returns :]
        depth = len(start.inner.path)
        final = self.final_state(alive, flows, [s for s, _ in returns])
        self._keep_invariants(final)
        self._check_filled(final)
        stops = T.disj(_relative(s, depth) for s in [*flows.breaks, *(s for s, _ in returns)])
        if stops is not T.FALSE and not self.ordered and not self.binder.keys:
            raise m.stop("a walk through a set ends early", self.node, "E0312")
        went_on = [*flows.continues, *([m.state] if alive else [])]
        m.state = start.state  # what follows is asked of all iterations: the last path of the body says nothing of them
        mapping = self._starts(final, went_on, flows, bool(returns))
        if any(mapping.get(var) is not t for key in self.filled for var, t in self.assumed.get(key, {}).items()):
            raise m.stop("a loop reads a list that it is still filling", self.node, "E0310")
        stops = T.subst(stops, mapping)
        view = self.view(stops)
        self._replace(start, mapping)
        self._alive(view, start)
        after = start.state.fork()
        self._names(view, final, after, mapping)
        F.leave(self, view, final, after, mapping)
        m.state = after
        self._returns(view, returns, depth, mapping)
        if returns and self.node.orelse:
            raise m.stop("for ... else around a return", self.node, "E0303")
        self.stopped = view.stopped if stops is not T.FALSE else T.FALSE

    def final_state(self, alive: bool, flows: Flows, returns: list[State]) -> State:
        """The state in which an iteration ends, however it does."""
        m, start = self.m, self.start
        assert start is not None
        depth = len(start.inner.path)
        ends = [*([m.state] if alive else []), *flows.continues, *flows.breaks, *returns]
        return merge_states(start.inner, [(_relative(s, depth), s) for s in ends])

    def _check_filled(self, final: State) -> None:
        """The whole body adds what its statements were found to add."""
        assert self.start is not None
        for key, guess in self.filled.items():
            found = final.heap[key]
            added = found.added if isinstance(found, Growing) else None
            if added is not None and key in self.assumed:
                added = tuple(subst_part(p, self.assumed[key]) for p in added)
            before = self.holds_now(key, Growing(key)) if guess != added else None
            seen = before if isinstance(before, Seq) and before.is_set else None
            if added is None or not F.same(self.m, guess, added, seen):
                raise self.m.stop("a loop reads a list that it is still filling", self.node, "E0310")

    def view(self, stops: Term) -> View:
        return View(self.m, self.binder, self.where, stops, self.ordered, self.node, self.serial)

    def ended(self, final: State) -> dict[str, Value]:
        names = final.frames[self.m.frames[-1].key]
        return {name: names.get(name, _NEVER_SET) for name in self.names}

    def _starts(self, final: State, went_on: list[State], flows: Flows, returns: bool) -> dict[Term, Term]:
        """What the carried variables are at the start of an iteration. Every iteration before it has happened."""
        self.breaking = None
        view, old = self.view(T.FALSE), self.start_values()
        leaves = bool(flows.breaks and went_on) and not returns
        try:
            view.limited = not leaves  # the limit may be what breaks off
            return K.resolve(view, self.carries, self.ended(final), old)[0]
        except NotLiftable:
            if not leaves:
                raise
        view.limited = True
        # None of the iterations before this one broke off: only those that did not say what it starts with.
        assert self.start is not None
        ended = self.ended(merge_unbroken(self.start.inner, went_on, flows.breaks))
        mapping, done = K.resolve(view, self.carries, ended, old)
        self.breaking = done, self.ended(self.final_state(False, Flows(breaks=flows.breaks), []))
        return mapping

    def _names(self, view: View, final: State, after: State, mapping: dict[Term, Term]) -> None:
        """Set the names as they are after the loop."""
        key, ended = self.m.frames[-1].key, self.ended(final)
        done: dict[str, Value] = {}
        if self.breaking is not None:
            at_stop = {self.binder.var: view.first_stop}
            for name, ran_out in self.breaking[0].items():
                broke = subst_value(subst_value(self.breaking[1][name], mapping), at_stop)
                done[name] = merge_values(view.stopped, broke, ran_out)
        elif self.carries:
            done = K.resolve(view, self.carries, ended, self.start_values())[1]
        function = self.m.frames[-1].function
        live = after_loops(function).get(self.node) if function is not None else None
        for name in self.names:
            if name in done:
                after.frames[key][name] = done[name]
                continue
            if live is not None and name not in live:
                after.frames[key][name] = NOT_READ
                continue
            end = subst_value(ended[name], mapping) if mapping else ended[name]
            old = self.start_values().get(name)
            after.frames[key][name] = B.after_loop(view, name, end, old, self.serial)

    def start_values(self) -> dict[str, Value]:
        assert self.start is not None
        return self.start.state.frames[self.m.frames[-1].key]

    # ------------------------------------------------------------ events inside

    def _alive(self, view: View, start: Checkpoint) -> None:
        """An iteration happens only when none before it ended the loop."""
        if view.stops is T.FALSE:
            return
        at = sum(c not in self.invariants for c in start.inner.path)
        for event in self.m.events[start.events :]:
            event.path = view.executed_path(event.path, at)
        for reading in self.m.readings[start.readings :]:
            reading.path = view.executed_path(reading.path, at)

    def _replace(self, start: Checkpoint, mapping: dict[Term, Term]) -> None:
        """The carried variables by what they are, in all that the body did; assumed bounds need not be said."""
        m = self.m
        events, readings = m.events[start.events :], m.readings[start.readings :]
        for event in events:
            event.path = tuple(c for c in event.path if c not in self.invariants)
        for reading in readings:
            reading.path = tuple(c for c in reading.path if c not in self.invariants)
        if mapping:
            m.events[start.events :] = [subst_event(e, mapping) for e in events]
            m.readings[start.readings :] = [subst_reading(r, mapping) for r in readings]

    def _returns(self, view: View, returns: list[tuple[State, Value]], depth: int, mapping: dict[Term, Term]) -> None:
        """A return inside the loop: the function's value at the first iteration that ends it."""
        m = self.m
        taken: list[Term] = []
        for state, value in returns:
            c = T.subst(_relative(state, depth), mapping)
            if isinstance(value, Ref):
                raise m.stop("a list is returned out of a loop", self.node, "E0307")
            there = {self.binder.var: view.first_stop}
            happened = T.conj((view.stopped, T.subst(c, there)))
            found = subst_value(subst_value(value, mapping), there)
            m.frames[-1].returns.append((m.state.fork(happened), found))
            taken.append(happened)
        if taken:
            m.state = m.state.fork(T.not_(T.disj(taken)))


def _is_text(v: Value) -> bool:
    """The value, or one of its alternatives, is a text."""
    if isinstance(v, Choice):
        return _is_text(v.then) or _is_text(v.other)
    return isinstance(v, Scalar) and v.term.kind == "str"


def _relative(state: State, depth: int) -> Term:
    return T.conj(state.path[depth:])


__all__ = ["LoopRun"]
