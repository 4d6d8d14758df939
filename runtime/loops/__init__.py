"""The bounded tier: imported programs as closures over Python's and numpy's own values, with fuel."""

from attndsl.runtime.loops.program import BoundedProgram, compile_bounded
from attndsl.runtime.loops.state import DEFAULT_LIMITS, Limits

__all__ = ["DEFAULT_LIMITS", "BoundedProgram", "Limits", "compile_bounded"]
