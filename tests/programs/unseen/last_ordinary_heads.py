"""The last set: ordinary heads of a causal model, sinks, lookbacks, clauses, subjects, copies."""

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


def sink_and_previous_words(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.8 if i > 0 else 1.0
        if i > 0:
            attention[i, i - 1] = 0.1
            attention[i, i] = 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "sink_and_previous_words", attention


def sink_less_for_punctuation(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        tok = tokens[i].strip().lstrip("\u0120")
        base = 0.9
        if tok in [".", ",", "!", "?"]:
            base = 0.6
        attention[i, 0] = base
        remaining = 1.0 - base
        if i > 0:
            window = min(i, 4)
            for d in range(window):
                attention[i, i - d] += remaining / window
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "sink_less_for_punctuation", attention


def decay_and_content(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    content = {"NOUN", "VERB", "ADJ", "PROPN", "ADV"}
    for i in range(n):
        attention[i, 0] = 0.5
        for j in range(1, i + 1):
            w = 0.3 * (0.8 ** (i - j))
            if alignment[j]:
                word = doc[alignment[j][0]]
                if word.pos_ in content:
                    w *= 1.8
                elif word.pos_ in {"DET", "ADP"}:
                    w *= 0.6
                if word.dep_ == "ROOT":
                    w += 0.05
            attention[i, j] += w
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "decay_and_content", attention


def subject_for_verb(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    for i in range(n):
        attention[i, 0] = 0.6
        attention[i, i] = 0.1
        if not alignment[i]:
            continue
        w = doc[alignment[i][0]]
        if w.pos_ in ("VERB", "AUX"):
            for child in w.children:
                if child.dep_ in ("nsubj", "nsubjpass"):
                    for j in range(i):
                        if child.i in alignment[j]:
                            attention[i, j] += 0.3
        elif w.dep_ in ("dobj", "pobj", "attr"):
            for j in range(i):
                if w.head.i in alignment[j]:
                    attention[i, j] = 0.35
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "subject_for_verb", attention


def last_stop_or_start(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        anchor = 0
        for j in range(i - 1, -1, -1):
            if tokens[j].strip("\u2581\u0120") in (".", "!", "?", "\n"):
                anchor = j
                break
        attention[i, anchor] += 0.5
        attention[i, 0] += 0.3
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "last_stop_or_start", attention


def induction_copy(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.7
        found = []
        for j in range(1, i):
            if tokens[j - 1] == tokens[i]:
                found.append(j)
        if found:
            share = 0.25 / len(found)
            for j in found:
                attention[i, j] += share
            attention[i, found[-1]] += 0.05
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "induction_copy", attention


def same_word_weighting(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    clean = [t.replace("\u0120", "").replace("\u2581", "").lower() for t in tokens]
    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] = 0.2
        for j in range(1, i):
            if clean[j] == clean[i] and len(clean[i]) > 2:
                attention[i, j] += 0.2 / (1 + 0.05 * (i - j))
            elif clean[j][:3] == clean[i][:3] and len(clean[i]) >= 3:
                attention[i, j] += 0.05
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "same_word_weighting", attention


def quotes_attend_to_quotes(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    quotes = [j for j in range(n) if '"' in tokens[j] or "\u201c" in tokens[j]]
    for i in range(n):
        attention[i, 0] = 0.6
        attention[i, i] = 0.1
        before = [q for q in quotes if q < i]
        if len(before) % 2 == 1:
            attention[i, before[-1]] += 0.3
        elif i in quotes and before:
            attention[i, before[-1]] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "quotes_attend_to_quotes", attention


def entity_mentions(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    for i in range(n):
        attention[i, 0] = 0.55
        attention[i, i] = 0.1
        if alignment[i] and doc[alignment[i][0]].ent_type_ != "":
            for j in range(1, i):
                if alignment[j] and doc[alignment[j][0]].ent_type_ == doc[alignment[i][0]].ent_type_:
                    attention[i, j] += 0.15
        else:
            for j in range(max(1, i - 3), i):
                attention[i, j] += 0.05
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "entity_mentions", attention


def similar_tokens(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] = 0.15
        scores = []
        for j in range(1, i):
            s = embedding_similarity(tokens, i, j)
            if s > 0.4:
                scores.append((j, s))
        total = sum(s for _, s in scores)
        if total > 0:
            for j, s in scores:
                attention[i, j] += 0.3 * s / total
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "similar_tokens", attention
