"""Programs written for this project in the manner of the published ones, before their kinds of chain were lifted."""

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


# Layer 8, Head 9
def cumulative_frequency_bias_L8H9(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Rare tokens so far receive more attention than frequent ones."""
    from collections import Counter
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    normalized = [t.strip().lower().replace("Ġ", "") for t in tokens]
    counts = Counter()

    for i in range(n):
        counts[normalized[i]] += 1
        weights = np.zeros(i + 1)
        for j in range(i + 1):
            weights[j] = 1.0 / counts[normalized[j]]
            if not normalized[j].isalnum():
                weights[j] *= 0.5
            weights[j] *= np.exp(-0.05 * (i - j))
        weights[0] += 1.0
        attention[i, :i + 1] = weights / weights.sum()

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "cumulative_frequency_bias", attention


# Layer 9, Head 0
def entity_chain_L9H0(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Mentions of one entity form a chain; each mention attends to the mention before and the first mention."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    chains: Dict[str, List[int]] = {}
    chain_of: List[Optional[str]] = [None] * n
    for i in range(n):
        if not alignment[i]:
            continue
        w = doc[alignment[i][0]]
        if w.pos_ == "PROPN" or w.ent_type_:
            key = w.lemma_.lower()
            chains.setdefault(key, []).append(i)
            chain_of[i] = key

    for i in range(n):
        attention[i, 0] = 0.4
        attention[i, i] = max(attention[i, i], 0.15)
        key = chain_of[i]
        if key is None:
            continue
        earlier = [j for j in chains[key] if j < i]
        if not earlier:
            continue
        attention[i, earlier[-1]] += 0.4
        attention[i, earlier[0]] += 0.2
        if len(earlier) > 2:
            for j in earlier[1:-1]:
                attention[i, j] += 0.05

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "entity_chain", attention


# Layer 9, Head 5
def relative_position_kernel_L9H5(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """A fixed kernel over relative distance, vectorised, with an extra sink column and a boosted diagonal."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    idx = np.arange(n)
    dist = idx[:, None] - idx[None, :]
    kernel = np.where(dist >= 0, np.exp(-dist / 4.0), 0.0)
    is_func = np.array([t.lstrip("Ġ").lower() in {"the", "a", "of", "to", "in", "and"} for t in tokens])
    kernel[:, is_func] *= 0.4
    kernel[:, 0] += 1.5
    kernel[idx, idx] *= 0.5
    kernel = np.tril(kernel)
    attention = kernel / kernel.sum(axis=1, keepdims=True)
    return "relative_position_kernel", attention


# Layer 10, Head 3
def two_phase_budget_L10H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """A budget of one per row: first the sink, then matching words, and what remains goes to the neighbourhood."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    lowered = [t.replace("Ġ", "").lower() for t in tokens]

    for i in range(n):
        remaining = 1.0
        sink = 0.5 if i > 3 else 0.3
        attention[i, 0] = sink
        remaining -= sink
        matches = [j for j in range(i) if lowered[j] == lowered[i] and j != 0]
        if matches and lowered[i].isalpha():
            portion = remaining * 0.6
            for j in matches[::-1][:2]:
                attention[i, j] += portion / min(2, len(matches))
            remaining -= portion
        neighbours = range(max(0, i - 2), i + 1)
        for j in neighbours:
            attention[i, j] += remaining / len(neighbours)

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "two_phase_budget", attention


# Layer 11, Head 1
def alternating_topic_shift_L11H1(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """The last two distinct nouns compete; a connective swaps which of them is in focus."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    focus, other = -1, -1
    for i in range(n):
        attention[i, 0] += 0.4
        attention[i, i] += 0.1
        pos = doc[alignment[i][0]].pos_ if alignment[i] else ""
        text = tokens[i].strip("Ġ ").lower()
        if text in ("but", "however", "then"):
            focus, other = other, focus
        if focus >= 0:
            attention[i, focus] += 0.3
        if other >= 0:
            attention[i, other] += 0.1
        if pos in ("NOUN", "PROPN"):
            other = focus
            focus = i

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "alternating_topic_shift", attention


# Layer 11, Head 8
def last_token_summary_L11H8(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Tokens late in a sentence summarise it: evenly over content words, with a cap on the number of targets."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    content = set()
    for k in range(n):
        if any(doc[s].pos_ in {"NOUN", "VERB", "PROPN"} and not doc[s].is_stop for s in alignment[k]):
            content.add(k)

    max_targets = 6
    for i in range(n):
        targets = []
        j = i - 1
        while j >= 0 and len(targets) < max_targets:
            if tokens[j] in {".", "!", "?"}:
                break
            if j in content:
                targets.append(j)
            j -= 1
        mass = 0.6 if targets else 0.0
        for rank, j in enumerate(targets):
            attention[i, j] += mass * (len(targets) - rank) / (len(targets) * (len(targets) + 1) / 2)
        attention[i, 0] += 1.0 - mass
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "last_token_summary", attention
