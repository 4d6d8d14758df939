"""Heads explained with lists of positions, ranks and dictionaries."""

from collections import Counter, defaultdict

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


def _char_sim(a: str, b: str) -> float:
    """Overlap of the letters of two tokens."""
    a = a.strip("\u0120\u2581").lower()
    b = b.strip("\u0120\u2581").lower()
    if not a or not b:
        return 0.0
    set_a, set_b = set(a), set(b)
    return len(set_a & set_b) / len(set_a | set_b)


def ranked_recent_punctuation(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    punct = [".", ",", "!", "?", ";", ":", '"']
    for i in range(n):
        attention[i, 0] = 0.55
        attention[i, i] = 0.1
        positions = []
        for j in range(1, i):
            if tokens[j].strip("\u2581\u0120") in punct:
                positions.append(j)
        # the most recent mark matters most
        for rank, j in enumerate(reversed(positions)):
            attention[i, j] += 0.25 / (rank + 1)
            if rank >= 3:
                break
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "ranked_recent_punctuation", attention


def first_and_last_name(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    names = []
    for j in range(n):
        t = tokens[j].lstrip("\u2581\u0120")
        if j > 0 and len(t) > 1 and t[0].isupper() and t[1:].islower():
            names.append(j)
    for i in range(n):
        attention[i, 0] += 0.5
        seen = [p for p in names if p < i]
        if len(seen) >= 2:
            attention[i, seen[0]] += 0.15
            attention[i, seen[-1]] += 0.2
        elif len(seen) == 1:
            attention[i, seen[0]] += 0.3
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "first_and_last_name", attention


def top_k_by_length(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] = 0.1
        candidates = [(len(tokens[j].strip("\u2581\u0120")), j) for j in range(1, i)]
        candidates.sort(reverse=True)
        for length, j in candidates[:3]:
            if length > 2:
                attention[i, j] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "top_k_by_length", attention


def last_three_of_each(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    last_positions = {}
    for i in range(n):
        key = tokens[i].strip("\u2581\u0120").lower()
        attention[i, 0] = 0.6
        attention[i, i] = 0.1
        if key in last_positions:
            for p in last_positions[key][-3:]:
                attention[i, p] += 0.1
        else:
            last_positions[key] = []
        last_positions[key].append(i)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "last_three_of_each", attention


def counter_weights(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    counts = Counter(t.lower() for t in tokens)
    for i in range(n):
        attention[i, 0] = 0.5
        for j in range(1, i + 1):
            c = counts[tokens[j].lower()]
            attention[i, j] += 0.3 / (c * (1 + i - j))
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "counter_weights", attention


def defaultdict_positions(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    where = defaultdict(list)
    for idx, t in enumerate(tokens):
        where[t.lower().strip("\u2581\u0120")].append(idx)
    for i in range(n):
        t = tokens[i].lower().strip("\u2581\u0120")
        earlier = [p for p in where[t] if p < i]
        attention[i, 0] = 0.7
        if earlier and t.isalpha():
            attention[i, earlier[-1]] = 0.2
            attention[i, 0] = 0.5
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "defaultdict_positions", attention


def nearest_of_each_class(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    classes = ["NOUN", "VERB", "ADJ", "PROPN", "PRON"]
    strength = {"NOUN": 0.2, "VERB": 0.15, "ADJ": 0.05, "PROPN": 0.2, "PRON": 0.1}
    for i in range(n):
        attention[i, 0] += 0.4
        found = set()
        for j in range(i - 1, 0, -1):
            if not alignment[j]:
                continue
            pos = doc[alignment[j][0]].pos_
            if pos in classes and pos not in found:
                attention[i, j] += strength[pos]
                found.add(pos)
            if len(found) == len(classes):
                break
        attention[i, i] += 0.05
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "nearest_of_each_class", attention


def zip_of_offsets(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    offsets = [1, 2, 3, 5, 8]
    gains = [0.3, 0.15, 0.08, 0.04, 0.02]
    for i in range(n):
        for off, g in zip(offsets, gains):
            j = i - off
            if j > 0:
                attention[i, j] += g
        attention[i, 0] += max(0.2, 1.0 - attention[i].sum())
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "zip_of_offsets", attention


def max_with_key(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.6
        attention[i, i] = 0.1
        cands = [j for j in range(1, i) if tokens[j].strip("\u2581\u0120").isalpha()]
        if cands:
            best = max(cands, key=lambda j: _char_sim(tokens[i], tokens[j]))
            score = _char_sim(tokens[i], tokens[best])
            if score > 0.4:
                attention[i, best] += 0.3 * score
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "max_with_key", attention


def sorted_by_similarity(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        sims = []
        for j in range(1, i):
            s = embedding_similarity(tokens, i, j)
            if s > 0.2:
                sims.append((s, j))
        sims = sorted(sims, key=lambda x: x[0], reverse=True)[:4]
        total = sum(s for s, _ in sims)
        for s, j in sims:
            attention[i, j] += 0.4 * s / total
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "sorted_by_similarity", attention
