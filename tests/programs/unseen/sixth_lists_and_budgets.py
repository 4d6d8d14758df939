"""Programs written for this project in the manner of the published ones: long ones of position lists, ranks and what is left of a row."""

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
    """Overlap of character bigrams."""
    a = a.replace("▁", "").replace("Ġ", "").lower()
    b = b.replace("▁", "").replace("Ġ", "").lower()
    if not a or not b:
        return 0.0
    if a == b:
        return 1.0
    common = len(set(a) & set(b))
    return common / max(len(set(a) | set(b)), 1)


def newline_and_paragraph_anchors_L5H17(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Sink on BOS, anchors on the newlines before, decay inside a paragraph, and the rest to itself."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    if n == 0:
        return "newline_and_paragraph_anchors", np.zeros((0, 0))
    attention = np.zeros((n, n))

    newline_positions = [k for k, t in enumerate(tokens) if t in ("<0x0A>", "\n", "Ċ") or "\n" in t]
    period_positions = [k for k, t in enumerate(tokens) if t.replace("▁", "").strip() in (".", "!", "?")]

    for i in range(n):
        sink = 0.55 if i > 4 else 0.8
        attention[i, 0] = sink
        remaining = 1.0 - sink

        prev_newlines = [p for p in newline_positions if p < i]
        prev_periods = [p for p in period_positions if p < i]
        if prev_newlines:
            last = prev_newlines[-1]
            attention[i, last] += remaining * 0.3
            remaining *= 0.7
            if len(prev_newlines) > 1:
                attention[i, prev_newlines[-2]] += remaining * 0.1
                remaining *= 0.9
            start = last + 1
        else:
            start = 1

        if prev_periods:
            weights = [0.5 ** r for r in range(len(prev_periods[-3:]))]
            total = sum(weights)
            for r, p in enumerate(prev_periods[-3:][::-1]):
                attention[i, p] += 0.25 * remaining * weights[r] / total
            remaining *= 0.75

        span = [j for j in range(start, i)]
        if span:
            decay = np.array([np.exp(-(i - j) / 4.0) for j in span])
            decay /= decay.sum()
            for j, d in zip(span, decay):
                attention[i, j] += 0.6 * remaining * d
            attention[i, i] += 0.4 * remaining
        else:
            attention[i, i] += remaining

    attention = apply_causal_mask(attention)
    return "newline_and_paragraph_anchors", make_row_stochastic(attention)


def quotes_open_and_close_L9H22(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Inside of a quotation attend to its opening mark, after it to the verb of saying."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    inside = False
    open_pos = -1
    close_pos = -1
    say_pos = -1
    say_words = {"said", "asked", "replied", "shouted", "whispered", "cried"}

    for i, token in enumerate(tokens):
        clean = token.lstrip("▁Ġ").strip()
        attention[i, 0] = 0.5
        if inside and open_pos >= 0:
            attention[i, open_pos] += 0.2
            for j in range(open_pos + 1, i):
                attention[i, j] += 0.1 / (i - open_pos)
        elif close_pos >= 0 and i - close_pos <= 6:
            attention[i, close_pos] += 0.15
            if say_pos > close_pos:
                attention[i, say_pos] += 0.1
        if i > 0:
            attention[i, i - 1] += 0.12

        if clean in ('"', "“", "”", '."', ',"', '?"', '!"'):
            if inside:
                inside = False
                close_pos = i
            else:
                inside = True
                open_pos = i
        if clean.lower() in say_words:
            say_pos = i

    attention = apply_causal_mask(attention)
    return "quotes_open_and_close", make_row_stochastic(attention)


def induction_with_context_L12H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """The token after an earlier copy; longer matches of context weigh more."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))

    for i in range(n):
        scores = np.zeros(i + 1)
        scores[0] = 1.0
        for j in range(1, i):
            if tokens[j - 1] != tokens[i - 1]:
                match = 0
            else:
                match = 1
                while match < 4 and j - 1 - match >= 0 and tokens[j - 1 - match] == tokens[i - 1 - match]:
                    match += 1
            if match:
                scores[j] += 0.3 * match
            elif tokens[j] == tokens[i]:
                scores[j] += 0.1
        if scores.sum() > 1.0:
            scores[0] *= 0.6
        if i > 0:
            scores[i - 1] += 0.15
        attention[i, : i + 1] = scores / scores.sum()

    attention = apply_causal_mask(attention)
    return "induction_with_context", make_row_stochastic(attention)


def similar_subwords_L14H9(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Best three earlier tokens by character similarity, ranked."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    rank_weights = [0.25, 0.12, 0.06]
    for i in range(n):
        attention[i, 0] += 0.5
        attention[i, i] += 0.08
        candidates = []
        for j in range(1, i):
            sim = _char_sim(tokens[i], tokens[j])
            if sim > 0.4:
                candidates.append((sim * (0.98 ** (i - j)), j))
        candidates.sort(key=lambda c: (-c[0], -c[1]))
        for (score, j), w in zip(candidates[:3], rank_weights):
            attention[i, j] += w * score
        left = max(0.0, 1.0 - attention[i].sum())
        recent = list(range(max(1, i - 4), i))
        if recent:
            for j in recent:
                attention[i, j] += left / len(recent)
        else:
            attention[i, 0] += left
    return "similar_subwords", make_row_stochastic(apply_causal_mask(attention))


def first_mentions_and_names_L18H30(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """First mention of every capitalised word; names by the number of their mentions."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    first_pos = {}
    last_pos = {}
    mentions = {}
    for i in range(n):
        clean = tokens[i].replace("▁", "").replace("Ġ", "")
        is_name = len(clean) > 1 and clean[0].isupper() and clean[1:].islower() and i > 0
        attention[i, 0] += 0.45

        if is_name and clean in first_pos:
            attention[i, first_pos[clean]] += 0.2
            attention[i, last_pos[clean]] += 0.15
        elif clean.lower() in ("he", "she", "they", "his", "her", "their"):
            best, best_count = None, 0
            for name, count in mentions.items():
                if count >= best_count:
                    best, best_count = name, count
            if best is not None:
                attention[i, last_pos[best]] += 0.25
        elif i > 0:
            attention[i, i - 1] += 0.15

        if is_name:
            if clean not in first_pos:
                first_pos[clean] = i
            last_pos[clean] = i
            mentions[clean] = mentions.get(clean, 0) + 1
        attention[i, i] += 0.1
    return "first_mentions_and_names", make_row_stochastic(apply_causal_mask(attention))


def segments_between_delimiters_L7H12(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Segments between delimiters: mean of the segment before, and the first token of one's own."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    delimiters = [",", ".", "!", "?", ";", ":", "\n"]
    segments = []
    start = 0
    for i, tok in enumerate(tokens):
        if tok.strip("▁Ġ ") in delimiters:
            segments.append((start, i))
            start = i + 1
    if start < n:
        segments.append((start, n - 1))
    segment_of = np.zeros(n, dtype=int)
    for s, (a, b) in enumerate(segments):
        segment_of[a : b + 1] = s

    for i in range(n):
        s = segment_of[i]
        a, b = segments[s]
        attention[i, 0] = 0.4
        attention[i, a] += 0.2
        for j in range(a, min(b, i) + 1):
            attention[i, j] += 0.15 * (0.9 ** (i - j))
        if s > 0:
            pa, pb = segments[s - 1]
            for j in range(pa, pb + 1):
                attention[i, j] += 0.1 / (pb - pa + 1)
            attention[i, pb] += 0.08
        if s > 1:
            attention[i, segments[s - 2][1]] += 0.04
    return "segments_between_delimiters", make_row_stochastic(apply_causal_mask(attention))
