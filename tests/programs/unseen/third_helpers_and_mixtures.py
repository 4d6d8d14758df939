"""Heads explained as mixtures, with small helper functions."""

import re

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


def _clean(token):
    return token.replace("\u0120", "").replace("\u2581", "").replace("##", "").strip().lower()


def _is_boundary(token):
    return _clean(token) in {".", "!", "?", ""}


def _row_softmax(row, temperature=1.0):
    shifted = (row - np.max(row)) / temperature
    e = np.exp(shifted)
    return e / np.sum(e)


def _mix(parts):
    total = sum(w for w, _ in parts)
    return sum((w / total) * m for w, m in parts)


def mixture_of_components(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    first = np.zeros((n, n))
    first[:, 0] = 1.0
    prev = np.zeros((n, n))
    for i in range(1, n):
        prev[i, i - 1] = 1.0
    prev[0, 0] = 1.0
    self_m = np.eye(n)
    local = np.zeros((n, n))
    for i in range(n):
        for j in range(max(0, i - 4), i + 1):
            local[i, j] = 1.0 / (min(i, 4) + 1)
    attention = 0.5 * first + 0.2 * prev + 0.1 * self_m + 0.2 * local
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "mixture_of_components", attention


def mixture_by_helper(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    first = np.zeros((n, n))
    first[:, 0] = 1.0
    same = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            if _clean(tokens[i]) == _clean(tokens[j]):
                same[i, j] = 1.0
    same = make_row_stochastic(same)
    attention = _mix([(3.0, first), (1.0, same), (1.0, np.eye(n))])
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "mixture_by_helper", attention


def temperature_softmax_rows(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        row = np.full(n, -1e9)
        for j in range(i + 1):
            row[j] = 3.0 if j == 0 else 0.5 * (_clean(tokens[j]) == _clean(tokens[i])) - 0.1 * (i - j)
        attention[i] = _row_softmax(row, temperature=0.8)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "temperature_softmax_rows", attention


def regex_numbers(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    pattern = re.compile(r"^[0-9]+$")
    for i in range(n):
        attention[i, 0] = 0.6
        attention[i, i] = 0.1
        for j in range(i):
            if pattern.match(_clean(tokens[j])):
                attention[i, j] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "regex_numbers", attention


def segment_by_boundaries(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    bounds = [0] + [j + 1 for j in range(n) if _is_boundary(tokens[j])]
    for i in range(n):
        start = max(b for b in bounds if b <= i)
        span = range(start, i + 1)
        for j in span:
            attention[i, j] += 0.4 / len(span)
        attention[i, start] += 0.1
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "segment_by_boundaries", attention


def all_lower_and_any_upper(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.7
        window = tokens[max(0, i - 5) : i]
        if window and all(t.islower() for t in window):
            attention[i, i] += 0.3
        elif any(t[:1].isupper() for t in window):
            for d in range(1, len(window) + 1):
                if tokens[i - d][:1].isupper():
                    attention[i, i - d] += 0.2
        else:
            attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "all_lower_and_any_upper", attention


def class_of_dict_of_sets(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    groups = {
        "person": {"he", "she", "his", "her", "him", "they", "boy", "girl", "mom", "dad"},
        "place": {"park", "house", "home", "school", "forest", "garden", "room"},
        "feeling": {"happy", "sad", "scared", "angry", "excited", "proud"},
    }
    label = [None] * n
    for i in range(n):
        w = _clean(tokens[i])
        for name, words in groups.items():
            if w in words:
                label[i] = name
                break
    for i in range(n):
        attention[i, 0] = 0.6
        attention[i, i] = 0.1
        if label[i] is None:
            continue
        for j in range(i):
            if label[j] == label[i]:
                attention[i, j] += 0.2 / (1 + 0.1 * (i - j))
            elif label[j] is not None:
                attention[i, j] += 0.05
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "class_of_dict_of_sets", attention


def running_mean_of_stops(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    seen = 0
    for i in range(n):
        if _is_boundary(tokens[i]):
            seen += 1
        ratio = seen / (i + 1)
        attention[i, 0] = 0.8 - 0.5 * min(1.0, 4 * ratio)
        attention[i, i] = 0.2
        if i > 1:
            attention[i, i - 1] = 0.1 + 0.1 * ratio
            attention[i, i - 2] = 0.05
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "running_mean_of_stops", attention


def word_pieces_together(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    word_id = [0] * n
    current = 0
    for i in range(n):
        t = tokens[i]
        if i > 0 and (t.startswith("\u2581") or t.startswith("\u0120") or not t.startswith("##")):
            current += 1
        word_id[i] = current
    for i in range(n):
        for j in range(n):
            if word_id[i] == word_id[j]:
                attention[i, j] += 0.5
            elif abs(word_id[i] - word_id[j]) == 1:
                attention[i, j] += 0.2
            elif abs(word_id[i] - word_id[j]) <= 3:
                attention[i, j] += 0.05
    for i in range(n):
        total = attention[i].sum()
        if total > 0:
            attention[i] = attention[i] / total
    return "word_pieces_together", attention


def last_of_any_kind_by_set(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    keep = set(range(n))
    for i in range(n):
        t = _clean(tokens[i])
        if len(t) <= 2 and i > 0:
            keep.discard(i)
    for i in range(n):
        attention[i, 0] = 0.6
        options = sorted(j for j in keep if j < i)
        if options:
            attention[i, options[-1]] += 0.3
            if len(options) > 1:
                attention[i, options[-2]] += 0.1
        attention[i, i] += 0.05
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "last_of_any_kind_by_set", attention
