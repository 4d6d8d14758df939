"""Attention patterns of a model on texts, into a pattern store.

The model runs in its eager arithmetic (the only one that has the weights) through the registered attention function;
``output_attentions`` is not used, because under sdpa it returns nothing, without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attndsl.dsl.diagnostics import fail
from attndsl.models.corpus import Text
from attndsl.models.encode import encode, special_tokens_present
from attndsl.models.heads import Head, all_heads, check_head, format_head, places_by_layer
from attndsl.models.interface import dispatch_through
from attndsl.models.layout import AttentionLayout, LayerOfCall, eager_function, find_layout
from attndsl.models.pattern_checks import check_values, sum_tolerance
from attndsl.runtime.pattern_store import PatternStore, StoreSettings, open_store, text_key
from attndsl.runtime.shard_writer import PlannedText, ShardWriter
from attndsl.runtime.shards import StoredText

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from attndsl.models.load import LoadedModel

Progress = Callable[[int, int, str], None]
"""``progress(done, total, text_id)`` after each text, those found in the store included."""

SHARD_BYTES = 32 * 2**20  # a few texts of a small model, one of a large: little is lost, and few files are made
SHARD_TEXTS = 64


def extract(
    loaded: LoadedModel,
    texts: Sequence[Text],
    root: str | Path,
    *,
    heads: Sequence[Head] | None = None,
    progress: Progress | None = None,
) -> PatternStore:
    """Put the patterns of ``heads`` (all when None) on every text into the store under ``root``, and open it.

    Each text gets float32 [heads, n, n], n tokens with special tokens. Texts already there are skipped; Ctrl-C and
    errors lose nothing finished. Memory: one text's patterns and at most 32 MiB more. Raises E0614 (text longer than
    the model's context), E0612, E0638 (the model gave values that are no pattern), E0522 (cannot write), E0621.
    """
    info = loaded.info
    chosen = list(heads) if heads is not None else all_heads(info.heads_per_layer)
    for head in chosen:
        check_head(head, info.heads_per_layer)
    if not texts:
        raise fail("E0621", "there is no text to extract patterns from", help="give a corpus with at least one text")
    encoded = [encode(text.text, loaded.tokenizer, max_context=info.max_context, name=text.id) for text in texts]
    keys = [text_key(text.text, ids) for text, ids in zip(texts, encoded, strict=True)]
    settings = StoreSettings(info.name, info.fingerprint, tuple(chosen), info.causal, info.dtype)
    store = open_store(root, settings)
    store.set_corpus((text.id, text.split, key) for text, key in zip(texts, keys, strict=True))
    pending = _Pending(store)
    try:
        for done, (text, ids, key) in enumerate(zip(texts, encoded, keys, strict=True), start=1):
            if not (pending.holds(key) or store.has(key)):
                patterns = patterns_of(loaded.model, ids, chosen, layout=loaded.layout)
                facts = {"text": text.text, **special_tokens_present(ids, loaded.tokenizer)}
                pending.add(key, StoredText(_as_ids(ids), patterns.cpu().numpy(), facts))
            if progress is not None:
                progress(done, len(texts), text.id)
    finally:
        pending.flush()
    store.discard_damaged()  # only now: what was in them is written anew
    return store


def patterns_of(
    model: PreTrainedModel,
    ids: Sequence[int],
    heads: Sequence[Head],
    *,
    layout: AttentionLayout | None = None,
) -> torch.Tensor:
    """The patterns of ``heads`` on one text of ``n`` token ids: float32 [heads, n, n] on the CPU, checked.

    Raises E0610 (attention that cannot be read), E0638 (values that are no pattern).
    """
    import torch

    n = len(ids)
    patterns = torch.zeros((len(heads), n, n))

    def put(place: int, pattern: torch.Tensor) -> None:
        patterns[place] = pattern

    give_patterns(model, ids, heads, put, layout=layout)
    return patterns


def write_patterns(loaded: LoadedModel, texts: Sequence[Text], heads: Sequence[Head], path: Path) -> int:
    """Write the patterns of ``heads`` on every text as one shard of a pattern store; its size in bytes.

    Memory: the model's own pass, which holds the patterns of one layer. Raises OSError, and as ``extract`` does.
    """
    info = loaded.info
    encoded = [encode(text.text, loaded.tokenizer, max_context=info.max_context, name=text.id) for text in texts]
    planned = {
        text_key(text.text, ids): PlannedText(
            _as_ids(ids), {"text": text.text, **special_tokens_present(ids, loaded.tokenizer)}
        )
        for text, ids in zip(texts, encoded, strict=True)
    }
    with ShardWriter(path, len(heads), planned) as writer:
        for key, text in planned.items():

            def put(place: int, pattern: torch.Tensor, key: str = key) -> None:
                writer.put(key, place, pattern.numpy())

            give_patterns(loaded.model, text.ids.tolist(), heads, put, layout=loaded.layout)
    return writer.bytes


def give_patterns(
    model: PreTrainedModel,
    ids: Sequence[int],
    heads: Sequence[Head],
    put: Callable[[int, torch.Tensor], None],
    *,
    layout: AttentionLayout | None = None,
) -> None:
    """Call ``put(place, pattern)`` for every head, in the order of the layers: float32 [n, n] on the CPU, checked.

    Layers beyond the last one asked for are not run. Raises E0610, E0638.
    """
    import torch

    capture = _Capture(layout or find_layout(model), heads, put, sum_tolerance(model.dtype))
    with torch.no_grad(), dispatch_through(model, capture, "eager"), suppress(_Enough):
        model.base_model(input_ids=torch.tensor([list(ids)], device=model.device))
    if capture.missing:
        layer = min(capture.missing)
        raise fail(
            "E0610", f"layer {layer} of {type(model).__name__} computed no attention on this text",
            help="leave its heads out with --heads",
        )  # fmt: skip


class _Enough(Exception):
    """The last layer that was asked for has been reached."""


class _Capture:
    """The attention function that hands on the weights of chosen heads as they pass."""

    def __init__(
        self, layout: AttentionLayout, heads: Sequence[Head], put: Callable[[int, torch.Tensor], None], tolerance: float
    ) -> None:
        self.places = places_by_layer(heads)
        self.missing = set(self.places)
        self._heads, self._put, self._tolerance = heads, put, tolerance
        self._layout, self._layer = layout, LayerOfCall(layout)

    def __call__(
        self, module: torch.nn.Module, query: Any, key: Any, value: Any, mask: Any, *args: Any, **kwargs: Any
    ) -> tuple[Any, Any]:
        output, weights = eager_function(module)(module, query, key, value, mask, *args, **kwargs)
        number = self._layer(module)
        places = self.places.get(number, [])
        if places and weights is not None:  # find_layout has seen that eager attention gives them
            layer = self._layout[number]
            for place in places:
                pattern = weights[0, self._heads[place][1]].float().cpu()
                check_values(
                    pattern[None], [format_head(*self._heads[place])], causal=layer.causal, tolerance=self._tolerance,
                    sinks=layer.sinks, code="E0638",
                )  # fmt: skip
                self._put(place, pattern)
            self.missing.discard(number)
            if not self.missing:
                raise _Enough
        return output, weights


class _Pending:
    """Finished texts on their way into the store, a shard at a time."""

    def __init__(self, store: PatternStore) -> None:
        self._store = store
        self._texts: dict[str, StoredText] = {}

    def holds(self, key: str) -> bool:
        return key in self._texts

    def add(self, key: str, text: StoredText) -> None:
        self._texts[key] = text
        size = sum(held.patterns.nbytes for held in self._texts.values())
        if size >= SHARD_BYTES or len(self._texts) >= SHARD_TEXTS:
            self.flush()

    def flush(self) -> None:
        texts, self._texts = self._texts, {}
        self._store.add(texts)


def _as_ids(ids: Iterable[int]) -> Any:
    import numpy as np

    return np.asarray(list(ids), dtype=np.int64)
