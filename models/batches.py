"""Patterns of a few heads on many short texts: batches, and no layer computed beyond the last one asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attndsl.models.heads import Head, format_head, places_by_layer
from attndsl.models.interface import dispatch_through
from attndsl.models.layout import AttentionLayout, LayerOfCall, eager_function
from attndsl.models.pattern_checks import check_values, sum_tolerance

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from attndsl.models.load import LoadedModel

_BATCH_TOKENS = 512  # padded tokens of one forward pass: a small model's weights are then read once for many texts


class _Enough(Exception):
    """The last layer that was asked for has been reached."""


class HeadPatterns:
    """The patterns of one model's heads on texts given as token ids."""

    def __init__(self, loaded: LoadedModel, heads: Sequence[Head]) -> None:
        self._loaded = loaded
        self._heads = list(heads)
        self.passes = 0
        """Forward passes so far."""

    def __call__(self, texts: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
        """float32 [heads, n, n] for each text, in order.

        Raises DiagnosticError E0638 (values that are no pattern).
        """
        found: list[Any] = [None] * len(texts)
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        batch: list[int] = []
        for place in by_length:
            if batch and (len(batch) + 1) * len(texts[place]) > _BATCH_TOKENS:
                self._run(texts, batch, found)
                batch = []
            batch.append(place)
        if batch:
            self._run(texts, batch, found)
        return found

    def _run(self, texts: Sequence[Sequence[int]], batch: list[int], found: list[Any]) -> None:
        """One forward pass. Padding is on the right, where a causal model needs no mask and others get one."""
        import torch

        model = self._loaded.model
        longest = max(len(texts[i]) for i in batch)
        ids = torch.zeros((len(batch), longest), dtype=torch.long)
        mask = torch.zeros((len(batch), longest), dtype=torch.long)
        for row, place in enumerate(batch):
            ids[row, : len(texts[place])] = torch.tensor(list(texts[place]))
            mask[row, : len(texts[place])] = 1
        whole = bool(mask.all())
        capture = _BatchCapture(self._loaded.layout, self._heads)
        self.passes += 1
        with torch.no_grad(), dispatch_through(model, capture, "eager"):
            try:
                given = {} if whole else {"attention_mask": mask.to(model.device)}
                model.base_model(input_ids=ids.to(model.device), **given)
            except _Enough:
                pass
        for row, place in enumerate(batch):
            n = len(texts[place])
            patterns = capture.weights[row, :, :n, :n].contiguous()
            self._check(patterns)
            found[place] = patterns.numpy()

    def _check(self, patterns: torch.Tensor) -> None:
        tolerance = sum_tolerance(self._loaded.model.dtype)
        for number, head in enumerate(self._heads):
            layer = self._loaded.layout[head[0]]
            check_values(
                patterns[number : number + 1], [format_head(*head)], causal=layer.causal, tolerance=tolerance,
                sinks=layer.sinks, code="E0638",
            )  # fmt: skip


class _BatchCapture:
    """The attention function that keeps the weights of chosen heads, and stops after the last of them."""

    def __init__(self, layout: AttentionLayout, heads: Sequence[Head]) -> None:
        self._layer = LayerOfCall(layout)
        self._wanted = places_by_layer(heads)
        self._heads = heads
        self._missing = set(self._wanted)
        self.weights: Any = None

    def __call__(
        self, module: torch.nn.Module, query: Any, key: Any, value: Any, mask: Any, *args: Any, **kwargs: Any
    ) -> tuple[Any, Any]:
        output, weights = eager_function(module)(module, query, key, value, mask, *args, **kwargs)
        layer = self._layer(module)
        places = self._wanted.get(layer, [])
        if places and weights is not None:  # find_layout has seen that eager attention gives them
            if self.weights is None:
                shape = (weights.shape[0], len(self._heads), *weights.shape[2:])
                self.weights = weights.new_zeros(shape, device="cpu", dtype=_float32())
            self.weights[:, places] = weights[:, [self._heads[place][1] for place in places]].float().cpu()
            self._missing.discard(layer)
            if not self._missing:
                raise _Enough
        return output, weights


def _float32() -> torch.dtype:
    import torch

    return torch.float32
