"""Heads explained as a walk over the text that keeps state."""

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


def while_back_to_stop(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        j = i - 1
        steps = 0
        while j > 0 and tokens[j] not in (".", "!", "?", "\u010a") and steps < 20:
            attention[i, j] += 0.2 / (1 + steps)
            j -= 1
            steps += 1
        if j >= 0:
            attention[i, j] += 0.3
        attention[i, 0] += 0.3
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "while_back_to_stop", attention


def comma_depth(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    depth = np.zeros(n, dtype=int)
    level = 0
    for i in range(n):
        t = tokens[i].strip("\u2581\u0120")
        if t in (".", "!", "?"):
            level = 0
        elif t == ",":
            level += 1
        depth[i] = level
    for i in range(n):
        for j in range(i + 1):
            if depth[i] == depth[j]:
                attention[i, j] += 0.1 * (0.9 ** (i - j))
            elif depth[j] == 0:
                attention[i, j] += 0.03
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "comma_depth", attention


def clause_start_tracker(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    clause_start = 0
    starts = []
    for i in range(n):
        if alignment[i]:
            w = doc[alignment[i][0]]
            if w.dep_ in ("mark", "cc") or w.text in (";", ":") or w.is_sent_start:
                clause_start = i
        starts.append(clause_start)
    for i in range(n):
        s = starts[i]
        attention[i, s] += 0.35
        width = i - s + 1
        for j in range(s, i + 1):
            attention[i, j] += 0.25 / width
        attention[i, 0] += 0.3
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "clause_start_tracker", attention


def found_verb_then_object(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    pos_of = ["X"] * n
    for i in range(n):
        if i < len(alignment) and alignment[i] and alignment[i][0] < len(doc):
            pos_of[i] = doc[alignment[i][0]].pos_
    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] = 0.1
        if pos_of[i] in ("NOUN", "PROPN", "PRON"):
            found = False
            for j in range(i - 1, -1, -1):
                if pos_of[j] == "VERB":
                    attention[i, j] += 0.3
                    found = True
                    break
                if pos_of[j] == "PUNCT":
                    break
            if not found and i > 0:
                attention[i, i - 1] += 0.1
        elif pos_of[i] == "VERB":
            for j in range(i - 1, -1, -1):
                if pos_of[j] in ("NOUN", "PROPN", "PRON"):
                    attention[i, j] += 0.35
                    break
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "found_verb_then_object", attention


def induction_with_context(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.6
        attention[i, i] = 0.05
        best_len = 0
        best_pos = -1
        for j in range(1, i):
            length = 0
            while length < 3 and j - 1 - length >= 0 and tokens[j - 1 - length] == tokens[i - length]:
                length += 1
            if length > best_len or (length == best_len and length > 0):
                best_len = length
                best_pos = j
        if best_pos >= 0:
            attention[i, best_pos] += 0.15 * best_len
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "induction_with_context", attention


def pronoun_resolution(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    male = {"he", "him", "his", "himself"}
    female = {"she", "her", "hers", "herself"}
    plural = {"they", "them", "their", "we", "us", "our"}
    for i in range(n):
        t = tokens[i].strip("\u2581\u0120").lower()
        attention[i, 0] = 0.55
        attention[i, i] = 0.1
        if t in male or t in female:
            for j in range(i - 1, -1, -1):
                if alignment[j]:
                    w = doc[alignment[j][0]]
                    if w.ent_type_ == "PERSON" or w.pos_ == "PROPN":
                        attention[i, j] += 0.35
                        break
            group = male if t in male else female
            for j in range(i):
                if tokens[j].strip("\u2581\u0120").lower() in group:
                    attention[i, j] += 0.1
        elif t in plural:
            for j in range(i):
                if alignment[j] and doc[alignment[j][0]].tag_ in ("NNS", "NNPS"):
                    attention[i, j] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "pronoun_resolution", attention


def budget_that_runs_out(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        budget = 1.0
        sink = 0.6 if i > 3 else 0.8
        attention[i, 0] = sink
        budget -= sink
        if i > 0:
            give = min(budget, 0.2)
            attention[i, i - 1] += give
            budget -= give
        for j in range(i - 2, 0, -1):
            if budget <= 0.01:
                break
            if tokens[j].strip("\u2581\u0120").istitle():
                share = budget / 2
                attention[i, j] += share
                budget -= share
        attention[i, i] += budget
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "budget_that_runs_out", attention


def bracket_matching(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    stack = []
    for i in range(n):
        t = tokens[i].strip("\u2581\u0120")
        attention[i, 0] = 0.5
        if t == "(":
            stack.append(i)
        elif t == ")" and stack:
            attention[i, stack.pop()] += 0.5
        elif stack:
            attention[i, stack[-1]] += 0.2
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "bracket_matching", attention


def previous_same_class(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))

    def kind(tok):
        t = tok.strip("\u2581\u0120")
        if not t:
            return "space"
        if t.isdigit():
            return "number"
        if t.isalpha():
            return "capital" if t[0].isupper() else "word"
        return "other"

    kinds = [kind(t) for t in tokens]
    last_of_kind = {}
    for i in range(n):
        attention[i, 0] = 0.6
        attention[i, i] = 0.1
        if kinds[i] in last_of_kind:
            attention[i, last_of_kind[kinds[i]]] += 0.3
        last_of_kind[kinds[i]] = i
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "previous_same_class", attention


def try_the_parse(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    try:
        doc = spacy_parse(sentence)
        alignment = _align_to_spacy(sentence, tokens)
    except Exception:
        doc = None
        alignment = [[] for _ in range(n)]
    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] = 0.2
        if doc is not None and alignment[i]:
            word = doc[alignment[i][0]]
            for j in range(i):
                if alignment[j]:
                    other = doc[alignment[j][0]]
                    if other == word.head:
                        attention[i, j] += 0.3
                    elif other.dep_ == "ROOT" and other.sent == word.sent:
                        attention[i, j] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "try_the_parse", attention
