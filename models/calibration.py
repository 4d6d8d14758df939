"""How fast this machine runs models: two rates that, with a model's shape, say what a forward pass takes.

Dense layers cost multiplications, attention in eager arithmetic costs passes over [heads, n, n] weights. Both are
measured as processor time of all threads, in about a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

REPEATS = 3
_HIDDEN, _TOKENS, _HEADS, _WIDTH = 1024, 128, 16, 64


@dataclass(frozen=True)
class ModelRates:
    """Processor seconds per multiply-add of a dense layer, and per attention weight (scores, softmax, values)."""

    multiply: float
    weight: float


def measure_rates() -> ModelRates:
    """Measure this machine, in float32."""
    import torch

    generator = torch.Generator().manual_seed(0)
    x = torch.rand((_TOKENS, _HIDDEN), generator=generator)
    w = torch.rand((_HIDDEN, 4 * _HIDDEN), generator=generator)
    q = torch.rand((1, _HEADS, _TOKENS, _WIDTH), generator=generator)
    mask = torch.full((_TOKENS, _TOKENS), -1e9).triu(1)

    def attention() -> object:
        scores = q @ q.transpose(2, 3) * 0.125 + mask
        return torch.softmax(scores, dim=-1, dtype=torch.float32) @ q

    dense = _processor_seconds(lambda: x @ w) / (_TOKENS * _HIDDEN * 4 * _HIDDEN)
    return ModelRates(dense, _processor_seconds(attention) / (_HEADS * _TOKENS * _TOKENS))


def _processor_seconds(work: Callable[[], object], least: float = 0.2) -> float:
    """Of one call; the least of a few means, since what else runs only adds."""
    work()
    found = []
    for _ in range(REPEATS):
        calls, start = 0, time.process_time()
        while time.process_time() - start < least / REPEATS:
            work()
            calls += 1
        found.append((time.process_time() - start) / calls)
    return min(found)
