"""Evaluates IR on whole arrays. The operations come from a small table, so that numpy and torch share this one machine.

A library is evaluated program by program over one graph: an operation that several programs need is computed once per
text and dropped after its last use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from attndsl.compiler.ir import PHASES, Check, IRProgram, Op, is_word_axis, ordered, reachable
from attndsl.compiler.leaves import Leaves
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.run_error import RunError

MAX_ELEMENTS = 8_000_000  # of one intermediate with three axes; larger texts are evaluated in blocks of query rows


class ArrayBackend(Protocol):
    """What an array library has to offer; ``compiler/emit_numpy.py`` is the plain example."""

    elementwise: ClassVar[dict[str, Any]]
    reductions: ClassVar[dict[str, Any]]

    def leaf(self, array: Any) -> Any: ...
    def arange(self, start: int, stop: int) -> Any: ...
    def constant(self, value: float | bool) -> Any: ...
    def text_code(self, text: str) -> Any: ...
    def map_text(self, op: Op, arrays: list[Any]) -> Any: ...
    def gather(self, array: Any, index: Any, axes: tuple[str, ...], axis: str, index_axes: tuple[str, ...]) -> Any: ...
    def rank(self, array: Any, dim: int) -> Any: ...
    def permute(self, array: Any, order: Sequence[int]) -> Any: ...
    def full(self, array: Any, shape: tuple[int, ...]) -> Any: ...
    def first_true(self, array: Any) -> tuple[int, ...] | None: ...


class Machine:
    """Evaluates one or many programs of one graph, one text after another."""

    def __init__(self, programs: Sequence[IRProgram], backend: ArrayBackend) -> None:
        self.programs = tuple(programs)
        self.backend = backend
        self._plans: list[tuple[Op, ...]] = []
        self._uses: Counter[int] = Counter()
        planned: set[int] = set()
        for program in self.programs:
            plan = tuple(op for op in reachable(program.roots()) if op.id not in planned)
            planned.update(op.id for op in plan)
            self._plans.append(plan)
            for op in plan:
                self._uses.update(arg.id for arg in op.args)
            self._uses.update(root.id for root in program.roots())

    def run(self, leaves: Leaves) -> Iterator[Any | DiagnosticError]:
        """One matrix [query, key] per program, in order; a run-time error takes the place of its program's matrix."""
        state = _State(self.backend, leaves, 0, leaves.tokens, Counter(self._uses))
        for program, plan in zip(self.programs, self._plans, strict=True):
            yield state.program(program, plan)

    def run_rows(self, leaves: Leaves, start: int) -> Iterator[Any | DiagnosticError]:
        """The last rows only, [start..n) × n, for decoding. Programs that read other rows compute all of them."""
        for program in self.programs:
            rows = 0 if reads_other_rows(program) else start
            state = _State(self.backend, leaves, rows, leaves.tokens, None)
            found = state.program(program, tuple(reachable(program.roots())))
            yield found if isinstance(found, DiagnosticError) else found[start - rows :]


def reads_other_rows(program: IRProgram) -> bool:
    """True when a row of the result depends on matrix rows of other queries."""
    return any(
        (op.name == "rename" and op.attr[0] == "q") or (op.name == "gather" and op.attr == "q")
        for op in reachable(program.roots())
    )


def failed_check(program: IRProgram, check: Check, at: Mapping[str, int]) -> RunError:
    """The error of a check that holds at these positions, by axis."""
    return RunError(check.code, check.what, program.name, program.source, check.span, at.get("q", 0), at.get("k"))


def value_of(op: Op, backend: ArrayBackend, leaves: Leaves) -> Any:
    """The value of one operation on a text, along its own axes."""
    state = _State(backend, leaves, 0, leaves.tokens, None)
    for step in reachable([op]):
        state.values[step.id] = state.compute(step)
    value = state.values[op.id]
    shape = [size if axis in ("r", "c") else state.size(axis) for axis, size in zip(op.axes, value.shape, strict=True)]
    return backend.full(value, tuple(shape))


class _State:
    """Values of one text, for the query rows [start, stop)."""

    def __init__(self, backend: ArrayBackend, leaves: Leaves, start: int, stop: int, uses: Counter[int] | None) -> None:
        self.backend = backend
        self.leaves = leaves
        self.start = start
        self.stop = stop
        self.uses = uses
        self.values: dict[int, Any] = {}
        self.skipped = False

    def size(self, axis: str) -> int:
        if axis == "q":
            return self.stop - self.start
        return self.leaves.words if is_word_axis(axis) else self.leaves.tokens

    def program(self, program: IRProgram, plan: Iterable[Op]) -> Any | DiagnosticError:
        try:
            self.leaves.require(program.name, program.hosts, program.needs_words)
        except DiagnosticError as error:
            self.skipped = True
            return error
        for op in self.missing(program.roots()) if self.skipped else plan:
            self.values[op.id] = self.compute(op)
            self.release(op.args)
        failure = self.first_failure(program)
        if failure is not None:
            return failure
        result = self.expand(program.result, ("q", "k"))
        result = self.backend.full(result, (self.size("q"), self.size("k")))
        self.release(program.roots())
        return result

    def missing(self, roots: tuple[Op, ...]) -> Iterator[Op]:
        """What the roots still need, arguments first: a program that could not run has left gaps in the plan."""
        stack = [(root, False) for root in reversed(roots)]
        while stack:
            op, ready = stack.pop()
            if ready and op.id not in self.values:
                yield op
            elif op.id not in self.values:
                stack.append((op, True))
                stack.extend((arg, False) for arg in op.args)

    def release(self, ops: tuple[Op, ...]) -> None:
        """Forget values after their last use."""
        if self.uses is None:
            return
        for op in ops:
            self.uses[op.id] -= 1
            if self.uses[op.id] == 0:
                self.values.pop(op.id, None)

    def first_failure(self, program: IRProgram) -> RunError | None:
        """The failure that row-by-row evaluation meets first: by statement, query, phase and key."""
        if self.leaves.tokens == 0:
            return None
        failures: list[tuple[int, int, int, int, int]] = []
        for number, check in enumerate(program.checks):
            if failures and check.group != failures[0][0]:
                break
            place = self.backend.first_true(self.values[check.fails.id])
            if place is not None:
                at = dict(zip(check.fails.axes, place, strict=True))
                query = at["q"] + self.start if "q" in at else self.start
                # a value that is the same for every key fails at the first
                key = at.get("k", 0 if check.phase % PHASES else -1)
                failures.append((check.group, query, check.phase, key, number))
        if not failures:
            return None
        _, query, _, key, number = min(failures)
        return failed_check(program, program.checks[number], {"q": query} if key < 0 else {"q": query, "k": key})

    # ------------------------------------------------------------ operations

    def expand(self, op: Op, axes: tuple[str, ...]) -> Any:
        """The value with a dimension of size one for each axis it lacks."""
        value = self.values[op.id]
        if op.axes == axes:
            return value
        sizes = dict(zip(op.axes, value.shape, strict=True))
        return value.reshape(tuple(sizes.get(axis, 1) for axis in axes))

    def compute(self, op: Op) -> Any:
        name = op.name
        if name in self.backend.elementwise:
            return self.backend.elementwise[name](*(self.expand(arg, op.axes) for arg in op.args))
        if name in self.backend.reductions:
            return self.reduce(op)
        match name:
            case "const":
                return self.backend.constant(op.attr)
            case "text":
                return self.backend.text_code(op.attr)
            case "n":
                return self.backend.constant(float(self.leaves.tokens))
            case "iota":
                begin = self.start if op.attr == "q" else 0
                return self.backend.arange(begin, begin + self.size(op.attr))
            case "column":
                return self.column(op)
            case "relation":
                return self.backend.leaf(self.leaves.relation(op.attr))
            case "host":
                return self.backend.leaf(self.leaves.host(op.attr))
            case "map_text":
                return self.backend.map_text(op, [self.expand(arg, op.axes) for arg in op.args])
            case "rename":
                return self.rename(op)
            case "rank":
                return self.backend.rank(self.values[op.args[0].id], op.axes.index(op.attr))
            case "gather":
                source, index = op.args
                return self.backend.gather(
                    self.values[source.id], self.values[index.id], source.axes, op.attr, index.axes
                )
        raise AssertionError(f"no implementation of {name}")

    def column(self, op: Op) -> Any:
        value = self.leaves.column(op.attr, op.dtype)
        return self.backend.leaf(value[self.start : self.stop] if op.axes == ("q",) else value)

    def reduce(self, op: Op) -> Any:
        (source,) = op.args
        value = self.values[source.id]
        dim = source.axes.index(op.attr)
        wanted = self.size(op.attr)
        if value.shape[dim] != wanted:  # a broadcast dimension must be filled before it is folded
            shape = tuple(wanted if i == dim else size for i, size in enumerate(value.shape))
            value = self.backend.full(value, shape)
        return self.backend.reductions[op.name](value, dim)

    def rename(self, op: Op) -> Any:
        (source,) = op.args
        old, new = op.attr
        renamed = [new if axis == old else axis for axis in source.axes]
        order = [renamed.index(axis) for axis in ordered(renamed)]
        value = self.backend.permute(self.values[source.id], order)
        if new == "q" and self.size("q") != self.leaves.tokens:  # another axis holds all tokens, this one our rows
            rows = slice(self.start, self.stop)
            value = value[tuple(rows if axis == "q" else slice(None) for axis in op.axes)]
        return value
