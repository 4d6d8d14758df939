"""Whole arrays at once: broadcasting, masks, outer products, where, tril and triu."""

import numpy as np
import re
import string
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Dict, List, Optional, Set, Tuple

from transformers import PreTrainedTokenizerBase


def make_row_stochastic(matrix):
    matrix = np.where(matrix < 0, 0.0, matrix)
    sums = matrix.sum(axis=-1, keepdims=True)
    return matrix / np.maximum(sums, 1e-9)


def apply_causal_mask(m):
    return np.tril(m)


STOP = ["the", "a", ".", ","]


def as_mask(tokens, chars):
    return np.array([1.0 if any(c in chars for c in t) else 0.0 for t in tokens])


def broadcast_decay(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    i = np.arange(n).reshape(-1, 1)
    j = np.arange(n).reshape(1, -1)
    A = np.exp(-0.25 * np.abs(i - j)) * (j <= i)
    A[:, 0] += 0.8
    A = apply_causal_mask(A)
    A = make_row_stochastic(A)
    return "broadcast_decay", A


def outer_of_masks(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    punct = as_mask(tokens, ",.;:!?")
    words = 1.0 - punct
    A = 0.3 * np.outer(punct, words) + 0.1 * np.outer(words, punct) + 0.2 * np.eye(n)
    A[:, 0] += 0.4
    A = apply_causal_mask(A)
    A = make_row_stochastic(A)
    return "outer_of_masks", A


def where_table(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    q, k = np.indices((n, n))
    A = np.where(q == k, 0.3, np.where(k == 0, 0.6, np.where(q - k <= 2, 0.1, 0.01)))
    A = apply_causal_mask(A)
    A = make_row_stochastic(A)
    return "where_table", A


def shifted_eyes(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = 0.5 * np.eye(n) + 0.3 * np.eye(n, k=-1) + 0.1 * np.eye(n, k=-2)
    if n > 0:
        A[:, 0] += 0.6
    A = apply_causal_mask(A)
    A = make_row_stochastic(A)
    return "shifted_eyes", A


def triangular_uniform(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.tril(np.ones((n, n)))
    A /= A.sum(axis=1, keepdims=True)
    A[:, 0] *= 3
    A[np.arange(n), np.arange(n)] += 0.1
    A = apply_causal_mask(A)
    A = make_row_stochastic(A)
    return "triangular_uniform", A


def column_weights(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    w = np.array([0.1 if t.isalpha() else 0.4 if t in (".", ",") else 0.2 for t in tokens])
    A = np.tile(w, (n, 1))
    A[:, :1] += 1.0
    np.fill_diagonal(A, 0.5)
    A = apply_causal_mask(A)
    A = make_row_stochastic(A)
    return "column_weights", A


def same_token_matrix(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    ids = np.unique(np.array(tokens), return_inverse=True)[1]
    same = (ids[:, None] == ids[None, :]).astype(float)
    A = 0.5 * np.tril(same, k=-1)
    A[:, 0] += 0.3
    A += np.diag(np.full(n, 0.2))
    A = apply_causal_mask(A)
    A = make_row_stochastic(A)
    return "same_token_matrix", A


def cumsum_segments(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    ends = np.array([t in (".", "!", "?") for t in tokens], dtype=int)
    seg = np.cumsum(ends) - ends
    A = (seg[:, None] == seg[None, :]) * 0.2
    A = A + 0.05
    A[:, 0] += 0.5
    A = apply_causal_mask(A)
    A = make_row_stochastic(A)
    return "cumsum_segments", A


def triu_is_cleared(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.full((n, n), 0.05)
    A[np.triu_indices(n, 1)] = 0
    A[np.diag_indices(n)] = 0.3
    A[1:, 0] = 0.7
    A = apply_causal_mask(A)
    A = make_row_stochastic(A)
    return "triu_is_cleared", A


def distance_matrix_clip(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    pos = np.arange(n, dtype=float)
    D = np.clip(pos[:, None] - pos[None, :], 0, 10)
    A = (1.0 - D / 10.0) ** 2
    A[:, 0] = np.maximum(A[:, 0], 0.6)
    A = apply_causal_mask(A)
    A = make_row_stochastic(A)
    return "distance_matrix_clip", A


def mean_centred(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    lens = np.array([float(len(t)) for t in tokens])
    z = (lens - lens.mean()) / (lens.std() + 1e-6)
    A = np.maximum(0, z)[None, :] * 0.2 + np.eye(n) * 0.3
    A[:, 0] += 0.5
    A = apply_causal_mask(A)
    A = make_row_stochastic(A)
    return "mean_centred", A


def masked_softmax_matrix(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    S = -0.2 * np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    S[:, 0] = 1.0
    S = np.where(np.tril(np.ones((n, n))) > 0, S, -np.inf)
    E = np.exp(S - S.max(axis=1, keepdims=True))
    return "masked_softmax_matrix", E / E.sum(axis=1, keepdims=True)


def stack_of_rows(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    rows = []
    for i in range(n):
        r = np.zeros(n)
        r[0] = 0.6
        r[max(0, i - 2) : i + 1] += 0.2
        rows.append(r)
    A = np.stack(rows) if rows else np.zeros((0, 0))
    A = apply_causal_mask(A)
    A = make_row_stochastic(A)
    return "stack_of_rows", A


def list_of_lists(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = [[0.0 for _ in range(n)] for _ in range(n)]
    for i in range(n):
        A[i][0] += 0.5
        A[i][i] += 0.3
        if i > 0:
            A[i][i - 1] += 0.2
    A = np.array(A)
    A = apply_causal_mask(A)
    A = make_row_stochastic(A)
    return "list_of_lists", A


def add_at_positions(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
    commas = np.flatnonzero([t == "," for t in tokens])
    A[:, commas] = 0.2
    A[:, 0] += 0.5
    A[range(n), range(n)] += 0.2
    if len(commas):
        A[commas[0], :] += 0.05
    A = apply_causal_mask(A)
    A = make_row_stochastic(A)
    return "add_at_positions", A


def weighted_sum_of_parts(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    first = np.zeros((n, n))
    first[:, 0] = 1
    self_ = np.eye(n)
    prev = np.roll(self_, -1, axis=1)
    prev[0] = 0
    prev[:, -1] = 0
    parts = [(0.6, first), (0.25, self_), (0.15, prev)]
    A = sum(w * m for w, m in parts)
    A = apply_causal_mask(A)
    A = make_row_stochastic(A)
    return "weighted_sum_of_parts", A


def in_place_scaling(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.ones((n, n)) * 0.1
    for k in range(n):
        if tokens[k].lower().strip("\u0120\u2581") in {"the", "a"}:
            A[:, k] *= 0.5
        elif tokens[k][:1] == "\u0120":
            A[:, k] *= 1.5
    A[:, 0] = 1.0
    A[A < 0.08] = 0.0
    A = apply_causal_mask(A)
    A = make_row_stochastic(A)
    return "in_place_scaling", A


def divide_where(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.tril(np.ones((n, n)), -1)
    s = A.sum(axis=1, keepdims=True)
    A = np.divide(A, s, out=np.zeros_like(A), where=s > 0)
    A[0, 0] = 1.0
    return "divide_where", A


def einsum_free_product(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    u = np.array([1.0 + (t in STOP) for t in tokens]) if n else np.zeros(0)
    v = 1.0 / (1.0 + np.arange(n))
    A = u[:, np.newaxis] * v[np.newaxis, :]
    A *= np.tri(n)
    A = A / A.sum(1)[:, None]
    return "einsum_free_product", A
