"""Programs written for this project in the manner of the published ones, before their kinds of anchor were lifted."""

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


# Layer 0, Head 6
def delimiter_anchor_with_local_window_L0H6(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Each token attends to the most recent delimiter, the start of its clause and a shrinking local window."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    delimiters = {".", ",", "!", "?", ";", ":"}

    last_delim = [-1] * n
    for i in range(n):
        if i > 0:
            last_delim[i] = i - 1 if tokens[i - 1] in delimiters else last_delim[i - 1]

    for i in range(n):
        d = last_delim[i]
        if d >= 0:
            attention[i, d] += 0.35
            if d + 1 < i:
                attention[i, d + 1] += 0.2
        else:
            attention[i, 0] += 0.4
        for k in range(1, 4):
            if i - k >= 0:
                attention[i, i - k] += 0.12 / k
        attention[i, i] += 0.1

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "delimiter_anchor_with_loc", attention


# Layer 1, Head 1
def modifier_to_noun_phrase_L1H1(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Within a noun chunk the head noun collects its modifiers; verbs look at the last noun chunk."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    chunk_id = {}
    for c, chunk in enumerate(doc.noun_chunks):
        for w in chunk:
            chunk_id[w.i] = c

    last_chunk_token = None
    for i in range(n):
        attention[i, i] = 0.15
        attention[i, 0] += 0.3
        if not alignment[i]:
            continue
        wi = alignment[i][0]
        cid = chunk_id.get(wi, -1)
        if cid >= 0:
            for j in range(max(0, i - 6), i):
                if alignment[j] and chunk_id.get(alignment[j][0], -1) == cid:
                    attention[i, j] += 0.3
            last_chunk_token = i
        elif doc[wi].pos_ in ("VERB", "AUX") and last_chunk_token is not None:
            attention[i, last_chunk_token] += 0.4

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "modifier_to_noun_phrase", attention


# Layer 1, Head 10
def repeated_word_decay_L1H10(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Copies of the current word are attended with a weight that halves with every copy going back."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    norm = [t.replace("Ġ", "").strip().lower() for t in tokens]

    occurrences = {}
    for idx, w in enumerate(norm):
        if w not in occurrences:
            occurrences[w] = []
        occurrences[w].append(idx)

    for i in range(n):
        earlier = [p for p in occurrences[norm[i]] if p < i]
        weight = 0.4
        for p in reversed(earlier):
            attention[i, p] += weight
            weight *= 0.5
            if p + 1 < i:
                attention[i, p + 1] += weight
            if weight < 0.05:
                break
        remaining = max(0.0, 1.0 - attention[i].sum())
        attention[i, 0] += remaining * 0.7
        attention[i, i] += remaining * 0.3

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "repeated_word_decay", attention


# Layer 2, Head 3
def sentence_boundary_summaries_L2H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Sentence-final punctuation summarises its sentence; the first token of a sentence looks at the previous full stop."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))

    sentences = []
    start = 0
    for i, tok in enumerate(tokens):
        if tok.strip() in (".", "!", "?") or i == n - 1:
            sentences.append((start, i))
            start = i + 1

    for s_idx, (a, b) in enumerate(sentences):
        for i in range(a, b + 1):
            attention[i, a] += 0.3
            attention[i, 0] += 0.2
            if i > a:
                attention[i, i - 1] += 0.15
            attention[i, i] += 0.1
        length = b - a + 1
        for j in range(a, b):
            attention[b, j] += 0.4 / length
        if s_idx > 0:
            prev_end = sentences[s_idx - 1][1]
            attention[a, prev_end] += 0.5

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "sentence_boundary_summari", attention


# Layer 3, Head 6
def coreference_scores_with_recency_L3H6(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Candidate antecedents are scored by role and recency; the best candidate gets most of the attention."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    def info(idx):
        if not alignment[idx]:
            return None, None
        w = doc[alignment[idx][0]]
        return w.pos_, w.dep_

    for i in range(n):
        pos, dep = info(i)
        attention[i, 0] = 0.35
        attention[i, i] = max(attention[i, i], 0.1)
        if pos == "PRON":
            best, best_score = None, 0.0
            for j in range(i - 1, max(-1, i - 30), -1):
                p, d = info(j)
                if p not in ("PROPN", "NOUN"):
                    continue
                score = 1.0 / (i - j)
                if p == "PROPN":
                    score += 0.3
                if d in ("nsubj", "nsubjpass"):
                    score += 0.4
                if score > best_score:
                    best, best_score = j, score
            if best is not None:
                attention[i, best] += 0.6
        elif i > 0:
            attention[i, i - 1] += 0.2

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "coreference_scores_with_r", attention


# Layer 4, Head 2
def pos_transition_matrix_L4H2(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """A table of part-of-speech affinities decides, with exponential decay over distance."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    affinity = {
        ("VERB", "NOUN"): 0.6,
        ("VERB", "PROPN"): 0.7,
        ("NOUN", "ADJ"): 0.5,
        ("NOUN", "DET"): 0.4,
        ("PRON", "PROPN"): 0.8,
        ("ADP", "VERB"): 0.3,
    }
    tags = []
    for al in alignment:
        tags.append(doc[al[0]].pos_ if al else "X")

    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            base = affinity.get((tags[i], tags[j]), 0.05)
            attention[i, j] = base * np.exp(-(i - j) / 6.0)
        attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "pos_transition_matrix", attention


# Layer 4, Head 8
def parenthesis_and_quote_depth_L4H8(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Tokens attend to tokens of the same nesting depth, with depth counted over brackets and quotes."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    depth = 0
    in_quote = False
    levels = []
    for tok in tokens:
        t = tok.replace("Ġ", "")
        if t.startswith("(") or t.startswith("["):
            depth += 1
        if '"' in t:
            in_quote = not in_quote
        levels.append(depth + (1 if in_quote else 0))
        if t.endswith(")") or t.endswith("]"):
            depth = max(0, depth - 1)

    for i in range(n):
        same = [j for j in range(max(0, i - 12), i) if levels[j] == levels[i]]
        for rank, j in enumerate(reversed(same)):
            attention[i, j] += 0.3 / (1 + rank)
        attention[i, 0] += 0.25
        attention[i, i] += 0.1

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "parenthesis_and_quote_dep", attention


# Layer 5, Head 5
def content_words_since_last_verb_L5H5(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Collects content words since the last verb; every token spreads attention over that buffer."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    buffer = []
    last_verb = 0
    for i in range(n):
        words = [doc[k] for k in alignment[i] if k < len(doc)]
        is_verb = any(w.pos_ == "VERB" for w in words)
        is_content = any(w.pos_ in {"NOUN", "PROPN", "ADJ", "NUM"} for w in words)

        attention[i, last_verb] += 0.3
        if buffer:
            share = 0.4 / len(buffer)
            for j in buffer:
                attention[i, j] += share
        else:
            attention[i, 0] += 0.4
        attention[i, i] += 0.1

        if is_verb:
            last_verb = i
            buffer = []
        elif is_content:
            buffer.append(i)

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "content_words_since_last_", attention
