"""The differential oracle: CPython's own answer for a program's source, against what we compiled from it.

The source runs in the sandbox (``runtime/sandbox``), never in this process. Matrices are compared raw and normalised;
where CPython raises, ours must raise as well, at the same line of the source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from attndsl.compiler import Leaves
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.pattern import normalise
from attndsl.runtime.program import HostFunction, Program
from attndsl.runtime.sandbox import SandboxError, SandboxPool

TOLERANCE = 1e-6
"""Largest |difference| of a weight that still counts as equal: sums in another order move the last digits only."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Mismatch:
    """One disagreement: ``what`` says which kind, ``text`` where, ``delta`` the largest difference."""

    program: str
    backend: str
    text: str
    what: str
    delta: float
    place: tuple[int, int] | None = None
    expected: str = ""
    found: str = ""

    def __str__(self) -> str:
        at = f" at query {self.place[0]}, key {self.place[1]}" if self.place else ""
        return (
            f"{self.program} on {self.backend}: {self.what}{at}: CPython {self.expected}, ours {self.found}"
            f" (text {self.text[:40]!r})"
        )


@dataclass(frozen=True)
class Verdict:
    """What comparing one program gave: how many texts, how many of them raised in CPython, and every mismatch.

    ``by_backend`` holds the largest difference of each back end, ``compared`` how many texts it was compared on.
    """

    program: str
    texts: int
    raised: int
    largest: float
    mismatches: tuple[Mismatch, ...]
    unavailable: str = ""
    by_backend: Mapping[str, float] = field(default_factory=dict)
    compared: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.mismatches and not self.unavailable


def verify(
    program: Program,
    tables: Iterable[TokenTable],
    pool: SandboxPool,
    backends: Sequence[str] = ("auto",),
    interpreted: int | None = None,
) -> Verdict:
    """Compare a program that came from Python with CPython on texts, on each back end.

    ``interpreted``: the most tokens of a text on which the interpreter is asked (it takes plain loops for everything).

    A text on which CPython raises counts as agreed when every back end raises at the same line. Raises SandboxError
    only for what has nothing to do with the program (no isolation on this machine).
    """
    found: list[Mismatch] = []
    texts, raised = 0, 0
    largest: dict[str, float] = {}
    compared: Counter[str] = Counter()

    def verdict(unavailable: str = "") -> Verdict:
        most = max(largest.values(), default=0.0)
        return Verdict(program.name, texts, raised, most, tuple(found), unavailable, largest, dict(compared))

    for table in tables:
        texts += 1
        expected = cpython(program, table, pool)
        if isinstance(expected, SandboxError) and expected.outcome != "error":
            return verdict(str(expected))
        raised += isinstance(expected, SandboxError)
        for backend in backends:
            if backend == "interpreter" and interpreted is not None and len(table) > interpreted:
                continue
            delta, mismatch = _compare(program, table, backend, expected)
            largest[backend] = max(largest.get(backend, 0.0), delta)
            compared[backend] += 1
            if mismatch is not None:
                found.append(mismatch)
    return verdict()


def cpython(program: Program, table: TokenTable, pool: SandboxPool) -> Matrix | SandboxError:
    """CPython's raw matrix for the program's source, or the error it ends in."""
    assert program.source is not None, "only programs that came from Python have CPython's answer"
    hosts = host_matrices(table, program.host_for(table))
    try:
        return pool.run_program(program.source, program.source_name, table, hosts, allow_nonfinite=True)
    except SandboxError as error:
        return error


def host_matrices(table: TokenTable, host: Mapping[str, HostFunction]) -> dict[str, Matrix]:
    """The host's relations as matrices, the form in which they cross the border."""
    leaves = Leaves(table, host)
    return {name: leaves.host(name) for name in host}


def _compare(
    program: Program, table: TokenTable, backend: str, expected: Matrix | SandboxError
) -> tuple[float, Mismatch | None]:
    try:
        ours: Matrix | DiagnosticError = program.matrix(table, backend)
    except DiagnosticError as error:
        ours = error

    def mismatch(what: str, delta: float, left: str, right: str, place: tuple[int, int] | None = None) -> Mismatch:
        return Mismatch(program.name, backend, table.text, what, delta, place, left, right)

    if isinstance(expected, SandboxError):
        if not isinstance(ours, DiagnosticError):
            return 0.0, mismatch("only CPython raises", np.inf, str(expected), "gives a matrix")
        lines = expected.line, ours.diagnostics[0].line
        if lines[0] != lines[1]:
            return 0.0, mismatch("raises at another line", np.inf, f"line {lines[0]}", f"line {lines[1]}: {ours}")
        return 0.0, None
    if isinstance(ours, DiagnosticError):
        return 0.0, mismatch("only ours raises", np.inf, "gives a matrix", str(ours))
    for what, left, right in _forms(expected, ours, program):
        delta, place = difference(left, right)
        if delta > TOLERANCE:
            return delta, mismatch(what, delta, f"{left[place]:.9g}", f"{right[place]:.9g}", place)
    return difference(expected, ours)[0], None


def _forms(expected: Matrix, ours: Matrix, program: Program) -> list[tuple[str, Matrix, Matrix]]:
    forms = [("raw matrices differ", expected, ours)]
    if np.isfinite(expected).all() and np.isfinite(ours).all():
        pair = (normalise(m, causal=program.causal).astype(np.float64) for m in (expected, ours))
        forms.append(("normalised patterns differ", *pair))  # type: ignore[arg-type]
    return forms


def difference(left: Matrix, right: Matrix) -> tuple[float, tuple[int, int]]:
    """The largest |difference| and its place; equal infinities and a NaN on both sides do not differ."""
    if left.shape != right.shape:
        return np.inf, (0, 0)
    if left.size == 0:
        return 0.0, (0, 0)
    with np.errstate(all="ignore"):
        delta = np.abs(left - right)
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    delta = np.where(same, 0.0, np.where(np.isnan(delta), np.inf, delta))
    row, column = np.unravel_index(int(delta.argmax()), delta.shape)
    return float(delta[row, column]), (int(row), int(column))
