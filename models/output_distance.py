"""How far a program's pattern moves what its head writes: ``||(A - P) V W_O||``, Frobenius norm, per head.

Two patterns can overlap little and write the same (equal values at both keys), or overlap much and write something
else (one key with a large value); the weight of a key is what its value, taken through the output projection, adds to
the residual stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attndsl.dsl.diagnostics import fail
from attndsl.models.extract import patterns_of
from attndsl.models.heads import Head
from attndsl.models.interface import dispatch_through, function_of, implementation_of
from attndsl.models.layout import AttentionLayout, LayerOfCall, find_layout
from attndsl.models.pattern_checks import as_tensor

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from transformers import PreTrainedModel

OUTPUT_PROJECTIONS = ("o_proj", "out_proj", "c_proj", "dense", "out_lin")


def output_distances(
    model: PreTrainedModel,
    ids: Sequence[int],
    heads: Sequence[Head],
    patterns: torch.Tensor | NDArray[np.float32],
    *,
    layout: AttentionLayout | None = None,
) -> torch.Tensor:
    """``||(A_h - P) V_h W_h|| / ||A_h V_h W_h||`` on one text, float32 [heads, patterns].

    ``patterns`` is float32 [patterns, n, n], every one tried in every head. A head that writes nothing has distance
    infinite to every pattern that does. Raises E0610 for a model whose output projections cannot be found.
    """
    import torch

    layout = layout or find_layout(model)
    patterns = as_tensor(patterns)
    own = patterns_of(model, ids, heads, layout=layout)
    capture = _Values(layout, implementation_of(model))
    with torch.no_grad(), dispatch_through(model, capture, capture.original):
        model.base_model(input_ids=torch.tensor([list(ids)], device=model.device))
    found = torch.empty(len(heads), len(patterns))
    for place, (layer, head) in enumerate(heads):
        values, weight = capture.values[layer], capture.weights[layer]
        group, width = layout[layer].heads // values.shape[0], values.shape[2]
        of_head = weight[:, head * width : (head + 1) * width]
        # ||D X||^2 is the sum of (D X X^T) * D, and X X^T has rank d: take a square root of it that is [n, d].
        root = values[head // group] @ _root(of_head)
        full = float((own[place] @ root).norm())
        found[place] = ((own[place] - patterns) @ root).flatten(1).norm(dim=1) / full
    return found


def _root(weight: torch.Tensor) -> torch.Tensor:
    """R [d, d] with ``||x R|| == ||x W^T||`` for every x: from the eigenvectors of ``W^T W``, in float64."""
    import torch

    values, vectors = torch.linalg.eigh((weight.T @ weight).double())
    root: torch.Tensor = vectors * values.clamp(min=0).sqrt()
    return root.float()


class _Values:
    """An attention function that notes the values and the output projection of every layer as they pass."""

    def __init__(self, layout: AttentionLayout, original: str) -> None:
        self.original = original
        self.values: dict[int, torch.Tensor] = {}
        self.weights: dict[int, torch.Tensor] = {}
        self._layer = LayerOfCall(layout)

    def __call__(self, module: torch.nn.Module, query: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        layer = self._layer(module)
        self.values[layer] = value[0].float()
        self.weights[layer] = _output_weight(module, query.shape[1] * value.shape[3])
        function = function_of(module, self.original)
        assert function is not None  # find_layout has run the model this way
        return function(module, query, key, value, *args, **kwargs)


def _output_weight(module: torch.nn.Module, inputs: int) -> torch.Tensor:
    """float32 [hidden, heads * d] of the projection after the attention."""
    import torch

    for name in OUTPUT_PROJECTIONS:
        weight = getattr(getattr(module, name, None), "weight", None)
        if not isinstance(weight, torch.Tensor):
            continue
        if type(getattr(module, name)).__name__ == "Conv1D":  # GPT-2 keeps its weights transposed
            weight = weight.T
        if weight.shape[1] == inputs:
            return weight.detach().float()
    raise fail(
        "E0610",
        f"the output projection of {type(module).__name__} is not known, so what its heads write cannot be measured",
        help=f"it was looked for under the names {', '.join(OUTPUT_PROJECTIONS)}; measure damage or IoU instead",
    )
