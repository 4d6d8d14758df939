"""Small programs for replacement tests, and the logits of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch


def logits(model: Any, ids: torch.Tensor, **kwargs: Any) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(ids, **kwargs).logits
    return found


def uniform(ids: Sequence[int], tokenizer: Any = None) -> np.ndarray:
    lower = np.tril(np.ones((len(ids), len(ids)), np.float32))
    return lower / lower.sum(1, keepdims=True)


def first_token(ids: Sequence[int], tokenizer: Any = None) -> np.ndarray:
    pattern = np.zeros((len(ids), len(ids)), np.float32)
    pattern[:, 0] = 1
    return pattern


def self_token(ids: Sequence[int], tokenizer: Any = None) -> np.ndarray:
    return np.eye(len(ids), dtype=np.float32)
