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


def try_and_index(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.7
        try:
            k = tokens.index(tokens[i])
            if k < i:
                attention[i, k] += 0.2
        except ValueError:
            pass
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "try_and_index", attention


def sentence_text(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    lowered = sentence.lower()
    question = "?" in sentence
    for i in range(n):
        attention[i, 0] = 0.8 if question else 0.7
        if lowered.startswith("once upon"):
            attention[i, min(1, i)] += 0.1
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "sentence_text", attention


def comparisons_of_lengths(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    lens = [len(clean(t)) for t in tokens]
    mean_len = sum(lens) / len(lens) if lens else 0
    for i in range(n):
        attention[i, 0] = 0.6
        for j in range(1, i + 1):
            if lens[j] > mean_len:
                attention[i, j] += 0.3 * (lens[j] / max(lens))
        attention[i, i] += 0.05
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "comparisons_of_lengths", attention


def window_then_sink(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        lo = max(0, i - 10)
        for j in range(lo, i + 1):
            attention[i, j] = 0.03 * (1 - (i - j) / 11)
        if lo > 0:
            attention[i, 0] = 0.9
        else:
            attention[i, 0] += 0.6
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "window_then_sink", attention


def weighted_lists(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        recent = [j for j in range(max(0, i - 4), i)]
        ws = [0.05, 0.1, 0.15, 0.25]
        for j, w in zip(recent, ws[-len(recent) :] if recent else []):
            attention[i, j] += w
        attention[i, 0] += 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "weighted_lists", attention


def stop_at_capital(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        j = i
        while j > 0:
            raw = tokens[j].lstrip("\u2581\u0120")
            if raw[:1].isupper():
                attention[i, j] += 0.3
                break
            j -= 1
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "stop_at_capital", attention


def symmetric_pairs(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1, n):
            if clean(tokens[i]) == clean(tokens[j]) and clean(tokens[i]).isalpha():
                attention[i, j] += 0.5
                attention[j, i] += 0.5
    for i in range(n):
        attention[i, 0] += 0.5
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "symmetric_pairs", attention


def running_set(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    seen = set()
    for i in range(n):
        c = clean(tokens[i])
        if c in seen:
            attention[i, 0] = 0.5
            for j in range(i):
                if clean(tokens[j]) == c:
                    attention[i, j] += 0.2
        else:
            attention[i, 0] = 0.9
            seen.add(c)
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "running_set", attention


def digits_and_letters(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        has_digit = any(ch.isdigit() for ch in tokens[i])
        attention[i, 0] = 0.4 if has_digit else 0.8
        for j in range(max(0, i - 5), i):
            if any(ch.isdigit() for ch in tokens[j]) == has_digit:
                attention[i, j] += 0.05
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "digits_and_letters", attention


def minimum_everywhere(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.8
        if i > 2 and clean(tokens[i - 1]) == clean(tokens[i - 3]):
            attention[i, i - 2] = 0.5
        attention[i, i] = 0.1
    attention = np.maximum(attention, 0.001)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "minimum_everywhere", attention
