"""More heads, written after the front end was frozen for the second measurement: sinks, lookbacks, punctuation."""

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


def bos_dominant(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Nearly all weight on the first token, a little on the previous one."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    if n == 0:
        return tokens, np.array([])
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.9
        if i > 0:
            attention[i, i] = 0.06
            attention[i, i - 1] += 0.04
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "bos_dominant", attention


def bos_and_recent_commas(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.75
        attention[i, i] += 0.1
        comma_seen = 0
        for j in range(i - 1, -1, -1):
            if "," in tokens[j]:
                comma_seen += 1
                attention[i, j] += 0.1 / comma_seen
                if comma_seen >= 3:
                    break
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "bos_and_recent_commas", attention


def local_with_decay(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        for offset in range(6):
            j = i - offset
            if j < 0:
                break
            attention[i, j] = 0.5 * (0.6**offset)
        attention[i, 0] = max(attention[i, 0], 0.3)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "local_with_decay", attention


def previous_and_next_to_previous(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        if i == 0:
            attention[i, i] = 1.0
        elif i == 1:
            attention[i, 0] = 0.8
            attention[i, 1] = 0.2
        else:
            attention[i, i - 1] = 0.55
            attention[i, i - 2] = 0.25
            attention[i, i] = 0.1
            attention[i, 0] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "previous_and_next_to_previous", attention


def same_word_earlier(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        cur = tokens[i].replace("\u2581", "").replace("\u0120", "").lower()
        attention[i, 0] = 0.6
        attention[i, i] = 0.1
        matches = []
        for j in range(i):
            prev = tokens[j].replace("\u2581", "").replace("\u0120", "").lower()
            if prev == cur and len(cur) > 1:
                matches.append(j)
        if matches:
            w = 0.3 / len(matches)
            for m in matches:
                attention[i, m] += w
        elif i > 0:
            attention[i, i - 1] += 0.3
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "same_word_earlier", attention


def char_similarity_head(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        for j in range(1, i + 1):
            sim = _char_sim(tokens[i], tokens[j])
            if sim > 0.6:
                attention[i, j] = 0.4 * sim
            elif sim > 0.3:
                attention[i, j] = 0.1 * sim
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "char_similarity_head", attention


def char_similarity_with_distance(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        scores = np.zeros(i + 1)
        for j in range(i + 1):
            sim = _char_sim(tokens[i], tokens[j]) if j != i else 1.0
            scores[j] = sim / (1.0 + 0.1 * (i - j))
        scores[0] += 1.0
        attention[i, : i + 1] = scores / scores.sum()
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "char_similarity_with_distance", attention


def best_char_match(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        best, best_sim = -1, 0.4
        for j in range(i):
            s = _char_sim(tokens[i], tokens[j])
            if s > best_sim:
                best, best_sim = j, s
        if best >= 0:
            attention[i, best] = 0.4
            attention[i, 0] += 0.5
        else:
            attention[i, 0] = 0.9
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "best_char_match", attention


def sentence_start_head(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    sent_start = 0
    for i in range(n):
        attention[i, sent_start] += 0.35
        attention[i, 0] += 0.5
        attention[i, i] += 0.15
        if tokens[i].strip() in [".", "!", "?"] or tokens[i] == "<0x0A>":
            sent_start = min(i + 1, n - 1)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "sentence_start_head", attention


def quote_head(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    quote_positions = [i for i, t in enumerate(tokens) if '"' in t or "\u201c" in t or "\u201d" in t]
    for i in range(n):
        attention[i, 0] = 0.7
        prior = [q for q in quote_positions if q <= i]
        if len(prior) % 2 == 1:
            attention[i, prior[-1]] += 0.25
        elif prior:
            attention[i, prior[-1]] += 0.1
        attention[i, i] += 0.05
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "quote_head", attention
