"""More heads, written after the front end was frozen for the second measurement: state, helpers, lists and rows."""

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


PUNCT = set(".,!?;:")


def clean(t):
    return t.replace("\u2581", "").replace("\u0120", "").strip().lower()


def is_punct(t):
    return clean(t) in PUNCT


def topic_words(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    counts = {}
    for t in tokens:
        c = clean(t)
        counts[c] = counts.get(c, 0) + 1
    for i in range(n):
        attention[i, 0] = 0.6
        attention[i, i] = 0.1
        for j in range(1, i):
            c = clean(tokens[j])
            if counts[c] > 1 and len(c) > 3:
                attention[i, j] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "topic_words", attention


def segment_mean(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    starts = [0]
    for i in range(n):
        if is_punct(tokens[i]) and i + 1 < n:
            starts.append(i + 1)
    for i in range(n):
        seg = max(s for s in starts if s <= i)
        length = i - seg + 1
        for j in range(seg, i + 1):
            attention[i, j] += 0.4 / length
        attention[i, 0] += 0.6
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "segment_mean", attention


def flags_list(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    in_quote = [False] * n
    state = False
    for i in range(n):
        if '"' in tokens[i]:
            state = not state
        in_quote[i] = state
    for i in range(n):
        attention[i, 0] = 0.6
        for j in range(1, i):
            if in_quote[i] and in_quote[j]:
                attention[i, j] += 0.05
            elif not in_quote[i] and not in_quote[j]:
                attention[i, j] += 0.02
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "flags_list", attention


def boolean_arrays(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    punct_mask = np.zeros(n, dtype=bool)
    for i, t in enumerate(tokens):
        punct_mask[i] = is_punct(t)
    for i in range(n):
        attention[i, 0] = 0.5
        n_p = punct_mask[:i].sum()
        for j in range(i):
            if punct_mask[j]:
                attention[i, j] += 0.4 / n_p
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "boolean_arrays", attention


def fill_the_rest(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.7
        if i > 0:
            attention[i, i - 1] = max(attention[i, i - 1], 0.15)
        attention[i, i] = max(attention[i, i], 0.05)
        empty = [j for j in range(i + 1) if attention[i, j] == 0]
        left = 1.0 - np.sum(attention[i, : i + 1])
        if empty and left > 0:
            for j in empty:
                attention[i, j] = left / len(empty)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "fill_the_rest", attention


def second_pass(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            attention[i, j] = 1.0 / (1 + i - j)
    for i in range(n):
        if is_punct(tokens[i]):
            attention[i, :] *= 0.5
            attention[i, 0] += 0.5
    for j in range(n):
        if is_punct(tokens[j]):
            attention[:, j] *= 1.3
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "second_pass", attention


def nested_helper(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))

    def add(i, j, w):
        if 0 <= j <= i:
            attention[i, j] += w

    for i in range(n):
        add(i, 0, 0.6)
        add(i, i, 0.1)
        add(i, i - 1, 0.15)
        add(i, i - 2, 0.05)
        if is_punct(tokens[i]):
            add(i, i - 3, 0.1)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "nested_helper", attention


def vector_of_weights(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    base = np.array([0.3 if is_punct(t) else 0.1 for t in tokens])
    attention = np.zeros((n, n))
    for i in range(n):
        w = base[: i + 1].copy()
        w[0] = 1.0
        w[i] += 0.1
        attention[i, : i + 1] = w / w.sum()
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "vector_of_weights", attention


def exponential_positions(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    positions = np.arange(n)
    for i in range(n):
        d = i - positions[: i + 1]
        w = np.exp(-d / 3.0)
        w[0] += 1.5
        attention[i, : i + 1] = w / w.sum()
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "exponential_positions", attention


def tracker_variables(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    last_period = None
    last_comma = None
    for i in range(n):
        attention[i, 0] = 0.55
        if last_period is not None:
            attention[i, last_period] += 0.2
        if last_comma is not None and (last_period is None or last_comma > last_period):
            attention[i, last_comma] += 0.1
        attention[i, i] += 0.1
        c = clean(tokens[i])
        if c == ".":
            last_period = i
        elif c == ",":
            last_comma = i
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "tracker_variables", attention
