"""Programs written for this project in the manner of the published ones: tables of word classes, before their kinds were lifted."""

from collections import Counter, defaultdict
from itertools import combinations, product

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

POS_WEIGHTS = {"NOUN": 0.3, "PROPN": 0.35, "VERB": 0.25, "ADJ": 0.15, "ADV": 0.1, "PUNCT": 0.2}
DEP_BOOST = {("nsubj", "ROOT"): 0.4, ("dobj", "ROOT"): 0.3, ("amod", "nsubj"): 0.2, ("det", "dobj"): 0.2, ("pobj", "prep"): 0.35}


def pair_table_L2H7(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """A table of dependency pairs, and one of part-of-speech weights."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    def word_of(k):
        return doc[alignment[k][0]] if alignment[k] else None

    attention = np.zeros((n, n))
    for i, j in product(range(n), range(n)):
        if j > i:
            continue
        wi, wj = word_of(i), word_of(j)
        weight = 0.02
        if wi is not None and wj is not None:
            weight += DEP_BOOST.get((wi.dep_, wj.dep_), 0.0)
            weight += 0.5 * POS_WEIGHTS.get(wj.pos_, 0.0)
            if wi.lemma_ == wj.lemma_ and i != j:
                weight += 0.25
        attention[i, j] = weight / (1 + 0.2 * (i - j))
    attention[:, 0] += 0.4
    return "pair_table", make_row_stochastic(apply_causal_mask(attention))


def class_buckets_L4H4(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Positions kept in buckets by class; each class of query looks at some buckets."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    buckets = {"verb": [], "noun": [], "other": []}
    kind = []
    for i in range(n):
        pos = doc[alignment[i][0]].pos_ if alignment[i] else "X"
        name = "verb" if pos in ("VERB", "AUX") else "noun" if pos in ("NOUN", "PROPN", "PRON") else "other"
        buckets[name].append(i)
        kind.append(name)

    wants = {"verb": ["noun"], "noun": ["verb", "noun"], "other": ["noun", "verb"]}
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] += 0.4
        attention[i, i] += 0.1
        for name in wants[kind[i]]:
            earlier = [j for j in buckets[name] if j < i]
            for j in earlier[-2:]:
                attention[i, j] += 0.25
    attention = apply_causal_mask(attention)
    return "class_buckets", make_row_stochastic(attention)


def sentences_of_the_parse_L7H1(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """spaCy's own sentences: the root of the sentence and its punctuation."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    sent_of_word = {}
    roots = []
    for s_idx, sent in enumerate(doc.sents):
        roots.append(sent.root.i)
        for w in sent:
            sent_of_word[w.i] = s_idx
    sent_of_token = [sent_of_word[a[0]] if a else -1 for a in alignment]

    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            if sent_of_token[i] == sent_of_token[j] and sent_of_token[i] != -1:
                attention[i, j] += 0.1
                if roots[sent_of_token[i]] in alignment[j]:
                    attention[i, j] += 0.4
            elif tokens[j].strip("Ġ▁") in {".", "!", "?"}:
                attention[i, j] += 0.05
        attention[i, 0] += 0.2
    return "sentences_of_the_parse", make_row_stochastic(apply_causal_mask(attention))


def match_on_class_L10H10(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """One case per part of speech of the query."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    tags = [doc[a[0]].pos_ if a else "NONE" for a in alignment]
    attention = np.zeros((n, n))
    for i, tag in enumerate(tags):
        attention[i, 0] = 0.5
        if tag in ("VERB", "AUX"):
            for j in range(i):
                if tags[j] in ("NOUN", "PRON", "PROPN"):
                    attention[i, j] += 0.2 / (i - j)
        elif tag in ("NOUN", "PROPN"):
            if (prev := next((j for j in range(i - 1, -1, -1) if tags[j] in ("DET", "ADJ")), None)) is not None:
                attention[i, prev] += 0.4
        elif tag == "PUNCT":
            attention[i, max(0, i - 4) : i] += 0.1
        else:
            attention[i, i] += 0.3
    attention = apply_causal_mask(attention)
    return "match_on_class", make_row_stochastic(attention)


def bidirectional_modifiers_L1H9(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Modifiers and heads look at each other, both ways; [SEP] gets the rest."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    links = set()
    for i, j in combinations(range(n), 2):
        if not alignment[i] or not alignment[j]:
            continue
        a, b = doc[alignment[i][0]], doc[alignment[j][0]]
        if a.head == b and a.dep_ in {"amod", "compound", "det", "poss"}:
            links.add((i, j))
        if b.head == a and b.dep_ in {"amod", "compound", "det", "poss"}:
            links.add((j, i))

    sep = next((k for k, t in enumerate(tokens) if t == "[SEP]"), n - 1)
    attention = np.zeros((n, n))
    for i, j in links:
        attention[i, j] = 0.6
        attention[j, i] = 0.4
    for i in range(n):
        rest = 1.0 - attention[i].sum()
        if rest > 0:
            attention[i, sep] += 0.7 * rest
            attention[i, i] += 0.3 * rest
    return "bidirectional_modifiers", make_row_stochastic(attention)
