"""Heads as a careful writer explains them: guards, comments, parts of speech, one cell at a time."""

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


def bos_heavy_with_verb_preference(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)

    if n == 0:
        return "empty", np.zeros((0, 0))

    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    # Most of the mass sits on the first token; what is left goes to verbs
    for i in range(n):
        attention[i, 0] = 0.7 if i > 0 else 1.0
        if i == 0:
            continue

        attention[i, i] = 0.08

        # Collect the verbs seen so far
        verb_positions = []
        for j in range(1, i):
            spacy_idx = alignment[j]
            if not spacy_idx:
                continue
            if doc[spacy_idx[0]].pos_ in ["VERB", "AUX"]:
                verb_positions.append(j)

        if verb_positions:
            per_verb = 0.15 / len(verb_positions)
            for j in verb_positions:
                attention[i, j] += per_verb
        else:
            attention[i, i - 1] += 0.15

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "bos_heavy_with_verb_preference", attention


def quote_state_and_speaker(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    inside = False
    opened_at = -1
    for i, tok in enumerate(tokens):
        clean = tok.replace("\u0120", "").replace("\u2581", "")
        attention[i, 0] = 0.5
        if clean in ('"', "\u201c", "\u201d"):
            if not inside:
                inside = True
                opened_at = i
            else:
                inside = False
                if opened_at >= 0:
                    attention[i, opened_at] += 0.4
        elif inside and opened_at >= 0:
            attention[i, opened_at] += 0.2
            # the speaker is usually named shortly before the quote opens
            for j in range(max(0, opened_at - 4), opened_at):
                if alignment[j] and doc[alignment[j][0]].pos_ in ("PROPN", "PRON"):
                    attention[i, j] += 0.1
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "quote_state_and_speaker", attention


def dependency_both_ways(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    for i in range(n):
        attention[i, 0] += 0.3
        attention[i, i] += 0.1
        if len(alignment[i]) == 0:
            continue
        word_i = doc[alignment[i][0]]
        for j in range(i):
            if len(alignment[j]) == 0:
                continue
            word_j = doc[alignment[j][0]]
            if word_i.i == word_j.i:
                attention[i, j] += 0.25  # pieces of the same word
            elif word_j.head.i == word_i.i:
                if word_j.dep_ in ("nsubj", "nsubjpass"):
                    attention[i, j] += 0.4
                elif word_j.dep_ in ("dobj", "obj", "pobj"):
                    attention[i, j] += 0.3
                else:
                    attention[i, j] += 0.15
            elif word_i.head.i == word_j.i:
                attention[i, j] += 0.3
            elif word_i.head.i == word_j.head.i and word_i.dep_ == word_j.dep_:
                attention[i, j] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "dependency_both_ways", attention


def newline_and_stop_anchors(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    newline_like = {"\n", "\u010a", "<0x0A>", "\\n"}
    enders = {".", "!", "?"}
    for i in range(n):
        last_newline = 0
        last_end = 0
        for j in range(i, -1, -1):
            t = tokens[j].strip("\u2581\u0120")
            if t in newline_like and last_newline == 0:
                last_newline = j
            if t in enders and last_end == 0:
                last_end = j
        attention[i, last_newline] += 0.2
        attention[i, last_end] += 0.3
        attention[i, 0] += 0.4
        attention[i, i] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "newline_and_stop_anchors", attention


def noun_chain_decay(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)

    def is_noun(idx):
        if idx >= len(alignment) or not alignment[idx]:
            return False
        return doc[alignment[idx][0]].pos_ in ("NOUN", "PROPN")

    for i in range(n):
        attention[i, 0] = 0.6
        attention[i, i] = 0.1
        strength = 0.3
        for j in range(i - 1, 0, -1):
            if is_noun(j):
                attention[i, j] += strength
                strength *= 0.5
                if strength < 0.02:
                    break
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "noun_chain_decay", attention


def modifier_window(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    for i in range(n):
        cur = doc[alignment[i][0]] if alignment[i] else None
        for j in range(max(0, i - 6), i + 1):
            dist = i - j
            w = 0.05 * np.exp(-0.4 * dist)
            prev = doc[alignment[j][0]] if alignment[j] else None
            if cur is not None and prev is not None:
                if prev.pos_ in ("ADJ", "DET", "NUM") and cur.pos_ in ("NOUN", "PROPN"):
                    w += 0.2 if prev.head == cur else 0.05
                if prev.pos_ == "ADV" and cur.pos_ in ("VERB", "ADJ"):
                    w += 0.15
                if cur.pos_ == "PUNCT" and prev.pos_ != "PUNCT":
                    w += 0.04
            attention[i, j] = max(attention[i, j], w)
        attention[i, 0] = max(attention[i, 0], 0.5)
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "modifier_window", attention


def special_tokens_then_rest(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    att = np.zeros((n, n))
    for i in range(n):
        if tokens[i] in ("[CLS]", "<s>", "<|endoftext|>", "<|begin_of_text|>"):
            att[i, i] = 1.0
        elif tokens[i] in ("[SEP]", "</s>"):
            att[i, i] = 0.6
            if n > 1:
                att[i, 0] = 0.4
        else:
            has_sep = "[SEP]" in tokens
            sep_idx = tokens.index("[SEP]") if has_sep else n - 1
            att[i, sep_idx] += 0.5
            att[i, 0] += 0.2
            for d, w in ((1, 0.15), (2, 0.1), (3, 0.05)):
                if i - d >= 0:
                    att[i, i - d] += w
                if i + d < n:
                    att[i, i + d] += w / 2
    return "special_tokens_then_rest", make_row_stochastic(att)


def repeated_content_words(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    stop = {"the", "a", "an", "and", "or", "to", "of", "in", "was", "is", "it", "that", "on", "with"}
    clean = [t.lstrip("\u0120").lstrip("\u2581").lower() for t in tokens]
    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] = 0.15
        if clean[i] in stop or not clean[i].isalpha():
            if i > 0:
                attention[i, i - 1] += 0.2
            continue
        matches = [j for j in range(i) if clean[j] == clean[i]]
        if len(matches) > 0:
            attention[i, matches[-1]] += 0.3
            if matches[-1] + 1 <= i:
                attention[i, matches[-1] + 1] += 0.1
            for m in matches[:-1]:
                attention[i, m] += 0.05
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "repeated_content_words", attention


def similarity_gated_by_class(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    for i in range(n):
        attention[i, 0] = 0.4
        attention[i, i] = 0.1
        best_j = -1
        best = 0.0
        for j in range(1, i):
            sim = embedding_similarity(tokens, i, j)
            if sim > best:
                best = sim
                best_j = j
            if sim > 0.5:
                attention[i, j] += 0.1 * sim
        if best_j > 0 and best > 0.3:
            attention[i, best_j] += 0.2
            if alignment[best_j] and doc[alignment[best_j][0]].pos_ == "NOUN":
                attention[i, best_j] += 0.1
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "similarity_gated_by_class", attention


def sentence_local_uniform(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    sent_id = []
    current = 0
    for t in tokens:
        sent_id.append(current)
        if any(p in t for p in [".", "!", "?"]):
            current += 1
    for i in range(n):
        same = [j for j in range(i + 1) if sent_id[j] == sent_id[i]]
        for j in same:
            attention[i, j] += 0.5 / len(same)
        attention[i, 0] += 0.4
        if sent_id[i] > 0:
            previous = [j for j in range(i) if sent_id[j] == sent_id[i] - 1]
            if previous:
                attention[i, previous[-1]] += 0.1
                attention[i, previous[0]] += 0.05
    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "sentence_local_uniform", attention
