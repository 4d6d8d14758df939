"""Programs written for this project in the manner of the published ones: tokens, after the first new kinds were lifted."""

import math
from collections import defaultdict

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

def _clean(token: str) -> str:
    return token.replace("▁", "").replace("Ġ", "").strip()


def article_noun_lookahead_L2H30(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Tokens after an article look at it, with a bonus when the article is repeated."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    articles = {"the", "a", "an", "this", "that", "his", "her"}
    since_article = -1
    seen_articles = []
    for i in range(n):
        clean = _clean(tokens[i]).lower()
        attention[i, 0] = 0.5 if i > 2 else 0.9
        attention[i, i] += 0.05
        if since_article >= 0 and i - since_article <= 3:
            attention[i, since_article] += 0.3 / (i - since_article)
        if len(seen_articles) >= 2:
            attention[i, seen_articles[-2]] += 0.05
        for back, w in ((1, 0.15), (2, 0.08), (3, 0.04)):
            if i - back > 0:
                attention[i, i - back] += w
        if clean in articles:
            since_article = i
            seen_articles.append(i)
        elif clean in {".", "!", "?"}:
            since_article = -1
    return "article_noun_lookahead", make_row_stochastic(apply_causal_mask(attention))


def line_structure_L4H11(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Code and lists: lines, their first token, and the same column of the line before."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    line_starts = [0]
    for idx, tok in enumerate(tokens):
        if "\n" in tok or tok == "<0x0A>" or "Ċ" in tok:
            if idx + 1 < n:
                line_starts.append(idx + 1)
    for i in range(n):
        current = max(s for s in line_starts if s <= i)
        k = line_starts.index(current)
        attention[i, current] += 0.25
        column = i - current
        if k > 0:
            previous = line_starts[k - 1]
            target = previous + column
            if target < current:
                attention[i, target] += 0.2
            else:
                attention[i, current - 1] += 0.1
        attention[i, 0] += 0.35
        for j in range(max(current, i - 4), i):
            attention[i, j] += 0.1
        attention[i, i] += 0.1
    return "line_structure", make_row_stochastic(apply_causal_mask(attention))


def exponential_position_bias_L6H20(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Logits with a piecewise slope, and a floor for what is far away."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    important = np.array([1.0 if (len(_clean(t)) > 4 and _clean(t).isalpha()) else 0.0 for t in tokens])
    for i in range(n):
        dist = np.arange(i, -1, -1)
        logits = np.where(dist < 5, -0.3 * dist, -1.5 - 0.05 * (dist - 5))
        logits = logits + 0.6 * important[: i + 1]
        logits[0] = logits[0] + 2.5
        probs = np.exp(logits - logits.max())
        probs = probs / probs.sum()
        probs = np.where(probs < 0.005, 0.0, probs)
        attention[i, : i + 1] = probs
    attention = make_row_stochastic(apply_causal_mask(attention))
    return "exponential_position_bias", attention


def pronoun_chain_L10H8(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Chains of pronouns by gender; each links to its last mention and the name that came before the chain."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    genders = {"he": "m", "him": "m", "his": "m", "she": "f", "her": "f", "hers": "f", "they": "p", "them": "p", "their": "p"}
    last_of = {}
    name_before = {}
    last_name = None
    for i in range(n):
        word = _clean(tokens[i])
        g = genders.get(word.lower())
        attention[i, 0] += 0.4
        if g is not None:
            if g in last_of:
                attention[i, last_of[g]] += 0.25
            elif last_name is not None:
                name_before[g] = last_name
            if g in name_before:
                attention[i, name_before[g]] += 0.3
            last_of[g] = i
        elif word.istitle() and i > 0 and len(word) > 2:
            last_name = i
        recent = sorted(last_of.values(), reverse=True)[:2]
        for j in recent:
            attention[i, j] += 0.05
        attention[i, max(0, i - 1)] += 0.15
    return "pronoun_chain", make_row_stochastic(apply_causal_mask(attention))


def repeated_bigrams_L13H1(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Positions of every pair of neighbours; the token after an earlier equal pair."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    bigram_positions = defaultdict(list)
    for i in range(1, n):
        bigram_positions[(tokens[i - 1], tokens[i])].append(i)
    for i in range(n):
        attention[i, 0] += 0.6
        if i >= 1:
            earlier = [p for p in bigram_positions[(tokens[i - 1], tokens[i])] if p < i]
            for p in earlier[-3:]:
                if p + 1 <= i:
                    attention[i, p + 1] += 0.4 / len(earlier[-3:])
        if i >= 2:
            attention[i, i - 2] += 0.05
        unique = len(set(tokens[: i + 1]))
        attention[i, i] += 0.2 * unique / (i + 1)
    return "repeated_bigrams", make_row_stochastic(apply_causal_mask(attention))


def sentence_summary_tokens_L16H16(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Ends of sentences collect their sentence; later sentences look at those ends, the latest most."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    sentence_id = np.zeros(n, dtype=int)
    current = 0
    for i in range(n):
        sentence_id[i] = current
        if _clean(tokens[i]) in (".", "!", "?"):
            current += 1
    ends = {}
    for i in range(n):
        if i == n - 1 or sentence_id[i + 1] != sentence_id[i]:
            ends[sentence_id[i]] = i
    for i in range(n):
        s = int(sentence_id[i])
        weights = np.zeros(n)
        if ends.get(s) == i:
            members = [j for j in range(i) if sentence_id[j] == s]
            for j in members:
                weights[j] += 0.4 / len(members)
        for back in range(1, 4):
            if s - back >= 0:
                weights[ends[s - back]] += 0.3 * 0.5 ** (back - 1)
        weights[0] += 0.5
        weights[i] += 0.1
        attention[i] = weights / weights.sum()
    return "sentence_summary_tokens", make_row_stochastic(apply_causal_mask(attention))


def adaptive_window_L20H4(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """A window that grows with the depth in the sentence, with a cosine shape."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    depth = 0
    for i in range(n):
        if _clean(tokens[i]) in {".", "!", "?", "\n"}:
            depth = 0
        else:
            depth += 1
        window = min(3 + depth // 2, 10)
        total = 0.0
        for j in range(max(0, i - window), i + 1):
            w = 0.5 * (1 + math.cos(math.pi * (i - j) / (window + 1)))
            attention[i, j] = w
            total += w
        scale = 0.5 / total if total > 0 else 0.0
        for j in range(max(0, i - window), i + 1):
            attention[i, j] *= scale
        attention[i, 0] += 0.5
    return "adaptive_window", make_row_stochastic(apply_causal_mask(attention))


def token_length_buckets_L22H9(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Tokens grouped by length; the three nearest of the same group, ranked, and the longest so far."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    groups = {}
    longest = 0
    for i, tok in enumerate(tokens):
        size = min(len(_clean(tok)), 8)
        group = groups.setdefault(size, [])
        for rank, j in enumerate(reversed(group[-3:])):
            attention[i, j] += 0.2 / (rank + 1)
        group.append(i)
        if len(_clean(tok)) > len(_clean(tokens[longest])):
            longest = i
        attention[i, longest] += 0.15
        attention[i, 0] += 0.4
    return "token_length_buckets", make_row_stochastic(apply_causal_mask(attention))
