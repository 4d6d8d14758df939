"""The types of arrays that programs may ask numpy for."""

from __future__ import annotations

from typing import Any

import numpy as np

from attndsl.dsl.pyimport import vocabulary as words
from attndsl.runtime.loops.state import Stop

TYPES = frozenset({int, float, bool, str, complex, *(getattr(np, name) for name in words.NUMPY_TYPES)})
"""What can be called, and numpy takes for the type of an array."""

PLACES: dict[str, int] = {
    **dict.fromkeys(("zeros", "ones", "empty", "identity", "array", "asarray", "indices"), 1),
    **dict.fromkeys(("zeros_like", "ones_like", "empty_like"), 1),
    **dict.fromkeys(("full", "full_like", "sum", "prod", "cumsum", "cumprod", "mean", "std", "var"), 2),
    **dict.fromkeys(
        ("nansum", "nanprod", "nancumsum", "nancumprod", "nanmean", "nanstd", "nanvar", "reduce", "accumulate"), 2
    ),
    **dict.fromkeys(("eye", "tri", "arange"), 3),
    **dict.fromkeys(("linspace", "logspace"), 5),
    "trace": 4,
}  # fmt: skip
"""Where these functions take the type without its name; methods of arrays one place earlier."""


def check_type(value: Any) -> None:
    """Stop where numpy would make items of this type that are objects, which have no size, or arrays, or records."""
    if value is None or isinstance(value, np.dtype):
        return
    if isinstance(value, type) and (value in TYPES or issubclass(value, np.generic)):
        return
    if isinstance(value, str):
        try:
            kind = np.dtype(value)
        except (TypeError, ValueError, SyntaxError):
            return  # a text, or an error of numpy's
        if not kind.hasobject and kind.subdtype is None and kind.names is None:
            return
    raise Stop("E0465", "numpy is asked for another type than numbers, truths or texts", "write dtype=float")


def check_types(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], first: int = 0) -> None:
    """``check_type`` of the type among the arguments; ``first`` is 1 for a method."""
    if "dtype" in kwargs:
        check_type(kwargs["dtype"])
    place = 0 if name == "astype" else PLACES.get(name, 99) - first
    if place < len(args):
        check_type(args[place])
