"""The values over one axis that a linear form needs, on one text; reductions over keys by their own forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from attndsl.compiler.emit_torch import TorchBackend
from attndsl.compiler.ir import Op, is_word_axis
from attndsl.compiler.leaves import Leaves
from attndsl.compiler.structure import Box, Fold, Term
from attndsl.runtime.linear.sums import range_extreme


@dataclass(frozen=True)
class Ranges:
    """A box without ``at``: per row a range of places; place p holds the key ``order[p]`` (None: p itself)."""

    lo: torch.Tensor
    hi: torch.Tensor
    order: torch.Tensor | None
    keep: torch.Tensor  # bool [n], along places


class Values:
    """Values of operations on one text, computed when asked for, once."""

    def __init__(self, folds: Mapping[int, Fold], leaves: Leaves, backend: TorchBackend) -> None:
        self.folds = folds
        self.leaves = leaves
        self.backend = backend
        self.n = leaves.tokens
        self.row = torch.arange(self.n, device=backend.device)
        self._known: dict[int, torch.Tensor] = {}
        self._ranges: dict[tuple[object, ...], Ranges] = {}

    def of(self, op: Op) -> torch.Tensor:
        """[n], or a scalar for an operation without axes."""
        stack = [op]
        while stack:
            at = stack[-1]
            if at.id in self._known:
                stack.pop()
                continue
            missing = [] if at.id in self.folds else [arg for arg in at.args if arg.id not in self._known]
            if missing:
                stack.extend(missing)
                continue
            self._known[at.id] = self._compute(stack.pop())
        return self._known[op.id]

    def along(self, op: Op) -> torch.Tensor:
        """The value for every row: [n]."""
        return self.of(op).expand(self.n)

    def _compute(self, op: Op) -> torch.Tensor:
        if op.id in self.folds:
            return self._fold(self.folds[op.id])
        args = [self._known[arg.id] for arg in op.args]
        found: Any
        if op.name in self.backend.elementwise:
            found = self.backend.elementwise[op.name](*args)
        elif op.name in self.backend.reductions:
            found = self.backend.reductions[op.name](args[0].expand(self._size(op.attr)), 0)
        else:
            found = self._leaf(op, args)
        return torch.as_tensor(found, device=self.backend.device)

    def _size(self, axis: str) -> int:
        return self.leaves.words if is_word_axis(axis) else self.n

    def _leaf(self, op: Op, args: list[torch.Tensor]) -> Any:
        match op.name:
            case "const":
                return self.backend.constant(op.attr)
            case "text":
                return self.backend.text_code(op.attr)
            case "n":
                return self.backend.constant(float(self.n))
            case "iota":
                return self.backend.arange(0, self._size(op.attr))
            case "column":
                return self.backend.leaf(self.leaves.column(op.attr, op.dtype))
            case "map_text":
                together = torch.broadcast_tensors(*args)  # type: ignore[no-untyped-call]  # torch leaves it so
                return self.backend.map_text(op, list(together))
            case "rename":
                return args[0]
            case "rank":
                return self.backend.rank(args[0], 0)
            case "gather":
                return self._gather(args[0], args[1])
        raise AssertionError(f"no implementation of {op.name}")

    def _gather(self, source: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        if len(source) == 0:
            return torch.zeros(index.shape, dtype=source.dtype, device=source.device)
        return source[torch.nan_to_num(index, nan=0.0).clamp(0, len(source) - 1).to(torch.int64)]

    # ------------------------------------------------------------ boxes

    def points(self, box: Box, below: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """The key of each row, and whether the row has it: int64 [n], bool [n]."""
        assert box.at is not None
        at = self.along(box.at)
        there = self.along(box.row) & (at >= 0) & (at < self.n) & (at == at.floor())
        place = torch.nan_to_num(at, nan=0.0).clamp(0, max(self.n - 1, 0)).to(torch.int64)
        return place, there & (place <= self.row) if below else there

    def ranges(self, box: Box, below: bool) -> Ranges:
        """A box without ``at`` as ranges; rows outside the box have empty ones (hi < lo)."""
        same = tuple((a.id, b.id) for a, b in box.same)
        key = (below, box.row.id, box.key.id, tuple(op.id for op in box.lo), tuple(op.id for op in box.hi), same)
        if key not in self._ranges:
            self._ranges[key] = self._make_ranges(box, below)
        return self._ranges[key]

    def _make_ranges(self, box: Box, below: bool) -> Ranges:
        lo, hi = torch.zeros_like(self.row), torch.full_like(self.row, self.n - 1)
        if below:
            hi = self.row.clone()
        for op in box.lo:
            lo = torch.maximum(lo, self._place(op))
        for op in box.hi:
            hi = torch.minimum(hi, self._place(op))
        empty = (hi < lo) | ~self.along(box.row)
        lo, hi = torch.where(empty, 0, lo), torch.where(empty, -1, hi)
        keep = self.along(box.key)
        if not box.same:
            return Ranges(lo, hi, None, keep)
        mine, theirs = self._groups(box)
        order = torch.argsort(theirs, stable=True)
        places = theirs[order] * self.n + order
        first = torch.searchsorted(places, mine * self.n + lo)
        last = torch.searchsorted(places, mine * self.n + hi, right=True) - 1
        empty = (hi < 0) | (last < first)
        first, last = torch.where(empty, 0, first), torch.where(empty, -1, last)
        return Ranges(first, last, order, keep[order])

    def _place(self, op: Op) -> torch.Tensor:
        limit = float(self.n)  # bounds are whole numbers, but may lie far outside the text, or at infinity
        return torch.nan_to_num(self.along(op), nan=limit).clamp(-limit, limit).to(torch.int64)

    def _groups(self, box: Box) -> tuple[torch.Tensor, torch.Tensor]:
        """Numbers of equal features, for rows and for keys."""
        mine, theirs = torch.zeros_like(self.row), torch.zeros_like(self.row)
        for a, b in box.same:
            both = torch.cat([self.along(a), self.along(b)])
            numbers, group = torch.unique(both, return_inverse=True)
            mine, theirs = mine * len(numbers) + group[: self.n], theirs * len(numbers) + group[self.n :]
            _, group = torch.unique(torch.cat([mine, theirs]), return_inverse=True)
            mine, theirs = group[: self.n], group[self.n :]
        return mine, theirs

    # ------------------------------------------------------------ reductions

    def _fold(self, fold: Fold) -> torch.Tensor:
        if fold.kind == "sum":
            from attndsl.runtime.linear.apply import add_term

            out = torch.zeros((self.n, 1), dtype=torch.float64, device=self.backend.device)
            ones = torch.ones_like(out)
            for term in fold.terms:
                add_term(out, self, term, ones, below=_has_distance(term))
            return out[:, 0]
        if fold.kind in ("maximum", "minimum"):
            return self._extreme(fold)
        missing = self.n if fold.kind == "first" else -1
        best = torch.full_like(self.row, missing)
        for box in fold.boxes:
            best = (torch.minimum if fold.kind == "first" else torch.maximum)(best, self._found(box, fold.kind))
        if fold.kind == "any":
            return best >= 0
        return torch.where(best == self.n, -1, best).to(torch.float64)

    def _found(self, box: Box, kind: str) -> torch.Tensor:
        """The first or last key of the box in each row; n, or -1, where it has none."""
        missing = self.n if kind == "first" else -1
        if box.at is not None:
            place, there = self.points(box, False)
            return torch.where(there, place, missing)
        at = self.ranges(box, False)
        index = torch.where(at.keep, self.row, missing)
        if kind == "first":
            known = index.flip(0).cummin(0).values.flip(0)[at.lo] if self.n else index
            there = known <= at.hi
        else:
            known = index.cummax(0).values[at.hi.clamp(min=0)] if self.n else index
            there = (known >= at.lo) & (at.hi >= 0)
        place = known.clamp(0, max(self.n - 1, 0))
        return torch.where(there, place if at.order is None else at.order[place], missing)

    def _extreme(self, fold: Fold) -> torch.Tensor:
        assert fold.value is not None
        largest = fold.kind == "maximum"
        nothing = float("-inf") if largest else float("inf")
        value = self.along(fold.value)
        best = torch.full((self.n,), nothing, dtype=torch.float64, device=self.backend.device)
        for box in fold.boxes:
            if box.at is not None:
                place, there = self.points(box, False)
                found = torch.where(there, value[place], nothing)
            else:
                at = self.ranges(box, False)
                placed = value if at.order is None else value[at.order]
                found = range_extreme(torch.where(at.keep, placed, nothing), at.lo, at.hi, largest)
            best = (torch.maximum if largest else torch.minimum)(best, found)
        return best


def _has_distance(term: Term) -> bool:
    return term.distance is not None or term.box.far is not None
