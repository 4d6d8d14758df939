"""Repair of a replaced head: its output times one number plus one vector.

    repaired(q) = scale * (program @ V)(q) + bias        in every row but the first of a causal head

A pattern that looks at the right keys with too little weight writes too little; what a head adds in every row is its
bias. The first row of a causal head has one key, so it is right already. ``models/repair_fit.py`` fits them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attndsl.models.sequences import Sequences

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Repair:
    """``scale`` and ``bias``, one number per channel of the head, in the units of the head's output."""

    scale: float
    bias: tuple[float, ...]


def repaired(
    output: torch.Tensor, repairs: Sequence[Repair | None], sequences: Sequences, causal: bool
) -> torch.Tensor:
    """Repair [batch, q, heads, d], head by head; None leaves a head alone, and so do rows that are padding.

    Computed in float32 at least: scale 1 and bias 0 change nothing at all in any precision.
    """
    import torch

    if not any(repairs):
        return output
    wide = torch.promote_types(output.dtype, torch.float32)
    scale = torch.tensor([1.0 if r is None else r.scale for r in repairs], dtype=wide, device=output.device)
    nothing = (0.0,) * output.shape[-1]
    bias = torch.tensor([nothing if r is None else r.bias for r in repairs], dtype=wide, device=output.device)
    found = (output.to(wide) * scale[:, None] + bias).to(output.dtype)
    return torch.where(rows_of(sequences, causal, output.device)[..., None, None], found, output)


def rows_of(sequences: Sequences, causal: bool, device: torch.device) -> torch.Tensor:
    """Which rows of a pass are repaired: bool [1 or batch, q]."""
    import torch

    present = sequences.present
    present = torch.ones(1, sequences.total, dtype=torch.bool) if present is None else present
    kept = present & (present.cumsum(-1) > 1) if causal else present
    return kept[:, sequences.total - sequences.queries :].to(device)
