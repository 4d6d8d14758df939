"""Passes that begin where they begin to differ: the layers below a change give what they gave before.

With one head of layer 20 replaced, twenty layers compute again what they computed without it. Here each layer's output
on one text is kept, and a pass that changes nothing below a layer takes the outputs of the layers before it as given.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from attndsl.models.layout import AttentionLayout


class Prefix:
    """What each layer of ``model`` gives on one text. A model whose layers cannot be told apart (they share their
    modules, as in ALBERT) is run whole every time."""

    def __init__(self, model: PreTrainedModel, layout: AttentionLayout) -> None:
        self._blocks = _blocks(model, layout)
        self._outputs: dict[int, Any] = {}

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what the layers give in the pass that runs inside, in place of what was kept before."""
        self._outputs = {}
        with ExitStack() as stack:
            for layer, block in self._blocks.items():
                stack.callback(block.register_forward_hook(self._keeping(layer)).remove)
            yield

    def _keeping(self, layer: int) -> Any:
        def keep(module: torch.nn.Module, args: tuple[Any, ...], output: Any) -> None:
            self._outputs[layer] = output

        return keep

    @contextmanager
    def below(self, first: int) -> Iterator[None]:
        """Inside, the layers before ``first`` are not run but give what was kept; only for a pass on the same text."""
        with ExitStack() as stack:
            for layer, block in self._blocks.items():
                if layer < first and layer in self._outputs and "forward" not in block.__dict__:
                    block.forward = _giving(self._outputs[layer])
                    stack.callback(block.__dict__.pop, "forward")
            yield


def _giving(output: Any) -> Any:
    return lambda *args, **kwargs: output


def _blocks(model: PreTrainedModel, layout: AttentionLayout) -> dict[int, torch.nn.Module]:
    """Layer to the module that computes it, from one list that holds every layer once; empty where there is none."""
    import torch

    for module in model.modules():
        if not isinstance(module, torch.nn.ModuleList):
            continue
        found: dict[int, torch.nn.Module] = {}
        for block in module:
            inside = [layout.modules[id(part)] for part in block.modules() if id(part) in layout.modules]
            if len(inside) == 1 and len(inside[0]) == 1:
                found[inside[0][0]] = block
        if sorted(found) == [layer.layer for layer in layout.layers]:
            return found
    return {}
