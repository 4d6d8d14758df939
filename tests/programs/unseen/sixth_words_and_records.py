"""Programs written for this project in the manner of the published ones: words of spaCy, before their kinds were lifted."""

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

def subject_to_verb_agreement_L3H2(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Verbs look at their subject's tokens, objects at their verb's."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    word_to_tokens = defaultdict(list)
    for t_idx, words in enumerate(alignment):
        for w in words:
            word_to_tokens[w].append(t_idx)

    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.4
        attention[i, i] += 0.1
        if not alignment[i]:
            continue
        word = doc[alignment[i][0]]
        if word.pos_ in ("VERB", "AUX"):
            subjects = [c for c in word.children if c.dep_ in ("nsubj", "nsubjpass")]
            for s in subjects:
                for j in word_to_tokens[s.i]:
                    attention[i, j] += 0.5 / max(1, len(word_to_tokens[s.i]))
        elif word.dep_ in ("dobj", "pobj", "attr"):
            for j in word_to_tokens.get(word.head.i, []):
                attention[i, j] += 0.4
        for j in range(max(0, i - 3), i):
            attention[i, j] += 0.05
    attention = apply_causal_mask(attention)
    return "subject_to_verb_agreement", make_row_stochastic(attention)


def entity_memory_L5H5(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Pronouns look at the latest entity of a fitting kind."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    last_person: Optional[int] = None
    last_thing: Optional[int] = None
    for i in range(n):
        attention[i, 0] += 0.35
        text = tokens[i].strip("Ġ▁#").lower()
        if text in {"he", "she", "his", "her", "him", "hers"} and last_person is not None:
            attention[i, last_person] += 0.45
        elif text in {"it", "its", "this", "that"} and last_thing is not None:
            attention[i, last_thing] += 0.35
        elif i > 0:
            attention[i, i - 1] += 0.2
        w = doc[alignment[i][0]] if alignment[i] and alignment[i][0] < len(doc) else None
        if w is not None and w.ent_type_ == "PERSON":
            last_person = i
        elif w is not None and w.pos_ in {"NOUN", "PROPN"}:
            last_thing = i
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "entity_memory", attention


def records_of_words_L6H10(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """A record per token, then rules over records."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    infos = []
    for i in range(n):
        if alignment[i]:
            w = doc[alignment[i][0]]
            infos.append({"pos": w.pos_, "head": w.head.i, "content": w.pos_ in ("NOUN", "VERB", "ADJ", "PROPN")})
        else:
            infos.append({"pos": "X", "head": -1, "content": False})

    attention = np.zeros((n, n))
    for i, a in enumerate(infos):
        for j, b in enumerate(infos[: i + 1]):
            score = 0.02
            if b["content"]:
                score += 0.08
            if a["pos"] == "ADP" and b["pos"] == "VERB":
                score += 0.12
            if a["head"] >= 0 and alignment[j] and a["head"] == alignment[j][0]:
                score += 0.3
            if i == j:
                score += 0.05
            attention[i, j] = score * 0.95 ** (i - j)
        attention[i, 0] += 0.5
    return "records_of_words", make_row_stochastic(apply_causal_mask(attention))


def path_in_the_tree_L8H8(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Ancestors in the parse, weaker with every step up."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    first_token = {}
    for idx, words in enumerate(alignment):
        for w in words:
            first_token.setdefault(w, idx)

    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] += 0.3
        attention[i, i] += 0.1
        if not alignment[i]:
            attention[i, max(0, i - 1)] += 0.3
            continue
        node = doc[alignment[i][0]]
        strength = 0.4
        steps = 0
        while node.head.i != node.i and steps < 4:
            node = node.head
            target = first_token.get(node.i)
            if target is not None and target <= i:
                attention[i, target] += strength
            strength *= 0.5
            steps += 1
    attention = apply_causal_mask(attention)
    return "path_in_the_tree", make_row_stochastic(attention)


def noun_chunks_L9H1(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Inside a noun chunk tokens look at its root, outside at the latest root."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    chunk_root = {}
    for chunk in doc.noun_chunks:
        for w in chunk:
            chunk_root[w.i] = chunk.root.i

    attention = np.zeros((n, n))
    for i in range(n):
        words = alignment[i]
        root = chunk_root.get(words[0]) if words else None
        attention[i, 0] += 0.3
        for j in range(i + 1):
            if root is not None and root in alignment[j]:
                attention[i, j] += 0.4
            elif alignment[j] and alignment[j][0] in chunk_root:
                attention[i, j] += 0.04
        if i:
            attention[i, i - 1] += 0.1
    return "noun_chunks", make_row_stochastic(apply_causal_mask(attention))
