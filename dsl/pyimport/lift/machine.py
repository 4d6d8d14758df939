"""The state of a lift: names, heap, path condition, and the list of what the program does to matrices."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from attndsl.dsl.pyimport.aligners import Aligner
from attndsl.dsl.pyimport.lift import cases, walks
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.frames import Frame, Scope
from attndsl.dsl.pyimport.lift.iterators import is_iterator, is_read_once
from attndsl.dsl.pyimport.lift.linear import Prover
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Binder, Choice, DictValue, Growing, Ref, Seq, Unbound, Value
from attndsl.dsl.source import SourceFile, Span

MAX_EVENTS = 4000
MAX_STEPS = 60_000
_ELSEWHERE = Unbound("a list that was made elsewhere")
_LONG_PATH = 64  # conditions; a step under so many takes as much time as making a term. Real programs: 26


class NotLiftable(Exception):
    """The program has no place in the language; ``reason`` says why, ``span`` where, ``code`` which kind."""

    def __init__(self, reason: str, node: ast.AST | None = None, code: str = "E0301") -> None:
        super().__init__(reason)
        self.reason, self.node, self.code = reason, node, code
        self.span: Span | None = None
        self.between: tuple[str, Loop] | None = None  # the matrix and loop whose iterations depend on each other


class Retry(Exception):
    """A loop must be run again knowing more: which name or list an iteration takes over from the one before."""

    def __init__(self, what: str | int | tuple[int, int]) -> None:
        super().__init__(str(what))
        self.what = what


@dataclass(slots=True)
class Loop:
    """A loop around an event. ``ordered`` is false for sets, whose order means nothing here."""

    binder: Binder
    ordered: bool = True


@dataclass(slots=True)
class Event:
    """Something done to a matrix at one cell, for every value of the loops at which the path holds.

    ``op``: set, add, scale, raise, cap; or check (``value`` is true where Python fails), normalize, mask.
    """

    op: str
    matrix: str
    row: Term
    column: Term
    value: Term
    path: tuple[Term, ...]
    loops: tuple[Loop, ...]
    span: Span

    def terms(self) -> tuple[Term, ...]:
        """All that it is made of, its conditions first."""
        of_loops = (x for b in self.loops for x in (b.binder.low, b.binder.high, *b.binder.keys))
        return (*self.path, self.row, self.column, self.value, *of_loops)


@dataclass(slots=True)
class Reading:
    """A weight, or a statistic of a row (``column`` None), read while ``time`` events had happened."""

    matrix: str
    row: Term
    column: Term | None
    path: tuple[Term, ...]
    loops: tuple[Loop, ...]
    time: int
    statistic: str = ""


@dataclass(slots=True)
class State:
    """Names by frame, heap contents, and what must hold for control to be here."""

    frames: dict[int, dict[str, Value]]
    heap: dict[int, Value]
    path: tuple[Term, ...]

    def along(self, *conditions: Term) -> tuple[Term, ...]:
        """The path with these conditions as well."""
        path = list(self.path)
        for c in conditions:
            for p in T.said(c) if c.op == "and" or c.op == "not" else (c,):
                if p is not T.TRUE and p not in path:
                    path.append(p)
        return tuple(path)

    def fork(self, *conditions: Term) -> State:
        """A state of its own in which these conditions hold as well."""
        return State({k: dict(v) for k, v in self.frames.items()}, dict(self.heap), self.along(*conditions))


@dataclass(slots=True)
class Flows:
    """Ways out of a loop body: the states in which it continues, breaks or returns."""

    continues: list[State] = field(default_factory=list)
    breaks: list[State] = field(default_factory=list)


@dataclass(slots=True)
class Failure:
    """A state in which Python fails, at this node; ``inside`` an expression that is not always evaluated."""

    state: State
    node: ast.AST | None
    kind: str
    inside: bool


@dataclass(slots=True)
class Attempt:
    """A try block that is being executed: how deep it stands, and where it failed."""

    loops: int
    frames: int
    flows: int
    failures: list[Failure]
    start: int = 0  # the length of the path where the present statement of the block began


@dataclass
class Machine:
    """Everything a lift carries around. ``functions`` and ``constants`` are the file's own."""

    source: SourceFile
    functions: Mapping[str, ast.FunctionDef]
    constants: Mapping[str, ast.expr]
    imports: Mapping[str, str] = field(default_factory=dict)
    volatile: frozenset[str] = frozenset()
    prover: Prover = field(default_factory=Prover)
    state: State = field(default_factory=lambda: State({}, {}, (T.compare(">=", T.N, T.ONE),)))
    events: list[Event] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    flows: list[Flows] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    growing: list[tuple[int, set[int]]] = field(default_factory=list)
    runs: list[Any] = field(default_factory=list)
    frozen: set[int] = field(default_factory=set)
    matrices: dict[str, int] = field(default_factory=dict)
    rows: dict[str, Term] = field(default_factory=dict)
    lengths: dict[str, Term] = field(default_factory=dict)
    hints: dict[Term, str] = field(default_factory=dict)
    keys: itertools.count[int] = field(default_factory=itertools.count)
    required: set[Term] = field(default_factory=set)
    trying: list[Attempt] = field(default_factory=list)
    settled: set[tuple[str, Term]] = field(default_factory=set)  # loops whose writes of a matrix may come in any order
    assuming: list[int] = field(default_factory=list)
    aligners: Mapping[str, Aligner] = field(default_factory=dict)
    remembered: dict[Hashable, Any] = field(default_factory=dict)  # see remembered.py; shared by a file's programs
    steps: int = 0
    node: ast.AST | None = None
    any_order: ast.AST | None = None  # a generator whose elements may come in any order
    long_ranges: bool = False  # a loop over a range was written out
    at_once: bool = False  # such loops are walked through at once
    exactly: bool = False  # sums and quotients are said with CPython's very numbers, also where others read better
    rounded: bool = False  # something jumps with a number that is not CPython's
    by_cell: bool = False  # a matrix that is normalized under a condition is divided cell by cell
    replaced: dict[tuple[str, int], int] = field(default_factory=dict)  # the event before which a version ends
    put_otherwise: int = 0  # in how many further ways functions are rewritten; see preparing.py
    listed: dict[str, tuple[str, bool, bool]] = field(default_factory=dict)  # lists of lists: see cells.py
    looked_up: set[int] = field(default_factory=set)  # dicts to which a look-up may have added a key
    walked: set[int] = field(default_factory=set)  # dicts that a loop around a look-up may walk through
    walks: list[walks.Walk] = field(default_factory=list)  # the loops around, from the outermost on
    ordinary: list[tuple[Term, tuple[Loop, ...]]] = field(default_factory=list)  # must not be nan; see nans.py
    masked: list[tuple[str, int]] = field(default_factory=list)  # matrices multiplied with a triangle, and when
    whole: set[Term] = field(default_factory=set)  # the rows of changes of a whole matrix, all at once
    nonnegative: set[str] | None = None  # matrices, once all is written; see nans.py
    plain: dict[str, bool] = field(default_factory=dict)  # dicts by position: all numbers kept so far are Python's

    # ------------------------------------------------------------ places

    def span(self, node: ast.AST | None) -> Span:
        if getattr(node, "lineno", None) is None:
            return Span(0, 0)
        return self.source.span_of_bytes(node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)  # type: ignore[union-attr]

    def stop(self, reason: str, node: ast.AST | None = None, code: str = "E0301") -> NotLiftable:
        return NotLiftable(reason, node or self.node, code)

    def step(self, node: ast.AST) -> None:
        self.steps += 1
        self.node = node
        if len(self.state.path) >= _LONG_PATH:
            T.spend(len(self.state.path) // _LONG_PATH)
        if self.steps > MAX_STEPS or len(self.events) > MAX_EVENTS:
            raise self.stop("the program is too long to lift", node, "E0309")

    # ------------------------------------------------------------ names and heap

    def lookup(self, name: str) -> Value | None:
        for scope in self.frames[-1].chain:
            found = self.state.frames[scope.key].get(name)
            if found is not None or name in scope.names:
                return found
        return None

    def binds(self, name: str) -> bool:
        """The function at work, or one around it, binds the name somewhere: what is called so outside, in the file or
        in Python is hidden from the first statement on."""
        return any(name in scope.names for scope in self.frames[-1].chain)

    def seen_from(self, key: int) -> tuple[Scope, ...] | None:
        """The scope and those around it; None when it has ended."""
        for frame in self.frames:
            for at, scope in enumerate(frame.chain):
                if scope.key == key:
                    return frame.chain[at:]
        return None

    @contextmanager
    def scope(self, names: frozenset[str]) -> Iterator[None]:
        """Inside a comprehension: its targets are names of its own, which nothing outside sees."""
        frame, own = self.frames[-1], Scope(next(self.keys), names)
        around = frame.chain
        self.state.frames[own.key] = {}
        frame.chain = own, *around
        try:
            yield
        finally:
            frame.chain = around
            self.state.frames.pop(own.key, None)

    @contextmanager
    def outside(self) -> Iterator[None]:
        """At the level of the file, where no name of a function is seen."""
        key = next(self.keys)
        frame = Frame(key, (Scope(key, frozenset()),), of_file=True)
        self.state.frames[key] = {}
        self.frames.append(frame)
        try:
            yield
        finally:
            self.frames.pop()
            self.state.frames.pop(key, None)

    def assign(self, name: str, value: Value) -> None:
        frame = self.frames[-1]
        if is_iterator(value):
            if not is_read_once(frame.function, name):
                raise self.stop("an iterator that may be walked through more than once", code="E0313")
            walks.check_safe(self, value)
        if isinstance(value, Seq) and value.sort == "view":
            raise self.stop("a view of a dict, which follows its changes, is kept", code="E0311")
        self.state.frames[frame.chain[0].key][name] = value

    def allocate(self, contents: Value) -> Ref:
        if isinstance(contents, Seq | DictValue) and any(is_iterator(p.element) for p in contents.parts):
            raise self.stop("an iterator is stored in a list", code="E0311")
        key = next(self.keys)
        self.state.heap[key] = contents
        return Ref(key)

    def contents(self, ref: Ref) -> Value:
        found = self.state.heap.get(ref.key, _ELSEWHERE)
        if isinstance(found, Growing):
            return self._while_filling(ref.key, found)
        if isinstance(found, Unbound):
            raise self.stop(found.reason, code="E0310")
        return found

    def _while_filling(self, key: int, found: Growing) -> Value:
        """What a collection holds in the middle of a loop that fills it."""
        for run in reversed(self.runs):
            if key in run.growing:
                return run.holds_now(key, found)  # type: ignore[no-any-return]
        raise self.stop("a loop reads a list that it is still filling", code="E0310")

    def mutable(self, ref: Ref, told: bool = False) -> Value:
        """The contents, for a change. Raises Retry when a loop around must know that it changes them.

        ``told``: those who walk through it are told by the caller, who knows the place; see ``walks.changed``.
        """
        if self.walks and not told:
            walks.changed(self, ref.key)
        if ref.key in self.frozen:
            raise self.stop("a list is changed after it was stored in another one", code="E0311")
        if self.assuming and ref.key < self.assuming[-1]:
            raise self.stop("a list is changed inside an expression", code="E0311")
        for first_key, keys in self.growing:
            if ref.key < first_key and ref.key not in keys:
                raise Retry(ref.key)
        return self.state.heap[ref.key]

    # ------------------------------------------------------------ matrices

    def new_matrix(self, hint: str, row: Term) -> str:
        """A matrix for vectors or for the result; ``row`` is where a vector lives."""
        base = "".join(p[:1].upper() + p[1:] for p in hint.split("_") if p) or "Row"
        name, number = base, 1
        while name in self.matrices:
            number += 1
            name = f"{base}{number}"
        self.matrices[name] = 0
        self.rows[name] = row
        return name

    def write(self, op: str, matrix: str, row: Term, column: Term, value: Term, node: ast.AST | None = None) -> None:
        self.persist()
        if self.walks:
            walks.written(self, op, matrix, row, column)
        self.events.append(
            Event(op, matrix, row, column, value, self.state.path, tuple(self.loops), self.span(node or self.node))
        )

    def read_cell(self, matrix: str, row: Term, column: Term) -> Term:
        self.readings.append(Reading(matrix, row, column, self.state.path, tuple(self.loops), len(self.events)))
        return T.read(matrix, row, column, len(self.events))

    def read_stat(self, matrix: str, name: str, row: Term) -> Term:
        self.readings.append(Reading(matrix, row, None, self.state.path, tuple(self.loops), len(self.events), name))
        return T.row_stat(matrix, name, row, len(self.events))

    # ------------------------------------------------------------ conditions

    def holds(self, condition: Term) -> bool:
        return cases.implies(self.prover, self.state.path, condition)

    def holds_more(self) -> bool:
        """Something is known here beyond what the program fails without."""
        return any(c is not T.compare(">=", T.N, T.ONE) and c not in self.required for c in self.state.path)

    def fails(self, condition: Term) -> bool:
        return self.prover.excludes(self.state.path, condition)

    def require(self, condition: Term, node: ast.AST | None = None, kind: str = "") -> None:
        """Python fails here unless the condition holds: prove it, or make the program fail too.

        ``kind`` names the exception, where the node does not tell it. In a try block the failure is the handler's.
        """
        if self.holds(condition):
            return
        if self.trying and self._is_tried(self.trying[-1]):
            self.persist()
            failed = Failure(self.state.fork(T.not_(condition)), node or self.node, kind, bool(self.assuming))
            self.trying[-1].failures.append(failed)
            self.state.path = (*self.state.path, condition)
            return
        span = self.span(node or self.node)
        self.required.add(condition)
        self.events.append(
            Event("check", "W", T.ZERO, T.ZERO, T.not_(condition), self.state.path, tuple(self.loops), span)
        )
        self.state.path = (*self.state.path, condition)

    def persist(self) -> None:
        """Control gets past an expression only where nothing in it failed, whichever part of it that was."""
        if self.trying:
            attempt = self.trying[-1]
            for failed in attempt.failures:
                survived = T.not_(T.conj(failed.state.path[attempt.start :]))
                if survived not in self.state.path:
                    self.state.path = self.state.along(survived)

    def _is_tried(self, attempt: Attempt) -> bool:
        return (attempt.loops, attempt.frames, attempt.flows) == (len(self.loops), len(self.frames), len(self.flows))

    def under(self, condition: Term, compute: Callable[[], Value]) -> Value:
        """What an expression gives where the condition holds (it is not evaluated elsewhere)."""
        path, floor = self.state.path, next(self.keys)
        self.state.path = self.state.along(condition)
        self.assuming.append(floor)
        try:
            return compute()
        finally:
            self.assuming.pop()
            self.state.path = path

    def decide(self, value: Choice) -> Value:
        """The branch of a choice that the path settles, as far in as it does, else the choice."""
        found: Value = value
        while isinstance(found, Choice):
            if self.holds(found.condition):
                found = found.then
            elif self.fails(found.condition):
                found = found.other
            else:
                break
        return found
