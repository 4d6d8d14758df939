"""One term of a linear form times values: ``out += term @ values`` without the term's matrix."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from attndsl.compiler.structure import Term
from attndsl.compiler.structure.affine import Decay, decay_of
from attndsl.runtime.linear.sums import decayed_prefix_sum, prefix_sum, range_sum, toeplitz
from attndsl.runtime.linear.values import Ranges, Values

BLOCK = 256  # rows of a dense part at a time


def add_term(out: torch.Tensor, values: Values, term: Term, x: torch.Tensor, *, below: bool) -> None:
    """Evaluate a term on a text and add it; for a form that is used more than once see ``prepare``."""
    prepare(values, term, below=below).add(out, x)


def prepare(values: Values, term: Term, *, below: bool) -> PointTerm | RangeTerm:
    """The numbers of a term on one text. ``below``: cells after the diagonal are left out."""
    coefficient = values.along(term.coefficient)
    if term.box.at is not None:
        place, there = values.points(term.box, below)
        return PointTerm(torch.where(there, coefficient, 0.0), place, not term.box.at.axes)
    ranges = values.ranges(term.box, below)
    weight = torch.where(values.along(term.box.key), values.along(term.weight), 0.0)
    if ranges.order is not None:
        weight = weight[ranges.order]
    coefficient = torch.where(ranges.hi >= 0, coefficient, 0.0)
    kernel = decay = None
    if term.distance is not None or term.box.far is not None:
        decay = decay_of(term.distance) if term.distance is not None and term.box.far is None else None
        if decay is None:
            kernel = values.along(term.distance) if term.distance is not None else torch.ones_like(coefficient)
            if term.box.far is not None:
                kernel = torch.where(values.along(term.box.far), kernel, 0.0)
    if len(weight):  # a weight that no range reaches may be anything
        place = values.row
        reached = (place >= ranges.lo.min()) & (place <= ranges.hi.max())
        weight = torch.where(reached, weight, 0.0)
    if kernel is not None:
        bounded = _bounded_kernel(kernel, ranges)
        return RangeTerm(coefficient, weight, ranges, None, kernel if bounded is None else bounded, bounded is None)
    return RangeTerm(coefficient, weight, ranges, decay, None)


@dataclass(frozen=True)
class PointTerm:
    """One key per row."""

    coefficient: torch.Tensor
    place: torch.Tensor
    constant: bool

    def add(self, out: torch.Tensor, x: torch.Tensor) -> None:
        keys = x[self.place[:1]] if self.constant else x[self.place]
        out.addcmul_(self.coefficient.to(x.dtype)[:, None], keys)

    def nonnegative(self) -> bool:
        return bool((self.coefficient >= 0).all())

    def finite(self) -> bool:
        return bool(self.coefficient.isfinite().all())


@dataclass(frozen=True)
class RangeTerm:
    """A range of keys per row, in an order of the keys, with weights and a decay or a kernel of the distance."""

    coefficient: torch.Tensor
    weight: torch.Tensor
    ranges: Ranges
    decay: Decay | None
    kernel: torch.Tensor | None
    dense: bool = False  # cells are computed one by one: a kernel inside ranges that differ from row to row

    def add(self, out: torch.Tensor, x: torch.Tensor) -> None:
        at = self.ranges
        placed = x if at.order is None else x[at.order]
        weighted = self.weight.to(x.dtype)[:, None] * placed
        out.addcmul_(self.coefficient.to(x.dtype)[:, None], self._sums(weighted))

    def _sums(self, x: torch.Tensor) -> torch.Tensor:
        at = self.ranges
        whole = at.order is None and not bool((at.lo > 0).any())
        if self.kernel is not None:
            return self._dense(x) if self.dense else toeplitz(x, self.kernel)
        if self.decay is None:
            return prefix_sum(x, at.hi) if whole else range_sum(x, at.lo, at.hi)
        if whole:
            return decayed_prefix_sum(x, at.hi, self.decay.slope) * self.decay.scale
        rows = torch.arange(len(at.lo), device=x.device)
        found = range_sum(x, at.lo, at.hi, self.decay.slope, at.order, rows)
        return found * self.decay.scale

    def _dense(self, x: torch.Tensor) -> torch.Tensor:
        assert self.kernel is not None
        at, out = self.ranges, torch.empty((len(self.coefficient), x.shape[1]), dtype=x.dtype, device=x.device)
        place = torch.arange(len(x), device=x.device)
        keys = place if at.order is None else at.order
        for start in range(0, len(out), BLOCK):
            rows = slice(start, start + BLOCK)
            away = torch.arange(len(out), device=x.device)[rows, None] - keys[None]
            inside = (place[None] >= at.lo[rows, None]) & (place[None] <= at.hi[rows, None])
            cells = torch.where(inside, self.kernel[away.clamp(min=0)], 0.0)
            out[rows] = cells.to(x.dtype) @ x
        return out

    def nonnegative(self) -> bool:
        used = bool((self.coefficient >= 0).all()) and bool((self.weight >= 0).all())
        return used and (self.kernel is None or bool((self.kernel >= 0).all()))

    def finite(self) -> bool:
        parts = (self.coefficient, self.weight, *(() if self.kernel is None else (self.kernel,)))
        return all(bool(part.isfinite().all()) for part in parts)


def _bounded_kernel(kernel: torch.Tensor, at: Ranges) -> torch.Tensor | None:
    """The kernel with the range in it, where the range is the same distance for every row; else None."""
    if at.order is not None:
        return None
    rows = torch.arange(len(at.lo), device=at.lo.device)  # also the distances the kernel has values for
    used = at.hi >= 0
    if not bool(used.any()):
        return torch.zeros_like(kernel)
    nearest, farthest = int((rows - at.hi)[used].min()), int((rows - at.lo)[used].max())
    wanted_lo, wanted_hi = (rows - farthest).clamp(min=0), rows - nearest
    if bool(((at.lo != wanted_lo) | (at.hi != wanted_hi))[used].any()):
        return None
    return torch.where((rows >= nearest) & (rows <= farthest), kernel, 0.0)
