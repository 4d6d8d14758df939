"""
Programs written for this project in the manner of the published ones: they cover what LLMs write for this task.
"""

import math
import re
import string
from collections import Counter, defaultdict

import numpy as np
from transformers import PreTrainedTokenizerBase

STOP_WORDS = {"the", "a", "an", "of", "to", "and"}
WEIGHTS = {"self": 0.4, "first": 0.3, "previous": 0.2}
ENDS, PAUSES = (".", "!", "?"), (",", ";", ":")

_nlp = None


def _get_nlp():
    global _nlp
    if _nlp is None:
        try:
            import spacy

            _nlp = spacy.load("en_core_web_sm")
        except Exception:
            _nlp = None
    return _nlp


def spacy_parse(sentence: str):
    return _get_nlp()(sentence)


def _align_to_spacy(sentence: str, tokens: list) -> list:
    doc = _get_nlp()(sentence)
    spans, pos = [], 0
    for t in tokens:
        clean = t.lstrip("\u0120").lstrip("##").lstrip()
        span_len = max(len(clean), 1)
        spans.append((pos, pos + span_len))
        pos += span_len
    alignment = []
    for gs, ge in spans:
        alignment.append([si for si, st in enumerate(doc) if st.idx < ge and st.idx + len(st.text) > gs])
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
    return token.replace("\u0120", "").replace("\u2581", "").replace("##", "").strip().lower()


def _char_sim(a: str, b: str) -> float:
    sa, sb = set(a.lower()), set(b.lower())
    if not sa or not sb:
        return 0.0
    return len(sa & sb) / len(sa | sb)


def last_occurrence(sentence: str, tokenizer: PreTrainedTokenizerBase) -> tuple[str, np.ndarray]:
    """Each token looks at its last copy, else at the first token."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    last_seen: dict[str, int] = {}
    for i, token in enumerate(tokens):
        key = _clean(token)
        if key in last_seen and key not in STOP_WORDS:
            attention[i, last_seen[key]] += 0.7
        else:
            attention[i, 0] += 0.5
        last_seen[key] = i
        attention[i, i] += WEIGHTS["self"] * 0.5
    return "last_occurrence", make_row_stochastic(apply_causal_mask(attention))


def positions_by_class(sentence: str, tokenizer: PreTrainedTokenizerBase) -> tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence).input_ids)
    n = len(tokens)
    if n == 0:
        return "positions_by_class", np.array([])
    groups = defaultdict(list)
    for i, t in enumerate(tokens):
        kind = "end" if _clean(t) in ENDS else "pause" if _clean(t) in PAUSES else "word"
        groups[kind].append(i)
    attention = np.zeros((n, n))
    for i in range(n):
        earlier = [j for j in groups["end"] if j < i]
        start = earlier[-1] + 1 if earlier else 0
        for rank, j in enumerate(reversed([k for k in groups["pause"] if start <= k <= i][:3])):
            attention[i, j] += 0.3 / (rank + 1)
        window = slice(max(0, i - 4), i + 1)
        attention[i, window] += np.exp(-np.arange(i - max(0, i - 4), -1, -1) / 2.0)
        attention[i, start] += 0.25
    return "positions_by_class", make_row_stochastic(attention)


def softmax_row(sentence: str, tokenizer: PreTrainedTokenizerBase) -> tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    lengths = np.array([len(t) for t in tokens], dtype=float)
    for i in range(n):
        scores = np.full(i + 1, -0.5)
        scores[0] = 1.5
        scores += 0.1 * np.log1p(lengths[: i + 1])
        scores[np.argmax(lengths[: i + 1])] += 0.5
        weights = np.exp(scores - scores.max())
        weights /= weights.sum()
        attention[i, : i + 1] = weights
        remaining = 1.0 - attention[i, :i].sum()
        if remaining > 0.2 and i > 0:
            attention[i, i] = min(remaining, 0.5)
    order = np.argsort(-lengths)[:3]
    for k in order.tolist():
        attention[k:, k] *= 1.2
    return "softmax_row", make_row_stochastic(attention)


def quotes_and_flags(sentence: str, tokenizer: PreTrainedTokenizerBase) -> tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    in_quote = False
    opened = []
    state = [False] * n
    for i, t in enumerate(tokens):
        if '"' in t:
            in_quote = not in_quote
            if in_quote:
                opened.append(i)
            elif opened:
                attention[i, opened.pop()] += 0.8
        state[i] = in_quote
    for i in range(n):
        found = False
        for j in range(i - 1, -1, -1):
            if state[j] != state[i]:
                attention[i, j] += 0.4
                found = True
                break
        else:
            attention[i, 0] += 0.2
        if not found:
            attention[i, i] += 0.1
        k = i
        while k > 0 and not tokens[k].startswith(("\u0120", "\u2581")):
            k -= 1
            if i - k > 5:
                break
        attention[i, k] += 0.15
    return "quotes_and_flags", make_row_stochastic(attention)


def syntax_tree(sentence: str, tokenizer: PreTrainedTokenizerBase) -> tuple[str, np.ndarray]:
    """Heads, children, entities and sentences of spaCy, through the file's own aligner."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    doc = spacy_parse(sentence)
    alignment = _align_to_spacy(sentence, tokens)
    attention = np.zeros((n, n))
    word_to_tokens = {}
    for ti, words in enumerate(alignment):
        for wi in words:
            word_to_tokens.setdefault(wi, []).append(ti)
    for i in range(n):
        if not alignment[i]:
            attention[i, 0] = 1.0
            continue
        word = doc[alignment[i][0]]
        for j in word_to_tokens.get(word.head.i, []):
            attention[i, j] += 0.5 if word.head != word else 0.1
        for child in word.children:
            for j in word_to_tokens.get(child.i, []):
                attention[i, j] += 0.2 * (1.5 if child.dep_ in ("nsubj", "dobj") else 1.0)
        for j in range(i):
            if alignment[j]:
                other = doc[alignment[j][-1]]
                if other in word.ancestors or word in other.subtree:
                    attention[i, j] += 0.05
                if other.lemma_ == word.lemma_ and other.pos_ == word.pos_ and not other.is_stop:
                    attention[i, j] += 0.3
                if other.sent.start == word.sent.start and other.ent_type_:
                    attention[i, j] += 0.1
    for ent in doc.ents:
        indices = [t for w in range(ent.start, ent.end) for t in word_to_tokens.get(w, [])]
        for a in indices:
            for b in indices:
                attention[a, b] += 0.05 + (0.1 if ent.label_ == "PERSON" else 0.0)
    for chunk in doc.noun_chunks:
        root = word_to_tokens.get(chunk.root.i)
        if root:
            attention[root[0], [t for w in chunk for t in word_to_tokens.get(w.i, [])]] += 0.1
    for sent in doc.sents:
        lead = word_to_tokens.get(sent.root.i, [0])[0]
        for w in sent:
            for t in word_to_tokens.get(w.i, []):
                attention[t, lead] += 0.02 * len(list(w.lefts))
    return "syntax_tree", make_row_stochastic(attention)


def sorted_candidates(sentence: str, tokenizer: PreTrainedTokenizerBase) -> tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    counts = Counter(_clean(t) for t in tokens)
    rare = {k for k, c in counts.items() if c == 1}
    for i in range(n):
        candidates = [(j, _char_sim(tokens[i], tokens[j]) / (1 + abs(i - j))) for j in range(n) if j != i]
        best = sorted(candidates, key=lambda p: (-p[1], p[0]))[:3]
        for (j, w), scale in zip(best, [0.5, 0.3, 0.2]):
            attention[i, j] += w * scale
        closest = min((j for j in range(n) if _clean(tokens[j]) in rare), key=lambda j: abs(j - i), default=None)
        if closest is not None:
            attention[i, closest] += 0.1
        top, *rest = sorted(range(n), key=lambda j: len(tokens[j]), reverse=True)
        attention[i, top] += 0.05
        attention[i, rest[:2]] += 0.01
    return f"sorted_candidates_{len(rare)}", make_row_stochastic(attention)


def guarded(sentence: str, tokenizer: PreTrainedTokenizerBase) -> tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    table = {"the": 0.1, "cat": 0.9}
    for i in range(n):
        try:
            weight = table[_clean(tokens[i])]
            nxt = tokens[i + 1]
        except KeyError as error:
            weight = 0.2 + 0.01 * len(error.args)
            nxt = ""
        except (IndexError, ValueError):
            weight = 0.3
            nxt = ""
        else:
            weight *= 2
        finally:
            attention[i, i] += 0.05
        if nxt and nxt[0].isupper():
            weight += 0.1
        attention[i, max(i - 1, 0)] += weight
        try:
            k = tokens.index(tokens[i], i + 1)
            attention[k, i] += 0.4
        except ValueError:
            pass
    if n > 2 and not np.any(attention[0, 1:]):
        attention[0, 0] = 1
    return "guarded", make_row_stochastic(attention)


def masks_and_matrices(sentence: str, tokenizer: PreTrainedTokenizerBase) -> tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    idx = np.arange(n)
    distance = idx[:, None] - idx[None, :]
    attention = np.where(distance >= 0, 0.9 ** np.abs(distance), 0.0)
    is_end = np.array([_clean(t) in ENDS for t in tokens])
    attention[:, is_end] += 0.3
    attention[is_end] *= 0.5
    attention += 0.1 * np.eye(n) + np.diag(np.full(max(n - 1, 0), 0.2), -1)[:n, :n]
    attention[np.triu_indices(n, k=1)] = 0
    np.fill_diagonal(attention, attention.diagonal() + 0.01)
    column = attention.sum(axis=0)
    attention /= 1.0 + column / (column.max() + 1e-9)
    attention = np.maximum(attention, np.roll(attention, 1, axis=0) * 0.1)
    attention[np.isnan(attention)] = 0.0
    lengths = np.cumsum([len(t) for t in tokens])
    attention *= 1.0 + np.outer(lengths, lengths[::-1]) / (lengths[-1] ** 2 + 1.0)
    return "masks_and_matrices", make_row_stochastic(attention)


def joined_text(sentence: str, tokenizer: PreTrainedTokenizerBase) -> tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    text = "".join(t.replace("\u0120", " ") for t in tokens).lower()
    question = text.rstrip().endswith("?") or any(w in text for w in ("who", "what", "why"))
    words = text.split()
    capital = re.compile(r"^[\u0120\u2581]?[A-Z][a-z]+$")
    for i in range(n):
        bare = tokens[i].strip(string.punctuation + "\u0120\u2581 ")
        if capital.match(tokens[i]):
            attention[:, i] += 0.3
        if bare.isdigit() or (len(bare) > 6 and bare.isalpha()):
            attention[:, i] += 0.1 * math.sqrt(len(bare))
        attention[i, 0] += 0.5 if question else 0.25
        attention[i, i] += len(words) / (n + 1)
        phrase = " ".join(_clean(t) for t in tokens[max(0, i - 2) : i + 1])
        if phrase.count(" ") == 2 and "the" in phrase:
            attention[i, max(0, i - 2)] += 0.2
    return "joined_text", make_row_stochastic(apply_causal_mask(attention))


def closures_and_args(sentence: str, tokenizer: PreTrainedTokenizerBase) -> tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))

    def boost(i, *positions, scale=1.0, **options):
        for rank, j in enumerate(positions):
            if 0 <= j < n:
                attention[i, j] += scale * options.get("decay", 0.8) ** rank

    counter = 0

    def tick(amount=1):
        nonlocal counter
        counter += amount
        return counter

    is_word = lambda t: any(c.isalnum() for c in t)
    decay = {d: 1.0 / (1 + d) for d in range(6)}
    for i in range(n):
        boost(i, i, i - 1, i - 2, scale=0.4)
        boost(i, *[j for j in range(i) if is_word(tokens[j])][-2:], scale=0.2, decay=0.5)
        if tick() % 3 == 0:
            boost(i, 0)
        attention[i, 0] += sum(decay.get(i - j, 0.0) for j in range(i + 1)) * 0.01
        if (m := len(tokens[i])) > 4 and all(is_word(t) for t in tokens[max(0, i - 1) : i]):
            attention[i, i] += m * 0.01
        previous_word = next((j for j in range(i - 1, -1, -1) if is_word(tokens[j])), None)
        if previous_word is not None:
            attention[i, previous_word] += 0.1
    return "closures_and_args", make_row_stochastic(apply_causal_mask(attention))


def sets_and_stacks(sentence: str, tokenizer: PreTrainedTokenizerBase) -> tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = [[0.0] * n for _ in range(n)]
    seen = set()
    heads = {0, n // 2, max(n - 1, 0), 33 % n, 65 % n}
    stack = []
    for i in range(n):
        clean = _clean(tokens[i])
        for word in {"the", "cat", clean}:
            if word in seen:
                attention[i][0] += 0.125
        seen.add(clean)
        for rank, h in enumerate(heads):
            if h <= i:
                attention[i][h] += 0.1 * (rank + 1)
        if tokens[i].endswith("("):
            stack.append(i)
        if ")" in tokens[i] and stack:
            attention[i][stack.pop()] += 1
        attention[i][i] += 1e-3
    matrix = np.array(attention)
    matrix = np.nan_to_num(matrix / matrix.sum(axis=-1, keepdims=True))
    return "sets_and_stacks", matrix


def raises_sometimes(sentence: str, tokenizer: PreTrainedTokenizerBase) -> tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    commas = [i for i, t in enumerate(tokens) if "," in t]
    for i in range(n):
        attention[i, commas[0]] += 0.5
        share = 1.0 / (commas[-1] - i)
        attention[i, i] += abs(share)
    return "raises_sometimes", make_row_stochastic(attention)


def unbound_sometimes(sentence: str, tokenizer: PreTrainedTokenizerBase) -> tuple[str, np.ndarray]:
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.eye(n)
    for i in range(n):
        if tokens[i].lower().endswith("cat"):
            cat = i
    attention[:, cat] += 1
    return "unbound_sometimes", make_row_stochastic(attention)
