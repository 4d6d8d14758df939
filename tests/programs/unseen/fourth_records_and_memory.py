import numpy as np
from collections import defaultdict
from typing import Tuple
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


# Layer 8, Head 6
def children_lists_L8H6(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    children = [[] for _ in range(n)]
    parent = [-1] * n
    for i in range(n):
        if not alignment[i]:
            continue
        head = doc[alignment[i][0]].head.i
        for j in range(n):
            if head in alignment[j] and j != i:
                parent[i] = j
                children[j].append(i)
                break
    for i in range(n):
        attention[i, i] += 0.2
        if parent[i] >= 0:
            attention[i, parent[i]] += 0.4
            for sibling in children[parent[i]]:
                if sibling < i:
                    attention[i, sibling] += 0.1
        for kid in children[i]:
            attention[i, kid] += 0.3 / len(children[i])
        attention[i, 0] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "children_lists", attention


# Layer 8, Head 9
def noun_chunk_links_L8H9(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    chunk_of = {}
    heads = []
    for number, chunk in enumerate(doc.noun_chunks):
        heads.append(chunk.root.i)
        for word in chunk:
            chunk_of[word.i] = number
    for i in range(n):
        mine = {chunk_of[s] for s in alignment[i] if s in chunk_of}
        attention[i, 0] += 0.4
        for j in range(i):
            other = {chunk_of[s] for s in alignment[j] if s in chunk_of}
            if mine & other:
                attention[i, j] += 0.3
            elif any(s in heads for s in alignment[j]):
                attention[i, j] += 0.05
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "noun_chunk_links", attention


# Layer 9, Head 2
def seen_words_with_counts_L9H2(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    history = defaultdict(list)
    for i, tok in enumerate(tokens):
        key = tok.lower().strip("\u0120\u2581 ")
        places = history[key]
        attention[i, 0] += 0.5 if not places else 0.2
        for rank, p in enumerate(reversed(places)):
            attention[i, p] += 0.4 * 0.5 ** rank
            if p + 1 < i:
                attention[i, p + 1] += 0.2 * 0.5 ** rank
        history[key].append(i)
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "seen_words_with_counts", attention


# Layer 9, Head 7
def recent_content_window_L9H7(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    window = []
    for i in range(n):
        weight = 0.6
        for p in reversed(window):
            attention[i, p] += weight
            weight *= 0.5
        attention[i, 0] += 0.3
        attention[i, i] += 0.1
        if tokens[i].strip("\u0120\u2581").isalpha() and len(tokens[i]) > 3:
            window.append(i)
            if len(window) > 4:
                window.pop(0)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "recent_content_window", attention


# Layer 10, Head 1
def pos_records_L10H1(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    records = []
    for i in range(n):
        words = [doc[s] for s in alignment[i]]
        if words:
            w = words[0]
            records.append({"pos": w.pos_, "lemma": w.lemma_.lower(), "stop": w.is_stop, "num": w.like_num})
        else:
            records.append(None)
    for i, rec in enumerate(records):
        attention[i, 0] += 0.3
        if rec is None:
            attention[i, i] += 0.5
            continue
        for j in range(i):
            other = records[j]
            if other is None or other["stop"]:
                continue
            if rec["lemma"] == other["lemma"]:
                attention[i, j] += 0.4
            elif rec["pos"] == other["pos"] and not rec["num"]:
                attention[i, j] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "pos_records", attention


# Layer 11, Head 3
def tree_depth_similarity_L11H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    depth = {}
    for word in doc:
        depth[word.i] = len(list(word.ancestors))
    levels = [depth[a[0]] if a else -1 for a in alignment]
    deepest = max(levels) if levels else 0
    for i in range(n):
        attention[i, 0] += 0.2
        for j in range(i + 1):
            if levels[i] < 0 or levels[j] < 0:
                continue
            diff = abs(levels[i] - levels[j])
            attention[i, j] += 0.3 / (1 + diff)
        if deepest > 0 and levels[i] == deepest:
            attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "tree_depth_similarity", attention


# Layer 11, Head 8
def phase_of_the_sentence_L11H8(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    phase = "subject"
    phases = []
    for i in range(n):
        pos = doc[alignment[i][0]].pos_ if alignment[i] else ""
        if pos == "PUNCT":
            phase = "subject"
        elif pos in ("VERB", "AUX") and phase == "subject":
            phase = "verb"
        elif pos in ("NOUN", "PROPN") and phase == "verb":
            phase = "object"
        phases.append(phase)
    for i in range(n):
        attention[i, 0] += 0.3
        for j in range(i):
            if phases[j] == phases[i]:
                attention[i, j] += 0.2 * 0.9 ** (i - j)
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "phase_of_the_sentence", attention
