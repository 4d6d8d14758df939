"""What a pattern must be before it enters the store or a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from attndsl.dsl.diagnostics import fail

if TYPE_CHECKING:
    import torch

SUM_TOLERANCE = 1e-4
"""How far a float32 row may be from sum 1: a thousand times the rounding of a softmax over 1,000 keys, and still
far below any difference that IoU shows in four digits."""

LOW_PRECISION_SUM_TOLERANCE = 2e-2
"""The same for patterns that a model computed in bfloat16 (8 bits: each weight is off by up to 0.4%) or float16."""


def sum_tolerance(dtype: torch.dtype) -> float:
    """The tolerance for patterns computed in ``dtype``."""
    import torch

    return SUM_TOLERANCE if dtype in (torch.float32, torch.float64) else LOW_PRECISION_SUM_TOLERANCE


def as_tensor(pattern: Any, device: Any = None) -> torch.Tensor:
    """A pattern, or a stack of them, as a float32 tensor. Raises E0632 for anything that is not an array."""
    import torch

    if isinstance(pattern, torch.Tensor):
        return pattern.detach().to(device=device, dtype=torch.float32)
    try:
        array = np.ascontiguousarray(pattern, dtype=np.float32)
    except (TypeError, ValueError):
        raise fail("E0632", f"a pattern must be an array, not {type(pattern).__name__}") from None
    return torch.from_numpy(array).to(device) if array.flags.writeable else torch.tensor(array, device=device)


def check_shape(patterns: torch.Tensor, expected: tuple[int, ...], who: str) -> None:
    """Raises E0632 unless ``patterns`` has exactly the shape expected."""
    if tuple(patterns.shape) != expected:
        raise fail(
            "E0632",
            f"the pattern of {who} has shape {list(patterns.shape)} where {list(expected)} is needed",
            help="a pattern is [query, key], both counting every token of the text, special tokens included",
        )


def check_values(
    patterns: torch.Tensor,
    names: list[str],
    *,
    causal: bool,
    tolerance: float = SUM_TOLERANCE,
    sinks: bool = False,
    code: str = "E0633",
) -> None:
    """Check patterns ``[head, q, k]`` whose rows are the last ``q`` queries of a text of ``k`` tokens.

    They must be finite, not negative, with rows of sum 1 within ``tolerance`` (at most 1 where the model has
    attention ``sinks``) and, if ``causal``, exactly zero for keys after the query. Raises ``code`` (E0633, or E0638
    for patterns that came out of a model), naming the first head, query and value at fault.
    """
    import torch

    sums = patterns.sum(-1)
    if not torch.isfinite(sums).all():  # a NaN or an infinity anywhere shows in its row's sum
        raise _at_fault(code, "a value that is not finite", patterns, ~torch.isfinite(patterns), names)
    if (patterns < 0).any():
        raise _at_fault(code, "a negative weight", patterns, patterns < 0, names)
    wrong = sums > 1 + tolerance if sinks else (sums - 1).abs() > tolerance
    if wrong.any():
        head, query = (int(i) for i in wrong.nonzero()[0])
        raise fail(
            code,
            f"the pattern of {names[head]} has a row that sums to {float(sums[head, query]):.6g}, not 1"
            f" (row {query} of {patterns.shape[1]})",
            help="divide every row by its sum; give a row without weights to the first token",
        )
    later = patterns.shape[2] - patterns.shape[1] + 1
    if causal and patterns.triu(later).any():
        raise _at_fault(code, "weight on a key after the query", patterns, patterns.triu(later) != 0, names)


def _at_fault(code: str, what: str, patterns: torch.Tensor, bad: torch.Tensor, names: list[str]) -> Exception:
    head, query, key = (int(i) for i in bad.nonzero()[0])
    value = float(patterns[head, query, key])
    return fail(
        code,
        f"the pattern of {names[head]} has {what}: {value:.6g} at row {query}, key {key}",
        help="weights are finite and not negative, rows sum to 1, and in a causal model no key is after the query",
    )
