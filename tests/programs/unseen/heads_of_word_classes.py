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


def verb_to_subject(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] = 0.1
        idxs = alignment[i]
        if not idxs:
            continue
        tok = doc[idxs[0]]
        if tok.pos_ in ("VERB", "AUX"):
            subjects = [c.i for c in tok.children if c.dep_ in ("nsubj", "nsubjpass")]
            for j in range(i):
                if alignment[j] and alignment[j][0] in subjects:
                    attention[i, j] += 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "verb_to_subject", attention


def pronoun_antecedents(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    noun_positions = [j for j in range(n) if alignment[j] and doc[alignment[j][0]].pos_ in ["NOUN", "PROPN"]]
    for i in range(n):
        attention[i, 0] = 0.6
        attention[i, i] = 0.1
        if alignment[i] and doc[alignment[i][0]].pos_ == "PRON":
            prev_nouns = [p for p in noun_positions if p < i]
            for rank, p in enumerate(reversed(prev_nouns[-3:])):
                attention[i, p] += 0.3 / (rank + 1)
        elif i > 0:
            attention[i, i - 1] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "pronoun_antecedents", attention


def modifiers_to_heads(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, i] = 0.2
        attention[i, 0] = 0.4
        for s in alignment[i]:
            if s < len(doc):
                head = doc[s].head
                for j in range(i):
                    if head.i in alignment[j]:
                        attention[i, j] += 0.4
                        break
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "modifiers_to_heads", attention


def pos_pairs(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    pos = []
    for i in range(n):
        if alignment[i]:
            pos.append(doc[alignment[i][0]].pos_)
        else:
            pos.append("X")
    pairs = {("NOUN", "ADJ"): 0.4, ("VERB", "NOUN"): 0.3, ("ADP", "VERB"): 0.3, ("NOUN", "DET"): 0.2}
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            if (pos[i], pos[j]) in pairs and i - j <= 5:
                attention[i, j] = pairs[(pos[i], pos[j])]
            else:
                attention[i, j] = 0.01
        attention[i, 0] += 0.5
        attention[i, i] = 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "pos_pairs", attention


def content_after_function(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    content_pos = {"NOUN", "VERB", "ADJ", "ADV", "PROPN"}
    is_content = []
    for a in alignment:
        is_content.append(bool(a) and doc[a[0]].pos_ in content_pos)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        count = sum(is_content[:i])
        for j in range(i):
            if is_content[j]:
                attention[i, j] += 0.4 / count
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "content_after_function", attention


def entities_first(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    entity_tokens = set()
    for i in range(n):
        for s in alignment[i]:
            if doc[s].ent_type_ in ("PERSON", "GPE", "ORG"):
                entity_tokens.add(i)
    for i in range(n):
        attention[i, 0] = 0.7
        for e in entity_tokens:
            if e < i:
                attention[i, e] += 0.2 / len(entity_tokens)
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "entities_first", attention


def main_verb_of_sentence(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.4
        attention[i, i] = 0.2
        if alignment[i]:
            sent = doc[alignment[i][0]].sent
            root = sent.root
            for j in range(i):
                if root.i in alignment[j]:
                    attention[i, j] = 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "main_verb_of_sentence", attention


def within_sentence_nouns(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        if not alignment[i]:
            attention[i, i] = 0.5
            continue
        si = doc[alignment[i][0]]
        for j in range(i):
            if not alignment[j]:
                continue
            sj = doc[alignment[j][0]]
            if sj.sent == si.sent and sj.pos_ == "NOUN":
                attention[i, j] += 0.3 / (i - j)
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "within_sentence_nouns", attention


def determiner_next(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    prev_det = -1
    for i in range(n):
        attention[i, 0] = 0.6
        attention[i, i] += 0.1
        p = doc[alignment[i][0]].pos_ if alignment[i] else ""
        if p in ("NOUN", "ADJ") and prev_det >= 0 and i - prev_det < 4:
            attention[i, prev_det] += 0.3
        if p == "DET":
            prev_det = i
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "determiner_next", attention


def lemma_repeat(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.7
        if alignment[i]:
            lemma = doc[alignment[i][0]].lemma_
            for j in range(i - 1, 0, -1):
                if alignment[j] and doc[alignment[j][0]].lemma_ == lemma and lemma.isalpha():
                    attention[i, j] = 0.4
                    break
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "lemma_repeat", attention
