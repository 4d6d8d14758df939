"""Heads as a writer fluent in numpy explains them: rows, masks, broadcast distances."""

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


def broadcast_distance_and_column_bias(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    q = np.arange(n)[:, None]
    k = np.arange(n)[None, :]
    dist = q - k
    scores = np.exp(-0.25 * np.abs(dist))
    bias = np.ones(n)
    for j, t in enumerate(tokens):
        if t.strip("\u2581\u0120") in {",", ".", ";", ":"}:
            bias[j] = 2.5
        elif j == 0:
            bias[j] = 6.0
    scores = scores * bias[None, :]
    scores = np.where(dist >= 0, scores, 0.0)
    return "broadcast_distance_and_column_bias", make_row_stochastic(scores)


def tril_uniform_plus_sink(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.tril(np.ones((n, n)))
    A /= A.sum(axis=1, keepdims=True)
    A *= 0.3
    A[:, 0] += 0.6
    A[np.arange(n), np.arange(n)] += 0.1
    A = A / A.sum(axis=1, keepdims=True)
    return "tril_uniform_plus_sink", A


def same_token_mask_matrix(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    lower = [t.lower().lstrip("\u2581\u0120") for t in tokens]
    M = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            M[i, j] = 1.0 if lower[i] == lower[j] else 0.0
    counts = M.sum(axis=1)
    for i in range(n):
        if counts[i] > 0:
            M[i] = M[i] / counts[i] * 0.5
        M[i, 0] += 0.5 if counts[i] > 0 else 0.9
        M[i, i] += 0.1
    M = apply_causal_mask(M)
    return "same_token_mask_matrix", make_row_stochastic(M)


def softmax_over_prefix(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        logits = np.zeros(i + 1)
        for j in range(i + 1):
            logits[j] = -0.15 * (i - j)
            if j == 0:
                logits[j] += 4.0
            if tokens[j] in (".", ",", "\u010a"):
                logits[j] += 1.0
            if tokens[j].startswith("\u0120") and tokens[j][1:2].isupper():
                logits[j] += 0.7
        logits -= logits.max()
        p = np.exp(logits)
        p /= p.sum()
        attention[i, : i + 1] = p
    return "softmax_over_prefix", attention


def eye_shift_mixture(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = 0.2 * np.eye(n) + 0.3 * np.eye(n, k=-1) + 0.1 * np.eye(n, k=-2)
    attention[:, 0] += 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "eye_shift_mixture", attention


def fancy_index_of_stops(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    stops = [j for j, t in enumerate(tokens) if t in (".", "!", "?", "\u2581.")]
    for i in range(n):
        earlier = [s for s in stops if s < i]
        if earlier:
            attention[i, earlier] = 0.3 / len(earlier)
        attention[i, 0] += 0.6
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "fancy_index_of_stops", attention


def boolean_mask_of_content(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    is_content = np.array([len(t.strip("\u2581\u0120")) > 3 and t.strip("\u2581\u0120").isalpha() for t in tokens])
    for i in range(n):
        mask = is_content[: i + 1].copy()
        mask[i] = False
        count = mask.sum()
        if count > 0:
            attention[i, : i + 1][mask] = 0.4 / count
        attention[i, 0] += 0.5
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "boolean_mask_of_content", attention


def outer_of_class_vectors(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    noun_like = np.zeros(n)
    for i, t in enumerate(tokens):
        s = t.strip("\u2581\u0120")
        noun_like[i] = 1.0 if s[:1].isupper() else (0.5 if len(s) >= 5 else 0.1)
    weights = np.outer(noun_like, noun_like)
    weights = np.tril(weights)
    weights[:, 0] += 1.0
    row = weights.sum(axis=1, keepdims=True)
    row[row == 0] = 1
    return "outer_of_class_vectors", weights / row


def linear_position_ramp(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        if i == 0:
            attention[0, 0] = 1.0
            continue
        ramp = np.linspace(0.1, 1.0, i + 1)
        ramp = ramp / ramp.sum()
        attention[i, : i + 1] = 0.4 * ramp
        attention[i, 0] += 0.6
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "linear_position_ramp", attention


def window_of_three_with_clip(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        lo = max(0, i - 3)
        attention[i, lo : i + 1] = 0.1
        attention[i, lo:i] += 0.05
        attention[i, 0] += 0.5
        if tokens[i] in (".", "?", "!"):
            attention[i, lo : i + 1] *= 2
    attention = np.clip(attention, 0, 0.8)
    attention = np.tril(attention)
    sums = attention.sum(axis=1)
    for i in range(n):
        if sums[i] > 0:
            attention[i] /= sums[i]
    return "window_of_three_with_clip", attention
