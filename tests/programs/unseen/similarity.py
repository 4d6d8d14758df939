"""Similar tokens: shared letters, prefixes, endings, and the similarity that a host registers."""

import numpy as np
from typing import List, Tuple
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


def _align_to_spacy(sentence: str, tokens: List[str]) -> List[List[int]]:
    doc = _get_nlp()(sentence)
    out = []
    cursor = 0
    for token in tokens:
        piece = token.replace("\u0120", "").replace("\u2581", "").replace("##", "")
        length = len(piece) if piece else 1
        lo, hi = cursor, cursor + length
        cursor = hi
        hits = []
        for k, word in enumerate(doc):
            if word.idx < hi and word.idx + len(word) > lo:
                hits.append(k)
        out.append(hits)
    return out


def _char_sim(a: str, b: str) -> float:
    a, b = a.strip().lower(), b.strip().lower()
    if not a or not b:
        return 0.0
    if a == b:
        return 1.0
    sa, sb = set(a), set(b)
    return len(sa & sb) / max(len(sa | sb), 1)


def make_row_stochastic(matrix: np.ndarray) -> np.ndarray:
    matrix = np.array(matrix, dtype=np.float64)
    matrix[matrix < 0] = 0
    sums = matrix.sum(axis=1)
    out = np.zeros_like(matrix)
    nonzero = sums > 0
    out[nonzero] = matrix[nonzero] / sums[nonzero, None]
    return out


def apply_causal_mask(matrix: np.ndarray) -> np.ndarray:
    n = matrix.shape[0]
    for i in range(n):
        matrix[i, i + 1 :] = 0
    return matrix


def char_similarity(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            s = _char_sim(tokens[i], tokens[j])
            if s > 0.5:
                attention[i, j] += 0.4 * s
        attention[i, 0] += 0.5
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "char_similarity", attention


def embedding_neighbours(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, i] = 0.3
        for j in range(n):
            if i != j:
                sim = embedding_similarity(tokens, i, j)
                if sim > 0.4:
                    attention[i, j] += 0.5 * sim
                elif sim > 0.2:
                    attention[i, j] += 0.1
    return "embedding_neighbours", make_row_stochastic(attention)


def embedding_and_classes(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    token_to_spacy = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        si = token_to_spacy[i]
        for j in range(n):
            sj = token_to_spacy[j]
            score = 0.02
            if si and sj:
                a, b = doc[si[0]], doc[sj[0]]
                if a.pos_ == b.pos_ and a.pos_ in ("NOUN", "VERB"):
                    score += 0.2 * max(0.0, embedding_similarity(tokens, i, j))
                if a.head.i == b.i:
                    score += 0.3
            attention[i, j] = score
        attention[i, 0] += 0.3
    return "embedding_and_classes", make_row_stochastic(attention)


def most_similar_earlier(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        best_j, best_s = 0, 0.0
        for j in range(i):
            s = embedding_similarity(tokens, i, j)
            if s > best_s:
                best_s, best_j = s, j
        attention[i, best_j] += best_s
        attention[i, 0] += 0.5
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "most_similar_earlier", attention


def top_two_by_letters(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        sims = [(_char_sim(tokens[i], tokens[j]), j) for j in range(i)]
        sims.sort(reverse=True)
        for s, j in sims[:2]:
            if s > 0.3:
                attention[i, j] += 0.3 * s
        attention[i, 0] += 0.6
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "top_two_by_letters", attention


def similarity_row(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        row = np.array([_char_sim(tokens[i], tokens[j]) for j in range(i + 1)])
        row = np.exp(2.0 * row)
        attention[i, : i + 1] = 0.4 * row / row.sum()
        attention[i, 0] += 0.6
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "similarity_row", attention


def shared_bigrams(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)

    def bigrams(t):
        t = t.strip("\u0120\u2581").lower()
        return {t[k : k + 2] for k in range(len(t) - 1)}

    grams = [bigrams(t) for t in tokens]
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            union = grams[i] | grams[j]
            if union:
                attention[i, j] = 0.3 * len(grams[i] & grams[j]) / len(union)
        attention[i, 0] += 0.5
        attention[i, i] += 0.2
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "shared_bigrams", attention


def suffix_family(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    suffixes = ("ing", "ed", "ly", "s", "er")

    def suffix(t):
        for s in suffixes:
            if t.lower().endswith(s) and len(t) > len(s) + 2:
                return s
        return ""

    for i in range(n):
        for j in range(i):
            if suffix(tokens[i]) and suffix(tokens[i]) == suffix(tokens[j]):
                attention[i, j] += 0.3
        attention[i, 0] += 0.6
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "suffix_family", attention


def similarity_with_decay(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            sim = _char_sim(tokens[i], tokens[j]) if i != j else 0.5
            attention[i, j] = sim * 0.9 ** (i - j)
        peak = attention[i].max()
        if peak > 0:
            attention[i] = attention[i] / peak
        attention[i, 0] = max(attention[i, 0], 0.8)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "similarity_with_decay", attention


def letters_of_the_next_token(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n - 1):
        for j in range(i):
            if _char_sim(tokens[i + 1], tokens[j]) >= 0.75:
                attention[i, j] += 0.2
        attention[i, 0] += 0.5
    attention[n - 1, 0] = 1.0
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "letters_of_the_next_token", attention


def average_similarity(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        sims = [embedding_similarity(tokens, i, j) for j in range(n) if j != i]
        mean = sum(sims) / len(sims) if sims else 0.0
        for j in range(n):
            if j != i and embedding_similarity(tokens, i, j) > mean:
                attention[i, j] = 0.1
        attention[i, i] = 0.3
        attention[i, 0] += 0.2
    return "average_similarity", make_row_stochastic(attention)


def similar_or_previous(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(1, n):
        close = [j for j in range(i) if embedding_similarity(tokens, i, j) > 0.35]
        if close:
            for j in close:
                attention[i, j] += 0.6 / len(close)
        else:
            attention[i, i - 1] += 0.6
        attention[i, 0] += 0.3
    attention[0, 0] = 1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "similar_or_previous", attention
