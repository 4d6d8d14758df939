"""What a program must beat: patterns that know nothing of the text.

Each kind gives patterns for ``n`` tokens, causal or not. The random kinds give several seeded draws, and their score
is the mean over the draws; every other kind gives one. ``mixture`` gives every mixture of self, previous, first and
uniform with weights in tenths; which one stands for a head is chosen on the train split, as a program is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import fail
from attndsl.runtime.pattern import normalise

KINDS = ("random token", "random column", "self", "previous", "first token", "uniform", "mixture")
MIXED = ("self", "previous", "first token", "uniform")
SEEDS = 8
"""Draws of a random kind. One draw's IoU varies little: it sums over all n rows."""
TENTHS = 10


@dataclass(frozen=True, eq=False)
class Baselines:
    """``patterns`` float32 ``[B, n, n]``; ``kind`` and ``name`` have one entry for each."""

    patterns: NDArray[np.float32]
    kind: tuple[str, ...]
    name: tuple[str, ...]


def _one_hot(keys: NDArray[np.int64]) -> NDArray[np.float32]:
    n = len(keys)
    pattern = np.zeros((n, n), dtype=np.float32)
    pattern[np.arange(n), keys] = 1.0
    return pattern


def _draw(kind: str, n: int, causal: bool, seed: int) -> NDArray[np.float32]:
    # The draw depends on kind, n and seed alone: the same text length always meets the same baseline.
    rng = np.random.default_rng([KINDS.index(kind), n, seed])
    if kind == "random token":
        return _one_hot(rng.integers(0, np.arange(1, n + 1) if causal else np.full(n, n)))
    column = np.zeros((n, n))
    column[:, rng.integers(n)] = 1.0
    return normalise(column, causal=causal)


def single(kind: str, n: int, *, causal: bool) -> NDArray[np.float32]:
    """The pattern of a kind that has one: "self", "previous", "first token" or "uniform"; float32 ``[n, n]``.

    "previous" puts row 0 on the first token. Uniform rows spread over the keys a query may see. Raises E0536.
    """
    rows = np.arange(n)
    if kind == "self":
        return _one_hot(rows)
    if kind == "previous":
        return _one_hot(np.maximum(rows - 1, 0))
    if kind == "first token":
        return _one_hot(np.zeros(n, dtype=np.int64))
    if kind == "uniform":
        return normalise(np.ones((n, n)), causal=causal)
    raise fail("E0536", f"no single baseline is called '{kind}'", help=f"one of {', '.join(MIXED)}")


@lru_cache(maxsize=1)
def mixture_weights() -> NDArray[np.float64]:
    """All weights of the mixtures, float64 ``[286, 4]`` over ``MIXED``: tenths that sum to one, corners included."""
    grid = [w for w in product(range(TENTHS + 1), repeat=len(MIXED)) if sum(w) == TENTHS]
    return np.array(grid) / TENTHS


def _mixtures(n: int, causal: bool) -> tuple[NDArray[np.float32], list[str]]:
    parts = np.stack([single(kind, n, causal=causal) for kind in MIXED])
    weights = mixture_weights()
    patterns = np.tensordot(weights.astype(np.float32), parts, axes=1)
    names = [
        "mixture of " + ", ".join(f"{w:.1f} {kind}" for w, kind in zip(row, MIXED, strict=True) if w) for row in weights
    ]
    return patterns.astype(np.float32), names


@lru_cache(maxsize=2)
def baselines(n: int, *, causal: bool, seeds: int = SEEDS) -> Baselines:
    """All baseline patterns for ``n`` tokens: ``seeds`` draws of each random kind, four single ones, 286 mixtures.

    They depend on ``n`` and ``causal`` alone and are cached for the last two lengths; the array is read-only. Raises
    E0536 for ``seeds`` below 1 and E0530 for ``n`` below 1.
    """
    if seeds < 1:
        raise fail("E0536", f"cannot draw {seeds} random baselines", help=f"{SEEDS} is the default")
    if n < 1:
        raise fail("E0530", f"a pattern needs at least one token, not {n}", help="leave out empty texts")
    patterns, kinds, names = [], [], []
    for kind in ("random token", "random column"):
        for seed in range(seeds):
            patterns.append(_draw(kind, n, causal, seed))
            kinds.append(kind)
            names.append(f"{kind}, draw {seed}")
    for kind in MIXED:
        patterns.append(single(kind, n, causal=causal))
        kinds.append(kind)
        names.append(kind)
    mixed, mixed_names = _mixtures(n, causal)
    stack = np.concatenate([np.stack(patterns), mixed])
    stack.setflags(write=False)
    return Baselines(stack, (*kinds, *["mixture"] * len(mixed)), (*names, *mixed_names))


@dataclass(frozen=True, eq=False)
class BaselineChoice:
    """The baselines of each head, fixed on the train split.

    ``pattern`` int ``[H, K]``: for each kind (order of ``KINDS``) the baseline that stands for it, -1 for the random
    kinds, which are averages. ``best`` int ``[H]``: the kind with the highest train IoU.
    """

    pattern: NDArray[np.int64]
    best: NDArray[np.int64]
    train_iou: NDArray[np.float64]


def by_kind(iou: NDArray[np.float64], kinds: tuple[str, ...], pattern: NDArray[np.int64]) -> NDArray[np.float64]:
    """IoU per head and kind ``[H, K]`` from ``iou`` ``[B, H]`` of all baselines and the ``pattern`` of a choice."""
    of_kind = np.array(kinds)
    head = np.arange(iou.shape[1])
    columns = []
    for index, kind in enumerate(KINDS):
        if kind.startswith("random"):
            columns.append(iou[of_kind == kind].mean(axis=0))
        else:
            columns.append(iou[pattern[:, index], head])
    return np.stack(columns, axis=1)


def choose_baselines(train_iou: NDArray[np.float64], kinds: tuple[str, ...]) -> BaselineChoice:
    """Choose from mean train IoUs ``[B, H]``: the best mixture per head, then the best kind. Deterministic: of equals
    the first."""
    of_kind = np.array(kinds)
    pattern = np.full((train_iou.shape[1], len(KINDS)), -1, dtype=np.int64)
    for index, kind in enumerate(KINDS):
        members = np.flatnonzero(of_kind == kind)
        if not kind.startswith("random"):
            pattern[:, index] = members[np.argmax(train_iou[members], axis=0)]
    per_kind = by_kind(train_iou, kinds, pattern)
    return BaselineChoice(pattern, np.argmax(per_kind, axis=1), per_kind)
