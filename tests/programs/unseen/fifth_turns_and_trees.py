"""Programs written for this project in the manner of the published ones, before their kinds of turn were lifted."""

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


# Layer 5, Head 11
def ngram_context_similarity_L5H11(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Scores earlier positions by how many of the two preceding tokens agree, softmax over the scores."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    low = [t.lower() for t in tokens]

    for i in range(n):
        scores = np.zeros(i + 1)
        for j in range(i + 1):
            overlap = 0
            for k in range(1, 3):
                if j - k >= 0 and i - k >= 0 and j != i:
                    if low[j - k] == low[i - k]:
                        overlap += 1
            scores[j] = 2.0 * overlap - 0.1 * (i - j)
        scores[0] += 1.0
        exp_scores = np.exp(scores - np.max(scores))
        attention[i, :i + 1] = exp_scores / np.sum(exp_scores)

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "ngram_context_similarity", attention


# Layer 6, Head 1
def dependency_distance_L6H1(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Attention falls with the distance in the dependency tree, approximated by the depth difference."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    def tree_depth(word):
        d = 0
        while word.head.i != word.i and d < 20:
            word = word.head
            d += 1
        return d

    depths = []
    for i in range(n):
        if alignment[i]:
            depths.append(tree_depth(doc[alignment[i][0]]))
        else:
            depths.append(0)

    for i in range(n):
        for j in range(i + 1):
            diff = abs(depths[i] - depths[j])
            attention[i, j] = 1.0 / (1.0 + diff) * 0.9 ** (i - j)
            if alignment[i] and alignment[j]:
                wi, wj = doc[alignment[i][0]], doc[alignment[j][0]]
                if wi.head == wj or wj.head == wi:
                    attention[i, j] += 0.8
        attention[i, 0] += 0.5

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "dependency_distance", attention


# Layer 7, Head 4
def strided_and_landmark_mix_L7H4(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Every fourth token back, plus landmark tokens (capitalised or punctuation), normalised per part."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    landmarks = [i for i, t in enumerate(tokens) if t.strip("Ġ")[:1].isupper() or t in {".", ",", "!", "?"}]
    landmark_set = set(landmarks)

    for i in range(n):
        strided = np.zeros(n)
        j = i
        step = 0
        while j >= 0 and step < 6:
            strided[j] = 1.0 / (step + 1)
            j -= 4
            step += 1
        if strided.sum() > 0:
            strided /= strided.sum()

        marks = np.zeros(n)
        for l in landmarks:
            if l < i:
                marks[l] = 1.0 if l in landmark_set and i - l < 10 else 0.3
        if marks.sum() > 0:
            marks = marks / marks.sum()

        attention[i] = 0.5 * strided + 0.4 * marks
        attention[i, 0] += 0.1

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "strided_and_landmark_mix", attention


# Layer 8, Head 0
def name_salience_tracking_L8H0(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Names gain salience when mentioned and lose it over time; pronouns attend by salience."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    pronouns = {"he", "she", "they", "it", "him", "her", "them"}

    def is_name(t):
        w = t.replace("Ġ", "")
        return len(w) > 1 and w[0].isupper() and w[1:].islower()

    salience = np.zeros(n)
    for i, tok in enumerate(tokens):
        salience *= 0.9
        if is_name(tok):
            salience[i] = 1.0
            for j in range(i):
                if tokens[j] == tok:
                    salience[j] += 0.5
        word = tok.replace("Ġ", "").lower()
        if word in pronouns and salience[:i].sum() > 0:
            attention[i, :i] += 0.7 * salience[:i] / salience[:i].sum()
        attention[i, 0] += 0.3
        attention[i, i] += 0.1

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "name_salience_tracking", attention


# Layer 9, Head 9
def alternating_speaker_turns_L9H9(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Text inside quotes attends to the previous quoted turn; outside to the last narrator sentence."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    turn = 0
    inside = False
    turn_of = np.zeros(n, dtype=int)
    for i in range(n):
        if '"' in tokens[i]:
            inside = not inside
            if inside:
                turn += 1
        turn_of[i] = turn if inside else -turn

    for i in range(n):
        t = turn_of[i]
        attention[i, i] = 0.1
        attention[i, 0] = 0.3
        if t > 1:
            previous = [j for j in range(i) if turn_of[j] == t - 1]
            if previous:
                attention[i, previous[0]] += 0.3
                attention[i, previous[-1]] += 0.2
        current = [j for j in range(i) if turn_of[j] == t]
        for j in current[-4:]:
            attention[i, j] += 0.1

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "alternating_speaker_turns", attention


# Layer 10, Head 7
def root_verb_and_object_L10H7(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Tokens attend to the root verb of their sentence, and to its direct object once it has been seen."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    root_of_sent = {}
    object_of_sent = {}
    for s_num, sent in enumerate(doc.sents):
        root_of_sent[s_num] = sent.root.i
        for w in sent:
            if w.dep_ in ("dobj", "obj") and s_num not in object_of_sent:
                object_of_sent[s_num] = w.i
    sent_of_word = {}
    for s_num, sent in enumerate(doc.sents):
        for w in sent:
            sent_of_word[w.i] = s_num

    for i in range(n):
        attention[i, 0] = 0.4
        attention[i, i] = 0.1
        if not alignment[i]:
            continue
        s = sent_of_word.get(alignment[i][0])
        if s is None:
            continue
        root = root_of_sent.get(s)
        obj = object_of_sent.get(s)
        for j in range(i):
            if root in alignment[j]:
                attention[i, j] += 0.3
            if obj is not None and obj in alignment[j]:
                attention[i, j] += 0.2

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "root_verb_and_object", attention


# Layer 11, Head 4
def capped_history_of_nouns_L11H4(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Keeps the last four nouns in memory; conjunctions and punctuation consult all of them, other tokens the latest."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    memory = []
    for i in range(n):
        pos = doc[alignment[i][0]].pos_ if alignment[i] else "NONE"
        attention[i, 0] += 0.35
        attention[i, i] += 0.05
        if memory:
            if pos in ("PUNCT", "CCONJ", "SCONJ"):
                weights = np.linspace(0.5, 1.0, len(memory))
                weights = weights / weights.sum()
                for j, w in zip(memory, weights):
                    attention[i, j] += 0.5 * w
            else:
                attention[i, memory[-1]] += 0.3
        if pos in ("NOUN", "PROPN"):
            memory.append(i)
            if len(memory) > 4:
                memory.pop(0)

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "capped_history_of_nouns", attention
