"""Replaced heads without a pattern, and the work of the model that replaced heads make needless.

A pattern is not needed where a pass runs a whole text without cache, nobody asked for the weights, and the layer hides
nothing but later keys. Then each head's output is its program's linear form applied to the values; heads that are not
replaced go through the model's own attention alone, and where all of a layer are replaced its query projection, and
its key projection unless a cache keeps the keys, is not computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from attndsl.models.sequences import Sequences

if TYPE_CHECKING:
    import torch

QUERY_PROJECTIONS = ("q_proj", "query", "q_lin")
KEY_PROJECTIONS = ("k_proj", "key", "k_lin")


def hides_only_later_keys(
    sequences: Sequences, keys: int, mask: Any, options: dict[str, Any], implementation: str, training: bool
) -> bool:
    """Whether a call of an attention needs no pattern: see above. Padding is no hindrance."""
    if implementation != "sdpa" or options.get("output_attentions") or sequences.queries != sequences.total:
        return False
    if keys != sequences.total or (training and float(options.get("dropout") or 0.0)):
        return False
    window = options.get("sliding_window")
    return not (isinstance(window, int) and sequences.total > window)


def outputs(
    forms: Sequence[Sequence[Any]], value: torch.Tensor, value_heads: Sequence[int], present: torch.Tensor | None
) -> torch.Tensor:
    """``forms[row][i].apply`` on the values of head ``value_heads[i]``: [batch, heads, q, d], zeros for padding."""
    out = value.new_zeros((value.shape[0], len(value_heads), *value.shape[2:]))
    for row, of_row in enumerate(forms):
        kept = slice(None) if present is None else present[row].nonzero()[:, 0]
        same: dict[int, list[int]] = {}
        for place, form in enumerate(of_row):
            same.setdefault(id(form), []).append(place)
        for places in same.values():
            heads = list(dict.fromkeys(value_heads[place] for place in places))
            values = value[row, heads][:, kept].transpose(0, 1)  # [n, heads, d]
            found = of_row[places[0]].apply(values.reshape(values.shape[0], -1)).reshape(values.shape).transpose(0, 1)
            for place in places:
                out[row, place, kept] = found[heads.index(value_heads[place])]
    return out


def in_order(parts: Sequence[torch.Tensor], heads: Sequence[int]) -> torch.Tensor:
    """Outputs of groups of heads, each [batch, q, some, d] and together ``heads``, as [batch, q, heads, d]."""
    first = parts[0]
    out = first.new_empty((*first.shape[:2], len(heads), first.shape[3]))
    done = 0
    for part in parts:
        out[:, :, list(heads[done : done + part.shape[2]])] = part
        done += part.shape[2]
    return out


class _Ungrouped:
    """An attention module for which every query head has a key head of its own."""

    num_key_value_groups = 1

    def __init__(self, module: torch.nn.Module) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def own_heads(
    function: Callable[..., Any], module: torch.nn.Module, heads: list[int], call: tuple[Any, ...], options: Any
) -> torch.Tensor | None:
    """The model's own attention for some heads, [batch, q, heads, d]; None where it cannot be run for some alone."""
    query, key, value, mask, *rest = call
    if function.__module__ != "transformers.integrations.sdpa_attention" or (mask is not None and mask.shape[1] != 1):
        return None
    group = query.shape[1] // key.shape[1]
    shared = [head // group for head in heads]
    found = function(_Ungrouped(module), query[:, heads], key[:, shared], value[:, shared], mask, *rest, **options)
    output: torch.Tensor = found[0]
    return output


@contextmanager
def without_projections(modules: Sequence[torch.nn.Module], keys_kept: Callable[[], bool]) -> Iterator[None]:
    """Give zeros for the query projections of attentions whose heads are all replaced, and for the key projections
    of passes that keep no keys. Projections that compute queries, keys and values at once stay as they are."""
    with ExitStack() as stack:
        for module in modules:
            for names, needed in ((QUERY_PROJECTIONS, lambda: False), (KEY_PROJECTIONS, keys_kept)):
                for name in names:
                    stack.enter_context(_skipping(getattr(module, name, None), needed))
        yield


@contextmanager
def _skipping(projection: Any, needed: Callable[[], bool]) -> Iterator[None]:
    import torch

    plain = type(projection) is torch.nn.Linear and "forward" not in projection.__dict__
    if not plain or projection._forward_hooks or projection._forward_pre_hooks:
        yield  # not a plain product: somebody else watches or changes it
        return
    original = projection.forward

    def forward(x: torch.Tensor) -> torch.Tensor:
        if needed():
            found: torch.Tensor = original(x)
            return found
        return x.new_zeros(()).expand(*x.shape[:-1], projection.out_features)

    projection.forward = torch.compiler.disable(forward)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        del projection.forward
