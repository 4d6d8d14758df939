"""The last set: heads with tests, searches and rules in lists."""

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


def max_sentence_length(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    stops = [-1] + [j for j in range(n) if tokens[j] in (".", "!", "?")]
    for i in range(n):
        begin = 0
        for s in stops:
            if s < i:
                begin = s + 1
        attention[i, begin] += 0.4
        attention[i, 0] += 0.4
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "max_sentence_length", attention


def top_noun_by_distance(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    nouns = [j for j in range(n) if alignment[j] and doc[alignment[j][0]].pos_ in ("NOUN", "PROPN")]
    for i in range(n):
        attention[i, 0] = 0.55
        past = [j for j in nouns if j < i]
        ordered = sorted(past, key=lambda j: i - j)
        for r, j in enumerate(ordered[:3]):
            attention[i, j] += 0.2 * (0.5**r)
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "top_noun_by_distance", attention


def dialogue_text(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    has_dialogue = '"' in sentence
    for i in range(n):
        attention[i, 0] = 0.7 if has_dialogue else 0.85
        if i > 0:
            attention[i, i - 1] = 0.1
        if has_dialogue and '"' in tokens[i]:
            for j in range(i):
                if '"' in tokens[j]:
                    attention[i, j] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "dialogue_text", attention


def safe_parse(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    alignment = []
    doc = None
    try:
        doc = spacy_parse(sentence)
        alignment = _align_to_spacy(sentence, tokens)
    except Exception:
        alignment = [[] for _ in tokens]
    for i in range(n):
        attention[i, 0] = 0.6
        for j in range(max(0, i - 4), i):
            try:
                if doc[alignment[j][0]].pos_ == "VERB":
                    attention[i, j] += 0.2
            except IndexError:
                pass
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "safe_parse", attention


def mean_of_two_views(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    a = np.zeros((n, n))
    b = np.zeros((n, n))
    for i in range(n):
        a[i, 0] = 1.0
        for j in range(i + 1):
            b[i, j] = 0.9 ** (i - j)
    a = make_row_stochastic(a)
    b = make_row_stochastic(b)
    attention = 0.6 * a + 0.4 * b
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "mean_of_two_views", attention


def lambda_rules(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    rules = [
        (lambda t: t in {",", "."}, 0.2),
        (lambda t: t[:1].isupper(), 0.15),
        (lambda t: len(t) > 6, 0.1),
    ]
    for i in range(n):
        attention[i, 0] = 0.5
        for j in range(1, i + 1):
            t = tokens[j].lstrip("\u2581\u0120")
            for test, w in rules:
                if test(t):
                    attention[i, j] += w
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "lambda_rules", attention


def nearest_content_both_sides(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    att = np.zeros((n, n))
    for i in range(n):
        att[i, i] = 0.3
        left = next((j for j in range(i - 1, -1, -1) if len(tokens[j]) > 3), None)
        right = next((j for j in range(i + 1, n) if len(tokens[j]) > 3), None)
        if left is not None:
            att[i, left] += 0.4
        if right is not None:
            att[i, right] += 0.3
    return "nearest_content_both_sides", make_row_stochastic(att)


def capped_mass(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        used = 0.0
        for j in range(i, max(-1, i - 6), -1):
            w = 0.25 if tokens[j].strip("\u2581\u0120").isalpha() else 0.1
            if used + w > 0.6:
                break
            attention[i, j] += w
            used += w
        attention[i, 0] += 1.0 - used
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "capped_mass", attention


def repeated_spans(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.6
        for j in range(1, i):
            k = 0
            while k < 3 and j - k >= 0 and tokens[j - k] == tokens[i - k]:
                k += 1
            if k > 0:
                attention[i, j] += 0.1 * k
                if j + 1 <= i:
                    attention[i, j + 1] += 0.05 * k
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "repeated_spans", attention


def set_of_openers(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    openers = {"but", "and", "so", "then", "because", "when", "if", "while"}
    low = [t.lower().strip("\u2581\u0120") for t in tokens]
    marks = {j for j in range(n) if low[j] in openers}
    for i in range(n):
        attention[i, 0] = 0.6
        near = [j for j in marks if j < i and i - j < 10]
        for j in near:
            attention[i, j] += 0.3 / len(near)
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "set_of_openers", attention
