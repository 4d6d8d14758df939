"""Compile a checked program to closures, and run it on a text.

``compile_bounded(check).run(table, host)`` computes what CPython computes for the source: the same operations of
Python and numpy in the same order, so the same float64 numbers, and the same errors at the same lines.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from attndsl.dsl.diagnostics import DiagnosticError, diagnostic
from attndsl.dsl.pyimport import loops as lt
from attndsl.dsl.pyimport.module import Interface, PyProgram
from attndsl.dsl.pyimport.names import ProgramCheck
from attndsl.dsl.pyimport.to_loops import lower_program
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.loops import arrays, dispatch, expressions, statements, word_features  # noqa: F401  (registers spaCy's types)
from attndsl.runtime.loops.failures import describe
from attndsl.runtime.loops.functions import UNBOUND
from attndsl.runtime.loops.state import DEFAULT_LIMITS, Limits, Run, Stop
from attndsl.runtime.loops.tokenizer import Tokenizer

Matrix = npt.NDArray[np.float64]

ORDERS = 4
"""In how many orders a program is run that walks a set whose order Python does not fix."""
SAME = 1e-12
"""Two orders agree when no value differs by more: sums taken in another order differ in their last digits."""


@dataclass(frozen=True, eq=False)
class BoundedProgram:
    """A program as closures; safe to run many times, each run is alone. They are made when they are first asked for:
    of a folder of programs most are only checked, or only a few are chosen."""

    check: ProgramCheck
    limits: Limits

    @property
    def program(self) -> PyProgram:
        """The program that was checked."""
        return self.check.program

    @cached_property
    def unit(self) -> lt.Unit:
        """The program as a loop tree."""
        return lower_program(self.check)

    @cached_property
    def setup(self) -> Callable[[list[Any]], Any]:
        """The module's statements as a closure over its variables."""
        dispatch.fill(expressions.MAKERS)
        dispatch.fill(statements.MAKERS)
        return dispatch.block(self.unit.setup)

    def run(self, table: TokenTable, host: Mapping[str, Callable[..., Any]] | None = None) -> Matrix:
        """The matrix as the program returns it, float64 [n, n] with n = len(table), not normalised.

        ``host`` maps the registered names to functions. Values may be NaN or infinite where CPython's are. Raises
        DiagnosticError: E0450-E0459 for an error that CPython raises as well, at the same line; E0460-E0464 for a
        limit; E0465-E0472 for what a compiled program cannot do.
        """
        functions = dict(host or {})
        missing = [name for name in self.unit.host if name not in functions]
        if missing:
            raise DiagnosticError(
                diagnostic(
                    "E0467", f"`{missing[0]}` was registered when the program was compiled, but not for this run",
                    source=self.program.module.source, span=self.program.span,
                    help=f"pass host={{'{missing[0]}': function}}",
                )
            )  # fmt: skip
        deadline = time.monotonic() + self.limits.seconds
        first, unordered = self._attempt(table, functions, 0, deadline)
        if unordered and not _is_limit(first):
            self._compare_orders(table, functions, first, deadline)
        if isinstance(first, DiagnosticError):
            raise first
        return first

    def _attempt(
        self, table: TokenTable, host: Mapping[str, Callable[..., Any]], attempt: int, deadline: float
    ) -> tuple[Matrix | DiagnosticError, bool]:
        run = Run(table, host, self.limits, attempt, deadline=deadline)
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                result: Matrix | DiagnosticError = self._matrix(run)
        except (Exception, Stop) as error:
            if isinstance(error, DiagnosticError):
                raise
            result = DiagnosticError(describe(error, self.program.module.source, self.program.span))
            _let_go(error)
        return result, run.unordered

    def _matrix(self, run: Run) -> Matrix:
        run.globals = [UNBOUND] * len(self.unit.globals)
        self.setup([None, run, None])
        function = run.globals[self.unit.entry]
        if self.program.interface is Interface.BARE:
            result = function(run.table.text, list(run.table.raw))
        else:
            result = function(run.table.text, Tokenizer(run))
            if not isinstance(result, tuple | list) or len(result) != 2:
                kind = type(result).__name__
                raise Stop("E0468", f"the program returned a {kind} where a (name, matrix) pair was promised")
            result = result[1]
        arrays.weigh(run, result)
        return _as_matrix(result, len(run.table))

    def _compare_orders(
        self,
        table: TokenTable,
        host: Mapping[str, Callable[..., Any]],
        first: Matrix | DiagnosticError,
        deadline: float,
    ) -> None:
        for attempt in range(1, ORDERS):
            other, _ = self._attempt(table, host, attempt, deadline)
            if _is_limit(other):
                assert isinstance(other, DiagnosticError)
                raise other
            if not _agree(first, other):
                raise DiagnosticError(
                    diagnostic(
                        "E0470",
                        "the matrix depends on the order of a set, which Python changes from run to run",
                        source=self.program.module.source,
                        span=self.program.span,
                        help="walk sorted(...) of the set, or keep a list",
                    )
                )


def _let_go(error: BaseException | None) -> None:
    """The frames of a run, which were looked at, hold one another and all that the program had made."""
    while error is not None:
        error.__traceback__, error = None, error.__context__


def _is_limit(found: Matrix | DiagnosticError) -> bool:
    return isinstance(found, DiagnosticError) and "E0460" <= found.diagnostics[0].code <= "E0464"


def _agree(first: Matrix | DiagnosticError, other: Matrix | DiagnosticError) -> bool:
    if isinstance(first, DiagnosticError) or isinstance(other, DiagnosticError):
        if isinstance(first, DiagnosticError) and isinstance(other, DiagnosticError):
            one, two = first.diagnostics[0], other.diagnostics[0]
            return (one.code, one.line) == (two.code, two.line)
        return False
    return bool(np.allclose(first, other, rtol=SAME, atol=SAME, equal_nan=True))


def _as_matrix(value: Any, size: int) -> Matrix:
    try:
        found = np.asarray(value)
        if found.dtype.kind not in "biuf":
            raise TypeError
        matrix = found.astype(np.float64)
    except (TypeError, ValueError):
        raise Stop("E0468", f"the program returned a {type(value).__name__} that is no matrix of numbers") from None
    if matrix.shape != (size, size):
        raise Stop("E0468", f"the program returned shape {matrix.shape} for {size} tokens", "return one row per token")
    return matrix


def compile_bounded(check: ProgramCheck, *, limits: Limits = DEFAULT_LIMITS) -> BoundedProgram:
    """One program that ``check_module`` found without refusals, to be compiled when it is first run.

    Nothing of the program runs. Raises ValueError when ``check.ok`` is false.
    """
    if not check.ok:
        raise ValueError(f"program {check.program.name!r} was refused")
    return BoundedProgram(check, limits)
