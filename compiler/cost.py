"""What a program costs before it runs: the highest power of the text length in its operations."""

from __future__ import annotations

from attndsl.compiler.ir import IRProgram, reachable


def cost_class(program: IRProgram) -> str:
    """``O(n)``, ``O(n^2)``, ...: the largest number of axes that one operation has; a relation table counts as two."""
    axes = max((len(op.axes) for op in reachable(program.roots())), default=0)
    power = max(axes, 1)
    return "O(n)" if power == 1 else f"O(n^{power})"


def operations(program: IRProgram) -> int:
    """Number of distinct operations."""
    return sum(1 for _ in reachable(program.roots()))
