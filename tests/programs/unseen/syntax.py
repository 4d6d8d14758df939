"""Heads, children, ancestors, subtrees, noun chunks, entities and sentences of spaCy."""

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


def head_of_word(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    spacy_to_tok = {}
    for ti, words in enumerate(alignment):
        for w in words:
            spacy_to_tok.setdefault(w, []).append(ti)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.4
        attention[i, i] = 0.1
        for w in alignment[i]:
            h = doc[w].head
            if h.i != w:
                for j in spacy_to_tok.get(h.i, []):
                    if j <= i:
                        attention[i, j] += 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "head_of_word", attention


def children_of_verbs(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        if alignment[i]:
            word = doc[alignment[i][0]]
            if word.pos_ == "VERB":
                kids = [c.i for c in word.children if c.dep_ in ("nsubj", "dobj", "prep")]
                for j in range(n):
                    if any(w in kids for w in alignment[j]):
                        attention[i, j] += 0.3
                        attention[j, i] += 0.3
        attention[i, 0] += 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "children_of_verbs", attention


def ancestors_chain(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] += 0.5
        if not alignment[i]:
            attention[i, i] += 0.5
            continue
        up = [a.i for a in doc[alignment[i][0]].ancestors]
        for depth, a in enumerate(up[:3]):
            for j in range(i):
                if a in alignment[j]:
                    attention[i, j] += 0.3 / (depth + 1)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "ancestors_chain", attention


def subject_and_object(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        wi = doc[alignment[i][0]] if alignment[i] else None
        for j in range(i):
            wj = doc[alignment[j][0]] if alignment[j] else None
            if wi is None or wj is None:
                continue
            if wi.dep_ in ("dobj", "pobj") and wj.dep_ == "ROOT":
                attention[i, j] += 0.4
            if wi.pos_ == "VERB" and wj.dep_ in ("nsubj", "nsubjpass") and wj.head == wi:
                attention[i, j] += 0.5
            if wi.head.i == wj.i or wj.head.i == wi.i:
                attention[i, j] += 0.2
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "subject_and_object", attention


def roots(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    root_positions = []
    for i in range(n):
        if any(doc[w].dep_ == "ROOT" for w in alignment[i]):
            root_positions.append(i)
    attention = np.zeros((n, n))
    for i in range(n):
        r = [p for p in root_positions if p <= i]
        if r:
            attention[i, r[-1]] += 0.4
        attention[i, 0] += 0.5
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "roots", attention


def subtree_span(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        if alignment[i]:
            w = doc[alignment[i][0]]
            lo = min(t.i for t in w.subtree)
            hi = max(t.i for t in w.subtree)
            for j in range(n):
                if alignment[j] and lo <= alignment[j][0] <= hi:
                    attention[i, j] += 0.1
        attention[i, 0] += 0.4
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "subtree_span", attention


def prepositions_to_objects(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        for si in alignment[i]:
            tok = doc[si]
            if tok.dep_ == "pobj":
                prep = tok.head
                verb = prep.head
                for j in range(i):
                    if prep.i in alignment[j]:
                        attention[i, j] += 0.5
                    if verb.i in alignment[j] and verb.pos_ == "VERB":
                        attention[i, j] += 0.2
        attention[i, 0] += 0.3
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "prepositions_to_objects", attention


def left_and_right_children(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        if alignment[i]:
            w = doc[alignment[i][0]]
            n_left = len(list(w.lefts))
            n_right = w.n_rights
            attention[i, i] = 0.1 * (n_left + n_right)
            for j in range(i):
                if alignment[j] and doc[alignment[j][0]].head == w:
                    attention[i, j] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "left_and_right_children", attention


def depth_in_tree(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    def depth(word):
        d = 0
        while word.head != word and d < 20:
            word = word.head
            d += 1
        return d

    depths = [depth(doc[a[0]]) if a else 0 for a in alignment]
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            attention[i, j] = 0.3 / (1 + depths[j])
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "depth_in_tree", attention


def same_head(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    heads = [doc[a[0]].head.i if a else None for a in alignment]
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            if heads[i] is not None and heads[i] == heads[j]:
                attention[i, j] += 0.25
        attention[i, 0] += 0.5
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "same_head", attention


def dependency_distance(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            if alignment[i] and alignment[j]:
                gap = abs(alignment[i][0] - alignment[j][0])
                attention[i, j] = 0.3 / (1.0 + gap)
                if doc[alignment[j][0]].is_ancestor(doc[alignment[i][0]]):
                    attention[i, j] += 0.2
            else:
                attention[i, j] = 0.01
        attention[i, 0] += 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "dependency_distance", attention


def parse_inside_the_loop(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            doc = spacy_parse(sentence)
            if alignment[j] and alignment[i]:
                if doc[alignment[j][-1]].dep_ == "nsubj" and doc[alignment[i][-1]].pos_ in ["VERB", "AUX"]:
                    attention[i, j] = 0.6
                    continue
            attention[i, j] = 0.05
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "parse_inside_the_loop", attention


def text_of_the_head(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        if i < len(alignment) and alignment[i]:
            word = doc[alignment[i][0]]
            head_text = word.head.text.lower()
            for j in range(i):
                bare = tokens[j].replace("\u0120", "").lower()
                if bare == head_text or (bare and head_text.startswith(bare)):
                    attention[i, j] += 0.3
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "text_of_the_head", attention
