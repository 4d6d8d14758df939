"""The pipeline: checked program -> IR -> array machine.

    source -> parse_library -> tree -> check -> typed program -> lower -> IR -> optimize -> IR -> Machine -> matrix

``compile_library`` lowers many programs with one builder, so that equal sub-expressions are computed once per text.
"""

from __future__ import annotations

from collections.abc import Iterable

from attndsl.compiler.array_machine import ArrayBackend, Machine
from attndsl.compiler.build import Builder
from attndsl.compiler.ir import IRProgram
from attndsl.compiler.leaves import Leaves
from attndsl.compiler.lower import lower
from attndsl.compiler.passes import optimize
from attndsl.dsl.checker import TypedProgram
from attndsl.dsl.diagnostics import fail

BACKENDS = ("numpy", "torch")


def compile_library(programs: Iterable[TypedProgram]) -> list[IRProgram]:
    """IR of many programs in one graph. Raises DiagnosticError E0351."""
    builder = Builder()
    return optimize([lower(typed, builder) for typed in programs], builder)


def machine(programs: Iterable[IRProgram], backend: str = "numpy", device: str = "cpu") -> Machine:
    """An array machine for the programs; ``backend`` is one of ``BACKENDS``.

    Raises DiagnosticError E0501 for another one.
    """
    chosen: ArrayBackend
    if backend == "numpy":
        from attndsl.compiler.emit_numpy import NumpyBackend

        chosen = NumpyBackend()
    elif backend == "torch":
        from attndsl.compiler.emit_torch import TorchBackend

        chosen = TorchBackend(device)
    else:
        raise fail("E0501", f"no back end is named {backend!r}", help=f"choose one of {', '.join(BACKENDS)}")
    return Machine(list(programs), chosen)


__all__ = ["BACKENDS", "IRProgram", "Leaves", "Machine", "compile_library", "lower", "machine"]
