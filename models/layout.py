"""Where the attention of a model is: found by running it on a few tokens, not by knowing architectures.

A short forward pass through a recording function shows which modules dispatch their attention, in what order, with
how many heads, and whether a query sees later keys. That holds for any architecture that uses the attention
interface of transformers, and it shows at once which models do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from attndsl.dsl.diagnostics import fail
from attndsl.models.interface import AttentionFunction, dispatch_through, function_of, implementation_of

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_PROBE_TOKENS = 4
# A wrong mask moves the hidden states by the order of their own size, a softcap that sdpa leaves out (Gemma2 in older
# releases of transformers) by some per cent; eager against sdpa by rounding, which is 1e-6 in float32.
_SAME_STATES = 5e-3
_SAME_STATES_LOW_PRECISION = 0.1


@dataclass(frozen=True)
class LayerAttention:
    """The attention of one layer: ``heads`` query heads share ``kv_heads`` key and value heads."""

    layer: int
    heads: int
    kv_heads: int
    causal: bool
    sinks: bool


@dataclass(frozen=True)
class AttentionLayout:
    """The layers of a model whose attention can be read and replaced.

    ``modules`` maps ``id`` of an attention module to the layers it computes, in the order of its calls (one layer,
    except where layers share weights, as in ALBERT).
    """

    layers: tuple[LayerAttention, ...]
    modules: dict[int, tuple[int, ...]] = field(repr=False)

    @property
    def heads_per_layer(self) -> dict[int, int]:
        """Layer to number of query heads."""
        return {layer.layer: layer.heads for layer in self.layers}

    @property
    def causal(self) -> bool:
        """True when no query of any layer sees a later key."""
        return all(layer.causal for layer in self.layers)

    def __getitem__(self, layer: int) -> LayerAttention:
        return next(found for found in self.layers if found.layer == layer)


class LayerOfCall:
    """Which layer each call of the attention function computes, in one forward pass.

    A module that serves several layers (ALBERT) is told apart by counting its calls: make a new object, or ``restart``,
    for each pass.
    """

    def __init__(self, layout: AttentionLayout) -> None:
        self._layout = layout
        self._calls: dict[int, int] = {}

    def restart(self) -> None:
        """Another forward pass begins."""
        self._calls = {}

    def __call__(self, module: torch.nn.Module) -> int:
        """The layer; to be asked once per call. Raises E0610 for a module that the layout does not know."""
        layers = self._layout.modules.get(id(module))
        if layers is None:
            raise fail(
                "E0610",
                f"an attention of {type(module).__name__} ran that the layout does not know",
                help="load the model again after changing its modules",
            )
        call = self._calls.get(id(module), 0)
        self._calls[id(module)] = call + 1
        return layers[call % len(layers)]


@dataclass
class _Call:
    module: torch.nn.Module
    heads: int
    kv_heads: int
    causal: bool


class _Recorder:
    """An attention function that runs the module's own eager function and notes what it saw."""

    def __init__(self) -> None:
        self.calls: list[_Call] = []

    def __call__(
        self, module: torch.nn.Module, query: Any, key: Any, value: Any, mask: Any, *args: Any, **kwargs: Any
    ) -> tuple[Any, Any]:
        eager = function_of(module, "eager")
        if eager is None:
            raise _unsupported(module, "its attention has no eager form that shows the pattern")
        output, weights = eager(module, query, key, value, mask, *args, **kwargs)
        heads, queries, keys = query.shape[1], query.shape[2], key.shape[2]
        if weights is None or tuple(weights.shape) != (query.shape[0], heads, queries, keys):
            raise _unsupported(module, "its eager attention does not return the pattern")
        if tuple(output.shape[:3]) != (query.shape[0], queries, heads):
            raise _unsupported(module, "its attention does not give one output per head")
        causal = bool((weights.float().triu(1) == 0).all())
        self.calls.append(_Call(module, heads, key.shape[1], causal))
        return output, weights


def find_layout(model: PreTrainedModel) -> AttentionLayout:
    """Find the layers of ``model`` by two forward passes over four tokens.

    Raises E0610 for a model whose attention cannot be read and replaced: encoder-decoder models, models that do not
    dispatch through the attention interface, or whose attention changes the result when run in its eager form.
    """
    if getattr(model.config, "is_encoder_decoder", False):
        raise _unsupported(model, "it is an encoder-decoder model")
    recorder = _Recorder()
    plain = _states(model)
    with dispatch_through(model, recorder, "eager"):
        eager = _states(model)
    if not recorder.calls:
        raise _unsupported(model, "it does not dispatch its attention through transformers' AttentionInterface")
    if not model.training and plain is not None and eager is not None:
        scale = float(plain.abs().max()) or 1.0
        same = _SAME_STATES if model.dtype.itemsize >= 4 else _SAME_STATES_LOW_PRECISION
        if not float((plain - eager).abs().max()) <= same * scale:
            name = implementation_of(model)
            raise fail(
                "E0610",
                f"the model {type(model).__name__} computes something else in {name} than in eager attention",
                help="load the model with attn_implementation='eager'",
            )
    return _number(recorder.calls)


def eager_function(module: torch.nn.Module) -> AttentionFunction:
    """The eager attention function of a module. Raises E0610 when it has none."""
    function = function_of(module, "eager")
    if function is None:
        raise _unsupported(module, "its attention has no eager form that shows the pattern")
    return function


def _number(calls: list[_Call]) -> AttentionLayout:
    """Give each call its layer: the module's own number where those are distinct, else the order of the calls."""
    own = [getattr(call.module, "layer_idx", None) for call in calls]
    distinct = all(isinstance(index, int) for index in own) and len(set(own)) == len(own)
    numbers: list[int] = [int(index) for index in own if index is not None] if distinct else list(range(len(calls)))
    modules: dict[int, tuple[int, ...]] = {}
    layers = []
    for number, call in zip(numbers, calls, strict=True):
        modules[id(call.module)] = (*modules.get(id(call.module), ()), number)
        sinks = getattr(call.module, "sinks", None) is not None
        layers.append(LayerAttention(number, call.heads, call.kv_heads, call.causal, sinks))
    return AttentionLayout(tuple(sorted(layers, key=lambda layer: layer.layer)), modules)


def _states(model: PreTrainedModel) -> torch.Tensor | None:
    """The first output of the base model on a few tokens, float32; None where it gives none."""
    import torch

    base = model.base_model
    vocabulary = int(getattr(model.config.get_text_config(), "vocab_size", _PROBE_TOKENS) or _PROBE_TOKENS)
    # High ids, because low ones are often special: RoBERTa, for one, counts positions by its padding id.
    ids = torch.arange(vocabulary - 1, vocabulary - 1 - _PROBE_TOKENS, -1, device=model.device).clamp(min=0)
    with torch.no_grad():
        output = base(input_ids=ids[None])
    first = output[0]
    return first.float() if isinstance(first, torch.Tensor) else None


def _unsupported(module: torch.nn.Module, why: str) -> Exception:
    return fail(
        "E0610",
        f"the attention of {type(module).__name__} cannot be read or replaced: {why}",
        help="GPT-2, Llama, Mistral, Qwen, Gemma, GPT-NeoX, OPT, Phi, BERT, RoBERTa, DistilBERT and other models that"
        " use transformers' AttentionInterface work",
    )
