"""Punctuation, quotes, clauses and sentences found from the tokens alone."""

import math
import string
from collections import Counter, defaultdict
from typing import Dict, List, Optional, Tuple

import numpy as np
from transformers import PreTrainedTokenizerBase


def make_row_stochastic(matrix: np.ndarray) -> np.ndarray:
    """Rows that sum to one; rows without weight look at the first token."""
    result = np.maximum(np.asarray(matrix, dtype=float), 0.0)
    for i in range(result.shape[0]):
        total = result[i].sum()
        if total > 0:
            result[i] = result[i] / total
        else:
            result[i, 0] = 1.0
    return result


def apply_causal_mask(matrix: np.ndarray) -> np.ndarray:
    result = matrix.copy()
    n = len(result)
    for i in range(n):
        for j in range(i + 1, n):
            result[i, j] = 0.0
    return result


SENTENCE_END = {".", "!", "?"}
CLAUSE_MARKS = (",", ";", ":", "--")
QUOTES = ['"', "''", "``", "\u201c", "\u201d"]


def clean(tok: str) -> str:
    return tok.replace("\u0120", "").replace("\u2581", "").replace("##", "").strip()


def is_punct(tok: str) -> bool:
    c = clean(tok)
    return len(c) > 0 and all(ch in string.punctuation for ch in c)


def sentence_segments(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Each token looks at the start of its own sentence."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    start = 0
    starts = []
    for i, tok in enumerate(tokens):
        starts.append(start)
        if clean(tok) in SENTENCE_END:
            start = i + 1
    for i in range(n):
        s = starts[i]
        attention[i, s] += 0.6
        for j in range(s, i + 1):
            attention[i, j] += 0.4 / (i - s + 1)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "sentence_segments", attention


def quote_parity(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    inside = False
    quoted = np.zeros(n, dtype=bool)
    for i in range(n):
        if any(q in tokens[i] for q in QUOTES):
            inside = not inside
        quoted[i] = inside
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] = 0.3
        for j in range(i + 1):
            if quoted[i] == quoted[j]:
                attention[i, j] += 0.1
        if quoted[i]:
            attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "quote_parity", attention


def last_two_stops(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        found = 0
        for j in range(i - 1, -1, -1):
            if clean(tokens[j]) in SENTENCE_END:
                attention[i, j] += 0.4 if found == 0 else 0.2
                found += 1
                if found == 2:
                    break
        if found == 0:
            attention[i, 0] = 1.0
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "last_two_stops", attention


def comma_counts(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        n_commas = sum(1 for t in tokens[:i] if "," in t)
        attention[i, 0] = 0.8 / (1 + n_commas)
        for j in range(i):
            if "," in tokens[j]:
                attention[i, j] = 0.8 / (n_commas * (1 + n_commas)) + 0.1
        attention[i, i] = 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "comma_counts", attention


def clause_of_token(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    clause_id = []
    current = 0
    for t in tokens:
        clause_id.append(current)
        if clean(t) in CLAUSE_MARKS or clean(t) in SENTENCE_END:
            current += 1
    for i in range(n):
        for j in range(i + 1):
            if clause_id[i] == clause_id[j]:
                attention[i, j] = 0.5 / (1 + i - j)
            elif clause_id[i] - clause_id[j] == 1:
                attention[i, j] = 0.1
        attention[i, 0] = max(attention[i, 0], 0.3)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "clause_of_token", attention


def punctuation_density(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    marks = [1 if is_punct(t) else 0 for t in tokens]
    seen = np.cumsum(marks)
    for i in range(n):
        density = seen[i] / (i + 1)
        attention[i, 0] = 1 - density
        for j in range(i + 1):
            if marks[j]:
                attention[i, j] += density
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "punctuation_density", attention


def brackets(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    depth = 0
    levels = []
    for t in tokens:
        depth += t.count("(") - t.count(")")
        levels.append(max(depth, 0))
    for i in range(n):
        attention[i, 0] = 0.5
        for j in range(i):
            if levels[j] > 0 and levels[i] > 0:
                attention[i, j] = 0.2
            if "(" in tokens[j] and levels[i] > levels[j] - 1:
                attention[i, j] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "brackets", attention


def after_a_stop(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        if i > 0 and tokens[i - 1].strip(" \u0120\u2581") in (".", "!", "?"):
            attention[i, i - 1] = 0.5
            attention[i, 0] = 0.3
            attention[i, i] = 0.2
            continue
        if is_punct(tokens[i]):
            for j in range(max(0, i - 6), i):
                if not is_punct(tokens[j]):
                    attention[i, j] = 0.12
        else:
            attention[i, 0] = 0.75
        attention[i, i] += 0.15
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "after_a_stop", attention


def stop_positions_by_rank(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    stops = [i for i, t in enumerate(tokens) if clean(t) in SENTENCE_END]
    for i in range(n):
        before = [s for s in stops if s < i]
        if before:
            attention[i, before[-1]] += 0.35
            attention[i, before[0]] += 0.15
            for r, s in enumerate(reversed(before)):
                attention[i, s] += 0.2 / (r + 1) ** 2
        else:
            attention[i, 0] += 0.7
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "stop_positions_by_rank", attention


def newline_markers(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    newline = {"\u010a", "<0x0A>", "\n", "\\n"}
    line_start = 0
    for i in range(n):
        attention[i, line_start] += 0.5
        attention[i, 0] += 0.3
        attention[i, i] += 0.2
        if tokens[i] in newline:
            line_start = min(i + 1, n - 1)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "newline_markers", attention


def one_sentence_only(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        j = i
        while j > 0 and clean(tokens[j - 1]) not in SENTENCE_END:
            j -= 1
        attention[i, j : i + 1] = np.linspace(1.0, 2.0, i + 1 - j)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "one_sentence_only", attention


def question_or_not(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    is_question = any("?" in t for t in tokens)
    ends_with_stop = n > 0 and clean(tokens[-1]) == "."
    for i in range(n):
        attention[i, 0] = 0.9 if is_question else 0.6
        attention[i, i] = 0.1 if ends_with_stop else 0.2
        if is_question and tokens[i].lower().endswith(("who", "what", "why", "how")):
            attention[i:, i] += 0.3
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "question_or_not", attention


def distance_to_stop(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    dist = np.full(n, n)
    last = -1
    for i in range(n):
        if last >= 0:
            dist[i] = i - last
        if clean(tokens[i]) in SENTENCE_END:
            last = i
    for i in range(n):
        attention[i, 0] = 1.0 / dist[i] if dist[i] > 0 else 0.0
        attention[i, max(0, i - dist[i])] += 0.5
        attention[i, i] = 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "distance_to_stop", attention


def quote_spans(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    opens = []
    spans = []
    for i, t in enumerate(tokens):
        if '"' in t:
            if opens:
                spans.append((opens.pop(), i))
            else:
                opens.append(i)
    for a, b in spans:
        for i in range(a, b + 1):
            for j in range(a, i + 1):
                attention[i, j] += 0.2
    for i in range(n):
        attention[i, 0] += 0.3
        attention[i, i] += 0.05
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "quote_spans", attention


def punctuation_looks_back(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    strong, weak = 0.5, 0.1
    for i in range(n):
        c = clean(tokens[i])
        w = strong if c in ".!?" and c else weak
        for j in range(i):
            cj = clean(tokens[j])
            if cj.isalpha() and len(cj) >= 4:
                attention[i, j] += w / (1 + 0.2 * (i - j))
            elif cj.isdigit():
                attention[i, j] += w * 2
        attention[i, 0] += 1 - w
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "punctuation_looks_back", attention


def ellipsis_and_dashes(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    specials = [
        i
        for i in range(n)
        if tokens[i].endswith("...") or "\u2014" in tokens[i] or clean(tokens[i]) in ("-", "--", "\u2026")
    ]
    for i in range(n):
        cands = [s for s in specials if s <= i]
        if not cands:
            attention[i, 0] = 0.8
            attention[i, i] = 0.2
        else:
            attention[i, cands] = 0.5 / len(cands)
            attention[i, 0] += 0.5
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "ellipsis_and_dashes", attention


def within_span_of_commas(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        lo = 0
        for j in range(i):
            if clean(tokens[j]) == ",":
                lo = j + 1
        hi = n
        for j in range(i, n):
            if clean(tokens[j]) in (",", "."):
                hi = j
                break
        for j in range(lo, min(hi, i + 1)):
            attention[i, j] += 1.0
        attention[i, 0] += 0.25 * (hi - lo)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "within_span_of_commas", attention


def sentence_numbers(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    sent = np.zeros(n, dtype=int)
    for i in range(1, n):
        sent[i] = sent[i - 1] + (1 if clean(tokens[i - 1]) in SENTENCE_END else 0)
    for i in range(n):
        same = np.where(sent[: i + 1] == sent[i])[0]
        attention[i, same] = 0.5 / len(same)
        attention[i, same[0]] += 0.3
        attention[i, 0] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "sentence_numbers", attention
