import math
import re
from collections import Counter, OrderedDict, defaultdict, deque
from itertools import combinations, groupby
from typing import Dict, List, Optional, Set, Tuple

import numpy as np
import spacy

nlp = spacy.load("en_core_web_sm")

BOS_TOKENS = ("<s>", "<|begin_of_text|>", "<|endoftext|>", "<bos>")


def tokens_of(sentence: str, tokenizer) -> List[str]:
    inputs = tokenizer(sentence, return_tensors="pt")
    return tokenizer.convert_ids_to_tokens(inputs["input_ids"][0].tolist())


def bare(tok: str) -> str:
    return tok.lstrip("Ġ▁ ").rstrip()


def row_norm(a: np.ndarray) -> np.ndarray:
    total = a.sum(axis=-1, keepdims=True)
    return np.where(total > 0, a / np.where(total > 0, total, 1.0), 0.0)


def char_spans(sentence: str, tokens: List[str]) -> List[Tuple[int, int]]:
    """Character span of each token, (0, 0) for special tokens."""
    spans, pos = [], 0
    for t in tokens:
        piece = bare(t)
        if t in BOS_TOKENS or piece == "":
            spans.append((0, 0))
            continue
        at = sentence.find(piece, pos)
        if at == -1:
            spans.append((0, 0))
        else:
            spans.append((at, at + len(piece)))
            pos = at + len(piece)
    return spans


def to_spacy(sentence: str, tokens: List[str], doc) -> List[Optional[int]]:
    owner: Dict[int, int] = {}
    for word in doc:
        for c in range(word.idx, word.idx + len(word.text)):
            owner[c] = word.i
    return [owner.get(s) if e > s else None for s, e in char_spans(sentence, tokens)]


def verb_reads_arguments_L5H2(sentence, tokenizer):
    """Verbs attend to the subject and to auxiliaries on their left; other words rest on the first token."""
    tokens = tokens_of(sentence, tokenizer)
    n = len(tokens)
    doc = nlp(sentence)
    idx = to_spacy(sentence, tokens, doc)
    A = np.zeros((n, n))
    for q in range(n):
        A[q, 0] += 0.4
        A[q, q] += 0.1
        if idx[q] is None:
            continue
        word = doc[idx[q]]
        if word.pos_ not in {"VERB", "AUX"}:
            continue
        wanted = {c.i for c in word.children if c.dep_ in {"nsubj", "nsubjpass", "aux", "neg", "auxpass"}}
        for k in range(q):
            if idx[k] in wanted:
                A[q, k] += 0.5
    return "verb_reads_arguments", row_norm(A)


def modifier_block_L4H0(sentence, tokenizer):
    """Nouns gather the determiners, adjectives and compounds to their left."""
    tokens = tokens_of(sentence, tokenizer)
    n = len(tokens)
    doc = nlp(sentence)
    idx = to_spacy(sentence, tokens, doc)
    weights = {"det": 0.5, "amod": 0.6, "compound": 0.7, "poss": 0.6, "nummod": 0.5}
    A = np.zeros((n, n))
    A[:, 0] = 0.35
    for q, qi in enumerate(idx):
        A[q, q] += 0.25
        for k, ki in enumerate(idx[:q]):
            if qi is None or ki is None:
                continue
            key = doc[ki]
            if key.head.i == qi:
                A[q, k] += weights.get(key.dep_, 0.0)
            elif qi == ki:
                # same word, another piece
                A[q, k] += 0.4
    return "modifier_block", row_norm(A)


def coreference_chain_L9H6(sentence, tokenizer):
    """Pronouns attend to earlier noun subjects, preferring agreement in number and recent mentions."""
    tokens = tokens_of(sentence, tokenizer)
    n = len(tokens)
    doc = nlp(sentence)
    idx = to_spacy(sentence, tokens, doc)
    A = np.zeros((n, n))

    def number_of(word) -> str:
        if word.lower_ in {"they", "them", "their", "we", "us"}:
            return "Plur"
        got = word.morph.get("Number")
        return got[0] if got else "Sing"

    for q in range(n):
        A[q, 0] += 0.5
        A[q, q] += 0.1
        if idx[q] is None or doc[idx[q]].pos_ != "PRON":
            continue
        pronoun = doc[idx[q]]
        scores = {}
        for k in range(q):
            if idx[k] is None:
                continue
            cand = doc[idx[k]]
            if cand.pos_ not in ("NOUN", "PROPN"):
                continue
            score = 1.0
            if number_of(cand) == number_of(pronoun):
                score += 1.0
            if cand.dep_ in ("nsubj", "nsubjpass"):
                score += 1.0
            if cand.ent_type_ == "PERSON":
                score += 0.5
            scores[k] = score * math.exp(-(q - k) / 20)
        if scores:
            total = sum(scores.values())
            for k, s in scores.items():
                A[q, k] += s / total
    return "coreference_chain", row_norm(A)


def lemma_repeat_L3H4(sentence, tokenizer):
    """Words with the same lemma (go, went, going) attend to the earlier form."""
    tokens = tokens_of(sentence, tokenizer)
    n = len(tokens)
    doc = nlp(sentence)
    idx = to_spacy(sentence, tokens, doc)
    lemmas = [doc[k].lemma_.lower() if k is not None and doc[k].is_alpha and not doc[k].is_stop else None for k in idx]
    A = np.zeros((n, n))
    history = defaultdict(list)
    for i, lemma in enumerate(lemmas):
        A[i, 0] += 0.5
        A[i, i] += 0.2
        if lemma:
            for p in history[lemma]:
                A[i, p] += 0.8 if idx[p] != idx[i] else 0.1
            history[lemma].append(i)
    return "lemma_repeat", row_norm(A)


def period_summary_L11H4(sentence, tokenizer):
    tokens = tokens_of(sentence, tokenizer)
    n = len(tokens)
    A = np.zeros((n, n))
    last_stop = 0
    for i, t in enumerate(tokens):
        b = bare(t)
        if b[:1] in (".", "!", "?") and b:
            A[i, last_stop:i + 1] = 1.0
            A[i, last_stop] = 2.0
            last_stop = i
        else:
            A[i, last_stop] += 1.5
            A[i, 0] += 2.0
            A[i, i] += 0.5
    return "period_summary", row_norm(A)


def sticky_recent_topic_L10H7(sentence, tokenizer):
    """Keep a short memory of the latest content words and attend to them."""
    tokens = tokens_of(sentence, tokenizer)
    n = len(tokens)
    memory = deque(maxlen=4)
    A = np.zeros((n, n))
    for i, t in enumerate(tokens):
        word = bare(t).lower()
        A[i, 0] += 0.6
        for age, j in enumerate(reversed(memory)):
            A[i, j] += 0.4 / (age + 1)
        if word.isalpha() and len(word) >= 4:
            memory.append(i)
        A[i, i] += 0.1
    return "sticky_recent_topic", row_norm(A)


def same_token_class_L1H5(sentence, tokenizer):
    """Tokens of one coarse class (word, number, mark, piece) attend to each other."""
    tokens = tokens_of(sentence, tokenizer)

    def klass(tok):
        b = bare(tok)
        if tok in BOS_TOKENS:
            return "bos"
        if b.isdigit():
            return "number"
        if not b.isalnum():
            return "mark"
        if tok != b:
            return "capital" if b[0].isupper() else "word"
        return "piece"

    classes = list(map(klass, tokens))
    n = len(classes)
    A = np.array([[1.0 if classes[i] == classes[j] else 0.1 for j in range(n)] for i in range(n)])
    A = np.tril(A) * np.array([[0.9 ** abs(i - j) for j in range(n)] for i in range(n)])
    A[:, 0] += 1.0
    return "same_token_class", row_norm(A)


def consecutive_duplicates_L2H10(sentence, tokenizer):
    """Runs of the same token collapse on the first of the run."""
    tokens = tokens_of(sentence, tokenizer)
    n = len(tokens)
    A = np.zeros((n, n))
    start = 0
    for key, run in groupby(tokens, key=lambda t: bare(t).lower()):
        length = len(list(run))
        for i in range(start, start + length):
            A[i, start] += 1.0
            A[i, 0] += 1.0
            if i > 0:
                A[i, i - 1] += 0.5
        start += length
    return "consecutive_duplicates", row_norm(A)


def long_range_first_sentence_L12H1(sentence, tokenizer):
    """Later sentences read the content words of the first sentence (the topic)."""
    tokens = tokens_of(sentence, tokenizer)
    n = len(tokens)
    end_first = next((i for i, t in enumerate(tokens) if re.search(r"[.!?]", t)), n - 1)
    topic = [j for j in range(end_first) if bare(tokens[j]).isalpha() and len(bare(tokens[j])) > 3]
    A = np.zeros((n, n))
    for i in range(n):
        A[i, 0] += 1.0
        A[i, i] += 0.2
        if i > end_first and topic:
            A[i, topic] += 0.8 / len(topic)
            A[i, end_first] += 0.3
        elif i > 0:
            A[i, i - 1] += 0.3
    return "long_range_first_sentence", row_norm(A)


def trigram_context_copy_L8H9(sentence, tokenizer):
    """Copy head: compare up to three tokens of left context and attend to the best match's successor."""
    tokens = [bare(t).lower() for t in tokens_of(sentence, tokenizer)]
    n = len(tokens)
    A = np.zeros((n, n))
    for i in range(n):
        best, best_len = None, 0
        for j in range(i):
            length = 0
            while length < 3 and j - length >= 0 and tokens[j - length] == tokens[i - length]:
                length += 1
            if length >= best_len and length > 0:
                best, best_len = j, length
        A[i, 0] += 1.0
        if best is not None and best + 1 <= i:
            A[i, best + 1] += (0.0, 1.0, 3.0, 6.0)[best_len]
        else:
            A[i, i] += 0.1
    return "trigram_context_copy", row_norm(A)


def logistic_recency_L6H3(sentence, tokenizer):
    """Recent tokens count fully, then the weight drops as a logistic curve around distance six."""
    ids = tokenizer(sentence, return_tensors="pt")["input_ids"][0]
    n = ids.shape[0]
    d = np.arange(n)[:, None] - np.arange(n)[None, :]
    midpoint, steepness = 6.0, 1.5
    A = 1.0 / (1.0 + np.exp((d - midpoint) / steepness))
    A[d < 0] = 0.0
    A[:, 0] = np.maximum(A[:, 0], 0.8)
    return "logistic_recency", row_norm(A)


def pairs_of_names_L9H10(sentence, tokenizer):
    """Names which stand together in a sentence are linked in every later mention."""
    tokens = tokens_of(sentence, tokenizer)
    n = len(tokens)
    words = [bare(t) for t in tokens]
    linked: Dict[str, Set[str]] = defaultdict(set)
    current: List[str] = []
    for w in words + ["."]:
        if w[:1] in {".", "!", "?"}:
            for a, b in combinations(sorted(set(current)), 2):
                linked[a].add(b)
                linked[b].add(a)
            current = []
        elif w.istitle() and len(w) > 2 and w not in {"The", "One", "They", "She", "Then", "But", "And", "When"}:
            current.append(w)
    A = np.zeros((n, n))
    for i, w in enumerate(words):
        A[i, 0] += 0.6
        A[i, i] += 0.1
        for j in range(i):
            if words[j] in linked.get(w, ()):
                A[i, j] += 0.5
            elif w in linked and words[j] == w:
                A[i, j] += 0.3
    return "pairs_of_names", row_norm(A)


def possession_verbs_L7H11(sentence, tokenizer):
    """'has', 'had', 'with', 'of' link the thing to the owner."""
    tokens = tokens_of(sentence, tokenizer)
    n = len(tokens)
    words = [bare(t).lower() for t in tokens]
    links = {"has", "had", "have", "with", "of", "owns", "owned", "'s"}
    A = np.zeros((n, n))
    A[:, 0] = 0.5
    for i in range(n):
        A[i, i] += 0.2
        if words[i] in links and i > 0:
            A[i, i - 1] += 0.6
            continue
        if (link := next((j for j in range(i - 1, max(-1, i - 5), -1) if words[j] in links), None)) is not None:
            A[i, link] += 0.5
            if link > 0:
                A[i, link - 1] += 0.3
    return "possession_verbs", row_norm(A)


def bos_or_newline_sink_L13H5(sentence, tokenizer):
    tokens = tokens_of(sentence, tokenizer)
    n = len(tokens)
    has_bos = tokens[0] in BOS_TOKENS
    sinks = [0] if has_bos else []
    sinks += [i for i, t in enumerate(tokens) if "Ċ" in t or t == "<0x0A>"]
    if not sinks:
        sinks = [0]
    A = np.zeros((n, n))
    for i in range(n):
        usable = [s for s in sinks if s <= i]
        if usable:
            share = 0.85 / len(usable)
            for s in usable:
                A[i, s] += share
        A[i, max(0, i - 3):i + 1] += 0.15 / (i + 1 - max(0, i - 3))
    return "bos_or_newline_sink", row_norm(A)


def word_position_match_L2H8(sentence, tokenizer):
    """Tokens attend to the same place in the sentence before (third word to third word, ...)."""
    tokens = tokens_of(sentence, tokenizer)
    n = len(tokens)
    place, sent, p, s = [], [], 0, 0
    for t in tokens:
        place.append(p)
        sent.append(s)
        p += 1
        if bare(t) in (".", "!", "?", '."', '!"', '?"'):
            p, s = 0, s + 1
    A = np.zeros((n, n))
    for i in range(n):
        A[i, 0] += 0.6
        A[i, i] += 0.1
        for j in range(i):
            if sent[j] == sent[i] - 1:
                gap = abs(place[i] - place[j])
                if gap == 0:
                    A[i, j] += 0.5
                elif gap == 1:
                    A[i, j] += 0.15
    return "word_position_match", row_norm(A)


def verbs_of_motion_L6H10(sentence, tokenizer):
    """Places look at the verb of motion that leads to them, over at most one preposition phrase."""
    tokens = tokens_of(sentence, tokenizer)
    words = [bare(t).lower() for t in tokens]
    motion = {"went", "go", "goes", "going", "ran", "run", "walked", "walk", "came", "come", "flew", "jumped", "climbed", "moved", "left", "drove"}
    path = {"to", "into", "from", "over", "through", "up", "down", "out", "across", "home", "away", "back", "around"}
    n = len(words)
    A = np.zeros((n, n))
    verb: Optional[int] = None
    steps = 0
    for i, w in enumerate(words):
        A[i, 0] += 0.55
        A[i, i] += 0.15
        if w in motion:
            verb, steps = i, 0
            continue
        if verb is None:
            continue
        steps += 1
        if not w.isalnum() or steps > 6:
            verb = None
        elif w in path:
            A[i, verb] += 0.7
            steps = 0
        else:
            A[i, verb] += 0.5 / steps if steps else 0.5
    return "verbs_of_motion", row_norm(A)


def rarity_weighted_L8H6(sentence, tokenizer):
    """Key weight = inverse frequency of the token within the text."""
    ids = tokenizer([sentence], return_tensors="pt")["input_ids"][0].tolist()
    freq = Counter(ids)
    n = len(ids)
    idf = np.array([math.log(1 + n / freq[t]) for t in ids])
    A = np.tril(np.ones((n, 1)) * idf[None, :])
    recency = np.array([[1.0 / (1 + i - j) if j <= i else 0.0 for j in range(n)] for i in range(n)])
    A = A * (0.3 + recency)
    A[:, 0] += idf.mean()
    return "rarity_weighted", row_norm(A)


def greeting_and_address_L9H7(sentence, tokenizer):
    """Second-person words inside a quotation attend to the name which is addressed, after a comma."""
    tokens = tokens_of(sentence, tokenizer)
    words = [bare(t) for t in tokens]
    n = len(words)
    addressed = OrderedDict()
    for i in range(1, n):
        if words[i][:1].isupper() and words[i].isalpha() and len(words[i]) > 1 and words[i - 1] in {",", '"', "Hi", "Hello", "Dear"}:
            addressed[i] = words[i]
    A = np.zeros((n, n))
    for i, w in enumerate(words):
        A[i, 0] += 0.6
        A[i, i] += 0.15
        if w.lower() in {"you", "your", "yours", "please", "thank", "thanks"}:
            seen = [k for k in addressed if k < i]
            if seen:
                A[i, seen[-1]] += 0.8
        elif i in addressed:
            A[i, i - 1] += 0.4
    return "greeting_and_address", row_norm(A)


def even_mix_with_temperature_L3H9(sentence, tokenizer):
    """Softmax over hand-made scores with a temperature."""
    tokens = tokens_of(sentence, tokenizer)
    n = len(tokens)
    stop = {"the", "a", "and", "to", "of", "was", "is", "in", "it", "he", "she"}
    temperature = 0.7
    rows = []
    for i in range(n):
        scores = []
        for j in range(n):
            if j > i:
                scores.append(float("-inf"))
                continue
            s = 0.0
            if j == 0:
                s += 2.0
            if bare(tokens[j]).lower() in stop:
                s -= 0.5
            if j == i - 1:
                s += 1.0
            if i != j and bare(tokens[j]).lower() == bare(tokens[i]).lower():
                s += 1.5
            scores.append(s / temperature)
        top = max(scores)
        exps = [math.exp(s - top) for s in scores]
        z = sum(exps)
        rows.append([e / z for e in exps])
    return "even_mix_with_temperature", np.array(rows)


def halves_and_quarters_L0H11(sentence, tokenizer):
    """Rough position head: attends to the tokens at one half and one quarter of its own position."""
    n = len(tokenizer(sentence)["input_ids"])
    A = np.zeros((n, n))
    for i in range(n):
        for divisor, weight in ((1, 0.2), (2, 0.4), (4, 0.3)):
            centre = i // divisor
            A[i, centre] += weight
            for j in (centre - 1, centre + 1):
                if 0 <= j <= i:
                    A[i, j] += weight / 4
        A[i, 0] += 0.2
    return "halves_and_quarters", row_norm(A)
