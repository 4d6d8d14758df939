"""Nested functions, lambdas, default arguments, try and except, module constants and typed helpers."""

import math
import string
from collections import Counter, defaultdict
from typing import Dict, List, Optional, Tuple

import numpy as np
from transformers import PreTrainedTokenizerBase


def make_row_stochastic(matrix: np.ndarray) -> np.ndarray:
    """Rows that sum to one; rows without weight look at the first token."""
    result = np.maximum(np.asarray(matrix, dtype=float), 0.0)
    for i in range(result.shape[0]):
        total = result[i].sum()
        if total > 0:
            result[i] = result[i] / total
        else:
            result[i, 0] = 1.0
    return result


def apply_causal_mask(matrix: np.ndarray) -> np.ndarray:
    result = matrix.copy()
    n = len(result)
    for i in range(n):
        for j in range(i + 1, n):
            result[i, j] = 0.0
    return result


CONFIG = {"first": 0.5, "self": 0.2, "prev": 0.15, "window": 3}
PUNCT = set(string.punctuation)
ARTICLES: Tuple[str, ...] = ("a", "an", "the")


def _strip(token: str) -> str:
    """The token without the markers of its vocabulary."""
    return token.lstrip("\u0120").lstrip("\u2581").strip()


def _decay(d: int, rate: float = 0.8, floor: float = 0.01) -> float:
    return max(rate**d, floor)


def token_class(token: str) -> str:
    t = _strip(token)
    if not t:
        return "space"
    if all(c in PUNCT for c in t):
        return "punct"
    if t.isdigit():
        return "number"
    if t[0].isupper():
        return "capital"
    return "article" if t in ARTICLES else "word"


def add_weight(matrix: np.ndarray, i: int, j: int, w: float) -> None:
    if 0 <= j < matrix.shape[1]:
        matrix[i, j] += w


def positions_of(tokens: List[str], wanted: str) -> List[int]:
    return [i for i, t in enumerate(tokens) if token_class(t) == wanted]


def config_dictionary(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = CONFIG["first"]
        attention[i, i] += CONFIG["self"]
        for d in range(1, CONFIG["window"] + 1):
            if i - d >= 0:
                attention[i, i - d] += CONFIG["prev"] / d
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "config_dictionary", attention


def nested_weight_function(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))

    def weight(q, k):
        if q == k:
            return 0.2
        if k == 0:
            return 0.5
        return 0.3 * _decay(q - k, rate=0.7)

    for i in range(n):
        for j in range(i + 1):
            attention[i, j] = weight(i, j)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "nested_weight_function", attention


def classes_of_tokens(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    kinds = [token_class(t) for t in tokens]
    for i in range(n):
        for j in range(i + 1):
            if kinds[j] == "punct":
                add_weight(attention, i, j, 0.2)
            elif kinds[j] == kinds[i]:
                add_weight(attention, i, j, 0.1)
            elif kinds[j] == "capital" and kinds[i] != "article":
                add_weight(attention, i, j, 0.15)
        add_weight(attention, i, 0, 0.5)
        add_weight(attention, i, i - 1, 0.1)
        add_weight(attention, i, i + 1, 0.1)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "classes_of_tokens", attention


def lambda_helpers(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    is_short = lambda t: len(_strip(t)) <= 2
    bump = lambda d: 0.3 / (1 + d)
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            attention[i, j] = bump(i - j) if not is_short(tokens[j]) else 0.02
        attention[i, 0] = max(attention[i, 0], 0.5)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "lambda_helpers", attention


def try_index_of(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    try:
        stop = tokens.index(".")
    except ValueError:
        stop = -1
    for i in range(n):
        if 0 <= stop < i:
            attention[i, stop] += 0.4
        attention[i, 0] += 0.5
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "try_index_of", attention


def lists_by_class(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    caps = positions_of(tokens, "capital")
    puncts = positions_of(tokens, "punct")
    for i in range(n):
        attention[i, 0] = 0.4
        for rank, p in enumerate([c for c in caps if c < i][-2:]):
            attention[i, p] += 0.1 * (rank + 1)
        for p in puncts:
            if p < i:
                attention[i, p] += _decay(i - p, 0.5)
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "lists_by_class", attention


def early_return_for_short(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    if n == 0:
        return "early_return_for_short", np.zeros((0, 0))
    if n == 1:
        return "early_return_for_short", np.ones((1, 1))
    attention = np.zeros((n, n))
    attention[:, 0] = 0.7
    for i in range(1, n):
        attention[i, i] += 0.2
        attention[i, i - 1] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "early_return_for_short", attention


def reciprocal_may_fail(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            try:
                attention[i, j] = 1.0 / (i - j)
            except ZeroDivisionError:
                attention[i, j] = 0.5
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "reciprocal_may_fail", attention


def ternaries(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i, a in enumerate(tokens):
        for j, b in enumerate(tokens[: i + 1]):
            base = 0.5 if j == 0 else (0.2 if i == j else (0.1 if token_class(b) == "punct" else 0.03))
            attention[i, j] = base * (1.5 if token_class(a) == token_class(b) else 1.0)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "ternaries", attention


def closure_over_rows(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))

    def spread(i, where, mass):
        where = [j for j in where if j <= i]
        if not where:
            attention[i, 0] += mass
            return
        for j in where:
            attention[i, j] += mass / len(where)

    for i in range(n):
        spread(i, range(max(0, i - 3), i), 0.2)
        spread(i, positions_of(tokens, "punct"), 0.3)
        spread(i, [0], 0.4)
        spread(i, [i], 0.1)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "closure_over_rows", attention


def keyword_and_default_arguments(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))

    def put(row, col, value=0.1, *, scale=1.0):
        attention[row, col] = attention[row, col] + value * scale

    for i in range(n):
        put(i, 0, 0.6)
        put(i, i, scale=2.0)
        if i:
            put(i, i - 1, value=0.15, scale=1.0 if token_class(tokens[i]) == "word" else 0.5)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "keyword_and_default_arguments", attention


def tuples_of_rules(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    rules = [
        (lambda t: "." in t, 0.3),
        (lambda t: "," in t, 0.2),
        (lambda t: _strip(t).lower() in ARTICLES, 0.1),
    ]
    for i in range(n):
        attention[i, 0] = 0.5
        for j in range(i + 1):
            for test, w in rules:
                if test(tokens[j]):
                    attention[i, j] += w
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "tuples_of_rules", attention


def words_joined(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    text = "".join(tokens).replace("\u0120", " ").replace("\u2581", " ")
    n_words = len(text.split())
    dialogue = '"' in text
    for i in range(n):
        attention[i, 0] = 0.6 if dialogue else 0.8
        attention[i, i] = 1.0 / (1 + n_words)
        if i > 0 and dialogue:
            attention[i, i - 1] += 0.3
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "words_joined", attention


def python_max_min_sum(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    sizes = [len(_strip(t)) for t in tokens]
    biggest = max(sizes, default=0)
    smallest = min(sizes, default=0)
    for i in range(n):
        for j in range(i + 1):
            rel = (sizes[j] - smallest) / (biggest - smallest) if biggest > smallest else 0.5
            attention[i, j] = 0.1 + 0.4 * rel
        attention[i, 0] += sum(sizes[: i + 1]) / (1 + sum(sizes))
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "python_max_min_sum", attention


def sorted_by_key(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        ranked = sorted(range(i + 1), key=lambda j: (-len(_strip(tokens[j])), i - j))
        for r, j in enumerate(ranked[:4]):
            attention[i, j] += (0.4, 0.3, 0.2, 0.1)[r]
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "sorted_by_key", attention


def recursion_free_map_filter(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    cleaned = list(map(_strip, tokens))
    idx = list(filter(lambda j: cleaned[j].isalpha(), range(n)))
    for i in range(n):
        w = [j for j in idx if j <= i]
        attention[i, 0] += 0.5
        if w:
            attention[i, w[-1]] += 0.3
            attention[i, w[len(w) // 2]] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "recursion_free_map_filter", attention


def vowel_counts(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    vowels = [sum(1 for c in _strip(t).lower() if c in "aeiou") for t in tokens]
    for i in range(n):
        for j in range(i + 1):
            attention[i, j] = 0.1 * vowels[j] / (1 + abs(vowels[i] - vowels[j]))
        attention[i, 0] += 0.5
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "vowel_counts", attention


def swallow_everything(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        try:
            nxt = tokens[i + 1]
            attention[i, i] = 0.3 if _strip(nxt)[0].isupper() else 0.1
        except Exception:
            attention[i, i] = 0.2
        attention[i, 0] += 0.6
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "swallow_everything", attention


def words_with_assertion(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    assert n >= 0
    for i in range(n):
        attention[i, 0] = 0.5
        for j, t in enumerate(tokens):
            if j > i:
                break
            elif t.strip("\u0120") in ("and", "or", "but", "so", "because"):
                attention[i, j] += 0.4
        attention[i, i] += 0.1
    assert attention.shape == (n, n)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "words_with_assertion", attention
