"""A program in its linear form: made ready once per text, applied to the values of as many heads as use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from attndsl.compiler.emit_torch import TorchBackend
from attndsl.compiler.leaves import Leaves
from attndsl.compiler.structure import LinearForm, Term
from attndsl.runtime.linear.apply import PointTerm, RangeTerm, prepare
from attndsl.runtime.linear.values import Values


@dataclass(frozen=True)
class TextForm:
    """A normalised pattern on one text, as terms. ``empty`` marks rows whose weight goes to the first token."""

    terms: tuple[PointTerm | RangeTerm, ...]
    scale: torch.Tensor
    empty: torch.Tensor | None

    def apply(self, values: torch.Tensor) -> torch.Tensor:
        """``pattern @ values`` for values [n, m], in their precision, but at least float32."""
        wide = values if values.dtype in (torch.float32, torch.float64) else values.to(torch.float32)
        out = torch.zeros_like(wide)
        for term in self.terms:
            term.add(out, wide)
        out *= self.scale.to(wide.dtype)[:, None]
        if self.empty is not None:
            out = torch.where(self.empty[:, None], wide[:1], out)
        return out.to(values.dtype)


def values_of(forms: Sequence[LinearForm], leaves: Leaves, device: str) -> Values:
    """The values of one text that forms of the same builder share."""
    folds = {number: fold for form in forms for number, fold in form.folds.items()}
    return Values(folds, leaves, TorchBackend(device))


class LinearProgram:
    """A linear form on a torch device."""

    def __init__(self, form: LinearForm, device: str | torch.device = "cpu") -> None:
        self.form = form
        self._backend = TorchBackend(str(device))

    def on(self, leaves: Leaves, values: Values | None = None) -> TextForm | str:
        """The form on one text, or the reason why every cell has to be computed there.

        ``values``: those of this text for several programs that were analysed with the same builder.
        The reasons are of the text: a weight that is negative (it would be clipped) or not finite, or a check of the
        program that fails; the dense kernel then clips, or raises the error with its place.
        """
        values = values or Values(self.form.folds, leaves, self._backend)
        if any(self._somewhere(values, boxes) for boxes in self.form.failures):
            return "a check of the program fails"
        below = self.form.causal
        terms = tuple(self._term(values, term) for term in self.form.terms)
        if not all(term.finite() for term in terms):
            return "a weight is not finite"
        assumed = tuple(prepare(values, term, below=below) for term in self.form.assumed)
        if not all(term.nonnegative() for term in (*terms, *assumed)):
            return "a weight may be negative"
        total = torch.zeros((leaves.tokens, 1), dtype=torch.float64, device=self._backend.device)
        ones = torch.ones_like(total)
        for term in terms:
            term.add(total, ones)
        if not bool(total.isfinite().all()):
            return "a row's sum is not finite"
        nothing = total[:, 0] <= 0
        scale = torch.where(nothing, 0.0, 1 / torch.where(nothing, 1.0, total[:, 0]))
        return TextForm(terms, scale, nothing if self.form.causal and bool(nothing.any()) else None)

    def _term(self, values: Values, term: Term) -> PointTerm | RangeTerm:
        return prepare(values, term, below=self.form.causal)

    def _somewhere(self, values: Values, boxes: tuple[object, ...]) -> bool:
        from attndsl.compiler.structure import Box

        for box in boxes:
            assert isinstance(box, Box)
            if box.at is not None:
                if bool(values.points(box, False)[1].any()):
                    return True
                continue
            at = values.ranges(box, box.far is not None)
            kept = torch.cat([at.keep.new_zeros(1, dtype=torch.int64), at.keep.to(torch.int64).cumsum(0)])
            if bool(((kept[at.hi + 1] - kept[at.lo.clamp(max=values.n)]) > 0).any()):
                return True  # a condition on the distance only narrows this: then the dense kernel decides
        return False
