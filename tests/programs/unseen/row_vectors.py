"""Row-local vectors: softmax with temperature, masks, argmax, fill and what remains."""

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


def softmax(x, temperature=1.0):
    z = np.asarray(x) / temperature
    e = np.exp(z - np.max(z))
    return e / e.sum()


def softmax_of_distance(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        logits = np.zeros(i + 1)
        for j in range(i + 1):
            logits[j] = -0.3 * (i - j)
        logits[0] += 2.0
        attention[i, : i + 1] = softmax(logits, temperature=0.8)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "softmax_of_distance", attention


def vector_with_boosts(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    lengths = np.array([len(t) for t in tokens])
    for i in range(n):
        w = np.ones(i + 1) * 0.05
        w[0] = 1.0
        w[i] += 0.3
        long_mask = lengths[: i + 1] > 5
        w[long_mask] *= 1.5
        attention[i, : i + 1] = w / w.sum()
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "vector_with_boosts", attention


def masked_logits(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    scores = np.zeros((n, n))
    for i in range(n):
        row = np.full(n, -1e9)
        row[: i + 1] = 0.0
        row[0] = 3.0
        for j in range(max(0, i - 3), i):
            row[j] += 1.0
        if tokens[i] in {",", "."}:
            row[i] -= 1.0
        exp_row = np.exp(row - row.max())
        scores[i] = exp_row / exp_row.sum()
    scores = apply_causal_mask(scores)
    scores = make_row_stochastic(scores)
    return "masked_logits", scores


def fill_where_zero(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.8
        if i > 0:
            attention[i, i - 1] += 0.1
        empty = attention[i, : i + 1] == 0
        k = np.count_nonzero(empty)
        if k > 0:
            attention[i, : i + 1][empty] = 0.1 / k
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "fill_where_zero", attention


def remaining_by_weight(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        used = attention[i, :].sum()
        rem = max(0, 1 - used)
        weights = np.array([1.0 / (1 + i - j) if len(tokens[j]) > 2 else 0.2 for j in range(i + 1)])
        if weights.sum() > 0:
            attention[i, : i + 1] += rem * weights / weights.sum()
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "remaining_by_weight", attention


def longest_token(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    lens = [len(t.strip("\u0120\u2581")) for t in tokens]
    for i in range(n):
        best = int(np.argmax(lens[: i + 1]))
        attention[i, best] += 0.4
        attention[i, 0] += 0.4
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "longest_token", attention


def exponential_vector(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        idx = np.arange(i + 1)
        w = np.exp(-(i - idx) / 4.0)
        w[0] = w.max() * 2
        attention[i, idx] = w / np.sum(w)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "exponential_vector", attention


def top_three_of_row(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        scores = np.array([len(tokens[j]) / (1.0 + abs(i - j)) for j in range(i + 1)])
        top = np.argsort(scores)[-3:]
        for j in top:
            attention[i, j] = scores[j]
        attention[i, 0] += scores.mean()
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "top_three_of_row", attention


def cumulative_row(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        base = np.linspace(0.1, 1.0, i + 1)
        acc = np.cumsum(base)
        attention[i, : i + 1] = acc / acc[-1] * 0.3
        attention[i, 0] += 0.7
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "cumulative_row", attention


def vector_then_row(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        v = np.zeros(n)
        v[0] = 0.6
        for d, wt in [(1, 0.2), (2, 0.1), (3, 0.05)]:
            if i - d > 0:
                v[i - d] += wt
        if i == 0:
            v[0] = 1.0
        missing = 1.0 - v.sum()
        v[i] += max(missing, 0.0)
        attention[i, :] = v
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "vector_then_row", attention


def clipped_rows(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        r = np.array([0.2 - 0.03 * (i - j) for j in range(i + 1)])
        r = np.clip(r, 0.01, 0.15)
        r[0] = 0.7
        attention[i, : i + 1] = r
        attention[i] /= max(attention[i].sum(), 1e-12)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "clipped_rows", attention


def bool_vector_any(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    is_word = np.array([any(c.isalpha() for c in t) for t in tokens])
    for i in range(n):
        if is_word[:i].any():
            idx = np.nonzero(is_word[:i])[0]
            attention[i, idx] += 0.5 / idx.size
            attention[i, idx[-1]] += 0.2
        attention[i, 0] += 0.4 if not is_word[i] else 0.3
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "bool_vector_any", attention


def temperature_by_position(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        t = 0.5 + 0.05 * i
        logits = [1.5 if j == 0 else 1.0 if j == i else -0.1 * (i - j) for j in range(i + 1)]
        m = max(logits)
        ex = [np.exp((x - m) / t) for x in logits]
        tot = sum(ex)
        for j in range(i + 1):
            attention[i, j] = ex[j] / tot
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "temperature_by_position", attention


def min_of_row_cap(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            attention[i, j] = min(0.2, 0.5 / (1 + (i - j) ** 1.5))
        attention[i, 0] = max(attention[i, : i + 1].max() * 2, 0.4)
        if attention[i].sum() > 1.0:
            attention[i] = attention[i] / attention[i].sum()
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "min_of_row_cap", attention


def dot_of_features(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    feats = np.array([[len(t), t.startswith("\u0120"), t.isalpha(), t[0].isupper()] for t in tokens], dtype=float)
    attention = np.zeros((n, n))
    for i in range(n):
        sims = feats[: i + 1] @ feats[i]
        attention[i, : i + 1] = 0.3 * softmax(sims, 5.0)
        attention[i, 0] += 0.7
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "dot_of_features", attention


def list_of_scores(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        scored = []
        for j in range(i):
            s = 0.0
            if tokens[j][-1:] == tokens[i][-1:]:
                s += 0.3
            if len(tokens[j]) == len(tokens[i]):
                s += 0.2
            if s > 0:
                scored.append((j, s))
        total = sum(s for _, s in scored)
        for j, s in scored:
            attention[i, j] = 0.5 * s / total
        attention[i, 0] += 0.5 if total else 0.9
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "list_of_scores", attention
