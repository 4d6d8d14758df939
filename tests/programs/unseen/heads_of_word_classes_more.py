"""More heads, written after the front end was frozen for the second measurement: parts of speech and syntax."""

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
    a, b = a.lower(), b.lower()
    common = len(set(a) & set(b))
    return common / max(len(set(a)), len(set(b)), 1)


def conjunction_links(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] = 0.1
        if tokens[i].strip("\u2581\u0120").lower() in ["and", "or", "but"]:
            for j in range(max(0, i - 6), i):
                if alignment[j] and doc[alignment[j][0]].pos_ in ["NOUN", "VERB", "ADJ"]:
                    attention[i, j] += 0.3 / (i - j)
        elif alignment[i] and doc[alignment[i][0]].dep_ == "conj":
            head = doc[alignment[i][0]].head
            targets = [j for j in range(i) if head.i in alignment[j]]
            for t in targets:
                attention[i, t] += 0.4 / len(targets)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "conjunction_links", attention


def helper_pos_function(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    def pos_of(idx):
        if idx < 0 or idx >= n:
            return None
        if not alignment[idx]:
            return None
        return doc[alignment[idx][0]].pos_

    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] = 0.15
        if pos_of(i) == "ADP" and pos_of(i - 1) == "VERB":
            attention[i, i - 1] += 0.35
        elif pos_of(i) == "PUNCT":
            for j in range(i):
                if pos_of(j) == "VERB":
                    attention[i, j] += 0.1
        else:
            for j in range(max(0, i - 3), i):
                if pos_of(j) in ("NOUN", "PROPN", "PRON"):
                    attention[i, j] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "helper_pos_function", attention


def spacy_or_similar(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            w = 0.01
            if j == 0:
                w = 0.5
            elif i == j:
                w = 0.1
            else:
                if alignment[i] and alignment[j]:
                    a, b = doc[alignment[i][0]], doc[alignment[j][0]]
                    if a.head == b or b.head == a:
                        w += 0.2
                    if a.pos_ == b.pos_:
                        w += 0.05
                w += 0.1 * _char_sim(tokens[i], tokens[j])
            attention[i, j] = w
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "spacy_or_similar", attention


def time_and_number_words(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.8
        for j in range(1, i):
            if any(doc[s].like_num or doc[s].ent_type_ in ("DATE", "TIME", "CARDINAL") for s in alignment[j]):
                attention[i, j] += 0.1
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "time_and_number_words", attention


def verbs_then_objects(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    verb_idx = [i for i in range(n) if any(doc[s].pos_ == "VERB" for s in alignment[i])]
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] += 0.5
        if verb_idx:
            nearest = min(verb_idx, key=lambda v: abs(v - i))
            if nearest <= i:
                attention[i, nearest] += 0.3
            past = [v for v in verb_idx if v < i]
            if past:
                attention[i, max(past)] += 0.1
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "verbs_then_objects", attention


def distance_by_words(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    word_of = [a[0] if a else -1 for a in alignment]
    for i in range(n):
        for j in range(i + 1):
            if word_of[i] == -1 or word_of[j] == -1:
                attention[i, j] = 0.02
            else:
                d = abs(word_of[i] - word_of[j])
                attention[i, j] = 0.4 if d == 0 else 0.3 if d == 1 else 0.1 / d
        attention[i, 0] += 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "distance_by_words", attention


def spacy_dictionary(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    word_to_tokens = {}
    for t_idx, words in enumerate(alignment):
        for w in words:
            if w not in word_to_tokens:
                word_to_tokens[w] = []
            word_to_tokens[w].append(t_idx)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] = 0.1
        if alignment[i]:
            head = doc[alignment[i][0]].head
            for j in word_to_tokens.get(head.i, []):
                if j < i:
                    attention[i, j] += 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "spacy_dictionary", attention


def noun_phrase_heads(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    chunk_roots = [chunk.root.i for chunk in doc.noun_chunks]
    for i in range(n):
        attention[i, 0] = 0.6
        for j in range(i):
            if any(w in chunk_roots for w in alignment[j]):
                attention[i, j] += 0.1
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "noun_phrase_heads", attention


def aux_and_negation(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        deps = {doc[s].dep_ for s in alignment[i]}
        attention[i, 0] = 0.5
        attention[i, i] = 0.2
        if "neg" in deps or "aux" in deps:
            if i > 0:
                attention[i, i - 1] += 0.3
        elif "ROOT" in deps:
            for j in range(max(0, i - 4), i):
                attention[i, j] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "aux_and_negation", attention


def titles(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.6
        attention[i, i] = 0.1
        for j in range(i):
            spans = alignment[j]
            if not spans:
                continue
            word = doc[spans[0]]
            if word.is_title and word.pos_ == "PROPN" and not word.is_stop:
                attention[i, j] += 0.2
            elif word.is_punct:
                attention[i, j] += 0.03
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "titles", attention
