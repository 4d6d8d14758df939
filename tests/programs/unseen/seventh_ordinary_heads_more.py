"""Ordinary heads again, more: content words, repeated bigrams, quotes, subjects, entities, windows, auxiliaries."""

import string

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


STOPWORDS = {"the", "a", "an", "of", "to", "in", "and", "is", "was"}
PUNCT = set(".,;:!?")


def clean(token: str, marker: str = "\u0120", chars: str = string.punctuation) -> str:
    return token.replace(marker, "").strip(chars).lower()


def is_content(token: str, stops=STOPWORDS) -> bool:
    word = clean(token)
    return word.isalpha() and word not in stops


def content_word_pull(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    weights = np.array([1.0 if is_content(t) else 0.1 for t in tokens])
    A = np.zeros((n, n))
    for i in range(n):
        w = weights[: i + 1] * np.exp(-0.1 * (i - np.arange(i + 1)))
        A[i, : i + 1] = w / w.sum()
    return "Layer 9, Head 3: content words", A


def bigram_repeat(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
    bigrams = list(zip(tokens[:-1], tokens[1:]))
    for i in range(n):
        matched = False
        if i >= 1:
            cur = (tokens[i - 1], tokens[i])
            for j in range(i - 1, 0, -1):
                if bigrams[j - 1] == cur:
                    if j + 1 < n:
                        A[i, j + 1] = 0.8
                    A[i, 0] = 0.2
                    matched = True
                    break
        if not matched:
            A[i, 0] = 0.9
            A[i, i] += 0.1
    return "Layer 6, Head 9: bigram repeat", make_row_stochastic(apply_causal_mask(A))


def quote_span(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    inside = np.zeros(n, dtype=bool)
    open_pos = None
    opener = [-1] * n
    for i, t in enumerate(tokens):
        if '"' in t:
            if open_pos is None:
                open_pos = i
            else:
                opener[i] = open_pos
                open_pos = None
                continue
        if open_pos is not None:
            inside[i] = True
            opener[i] = open_pos
    A = np.zeros((n, n))
    for i in range(n):
        if opener[i] >= 0:
            A[i, opener[i]] = 0.7
            A[i, i] += 0.3
        else:
            outside = [j for j in range(i + 1) if not inside[j]]
            for j in outside:
                A[i, j] = 1.0 / len(outside)
    return "Layer 3, Head 5: quotes", make_row_stochastic(A)


def sentence_position(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Each token looks at the token with the same place in the sentence before."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    sent_start = [0] * n
    s = 0
    for i in range(n):
        sent_start[i] = s
        if tokens[i] in (".", "!", "?"):
            s = i + 1
    A = np.zeros((n, n))
    for i in range(n):
        start = sent_start[i]
        offset = i - start
        if start > 0:
            prev = sent_start[start - 1]
            target = min(prev + offset, start - 1)
            A[i, target] = 0.6
            A[i, start] += 0.4
        else:
            A[i, 0] = 1.0
    return "Layer 5, Head 8: sentence position", make_row_stochastic(apply_causal_mask(A))


def max_similarity(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)

    def overlap(a: str, b: str) -> float:
        x, y = set(clean(a)), set(clean(b))
        if not x or not y:
            return 0.0
        return len(x & y) / len(x | y)

    A = np.zeros((n, n))
    for i in range(n):
        scores = [overlap(tokens[i], tokens[j]) for j in range(i)]
        if scores and max(scores) > 0.5:
            best = int(np.argmax(scores))
            A[i, best] = 0.9
            A[i, i] = 0.1
        else:
            A[i, max(0, i - 1)] = 0.5
            A[i, 0] += 0.5
    return "Layer 10, Head 7: similar word", make_row_stochastic(apply_causal_mask(A))


def subject_of_clause(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    A = np.zeros((n, n))
    subj_of = {}
    for w in doc:
        if "subj" in w.dep_:
            subj_of[w.head.i] = w.i
    tok_of = {}
    for t, ws in enumerate(alignment):
        for w in ws:
            tok_of.setdefault(w, t)
    for i in range(n):
        placed = False
        for w in alignment[i]:
            head = doc[w]
            while head.head.i != head.i and head.pos_ not in ("VERB", "AUX"):
                head = head.head
            subj = subj_of.get(head.i)
            if subj is not None and tok_of.get(subj, n) <= i:
                A[i, tok_of[subj]] += 1.0
                placed = True
        if not placed:
            A[i, 0] += 1.0
    return "Layer 8, Head 6: subjects", make_row_stochastic(apply_causal_mask(A))


def entity_mentions(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    labels = ["" for _ in range(n)]
    for i in range(n):
        for w in alignment[i]:
            if doc[w].ent_type_:
                labels[i] = doc[w].ent_type_
    A = np.zeros((n, n))
    for i in range(n):
        same = [j for j in range(i) if labels[j] and labels[j] == labels[i]]
        other = [j for j in range(i) if labels[j] and labels[j] != labels[i]]
        for k, j in enumerate(sorted(same, reverse=True)):
            A[i, j] = 0.6 * 0.5**k
        for j in other:
            A[i, j] += 0.2 / len(other)
        A[i, 0] += 0.2
    return "Layer 7, Head 11: entities", make_row_stochastic(A)


def stride_attention(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
    for i in range(n):
        A[i, i::-3] = 1.0
        A[i, :i] *= 0.5
        A[i] /= A[i].sum()
    return "Layer 1, Head 6: stride", A


def cls_and_content(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    content = [idx for idx, tok in enumerate(tokens) if is_content(tok)]
    out = np.zeros((n, n))
    for i in range(n):
        out[i, 0] = 0.2
        out[i, n - 1] = 0.2
        if content:
            nearest = min(content, key=lambda j: (abs(i - j), j))
            out[i, nearest] += 0.6
    return "Layer 4, Head 9: nearest content word", make_row_stochastic(out)


def coref_nearest_noun(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    pronouns = {"he", "she", "it", "they", "him", "her", "them", "his", "its", "their"}
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    nouns = [i for i in range(n) if any(doc[w].pos_ in {"NOUN", "PROPN"} for w in alignment[i])]
    out = np.eye(n) * 0.1
    for i, t in enumerate(tokens):
        if t.lower() in pronouns:
            prior = [j for j in nouns if j < i]
            if prior:
                dist = np.array([i - j for j in prior])
                w = 1.0 / dist
                w = w / w.sum()
                for j, x in zip(prior, w):
                    out[i, j] += x
        else:
            out[i, 0] += 0.3
            out[i, -1] += 0.3
    return "Layer 5, Head 4: pronouns", make_row_stochastic(out)


def punctuation_hub(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    mask = np.array([t in PUNCT for t in tokens])
    out = np.tile(mask.astype(float), (n, 1))
    out[:, 0] += 0.5
    if not mask.any():
        out[:, -1] = 1.0
    idx = np.arange(n)
    out = out / (1.0 + 0.2 * np.abs(idx[:, None] - idx[None, :]))
    return "Layer 6, Head 6: punctuation", make_row_stochastic(out)


def symmetric_same_head(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    heads = [doc[a[0]].head.i if a else -1 for a in alignment]
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1, n):
            if heads[i] == heads[j] and heads[i] != -1:
                out[i, j] = out[j, i] = 1.0 / (j - i)
    empty = out.sum(axis=1) == 0
    out[empty] = 1.0 / n
    return "Layer 3, Head 10: siblings", make_row_stochastic(out)


def previous_words_window(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    out = np.zeros((n, n))
    kernel = [0.05, 0.1, 0.2, 0.4, 0.15, 0.07, 0.03]
    half = len(kernel) // 2
    for i in range(n):
        for k, w in enumerate(kernel, start=-half):
            j = i + k
            if 0 <= j < n:
                out[i, j] += w
    return "Layer 0, Head 10: window", make_row_stochastic(out)


def token_length_classes(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)

    def bucket(t, edges=(2, 4, 7)):
        size = len(t.replace("##", ""))
        for k, e in enumerate(edges):
            if size <= e:
                return k
        return len(edges)

    classes = [bucket(t) for t in tokens]
    groups = {c: [i for i in range(n) if classes[i] == c] for c in range(4)}
    out = np.zeros((n, n))
    for c, members in groups.items():
        for i in members:
            for j in members:
                out[i, j] = 1.0 / len(members)
    out = 0.9 * out + 0.1 / n
    return "Layer 2, Head 4: length classes", out


def first_occurrence_counts(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    first = {}
    count = {}
    out = np.zeros((n, n))
    for i, t in enumerate(tokens):
        key = t.lower()
        count[key] = count.get(key, 0) + 1
        if key not in first:
            first[key] = i
        out[i, first[key]] = 1.0 + np.log(count[key])
        out[i, i] += 0.5
    peak = max(count, key=count.get)
    out[:, first[peak]] += 0.25
    return "Layer 9, Head 1: first occurrence", make_row_stochastic(out)


def auxiliary_and_particle(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    out = np.zeros((n, n))
    for i in range(n):
        try:
            word = doc[alignment[i][0]]
        except IndexError:
            out[i, i] = 1.0
            continue
        links = []
        if word.dep_ in ("aux", "auxpass", "prt", "neg"):
            links.append(word.head.i)
        links += [c.i for c in word.children if c.dep_ in ("aux", "prt")]
        for link in links:
            for j in range(n):
                if link in alignment[j]:
                    out[i, j] += 1.0
        if not links:
            out[i, 0] = 1.0
    return "Layer 7, Head 2: auxiliaries", make_row_stochastic(out)
