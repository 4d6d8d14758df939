"""Programs that ask for tokens by their numbers, and in other ways than the published ones do."""

from collections import Counter, OrderedDict
from functools import lru_cache

import numpy as np

try:
    import spacy

    NLP = spacy.load("en_core_web_sm")
except Exception:
    NLP = None


def same_ids_array(sentence, tokenizer):
    ids = np.array(tokenizer(sentence)["input_ids"])
    n = len(ids)
    out = (ids[:, None] == ids[None, :]).astype(float)
    out = np.tril(out)
    return "same", out


def counter_ids(sentence, tokenizer):
    ids = tokenizer(sentence)["input_ids"]
    counts = Counter(ids)
    n = len(ids)
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            out[i, j] = 1.0 / counts[ids[j]]
    return "rare", out


def last_seen(sentence, tokenizer):
    ids = tokenizer.encode(sentence)
    last = {}
    n = len(ids)
    out = np.zeros((n, n))
    for i, t in enumerate(ids):
        out[i, last.get(t, 0)] = 1.0
        last[t] = i
    return "last", out


def tokens_from_list(sentence, tokenizer):
    enc = tokenizer([sentence], return_tensors="pt")
    ids = enc["input_ids"][0].tolist()
    toks = [tokenizer.convert_ids_to_tokens(t) for t in ids]
    n = len(toks)
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            if toks[j].endswith(","):
                out[i, j] = 1
    return "commas", out


def seen_set(sentence, tokenizer):
    ids = tokenizer(sentence).input_ids
    seen = set()
    n = len(ids)
    out = np.eye(n)
    for i, t in enumerate(ids):
        if t in seen:
            out[i, ids.index(t)] = 2
        seen.add(t)
    return "seen", out


def arithmetic(sentence, tokenizer):
    ids = tokenizer(sentence).input_ids
    n = len(ids)
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            out[i, j] = 1 + ids[j] % 2
    return "parity", out


def against_a_number(sentence, tokenizer):
    ids = tokenizer(sentence).input_ids
    n = len(ids)
    out = np.eye(n)
    for i in range(n):
        for j in range(i + 1):
            if ids[j] == 5 or ids[j] in (7, 28) or ids[j] > 1000:
                out[i, j] = 3
    return "numbers", out


def sorted_ids(sentence, tokenizer):
    ids = tokenizer(sentence).input_ids
    n = len(ids)
    out = np.eye(n)
    for r, t in enumerate(sorted(ids)):
        out[r, ids.index(t)] += 1
    return "sorted", out


def text_of_a_number(sentence, tokenizer):
    ids = tokenizer(sentence).input_ids
    n = len(ids)
    out = np.eye(n)
    for i in range(n):
        if len(str(ids[i])) > 3 or ids[i] == "the" or not ids[i]:
            out[i, 0] = 1
    return "text", out


def masked(sentence, tokenizer):
    enc = tokenizer(sentence)
    n = sum(enc["attention_mask"])
    return "eye", np.eye(n)


def distinct(sentence, tokenizer):
    ids = tokenizer(sentence)["input_ids"]
    n = len(ids)
    out = np.eye(n) * len(set(ids))
    for i in range(1, n):
        if ids[i] == ids[i - 1]:
            out[i] = 1.0 / n
    return "distinct", out


def changed(sentence, tokenizer):
    enc = tokenizer(sentence)
    ids = enc["input_ids"]
    ids.append(ids[0])
    n = len(enc["input_ids"]) - 1
    out = np.eye(n)
    return "changed", out


def reversed_ids(sentence, tokenizer):
    ids = tokenizer(sentence)["input_ids"]
    n = len(ids)
    out = np.zeros((n, n))
    back = ids[::-1]
    for i in range(n):
        prev = [j for j in range(i) if ids[j] == ids[i]]
        if prev:
            out[i, prev[-1]] = 1.0
            if i + 1 < n and prev[-1] + 1 <= i and ids[prev[-1] + 1] != back[0]:
                out[i, prev[-1] + 1] = 0.5
        else:
            out[i, i] = 1
    return "rev", out


def helper_ids(sentence, tokenizer):
    ids = np.asarray(tokenizer(sentence)["input_ids"])
    return ids, tokenizer.convert_ids_to_tokens(ids.tolist())


def arr_ids(sentence, tokenizer):
    ids, toks = helper_ids(sentence, tokenizer)
    n = len(ids)
    match = ids[:, None] == ids[None, :]
    out = np.zeros((n, n))
    for i in range(1, n):
        hits = np.where(match[i, :i])[0]
        if hits.size:
            out[i, hits[-1] + 1] = 1.0
        else:
            out[i, 0] = 1.0
    return "induction", out


def unique_ids(sentence, tokenizer):
    ids = np.array(tokenizer(sentence, return_tensors="np")["input_ids"][0])
    n = ids.shape[0]
    same = np.equal.outer(ids, ids).astype(float)
    return "outer", np.tril(same, -1) + np.eye(n)


def shift_ids(sentence, tokenizer):
    ids = tokenizer(sentence, return_tensors="np").input_ids[0]
    n = len(ids)
    out = np.eye(n)
    if n > 2:
        prev_same = ids[:-1] == ids[1:]
        for i in range(1, n):
            if prev_same[i - 1]:
                out[i, i - 1] = 2.0
    return "shift", out


def where_ids(sentence, tokenizer):
    ids = np.array(tokenizer.encode(sentence))
    n = len(ids)
    out = np.zeros((n, n))
    for i in range(n):
        where = np.where(ids[:i] == ids[i])[0]
        for j in where:
            out[i, j] = 1.0
        if len(where) == 0:
            out[i, i] = 1
    return "where", out


def put_ids(sentence, tokenizer):
    ids = tokenizer.encode(sentence)
    n = len(ids)
    out = np.zeros((n, n))
    for i in range(n):
        out[i, 0] = ids[i]
    return "put", out


def max_ids(sentence, tokenizer):
    ids = np.array(tokenizer.encode(sentence))
    n = len(ids)
    out = np.eye(n)
    out[np.argmax(ids), 0] = 3
    out[:, 0] += ids / ids.max()
    return "max", out


def minus_infinity(sentence, tokenizer):
    n = len(tokenizer(sentence).input_ids)
    s = np.full((n, n), float("-inf"))
    for i in range(n):
        for j in range(i + 1):
            s[i, j] = -abs(i - j) if j % 2 == 0 else float("-inf")
        s[i, 0] = 1.0
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return "a", e / e.sum(axis=1, keepdims=True)


def rows_of_scores(sentence, tokenizer):
    n = len(tokenizer(sentence).input_ids)
    rows = []
    for i in range(n):
        scores = []
        for j in range(n):
            if j > i:
                scores.append(float("-inf"))
                continue
            scores.append(1.0 if j == 0 else 0.5)
        e = np.exp(np.array(scores) - max(scores))
        rows.append(e / e.sum())
    return "b", np.array(rows)


def first_of_its_kind(sentence, tokenizer):
    toks = tokenizer.convert_ids_to_tokens(tokenizer(sentence).input_ids)
    n = len(toks)
    first = OrderedDict()
    m = np.zeros((n, n))
    for i, t in enumerate(toks):
        if t not in first:
            first[t] = i
        m[i, first[t]] = 1
    return "c", m


@lru_cache(maxsize=1)


def load():
    import spacy
    return spacy.load("en_core_web_sm")


def length_of_the_parse(sentence, tokenizer):
    n = len(tokenizer(sentence).input_ids)
    doc = load()(sentence)
    m = np.eye(n)
    m[:, 0] += len(doc)
    return "d", m


def parse_if_there_is_one(sentence, tokenizer):
    n = tokenizer(sentence, return_tensors="pt").input_ids.shape[1]
    m = np.eye(n)
    if NLP is not None:
        m[:, 0] += len(NLP(sentence))
    return "parse", m


def one_text_in_a_batch(sentence, tokenizer):
    toks = tokenizer([sentence], return_tensors="pt")
    len_seq = len(toks.input_ids[0])
    out = np.zeros((len_seq, len_seq))
    for i in range(len_seq):
        out[i, : i + 1] = 1.0 / (i + 1)
    return "uniform", out


def list_of_a_batch(sentence, tokenizer):
    ids = tokenizer(sentence, return_tensors="np")["input_ids"].tolist()[0]
    tokens = tokenizer.convert_ids_to_tokens(ids[:])
    n = len(ids)
    out = np.zeros((n, n))
    for i in range(n):
        same = [j for j in range(i) if ids[j] == ids[i] and tokens[j].isalpha()]
        out[i, same[-1] if same else i] = 1.0
    return "list", out


def tokens_of_the_encoding(sentence, tokenizer):
    enc = tokenizer(sentence)
    tokens = enc.tokens()
    n = len(enc.input_ids)
    out = np.zeros((n, n))
    for i in range(n):
        out[i, i - 1 if i and tokens[i - 1] != "," else i] = 1
    return "tokens", out


def chosen_number(sentence, tokenizer):
    ids = tokenizer(sentence)["input_ids"]
    n = len(ids)
    wanted = ids[1] if n > 3 else ids[0]
    out = np.eye(n)
    for i in range(n):
        for j in range(i):
            if ids[j] == wanted:
                out[i, j] += 1
    return "wanted " + str(n), out
