"""Programs in linear time: a pattern times values without the pattern."""

from attndsl.runtime.linear.flex import FlexForm
from attndsl.runtime.linear.program import LinearProgram, TextForm, values_of

__all__ = ["FlexForm", "LinearProgram", "TextForm", "values_of"]
