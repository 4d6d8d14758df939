"""From the pattern of a text to the axes of an attention call: padding, caches, sliding windows.

A text's pattern has one row and one column per token. A call has one row per query of this pass (the last ones, when
decoding) and one column per key it is given: fewer than the tokens where a sliding-window cache forgot some, more
where a static cache is not yet full, and padding in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from attndsl.dsl.diagnostics import fail
from attndsl.models.sequences import Sequences

if TYPE_CHECKING:
    import torch

OutsideWindow = Literal["error", "renormalize"]

_HIDDEN_TOLERANCE = 1e-6  # mass of a row; float32 rounding of a normalised row is of this size


def compact(sequences: Sequences, row: int) -> tuple[tuple[int, ...], int]:
    """The token ids of one sequence without padding, and how many of its last tokens are queries of this pass."""
    ids = sequences.ids[row]
    if sequences.present is None:
        return tuple(ids.tolist()), sequences.queries
    present = sequences.present[row]
    return tuple(ids[present].tolist()), int(present[sequences.total - sequences.queries :].sum())


def fit(
    patterns: list[torch.Tensor],
    sequences: Sequences,
    keys: int,
    mask: Any,
    options: dict[str, Any],
    outside_window: OutsideWindow,
    layer: int,
) -> torch.Tensor:
    """Bring the patterns of one layer, per sequence [head, queries, tokens], to float32 [batch, head, q, ``keys``].

    ``mask`` and ``options`` are those of the attention call. Queries that are padding get rows of zeros. Weight on
    keys that the layer cannot see is E0635, or dropped with the rest brought to the same sum (``outside_window``).
    """
    import torch

    placed = [place(pattern, sequences, row, keys) for row, pattern in enumerate(patterns)]
    full = torch.stack([p for p, _ in placed])
    lost = torch.stack([forgotten for _, forgotten in placed])
    visible = _visible(mask, options, sequences, keys, full.device)
    if visible is not None:
        lost = lost + full.masked_fill(visible, 0.0).sum(-1)
    if not bool((lost > _HIDDEN_TOLERANCE).any()):
        return full
    if outside_window == "error":
        raise fail(
            "E0635",
            f"a pattern for layer {layer} puts {float(lost.max()):.3g} of a row on keys that this layer cannot see",
            help="the layer has a sliding window: keep to programs that stay inside, or choose"
            " outside_window='renormalize' to drop what lies outside",
        )
    shown = full if visible is None else full.masked_fill(~visible, 0.0)
    kept = shown.sum(-1)
    if bool(((lost > _HIDDEN_TOLERANCE) & (kept <= _HIDDEN_TOLERANCE)).any()):
        raise fail(
            "E0635",
            f"a pattern for layer {layer} has a row with no weight on the keys that this layer can see",
            help="the layer has a sliding window: use a program whose rows keep some weight inside it",
        )
    return shown * ((kept + lost) / kept.clamp(min=_HIDDEN_TOLERANCE))[..., None]


def place(pattern: torch.Tensor, sequences: Sequences, row: int, keys: int) -> tuple[torch.Tensor, torch.Tensor]:
    """One sequence: ([head, q, keys], and [head, q] the weight on keys that the cache no longer holds)."""
    import torch

    total, queries = sequences.total, sequences.queries
    if sequences.present is None and keys == total:
        return pattern, pattern.new_zeros(pattern.shape[:2])
    device = pattern.device
    if sequences.present is None:
        tokens = torch.arange(total, device=device)
    else:
        tokens = sequences.present[row].nonzero()[:, 0].to(device)
    rows = tokens[tokens >= total - queries] - (total - queries)
    columns = tokens - max(0, total - keys)  # a cache with fewer keys than tokens holds the last ones
    held = columns >= 0
    full = pattern.new_zeros((pattern.shape[0], queries, keys))
    full[:, rows[:, None], columns[held][None, :]] = pattern[:, :, held]
    lost = pattern.new_zeros(pattern.shape[0], queries)
    lost[:, rows] = pattern[:, :, ~held].sum(-1)
    return full, lost


def _visible(
    mask: Any, options: dict[str, Any], sequences: Sequences, keys: int, device: torch.device
) -> torch.Tensor | None:
    """What the layer lets a query see, for broadcasting over [batch, head, q, k]; None where it hides nothing new.

    Eager and sdpa attention hide keys by a mask in the axes of the call (sdpa leaves it out where it would hide only
    later keys); the flash kernels get the window as an argument.
    """
    import torch

    if isinstance(mask, torch.Tensor) and mask.ndim == 4:
        shown = mask[..., :keys].to(device)
        return shown if shown.dtype == torch.bool else shown > torch.finfo(shown.dtype).min / 2
    window = options.get("sliding_window")
    if not isinstance(window, int) or sequences.total <= window:
        return None
    query = torch.arange(sequences.total - sequences.queries, sequences.total, device=device)[:, None]
    key = torch.arange(keys, device=device)[None, :] + max(0, sequences.total - keys)
    return (query - key < window)[None, None]
