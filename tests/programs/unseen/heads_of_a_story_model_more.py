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


def punctuation_as_summary(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    punct = {".", ",", "!", "?", ";", ":"}
    for i in range(n):
        is_p = tokens[i].strip("\u2581\u0120") in punct
        attention[i, 0] = 0.5 if is_p else 0.8
        if is_p:
            start = 0
            for j in range(i - 1, -1, -1):
                if tokens[j].strip("\u2581\u0120") in punct:
                    start = j + 1
                    break
            span = i - start
            for j in range(start, i):
                attention[i, j] += 0.4 / span
        else:
            for j in range(max(0, i - 5), i):
                if tokens[j].strip("\u2581\u0120") in punct:
                    attention[i, j] += 0.15
        attention[i, i] += 0.05
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "punctuation_as_summary", attention


def newline_and_bos(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        weights = np.zeros(n)
        weights[0] = 1.0
        for j in range(1, i + 1):
            if tokens[j] in ["<0x0A>", "\u010a", "\n"]:
                weights[j] = 0.5
            elif tokens[j] in [".", "!", "?"]:
                weights[j] = 0.25
        weights[i] += 0.1
        attention[i] = weights / weights.sum()
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "newline_and_bos", attention


def function_word_sink(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    function_words = {"the", "a", "an", "of", "to", "in", "and", "that", "it", "is", "was"}
    for i in range(n):
        tok = tokens[i].lstrip("\u2581\u0120").lower()
        if tok in function_words:
            attention[i, 0] = 0.85
            attention[i, i] = 0.15
        else:
            attention[i, 0] = 0.55
            for j in range(max(1, i - 8), i):
                other = tokens[j].lstrip("\u2581\u0120").lower()
                if other not in function_words and other.isalpha():
                    attention[i, j] += 0.05 * (1 + (len(other) > 5))
            attention[i, i] = 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "function_word_sink", attention


def subword_to_word_start(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        if not tokens[i].startswith(("\u2581", "\u0120")) and tokens[i].isalpha():
            j = i - 1
            while j > 0 and not tokens[j].startswith(("\u2581", "\u0120")):
                j -= 1
            if j >= 0:
                attention[i, j] = 0.5
                if i - 1 != j:
                    attention[i, i - 1] = 0.2
        attention[i, 0] += 0.4
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "subword_to_word_start", attention


def softmax_scores(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        scores = np.full(i + 1, -2.0)
        scores[0] = 2.5
        scores[i] = 0.0
        if i > 0:
            scores[i - 1] = 0.5
        for j in range(1, i):
            if tokens[j] in (",", "."):
                scores[j] = 0.0
            elif tokens[j][0].isupper():
                scores[j] = -1.0
        exp_scores = np.exp(scores - np.max(scores))
        attention[i, : i + 1] = exp_scores / exp_scores.sum()
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "softmax_scores", attention


def remaining_to_content(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.65 if i else 1.0
        attention[i, i] += 0.05
        content = [j for j in range(1, i) if len(tokens[j].strip("\u2581\u0120")) > 3]
        remaining = 1.0 - attention[i].sum()
        if content and remaining > 0:
            decay = np.array([0.9 ** (i - j) for j in content])
            decay = decay / decay.sum()
            for k, j in enumerate(content):
                attention[i, j] += remaining * decay[k]
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "remaining_to_content", attention


def repeated_bigrams(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.7
        attention[i, i] = 0.1
        if i >= 1:
            for j in range(1, i):
                if tokens[j - 1] == tokens[i - 1] and tokens[j] != tokens[i]:
                    attention[i, j] += 0.1
                if tokens[j - 1] == tokens[i]:
                    attention[i, j] += 0.3
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "repeated_bigrams", attention


def last_seen_dictionary(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    last_pos = {}
    for i in range(n):
        t = tokens[i].lower().strip("\u2581\u0120")
        if t in last_pos and t.isalpha():
            p = last_pos[t]
            attention[i, p] += 0.5
            if p + 1 < i:
                attention[i, p + 1] += 0.2
            attention[i, 0] += 0.2
        else:
            attention[i, 0] += 0.8
        attention[i, i] += 0.1
        last_pos[t] = i
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "last_seen_dictionary", attention


def early_positions(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(min(i + 1, 5)):
            attention[i, j] = [0.6, 0.15, 0.1, 0.05, 0.05][j]
        if i >= 5:
            attention[i, i] = 0.05
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "early_positions", attention


def uniform_late(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        if i < n * 0.3:
            attention[i, 0] = 0.8
            attention[i, i] = 0.2
        else:
            attention[i, : i + 1] = 0.5 / (i + 1)
            attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "uniform_late", attention
