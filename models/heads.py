"""Names of heads: ``L5H3`` is layer 5, head 3, both counted from zero. Plain data, no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from attndsl.dsl.diagnostics import fail

Head = tuple[int, int]
"""(layer, head), zero-based."""

_HEAD = re.compile(r"[Ll](\d+)(?:[Hh](\d+))?")


def format_head(layer: int, head: int) -> str:
    """The name of a head.

    >>> format_head(5, 3)
    'L5H3'
    """
    return f"L{layer}H{head}"


def ranges(heads_per_layer: Mapping[int, int]) -> str:
    """The heads a model has, in words: ``L0-L29, H0-H8`` or, where layers differ, layer by layer."""
    layers = sorted(heads_per_layer)
    counts = set(heads_per_layer.values())
    contiguous = layers == list(range(len(layers)))
    if len(counts) == 1 and contiguous and layers:
        return f"L0-L{layers[-1]}, H0-H{counts.pop() - 1}"
    return ", ".join(f"L{layer}H0-H{heads_per_layer[layer] - 1}" for layer in layers)


def all_heads(heads_per_layer: Mapping[int, int]) -> list[Head]:
    """Every head, in order of layer, then head."""
    return [(layer, head) for layer in sorted(heads_per_layer) for head in range(heads_per_layer[layer])]


def places_by_layer(heads: Sequence[Head]) -> dict[int, list[int]]:
    """Layer to the places of its heads in ``heads``.

    >>> places_by_layer([(1, 0), (0, 2), (1, 3)])
    {1: [0, 2], 0: [1]}
    """
    places: dict[int, list[int]] = {}
    for place, (layer, _) in enumerate(heads):
        places.setdefault(layer, []).append(place)
    return places


def parse_heads(names: str | Sequence[str], heads_per_layer: Mapping[int, int]) -> list[Head]:
    """The heads named by a list such as ``"L5H3,L6"`` (a layer alone means all its heads), without repeats.

    ``heads_per_layer`` maps each layer with attention to its number of heads. Raises E0612 for a name that is
    malformed or that the model does not have.

    >>> parse_heads("L1H0,L0", {0: 2, 1: 2})
    [(1, 0), (0, 0), (0, 1)]
    """
    pieces = names.split(",") if isinstance(names, str) else list(names)
    found: dict[Head, None] = {}
    for piece in (p.strip() for p in pieces):
        match = _HEAD.fullmatch(piece)
        if match is None:
            raise fail(
                "E0612", f"'{piece}' is not the name of a head", help="write a head as L5H3 and a whole layer as L5"
            )
        layer = int(match[1])
        chosen = range(heads_per_layer.get(layer, 0)) if match[2] is None else [int(match[2])]
        for head in chosen or [0]:
            check_head((layer, head), heads_per_layer)
            found[(layer, head)] = None
    return list(found)


def check_head(head: Head, heads_per_layer: Mapping[int, int]) -> None:
    """Raises E0612, with the valid ranges, when the model has no such head."""
    layer, index = head
    if not 0 <= index < heads_per_layer.get(layer, 0):
        raise fail(
            "E0612",
            f"the model has no head {format_head(layer, index)}",
            help=f"its heads are {ranges(heads_per_layer)}",
        )
