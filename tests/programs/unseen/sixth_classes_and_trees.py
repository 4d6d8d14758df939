"""Programs written for this project in the manner of the published ones: long ones of words, their classes and what they depend on."""

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

CONTENT = {"NOUN", "PROPN", "VERB", "ADJ", "ADV", "NUM"}


def softmax_of_features_L3H21(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Logits out of features, and a softmax whose temperature depends on the query."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    pos = []
    lemma = []
    for i in range(n):
        idxs = alignment[i]
        pos.append(doc[idxs[0]].pos_ if idxs else "X")
        lemma.append(doc[idxs[-1]].lemma_.lower() if idxs else tokens[i])

    attention = np.zeros((n, n))
    for i in range(n):
        logits = np.full(n, -1e9)
        for j in range(i + 1):
            l = -0.2 * (i - j)
            if j == 0:
                l += 4.0
            if pos[j] in CONTENT:
                l += 0.8
            if lemma[j] == lemma[i] and i != j:
                l += 1.5
            if pos[i] == "VERB" and pos[j] in ("NOUN", "PRON", "PROPN"):
                l += 0.7
            logits[j] = l
        temperature = 0.7 if pos[i] in CONTENT else 1.3
        logits = logits / temperature
        logits -= logits.max()
        weights = np.exp(logits)
        attention[i] = weights / weights.sum()
    return "softmax_of_features", make_row_stochastic(apply_causal_mask(attention))


def subject_tracking_L6H14(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Verbs to the latest subject, pronouns to the two latest nouns, other tokens to the latest verb."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    def get(i, what, default=""):
        if 0 <= i < n and alignment[i]:
            word = doc[alignment[i][0]]
            return {"dep_": word.dep_, "pos_": word.pos_}[what]
        return default

    subjects = [i for i in range(n) if get(i, "dep_") in ("nsubj", "nsubjpass")]
    nouns = [i for i in range(n) if get(i, "pos_") in ("NOUN", "PROPN")]
    verbs = [i for i in range(n) if get(i, "pos_") in ("VERB", "AUX")]
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.4
        earlier_subjects = [s for s in subjects if s < i]
        earlier_nouns = [s for s in nouns if s < i]
        earlier_verbs = [s for s in verbs if s < i]
        if i in verbs and earlier_subjects:
            attention[i, max(earlier_subjects)] += 0.35
        elif get(i, "pos_") == "PRON" and earlier_nouns:
            for w, s in zip((0.3, 0.15), reversed(earlier_nouns)):
                attention[i, s] += w
        elif earlier_verbs:
            nearest = min(earlier_verbs, key=lambda v: i - v)
            attention[i, nearest] += 0.2
        else:
            attention[i, i] += 0.2
        for d in (1, 2, 3):
            if i - d >= 0:
                attention[i, i - d] += 0.1 / d
    return "subject_tracking", make_row_stochastic(apply_causal_mask(attention))


def preposition_objects_L8H2(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Objects of prepositions, with a search back for the preposition, then for the verb it hangs on."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] += 0.5
        if not alignment[i]:
            attention[i, i] += 0.5
            continue
        token = doc[alignment[i][0]]
        found = False
        if token.dep_ == "pobj":
            j = i - 1
            while j >= 0:
                if alignment[j] and doc[alignment[j][0]].pos_ == "ADP":
                    attention[i, j] += 0.3
                    found = True
                    k = j - 1
                    while k >= 0 and not (alignment[k] and doc[alignment[k][0]].pos_ == "VERB"):
                        k -= 1
                    if k >= 0:
                        attention[i, k] += 0.15
                    break
                j -= 1
        if not found:
            for j in range(i - 1, max(-1, i - 6), -1):
                if alignment[j] and doc[alignment[j][0]].pos_ in CONTENT:
                    attention[i, j] += 0.25
                    break
            else:
                attention[i, max(0, i - 1)] += 0.25
    return "preposition_objects", make_row_stochastic(apply_causal_mask(attention))


def children_and_heads_both_ways_L4H6(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Bidirectional: heads, children, siblings; [SEP] takes what words without relations have."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    spacy_to_tokens = {}
    for t, words in enumerate(alignment):
        for w in words:
            if w not in spacy_to_tokens:
                spacy_to_tokens[w] = []
            spacy_to_tokens[w].append(t)

    attention = np.zeros((n, n))
    sep_positions = [k for k, t in enumerate(tokens) if t == "[SEP]"]
    for i in range(n):
        related = {}
        for w in alignment[i]:
            word = doc[w]
            for t in spacy_to_tokens.get(word.head.i, []):
                related[t] = max(related.get(t, 0.0), 0.6 if word.head.i != w else 0.1)
            for child in word.children:
                for t in spacy_to_tokens.get(child.i, []):
                    related[t] = max(related.get(t, 0.0), 0.4)
            for sibling in word.head.children:
                if sibling.i != w:
                    for t in spacy_to_tokens.get(sibling.i, []):
                        related[t] = related.get(t, 0.0) + 0.1
        if related:
            total = sum(related.values())
            for t, v in related.items():
                attention[i, t] += v / total
        elif sep_positions:
            attention[i, sep_positions[-1]] = 1.0
        else:
            attention[i, i] = 1.0
    return "children_and_heads_both_ways", make_row_stochastic(attention)


def entities_and_numbers_L11H27(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Entity mentions of one type, numbers, and a budget that is spent in order."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    ent = ["" for _ in range(n)]
    num = [False] * n
    for i in range(n):
        for w in alignment[i]:
            if doc[w].ent_type_:
                ent[i] = doc[w].ent_type_
            if doc[w].like_num or doc[w].pos_ == "NUM":
                num[i] = True

    attention = np.zeros((n, n))
    for i in range(n):
        budget = 1.0
        take = min(budget, 0.45)
        attention[i, 0] += take
        budget -= take
        if ent[i]:
            matches = [j for j in range(i) if ent[j] == ent[i]]
            for j in matches[-4:]:
                share = min(budget, 0.1)
                attention[i, j] += share
                budget -= share
        if num[i]:
            previous_numbers = [j for j in range(i) if num[j]]
            if previous_numbers and budget > 0.05:
                attention[i, previous_numbers[-1]] += 0.5 * budget
                budget *= 0.5
        k = i
        while budget > 0.02 and k >= 0:
            attention[i, k] += budget * 0.4
            budget *= 0.6
            k -= 1
        attention[i, 0] += budget
    return "entities_and_numbers", make_row_stochastic(apply_causal_mask(attention))


def clause_heads_L13H5(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Each token to the root of its clause, the conjunction that opened it, and words of like class."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    clause_start = 0
    clause_id = []
    current = 0
    for i in range(n):
        w = doc[alignment[i][0]] if alignment[i] else None
        if w is not None and (w.dep_ in ("cc", "mark") or w.pos_ == "PUNCT"):
            current += 1
            clause_start = i
        clause_id.append((current, clause_start))

    for i in range(n):
        cid, start = clause_id[i]
        members = [j for j in range(i + 1) if clause_id[j][0] == cid]
        verbs = [j for j in members if alignment[j] and doc[alignment[j][0]].pos_ == "VERB"]
        for j in members:
            attention[i, j] += 0.3 / len(members)
        if verbs:
            attention[i, verbs[0]] += 0.2
        attention[i, start] += 0.15
        same = [
            j
            for j in range(i)
            if alignment[i] and alignment[j] and doc[alignment[i][0]].tag_ == doc[alignment[j][0]].tag_
        ]
        if same:
            idx = int(np.argmax([j for j in same]))
            attention[i, same[idx]] += 0.2
        attention[i, 0] += max(0.1, 1.0 - attention[i].sum())
    return "clause_heads", make_row_stochastic(apply_causal_mask(attention))


def similarity_of_embeddings_L2H19(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Embedding similarity above the mean of the row, else the neighbours."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        sims = [embedding_similarity(tokens, i, j) for j in range(i + 1)]
        mean = sum(sims) / len(sims)
        strong = [j for j, s in enumerate(sims) if s > mean and j != i]
        if len(strong) >= 2:
            order = sorted(strong, key=lambda j: sims[j], reverse=True)[:5]
            for rank, j in enumerate(order):
                attention[i, j] += 0.4 / (rank + 1)
        else:
            for j in (i - 1, i - 2):
                if j >= 0:
                    attention[i, j] += 0.2
        if alignment[i] and doc[alignment[i][0]].is_stop:
            attention[i, 0] += 0.6
        else:
            attention[i, 0] += 0.3
        top = attention[i].max()
        attention[i][attention[i] < 0.1 * top] = 0.0
    return "similarity_of_embeddings", make_row_stochastic(apply_causal_mask(attention))
