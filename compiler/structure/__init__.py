"""Structure analysis: IR -> a linear form, or the reason why there is none."""

from attndsl.compiler.structure.analysis import Fold, LinearForm, linear_form
from attndsl.compiler.structure.forms import Box, Term, Unstructured

__all__ = ["Box", "Fold", "LinearForm", "Term", "Unstructured", "linear_form"]
