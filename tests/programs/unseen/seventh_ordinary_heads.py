"""Ordinary heads again: induction, delimiters, names, clauses, duplicates, word pieces, arguments of verbs, blocks."""

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


def induction_with_recency(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Looks at the token after the most recent earlier occurrence of the current token; older ones fade."""
    toks = tokenizer([sentence], return_tensors="pt")
    tokens = tokenizer.convert_ids_to_tokens(toks.input_ids[0])
    n = len(tokens)
    attn = np.zeros((n, n))

    def norm(t):
        return t.replace("\u0120", "").lower()

    seen: Dict[str, List[int]] = {}
    for i, tok in enumerate(tokens):
        key = norm(tok)
        earlier = seen.get(key, [])
        if earlier:
            weight = 0.6
            for p in reversed(earlier):
                if p + 1 < i:
                    attn[i, p + 1] += weight
                    weight *= 0.5
        attn[i, 0] += 0.3
        attn[i, i] += 0.1
        seen.setdefault(key, []).append(i)
    attn = apply_causal_mask(attn)
    return "Layer 5, Head 1: induction with recency", make_row_stochastic(attn)


def delimiter_stack(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Closing brackets and quotes look back at what opened them; tokens inside look at the opener weakly."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attn = np.zeros((n, n))
    pairs = {")": "(", "]": "[", "}": "{"}
    openers = set(pairs.values())
    stack = []
    for i in range(n):
        t = tokens[i].strip("\u0120 ")
        if t in openers:
            stack.append(i)
            attn[i, i] = 1.0
        elif t in pairs and stack:
            j = stack.pop()
            attn[i, j] = 1.0
        elif stack:
            attn[i, stack[-1]] = 0.6
            attn[i, max(0, i - 1)] += 0.4
        else:
            attn[i, max(0, i - 1)] = 1.0
    attn = apply_causal_mask(attn)
    attn = make_row_stochastic(attn)
    return "Layer 3, Head 7: delimiters", attn


def pronoun_to_recent_name(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attn = np.zeros((n, n))
    candidates = []
    for i in range(n):
        words = [doc[k] for k in alignment[i]]
        is_pron = any(w.pos_ == "PRON" for w in words)
        is_name = any(w.pos_ == "PROPN" or w.ent_type_ == "PERSON" for w in words)
        if is_pron and candidates:
            for rank, j in enumerate(candidates[::-1][:3]):
                attn[i, j] += 1.0 / (rank + 1)
        elif is_name:
            attn[i, i] = 0.7
            if candidates:
                attn[i, candidates[-1]] = 0.3
        else:
            attn[i, 0] = 0.8
            attn[i, i] = 0.2
        if is_name:
            candidates.append(i)
    attn = apply_causal_mask(attn)
    return "Layer 8, Head 2: pronoun to recent name", make_row_stochastic(attn)


def previous_same_part_of_speech(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    tags = ["X" if not a else doc[a[0]].pos_ for a in alignment]
    last_of: Dict[str, int] = {}
    attn = np.zeros((n, n))
    for i in range(n):
        tag = tags[i]
        if tag in last_of and tag not in ("PUNCT", "X"):
            attn[i, last_of[tag]] = 0.75
            attn[i, i] = 0.25
        else:
            attn[i, 0] = 1.0
        last_of[tag] = i
    return "Layer 2, Head 9: previous same POS", make_row_stochastic(apply_causal_mask(attn))


def rare_token_anchor(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """All later tokens look at the longest token seen so far, and at tokens that occur once."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attn = np.zeros((n, n))
    cleaned = [t.replace("\u0120", "").lower() for t in tokens]
    counts = {c: cleaned.count(c) for c in set(cleaned)}
    for i in range(n):
        window = range(i + 1)
        longest = max(window, key=lambda j: len(cleaned[j]))
        attn[i, longest] += 0.5
        rare = [j for j in window if counts[cleaned[j]] == 1 and len(cleaned[j]) > 3]
        if rare:
            for j in rare:
                attn[i, j] += 0.4 / len(rare)
        else:
            attn[i, 0] += 0.4
        attn[i, i] += 0.1
    return "Layer 7, Head 4: rare tokens", make_row_stochastic(apply_causal_mask(attn))


def clause_start(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attn = np.zeros((n, n))
    breaks = {",", ";", ":", ".", "!", "?", "and", "but", "or", "because", "that", "which", "who"}
    clause_id = np.zeros(n, dtype=int)
    starts = [0]
    current = 0
    for i in range(1, n):
        prev = tokens[i - 1].lstrip("\u0120").lower()
        if prev in breaks:
            current += 1
            starts.append(i)
        clause_id[i] = current
    for i in range(n):
        s = starts[clause_id[i]]
        attn[i, s] += 0.5
        for j in range(s, i + 1):
            attn[i, j] += 0.5 / (i - s + 1)
    return "Layer 4, Head 6: clause start", make_row_stochastic(apply_causal_mask(attn))


def local_decay_with_sink(
    sentence: str, tokenizer: PreTrainedTokenizerBase, sink: float = 0.35, rate: float = 1 / 4
) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    idx = np.arange(n)
    dist = idx[:, None] - idx[None, :]
    attn = np.where(dist >= 0, np.exp(-rate * dist), 0.0)
    attn[:, 0] += sink * n**0.5
    np.fill_diagonal(attn, 0.2)
    attn = np.tril(attn)
    return "Layer 0, Head 3: local decay", attn / attn.sum(axis=1, keepdims=True)


def list_item_alignment(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Items of an enumeration look at the previous comma and at the item before it."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attn = np.zeros((n, n))
    is_sep = [t.strip("\u0120") in (",", "and", "or") for t in tokens]
    for i in range(n):
        seps = [j for j in range(i) if is_sep[j]]
        if len(seps) >= 2:
            a, b = seps[-2], seps[-1]
            span = b - a - 1
            if span > 0:
                attn[i, a + 1 : b] = 0.5 / span
            attn[i, b] += 0.3
        elif seps:
            attn[i, seps[0]] += 0.6
            if seps[0] > 0:
                attn[i, seps[0] - 1] += 0.2
        attn[i, 0] += 0.2
    return "Layer 6, Head 0: list items", make_row_stochastic(apply_causal_mask(attn))


def separator_and_cls(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    toks = tokenizer([sentence], return_tensors="pt")
    tokens = tokenizer.convert_ids_to_tokens(toks.input_ids[0])
    len_seq = len(tokens)
    out = np.zeros((len_seq, len_seq))
    special = [k for k, t in enumerate(tokens) if t in ("[CLS]", "[SEP]", "<s>", "</s>")]
    for i in range(len_seq):
        for s in special:
            out[i, s] = 1.0
        if not special:
            out[i, -1] = 1.0
        if i in special:
            out[i, i] += 2.0
    out += 1e-4
    out = out / out.sum(axis=1, keepdims=True)
    return "Layer 7, Head 10: separators", out


def duplicate_tokens_matrix(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    same = np.zeros((n, n), dtype=bool)
    for i in range(n):
        for j in range(n):
            a, b = tokens[i].lower().strip("#"), tokens[j].lower().strip("#")
            same[i, j] = i != j and a == b and a.isalpha()
    out = np.where(same, 1.0, 0.0)
    empty = ~same.any(axis=1)
    out[empty, 0] = 1.0
    out += 0.05 * np.eye(n)
    return "Layer 3, Head 1: duplicates", make_row_stochastic(out)


def wordpiece_neighbours(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    rows = []
    word_start = 0
    starts = []
    for i, t in enumerate(tokens):
        if not t.startswith("##"):
            word_start = i
        starts.append(word_start)
    for i in range(n):
        row = np.zeros(n)
        for j in range(n):
            if starts[j] == starts[i]:
                row[j] = 1.0 if j == starts[i] else 0.5
        if row.sum() == 0:
            row[i] = 1.0
        rows.append(row / row.sum())
    return "Layer 1, Head 11: word pieces", np.vstack(rows)


def next_token_bidirectional(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    out = 0.7 * np.eye(n, k=1) + 0.2 * np.eye(n, k=-1)
    out[n - 1, 0] = 0.9
    punct = {".", ",", "!", "?", ";"}
    for i in range(n - 1):
        if tokens[i + 1] in punct:
            out[i, i + 1] = 0.1
            if i + 2 < n:
                out[i, i + 2] = 0.6
    return "Layer 0, Head 2: next token", make_row_stochastic(out)


def verb_to_arguments(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    word_to_tokens: Dict[int, List[int]] = {}
    for t, words in enumerate(alignment):
        for w in words:
            word_to_tokens.setdefault(w, []).append(t)
    deps = {"nsubj": 1.0, "nsubjpass": 1.0, "dobj": 0.9, "iobj": 0.6, "attr": 0.5}
    out = np.zeros((n, n))
    for w in doc:
        if w.dep_ in deps:
            for i in word_to_tokens.get(w.head.i, []):
                for j in word_to_tokens.get(w.i, []):
                    out[i, j] += deps[w.dep_]
                    out[j, i] += 0.5 * deps[w.dep_]
    for i in range(n):
        if out[i].sum() == 0:
            out[i, i] = 0.5
            out[i, 0] = 0.5
    return "Layer 8, Head 10: verb to arguments", make_row_stochastic(out)


def frequent_word_focus(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    from collections import Counter

    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    words = [t.lower() for t in tokens if t.isalpha()]
    counts = Counter(words)
    out = np.zeros((n, n))
    top = [w for w, c in counts.most_common(3)]
    for i in range(n):
        for j in range(n):
            w = tokens[j].lower()
            if w in top:
                out[i, j] = counts[w] / (1 + abs(i - j))
        if out[i].max() == 0:
            out[i, i] = 1.0
    return "Layer 5, Head 5: frequent words", make_row_stochastic(out)


def sentence_blocks(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    grid = [[0.0] * n for _ in range(n)]
    boundaries = [-1] + [i for i, t in enumerate(tokens) if t in {".", "!", "?"}] + [n - 1]
    for start, end in zip(boundaries[:-1], boundaries[1:]):
        for i in range(start + 1, end + 1):
            for j in range(start + 1, end + 1):
                grid[i][j] = 1.0 / (1.0 + abs(i - j))
            grid[i][end] += 0.5
    out = np.array(grid)
    sums = out.sum(axis=1, keepdims=True)
    sums[sums == 0] = 1.0
    return "Layer 2, Head 8: sentence blocks", out / sums


def modifier_to_noun(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    first_token = {}
    for t in range(n):
        for w in alignment[t]:
            if w not in first_token:
                first_token[w] = t
    out = np.full((n, n), 0.01)
    for i in range(n):
        if not alignment[i]:
            out[i, i] = 1.0
            continue
        word = doc[alignment[i][0]]
        if word.dep_ in ("det", "amod", "compound", "poss", "nummod"):
            target = first_token.get(word.head.i)
            if target is not None:
                out[i, target] += 1.0
        elif word.pos_ in ("NOUN", "PROPN"):
            mods = [c.i for c in word.children if c.dep_ in ("det", "amod", "compound")]
            if mods:
                for mod in mods:
                    if mod in first_token:
                        out[i, first_token[mod]] += 1.0 / len(mods)
            else:
                out[i, i] += 0.5
        else:
            out[i, -1] += 0.5
    return "Layer 4, Head 3: modifiers", make_row_stochastic(out)
