"""Programs written for this project in the manner of the published ones: tokens by their texts, before their kinds of test were lifted."""

import re
import string
from collections import Counter, defaultdict

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

WORD_RE = re.compile(r"^[Ġ▁]?[A-Za-z]+$")
NUMBER_RE = re.compile(r"\d")


def capital_names_by_pattern_L2H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Name head: capitalised words look back at earlier mentions, anything else at the sink."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    name_pattern = re.compile(r"^[Ġ▁]?[A-Z][a-z]+$")
    names = [i for i, t in enumerate(tokens) if name_pattern.match(t)]

    for i in range(n):
        attention[i, 0] += 0.5
        attention[i, i] += 0.1
        earlier = [j for j in names if j < i]
        if i in names and earlier:
            same = [j for j in earlier if tokens[j] == tokens[i]]
            if same:
                for j in same:
                    attention[i, j] += 0.4 / len(same)
            else:
                attention[i, earlier[-1]] += 0.2
        elif earlier:
            for rank, j in enumerate(reversed(earlier[-3:])):
                attention[i, j] += 0.15 / (rank + 1)
        if re.search(r"[.!?,;:]", tokens[i]) and i > 0:
            attention[i, i - 1] += 0.2

    attention = apply_causal_mask(attention)
    return "capital_names_by_pattern", make_row_stochastic(attention)


def frequency_weighted_sink_L3H9(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Rare tokens attract attention; the commonest ones of the text do not."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    clean = [t.replace("Ġ", "").replace("▁", "").lower() for t in tokens]
    counts = Counter(clean)
    most_common = {word for word, _ in counts.most_common(3)}

    for i in range(n):
        row = np.zeros(n)
        for j in range(i + 1):
            rarity = 1.0 / counts[clean[j]]
            w = 0.05 * rarity * np.exp(-0.1 * (i - j))
            if clean[j] in most_common:
                w *= 0.3
            if clean[j] and clean[j][0] in string.punctuation:
                w *= 1.5
            row[j] = w
        row[0] += 0.6
        if i > 0:
            row[i - 1] += 0.1
        total = row.sum()
        if total > 0:
            row /= total
        attention[i] = row

    return "frequency_weighted_sink", make_row_stochastic(apply_causal_mask(attention))


def bracket_and_quote_matching_L4H1(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Closing brackets look at the bracket that they close."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    stack = []
    match = {}
    depth = [0] * n
    for i, tok in enumerate(tokens):
        if "(" in tok or "[" in tok:
            stack.append(i)
        elif ")" in tok or "]" in tok:
            if stack:
                match[i] = stack.pop()
        depth[i] = len(stack)

    for i in range(n):
        if i == 0:
            attention[0, 0] = 1.0
            continue
        attention[i, 0] = 0.5
        attention[i, i - 1] += 0.2
        if i in match:
            attention[i, match[i]] += 0.8
        for j in range(max(0, i - 6), i):
            if depth[j] == depth[i]:
                attention[i, j] += 0.05

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "bracket_and_quote_matching", attention


def word_piece_groups_L1H5(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Pieces of one word look at the first piece; first pieces look at the previous word's first piece."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    groups = []
    for idx, tok in enumerate(tokens):
        if not groups or tok.startswith("Ġ") or tok.startswith("▁") or not tok.isalpha():
            groups.append([idx])
        else:
            groups[-1].append(idx)

    group_of = {}
    for g, members in enumerate(groups):
        for m in members:
            group_of[m] = g

    attention = np.zeros((n, n))
    for g, members in enumerate(groups):
        for m in members:
            attention[m, members[0]] += 0.5
            for other in members:
                if other <= m:
                    attention[m, other] += 0.1
            if g > 0:
                prev = groups[g - 1]
                attention[m, prev[-1]] += 0.2
                attention[m, prev[0]] += 0.1
            attention[m, 0] += 0.3

    return "word_piece_groups", make_row_stochastic(apply_causal_mask(attention))


def distinct_word_numbering_L5H8(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Words that were new to the text lately attract attention."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    ids = {}
    order = []
    for t in tokens:
        key = t.strip("Ġ▁").lower()
        if key not in ids:
            ids[key] = len(ids)
        order.append(ids[key])

    novelty = [0.0] * n
    best = -1
    for i, o in enumerate(order):
        if o > best:
            novelty[i] = 1.0
            best = o

    for i in range(n):
        attention[i, 0] = 0.45
        recent_new = 0
        for j in range(i, -1, -1):
            if novelty[j]:
                attention[i, j] += 0.2 * (0.8 ** recent_new)
                recent_new += 1
                if recent_new >= 4:
                    break
        for j in range(i):
            if order[j] == order[i]:
                attention[i, j] += 0.3

    return "distinct_word_numbering", make_row_stochastic(apply_causal_mask(attention))


def comma_clause_blocks_L6H2(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Clauses between commas: inside one's own clause first, then at the start of the clause before."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    bounds = [0] + [i + 1 for i, t in enumerate(tokens) if t.strip("Ġ▁") in {",", ";", ".", "!", "?"}] + [n]
    clauses = [(a, b) for a, b in zip(bounds, bounds[1:]) if b > a]

    for c, (start, end) in enumerate(clauses):
        for i in range(start, end):
            for j in range(start, i + 1):
                attention[i, j] = 0.3 * 0.85 ** (i - j)
            if c > 0:
                prev_start, prev_end = clauses[c - 1]
                attention[i, prev_start] += 0.15
                attention[i, prev_end - 1] += 0.1
            attention[i, 0] += 0.4

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "comma_clause_blocks", attention
