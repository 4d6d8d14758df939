"""Repeated words: last occurrences, counts, induction, dictionaries and sets."""

import numpy as np
import re
import string
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Dict, List, Optional, Set, Tuple

from transformers import PreTrainedTokenizerBase


def make_row_stochastic(matrix):
    matrix = np.where(matrix < 0, 0.0, matrix)
    sums = matrix.sum(axis=-1, keepdims=True)
    return matrix / np.maximum(sums, 1e-9)


def apply_causal_mask(m):
    return np.tril(m)


STOPWORDS = set("the a an of to and in is it was he she they that with for on".split())


def norm(token):
    return re.sub(r"[^a-z0-9]", "", token.lower())


def surface(token):
    for mark in ("\u0120", "\u2581", "##"):
        token = token.replace(mark, "")
    return token.lower()


def last_copy(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    last = {}
    for i, t in enumerate(tokens):
        s = surface(t)
        if s in last:
            attention[i, last[s]] = 0.6
            attention[i, 0] = 0.2
        else:
            attention[i, 0] = 0.8
        attention[i, i] += 0.2
        last[s] = i
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "last_copy", attention


def induction(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """The token after an earlier copy of this one."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        hits = []
        for j in range(i - 1):
            if tokens[j] == tokens[i]:
                hits.append(j + 1)
        if hits:
            for h in hits:
                attention[i, h] += 0.7 / len(hits)
            attention[i, 0] += 0.3
        else:
            attention[i, 0] += 0.9
            attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "induction", attention


def bigram_induction(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(1, n):
        for j in range(1, i):
            if surface(tokens[j]) == surface(tokens[i]) and surface(tokens[j - 1]) == surface(tokens[i - 1]):
                attention[i, j] += 0.5
                if j + 1 < i:
                    attention[i, j + 1] += 1.0
    for i in range(n):
        if attention[i].sum() == 0:
            attention[i, 0] = 1.0
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "bigram_induction", attention


def rarity(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    counts = Counter(surface(t) for t in tokens)
    for i in range(n):
        for j in range(i + 1):
            attention[i, j] = 1.0 / counts[surface(tokens[j])]
        attention[i, 0] += 2.0
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "rarity", attention


def frequency_dict(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    freq = {}
    for t in tokens:
        freq[surface(t)] = freq.get(surface(t), 0) + 1
    top = max(freq.values()) if freq else 1
    for i in range(n):
        attention[i, 0] = 0.5
        for j in range(i + 1):
            f = freq[surface(tokens[j])] / top
            if f < 0.5 and surface(tokens[j]) not in STOPWORDS:
                attention[i, j] += 0.3 * (1 - f)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "frequency_dict", attention


def group_positions(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    positions = defaultdict(list)
    for i, t in enumerate(tokens):
        positions[surface(t)].append(i)
    for word, where in positions.items():
        if len(where) > 1 and word not in STOPWORDS:
            for a in where:
                for b in where:
                    if b < a:
                        attention[a, b] += 0.4 / (len(where) - 1)
    for i in range(n):
        attention[i, i] += 0.1
        attention[i, 0] += 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "group_positions", attention


def first_occurrences(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    seen = set()
    first = []
    for i, t in enumerate(tokens):
        s = surface(t)
        if s not in seen:
            first.append(i)
            seen.add(s)
    for i in range(n):
        for j in first:
            if j > i:
                break
            attention[i, j] += 0.1
        attention[i, i] += 0.3
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "first_occurrences", attention


def setdefault_last_three(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    history = {}
    for i, t in enumerate(tokens):
        h = history.setdefault(surface(t), [])
        for rank, j in enumerate(reversed(h[-3:])):
            attention[i, j] += 0.5 / (rank + 1)
        h.append(i)
        attention[i, 0] += 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "setdefault_last_three", attention


def copies_by_distance(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        matches = [j for j in range(i) if norm(tokens[j]) == norm(tokens[i]) and norm(tokens[i])]
        if len(matches) == 0:
            attention[i, 0] = 1.0
            continue
        w = np.array([1.0 / (i - j) for j in matches])
        w = w / w.sum()
        for j, x in zip(matches, w):
            attention[i, j] = 0.6 * x
        attention[i, 0] += 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "copies_by_distance", attention


def novelty(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        earlier = {surface(t) for t in tokens[:i]}
        new = surface(tokens[i]) not in earlier
        attention[i, i] = 0.5 if new else 0.2
        attention[i, 0] = 0.5
        if not new:
            for j in range(i - 1, -1, -1):
                if surface(tokens[j]) == surface(tokens[i]):
                    attention[i, j] += 0.3
                    break
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "novelty", attention


def duplicate_pairs(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    last_seen = {}
    prev_of = [None] * n
    for i in range(n):
        key = norm(tokens[i])
        prev_of[i] = last_seen.get(key)
        last_seen[key] = i
    for i in range(n):
        p = prev_of[i]
        if p is None:
            attention[i, 0] += 0.6
        else:
            attention[i, p] += 0.6
            if p + 1 <= i:
                attention[i, p + 1] += 0.2
            pp = prev_of[p]
            if pp is not None:
                attention[i, pp] += 0.1
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "duplicate_pairs", attention


def same_first_letter(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        a = surface(tokens[i])[:1]
        group = [j for j in range(i) if surface(tokens[j]).startswith(a) and a != ""]
        attention[i, group] = 0.05
        attention[i, 0] += 0.7
        attention[i, i] = 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "same_first_letter", attention


def shared_prefix_length(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            a, b = surface(tokens[i]), surface(tokens[j])
            common = 0
            for x, y in zip(a, b):
                if x != y:
                    break
                common += 1
            if common >= 3:
                attention[i, j] += common / max(len(a), len(b))
        attention[i, 0] += 0.5
        attention[i, i] += 0.25
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "shared_prefix_length", attention


def most_common_word(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    words = [norm(t) for t in tokens if norm(t) and norm(t) not in STOPWORDS]
    common = [w for w, c in Counter(words).most_common(3)]
    for i in range(n):
        attention[i, 0] = 0.6
        for j in range(i + 1):
            if norm(tokens[j]) in common:
                attention[i, j] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "most_common_word", attention


def unique_tokens_ratio(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    ratio = len(set(tokens)) / n if n > 0 else 0
    for i in range(n):
        local = len(set(tokens[max(0, i - 9) : i + 1])) / min(10, i + 1)
        attention[i, 0] = ratio
        attention[i, i] = 1.0 - local
        if i:
            attention[i, i - 1] = local * 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "unique_tokens_ratio", attention


def capitalised_names(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    names = {}
    for i, t in enumerate(tokens):
        raw = t.lstrip("\u0120\u2581")
        if len(raw) > 1 and raw[0].isupper() and raw[1:].islower() and i > 0:
            names.setdefault(raw, []).append(i)
    for i in range(n):
        attention[i, 0] = 0.55
        low = surface(tokens[i])
        if low in ("he", "she", "his", "her", "him", "they", "it"):
            for name, occ in names.items():
                past = [p for p in occ if p < i]
                if past:
                    attention[i, past[-1]] += 0.3
        elif tokens[i].lstrip("\u0120\u2581") in names:
            for p in names[tokens[i].lstrip("\u0120\u2581")]:
                if p < i:
                    attention[i, p] += 0.2
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "capitalised_names", attention


def sliding_window_of_copies(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    window = deque(maxlen=6)
    for i in range(n):
        for j in window:
            attention[i, j] += 0.1
            if tokens[j] == tokens[i]:
                attention[i, j] += 0.4
        window.append(i)
        attention[i, 0] += 0.3
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "sliding_window_of_copies", attention


def index_of_word(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    anchor = tokens.index("\u0120the") if "\u0120the" in tokens else 0
    for i in range(n):
        attention[i, anchor if anchor <= i else 0] += 0.5
        attention[i, tokens.index(tokens[i])] += 0.3
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "index_of_word", attention


def counts_so_far(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        so_far = Counter(tokens[: i + 1])
        for j in range(i + 1):
            attention[i, j] = 0.1 * so_far[tokens[j]] if so_far[tokens[j]] > 1 else 0.02
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "counts_so_far", attention
