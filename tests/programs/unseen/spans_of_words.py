"""Spans of spaCy: chunks, entities, sentences, and what words share."""

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


def same_noun_chunk(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    chunk_of = {}
    for c, chunk in enumerate(doc.noun_chunks):
        for w in chunk:
            chunk_of[w.i] = c
    attention = np.zeros((n, n))
    for i in range(n):
        ci = chunk_of.get(alignment[i][0], -1) if alignment[i] else -1
        for j in range(i + 1):
            cj = chunk_of.get(alignment[j][0], -1) if alignment[j] else -1
            if ci >= 0 and ci == cj:
                attention[i, j] += 0.3
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "same_noun_chunk", attention


def sentence_of_spacy(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    sent_id = [-1] * len(doc)
    for s, sent in enumerate(doc.sents):
        for k in range(sent.start, sent.end):
            sent_id[k] = s
    tok_sent = [sent_id[a[0]] if a else -1 for a in alignment]
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            if tok_sent[i] == tok_sent[j]:
                attention[i, j] = 0.2
            else:
                attention[i, j] = 0.02
        attention[i, 0] += 0.3
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "sentence_of_spacy", attention


def entities_as_spans(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    people = set()
    for ent in doc.ents:
        if ent.label_ in ("PERSON", "ORG"):
            people.update(range(ent.start, ent.end))
    is_person = [any(w in people for w in a) for a in alignment]
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            if is_person[j]:
                attention[i, j] += 0.2
        attention[i, 0] += 0.6
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "entities_as_spans", attention


def conjunctions(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] = 0.1
        for si in alignment[i]:
            for c in doc[si].conjuncts:
                for j in range(i):
                    if c.i in alignment[j]:
                        attention[i, j] += 0.4
            if doc[si].dep_ == "cc":
                h = doc[si].head.i
                targets = [j for j in range(n) if h in alignment[j]]
                if targets and targets[0] < i:
                    attention[i, targets[0]] += 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "conjunctions", attention


def sentence_starts(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    starts = []
    for i, a in enumerate(alignment):
        if a and doc[a[0]].is_sent_start and (i == 0 or not alignment[i - 1] or alignment[i - 1][0] != a[0]):
            starts.append(i)
    attention = np.zeros((n, n))
    for i in range(n):
        mine = 0
        for s in starts:
            if s <= i:
                mine = s
        attention[i, mine] += 0.5
        attention[i, 0] += 0.3
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "sentence_starts", attention


def morph_number(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        if alignment[i]:
            m = doc[alignment[i][0]].morph.get("Number")
            for j in range(i):
                if alignment[j] and doc[alignment[j][0]].morph.get("Number") == m and m:
                    attention[i, j] += 0.1
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "morph_number", attention


def first_mentions_of_nouns(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    first = {}
    for i in range(n):
        if alignment[i]:
            w = doc[alignment[i][0]]
            if w.pos_ in ("NOUN", "PROPN"):
                first.setdefault(w.lemma_, i)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] = 0.1
        if alignment[i]:
            k = first.get(doc[alignment[i][0]].lemma_)
            if k is not None and k < i:
                attention[i, k] += 0.5
        for k in first.values():
            if k < i:
                attention[i, k] += 0.03
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "first_mentions_of_nouns", attention
