"""Heads explained by syntax: heads, children, entities, noun chunks."""

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


def children_of_the_head(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    word_to_tokens = {}
    for t_idx, words in enumerate(alignment):
        for w in words:
            word_to_tokens.setdefault(w, []).append(t_idx)
    for i in range(n):
        attention[i, 0] = 0.4
        attention[i, i] = 0.1
        if not alignment[i]:
            continue
        word = doc[alignment[i][0]]
        for child in word.head.children:
            for j in word_to_tokens.get(child.i, []):
                if j < i:
                    attention[i, j] += 0.1
        for j in word_to_tokens.get(word.head.i, []):
            if j < i:
                attention[i, j] += 0.3
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "children_of_the_head", attention


def entity_spans(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    ent_words = set()
    for ent in doc.ents:
        for w in ent:
            ent_words.add(w.i)
    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] = 0.1
        for j in range(1, i):
            if any(w in ent_words for w in alignment[j]):
                attention[i, j] += 0.15
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "entity_spans", attention


def noun_chunk_mates(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    chunk_of = {}
    for c_id, chunk in enumerate(doc.noun_chunks):
        for w in chunk:
            chunk_of[w.i] = c_id
    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] = 0.1
        ci = chunk_of.get(alignment[i][0]) if alignment[i] else None
        for j in range(i):
            cj = chunk_of.get(alignment[j][0]) if alignment[j] else None
            if ci is not None and ci == cj:
                attention[i, j] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "noun_chunk_mates", attention


def class_strings_last_word_wins(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    pos_tags = [""] * n
    for j in range(n):
        for w in alignment[j]:
            pos_tags[j] = doc[w].pos_
    gain = {"NOUN": 0.12, "VERB": 0.1, "PROPN": 0.15, "PUNCT": 0.05}
    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] = 0.1
        for j in range(1, i):
            attention[i, j] = gain.get(pos_tags[j], 0.01) / (1 + 0.2 * (i - j))
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "class_strings_last_word_wins", attention


def conjunct_linking(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] = 0.1
        idxs = alignment[i]
        if not idxs:
            continue
        w = doc[idxs[0]]
        if w.dep_ == "conj":
            target = w.head.i
            for j in range(i):
                if target in alignment[j]:
                    attention[i, j] += 0.35
                    break
        elif w.pos_ == "CCONJ":
            conjuncts = [c.i for c in w.head.children if c.dep_ == "conj"]
            for j in range(n):
                if alignment[j] and alignment[j][0] in conjuncts:
                    attention[i, j] += 0.1
            for j in range(i):
                if alignment[j] and alignment[j][0] == w.head.i:
                    attention[i, j] += 0.3
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "conjunct_linking", attention


def subject_of_the_clause(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    subjects = [w.i for w in doc if w.dep_ in ("nsubj", "nsubjpass", "csubj")]
    subject_tokens = [t for t in range(n) if any(a in subjects for a in alignment[t])]
    for i in range(n):
        attention[i, 0] = 0.55
        attention[i, i] = 0.1
        before = [s for s in subject_tokens if s < i]
        if before:
            attention[i, before[-1]] += 0.25
            for s in before[:-1]:
                attention[i, s] += 0.1 / len(before)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "subject_of_the_clause", attention


def ancestors_with_decay(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    for i in range(n):
        attention[i, 0] = 0.4
        attention[i, i] = 0.1
        if not alignment[i]:
            continue
        w = doc[alignment[i][0]]
        level = 1
        for anc in w.ancestors:
            for j in range(i):
                if alignment[j] and alignment[j][0] == anc.i:
                    attention[i, j] += 0.3 / level
            level += 1
            if level > 3:
                break
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "ancestors_with_decay", attention


def root_and_siblings(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    for i in range(n):
        attention[i, 0] = 0.3
        if alignment[i] and alignment[i][0] < len(doc):
            w = doc[alignment[i][0]]
            sent = w.sent
            for j in range(i + 1):
                if alignment[j] and alignment[j][0] < len(doc):
                    o = doc[alignment[j][0]]
                    if o.i == sent.root.i:
                        attention[i, j] += 0.3
                    elif o.i == sent.start:
                        attention[i, j] += 0.1
                    elif o.head.i == w.head.i:
                        attention[i, j] += 0.08
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "root_and_siblings", attention


def lemma_and_shape(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] = 0.1
        for j in range(i):
            if alignment[i] and alignment[j]:
                a, b = doc[alignment[i][0]], doc[alignment[j][0]]
                if a.lemma_.lower() == b.lemma_.lower() and a.is_alpha:
                    attention[i, j] += 0.3
                elif a.shape_ == b.shape_ and not a.is_stop and not b.is_stop:
                    attention[i, j] += 0.05
                if b.like_num or b.is_quote or b.is_punct:
                    attention[i, j] += 0.02
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "lemma_and_shape", attention


def helper_with_alignment(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    def get_pos(idx):
        if idx < len(alignment) and alignment[idx]:
            return doc[alignment[idx][0]].pos_
        return "X"

    def get_dep(idx):
        if idx < len(alignment) and alignment[idx]:
            return doc[alignment[idx][0]].dep_
        return ""

    for i in range(n):
        p = get_pos(i)
        attention[i, 0] = {"PUNCT": 0.3, "DET": 0.7, "ADP": 0.6}.get(p, 0.5)
        attention[i, i] = 0.1
        for j in range(max(0, i - 8), i):
            q = get_pos(j)
            w = 0.0
            if p == "VERB" and get_dep(j).startswith("nsubj"):
                w = 0.25
            elif p == "ADP" and q in ("VERB", "NOUN"):
                w = 0.15
            elif p == "PUNCT" and q == "VERB":
                w = 0.1
            elif p == q != "X":
                w = 0.05
            attention[i, j] += w
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "helper_with_alignment", attention
