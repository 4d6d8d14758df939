"""Repairs of replaced heads, fitted on texts: least squares between what a head writes and what its program writes.

The fit is in closed form, on passes of the unmodified model: each head's repair knows nothing of the other replaced
heads, and stands whichever they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from attndsl.models.heads import Head
from attndsl.models.interface import dispatch_through, implementation_of
from attndsl.models.layout import AttentionLayout, find_layout
from attndsl.models.pattern_checks import sum_tolerance
from attndsl.models.placement import OutsideWindow
from attndsl.models.repair import Repair, rows_of
from attndsl.models.replacement import Provider, Replacement
from attndsl.models.sequences import SequenceTracker

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


class _Moments:
    """Sums over rows for the least squares of one head, in float64."""

    def __init__(self) -> None:
        self.rows = 0
        self.own: Any = 0.0
        self.put: Any = 0.0
        self.both = 0.0
        self.square = 0.0

    def add(self, own: torch.Tensor, put: torch.Tensor) -> None:
        """Outputs of the head itself and of its program, each [rows, d]."""
        own, put = own.double(), put.double()
        self.rows += len(own)
        self.own = self.own + own.sum(0)
        self.put = self.put + put.sum(0)
        self.both += float((own * put).sum())
        self.square += float((put * put).sum())

    def solve(self) -> Repair | None:
        """None where no row was seen. A program whose output never varies keeps its scale: there is nothing to fit."""
        if not self.rows:
            return None
        own, put = self.own / self.rows, self.put / self.rows
        variance = self.square / self.rows - float((put * put).sum())
        shared = self.both / self.rows - float((own * put).sum())
        scale = shared / variance if variance > 1e-9 * (self.square / self.rows) else 1.0
        return Repair(scale, tuple((own - scale * put).tolist()))


class _Fitting(Replacement):
    """Compares what each program would put out with what its head puts out, and changes nothing."""

    def watch(self) -> list[_Moments]:
        self.moments = [_Moments() for _ in self._heads]
        return self.moments

    def attend(
        self, module: torch.nn.Module, query: Any, key: Any, value: Any, mask: Any, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The model's own attention."""
        places = self._rows_of.get(self._pass.layer(module), [])
        output, weights = self._own(module, query, key, value, mask, *args, **kwargs)
        if places:
            put = self._by_patterns(module, places, value, query.shape[1], mask, kwargs)[0]
            sequences = self._pass.sequences
            assert sequences is not None  # else there were no patterns
            causal = self._layout[self._heads[places[0]][0]].causal
            rows = rows_of(sequences, causal, output.device).expand(output.shape[:2])
            for i, place in enumerate(places):
                self.moments[place].add(output[:, :, self._heads[place][1]][rows], put[:, :, i][rows])
        return output, weights


def fit_repairs(
    model: PreTrainedModel,
    heads: Sequence[Head],
    provider: Provider,
    texts: Iterable[Sequence[int]],
    *,
    layout: AttentionLayout | None = None,
    outside_window: OutsideWindow = "error",
    progress: Callable[[int], None] | None = None,
) -> dict[Head, Repair]:
    """The repair of each head on texts given as token ids; ``provider`` and ``outside_window`` are those of ``inject``.

    Heads of which the texts show nothing (one token each, in a causal head) are left out. Raises what ``inject``
    raises.
    """
    import torch

    layout = layout or find_layout(model)
    fitting = _Fitting(layout, list(heads), provider, implementation_of(model), outside_window)
    fitting.tolerance = sum_tolerance(model.dtype)
    moments = fitting.watch()
    tracker = SequenceTracker(fitting.begin, fitting.end)
    with (
        torch.no_grad(),
        dispatch_through(model, fitting.attend, fitting.original),
        tracker.following(model),
    ):
        for done, ids in enumerate(texts, start=1):
            model.base_model(input_ids=torch.tensor([list(ids)], device=model.device))
            if progress is not None:
                progress(done)
    found = {head: of_head.solve() for head, of_head in zip(heads, moments, strict=True)}
    return {head: repair for head, repair in found.items() if repair is not None}
