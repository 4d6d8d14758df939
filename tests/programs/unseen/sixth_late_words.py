"""Programs written for this project in the manner of the published ones: words, after the first new kinds were lifted."""

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

def verb_arguments_with_budget_L5H23(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Children of a verb share a budget by their relation; the rest goes to the sink."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    shares = {"nsubj": 0.35, "dobj": 0.3, "aux": 0.1, "prep": 0.15, "advmod": 0.1}
    for i in range(n):
        left = 1.0
        if alignment[i]:
            word = doc[alignment[i][0]]
            if word.pos_ == "VERB":
                for child in word.children:
                    share = shares.get(child.dep_, 0.02)
                    for j in range(i):
                        if child.i in alignment[j]:
                            attention[i, j] += share
                            left -= share
                            break
            elif word.head.pos_ == "VERB":
                for j in range(i - 1, -1, -1):
                    if word.head.i in alignment[j]:
                        attention[i, j] += 0.4
                        left -= 0.4
                        break
        attention[i, 0] += max(left, 0.1) * 0.8
        attention[i, i] += max(left, 0.1) * 0.2
    return "verb_arguments_with_budget", make_row_stochastic(apply_causal_mask(attention))


def noun_phrase_runs_L7H19(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Runs of determiner, adjectives and nouns; inside a run forward decay, else to the last run's last token."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    tags = []
    for idxs in alignment:
        tags.append(doc[idxs[0]].pos_ if idxs and idxs[0] < len(doc) else "SPACE")
    runs = []
    start = None
    for i, tag in enumerate(tags):
        if tag in ("DET", "ADJ", "NOUN", "PROPN", "NUM"):
            if start is None:
                start = i
        elif start is not None:
            runs.append((start, i - 1))
            start = None
    if start is not None:
        runs.append((start, n - 1))

    run_of = [-1] * n
    for r, (a, b) in enumerate(runs):
        for k in range(a, b + 1):
            run_of[k] = r

    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] += 0.4
        r = run_of[i]
        if r >= 0:
            a, b = runs[r]
            for j in range(a, i + 1):
                attention[i, j] += 0.3 * (0.7 ** (i - j))
        else:
            done = [run for run in runs if run[1] < i]
            if done:
                attention[i, done[-1][1]] += 0.3
                attention[i, done[-1][0]] += 0.1
            else:
                attention[i, i] += 0.3
    return "noun_phrase_runs", make_row_stochastic(apply_causal_mask(attention))


def head_distance_classes_L9H14(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Depth in the tree: tokens look at words that are higher up, near ones first."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    depth = []
    for i in range(n):
        if not alignment[i]:
            depth.append(0)
            continue
        depth.append(len(list(doc[alignment[i][0]].ancestors)))
    attention = np.zeros((n, n))
    for i in range(n):
        higher = [j for j in range(i) if depth[j] < depth[i]]
        if higher:
            weights = [1.0 / (i - j) for j in higher]
            total = sum(weights)
            for j, w in zip(higher, weights):
                attention[i, j] += 0.5 * w / total
        attention[i, i] += 0.1
        attention[i, 0] += 0.4
    return "head_distance_classes", make_row_stochastic(apply_causal_mask(attention))


def coordination_parallels_L12H29(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """After a conjunction look at the last word of the same class before it."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    def pos_of(k):
        return doc[alignment[k][0]].pos_ if alignment[k] else ""

    last_conj = -1
    attention = np.zeros((n, n))
    for i in range(n):
        pos = pos_of(i)
        attention[i, 0] += 0.45
        if pos == "CCONJ":
            last_conj = i
            candidates = [j for j in range(max(0, i - 8), i) if pos_of(j) in ("NOUN", "VERB", "ADJ")]
            for rank, j in enumerate(sorted(candidates, reverse=True)):
                attention[i, j] += 0.3 * 0.6 ** rank
        elif last_conj >= 0 and i - last_conj < 6:
            partner = None
            for j in range(last_conj - 1, -1, -1):
                if pos_of(j) == pos and pos != "":
                    partner = j
                    break
            if partner is not None:
                attention[i, partner] += 0.35
            attention[i, last_conj] += 0.1
        attention[i, max(i - 1, 0)] += 0.1
    return "coordination_parallels", make_row_stochastic(apply_causal_mask(attention))


def weighted_features_dictionary_L15H15(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Feature names with weights, summed for every pair, then cut to the best of a row."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    weights = {"same_pos": 0.1, "same_lemma": 0.4, "head": 0.5, "near": 0.2, "entity": 0.3}
    attention = np.zeros((n, n))
    for i in range(n):
        wi = doc[alignment[i][0]] if alignment[i] else None
        for j in range(i):
            wj = doc[alignment[j][0]] if alignment[j] else None
            active = []
            if wi is not None and wj is not None:
                if wi.pos_ == wj.pos_:
                    active.append("same_pos")
                if wi.lemma_.lower() == wj.lemma_.lower():
                    active.append("same_lemma")
                if wi.head.i == wj.i or wj.head.i == wi.i:
                    active.append("head")
                if wj.ent_type_ != "" and wj.ent_type_ == wi.ent_type_:
                    active.append("entity")
            if i - j <= 2:
                active.append("near")
            attention[i, j] = sum(weights[name] for name in active)
        best = attention[i].max()
        for j in range(i):
            if attention[i, j] < 0.3 * best:
                attention[i, j] = 0.0
        attention[i, 0] += 0.5
        attention[i, i] += 0.05
    return "weighted_features_dictionary", make_row_stochastic(apply_causal_mask(attention))


def tense_and_auxiliaries_L17H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Verbs of one tag look at each other; auxiliaries at the verb that comes next, both ways."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    by_tag = {}
    for i in range(n):
        for w in alignment[i]:
            if doc[w].tag_.startswith("VB"):
                by_tag.setdefault(doc[w].tag_, []).append(i)
    attention = np.full((n, n), 0.01)
    for tag, positions in by_tag.items():
        for a in positions:
            for b in positions:
                if a != b:
                    attention[a, b] += 0.3 / (len(positions) - 1)
    for i in range(n):
        if alignment[i] and doc[alignment[i][0]].pos_ == "AUX":
            following = [j for j in range(i + 1, min(n, i + 5)) if alignment[j] and doc[alignment[j][0]].pos_ == "VERB"]
            if following:
                attention[i, following[0]] += 0.5
                attention[following[0], i] += 0.25
        if tokens[i] in ("[CLS]", "[SEP]"):
            attention[i, i] += 1.0
    return "tense_and_auxiliaries", make_row_stochastic(attention)


def sentence_position_and_class_L19H26(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Position inside the sentence decides how much goes to its start; stop words go to the sink."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    first_of_sentence = {}
    last_content = {}
    attention = np.zeros((n, n))
    for i in range(n):
        if not alignment[i]:
            attention[i, 0] = 1.0
            continue
        word = doc[alignment[i][0]]
        key = word.sent.start
        if key not in first_of_sentence:
            first_of_sentence[key] = i
        begin = first_of_sentence[key]
        inside = i - begin
        attention[i, begin] += 0.3 / (1 + 0.1 * inside)
        if key in last_content:
            attention[i, last_content[key]] += 0.25
        if word.is_stop:
            attention[i, 0] += 0.6
        else:
            attention[i, 0] += 0.35
            last_content[key] = i
        for j in range(begin, i):
            if alignment[j] and doc[alignment[j][0]].head.i == word.i:
                attention[i, j] += 0.2
    return "sentence_position_and_class", make_row_stochastic(apply_causal_mask(attention))
