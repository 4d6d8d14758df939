"""Two programs side by side: compiled in one graph, run on one text, and where their results differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.compiler.build import Builder
from attndsl.compiler.ir import IRProgram
from attndsl.compiler.leaves import Leaves
from attndsl.compiler.lower import lower
from attndsl.compiler.passes import optimize
from attndsl.dsl import nodes as N
from attndsl.dsl.checker import TypedProgram
from attndsl.dsl.cost import cost_of
from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.falsify.rules import with_items
from attndsl.runtime.machine import BytecodeMachine
from attndsl.runtime.pattern import normalise
from attndsl.runtime.program import Program

RAW_TOLERANCE = 1e-6
"""Weights of the matrix differ when they are further apart than this, relative to the larger one where it is above 1:
float64 sums in another order differ by 1e-12 at most, and so does what is rounded to twelve digits."""
PATTERN_TOLERANCE = 1e-5
"""The same for patterns, whose weights are float32 and at most 1."""

MOST_STEPS = 3e6
"""Values that the interpreter computes in some seconds."""

Matrix = NDArray[np.float64]
Meaning = str  # "raw": the matrix as the program leaves it; "pattern": clipped, masked, rows divided by their sums


@dataclass(frozen=True)
class Cell:
    """One cell in which two programs differ; ``error`` where one of them fails (its weight is None)."""

    query: int
    key: int
    first: float | None
    second: float | None
    error: str = ""


@dataclass(frozen=True)
class Pair:
    """Two programs for heads of one kind."""

    first: Program
    second: Program
    causal: bool

    def __post_init__(self) -> None:
        for program in (self.first, self.second):
            if program.typed is None and program.bounded is None:
                raise fail(
                    "E0802", f"{program.name!r} was refused and cannot be run",
                    help="attndsl check FILE shows the reasons",
                )  # fmt: skip
        object.__setattr__(self, "_machines", [_machine(p) for p in (self.first, self.second)])

    @property
    def prefix_closed(self) -> bool:
        """Whether the rows of a text are those of every longer text that begins with it."""
        return all(p.typed is not None and p.typed.causal for p in (self.first, self.second))

    def run(self, table: TokenTable) -> tuple[Matrix | DiagnosticError, Matrix | DiagnosticError]:
        """The two matrices on a text, each as its program leaves it, or the error it fails with."""
        machines: list[BytecodeMachine | None] = self._machines  # type: ignore[attr-defined]
        first, second = (_run(p, m, table) for p, m in zip((self.first, self.second), machines, strict=True))
        return first, second

    def differs(self, table: TokenTable, meaning: Meaning) -> Cell | None:
        """The cell that differs most on a text, by the compiled programs."""
        return difference(*self.run(table), meaning, self.causal)

    def proved_different(self, table: TokenTable, meaning: Meaning) -> Cell | None:
        """The same by the interpreter, which is the definition; bounded programs have their own machine only."""
        return difference(_interpreted(self.first, table), _interpreted(self.second, table), meaning, self.causal)

    def interpretable(self, table: TokenTable) -> bool:
        """Whether the interpreter is done with a text in seconds: definitions of definitions cost O(n^6) there."""
        return all(p.typed is None or _steps(p.typed, len(table)) <= MOST_STEPS for p in (self.first, self.second))

    def differs_on_arrays(self, table: TokenTable, meaning: Meaning) -> Cell | None:
        """The same by the array machine, which shares no loop with the compiled one of ``differs``."""
        return difference(_on_arrays(self.first, table), _on_arrays(self.second, table), meaning, self.causal)

    def ir(self, optimized: bool = True) -> tuple[IRProgram, IRProgram] | None:
        """Both programs in one graph, so that equal operations are one object; None when one was not lifted."""
        if self.first.typed is None or self.second.typed is None:
            return None
        builder = Builder()
        try:
            found = [lower(typed, builder) for typed in (self.first.typed, self.second.typed)]
        except DiagnosticError:  # a construct without a compiled form (E0351) runs in the interpreter only
            return None
        first, second = optimize(found, builder) if optimized else found
        return first, second


def _machine(program: Program) -> BytecodeMachine | None:
    return BytecodeMachine([program.ir]) if program.typed is not None else None


def _run(program: Program, machine: BytecodeMachine | None, table: TokenTable) -> Matrix | DiagnosticError:
    if machine is None:
        return _interpreted(program, table)
    (found,) = machine.run(Leaves(table, program.host_for(table)))
    return found if isinstance(found, DiagnosticError) else np.array(found, dtype=np.float64)


def _interpreted(program: Program, table: TokenTable) -> Matrix | DiagnosticError:
    try:
        if program.typed is None:
            return program.matrix(table)
        from attndsl.dsl.interpreter import interpret

        host: Mapping[str, Any] = program.host_for(table)
        return np.asarray(interpret(program.typed, table, host), dtype=np.float64)
    except DiagnosticError as error:
        return error


def _steps(typed: TypedProgram, tokens: int) -> float:
    """About how many values the interpreter computes on a text."""
    cost = cost_of(typed)
    return float(tokens) ** (cost.n_power + cost.w_power)  # a window counts as the text: these texts are short


def _on_arrays(program: Program, table: TokenTable) -> Matrix | DiagnosticError:
    try:
        return program.matrix(table, "numpy" if program.typed is not None else "auto")
    except DiagnosticError as error:
        return error


def difference(
    first: Matrix | DiagnosticError, second: Matrix | DiagnosticError, meaning: Meaning, causal: bool
) -> Cell | None:
    """The cell that differs most, None where the two are the same. Two errors on one text are the same."""
    if meaning == "pattern":
        first, second = (_pattern(one, causal) for one in (first, second))
    failed = [isinstance(one, DiagnosticError) for one in (first, second)]
    if all(failed):
        return None
    if any(failed):
        error = first if failed[0] else second
        good = second if failed[0] else first
        assert isinstance(good, np.ndarray)
        weight = float(good[0, 0])
        return Cell(0, 0, None if failed[0] else weight, weight if failed[0] else None, str(error))
    assert isinstance(first, np.ndarray)
    assert isinstance(second, np.ndarray)
    apart = gaps(first, second) - (RAW_TOLERANCE if meaning == "raw" else PATTERN_TOLERANCE)
    if apart.size == 0 or apart.max() <= 0:
        return None
    query, key = (int(i) for i in np.unravel_index(int(apart.argmax()), apart.shape))
    return Cell(query, key, float(first[query, key]), float(second[query, key]))


def gaps(first: Matrix, second: Matrix) -> Matrix:
    """By how much the cells differ, relative to the larger of the two where that is above 1; equal infinities and two
    nans do not differ, anything else that is not finite differs without bound."""
    with np.errstate(invalid="ignore"):
        gap = np.abs(first - second) / np.maximum(1.0, np.maximum(np.abs(first), np.abs(second)))
    alike = (first == second) | (np.isnan(first) & np.isnan(second))
    gap = np.where(alike, 0.0, np.where(np.isfinite(gap), gap, np.inf))
    return np.asarray(gap, dtype=np.float64)


def _pattern(matrix: Matrix | DiagnosticError, causal: bool) -> Matrix | DiagnosticError:
    if isinstance(matrix, DiagnosticError):
        return matrix
    try:
        return normalise(matrix, causal=causal).astype(np.float64)
    except DiagnosticError as error:  # a weight that is not finite makes no pattern
        return error


def normalised(program: Program, causal: bool) -> Program:
    """The program with the contract's last step (``runtime.pattern.normalise``) written out in the language."""
    assert program.typed is not None
    items: list[N.Item] = [N.Rule("raise", N.Number(0.0), N.Each(N.Binder("k")))]
    if causal:
        items.append(N.Mask())
    items.append(N.Normalize(empty="first" if causal else "nothing"))
    return with_items(program, [*program.typed.program.items, *items])


def without_last_normalize(program: Program, causal: bool) -> Program:
    """The program without a ``normalize rows`` at its end, where ``normalise`` gives empty rows the same weights; the
    same program when there is none. Where weights may be negative, the two patterns need not be the same."""
    typed = program.typed
    if typed is None or not typed.program.items:
        return program
    last = typed.program.items[-1]
    if not isinstance(last, N.Normalize) or last.matrix != "W":
        return program
    empty = last.empty or ("first" if typed.causal else "nothing")
    if empty not in ("nothing", "first" if causal else "nothing"):
        return program
    return with_items(program, typed.program.items[:-1])
