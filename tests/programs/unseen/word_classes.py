"""Parts of speech, tags, lemmas, entities and stop words through the file's own aligner."""

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


CONTENT = {"NOUN", "VERB", "ADJ", "PROPN"}
FUNCTION = ("DET", "ADP", "CCONJ", "SCONJ", "PART", "AUX")
POS_WEIGHT = {"NOUN": 0.3, "PROPN": 0.35, "VERB": 0.25, "PRON": 0.1}


def content_words(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.5
        for j in range(i):
            idx = alignment[j]
            if idx and doc[idx[0]].pos_ in CONTENT:
                attention[i, j] += 0.3 / (1 + 0.1 * (i - j))
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "content_words", attention


def weights_by_pos(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    pos_tags = [doc[a[0]].pos_ if a else "X" for a in alignment]
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            w = POS_WEIGHT.get(pos_tags[j], 0.02)
            if pos_tags[i] == pos_tags[j]:
                w *= 1.5
            attention[i, j] = w
        attention[i, 0] += 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "weights_by_pos", attention


def pronoun_to_name(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, i] = 0.2
        attention[i, 0] = 0.4
        if not alignment[i]:
            continue
        w = doc[alignment[i][0]]
        if w.pos_ == "PRON":
            candidates = []
            for j in range(i - 1, -1, -1):
                if alignment[j] and doc[alignment[j][0]].pos_ in ("PROPN", "NOUN"):
                    candidates.append(j)
                if len(candidates) == 2:
                    break
            for r, j in enumerate(candidates):
                attention[i, j] += 0.4 / (r + 1)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "pronoun_to_name", attention


def entity_links(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    ents = [doc[a[0]].ent_type_ if a else "" for a in alignment]
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            if ents[j] and ents[j] == ents[i]:
                attention[i, j] += 0.3
            elif ents[j] == "PERSON":
                attention[i, j] += 0.15
        attention[i, 0] += 0.5
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "entity_links", attention


def lemma_matches(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    lemmas = []
    for a in alignment:
        lemmas.append(doc[a[0]].lemma_.lower() if len(a) > 0 else None)
    for i in range(n):
        for j in range(i):
            if lemmas[i] is not None and lemmas[i] == lemmas[j] and not doc[alignment[i][0]].is_stop:
                attention[i, j] += 0.5
        if attention[i].sum() < 1e-6:
            attention[i, 0] = 1.0
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "lemma_matches", attention


def stop_word_sink(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i, words in enumerate(alignment):
        stop = all(doc[w].is_stop or doc[w].is_punct for w in words)
        attention[i, 0] = 0.9 if stop else 0.5
        for j in range(i):
            if any(not doc[w].is_stop and doc[w].is_alpha for w in alignment[j]):
                attention[i, j] += 0.05 if stop else 0.2
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "stop_word_sink", attention


def last_verb(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    last_verb = None
    for i in range(n):
        if last_verb is not None:
            attention[i, last_verb] += 0.4
        else:
            attention[i, 0] += 0.4
        attention[i, 0] += 0.3
        attention[i, i] += 0.2
        if alignment[i]:
            if doc[alignment[i][0]].pos_ == "VERB":
                last_verb = i
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "last_verb", attention


def fine_tags(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        tag_i = doc[alignment[i][0]].tag_ if alignment[i] else ""
        for j in range(max(0, i - 6), i + 1):
            tag_j = doc[alignment[j][0]].tag_ if alignment[j] else ""
            if tag_i.startswith("NN") and tag_j.startswith("JJ"):
                attention[i, j] += 0.4
            elif tag_i.startswith("VB") and tag_j in ("NN", "NNS", "NNP", "PRP"):
                attention[i, j] += 0.3
            elif tag_i == tag_j != "":
                attention[i, j] += 0.1
        attention[i, 0] += 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "fine_tags", attention


def numbers_and_shapes(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            score = 0.01
            for w in alignment[j]:
                word = doc[w]
                if word.like_num or word.is_digit:
                    score += 0.3
                if word.is_title and not word.is_sent_start:
                    score += 0.2
                if word.is_punct:
                    score += 0.05
            attention[i, j] = score
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "numbers_and_shapes", attention


def verbs_by_position(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    verbs = [i for i in range(n) if alignment[i] and doc[alignment[i][0]].pos_ in ["VERB", "AUX"]]
    attention = np.zeros((n, n))
    for i in range(n):
        earlier = [v for v in verbs if v < i]
        if earlier:
            nearest = max(earlier)
            attention[i, nearest] += 0.35
            attention[i, earlier[0]] += 0.1
        later = [v for v in verbs if v > i]
        if later:
            attention[i, later[0]] += 0.2
        attention[i, 0] += 0.4
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "verbs_by_position", attention


def closest_noun(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    nouns = []
    for i in range(n):
        for s in alignment[i]:
            if s < len(doc) and doc[s].pos_ in ("NOUN", "PROPN"):
                nouns.append(i)
                break
    attention = np.zeros((n, n))
    for i in range(n):
        if nouns:
            c = min(nouns, key=lambda p: abs(p - i))
            if c <= i:
                attention[i, c] += 0.4
        attention[i, 0] += 0.5
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "closest_noun", attention


def det_adj_noun(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    def pos_at(k):
        if k < 0 or k >= n or not alignment[k]:
            return ""
        return doc[alignment[k][0]].pos_

    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.4
        if pos_at(i) == "NOUN":
            k = i - 1
            while k >= 0 and pos_at(k) in ("ADJ", "DET", "NOUN"):
                attention[i, k] += 0.2
                k -= 1
        elif pos_at(i) == "ADJ" and pos_at(i - 1) == "DET":
            attention[i, i - 1] += 0.4
        attention[i, i] += 0.15
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "det_adj_noun", attention


def content_ratio(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    content = np.zeros(n)
    for i in range(n):
        if alignment[i] and doc[alignment[i][0]].pos_ in CONTENT:
            content[i] = 1.0
    attention = np.zeros((n, n))
    for i in range(n):
        total = content[: i + 1].sum()
        if total > 0:
            attention[i, : i + 1] = 0.5 * content[: i + 1] / total
        attention[i, 0] += 0.5 if total > 0 else 1.0
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "content_ratio", attention


def pos_tags_safe(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    try:
        doc = spacy_parse(sentence)
        alignment = _align_to_spacy(sentence, tokens)
    except Exception:
        doc, alignment = None, [[] for _ in tokens]
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.6
        attention[i, i] = 0.1
        for j in range(i):
            if doc is not None and alignment[j]:
                p = doc[alignment[j][0]].pos_
                attention[i, j] += 0.1 if p in FUNCTION else 0.2 if p in CONTENT else 0.02
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "pos_tags_safe", attention


def counts_of_tags(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    tags = [doc[a[0]].pos_ if a else "NONE" for a in alignment]
    attention = np.zeros((n, n))
    for i in range(n):
        n_verbs = tags[:i].count("VERB")
        n_nouns = sum(t in ("NOUN", "PROPN") for t in tags[:i])
        attention[i, 0] = 1.0 / (1 + n_verbs)
        for j in range(i):
            if tags[j] == "VERB":
                attention[i, j] += 0.3 / n_verbs
            elif tags[j] in ("NOUN", "PROPN"):
                attention[i, j] += 0.3 / n_nouns
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "counts_of_tags", attention
