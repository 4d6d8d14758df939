"""Programs written for this project in the manner of the published ones, before their kinds of score were lifted."""

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


# Layer 5, Head 1
def induction_with_length_match_L5H1(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Induction: attend to the token that followed the longest matching earlier context (up to three tokens)."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))

    for i in range(n):
        best_len = 0
        best_j = -1
        for j in range(1, i):
            length = 0
            while length < 3 and j - 1 - length >= 0 and tokens[j - 1 - length] == tokens[i - length]:
                length += 1
            if length > 0 and length >= best_len:
                best_len = length
                best_j = j
        if best_j > 0:
            attention[i, best_j] = 0.2 + 0.2 * best_len
        attention[i, 0] += 0.3
        attention[i, i] += 0.05

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "induction_with_length_match", attention


# Layer 5, Head 8
def softmax_feature_scores_L5H8(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """A softmax over hand-made feature scores: recency, same part of speech, capital letters, punctuation."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    pos = ["NONE"] * n
    for t in range(n):
        if alignment[t]:
            pos[t] = doc[alignment[t][0]].pos_

    scores = np.full((n, n), -1e9)
    for i in range(n):
        for j in range(i + 1):
            s = -0.15 * (i - j)
            if pos[i] == pos[j]:
                s += 0.8
            surface = tokens[j].lstrip("Ġ")
            if surface and surface[0].isupper():
                s += 0.6
            if pos[j] == "PUNCT":
                s -= 0.5
            if j == 0:
                s += 2.5
            scores[i, j] = s

    scores = scores - scores.max(axis=1, keepdims=True)
    weights = np.exp(scores)
    attention = weights / weights.sum(axis=1, keepdims=True)
    attention = apply_causal_mask(attention)
    return "softmax_feature_scores", make_row_stochastic(attention)


# Layer 6, Head 6
def subword_completion_L6H6(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Pieces inside one word attend to the beginning of that word; word beginnings attend to the previous beginning."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))

    word_start = np.zeros(n, dtype=int)
    for i in range(n):
        if i == 0 or tokens[i].startswith("Ġ") or not tokens[i][0].isalpha():
            word_start[i] = i
        else:
            word_start[i] = word_start[i - 1]

    for i in range(n):
        ws = word_start[i]
        if ws != i:
            attention[i, ws] = 0.7
            for j in range(ws + 1, i):
                attention[i, j] = 0.2
        else:
            if i > 0:
                attention[i, word_start[i - 1]] = 0.5
        attention[i, 0] += 0.2
        attention[i, i] = max(attention[i, i], 0.1)

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "subword_completion", attention


# Layer 6, Head 10
def numeric_and_date_links_L6H10(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Numbers attend to earlier numbers; words ending in -ing or -ed to the verbs before them."""
    import re
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    number_pattern = re.compile(r"^\d+$")
    words = [re.sub(r"^Ġ", "", t) for t in tokens]
    is_number = [bool(number_pattern.match(w)) for w in words]
    is_inflected = [bool(re.search(r"(ing|ed)$", w)) for w in words]

    for i in range(n):
        attention[i, 0] = 0.45
        attention[i, i] += 0.1
        if is_number[i]:
            for j in range(i):
                if is_number[j]:
                    attention[i, j] += 0.3
        if is_inflected[i]:
            prior = [j for j in range(i) if is_inflected[j]]
            for j in prior[-2:]:
                attention[i, j] += 0.25
        if i > 0:
            attention[i, i - 1] += 0.15

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "numeric_and_date_links", attention


# Layer 7, Head 3
def verb_argument_blend_L7H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Objects attend to their verb, verbs to their subject, modifiers to their head."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    dep_weights = {
        "dobj": 0.5,
        "pobj": 0.4,
        "nsubj": 0.3,
        "amod": 0.25,
        "det": 0.2,
    }

    spacy_to_tok = {}
    for ti, al in enumerate(alignment):
        for si in al:
            spacy_to_tok.setdefault(si, []).append(ti)

    for i in range(n):
        attention[i, 0] = 0.3
        attention[i, i] = 0.1
        for si in alignment[i]:
            w = doc[si]
            weight = dep_weights.get(w.dep_, 0.1)
            for tj in spacy_to_tok.get(w.head.i, []):
                if tj < i:
                    attention[i, tj] += weight
            for child in w.children:
                cw = dep_weights.get(child.dep_, 0.05)
                targets = spacy_to_tok.get(child.i, [])
                for tj in targets:
                    if tj < i:
                        attention[i, tj] += cw / max(1, len(targets))

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "verb_argument_blend", attention


# Layer 7, Head 7
def top_k_salient_history_L7H7(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """The three most salient earlier tokens get the attention, salience being length plus a bonus for capitals."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))

    def salience(t):
        s = t.replace("Ġ", "")
        score = len(s)
        if s[:1].isupper():
            score += 3
        if not s.isalpha():
            score -= 2
        return score

    sal = [salience(t) for t in tokens]
    for i in range(n):
        ranked = sorted(range(i + 1), key=lambda j: (-sal[j], j))
        for rank, j in enumerate(ranked[:3]):
            attention[i, j] += [0.4, 0.2, 0.1][rank]
        attention[i, 0] += 0.3

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "top_k_salient_history", attention


# Layer 8, Head 2
def commas_and_list_items_L8H2(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Items of a list attend to the previous comma and to the item before it; 'and' attends to all commas of the sentence."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    comma_positions = [k for k, t in enumerate(tokens) if t == ","]
    stops = [k for k, t in enumerate(tokens) if t in (".", "!", "?")]

    for i in range(n):
        sent_start = 0
        for s in stops:
            if s < i:
                sent_start = s + 1
        attention[i, sent_start] += 0.3
        local_commas = [c for c in comma_positions if sent_start <= c < i]
        if tokens[i].strip("Ġ").lower() == "and" and local_commas:
            for c in local_commas:
                attention[i, c] += 0.5 / len(local_commas)
        elif local_commas:
            last = local_commas[-1]
            attention[i, last] += 0.35
            if last > 0:
                attention[i, last - 1] += 0.2
        attention[i, i] += 0.1
        attention[i, 0] += 0.15

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "commas_and_list_items", attention
