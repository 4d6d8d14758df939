import string

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


# Layer 0, Head 3
def distance_bands_L0H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    pos = np.arange(n)
    rel = pos.reshape(-1, 1) - pos.reshape(1, -1)
    near = (rel >= 0) & (rel <= 2)
    middle = (rel > 2) & (rel <= 8)
    far = rel > 8
    attention = np.zeros((n, n))
    attention[near] = 0.6
    attention[middle] = 0.25
    attention[far] = 0.05
    attention[:, 0] += 0.4
    separators = np.array([t.strip("Ġ▁") in {".", ",", ";", "!", "?"} for t in tokens])
    attention[:, separators] += 0.15 * (rel[:, separators] >= 0)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "distance_bands", attention


# Layer 1, Head 5
def top_scoring_context_L1H5(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    common = set("the a an of to and in is was it he she they on for with as at by".split())

    def score(i, j):
        piece = tokens[j].replace("Ġ", "").replace("▁", "").lower()
        value = 1.0 / (1.0 + 0.3 * (i - j))
        if piece in common:
            value *= 0.4
        if piece and piece[0].isupper():
            value += 0.2
        if not piece.isalpha():
            value += 0.1
        return value

    for i in range(n):
        candidates = [(j, score(i, j)) for j in range(i)]
        candidates.sort(key=lambda pair: pair[1], reverse=True)
        best = candidates[:4]
        total = sum(s for _, s in best)
        if total > 0:
            for j, s in best:
                attention[i, j] += 0.7 * s / total
        attention[i, 0] += 0.2
        attention[i, i] += 0.1
    return "top_scoring_context", make_row_stochastic(apply_causal_mask(attention))


# Layer 2, Head 9
def masked_softmax_with_bias_L2H9(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    lengths = np.array([len(t.lstrip("Ġ▁")) for t in tokens], dtype=float)
    position = np.arange(n)
    scores = -0.2 * np.abs(position[:, None] - position[None, :]).astype(float)
    scores += 0.05 * lengths[None, :]
    scores[:, 0] += 2.0
    future = np.triu(np.ones((n, n), dtype=bool), k=1)
    scores[future] = -np.inf
    scores = scores - scores.max(axis=1, keepdims=True)
    weights = np.exp(scores)
    weights = weights / weights.sum(axis=1, keepdims=True)
    return "masked_softmax_with_bias", weights


# Layer 3, Head 0
def commas_by_recency_L3H0(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    is_comma = np.array([t.lstrip("Ġ▁") == "," for t in tokens])
    comma_positions = np.where(is_comma)[0]
    for i in range(n):
        earlier = comma_positions[comma_positions < i]
        if earlier.size == 0:
            attention[i, 0] = 0.9
            attention[i, i] = 0.1
            continue
        weights = np.exp(-0.15 * (i - earlier))
        weights = weights / weights.sum()
        attention[i, earlier] += 0.7 * weights
        attention[i, earlier[-1]] += 0.1
        attention[i, 0] += 0.2
    attention = make_row_stochastic(apply_causal_mask(attention))
    return "commas_by_recency", attention


# Layer 4, Head 4
def same_length_blend_L4H4(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    lens = np.array([len(t) for t in tokens])
    similarity = 1.0 / (1.0 + np.abs(lens[:, None] - lens[None, :]))
    np.fill_diagonal(similarity, 0.0)
    recency = np.tril(np.ones((n, n))) * np.exp(-np.maximum(np.subtract.outer(np.arange(n), np.arange(n)), 0) / 5.0)
    attention = 0.5 * similarity + 0.5 * recency
    attention = np.tril(attention)
    sink = np.zeros((n, n))
    sink[:, 0] = 1.0
    attention = 0.8 * attention + 0.2 * sink
    row_sums = attention.sum(axis=1)
    row_sums[row_sums == 0] = 1.0
    attention = attention / row_sums[:, np.newaxis]
    return "same_length_blend", attention


# Layer 5, Head 7
def linear_ramp_since_stop_L5H7(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    stops = [-1] + [k for k, t in enumerate(tokens) if t.strip("Ġ▁") in (".", "!", "?")]
    for q in range(n):
        before = [s for s in stops if s < q]
        start = before[-1] + 1
        count = q - start + 1
        ramp = np.linspace(1.0, 2.0, count)
        ramp /= ramp.sum()
        attention[q, start:q + 1] = 0.75 * ramp
        attention[q, 0] += 0.25
    return "linear_ramp_since_stop", make_row_stochastic(attention)


# Layer 6, Head 1
def cumulative_segments_L6H1(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    boundary = np.array([1 if t.strip("Ġ▁") in {".", "?", "!"} else 0 for t in tokens])
    segment = np.cumsum(boundary) - boundary
    same_segment = segment[:, None] == segment[None, :]
    causal = np.tril(np.ones((n, n), dtype=bool))
    attention = np.where(same_segment & causal, 1.0, 0.0)
    attention += 0.3 * np.eye(n)
    attention[:, 0] += 0.5
    attention = attention / attention.sum(axis=1, keepdims=True)
    return "cumulative_segments", attention


# Layer 7, Head 11
def kernel_convolution_L7H11(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    kernel = np.array([0.4, 0.3, 0.2, 0.1])
    attention = np.zeros((n, n))
    for lag, weight in enumerate(kernel):
        if lag < n:
            attention += weight * np.eye(n, k=-lag)
    boost = {"but": 1.5, "and": 1.3, "because": 1.8, "so": 1.4}
    factors = np.array([boost.get(t.lstrip("Ġ▁").lower(), 1.0) for t in tokens])
    attention *= factors
    row_sums = attention.sum(axis=1, keepdims=True)
    attention = np.divide(attention, row_sums, out=np.zeros_like(attention), where=row_sums > 0)
    return "kernel_convolution", attention


# Layer 8, Head 8
def strongest_earlier_copy_L8H8(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    lowered = np.array([t.lstrip("Ġ▁").lower() for t in tokens])
    for i in range(n):
        matches = np.flatnonzero(lowered[:i] == lowered[i])
        if len(matches) > 0:
            last = matches[-1]
            attention[i, last] += 0.5
            if last + 1 < i:
                attention[i, last + 1] += 0.3
            for m in matches[:-1]:
                attention[i, m] += 0.1
        else:
            attention[i, max(0, i - 1)] += 0.4
        attention[i, 0] += 0.3
        attention[i, i] += 0.05
    attention = np.tril(attention)
    attention /= np.maximum(attention.sum(axis=1, keepdims=True), 1e-12)
    return "strongest_earlier_copy", attention


# Layer 9, Head 2
def nearest_verbs_by_distance_L9H2(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    suffixes = tuple("ed ing es".split())
    verbs = [i for i, t in enumerate(tokens) if t.endswith(suffixes) and len(t) > 4]
    for i in range(n):
        ranked = sorted(verbs, key=lambda v: abs(v - i))[:3]
        weights = [0.5, 0.3, 0.2][: len(ranked)]
        norm = sum(weights)
        for v, w in zip(ranked, weights):
            attention[i, v] += 0.6 * w / norm
        window = range(max(0, i - 2), min(n, i + 3))
        for j in window:
            attention[i, j] += 0.08
        attention[i, i] += 0.2
    return "nearest_verbs_by_distance", make_row_stochastic(attention)


# Layer 10, Head 6
def alternating_weights_L10H6(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    ii, jj = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    even = (ii - jj) % 2 == 0
    attention = np.where(even, 0.3, 0.1) * np.exp(-0.1 * (ii - jj))
    attention[jj > ii] = 0.0
    punct = np.array([all(c in string.punctuation for c in t.strip("Ġ▁")) for t in tokens])
    attention[punct, 0] += 1.0
    attention[~punct, 0] += 0.25
    return "alternating_weights", make_row_stochastic(attention)


# Layer 11, Head 10
def row_vector_topk_L11H10(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    salience = np.ones(n)
    for idx, tok in enumerate(tokens):
        text = tok.lstrip("Ġ▁")
        if text[:1].isupper():
            salience[idx] += 1.0
        if text.isdigit():
            salience[idx] += 0.5
        if len(text) <= 2:
            salience[idx] *= 0.5
    for i in range(n):
        row = salience[:i + 1] * np.power(0.9, np.arange(i, -1, -1))
        threshold = 0.5 * row.max()
        row = np.where(row >= threshold, row, 0.0)
        row = row / row.sum()
        attention[i, :i + 1] = row
    return "row_vector_topk", attention


# Layer 12, Head 2
def mixture_of_experts_L12H2(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    previous = np.zeros((n, n))
    for i in range(1, n):
        previous[i, i - 1] = 1.0
    previous[0, 0] = 1.0
    first = np.zeros((n, n))
    first[:, 0] = 1.0
    uniform = np.tril(np.ones((n, n)))
    uniform = uniform / uniform.sum(axis=1, keepdims=True)
    weights = dict(previous=0.5, first=0.3, uniform=0.2)
    attention = weights["previous"] * previous + weights["first"] * first + weights["uniform"] * uniform
    quotes = [k for k, t in enumerate(tokens) if '"' in t]
    if len(quotes) >= 2:
        attention[quotes[1]:, quotes[0]] += 0.2
    attention = make_row_stochastic(attention)
    return "mixture_of_experts", attention


# Layer 13, Head 3
def bounded_history_scores_L13H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.full((n, n), 1e-4)
    words = [t.replace("Ġ", "").replace("▁", "").lower() for t in tokens]
    for i in range(n):
        history = range(max(0, i - 12), i)
        scored = [(1.0 if words[j] == words[i] else 0.2 * (len(words[j]) > 3), j) for j in history]
        scored = [pair for pair in scored if pair[0] > 0]
        if scored:
            best_score, best = max(scored)
            attention[i, best] += best_score
            for s, j in scored:
                attention[i, j] += 0.1 * s
        attention[i, 0] += 0.5
    attention = np.tril(attention)
    sums = attention.sum(axis=-1, keepdims=True)
    attention = np.where(sums > 0, attention / sums, 0.0)
    return "bounded_history_scores", attention


# Layer 14, Head 5
def reversed_geometric_anchors_L14H5(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    anchor_words = frozenset(["then", "when", "once", "there", "but"])
    anchors = [0]
    for position in range(1, n):
        if tokens[position].strip("Ġ▁").lower() in anchor_words:
            anchors.append(position)
    anchors = np.array(anchors)
    for i in range(n):
        usable = anchors[anchors <= i][::-1]
        decay = 0.6 ** np.arange(len(usable))
        decay = decay / decay.sum()
        for a, w in zip(usable, decay):
            attention[i, a] += 0.65 * w
        lo = max(0, i - 3)
        attention[i, lo:i + 1] += 0.35 / (i - lo + 1)
    attention = attention / attention.sum(axis=1, keepdims=True)
    return "reversed_geometric_anchors", attention
