"""A linear form as a score modification of FlexAttention: softmax over keys of the logarithm of each cell's weight.

``torch.nn.attention.flex_attention`` asks for the score of one cell, ``score_mod(score, b, h, q, k)``, and may read
tensors that the function captures. Every part of a linear form is such a column of n numbers, so a program that has
one can be said in this way: with scores of zero before, the softmax is the normalised pattern. Compiled by
``torch.compile`` the cells are never stored; run eagerly, as it is here unless ``compiled``, they are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from attndsl.runtime.linear.apply import PointTerm, RangeTerm
from attndsl.runtime.linear.program import TextForm

ScoreMod = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
Cell = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

CHANNELS = 16
"""Of queries and keys, which are all zero, and of values at least: FlexAttention's kernels on a GPU take no fewer."""


@dataclass(frozen=True)
class FlexForm:
    """A normalised pattern on one text, applied by FlexAttention. ``causal``: cells after the diagonal are left out."""

    form: TextForm
    causal: bool
    compiled: bool = False

    def score_mod(self) -> ScoreMod:
        """The score of a cell of this text is the logarithm of its weight; of every batch and head the same."""
        cells = [_point(term) if isinstance(term, PointTerm) else _range(term) for term in self.form.terms]
        empty, causal = self.form.empty, self.causal

        def score_mod(
            score: torch.Tensor, b: torch.Tensor, h: torch.Tensor, q: torch.Tensor, k: torch.Tensor
        ) -> torch.Tensor:
            weight = torch.zeros_like(score, dtype=torch.float32)
            for cell in cells:
                weight = weight + cell(q, k)
            if causal:
                weight = torch.where(k <= q, weight, 0.0)
            if empty is not None:
                weight = torch.where(empty[q], (k == 0).to(weight.dtype), weight)
            return score + torch.log(weight)

        return score_mod

    def apply(self, values: torch.Tensor) -> torch.Tensor:
        """``pattern @ values`` for values [n, m], in their precision, but at least float32."""
        wide = values if values.dtype in (torch.float32, torch.float64) else values.to(torch.float32)
        nothing = wide.new_zeros((1, 1, len(wide), CHANNELS))
        wide = torch.nn.functional.pad(wide, (0, max(0, CHANNELS - wide.shape[1])))
        found = _flex_attention(self.compiled)(nothing, nothing, wide[None, None], score_mod=self.score_mod())
        out: torch.Tensor = found[0, 0, :, : values.shape[1]].to(values.dtype)
        return out


@functools.cache
def _flex_attention(compiled: bool) -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=True) if compiled else flex_attention


def _point(term: PointTerm) -> Cell:
    coefficient, place = term.coefficient.to(torch.float32), term.place
    return lambda q, k: torch.where(place[q] == k, coefficient[q], 0.0)


def _range(term: RangeTerm) -> Cell:
    """A cell's weight: of keys in another order, the range is one of places."""
    at, coefficient, weight = term.ranges, term.coefficient.to(torch.float32), term.weight.to(torch.float32)
    lo, hi = at.lo, at.hi
    place = torch.arange(len(weight), device=weight.device)
    if at.order is not None:
        place = torch.empty_like(place).scatter_(0, at.order, place)
    weight = weight[place]  # by key
    kernel = _by_distance(term)

    def cell(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        inside = (place[k] >= lo[q]) & (place[k] <= hi[q])
        found = coefficient[q] * weight[k]
        if kernel is not None:
            found = found * kernel[(q - k).clamp(min=0)]
        return torch.where(inside, found, 0.0)

    return cell


def _by_distance(term: RangeTerm) -> torch.Tensor | None:
    """What depends on the distance, as a column: a number captured as such would have to be the same in every text."""
    if term.kernel is not None:
        return term.kernel.to(torch.float32)
    if term.decay is None:
        return None
    away = torch.arange(len(term.coefficient), device=term.coefficient.device, dtype=torch.float64)
    return (term.decay.scale * torch.exp(term.decay.slope * away)).to(torch.float32)
