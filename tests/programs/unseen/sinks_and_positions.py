"""Sinks, neighbours, decays and positions: no features of the text beyond the tokens themselves."""

import numpy as np
from typing import Dict, List, Optional, Set, Tuple
from transformers import PreTrainedTokenizerBase

_nlp = None


def _get_nlp():
    global _nlp
    if _nlp is None:
        import spacy

        _nlp = spacy.load("en_core_web_sm")
    return _nlp


def spacy_parse(sentence: str):
    return _get_nlp()(sentence)


def _align_to_spacy(sentence: str, tokens: list) -> list:
    """For every token, the indices of the spaCy words that it overlaps."""
    doc = _get_nlp()(sentence)
    spans, pos = [], 0
    for t in tokens:
        clean = t.lstrip("\u0120").lstrip("\u2581").lstrip("##").lstrip()
        width = max(len(clean), 1)
        spans.append((pos, pos + width))
        pos += width
    alignment = []
    for start, end in spans:
        alignment.append([w.i for w in doc if w.idx < end and w.idx + len(w.text) > start])
    return alignment


def make_row_stochastic(matrix: np.ndarray) -> np.ndarray:
    matrix = np.clip(matrix, 0, None)
    row_sums = matrix.sum(axis=1, keepdims=True)
    row_sums[row_sums == 0] = 1.0
    return matrix / row_sums


def apply_causal_mask(matrix: np.ndarray) -> np.ndarray:
    n = matrix.shape[0]
    mask = np.tril(np.ones((n, n)))
    return matrix * mask


FIRST_WEIGHT = 0.85
WINDOW = 4
DECAY_TABLE = [1.0, 0.6, 0.35, 0.2, 0.1]


def strong_sink(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Nearly everything goes to the first token."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        if i == 0:
            attention[i, 0] = 1.0
        else:
            attention[i, 0] = FIRST_WEIGHT
            attention[i, i] = 1 - FIRST_WEIGHT - 0.02 * min(i, 5)
            for d in range(1, min(i, 5) + 1):
                attention[i, i - d] += 0.02
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "strong_sink", attention


def table_of_decays(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attn = np.zeros((n, n))
    for i in range(n):
        for back, w in enumerate(DECAY_TABLE):
            if i - back >= 0:
                attn[i, i - back] += w
        attn[i, 0] += 0.5
    attn = apply_causal_mask(attn)
    attn = make_row_stochastic(attn)
    return "table_of_decays", attn


def remaining_mass_uniform(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """What the sink leaves is shared by the window."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
    for i in range(n):
        A[i, 0] = 0.7 if i > 0 else 1.0
        A[i, i] += 0.1
        left = 1.0 - A[i].sum()
        window = list(range(max(1, i - WINDOW), i))
        if left > 0 and len(window) > 0:
            share = left / len(window)
            for j in window:
                A[i, j] += share
    A = apply_causal_mask(A)
    A = make_row_stochastic(A)
    return "remaining_mass_uniform", A


def position_buckets(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    if n == 0:
        return "position_buckets", np.zeros((0, 0))
    attention = np.zeros((n, n))
    for i in range(n):
        rel = i / max(n - 1, 1)
        if rel < 0.25:
            attention[i, 0] = 0.9
        elif rel < 0.5:
            attention[i, 0] = 0.7
            attention[i, i] = 0.2
        elif rel < 0.75:
            attention[i, max(0, i - 1)] += 0.3
            attention[i, 0] += 0.5
        else:
            attention[i, : i + 1] = 1.0 / (i + 1)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "position_buckets", attention


def modulo_stripes(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    M = np.zeros((n, n))
    for q in range(n):
        for k in range(q + 1):
            if (q - k) % 3 == 0:
                M[q, k] = 0.3 / (1 + (q - k) // 3)
            elif k % 4 == 0 and k > 0:
                M[q, k] = 0.05
        M[q, 0] += 0.4
    M = apply_causal_mask(M)
    M = make_row_stochastic(M)
    return "modulo_stripes", M


def gaussian_lookback(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    sigma = 2.5
    for i in range(n):
        for j in range(i + 1):
            d = i - j
            attention[i, j] = np.exp(-(d**2) / (2 * sigma**2))
        attention[i, 0] += 1.5
        if i >= 10:
            attention[i, 0] *= 1.0 + 0.1 * np.log(i)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "gaussian_lookback", attention


def first_few_tokens(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    early = list(range(min(4, n)))
    weights = [0.6, 0.2, 0.1, 0.1]
    for i in range(n):
        for j, w in zip(early, weights):
            if j <= i:
                attention[i, j] = w
        if i > 3:
            attention[i, i] = 0.15
            attention[i, i - 1] = 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "first_few_tokens", attention


def shrinking_self(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        self_w = max(0.05, 0.6 - 0.05 * i)
        attention[i, i] = self_w
        if i > 0:
            prev_w = min(0.3, 1.0 - self_w)
            attention[i, i - 1] = prev_w
            rest = max(0.0, 1.0 - self_w - prev_w)
            attention[i, 0] += rest * 0.8
            for j in range(1, i - 1):
                attention[i, j] += rest * 0.2 / (i - 2)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "shrinking_self", attention


def even_and_odd(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    w = np.zeros((n, n))
    for i in range(n):
        parity = i % 2
        same = [j for j in range(i + 1) if j % 2 == parity]
        for rank, j in enumerate(same[::-1]):
            w[i, j] += 0.5 ** (rank + 1)
        w[i, 0] += 0.2
    w = apply_causal_mask(w)
    w = make_row_stochastic(w)
    return "even_and_odd", w


def sqrt_distance(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        total = 0.0
        for j in range(max(0, i - 8), i + 1):
            v = 1.0 / np.sqrt(i - j + 1)
            attention[i, j] = v
            total += v
        attention[i, 0] += total * 0.75
        attention[i] /= attention[i].sum()
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "sqrt_distance", attention


def half_way_point(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    mid = n // 2
    for i in range(n):
        target = mid if i >= mid else 0
        attention[i, target] += 0.5
        attention[i, i // 2] += 0.3
        attention[i, -1 if i == n - 1 else 0] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "half_way_point", attention


def late_rows_spread(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        spread = 0.02 if n < 20 else 0.01 if n < 50 else 0.005
        attention[i, :i] = spread
        attention[i, 0] = max(0.5, 0.95 - spread * i)
        attention[i, i] = 0.04
    if n > 1:
        attention[1, 0], attention[1, 1] = 0.9, 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "late_rows_spread", attention


def ring_neighbours(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        left, right = (i - 1) % n, (i + 1) % n
        attention[i][left] = 0.5
        attention[i][right] = 0.5
        attention[i][i] += 0.25
    return "ring_neighbours", make_row_stochastic(attention)


def every_fifth_is_an_anchor(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    anchors = [p for p in range(0, n, 5)]
    for i in range(n):
        past = [p for p in anchors if p <= i]
        attention[i, past[-1]] += 0.4
        if len(past) >= 2:
            attention[i, past[-2]] += 0.2
        attention[i, past[0]] += 0.3
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "every_fifth_is_an_anchor", attention


def hand_normalised(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        row = [0.0] * n
        for j in range(i + 1):
            row[j] = 1.0 / (1.0 + (i - j))
        row[0] += 2.0
        s = sum(row)
        for j in range(n):
            attention[i, j] = row[j] / s
    return "hand_normalised", attention


def length_dependent(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    scale = min(1.0, 16 / n) if n else 1.0
    for i in range(n):
        attention[i, 0] = 0.95 - 0.3 * scale
        attention[i, i] = 0.05 + 0.2 * scale
        if i >= 2:
            attention[i, i - 2 : i] = [0.03 * scale, 0.07 * scale]
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "length_dependent", attention


def diag_blocks(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    block = 8
    for start in range(0, n, block):
        end = min(start + block, n)
        for i in range(start, end):
            for j in range(start, i + 1):
                attention[i, j] = 1.0 / (i - start + 1)
            attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "diag_blocks", attention


def last_row_special(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n - 1):
        attention[i, i] = 0.5
        attention[i, 0] += 0.5
    attention[n - 1, :] = 1.0 / n
    attention[-1, 0] += 0.3
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "last_row_special", attention
