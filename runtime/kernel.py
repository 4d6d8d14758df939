"""A library as one kernel: all programs on one text at once, sharing what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attndsl.compiler import Leaves, compile_library, machine
from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.machine import BytecodeMachine
from attndsl.runtime.pattern import normalise
from attndsl.runtime.program import Program, on_host


@dataclass(frozen=True)
class Predicted:
    """Patterns float32 [programs, n, n] of one text; a program that failed has a zero matrix and its error here."""

    patterns: NDArray[np.float32]
    errors: Mapping[int, DiagnosticError]


class LibraryKernel:
    """Compiled programs, ready to be run on many texts. ``programs`` must not hold a refused one (E0802).

    ``backend``: ``numba`` (the fastest on a CPU), ``numpy`` or ``torch``; ``device`` is for torch.
    """

    def __init__(self, programs: Sequence[Program], causal: bool, backend: str = "numba", device: str = "cpu") -> None:
        self.programs = tuple(programs)
        self.causal = causal
        self._backend = {"backend": backend, "device": device}
        for program in self.programs:
            if program.typed is None and program.bounded is None:
                raise fail("E0802", f"{program.name!r} was refused and cannot be run")
        self._lifted = [i for i, program in enumerate(self.programs) if program.typed is not None]
        graph = compile_library([self.programs[i].typed for i in self._lifted])  # type: ignore[misc]
        self._machine = BytecodeMachine(graph) if backend == "numba" else machine(graph, backend, device)

    def part(self, ids: Sequence[int]) -> LibraryKernel:
        """A kernel of the programs with these numbers, on the same back end."""
        return LibraryKernel([self.programs[i] for i in ids], self.causal, **self._backend)

    def predict(self, table: TokenTable) -> Predicted:
        """Every program's pattern on one text, normalised as ``Program.predict`` does it."""
        n = len(table)
        patterns = np.zeros((len(self.programs), n, n), dtype=np.float32)
        errors: dict[int, DiagnosticError] = {}

        def put(index: int, matrix: NDArray[np.float64] | DiagnosticError) -> None:
            if not isinstance(matrix, DiagnosticError):
                try:
                    patterns[index] = normalise(matrix, causal=self.causal, name=self.programs[index].name)
                    return
                except DiagnosticError as error:
                    matrix = error
            errors[index] = matrix

        host = {name: function for program in self.programs for name, function in program.host.items()}
        leaves = Leaves(table, host)
        if isinstance(self._machine, BytecodeMachine):
            failed = self._machine.patterns(leaves, self.causal, patterns, self._lifted)[1]
            errors.update({self._lifted[number]: error for number, error in failed.items()})
        else:
            with np.errstate(all="ignore"):
                for index, matrix in zip(self._lifted, self._machine.run(leaves), strict=True):
                    put(index, matrix if isinstance(matrix, DiagnosticError) else np.asarray(on_host(matrix)))
        for index, program in enumerate(self.programs):
            if program.typed is None:
                try:
                    put(index, program.matrix(table))
                except DiagnosticError as error:
                    put(index, error)
        return Predicted(patterns, errors)


class LastKernel:
    """Kernels of some of a library's programs, as ``make`` makes them of the programs' numbers. The last one is kept:
    every text of a split asks for the same programs, and to compile them takes seconds."""

    def __init__(self, make: Callable[[list[int]], LibraryKernel]) -> None:
        self._make = make
        self._last: tuple[list[int], LibraryKernel] | None = None

    def of(self, ids: Sequence[int] | NDArray[np.int64]) -> LibraryKernel:
        """The kernel of the programs with these numbers, in this order."""
        wanted = [int(i) for i in ids]
        if self._last is None or self._last[0] != wanted:
            self._last = wanted, self._make(wanted)
        return self._last[1]
