"""Programs written for this project in the manner of the published ones, before their kinds of memory were lifted."""

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


# Layer 0, Head 3
def bigram_lookup_decay_L0H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Tokens attend to the position right after the previous occurrence of the same bigram prefix; otherwise recency."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    clean = [t.replace("Ġ", "").lower() for t in tokens]

    seen_at: Dict[str, List[int]] = {}
    for i in range(n):
        key = clean[i]
        hits = seen_at.get(key, [])
        if hits:
            total = 0.5
            share = total / len(hits)
            for h in hits:
                if h + 1 <= i:
                    attention[i, h + 1] += share
        attention[i, 0] += 0.3
        for d in range(1, 4):
            j = i - d
            if j < 0:
                break
            attention[i, j] += 0.2 * (0.5 ** d)
        attention[i, i] += 0.05
        seen_at.setdefault(key, []).append(i)

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "bigram_lookup_decay", attention


# Layer 1, Head 5
def quoted_speech_tracker_L1H5(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Inside quotation marks tokens look at the opening quote; after it, at the speech verb."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))

    quote_stack = []
    opener_for = [-1] * n
    for i, tok in enumerate(tokens):
        if '"' in tok:
            if quote_stack:
                opener_for[i] = quote_stack.pop()
            else:
                quote_stack.append(i)
                opener_for[i] = i
        elif quote_stack:
            opener_for[i] = quote_stack[-1]

    speech_verbs = {"said", "asked", "replied", "shouted", "whispered", "cried"}
    for i in range(n):
        if opener_for[i] >= 0:
            attention[i, opener_for[i]] = 0.6
        else:
            for j in range(i - 1, -1, -1):
                if tokens[j].lstrip("Ġ").lower() in speech_verbs:
                    attention[i, j] = 0.35
                    break
        attention[i, 0] += 0.25
        attention[i, i] += 0.1

    attention = apply_causal_mask(attention)
    return "quoted_speech_tracker", make_row_stochastic(attention)


# Layer 2, Head 0
def subject_of_current_clause_L2H0(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Every token attends to the subject of the clause it is in, found by walking up the dependency tree."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    word_to_first_token = {}
    for idx, words in enumerate(alignment):
        for w in words:
            if w not in word_to_first_token:
                word_to_first_token[w] = idx

    for i in range(n):
        attention[i, 0] = 0.4
        if i > 0:
            attention[i, i - 1] += 0.15
        attention[i, i] += 0.1
        if not alignment[i]:
            continue
        word = doc[alignment[i][0]]
        anchor = word
        while anchor.head != anchor and anchor.pos_ not in ("VERB", "AUX"):
            anchor = anchor.head
        for child in anchor.children:
            if child.dep_ in ("nsubj", "nsubjpass"):
                target = word_to_first_token.get(child.i)
                if target is not None and target <= i:
                    attention[i, target] += 0.35

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "subject_of_current_clause", attention


# Layer 2, Head 9
def windowed_content_average_L2H9(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Attention spreads over the last five tokens in proportion to the token length, with stop words damped."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    stopwords = {"the", "a", "an", "of", "to", "and", "in", "was", "is", "it", "that"}

    lengths = np.array([len(t.strip("Ġ")) for t in tokens], dtype=float)
    damp = np.array([0.3 if t.strip("Ġ").lower() in stopwords else 1.0 for t in tokens])
    saliency = lengths * damp

    window = 5
    for i in range(n):
        lo = max(0, i - window + 1)
        local = saliency[lo:i + 1].copy()
        if local.sum() > 0:
            local = local / local.sum()
        attention[i, lo:i + 1] = 0.6 * local
        attention[i, 0] += 0.4

    attention = make_row_stochastic(apply_causal_mask(attention))
    return "windowed_content_average", attention


# Layer 3, Head 2
def pronoun_to_recent_name_L3H2(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Pronouns attend to recent capitalised names, with gender lists; names attend to earlier copies of themselves."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    male = {"he", "him", "his"}
    female = {"she", "her", "hers"}
    girl_names = {"Lily", "Sue", "Anna", "Mia", "Lucy", "Jane"}
    boy_names = {"Tim", "Tom", "Ben", "Max", "Jack", "Sam"}

    last_girl = None
    last_boy = None
    for i, raw in enumerate(tokens):
        word = raw.replace("Ġ", "")
        low = word.lower()
        attention[i, 0] = 0.5
        attention[i, i] += 0.1
        if low in female and last_girl is not None:
            attention[i, last_girl] += 0.6
        elif low in male and last_boy is not None:
            attention[i, last_boy] += 0.6
        elif low in ("they", "them", "their"):
            for cand in (last_girl, last_boy):
                if cand is not None:
                    attention[i, cand] += 0.3
        if word in girl_names:
            if last_girl is not None:
                attention[i, last_girl] += 0.4
            last_girl = i
        if word in boy_names:
            if last_boy is not None:
                attention[i, last_boy] += 0.4
            last_boy = i

    attention = make_row_stochastic(apply_causal_mask(attention))
    return "pronoun_to_recent_name", attention


# Layer 4, Head 4
def sentence_rank_attention_L4H4(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Tokens attend to the first token of each previous sentence, more for recent ones, and the current sentence start."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))

    sentence_ids = []
    current = 0
    for tok in tokens:
        sentence_ids.append(current)
        if tok in {".", "!", "?"}:
            current += 1
    starts = {}
    for idx, s in enumerate(sentence_ids):
        if s not in starts:
            starts[s] = idx

    for i in range(n):
        s = sentence_ids[i]
        for prev in range(s + 1):
            weight = 0.5 / (1 + (s - prev))
            attention[i, starts[prev]] += weight
        attention[i, i] += 0.2
        if i >= 1:
            attention[i, i - 1] += 0.1

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "sentence_rank_attention", attention


# Layer 4, Head 11
def punctuation_sum_to_content_L4H11(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    """Punctuation gathers the content words since the previous punctuation mark."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    def pos_of(idx):
        if idx < len(alignment) and alignment[idx]:
            return doc[alignment[idx][0]].pos_
        return "X"

    tags = [pos_of(k) for k in range(n)]
    segment = []
    for i in range(n):
        attention[i, i] = 0.15
        attention[i, 0] += 0.35
        if tags[i] == "PUNCT":
            if segment:
                raw = np.array([1.0 / (i - j) for j in segment])
                raw = raw / raw.sum()
                for j, r in zip(segment, raw):
                    attention[i, j] += 0.5 * r
            segment = []
        elif tags[i] in ("NOUN", "VERB", "ADJ", "PROPN"):
            segment.append(i)
            if len(segment) > 1:
                attention[i, segment[-2]] += 0.25

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "punctuation_sum_to_content", attention
