"""Which tokens a forward pass is about: the full ids of every sequence, also where the call itself sees only the last.

With a key-value cache a decoding step gets one token per sequence. What came before is known from two sources:
``generate`` hands the full ids to ``prepare_inputs_for_generation`` at every step (beams already reordered), and a
cache that a replaced model filled itself is remembered, as long as nobody else has touched it.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from attndsl.dsl.diagnostics import fail

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Sequences:
    """The sequences of one forward pass.

    ``ids`` is [batch, total] with everything the cache holds, ``present`` the same shape: False where padding.
    The queries of the pass are the last ``queries`` positions. ``cached``: the pass may keep keys for a later one.
    """

    ids: torch.Tensor
    present: torch.Tensor | None
    queries: int
    cached: bool = True

    @property
    def total(self) -> int:
        return int(self.ids.shape[1])


@dataclass(frozen=True)
class _Seen:
    """What is known of a cache: its ids, and the very tensor of keys it held, which any edit replaces."""

    ids: torch.Tensor
    keys: Any


class _Call(threading.local):
    """The call that is running; each thread has its own."""

    prepared: tuple[torch.Tensor, torch.Tensor | None] | None = None
    current: tuple[torch.Tensor, Any] | None = None
    outermost: torch.nn.Module | None = None


class SequenceTracker:
    """Follows the calls of one model and calls ``begin(Sequences)`` before, ``end()`` after each forward pass."""

    def __init__(self, begin: Callable[[Sequences], None], end: Callable[[], None]) -> None:
        self._begin = begin
        self._end = end
        self._caches: WeakKeyDictionary[Any, _Seen] = WeakKeyDictionary()
        self._call = _Call()
        self._positions: int | None = None

    @contextmanager
    def following(self, model: PreTrainedModel) -> Iterator[None]:
        """Watch ``model`` inside the context; afterwards its hooks and methods are as they were."""
        from torch.compiler import disable

        self._positions = learnt_positions(model)
        # torch.compile would trace the programs too: what is ours runs between the compiled parts.
        starting, ended = disable(self._starting), disable(self._ended)  # type: ignore[no-untyped-call]
        with ExitStack() as stack:
            # Both, because OPT's language model bypasses its base model, and people call a base model directly.
            for module in dict.fromkeys((model, model.base_model)):
                stack.callback(module.register_forward_pre_hook(starting, with_kwargs=True).remove)
                stack.callback(module.register_forward_hook(ended, always_call=True).remove)
            stack.enter_context(self._watching_generate(model))
            yield

    def _starting(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._call.outermost is None:
            self._call.outermost = module
            _refuse_recomputing(module)
            self._before(inspect.signature(module.forward).bind_partial(*args, **kwargs).arguments)

    def _ended(self, module: torch.nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if self._call.outermost is module:
            self._call.outermost = None
            self._after(output)

    @contextmanager
    def _watching_generate(self, model: PreTrainedModel) -> Iterator[None]:
        name = "prepare_inputs_for_generation"
        original = getattr(model, name, None)
        if original is None:
            yield
            return
        own = model.__dict__.get(name)
        signature = inspect.signature(original)

        @functools.wraps(original)  # generate checks its arguments against this signature
        def prepare(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind_partial(*args, **kwargs).arguments
            ids = given.get("input_ids")
            mask = given.get("attention_mask", given.get("kwargs", {}).get("attention_mask"))
            flat = mask if mask is not None and getattr(mask, "ndim", 0) == 2 else None
            self._call.prepared = (ids, flat) if ids is not None else None
            return original(*args, **kwargs)

        setattr(model, name, prepare)
        try:
            yield
        finally:
            if own is None:
                delattr(model, name)
            else:
                setattr(model, name, own)

    def _before(self, given: dict[str, Any]) -> None:
        prepared, self._call.prepared = self._call.prepared, None
        extra = given.get("kwargs", {})
        ids, cache = given.get("input_ids"), given.get("past_key_values", extra.get("past_key_values"))
        if ids is None:
            raise fail(
                "E0630",
                "a model with replaced heads was called without input_ids",
                help="programs read tokens: pass input_ids, not inputs_embeds",
            )
        length = int(cache.get_seq_length()) if cache is not None else 0
        if prepared is not None and not _fits(prepared[0], ids, length):
            prepared = None
        full = self._full_ids(ids, cache, length, prepared)
        if self._positions is not None and full.shape[1] > self._positions:
            raise fail(
                "E0614",
                f"{full.shape[1]} tokens are more than the model can read: it has learnt {self._positions} positions",
                help=f"cut the text to {self._positions} tokens",
            )
        self._call.current = (full, cache)
        mask = given.get("attention_mask", extra.get("attention_mask"))
        if length == 0 and mask is None:
            _refuse_packed(given.get("position_ids", extra.get("position_ids")))
        present = _present(mask, full, prepared)
        cached = cache is not None or given.get("use_cache", extra.get("use_cache")) is not False
        self._begin(Sequences(full, present, int(ids.shape[1]), cached))

    def _full_ids(self, ids: torch.Tensor, cache: Any, length: int, prepared: Any) -> torch.Tensor:
        import torch

        if length == 0:
            return ids
        if prepared is not None:
            known: torch.Tensor = prepared[0].to(ids.device)
            return known
        seen = self._caches.get(cache)
        if seen is not None and seen.keys is _first_keys(cache) and seen.ids.shape == (ids.shape[0], length):
            return torch.cat([seen.ids.to(ids.device), ids], dim=1)
        raise fail(
            "E0631",
            f"the {length} tokens in the key-value cache are not known to the replaced heads",
            help="use generate(), or fill the cache inside the same replacement and do not edit it in between",
        )

    def _after(self, output: Any) -> None:
        import torch

        self._end()
        current, self._call.current = self._call.current, None
        cache = getattr(output, "past_key_values", None)
        if current is None or cache is None or not hasattr(cache, "get_seq_length"):
            return
        ids = current[0]
        if int(cache.get_seq_length()) == ids.shape[1]:
            self._caches[cache] = _Seen(torch.clone(ids), _first_keys(cache))


def learnt_positions(model: PreTrainedModel) -> int | None:
    """How many positions a model has an embedding for; None where positions are not learnt (rotary, say)."""
    import torch

    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    found = [
        module.num_embeddings
        for name, module in model.named_modules()
        if name.rpartition(".")[2] in ("wpe", "embed_positions", "position_embeddings")
        and isinstance(module, torch.nn.Embedding)
    ]
    return min(*found, limit) if found and isinstance(limit, int) else min(found, default=None)


def _fits(full: torch.Tensor, ids: torch.Tensor, length: int) -> bool:
    """Whether the ids given to ``generate`` are those of this very forward pass."""
    import torch

    if full.shape != (ids.shape[0], length + ids.shape[1]):
        return False
    return torch.equal(full[:, length:].to(ids.device), ids)


def _first_keys(cache: Any) -> Any:
    """The key tensor of the first layer of a cache that has one."""
    for layer in getattr(cache, "layers", ()):
        keys = getattr(layer, "keys", None)
        if keys is not None:
            return keys
    return None


def _present(mask: Any, ids: torch.Tensor, prepared: Any) -> torch.Tensor | None:
    """[batch, total], False where padding; None where nothing is padded. Raises E0634 for masks that say more."""
    import torch

    if mask is not None and getattr(mask, "ndim", 0) != 2:
        # generate() with a static cache makes a 4-D mask from the 2-D one it was given; any other is the caller's own.
        if prepared is None:
            raise fail(
                "E0634",
                "a model with replaced heads was given an attention mask that is not [batch, tokens]",
                help="pass the 2-D mask of the tokenizer; replaced heads cannot honour a custom mask",
            )
        mask = prepared[1]
    if mask is None:
        return None
    if mask.shape[0] != ids.shape[0] or mask.shape[1] < ids.shape[1]:
        raise fail(
            "E0634",
            f"the attention mask has shape {list(mask.shape)}, the sequences so far {list(ids.shape)}",
            help="pass one mask value for every token so far, those in the cache included",
        )
    present: torch.Tensor = mask[:, : ids.shape[1]].to(device=ids.device, dtype=torch.bool)
    return None if bool(present.all()) else present


def _refuse_recomputing(module: torch.nn.Module) -> None:
    """The backward pass would run layers again, when the tokens of their forward pass are no longer known."""
    import torch

    if not (module.training and torch.is_grad_enabled()):
        return
    if any(getattr(part, "gradient_checkpointing", False) for part in module.modules()):
        raise fail(
            "E0630",
            "a model with replaced heads was called with gradient checkpointing",
            help="model.gradient_checkpointing_disable(): replaced heads cannot be computed again in the backward pass",
        )


def _refuse_packed(position_ids: Any) -> None:
    if position_ids is not None and bool((position_ids.diff(dim=-1) != 1).any()):
        raise fail(
            "E0634",
            "position_ids that restart pack several texts into one sequence, which replaced heads cannot honour",
            help="give each text its own row of the batch, with an attention mask",
        )
