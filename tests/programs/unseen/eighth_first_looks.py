"""Heads as language models write them, written before the lifter was looked at: tables, states, shifted blocks, patterns."""

import re

from collections import deque
from itertools import accumulate

import numpy as np
from typing import Dict, Tuple
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


def prev_token_mix(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    if n == 1:
        return "prev_mix", np.ones((1, 1))
    base = 0.7 * np.eye(n, k=-1) + 0.2 * np.eye(n) + 0.1 * np.eye(n, k=-2)
    base[:, 0] += 0.15
    base = np.tril(base)
    with np.errstate(divide="ignore", invalid="ignore"):
        base = base / base.sum(axis=1, keepdims=True)
    return "prev_mix", np.nan_to_num(base)


def quote_state_machine(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Tokens inside a quotation attend to the opening quote."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attn = np.zeros((n, n))
    open_idx = None
    for i, tok in enumerate(tokens):
        clean = tok.replace("Ġ", "").replace("▁", "")
        if '"' in clean:
            if open_idx is None:
                open_idx = i
                attn[i, i] = 1.0
            else:
                attn[i, open_idx] = 1.0
                open_idx = None
        elif open_idx is not None:
            attn[i, open_idx] = 0.7
            attn[i, i] = 0.3
        else:
            attn[i, 0] = 0.8
            attn[i, i] += 0.2
    return "quote tracking", make_row_stochastic(attn)


def induction_vectorised(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    ids = tokenizer(sentence, return_tensors="pt").input_ids[0]
    tokens = tokenizer.convert_ids_to_tokens(ids)
    n = len(tokens)
    tok_arr = np.array(tokens)
    same = (tok_arr[:, None] == tok_arr[None, :]).astype(float)
    same = np.tril(same, k=-1)
    shifted = np.zeros((n, n))
    shifted[:, 1:] = same[:, :-1]
    shifted = np.tril(shifted, k=-1)
    empty = shifted.sum(axis=1) == 0
    shifted[empty, 0] = 1.0
    return "induction (vec)", shifted / shifted.sum(axis=1, keepdims=True)


def pos_group_table(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    PAIR_WEIGHTS = {
        ("ADJ", "NOUN"): 0.9,
        ("NOUN", "ADJ"): 0.7,
        ("NOUN", "DET"): 0.5,
        ("VERB", "NOUN"): 0.8,
        ("VERB", "PRON"): 0.8,
        ("ADP", "VERB"): 0.4,
    }
    tags = []
    for idxs in alignment:
        if not idxs:
            tags.append(None)
        else:
            tags.append(doc[idxs[-1]].pos_)
    A = np.zeros((n, n))
    for i in range(n):
        for j in range(max(0, i - 6), i + 1):
            A[i, j] = PAIR_WEIGHTS.get((tags[i], tags[j]), 0.02)
    return "pair table", make_row_stochastic(A)


def sentence_boundary_segments(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    ends = np.array([t.strip("Ġ") in {".", "!", "?"} for t in tokens])
    seg = np.concatenate([[0], np.cumsum(ends)[:-1]])
    same = seg[:, None] == seg[None, :]
    A = np.tril(same.astype(float))
    A[:, 0] += 0.5
    return "segments", make_row_stochastic(A)


def symmetric_heads(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Dependency arcs written in both directions."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    word_to_tok = {}
    for ti, ws in enumerate(alignment):
        for w in ws:
            word_to_tok.setdefault(w, []).append(ti)
    A = np.zeros((n, n))
    for word in doc:
        if word.head.i == word.i:
            continue
        for a in word_to_tok.get(word.i, []):
            for b in word_to_tok.get(word.head.i, []):
                A[a, b] += 1.0
                A[b, a] += 0.5
    A += 0.01 * np.eye(n)
    return "dep arcs", make_row_stochastic(A)


def cls_sep_bert(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.full((n, n), 0.01)
    sep_idx = [i for i, t in enumerate(tokens) if t == "[SEP]"]
    cls_idx = tokens.index("[CLS]") if "[CLS]" in tokens else 0
    for i in range(n):
        if tokens[i] in ("[CLS]", "[SEP]"):
            A[i, cls_idx] = 1.0
            for s in sep_idx:
                A[i, s] = 0.5
        elif tokens[i].startswith("##"):
            j = i
            while j > 0 and tokens[j].startswith("##"):
                j -= 1
            A[i, j] = 2.0
        else:
            for s in sep_idx:
                A[i, s] += 0.6
            if i + 1 < n:
                A[i, i + 1] += 0.3
    return "CLS/SEP", A / A.sum(axis=-1, keepdims=True)


def conj_balance(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
    conj = {"and", "or", "but", "nor", "yet", "so"}
    i = 0
    while i < n:
        word = tokens[i].lstrip("Ġ").lower()
        if word in conj:
            left = i - 1
            right = i + 1
            if left >= 0:
                A[i, left] += 0.6
            if right < n:
                A[right, i] += 0.5
                if left >= 0:
                    A[right, left] += 0.7
        A[i, i] += 0.3
        i += 1
    return "conj", make_row_stochastic(A)


def match_kinds(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
    for i in range(n):
        t = tokens[i].strip("Ġ")
        match t:
            case "." | "!" | "?":
                A[i, 0] = 1.0
            case ",":
                A[i, i] = 1.0
            case _:
                A[i, max(i - 1, 0)] = 1.0
    return "match kinds", A


def set_overlap_chars(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    char_sets = [set(t.lower().strip("Ġ")) for t in tokens]
    A = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            union = char_sets[i] | char_sets[j]
            inter = char_sets[i] & char_sets[j]
            A[i, j] = len(inter) / len(union) if union else 0.0
    return "jaccard", make_row_stochastic(A)


def early_return_short(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    if n < 3:
        return "short", np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None]
    A = np.zeros((n, n))
    A[0, 0] = 1.0
    A[1, :2] = 0.5
    for i in range(2, n):
        A[i, i - 2 : i + 1] = [0.2, 0.5, 0.3]
    return "fixed kernel", A


def deque_window(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    recent = deque(maxlen=3)
    A = np.zeros((n, n))
    for i, tok in enumerate(tokens):
        A[i, i] = 0.2
        for age, j in enumerate(reversed(recent)):
            A[i, j] = 0.8 / (age + 1)
        if tok.strip("Ġ").isalpha():
            recent.append(i)
    return "recent words", make_row_stochastic(A)


def maximum_accumulate(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    marks = np.array([i if t in (".", ",", ";") else 0 for i, t in enumerate(tokens)])
    last = np.maximum.accumulate(marks)
    A = np.zeros((n, n))
    A[np.arange(n), last] = 0.6
    A[np.arange(n), np.arange(n)] += 0.4
    return "last separator", A


def dict_of_last_positions(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    last_seen: Dict[str, int] = {}
    A = np.zeros((n, n))
    for i, t in enumerate(tokens):
        key = t.strip("Ġ").lower()
        if key in last_seen:
            p = last_seen[key]
            A[i, p] = 0.5
            if p + 1 < i:
                A[i, p + 1] = 0.3
        A[i, i] += 0.2
        last_seen[key] = i
    return "last same", make_row_stochastic(A)


def helper_classes(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)

    def classify(tok: str) -> str:
        t = tok.replace("Ġ", "").lower()
        if not t:
            return "space"
        if t in ("the", "a", "an"):
            return "det"
        if re.fullmatch(r"[0-9]+([.,][0-9]+)?", t):
            return "num"
        if t.isalpha():
            return "word"
        return "other"

    classes = list(map(classify, tokens))
    priority = {"word": 3, "num": 2, "det": 1, "other": 1, "space": 0}
    A = np.zeros((n, n))
    for i in range(n):
        total = sum(priority[c] for c in classes[: i + 1])
        if total == 0:
            A[i, i] = 1.0
            continue
        for j in range(i + 1):
            A[i, j] = priority[classes[j]] / total
    return "classes", A


def accumulate_lengths(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    ends = list(accumulate(len(t) for t in tokens))
    starts = [e - len(t) for e, t in zip(ends, tokens)]
    A = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            gap = starts[i] - ends[j]
            A[i, j] = 1.0 if gap <= 0 else 1.0 / (1.0 + 0.2 * gap)
    return "char distance", make_row_stochastic(A)


def suffix_match(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    SUFFIXES = ("ing", "ed", "ly", "tion", "s")
    suffix_of = lambda w: next((s for s in SUFFIXES if w.endswith(s) and len(w) > len(s)), None)
    groups = [suffix_of(t.lower()) for t in tokens]
    A = np.zeros((n, n))
    for i in range(n):
        A[i, i] = 0.2
        if groups[i] is None:
            A[i, 0] += 0.8
            continue
        for j in range(i):
            if groups[j] == groups[i]:
                A[i, j] += 0.8
    return "suffix", make_row_stochastic(A)


def string_join_prefix(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
    for i in range(n):
        prefix = "".join(tokens[: i + 1]).replace("Ġ", " ")
        quote_open = prefix.count('"') % 2 == 1
        for j in range(i + 1):
            if quote_open and '"' in tokens[j]:
                A[i, j] = 1.0
            elif not quote_open and j == 0:
                A[i, j] = 0.9
            else:
                A[i, j] = 0.05
    return "quote parity", make_row_stochastic(A)


def decaying_running_state(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
    salience = np.zeros(n)
    for i in range(n):
        salience *= 0.8
        salience[i] = 1.0 if tokens[i].strip("Ġ").isalpha() else 0.3
        A[i, : i + 1] = salience[: i + 1]
    return "salience", make_row_stochastic(A)
