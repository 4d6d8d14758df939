import numpy as np
from collections import Counter
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


# Layer 4, Head 2
def subject_of_the_clause_L4H2(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    # remember, for every verb, the token that is its subject
    subject_of = {}
    first_token = {}
    for t in range(n):
        for s in alignment[t]:
            if s not in first_token:
                first_token[s] = t
    for word in doc:
        if word.dep_ in ("nsubj", "nsubjpass") and word.i in first_token:
            subject_of[word.head.i] = first_token[word.i]
    for i in range(n):
        attention[i, 0] += 0.3
        attention[i, i] += 0.1
        if not alignment[i]:
            continue
        word = doc[alignment[i][0]]
        target = subject_of.get(word.i, subject_of.get(word.head.i))
        if target is not None and target <= i:
            attention[i, target] += 0.5
        elif i > 0:
            attention[i, i - 1] += 0.3
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "subject_of_the_clause", attention


# Layer 5, Head 4
def entity_mentions_L5H4(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    ent_spans = []
    for ent in doc.ents:
        toks = [t for t in range(n) if any(ent.start <= s < ent.end for s in alignment[t])]
        if toks:
            ent_spans.append((toks[0], toks[-1], ent.label_))
    for i in range(n):
        attention[i, 0] += 0.4
        for start, end, label in ent_spans:
            if end < i:
                attention[i, start] += 0.2 if label == "PERSON" else 0.1
            elif start <= i <= end:
                for j in range(start, i + 1):
                    attention[i, j] += 0.3 / (end - start + 1)
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "entity_mentions", attention


# Layer 6, Head 0
def sentence_root_summary_L6H0(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    sentences = []
    for sent in doc.sents:
        members = [t for t in range(n) if alignment[t] and sent.start <= alignment[t][0] < sent.end]
        roots = [t for t in members if sent.root.i in alignment[t]]
        sentences.append({"members": members, "root": roots[0] if roots else None})
    for info in sentences:
        for i in info["members"]:
            if info["root"] is not None:
                attention[i, info["root"]] += 0.5
            for j in info["members"]:
                if j <= i:
                    attention[i, j] += 0.2 / len(info["members"])
    for i in range(n):
        attention[i, 0] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "sentence_root_summary", attention


# Layer 6, Head 5
def speaker_memory_L6H5(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    verbs = {"said", "asked", "replied", "shouted"}
    state = {"speaker": -1, "quote": -1}
    inside = False
    for i, tok in enumerate(tokens):
        word = tok.lstrip("\u0120").lstrip("\u2581")
        attention[i, 0] += 0.4
        if inside and state["speaker"] >= 0:
            attention[i, state["speaker"]] += 0.3
        if inside and state["quote"] >= 0:
            attention[i, state["quote"]] += 0.2
        if word.lower() in verbs and i > 0:
            attention[i, i - 1] += 0.2
        if '"' in word:
            inside = not inside
            state["quote"] = i
        elif word[:1].isupper() and not inside:
            state["speaker"] = i
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "speaker_memory", attention


# Layer 2, Head 7
def word_pieces_L2H7(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    groups = []
    current = []
    for i, tok in enumerate(tokens):
        if (tok.startswith("\u0120") or tok.startswith("\u2581")) and current:
            groups.append(current)
            current = []
        current.append(i)
    if current:
        groups.append(current)
    for g, members in enumerate(groups):
        for i in members:
            for j in members:
                if j <= i:
                    attention[i, j] += 0.6 / len(members)
            if g > 0:
                attention[i, groups[g - 1][-1]] += 0.3
            attention[i, 0] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "word_pieces", attention


# Layer 3, Head 3
def clause_numbers_L3H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    clause = [0] * n
    for i in range(1, n):
        step = 1 if tokens[i - 1].strip("\u0120\u2581") in {",", ";", ".", "!", "?"} else 0
        clause[i] = clause[i - 1] + step
    sizes = Counter(clause)
    for i in range(n):
        for j in range(i + 1):
            gap = clause[i] - clause[j]
            if gap == 0:
                attention[i, j] += 0.5 / sizes[clause[i]]
            elif gap == 1:
                attention[i, j] += 0.1
        attention[i, 0] += 0.3
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "clause_numbers", attention


# Layer 3, Head 8
def bracket_depth_L3H8(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    depth = 0
    levels = []
    opened = []
    last_open = -1
    for i, tok in enumerate(tokens):
        if "(" in tok or "[" in tok:
            depth += 1
            last_open = i
        levels.append(depth)
        opened.append(last_open)
        if (")" in tok or "]" in tok) and depth > 0:
            depth -= 1
    for i in range(n):
        attention[i, 0] += 0.5
        for j in range(i + 1):
            if levels[i] > 0 and levels[j] == levels[i]:
                attention[i, j] += 0.1
        if levels[i] > 0:
            attention[i, opened[i]] += 0.4
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "bracket_depth", attention


# Layer 7, Head 1
def nearest_class_before_L7H1(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    def tag(k):
        return doc[alignment[k][0]].pos_ if 0 <= k < n and alignment[k] else "NONE"

    def nearest(i, wanted, reach=8):
        for back in range(1, reach + 1):
            j = i - back
            if j < 0:
                break
            if tag(j) in wanted:
                return j, 1.0 / back
        return None, 0.0

    for i in range(n):
        attention[i, 0] += 0.3
        here = tag(i)
        if here in ("NOUN", "PROPN"):
            j, w = nearest(i, ("DET", "ADJ"))
        elif here == "VERB":
            j, w = nearest(i, ("NOUN", "PRON", "PROPN"), reach=6)
        else:
            j, w = nearest(i, (here,), reach=4)
        if j is not None:
            attention[i, j] += 0.5 * w
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "nearest_class_before", attention
