"""Heads written in other ways: dicts with defaults, nested helpers, arrays of places, whole matrices, searches."""

import math
from collections import defaultdict

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


FUNCTION_WORDS = frozenset("the a an of in on at to for with by from and or but".split())
PRON = {"he": "m", "him": "m", "his": "m", "she": "f", "her": "f", "it": "n", "its": "n", "they": "p", "them": "p"}


def strip_marker(t: str) -> str:
    return t[1:] if t.startswith("\u0120") or t.startswith("\u2581") else t


def gaussian_previous(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    sigma = 1.5
    A = np.zeros((n, n))
    for i in range(n):
        center = max(i - 2, 0)
        for j in range(i + 1):
            A[i, j] = math.exp(-((j - center) ** 2) / (2 * sigma**2))
    return "L0H7: gaussian", make_row_stochastic(A)


def induction_prefix_match(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Longest common context: weights grow with the number of matching tokens before."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
    for i in range(1, n):
        for j in range(1, i):
            score = 0
            for k in range(3):
                if j - 1 - k >= 0 and tokens[i - k] == tokens[j - 1 - k]:
                    score += 1
                else:
                    break
            if score > 0:
                A[i, j] = 2.0**score - 1
    for i in range(n):
        if not A[i].any():
            A[i, 0] = 1.0
    return "L5H5: induction with prefix", make_row_stochastic(apply_causal_mask(A))


def gendered_coreference(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    words = [strip_marker(t).lower() for t in tokens]
    last_by_class = defaultdict(lambda: -1)
    A = np.zeros((n, n))
    for i, w in enumerate(words):
        g = PRON.get(w)
        if g is not None:
            if last_by_class[g] >= 0:
                A[i, last_by_class[g]] = 1.0
            last_by_class[g] = i
        A[i, i] += 0.2
        A[i, 0] += 0.1
    return "L9H2: same gender", make_row_stochastic(A)


def newline_and_list(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
    sep_positions = np.array([i for i, t in enumerate(tokens) if t in {",", ";", "\n", "."}], dtype=int)
    for i in range(n):
        prev = sep_positions[sep_positions < i]
        if len(prev) > 0:
            A[i, prev[-1]] = 0.6
            A[i, prev] += 0.2 / len(prev)
        A[i, i] += 0.2
    return "L4H11: separators", make_row_stochastic(apply_causal_mask(A))


def window_softmax(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
    for i in range(n):
        logits = np.full(n, -np.inf)
        for j in range(max(0, i - 4), i + 1):
            logits[j] = -0.5 * (i - j) + (0.7 if tokens[j].isalpha() else 0.0)
        logits[0] = max(logits[0], 1.0)
        e = np.exp(logits - logits.max())
        A[i] = e / e.sum()
    return "L3H3: local softmax", A


def number_agreement(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    noun_tags = {"NN", "NNS", "NNP", "NNPS", "PRP"}
    A = np.zeros((n, n))
    nouns = []
    for i in range(n):
        tags = {doc[w].tag_ for w in alignment[i]}
        if tags & {"VBZ", "VBP", "VB", "VBD"} and nouns:
            target = nouns[-1]
            A[i, target] = 0.8
            A[i, i] = 0.2
        else:
            A[i, i] = 0.5
            A[i, max(i - 1, 0)] += 0.5
        if tags & noun_tags:
            nouns.append(i)
    return "L7H7: agreement", make_row_stochastic(apply_causal_mask(A))


def repeated_name_cluster(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    positions = defaultdict(list)
    for idx, tok in enumerate(tokens):
        w = strip_marker(tok)
        if w[:1].isupper():
            positions[w].append(idx)
    A = np.zeros((n, n))
    for name, idxs in positions.items():
        if len(idxs) < 2:
            continue
        for a in range(1, len(idxs)):
            A[idxs[a], idxs[a - 1]] = 0.7
            A[idxs[a], idxs[0]] += 0.3
    for i in range(n):
        if A[i].sum() == 0:
            A[i, 0] = 1.0
    return "L8H1: repeated names", make_row_stochastic(A)


def verb_phrase_head(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    last_verb = 0
    A = np.zeros((n, n))
    for i in range(n):
        is_verb = False
        for w in alignment[i]:
            if doc[w].pos_ == "VERB":
                is_verb = True
                break
        if is_verb:
            A[i, i] = 1.0
            last_verb = i
        else:
            A[i, last_verb] += 0.7
            if alignment[i] and doc[alignment[i][0]].dep_ in ("dobj", "pobj", "advmod"):
                A[i, last_verb] += 0.3
            else:
                A[i, i] += 0.3
    return "L6H2: verb phrase", make_row_stochastic(apply_causal_mask(A))


def bert_segments(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    seg = np.zeros(n, dtype=int)
    for i in range(1, n):
        seg[i] = seg[i - 1] + (1 if tokens[i - 1] in (".", "[SEP]") else 0)
    same = seg[:, None] == seg[None, :]
    out = same.astype(float)
    out /= out.sum(axis=1, keepdims=True)
    return "L2H2: segments", out


def bert_adjacent_pairs(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    out = np.zeros((n, n))
    i = 0
    while i < n:
        j = i
        while j + 1 < n and tokens[j + 1].startswith("##"):
            j += 1
        out[i : j + 1, i : j + 1] = 1.0
        i = j + 1
    return "L1H1: pieces of a word", make_row_stochastic(out)


def bert_compound_nouns(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    out = np.eye(n) * 0.2
    for chunk in doc.noun_chunks:
        members = [i for i in range(n) if any(chunk.start <= w < chunk.end for w in alignment[i])]
        root = [i for i in members if chunk.root.i in alignment[i]]
        for i in members:
            for r in root:
                out[i, r] += 1.0
            for j in members:
                out[i, j] += 0.1
    return "L4H4: noun chunks", make_row_stochastic(out)


def bert_mirror(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    out = np.fliplr(np.eye(n)) * 0.5
    out += np.eye(n, k=-1) * 0.3
    out[:, 0] += 0.2
    return "L11H0: mirror", make_row_stochastic(out)


def bert_sep_weighted(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    base = {"[CLS]": 0.3, "[SEP]": 0.6, ".": 0.4, ",": 0.2}
    col = np.array([base.get(t, 0.02) for t in tokens])
    out = np.outer(np.ones(n), col)
    for i in range(n):
        out[i, i] *= 2
    return "L10H10: separator columns", out / out.sum(axis=1)[:, None]


def bert_question_words(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    wh = {"who", "what", "when", "where", "why", "how", "which"}
    lower = [t.lower() for t in tokens]
    wh_pos = next((i for i, t in enumerate(lower) if t in wh), None)
    q_pos = n - 1 - lower[::-1].index("?") if "?" in lower else None
    out = np.zeros((n, n))
    for i in range(n):
        if wh_pos is not None:
            out[i, wh_pos] += 0.5
        if q_pos is not None and q_pos != i:
            out[i, q_pos] += 0.3
        out[i, i] += 0.2
    return "L6H8: questions", make_row_stochastic(out)


def bert_ranked_distance(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    out = np.zeros((n, n))
    for i in range(n):
        order = sorted(range(n), key=lambda j: (abs(i - j), j))
        for rank, j in enumerate(order[:5]):
            out[i, j] = 1.0 / (rank + 1)
    return "L1H9: ranked neighbours", make_row_stochastic(out)


def bert_dependency_distance(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    def depth(w):
        d = 0
        while w.head != w:
            w = w.head
            d += 1
        return d

    depths = [depth(doc[a[0]]) if a else 0 for a in alignment]
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            out[i, j] = 1.0 / (1.0 + abs(depths[i] - depths[j]))
    return "L5H1: depth", make_row_stochastic(out)
