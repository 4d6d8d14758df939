"""The last set: more ordinary heads of a causal model."""

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


def first_three_and_local(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(min(3, i + 1)):
            attention[i, j] += [0.5, 0.1, 0.05][j]
        for j in range(max(0, i - 2), i + 1):
            attention[i, j] += 0.1 * (3 - (i - j))
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "first_three_and_local", attention


def clause_by_commas(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    clause = 0
    ids = []
    for t in tokens:
        if t.strip("\u2581\u0120") in {",", ";", ":"}:
            clause += 1
        ids.append(clause)
    for i in range(n):
        attention[i, 0] = 0.5
        members = [j for j in range(i + 1) if ids[j] == ids[i]]
        for j in members:
            attention[i, j] += 0.4 / len(members)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "clause_by_commas", attention


def position_in_sentence(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    position = 0
    for i in range(n):
        attention[i, 0] = 0.4 + 0.4 / (1 + position)
        if i - position >= 0:
            attention[i, i - position] += 0.2
        attention[i, i] += 0.1
        if tokens[i] in (".", "!", "?"):
            position = 0
        else:
            position += 1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "position_in_sentence", attention


def fill_what_is_left(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.6
        if i > 0:
            attention[i, i] = 0.1
            if tokens[i - 1] in (",", "."):
                attention[i, i - 1] = 0.15
        left = 1.0 - attention[i].sum()
        empty = [j for j in range(i + 1) if attention[i, j] == 0]
        if left > 0 and empty:
            for j in empty:
                attention[i, j] = left / len(empty)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "fill_what_is_left", attention


def verbs_ranked(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    verbs = []
    for j in range(n):
        for s in alignment[j]:
            if doc[s].pos_ == "VERB":
                verbs.append(j)
                break
    for i in range(n):
        attention[i, 0] = 0.5
        recent = [v for v in verbs if v < i][-3:]
        for rank, v in enumerate(reversed(recent)):
            attention[i, v] += 0.2 / (rank + 1)
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "verbs_ranked", attention


def pronouns_to_names(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    pronouns = ["he", "she", "him", "her", "they", "it", "his", "their"]
    for i in range(n):
        attention[i, 0] = 0.6
        attention[i, i] = 0.1
        if tokens[i].lower().strip("\u2581\u0120") in pronouns:
            best = None
            for j in range(i - 1, 0, -1):
                if alignment[j] and doc[alignment[j][0]].pos_ == "PROPN":
                    best = j
                    break
            if best is None:
                for j in range(i - 1, 0, -1):
                    if alignment[j] and doc[alignment[j][0]].pos_ == "NOUN":
                        best = j
                        break
            if best is not None:
                attention[i, best] = 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "pronouns_to_names", attention


def row_of_scores(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        w = np.zeros(i + 1)
        for j in range(i + 1):
            w[j] = np.exp(-0.2 * (i - j))
            if tokens[j] in (".", ","):
                w[j] *= 2
        w[0] += 3.0
        attention[i, : i + 1] = w / w.sum()
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "row_of_scores", attention


def two_passes(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            attention[i, j] = 1.0 / (i - j + 1)
    attention = make_row_stochastic(attention)
    for i in range(n):
        attention[i, :] *= 0.4
        attention[i, 0] += 0.6
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "two_passes", attention


def capital_letters(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    caps = []
    for j, t in enumerate(tokens):
        s = t.lstrip("\u2581\u0120")
        if s and s[0].isupper() and j > 0:
            caps.append(j)
    for i in range(n):
        attention[i, 0] = 0.6
        attention[i, i] = 0.1
        past = [c for c in caps if c <= i]
        if past:
            weights = [0.7 ** (i - c) for c in past]
            z = sum(weights)
            for c, w in zip(past, weights):
                attention[i, c] += 0.3 * w / z
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "capital_letters", attention


def word_pieces(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    start = 0
    for i in range(n):
        if tokens[i].startswith("\u2581") or tokens[i].startswith("\u0120") or i == 0:
            start = i
        attention[i, start] += 0.3
        attention[i, 0] += 0.5
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "word_pieces", attention
