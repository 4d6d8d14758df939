"""The attention function of a model with replaced heads, and what it knows of the forward pass that is running."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attndsl.dsl.diagnostics import fail
from attndsl.models.heads import Head, format_head, places_by_layer
from attndsl.models.interface import function_of
from attndsl.models.layout import AttentionLayout, LayerOfCall
from attndsl.models.linear import hides_only_later_keys, in_order, outputs, own_heads
from attndsl.models.pattern_checks import SUM_TOLERANCE, as_tensor, check_shape, check_values
from attndsl.models.placement import OutsideWindow, compact, fit
from attndsl.models.repair import Repair, repaired
from attndsl.models.sequences import Sequences

if TYPE_CHECKING:
    import torch

Provider = Callable[[Sequence[int]], Any]
"""``provider(ids)`` gives the patterns of all replaced heads for one text: float32 [heads, n, n], in the order of
the heads; ``ids`` are its n token ids without padding. A provider may have a method ``last_rows(ids, count)`` that
gives only the last ``count`` queries, [heads, count, n]: decoding uses it; and ``forms(ids, device)``, one object with
``apply(values [n, m])`` per head, or None where that head needs its pattern, and then ``patterns(ids, places)``: passes
that need no pattern use them (``models/linear.py``)."""


class _Pass(threading.local):
    """What is known of the forward pass that is running; each thread has its own."""

    def __init__(self, layout: AttentionLayout) -> None:
        self.layer = LayerOfCall(layout)
        self.clear()

    def clear(self, sequences: Sequences | None = None) -> None:
        self.layer.restart()
        self.sequences = sequences
        self.patterns: dict[int, list[torch.Tensor]] = {}  # place -> per text [queries, tokens]
        self.forms: list[list[Any]] | None = None  # per text and place, None where the text needs the pattern


class Replacement:
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
        self._rows_of = places_by_layer(heads)  # places in the provider's stack
        self._heads = heads
        self.tolerance = SUM_TOLERANCE
        self.repairs: Mapping[Head, Repair] = {}
        self._pass = _Pass(layout)

    def begin(self, sequences: Sequences) -> None:
        """A forward pass starts: forget the last one. Patterns and forms are made when a layer asks for them."""
        self._pass.clear(sequences)

    def end(self) -> None:
        self._pass.clear()

    def keeps_keys(self) -> bool:
        """Whether a later pass may read the keys of this one; outside a pass, nobody knows."""
        return self._pass.sequences is None or self._pass.sequences.cached

    def whole_modules(self, model: torch.nn.Module) -> list[torch.nn.Module]:
        """The attention modules all of whose heads, in each layer they serve, are replaced."""
        whole = {layer for layer, places in self._rows_of.items() if len(places) == self._layout[layer].heads}
        layers = self._layout.modules
        return [module for module in model.modules() if layers.get(id(module)) and set(layers[id(module)]) <= whole]

    def _per_text(self, compute: Callable[[tuple[int, ...], int], Any]) -> list[Any]:
        """``compute(ids, queries)`` for every sequence of the batch; equal ones (beams) once."""
        assert self._pass.sequences is not None
        known: dict[tuple[tuple[int, ...], int], Any] = {}
        rows = [compact(self._pass.sequences, row) for row in range(self._pass.sequences.ids.shape[0])]
        for wanted in rows:
            if wanted not in known:
                known[wanted] = compute(*wanted)
        return [known[wanted] for wanted in rows]

    def _compute(self, ids: tuple[int, ...], queries: int, places: list[int]) -> torch.Tensor:
        """The last ``queries`` rows of some heads for one text: float32 [len(places), queries, tokens], checked."""
        n, heads = len(ids), len(self._heads)
        last_rows, some = getattr(self._provider, "last_rows", None), getattr(self._provider, "patterns", None)
        if some is not None and len(places) < heads and queries == n:
            patterns = as_tensor(some(ids, places))
            check_shape(patterns, (len(places), n, n), ", ".join(self._names[place] for place in places))
        elif last_rows is not None and queries < n:
            patterns = as_tensor(last_rows(ids, queries))
            check_shape(patterns, (heads, queries, n), "all replaced heads")
            patterns = patterns[places]
        else:
            patterns = as_tensor(self._provider(ids))
            check_shape(patterns, (heads, n, n), "all replaced heads")
            patterns = patterns[places]
        for layer in self._rows_of:
            of_layer = [i for i, place in enumerate(places) if self._heads[place][0] == layer]
            names = [self._names[places[i]] for i in of_layer]
            check_values(patterns[of_layer], names, causal=self._layout[layer].causal, tolerance=self.tolerance)
        return patterns[:, patterns.shape[1] - queries :]

    def attend(
        self, module: torch.nn.Module, query: Any, key: Any, value: Any, mask: Any, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The attention function that transformers calls: [batch, q, heads, d] and the weights, where known."""
        places = self._rows_of.get(self._pass.layer(module), [])
        if not places:
            return self._own(module, query, key, value, mask, *args, **kwargs)
        by_head = self._by_head(module, places, (query, key, value, mask, *args), kwargs)
        if by_head is not None:
            return by_head, None
        replaced, patterns = self._by_patterns(module, places, value, query.shape[1], mask, kwargs)
        replaced = self._repaired(replaced, places)
        heads = [self._heads[place][1] for place in places]
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

    def _by_patterns(
        self, module: torch.nn.Module, places: list[int], value: Any, heads: int, mask: Any, options: dict[str, Any]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Outputs [batch, q, places, d] and patterns [batch, places, q, k] of some heads, every cell computed."""
        import torch

        patterns = self._full_patterns(module, places, mask, value.shape[2], options).to(value.dtype)
        dropout = float(options.get("dropout") or 0.0)
        if dropout:
            patterns = torch.nn.functional.dropout(patterns, p=dropout, training=module.training)
        group = heads // value.shape[1]  # query heads that share one value head
        return (patterns @ value[:, [self._heads[place][1] // group for place in places]]).transpose(1, 2), patterns

    def _repaired(self, output: torch.Tensor, places: list[int]) -> torch.Tensor:
        sequences = self._pass.sequences
        if not self.repairs or sequences is None:
            return output
        repairs = [self.repairs.get(self._heads[place]) for place in places]
        return repaired(output, repairs, sequences, self._layout[self._heads[places[0]][0]].causal)

    def _by_head(
        self, module: torch.nn.Module, places: list[int], call: tuple[Any, ...], options: dict[str, Any]
    ) -> torch.Tensor | None:
        """A layer's output head by head: linear forms where the texts allow them, patterns for other replaced heads,
        and the model's attention for the rest alone; None where the call needs the weights, or its own attention
        cannot be run for some heads alone."""
        query, key, value, mask = call[:4]
        sequences, forms_of = self._pass.sequences, getattr(self._provider, "forms", None)
        if forms_of is None or sequences is None:
            return None
        if not hides_only_later_keys(sequences, key.shape[2], mask, options, self.original, module.training):
            return None
        if self._pass.forms is None:
            self._pass.forms = self._per_text(lambda ids, _: forms_of(ids, str(value.device)))
        forms = self._pass.forms
        dense = [place for place in places if any(row[place] is None for row in forms)]
        linear = [place for place in places if place not in dense]
        heads = [self._heads[place][1] for place in (*linear, *dense)]
        others = [head for head in range(query.shape[1]) if head not in heads]
        group, parts = query.shape[1] // value.shape[1], []
        if others:
            function = function_of(module, self.original)
            own = None if function is None else own_heads(function, module, others, call, options)
            if own is None:
                return None
            parts.append(own)
        if linear:
            shared = [self._heads[place][1] // group for place in linear]
            applied = [[row[place] for place in linear] for row in forms]
            found = outputs(applied, value, shared, sequences.present).transpose(1, 2)
            parts.append(self._repaired(found, linear))
        if dense:
            found = self._by_patterns(module, dense, value, query.shape[1], mask, options)[0]
            parts.append(self._repaired(found, dense))
        return in_order(parts, [*others, *heads])

    def _own(self, module: torch.nn.Module, *args: Any, **kwargs: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
        function = function_of(module, self.original)
        if function is None:
            raise fail(
                "E0610",
                f"the attention of {type(module).__name__} cannot be replaced: it has no {self.original} function",
                help="load the model with attn_implementation='eager' or 'sdpa'",
            )
        return function(module, *args, **kwargs)

    def _full_patterns(
        self, module: torch.nn.Module, places: list[int], mask: Any, keys: int, options: dict[str, Any]
    ) -> torch.Tensor:
        """Patterns of some replaced heads of a layer in the axes of the call: float32 [batch, head, q, k]."""
        import torch

        sequences = self._pass.sequences
        if sequences is None:
            raise fail(
                "E0630",
                f"the attention of {type(module).__name__} ran outside a call of the model whose heads are replaced",
                help="call the model that was given to the replacement, not a part of it",
            )
        missing = [place for place in places if place not in self._pass.patterns]
        if missing:
            wanted = self._needing_patterns(missing)
            stacks = self._per_text(lambda ids, queries: self._compute(ids, queries, wanted).to(sequences.ids.device))
            self._pass.patterns.update({place: [stack[i] for stack in stacks] for i, place in enumerate(wanted)})
        rows = range(sequences.ids.shape[0])
        patterns = [torch.stack([self._pass.patterns[place][row] for place in places]) for row in rows]
        return fit(patterns, sequences, keys, mask, options, self._outside_window, self._heads[places[0]][0])

    def _needing_patterns(self, missing: list[int]) -> list[int]:
        """Every place of the pass that will need its pattern, as far as is known: programs run together, once."""
        if self._pass.forms is None:
            return list(range(len(self._heads)))
        texts = self._pass.forms
        dense = [place for place in range(len(self._heads)) if any(row[place] is None for row in texts)]
        return dense if set(missing) <= set(dense) else missing
