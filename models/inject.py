"""Programs in place of heads: patterns put in at the attention-weight level, for a while.

In a layer with replaced heads the model's own attention function runs first, so every other head comes out
bit for bit as before; then the outputs of the replaced heads are overwritten by ``pattern @ V``. A layer with all
heads replaced does not run its own attention at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from attndsl.dsl.diagnostics import fail
from attndsl.models.heads import Head, check_head, format_head
from attndsl.models.interface import dispatch_through, function_of, implementation_of
from attndsl.models.layout import AttentionLayout, find_layout
from attndsl.models.linear import hides_only_later_keys, outputs, own_heads, without_projections
from attndsl.models.pattern_checks import SUM_TOLERANCE, as_tensor, check_shape, check_values, sum_tolerance
from attndsl.models.placement import OutsideWindow, compact, fit
from attndsl.models.sequences import Sequences, SequenceTracker
from attndsl.runtime.surrogates import surrogates_of

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

Provider = Callable[[Sequence[int]], Any]
"""``provider(ids)`` gives the patterns of all replaced heads for one text: float32 [heads, n, n], in the order of
the heads; ``ids`` are its n token ids without padding. A provider may have a method ``last_rows(ids, count)`` that
gives only the last ``count`` queries, [heads, count, n]: decoding uses it; and ``forms(ids, device)``, one object with
``apply(values [n, m])`` per head, or None where that head needs its pattern, and then ``patterns(ids, places)``: passes
that need no pattern use them (``models/linear.py``)."""

# Models inside a replacement: a nested one cannot find the layout by running a model that is already changed.
_layouts: WeakKeyDictionary[PreTrainedModel, AttentionLayout] = WeakKeyDictionary()


@runtime_checkable
class HeadProgram(Protocol):
    """What stands in for one head: float32 [n, n] from the n token ids of one text."""

    def pattern_of_ids(self, ids: Sequence[int], tokenizer: Any) -> Any: ...


@contextmanager
def replace_heads(
    model: PreTrainedModel,
    tokenizer: Any,
    programs: Mapping[Head, HeadProgram | Callable[[Sequence[int], Any], Any]],
    *,
    outside_window: OutsideWindow = "error",
    layout: AttentionLayout | None = None,
) -> Iterator[PreTrainedModel]:
    """Put a program in place of each named head of ``model`` inside the context.

    ``programs`` maps (layer, head) to an object with ``pattern_of_ids(ids, tokenizer)`` or to a plain function
    ``(ids, tokenizer)``, giving float32 [n, n]: rows are queries and sum to 1. Everything else is as in ``inject``.
    """
    layout = layout or _layouts.get(model) or find_layout(model)
    ours = surrogates_of(list(programs.values()), layout.causal, tokenizer)
    if ours is not None:
        with inject(model, list(programs), ours, outside_window=outside_window, layout=layout):
            yield model
        return
    calls: list[Any] = [getattr(program, "pattern_of_ids", program) for program in programs.values()]

    def provider(ids: Sequence[int]) -> torch.Tensor:
        import torch

        n = len(ids)
        patterns = [as_tensor(call(ids, tokenizer)) for call in calls]
        for head, pattern in zip(programs, patterns, strict=True):
            check_shape(pattern, (n, n), format_head(*head))
        return torch.stack(patterns) if patterns else torch.zeros((0, n, n))

    with inject(model, list(programs), provider, outside_window=outside_window, layout=layout):
        yield model


@contextmanager
def inject(
    model: PreTrainedModel,
    heads: Sequence[Head],
    provider: Provider,
    *,
    outside_window: OutsideWindow = "error",
    layout: AttentionLayout | None = None,
) -> Iterator[PreTrainedModel]:
    """Give ``heads`` of ``model`` the patterns of ``provider`` inside the context; afterwards it is as before.

    Works for whole texts, padded batches (left or right, with their attention mask) and ``generate`` with a cache.
    A sliding-window layer hides old keys: weight on them is E0635, or with ``outside_window="renormalize"`` it is
    dropped and the row divided by what remains. ``layout`` saves finding the layers again.

    Raises E0610 (attention that cannot be replaced), E0612 (no such head), and inside the context, from the call of
    the model: E0630, E0631, E0634 (calls whose tokens are not known), E0632, E0633, E0635 (patterns that do not fit).
    """
    layout = layout or _layouts.get(model) or find_layout(model)
    if len(set(heads)) != len(heads):
        raise fail("E0612", "a head is named twice in one replacement", help="name each head once")
    for head in heads:
        check_head(head, layout.heads_per_layer)
    replacement = _Replacement(layout, list(heads), provider, implementation_of(model), outside_window)
    replacement.tolerance = sum_tolerance(model.dtype)
    tracker = SequenceTracker(replacement.begin, replacement.end)
    outermost = model not in _layouts
    _layouts[model] = layout
    try:
        with (
            dispatch_through(model, replacement.attend, replacement.original),
            tracker.following(model),
            without_projections(replacement.whole_modules(model), replacement.keeps_keys),
        ):
            yield model
    finally:
        if outermost:
            _layouts.pop(model, None)


class _Replacement:
    """The state of one context: whose heads, and the patterns of the forward pass that is running."""

    def __init__(
        self,
        layout: AttentionLayout,
        heads: list[Head],
        provider: Provider,
        original: str,
        outside_window: OutsideWindow,
    ) -> None:
        self.original = original
        self._layout = layout
        self._provider = provider
        self._outside_window = outside_window
        self._names = [format_head(*head) for head in heads]
        self._rows_of: dict[int, list[int]] = {}  # layer -> places in the provider's stack
        for place, (layer, _) in enumerate(heads):
            self._rows_of.setdefault(layer, []).append(place)
        self._heads = heads
        self.tolerance = SUM_TOLERANCE
        self._calls: dict[int, int] = {}
        self._sequences: Sequences | None = None
        self._patterns: list[torch.Tensor] = []
        self._forms: list[list[Any]] | None = None  # per text and head, None where the text needs the pattern

    def begin(self, sequences: Sequences) -> None:
        """A forward pass starts: forget the last one. Patterns and forms are made when a layer asks for them."""
        self._calls = {}
        self._patterns = []
        self._forms = None
        self._sequences = sequences

    def end(self) -> None:
        self._sequences = None
        self._patterns = []
        self._forms = None

    def keeps_keys(self) -> bool:
        """Whether a later pass may read the keys of this one; outside a pass, nobody knows."""
        return self._sequences is None or self._sequences.cached

    def whole_modules(self, model: torch.nn.Module) -> list[torch.nn.Module]:
        """The attention modules all of whose heads, in each layer they serve, are replaced."""
        whole = {layer for layer, places in self._rows_of.items() if len(places) == self._layout[layer].heads}
        layers = self._layout.modules
        return [module for module in model.modules() if layers.get(id(module)) and set(layers[id(module)]) <= whole]

    def _per_text(self, compute: Callable[[tuple[int, ...], int], Any]) -> list[Any]:
        """``compute(ids, queries)`` for every sequence of the batch; equal ones (beams) once."""
        assert self._sequences is not None
        known: dict[tuple[tuple[int, ...], int], Any] = {}
        rows = [compact(self._sequences, row) for row in range(self._sequences.ids.shape[0])]
        for wanted in rows:
            if wanted not in known:
                known[wanted] = compute(*wanted)
        return [known[wanted] for wanted in rows]

    def _compute(self, ids: tuple[int, ...], queries: int) -> torch.Tensor:
        """The last ``queries`` rows for one text: float32 [heads, queries, tokens], checked."""
        count, n = len(self._heads), len(ids)
        last_rows = getattr(self._provider, "last_rows", None)
        if last_rows is not None and queries < n:
            patterns = as_tensor(last_rows(ids, queries))
            check_shape(patterns, (count, queries, n), "all replaced heads")
        else:
            patterns = as_tensor(self._provider(ids))
            check_shape(patterns, (count, n, n), "all replaced heads")
        for layer, places in self._rows_of.items():
            names = [self._names[place] for place in places]
            check_values(patterns[places], names, causal=self._layout[layer].causal, tolerance=self.tolerance)
        return patterns[:, patterns.shape[1] - queries :]

    def attend(
        self, module: torch.nn.Module, query: Any, key: Any, value: Any, mask: Any, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The attention function that transformers calls: [batch, q, heads, d] and the weights, where known."""
        import torch

        places = self._rows_of.get(self._layer(module), [])
        if not places:
            return self._own(module, query, key, value, mask, *args, **kwargs)
        group = query.shape[1] // value.shape[1]  # query heads that share one value head
        linear = self._without_patterns(module, places, (query, key, value, mask, *args), kwargs)
        if linear is not None:
            return linear, None
        patterns = self._full_patterns(module, places, mask, key.shape[2], kwargs).to(value.dtype)
        dropout = float(kwargs.get("dropout") or 0.0)
        if dropout:
            patterns = torch.nn.functional.dropout(patterns, p=dropout, training=module.training)
        heads = [self._heads[place][1] for place in places]
        replaced = (patterns @ value[:, [head // group for head in heads]]).transpose(1, 2)
        if len(heads) == query.shape[1]:
            order = sorted(range(len(heads)), key=heads.__getitem__)
            return replaced[:, :, order].contiguous(), patterns[:, order]
        output, weights = self._own(module, query, key, value, mask, *args, **kwargs)
        output = output.clone()
        output[:, :, heads] = replaced
        if weights is not None:
            weights = weights.clone()
            weights[:, heads] = patterns
        return output, weights

    def _without_patterns(
        self, module: torch.nn.Module, places: list[int], call: tuple[Any, ...], options: dict[str, Any]
    ) -> torch.Tensor | None:
        """The output of a layer whose replaced heads all have linear forms on these texts; else None."""
        import torch

        query, key, value, mask = call[:4]
        sequences, forms_of = self._sequences, getattr(self._provider, "forms", None)
        if forms_of is None or sequences is None:
            return None
        if not hides_only_later_keys(sequences, key.shape[2], mask, options, self.original, module.training):
            return None
        if self._forms is None:
            self._forms = self._per_text(lambda ids, _: forms_of(ids, str(value.device)))
        forms = [[row[place] for place in places] for row in self._forms]
        if any(form is None for row in forms for form in row):
            return None
        heads = [self._heads[place][1] for place in places]
        others = [head for head in range(query.shape[1]) if head not in heads]
        own: torch.Tensor | None = None
        if others:
            function = function_of(module, self.original)
            own = None if function is None else own_heads(function, module, others, call, options)
            if own is None:
                return None
        group = query.shape[1] // value.shape[1]
        replaced = outputs(forms, value, [head // group for head in heads], sequences.present).transpose(1, 2)
        columns = replaced if own is None else torch.cat([replaced, own], dim=2)
        order = sorted(range(query.shape[1]), key=[*heads, *others].__getitem__)
        return columns[:, :, order].contiguous()

    def _own(self, module: torch.nn.Module, *args: Any, **kwargs: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
        function = function_of(module, self.original)
        if function is None:
            raise fail(
                "E0610",
                f"the attention of {type(module).__name__} cannot be replaced: it has no {self.original} function",
                help="load the model with attn_implementation='eager' or 'sdpa'",
            )
        return function(module, *args, **kwargs)

    def _layer(self, module: torch.nn.Module) -> int:
        """The layer this call computes; a module that serves several layers is counted through the pass."""
        layers = self._layout.modules.get(id(module))
        if layers is None:
            raise fail(
                "E0610",
                f"an attention of {type(module).__name__} ran that the layout does not know",
                help="replace heads again after changing the modules of a model",
            )
        call = self._calls.get(id(module), 0)
        self._calls[id(module)] = call + 1
        return layers[call % len(layers)]

    def _full_patterns(
        self, module: torch.nn.Module, places: list[int], mask: Any, keys: int, options: dict[str, Any]
    ) -> torch.Tensor:
        """Patterns of this layer's replaced heads in the axes of the call: float32 [batch, head, q, k]."""
        sequences = self._sequences
        if sequences is None:
            raise fail(
                "E0630",
                f"the attention of {type(module).__name__} ran outside a call of the model whose heads are replaced",
                help="call the model that was given to the replacement, not a part of it",
            )
        layer = self._heads[places[0]][0]
        if not self._patterns:
            self._patterns = self._per_text(lambda *text: self._compute(*text).to(sequences.ids.device))
        patterns = [stack[places] for stack in self._patterns]
        return fit(patterns, sequences, keys, mask, options, self._outside_window, layer)
