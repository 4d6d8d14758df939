"""Programs written for this project in the manner of the published ones: whole arrays and states, before their kinds were lifted."""

import math
from collections import deque
from functools import reduce
from itertools import accumulate, groupby

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

def broadcast_distance_kernel_L7H4(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Distance kernel by broadcasting, with boosts for punctuation columns."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    if n == 0:
        return "broadcast_distance_kernel", np.zeros((0, 0))
    pos = np.arange(n)
    dist = pos[:, None] - pos[None, :]
    attention = np.where(dist >= 0, np.exp(-0.3 * dist), 0.0)
    is_punct = np.array([t.strip("Ġ▁") in ".,!?;:" for t in tokens])
    attention[:, is_punct] *= 1.8
    attention[is_punct, 0] += 0.5
    attention[:, 0] += 0.7
    first_mask = pos < 3
    attention = attention * np.where(first_mask[None, :], 1.2, 1.0)
    np.fill_diagonal(attention, attention.diagonal() * 0.5)
    attention = np.tril(attention)
    attention = attention / attention.sum(axis=1, keepdims=True)
    return "broadcast_distance_kernel", attention


def cumulative_salience_L8H0(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Salience of a token: its length against the mean so far; attention follows the softmax of it."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    lengths = np.array([len(t.replace("Ġ", "")) for t in tokens], dtype=float)
    running = np.cumsum(lengths) / (np.arange(n) + 1)
    salience = lengths - running

    for i in range(n):
        scores = salience[: i + 1] * 0.4 - 0.15 * np.arange(i, -1, -1)
        scores[0] += 3.0
        scores[i] += 0.5
        weights = np.exp(scores - np.max(scores))
        weights = weights / weights.sum()
        attention[i, : i + 1] = weights

    attention = apply_causal_mask(attention)
    return "cumulative_salience", make_row_stochastic(attention)


def recent_memory_queue_L9H7(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Keeps the last four content tokens in a queue."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    stop = {"the", "a", "an", "of", "to", "and", "in", "is", "was", "it", "he", "she", "they"}
    memory = deque(maxlen=4)
    for i, tok in enumerate(tokens):
        word = tok.strip("Ġ▁").lower()
        attention[i, 0] += 0.5
        attention[i, i] += 0.15
        for age, j in enumerate(reversed(memory)):
            attention[i, j] += 0.2 * math.pow(0.6, age)
        if word.isalpha() and word not in stop:
            memory.append(i)
        if word in {".", "!", "?"}:
            memory.clear()
    attention = apply_causal_mask(attention)
    return "recent_memory_queue", make_row_stochastic(attention)


def sentence_runs_L10H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Sentences numbered by accumulate; same sentence, then the starts of the sentences before."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    ends = [1 if t.strip("Ġ▁") in (".", "!", "?") else 0 for t in tokens]
    sent_id = [0] + list(accumulate(ends))[:-1]
    starts = []
    for key, run in groupby(range(n), key=lambda k: sent_id[k]):
        run = list(run)
        starts.append(run[0])

    attention = np.zeros((n, n))
    for i in range(n):
        s = sent_id[i]
        attention[i, starts[s]] += 0.25
        for earlier in range(s):
            attention[i, starts[earlier]] += 0.1 / (s - earlier)
        for j in range(starts[s], i + 1):
            attention[i, j] += 0.2 / (1 + i - j)
        attention[i, 0] += 0.3
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "sentence_runs", attention


def two_last_content_words_L11H6(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Carries the last two capitalised tokens along; the speaker changes at a quote."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    speaker, other = None, None
    for i in range(n):
        clean = tokens[i].lstrip("Ġ▁")
        if clean[:1].isupper() and clean.lower() not in ("the", "a", "he", "she", "it", "they", "i"):
            if speaker is None or tokens[speaker] != tokens[i]:
                other = speaker
            speaker = i
        elif '"' in clean and other is not None:
            speaker, other = other, speaker
        attention[i, 0] += 0.4
        if speaker is not None:
            attention[i, speaker] += 0.3
        if other is not None:
            attention[i, other] += 0.15
        if i > 0:
            attention[i, i - 1] += 0.15
    attention = apply_causal_mask(attention)
    return "two_last_content_words", make_row_stochastic(attention)


def weighted_mixture_of_parts_L0H11(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """A fixed mixture of four simple patterns."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)

    def first(i):
        row = np.zeros(n)
        row[0] = 1.0
        return row

    def previous(i):
        row = np.zeros(n)
        row[max(0, i - 1)] = 1.0
        return row

    def window(i, width=4):
        row = np.zeros(n)
        lo = max(0, i - width)
        row[lo : i + 1] = np.linspace(0.2, 1.0, i + 1 - lo)
        return row / row.sum()

    def copies(i):
        row = np.zeros(n)
        hits = [j for j in range(i) if tokens[j].lower() == tokens[i].lower()]
        if hits:
            row[hits] = 1.0 / len(hits)
        return row

    parts = [(0.45, first), (0.2, previous), (0.25, window), (0.1, copies)]
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i] = reduce(lambda acc, part: acc + part[0] * part[1](i), parts, np.zeros(n))
    return "weighted_mixture_of_parts", make_row_stochastic(apply_causal_mask(attention))
