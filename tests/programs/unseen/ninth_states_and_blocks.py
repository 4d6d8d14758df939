"""Heads with states, blocks and several returns: modes and flags, blocks of words, early matrices, clauses."""

import string
from typing import Dict, List, Optional, Set, Tuple

import numpy as np
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


def comma_list_L5H11(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    comma_count = 0
    last_comma = -1
    for i in range(n):
        tok = tokens[i].strip().lstrip("Ġ")
        if last_comma >= 0 and i - last_comma <= 5:
            attention[i, last_comma] = 0.4
        if tok == ",":
            comma_count += 1
            if last_comma >= 0:
                attention[i, last_comma] += 0.3
            last_comma = i
        elif tok in ("and", "or") and comma_count > 0:
            attention[i, last_comma] += 0.5
        elif tok in (".", "!", "?"):
            comma_count = 0
            last_comma = -1
        attention[i, 0] += 0.2
        attention[i, i] += 0.1
    return "comma_list_L5H11", make_row_stochastic(attention)


def subword_tail_L1H5(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    i = 0
    while i < n:
        j = i + 1
        while j < n and not tokens[j].startswith("Ġ") and tokens[j].isalpha():
            j += 1
        for a in range(i, j):
            for b in range(i, a + 1):
                attention[a, b] = 1.0
            if i > 0:
                attention[a, i - 1] = 0.5
        i = j
    attention[:, 0] += 0.2
    return "subword_tail_L1H5", make_row_stochastic(attention)


def bert_punct_to_verb_L8H8(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    if n <= 2:
        return "bert_punct_to_verb_L8H8", make_row_stochastic(np.ones((n, n)))
    doc = spacy_parse(sentence)
    token_to_spacy = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))

    def get_pos(idx):
        if idx < len(token_to_spacy) and token_to_spacy[idx]:
            return doc[token_to_spacy[idx][0]].pos_
        return ""

    for i in range(n):
        pos_i = get_pos(i)
        for j in range(n):
            pos_j = get_pos(j)
            score = 0.02
            if pos_i == "PUNCT" and pos_j in ("VERB", "AUX"):
                score += 0.5
            elif pos_i == pos_j and i != j:
                score += 0.15
            elif pos_i in ("NOUN", "PROPN", "PRON") and pos_j == "VERB":
                score += 0.25 * np.exp(-abs(i - j) / 4.0)
            if abs(i - j) == 1:
                score += 0.1
            attention[i, j] = score
    return "bert_punct_to_verb_L8H8", make_row_stochastic(attention)


def speaker_tag_L10H10(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    speech_verbs = {"said", "says", "asked", "replied", "shouted"}
    inside = False
    speaker = 0
    for i in range(n):
        t = tokens[i].lstrip("Ġ▁")
        if t.startswith('"'):
            inside = not inside
        if t.lower() in speech_verbs and i > 0:
            speaker = i - 1
        if inside:
            attention[i, speaker] += 0.6
            attention[i, i] += 0.1
        else:
            attention[i, 0] += 0.5
            for j in range(max(0, i - 2), i):
                attention[i, j] += 0.15
    attention = apply_causal_mask(attention)
    return "speaker_tag_L10H10", make_row_stochastic(attention)


def negation_scope_L9H1(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    negations = {"not", "no", "never", "n't", "without"}
    attention = np.zeros((n, n))
    scope_start = -1
    scope_len = 0
    for i in range(n):
        w = tokens[i].strip("Ġ▁ ").lower()
        if w in negations:
            scope_start = i
            scope_len = 0
        elif w in {".", ",", "but"}:
            scope_start = -1
        elif scope_start >= 0:
            scope_len += 1
        attention[i, 0] += 0.5
        if scope_start >= 0:
            attention[i, scope_start] += 0.5 / (1 + scope_len)
        attention[i, i] += 0.2
    return "negation_scope_L9H1", make_row_stochastic(attention)


def try_index_lookup(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
    plain = [t.strip("Ġ▁").lower() for t in tokens]
    for i, w in enumerate(plain):
        try:
            j = plain.index(w, 0, i)
        except ValueError:
            j = i
        A[i, j] += 0.7
        A[i, 0] += 0.3
    return "first copy by index", make_row_stochastic(A)


def ternary_and_early_return(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    if n < 3:
        return "short", np.tril(np.ones((n, n)))
    score = lambda a, b: 1.0 if a == b else (0.5 if a[-2:] == b[-2:] else 0.1)
    A = np.array([[score(tokens[i], tokens[j]) if j <= i else 0.0 for j in range(n)] for i in range(n)])
    if not any(t.isupper() for t in tokens):
        A[:, 0] += 1.0
        return "suffix match", make_row_stochastic(A)
    A[:, 0] += 0.5
    return "suffix match", make_row_stochastic(A)


def while_sentence_blocks(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
    start = 0
    while start < n:
        end = start
        while end < n and tokens[end] not in (".", "!", "?"):
            end += 1
        stop = min(end + 1, n)
        for i in range(start, stop):
            A[i, start] = 0.6
            if start > 0:
                A[i, start - 1] = 0.3
            A[i, i] += 0.1
        start = end + 1
    return "sentence blocks", make_row_stochastic(A)


def state_machine_modes(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
    mode, anchor = "text", 0
    for i, raw in enumerate(tokens):
        t = raw.lstrip("Ġ▁")
        if mode == "text" and t in ('"', "“"):
            mode, anchor = "quote", i
        elif mode == "quote" and t in ('"', "”"):
            A[i, anchor] += 1.0
            mode = "text"
        elif t in (".", "!", "?") and mode == "text":
            anchor = i
        A[i, anchor] += 0.6 if mode == "quote" else 0.3
        A[i, i] += 0.2
    return "modes", make_row_stochastic(A)


def sorted_by_length_links(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    lengths = np.array([len(t) for t in tokens])
    order = np.argsort(-lengths, kind="stable")
    A = np.zeros((n, n))
    top = set(order[: max(1, n // 4)].tolist())
    for i in range(n):
        for j in range(i + 1):
            if j in top:
                A[i, j] = lengths[j] / lengths.max()
            else:
                A[i, j] = 0.05
        A[i, i] += 0.2
    return "longest quarter", make_row_stochastic(A)


def dialogue_turns_L11H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    in_quote = False
    quote_start = None
    previous_quotes = []
    for i in range(n):
        tok = tokens[i].replace("Ġ", "")
        if '"' in tok:
            if in_quote:
                previous_quotes.append((quote_start, i))
                in_quote = False
            else:
                quote_start = i
                in_quote = True
        attention[i, 0] += 0.4
        if in_quote and quote_start is not None:
            attention[i, quote_start] += 0.4
        elif previous_quotes:
            s, e = previous_quotes[-1]
            attention[i, s] += 0.2
            attention[i, e] += 0.2
        attention[i, i] += 0.1
    return "dialogue_turns_L11H3", make_row_stochastic(attention)


def previous_occurrence_chain_L7H9(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    last_seen = {}
    for i in range(n):
        tok = tokens[i].strip().lower().replace("Ġ", "")
        attention[i, 0] = 0.5
        if tok in last_seen:
            prev = last_seen[tok]
            attention[i, prev] += 0.3
            if prev + 1 < i:
                attention[i, prev + 1] += 0.4
            if prev > 0:
                attention[i, prev - 1] += 0.1
        else:
            attention[i, max(0, i - 1)] += 0.2
        last_seen[tok] = i
        attention[i, i] += 0.1
    return "previous_occurrence_chain_L7H9", make_row_stochastic(attention)


def story_character_L9H7(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    character_positions = {}
    first_character = None
    for i, token in enumerate(tokens):
        word = token.replace("Ġ", "").replace("▁", "")
        attention[i, 0] = 0.4
        if word.lower() in ("he", "she", "they", "him", "her") and first_character is not None:
            positions = character_positions[first_character]
            attention[i, positions[-1]] += 0.4
            attention[i, positions[0]] += 0.1
        elif word in character_positions:
            for p in character_positions[word]:
                attention[i, p] += 0.3 / len(character_positions[word])
        if len(word) > 1 and word[0].isupper() and word[1:].islower() and i > 0:
            if word not in character_positions:
                character_positions[word] = []
                if first_character is None:
                    first_character = word
            character_positions[word].append(i)
        attention[i, i] += 0.1
    return "story_character_L9H7", make_row_stochastic(attention)


def bert_two_segments_L9H0(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    boundary = None
    for i, tok in enumerate(tokens):
        if tok in (".", "[SEP]") and i < n - 2:
            boundary = i
            break
    attention = np.zeros((n, n))
    if boundary is None:
        attention[:, :] = 1.0 / n
        attention += 0.5 * np.eye(n)
        return "bert_two_segments_L9H0", make_row_stochastic(attention)
    for i in range(n):
        left = i <= boundary
        for j in range(n):
            if (j <= boundary) == left:
                attention[i, j] = 0.6
            else:
                attention[i, j] = 0.1
        attention[i, boundary] += 0.5
        attention[i, i] += 0.3
    return "bert_two_segments_L9H0", make_row_stochastic(attention)
