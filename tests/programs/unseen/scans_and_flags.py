"""Scans with break, while loops, found flags, for-else, stacks and counters."""

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


def word(t):
    return t.lstrip("\u0120\u2581 ").lower()


def starts_word(t: str) -> bool:
    return t.startswith("\u0120") or t.startswith("\u2581")


def back_to_word_start(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        k = i
        while k > 0 and not starts_word(tokens[k]):
            k -= 1
        attention[i, k] += 0.5
        for j in range(k, i):
            attention[i, j] += 0.1
        attention[i, 0] += 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "back_to_word_start", attention


def found_flag(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        found = False
        for j in reversed(range(i)):
            if word(tokens[j]) in ("he", "she", "they", "it", "we", "i"):
                attention[i, j] = 0.4
                found = True
                break
        if not found:
            attention[i, 0] += 0.4
        attention[i, 0] += 0.4
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "found_flag", attention


def for_else_scan(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i - 1, max(-1, i - 8), -1):
            if tokens[j] == tokens[i]:
                attention[i, j] = 0.8
                break
            if word(tokens[j]) == ".":
                attention[i, j] = 0.5
                break
        else:
            attention[i, 0] = 0.6
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "for_else_scan", attention


def bounded_while(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        steps = 0
        j = i - 1
        w = 0.5
        while j >= 0 and steps < 4:
            if word(tokens[j]).isalpha():
                attention[i, j] += w
                w *= 0.5
                steps += 1
            j -= 1
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "bounded_while", attention


def counter_of_hits(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        count = 0
        for j in range(i, -1, -1):
            if len(word(tokens[j])) > 3:
                count += 1
                attention[i, j] = 1.0 / (count + 1)
            if count >= 5:
                break
        if count == 0:
            attention[i, i] = 1
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "counter_of_hits", attention


def stack_of_parentheses(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    stack = []
    for i, t in enumerate(tokens):
        if "(" in t or "[" in t:
            stack.append(i)
        elif (")" in t or "]" in t) and len(stack) > 0:
            o = stack.pop()
            attention[i, o] += 0.7
            for j in range(o, i):
                attention[i, j] += 0.05
        if stack:
            attention[i, stack[-1]] += 0.2
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "stack_of_parentheses", attention


def forward_pass_state(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    state = 0
    states = []
    for t in tokens:
        if t.strip("\u0120\u2581") == ",":
            state = 1
        elif t.strip("\u0120\u2581") in ".!?":
            state = 0
        elif state == 1 and t.strip("\u0120\u2581").lower() in ("and", "but"):
            state = 2
        states.append(state)
    for i in range(n):
        attention[i, 0] = [0.8, 0.5, 0.3][states[i]]
        for j in range(i):
            if states[j] == states[i] != 0:
                attention[i, j] += 0.1
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "forward_pass_state", attention


def two_pointers(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    i = 0
    while i < n:
        j = i + 1
        while j < n and not starts_word(tokens[j]):
            j += 1
        for a in range(i, j):
            for b in range(i, a + 1):
                attention[a, b] += 0.3
            attention[a, 0] += 0.5
        i = j
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "two_pointers", attention


def previous_different(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        p = -1
        for j in range(i):
            if tokens[j] != tokens[i]:
                p = j
        if p != -1:
            attention[i, p] = 0.3
        attention[i, 0] += 0.6
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "previous_different", attention


def next_iter(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        j = next((j for j in range(i - 1, -1, -1) if not word(tokens[j]).isalnum()), None)
        if j is None:
            attention[i, 0] = 0.8
        else:
            attention[i, j] = 0.6
            attention[i, min(j + 1, i)] += 0.2
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "next_iter", attention


def streaks(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    run = 0
    for i in range(n):
        if i > 0 and starts_word(tokens[i]) == starts_word(tokens[i - 1]):
            run += 1
        else:
            run = 0
        for j in range(i - run, i + 1):
            attention[i, j] += 0.3 / (run + 1)
        attention[i, 0] += 0.6
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "streaks", attention


def accumulate_until_full(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        budget = 1.0
        for j in range(i, -1, -1):
            take = min(budget, 0.3 if len(tokens[j]) > 3 else 0.1)
            attention[i, j] += take
            budget -= take
            if budget <= 1e-9:
                break
        if budget > 0:
            attention[i, 0] += budget
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "accumulate_until_full", attention


def last_of_each_kind(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    last_comma = last_stop = last_and = -1
    for i in range(n):
        w = word(tokens[i])
        for p, v in ((last_comma, 0.2), (last_stop, 0.3), (last_and, 0.1)):
            if p >= 0:
                attention[i, p] += v
        attention[i, 0] += 0.4
        if w == ",":
            last_comma = i
        elif w == ".":
            last_stop = i
        elif w == "and":
            last_and = i
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "last_of_each_kind", attention


def skip_and_continue(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, i] = 0.2
        if i == 0:
            attention[0, 0] = 1.0
            continue
        for j in range(i):
            if j == 0:
                attention[i, j] = 0.5
                continue
            if word(tokens[j]) == "":
                continue
            if not word(tokens[j])[0].isalpha():
                attention[i, j] = 0.02
                continue
            attention[i, j] = 0.1 if i - j < 5 else 0.03
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "skip_and_continue", attention


def break_out_of_two(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        done = False
        for a in range(i - 1, -1, -1):
            if done:
                break
            for b in range(a - 1, -1, -1):
                if tokens[a] == tokens[b]:
                    attention[i, a] += 0.3
                    attention[i, b] += 0.3
                    done = True
                    break
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "break_out_of_two", attention


def nearest_capital(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        best, best_d = None, 10**6
        for j in range(n):
            w = tokens[j].lstrip("\u0120\u2581")
            if w and w[0].isupper() and abs(i - j) < best_d and j != i:
                best, best_d = j, abs(i - j)
        if best is not None:
            attention[i, best] += 0.5 / (1 + 0.1 * best_d)
        attention[i, 0] += 0.4
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "nearest_capital", attention


def while_true(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        j = i
        while True:
            attention[i, j] += 0.2
            if j == 0 or word(tokens[j]) in (".", ","):
                break
            j -= 1
        attention[i, 0] += 0.3
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "while_true", attention
