"""One attention function of ours in a model for a while: registered, dispatched to, and taken out again.

transformers models look their attention function up by name, in ``AttentionInterface``, at every call, and build
the mask that goes with it by the same name, in ``AttentionMaskInterface``. Registering the function without the
mask makes a causal model silently bidirectional, so the two are always registered together here.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attndsl.dsl.diagnostics import fail

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

AttentionFunction = Callable[..., "tuple[torch.Tensor, torch.Tensor | None]"]

_serial = itertools.count(1)


def implementation_of(model: PreTrainedModel) -> str:
    """The name of the attention implementation the model runs with, such as ``sdpa`` or ``eager``."""
    return str(getattr(model.config, "_attn_implementation", None) or "eager")


def function_of(module: torch.nn.Module, name: str) -> AttentionFunction | None:
    """The function that ``module`` would call under the implementation ``name``; None when it cannot be told.

    ``eager`` is not registered anywhere: it is the function ``eager_attention_forward`` of the file that holds the
    module's ``forward``. GPT-2's upcast variant is a method and does not go through the interface at all.
    """
    scope: dict[str, Any] = getattr(inspect.unwrap(type(module).forward), "__globals__", {})
    if name != "eager":
        interface = scope.get("ALL_ATTENTION_FUNCTIONS")
        found = interface.get(name) if interface is not None else None
        return found if callable(found) else None
    if getattr(module, "reorder_and_upcast_attn", False) and hasattr(module, "_upcast_and_reordered_attn"):
        upcast: AttentionFunction = lambda m, q, k, v, mask, **_: m._upcast_and_reordered_attn(q, k, v, mask)  # noqa: E731
        return upcast
    eager = scope.get("eager_attention_forward")
    return eager if callable(eager) else None


@contextmanager
def dispatch_through(model: PreTrainedModel, function: AttentionFunction, mask_of: str) -> Iterator[str]:
    """Run every attention of ``model`` through ``function`` inside the context.

    ``mask_of`` names the implementation whose mask is built for it. On leaving, also after an exception, each
    configuration has its own implementation back and both registrations are gone. Contexts nest; leaving them out
    of order raises E0637. Not safe for two threads that use the same model.
    """
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

    name = f"attndsl_{next(_serial)}"
    masks = ALL_MASK_ATTENTION_FUNCTIONS
    AttentionInterface.register(name, function)
    if mask_of in masks:  # an implementation without a registered mask gets none, as before
        AttentionMaskInterface.register(name, masks[mask_of])
    before = [(config, config._attn_implementation) for config in _configs(model)]
    try:
        for config, _ in before:
            config._attn_implementation = name
        yield name
    finally:
        in_order = all(config._attn_implementation == name for config, _ in before)
        for config, old in before:  # parents first: setting a configuration sets those inside it as well
            config._attn_implementation = old
        for registry in (AttentionInterface, AttentionMaskInterface):
            registry._global_mapping.pop(name, None)  # transformers offers no way to unregister
    if not in_order:
        raise fail(
            "E0637",
            "the attention implementation of the model was changed inside a replacement",
            help="leave nested replacements in the reverse order of entering them, and do not call"
            " set_attn_implementation inside one",
        )


def _configs(model: PreTrainedModel) -> list[Any]:
    """Every configuration object that a module of the model reads, parents before the ones inside them."""
    found: dict[int, Any] = {}

    def add(config: Any) -> None:
        if config is None or id(config) in found or not hasattr(config, "_attn_implementation"):
            return
        found[id(config)] = config
        for key in getattr(config, "sub_configs", None) or {}:
            add(getattr(config, key, None))

    for module in model.modules():
        add(getattr(module, "config", None))
    return list(found.values())
