"""
Predicted attention patterns for individual heads (decoder-only model).
Every program has the signature (sentence, tokenizer) -> (name, matrix).
"""
from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import Any, Callable, Sequence

import numpy as np

EPS = 1e-9
NEG_INF = -1e9

STOPWORDS: frozenset[str] = frozenset(
    """a an the this that these those and or but if so because as of at by for with about to from in on
    up down out off over is am are was were be been being have has had do does did will would can could
    should may might must not no i you he she it we they me him her us them my your his its our their
    who whom which what when where why how there here then than too very just""".split()
)


def encode(sentence: str, tokenizer: Any) -> tuple[np.ndarray, list[str]]:
    ids = np.asarray(tokenizer(sentence)["input_ids"])
    return ids, tokenizer.convert_ids_to_tokens(ids.tolist())


def strip_marker(tok: str) -> str:
    for marker in ("Ġ", "▁", "##", "Ċ"):
        tok = tok.replace(marker, "")
    return tok


def softmax_rows(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    e = np.exp(shifted)
    return e / e.sum(axis=-1, keepdims=True)


def causal_softmax(logits: np.ndarray) -> np.ndarray:
    n = logits.shape[0]
    mask = np.triu(np.ones((n, n), dtype=bool), k=1)
    return softmax_rows(np.where(mask, NEG_INF, logits))


def normalize(weights: np.ndarray) -> np.ndarray:
    weights = np.tril(weights)
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), EPS)


def alibi_bias_L0H3(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Linear distance penalty, as in an ALiBi head with a steep slope."""
    ids, _ = encode(sentence, tokenizer)
    pos = np.arange(len(ids))
    slope = 0.6
    distance = np.abs(pos[:, None] - pos[None, :])
    logits = -slope * distance

    # the sink is not hit by the full penalty
    logits[:, 0] = np.maximum(logits[:, 0], -2.0) + 1.5
    return "alibi_bias_L0H3", causal_softmax(logits)


def token_identity_L1H2(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Equal tokens attend to each other, the rest goes to the sink."""
    ids, _ = encode(sentence, tokenizer)
    same = (ids[:, None] == ids[None, :]).astype(float)
    n = len(ids)
    np.fill_diagonal(same, 0.4)

    # a token with many copies splits its attention among them
    copies = np.tril(same, k=-1).sum(axis=1, keepdims=True)
    same = same / np.maximum(copies, 1.0)
    same[:, 0] += 0.6
    assert same.shape == (n, n)
    return "token_identity_L1H2", normalize(same)


def vectorized_induction_L4H7(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Induction: query i attends to j when token j-1 equals token i."""
    ids, _ = encode(sentence, tokenizer)
    n = len(ids)
    match = ids[:, None] == ids[None, :]
    shifted = np.zeros((n, n), dtype=bool)
    shifted[:, 1:] = match[:, :-1]
    # token i itself must not be the match
    shifted &= np.tri(n, k=-1, dtype=bool)

    logits = 6.0 * shifted
    logits[:, 0] += 4.0
    logits += 0.5 * np.eye(n)
    return "vectorized_induction_L4H7", causal_softmax(logits)


def same_segment_L3H0(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Tokens attend within their own sentence; segments come from a cumulative sum over end marks."""
    _, tokens = encode(sentence, tokenizer)
    ends = np.array([any(p in t for p in ".!?") for t in tokens], dtype=int)
    segment = np.cumsum(ends) - ends
    same = segment[:, None] == segment[None, :]
    prev = segment[:, None] - 1 == segment[None, :]
    weights = same * 1.0 + prev * 0.2
    pos = np.arange(len(tokens))
    dist = np.clip(pos[:, None] - pos[None, :], 0, None)
    weights = weights / np.sqrt(1.0 + dist)
    weights[:, 0] += 0.75
    return "same_segment_L3H0", normalize(weights)


def same_word_pieces_L0H5(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Pieces of one word form a block."""
    _, tokens = encode(sentence, tokenizer)
    begins = np.array([t[:1] in ("Ġ", "▁") or not strip_marker(t).isalnum() for t in tokens], dtype=int)
    word_id = np.cumsum(begins)
    block = (word_id[:, None] == word_id[None, :]).astype(float)
    previous_word = (word_id[:, None] - word_id[None, :] == 1).astype(float)
    out = block + 0.3 * previous_word
    out[:, 0] += 0.1
    return "same_word_pieces_L0H5", normalize(out)


def sink_strength_by_type_L7H6(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """The share left on the first token depends on what kind of token the query is."""
    _, tokens = encode(sentence, tokenizer)
    n = len(tokens)
    words = [strip_marker(t).lower() for t in tokens]

    def sink_share(word: str) -> float:
        if not any(c.isalnum() for c in word):
            return 0.65
        if word in STOPWORDS:
            return 0.9
        return 0.75

    share = np.array([sink_share(w) for w in words])
    rest = np.tril(np.ones((n, n)))
    rest[:, 0] = 0.0
    rest = rest / np.maximum(rest.sum(axis=1, keepdims=True), EPS)
    out = (1.0 - share)[:, None] * rest
    out[:, 0] += share
    out[0] = 0.0
    out[0, 0] = 1.0
    return "sink_strength_by_type_L7H6", out


def gaussian_band_L3H8(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """A bump of attention centred four tokens behind the query."""
    ids, _ = encode(sentence, tokenizer)
    n = len(ids)
    center, width = 4.0, 1.8
    rows, cols = np.indices((n, n))
    offset = rows - cols
    bump = np.exp(-((offset - center) ** 2) / (2 * width ** 2))
    bump[:, 0] += 0.3
    return f"gaussian_band_c{int(center)}_L3H8", normalize(bump)


def punctuation_keys_L5H3(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Keys that are punctuation get a bonus; a comma less than a full stop."""
    _, tokens = encode(sentence, tokenizer)
    text = np.array([strip_marker(t) for t in tokens])
    strong = np.isin(text, [".", "!", "?", '."', '!"', '?"'])
    weak = np.isin(text, [",", ";", ":", "-", '"', ',"'])
    key_bonus = np.where(strong, 3.0, np.where(weak, 1.5, 0.0))
    pos = np.arange(len(tokens))
    logits = key_bonus[None, :] - 0.05 * (pos[:, None] - pos[None, :])
    logits[:, 0] += 3.5
    return "punctuation_keys_L5H3", causal_softmax(logits)


def long_words_L8H2(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Longer tokens carry more information and get more weight."""
    _, tokens = encode(sentence, tokenizer)
    lengths = np.array([len(strip_marker(t)) for t in tokens], dtype=float)
    lengths = np.minimum(lengths, 10.0) / 10.0
    n = len(tokens)
    out = np.tile(lengths ** 2, (n, 1))
    out += 0.3 * np.eye(n)
    out[:, 0] += 1.0
    return "long_words_L8H2", normalize(out)


def shared_prefix_L2H7(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Morphologically related words (same first letters) attend to each other."""
    _, tokens = encode(sentence, tokenizer)
    words = [strip_marker(t).lower() for t in tokens]
    n = len(words)

    def common_prefix(a: str, b: str) -> int:
        k = 0
        for x, y in zip(a, b):
            if x != y:
                break
            k += 1
        return k

    sim = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            longest = max(len(words[i]), len(words[j]))
            if longest == 0:
                continue
            k = common_prefix(words[i], words[j])
            if k >= 3:
                sim[i, j] = k / longest
    sim[:, 0] += 0.4
    sim += 0.2 * np.eye(n)
    return "shared_prefix_L2H7", normalize(sim)


def content_to_content_L6H8(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Content words read earlier content words; function words read their left neighbour."""
    _, tokens = encode(sentence, tokenizer)
    words = [strip_marker(t).lower() for t in tokens]
    content = np.array([w.isalpha() and w not in STOPWORDS for w in words], dtype=float)
    n = len(words)
    out = np.outer(content, content) * 0.5
    out += np.outer(1 - content, np.ones(n)) * np.eye(n, k=-1)
    out += 0.15 * np.eye(n)
    out[:, 0] += 0.5
    return "content_to_content_L6H8", normalize(out)


def last_delimiter_L5H10(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Every token attends to the latest delimiter at or before it."""
    _, tokens = encode(sentence, tokenizer)
    n = len(tokens)
    pos = np.arange(n)
    is_delim = np.array([not any(c.isalnum() for c in strip_marker(t)) for t in tokens])
    latest = np.maximum.accumulate(np.where(is_delim, pos, 0))
    out = np.zeros((n, n))
    out[pos, latest] = 0.6
    out[pos, pos] += 0.1
    out[:, 0] += 0.3
    return "last_delimiter_L5H10", normalize(out)


def log_distance_L2H4(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Slow decay: weight falls with the logarithm of the distance."""
    ids, _ = encode(sentence, tokenizer)
    idx = np.arange(len(ids))
    dist = np.maximum(idx[:, None] - idx[None, :], 0)
    weights = 1.0 / (1.0 + np.log1p(dist))

    # sink grows with the amount of context
    weights[:, 0] *= 1.5 + np.minimum(idx / 20.0, 1.0)
    return "log_distance_L2H4", normalize(weights)


def periodic_offsets_L0H9(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Rotary-like oscillation over the relative position, damped with distance."""
    ids, _ = encode(sentence, tokenizer)
    n = len(ids)
    rel = np.subtract.outer(np.arange(n), np.arange(n))
    wave = 0.5 * (1 + np.cos(2 * np.pi * rel / 6.0))
    damp = np.exp(-0.1 * np.maximum(rel, 0))
    weights = wave * damp
    weights += 0.02  # floor
    return "periodic_offsets_L0H9", normalize(weights)


def nearest_capital_L7H1(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Lower-case words look back at the nearest capitalised word."""
    _, tokens = encode(sentence, tokenizer)
    words = [strip_marker(t) for t in tokens]
    n = len(words)
    caps = np.array([w[:1].isupper() for w in words])
    out = np.zeros((n, n))
    for i in range(n):
        out[i, 0] += 0.45
        out[i, i] += 0.15
        behind = np.flatnonzero(caps[:i])
        if behind.size > 0:
            out[i, behind[-1]] += 0.4
            if caps[i] and behind.size > 1:
                out[i, behind[:-1]] += 0.1
    return "nearest_capital_L7H1", normalize(out)


def top_informative_L9H4(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Only the three most informative earlier tokens are read, by rank."""
    _, tokens = encode(sentence, tokenizer)
    words = [strip_marker(t).lower() for t in tokens]
    n = len(words)

    def info(j: int) -> float:
        w = words[j]
        if not w.isalpha():
            return 0.1
        return 0.2 if w in STOPWORDS else 1.0 + 0.1 * len(w)

    rank_weight = (0.4, 0.2, 0.1)
    out = np.zeros((n, n))
    for i in range(n):
        best = sorted(range(i), key=lambda j: (-info(j), i - j))[:3]
        for weight, j in zip(rank_weight, best):
            out[i, j] += weight
        out[i, 0] += 0.3
        out[i, i] += 0.1
    return "top_informative_L9H4", normalize(out)


def blended_pattern_L4H4(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Weighted sum of a few elementary patterns."""
    ids, tokens = encode(sentence, tokenizer)
    n = len(ids)

    def sink() -> np.ndarray:
        m = np.zeros((n, n))
        m[:, 0] = 1.0
        return m

    def previous() -> np.ndarray:
        m = np.eye(n, k=-1)
        m[0, 0] = 1.0
        return m

    def duplicates() -> np.ndarray:
        m = np.tril(ids[:, None] == ids[None, :], k=-1).astype(float)
        empty = m.sum(axis=1) == 0
        m[empty, 0] = 1.0
        return m / m.sum(axis=1, keepdims=True)

    parts: Sequence[tuple[float, Callable[[], np.ndarray]]] = (
        (0.5, sink),
        (0.3, previous),
        (0.2, duplicates),
    )
    out = sum(weight * make() for weight, make in parts)
    return "blended_pattern_L4H4", normalize(out)


@lru_cache(maxsize=1)
def load_spacy():
    import spacy

    return spacy.load("en_core_web_sm")


def pos_affinity_L6H1(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Part-of-speech affinities between query and key."""
    ids, tokens = encode(sentence, tokenizer)
    n = len(tokens)
    doc = load_spacy()(sentence)

    # character -> part of speech
    char_pos = ["X"] * (len(sentence) + 1)
    for word in doc:
        for c in range(word.idx, word.idx + len(word)):
            char_pos[c] = word.pos_

    tags, cursor = [], 0
    for tok in tokens:
        piece = strip_marker(tok)
        at = sentence.find(piece, cursor) if piece else -1
        if at >= 0:
            tags.append(char_pos[at])
            cursor = at + len(piece)
        else:
            tags.append("X")

    affinity = {
        ("VERB", "NOUN"): 0.6, ("VERB", "PROPN"): 0.8, ("VERB", "PRON"): 0.7,
        ("NOUN", "ADJ"): 0.7, ("NOUN", "DET"): 0.5, ("NOUN", "VERB"): 0.4,
        ("ADP", "VERB"): 0.5, ("PRON", "PROPN"): 0.9, ("PUNCT", "VERB"): 0.4,
        ("AUX", "PRON"): 0.6, ("ADV", "VERB"): 0.5,
    }
    out = np.zeros((n, n))
    for i, q in enumerate(tags):
        for j, k in enumerate(tags[: i + 1]):
            out[i, j] = affinity.get((q, k), 0.0) * 0.8 ** (i - j)
    out[:, 0] += 0.5
    out += 0.1 * np.eye(n)
    return "pos_affinity_L6H1", normalize(out)


def shared_suffix_L3H11(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Words with the same ending (past tense, -ing, plural) attend to each other."""
    _, tokens = encode(sentence, tokenizer)
    suffixes = ("ing", "ed", "ly", "er", "est", "ness", "s")

    by_suffix: dict[str, list[int]] = defaultdict(list)
    n = len(tokens)
    out = np.zeros((n, n))
    for i, tok in enumerate(tokens):
        word = strip_marker(tok).lower()
        suffix = next((s for s in suffixes if len(word) > len(s) + 1 and word.endswith(s)), None)
        if suffix is not None:
            members = by_suffix[suffix]
            if members:
                out[i, members] += 0.6 / len(members)
            members.append(i)
        out[i, i] += 0.15
        out[i, 0] += 0.5
    return "shared_suffix_L3H11", normalize(out)


def clause_depth_L8H5(sentence: str, tokenizer: Any) -> tuple[str, np.ndarray]:
    """Tokens at the same nesting depth of clauses (commas, brackets, subordinators) prefer each other."""
    _, tokens = encode(sentence, tokenizer)
    subordinators = {"that", "which", "who", "because", "when", "if", "while", "where", "although"}
    depth = np.zeros(len(tokens))
    level = 0
    for i, tok in enumerate(tokens):
        word = strip_marker(tok).lower()
        if word in subordinators or "(" in word:
            level += 1
        depth[i] = level
        if word in {",", ";"} or ")" in word:
            level = max(0, level - 1)
        elif word and word[0] in ".!?":
            level = 0
    difference = np.abs(depth[:, None] - depth[None, :])
    pos = np.arange(len(tokens))
    logits = -1.2 * difference - 0.08 * (pos[:, None] - pos[None, :])
    logits[:, 0] += 2.0
    return "clause_depth_L8H5", causal_softmax(logits)
