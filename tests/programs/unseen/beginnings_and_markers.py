"""Beginning-of-sequence markers, word pieces and vocabulary markers of several tokenizers."""

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


BOS = {"<s>", "<|begin_of_text|>", "[CLS]", "<|endoftext|>"}
SPACE = ("\u0120", "\u2581")


def is_word_start(token):
    return token.startswith(SPACE)


def is_newline(token: str) -> bool:
    return token in ("<0x0A>", "\u010a", "\n") or token.endswith("\u010a")


def strip_marker(token):
    if token and token[0] in "\u0120\u2581":
        return token[1:]
    if token.startswith("##"):
        return token[2:]
    return token


def bos_sink(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    bos = 0 if n and tokens[0] in BOS else -1
    for i in range(n):
        if bos >= 0:
            attention[i, bos] = 0.9
        attention[i, i] += 0.05
        if i > 0:
            attention[i, i - 1] += 0.05
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "bos_sink", attention


def bos_and_second(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    offset = 1 if n > 0 and tokens[0] == "<s>" else 0
    for i in range(n):
        attention[i, 0] = 0.7
        if n > offset and i >= offset:
            attention[i, offset] += 0.15
        attention[i, i] += 0.1
        if tokens[i] == "<s>":
            attention[i, :] = 0
            attention[i, i] = 1.0
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "bos_and_second", attention


def pieces_of_a_word(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    word_id, words = -1, []
    for t in tokens:
        if is_word_start(t) or word_id < 0 or not t[:1].isalnum():
            word_id += 1
        words.append(word_id)
    for i in range(n):
        attention[i, 0] = 0.4
        for j in range(i + 1):
            if words[i] == words[j]:
                attention[i, j] += 0.4
            elif words[i] - words[j] == 1:
                attention[i, j] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "pieces_of_a_word", attention


def newline_sink(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    newlines = [i for i, t in enumerate(tokens) if is_newline(t)]
    for i in range(n):
        attention[i, 0] = 0.6
        prev = [k for k in newlines if k < i]
        if prev:
            attention[i, prev[-1]] = 0.3
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "newline_sink", attention


def wordpiece_continuation(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        if tokens[i].startswith("##"):
            j = i - 1
            while j > 0 and tokens[j].startswith("##"):
                j -= 1
            attention[i, j] = 0.6
            attention[i, i - 1] += 0.3
        else:
            attention[i, i] = 0.4
            attention[i, 0] += 0.4
            if i + 1 < n and tokens[i + 1].startswith("##"):
                attention[i, i + 1] += 0.3
    return "wordpiece_continuation", make_row_stochastic(attention)


def separator_tokens(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    sep = None
    for i, tok in enumerate(tokens):
        if tok in ("[SEP]", "</s>"):
            sep = i
    for i in range(n):
        if sep is not None:
            attention[i, sep] = 0.5
        attention[i, 0] += 0.3
        for j in range(n):
            if abs(i - j) == 1:
                attention[i, j] += 0.1
    if sep is not None:
        attention[sep, sep] = 0.9
    return "separator_tokens", make_row_stochastic(attention)


def marker_of_position_one(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        first = min(1, n - 1) if tokens[0].startswith("<") else 0
        attention[i, first] = 0.5 if i >= first else 0
        attention[i, 0] += 0.4
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "marker_of_position_one", attention


def word_initial_pieces(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        w = np.zeros(n)
        for j in range(i + 1):
            if is_word_start(tokens[j]):
                w[j] = 0.1 / np.sqrt(1 + i - j)
                if strip_marker(tokens[j])[:1].isupper():
                    w[j] *= 2
            else:
                w[j] = 0.01
        w[0] = 0.5
        attention[i] = w
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "word_initial_pieces", attention


def byte_tokens(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))

    def is_byte(t):
        return t.startswith("<0x") and t.endswith(">") and len(t) == 6

    bytes_at = [is_byte(t) for t in tokens]
    for i in range(n):
        attention[i, 0] = 0.7
        if bytes_at[i] and i > 0:
            attention[i, i - 1] += 0.3
        elif any(bytes_at[:i]):
            attention[i, max(j for j in range(i) if bytes_at[j])] += 0.2
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "byte_tokens", attention


def literal_pieces(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    targets = ["\u2581the", "\u0120the", "\u2581a", "\u0120a", "\u2581and", "\u0120and", ",", "."]
    for i in range(n):
        attention[i, 0] = 0.6
        for j in range(1, i + 1):
            if tokens[j] in targets:
                attention[i, j] = 0.4 / (1 + targets.index(tokens[j]))
        attention[i, i] += 0.05
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "literal_pieces", attention


def upper_case_after_stop(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        s = strip_marker(tokens[i])
        new_sentence = i > 0 and strip_marker(tokens[i - 1]) in (".", "!", "?") and s[:1].isupper()
        attention[i, 0] = 0.9 if new_sentence else 0.5
        if not new_sentence:
            for j in range(max(0, i - 4), i):
                attention[i, j] += 0.08 if strip_marker(tokens[j]).isalpha() else 0.16
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "upper_case_after_stop", attention


def word_index_distance(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    starts = [1 if is_word_start(t) or i == 0 else 0 for i, t in enumerate(tokens)]
    wid = np.cumsum(starts)
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            gap = wid[i] - wid[j]
            if gap == 0:
                attention[i, j] = 0.2
            elif gap == 1:
                attention[i, j] = 0.4
            elif gap <= 3:
                attention[i, j] = 0.1
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "word_index_distance", attention


def contractions(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    endings = ("'s", "'t", "'re", "'ve", "'ll", "'d", "'m", "\u2019s", "\u2019t")
    for i in range(n):
        low = tokens[i].lower()
        if i > 0 and (low in endings or (low in ("s", "t", "re", "ll") and tokens[i - 1].endswith("'"))):
            attention[i, i - 1] = 0.8
            attention[i, max(0, i - 2)] += 0.1
        else:
            attention[i, 0] = 0.7
            attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "contractions", attention


def last_word_start_before(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    last_start = 0
    for i in range(n):
        attention[i, last_start] += 0.4
        if is_word_start(tokens[i]):
            last_start = i
        attention[i, last_start] += 0.2
        attention[i, 0] += 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "last_word_start_before", attention


def masking_of_bos_column(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, : i + 1] = 1.0 / (i + 1)
    if n > 0 and tokens[0] in BOS:
        attention[1:, 0] = 0.5
        attention[0, 0] = 1.0
    else:
        attention[:, 0] *= 2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "masking_of_bos_column", attention
