"""The last set: heads in both directions, and heads that remember."""

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


def cls_sep_balance(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    att = np.zeros((n, n))
    for i in range(n):
        att[i, 0] = 0.3
        att[i, n - 1] = 0.4
        for j in range(max(0, i - 2), min(n, i + 3)):
            att[i, j] += 0.1
    return "cls_sep_balance", make_row_stochastic(att)


def bert_heads(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    att = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    for i in range(n):
        if tokens[i] in ["[CLS]", "[SEP]"]:
            att[i, i] = 1.0
            continue
        for idx in alignment[i]:
            if idx >= len(doc):
                continue
            w = doc[idx]
            for j in range(n):
                if j == i:
                    continue
                for other in alignment[j]:
                    if doc[other] == w.head:
                        att[i, j] = 0.5
                    elif doc[other].head == w:
                        att[i, j] = 0.3
        if att[i].sum() == 0:
            att[i, 0] = 1.0
    return "bert_heads", make_row_stochastic(att)


def next_and_previous(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    att = np.zeros((n, n))
    for i in range(n):
        if i + 1 < n:
            att[i, i + 1] = 0.6
        if i - 1 >= 0:
            att[i, i - 1] = 0.2
        att[i, i] += 0.2
    return "next_and_previous", make_row_stochastic(att)


def determiners_to_nouns(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    att = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    for i in range(n):
        att[i, i] = 0.2
        if not alignment[i]:
            att[i, 0] = 0.8
            continue
        w = doc[alignment[i][0]]
        if w.pos_ == "DET":
            for j in range(i + 1, min(i + 6, n)):
                if alignment[j] and doc[alignment[j][0]].pos_ in ("NOUN", "PROPN"):
                    att[i, j] = 0.7
                    break
            else:
                att[i, 0] = 0.5
        elif w.pos_ == "ADP":
            j = i + 1
            while j < n and j <= i + 5:
                if alignment[j] and doc[alignment[j][0]].dep_ == "pobj":
                    att[i, j] = 0.6
                    break
                j += 1
        else:
            att[i, 0] += 0.4
    return "determiners_to_nouns", make_row_stochastic(att)


def symmetric_classes(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    att = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    for i in range(n):
        for j in range(i + 1, n):
            if alignment[i] and alignment[j]:
                a, b = doc[alignment[i][0]], doc[alignment[j][0]]
                if a.pos_ == b.pos_:
                    att[i, j] += 0.2
                    att[j, i] += 0.2
                if a.lemma_ == b.lemma_:
                    att[i, j] += 0.3
                    att[j, i] += 0.3
        att[i, i] += 0.1
    return "symmetric_classes", make_row_stochastic(att)


def char_neighbours(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.4
        best, where = 0.0, -1
        for j in range(1, i):
            s = _char_sim(tokens[i], tokens[j])
            if s >= best:
                best, where = s, j
        if where > 0:
            attention[i, where] += 0.5 * best
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "char_neighbours", attention


def newline_resets(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    line_start = 0
    for i in range(n):
        if i > 0 and tokens[i - 1] in ("\u010a", "<0x0A>", "\n"):
            line_start = i
        attention[i, line_start] += 0.4
        attention[i, 0] += 0.3
        for j in range(line_start, i):
            attention[i, j] += 0.2 / (i - line_start)
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "newline_resets", attention


def last_positions_by_token(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    last = {}
    for i in range(n):
        t = tokens[i].lower()
        if t in last and last[t] != i - 1:
            attention[i, last[t]] += 0.4
            attention[i, last[t] + 1] += 0.1
        last[t] = i
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "last_positions_by_token", attention


def counts_of_words(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    counts = {}
    for t in tokens:
        counts[t] = counts.get(t, 0) + 1
    for i in range(n):
        attention[i, 0] = 0.5
        for j in range(1, i + 1):
            attention[i, j] += 0.3 / counts[tokens[j]]
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "counts_of_words", attention


def colon_and_list(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.6
        depth = 0
        for j in range(i, -1, -1):
            t = tokens[j]
            if t == ")":
                depth += 1
            elif t == "(":
                if depth == 0:
                    attention[i, j] += 0.3
                    break
                depth -= 1
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "colon_and_list", attention
