"""Attention head programs for a llama-type model (causal, BPE tokenizer)."""
import re
from collections import defaultdict, Counter
from typing import Dict, List, Optional, Tuple

import numpy as np
from transformers import PreTrainedTokenizerBase

SPECIAL_TOKENS = {"<s>", "</s>", "<unk>", "<pad>", "<|begin_of_text|>", "<|endoftext|>", "<|end_of_text|>"}
PUNCT = set(".,!?;:\"'()[]-")
SENT_END = {".", "!", "?", '."', '!"', '?"', ".'", "!'", "?'"}
DETERMINERS = {"the", "a", "an", "this", "that", "these", "those", "my", "your", "his", "her", "its", "our", "their", "some", "every"}
PRONOUNS = {"he", "she", "it", "they", "him", "her", "them", "his", "hers", "its", "their", "theirs"}
FUNCTION_WORDS = DETERMINERS | PRONOUNS | {
    "and", "or", "but", "so", "to", "of", "in", "on", "at", "for", "with", "by", "from", "as",
    "is", "was", "are", "were", "be", "been", "had", "has", "have", "did", "do", "does",
    "not", "i", "you", "we", "there", "then", "if", "when", "while", "up", "down",
}

_NLP = None


def get_nlp():
    global _NLP
    if _NLP is None:
        import spacy
        _NLP = spacy.load("en_core_web_sm")
    return _NLP


def get_tokens(sentence: str, tokenizer: PreTrainedTokenizerBase) -> List[str]:
    ids = tokenizer(sentence, return_tensors="pt")["input_ids"][0]
    return tokenizer.convert_ids_to_tokens(ids)


def clean(token: str) -> str:
    """Remove BPE / sentencepiece markers and surrounding whitespace."""
    return token.replace("Ġ", "").replace("▁", "").replace("##", "").replace("Ċ", "\n").strip()


def starts_word(token: str) -> bool:
    return token.startswith("Ġ") or token.startswith("▁")


def is_punct(token: str) -> bool:
    c = clean(token)
    return len(c) > 0 and all(ch in PUNCT for ch in c)


def make_row_stochastic(matrix: np.ndarray) -> np.ndarray:
    matrix = np.clip(matrix, 0, None)
    sums = matrix.sum(axis=1, keepdims=True)
    sums[sums == 0] = 1.0
    return matrix / sums


def apply_causal_mask(matrix: np.ndarray) -> np.ndarray:
    return matrix * np.tril(np.ones_like(matrix))


# Layer 0, Head 2
def bos_sink_with_self_L0H2(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    attention = np.zeros((n, n))

    for i in range(n):
        if i == 0:
            attention[0, 0] = 1.0
            continue

        # Most mass on the sink
        attention[i, 0] = 0.7

        # Content words keep a little more on themselves
        word = clean(tokens[i]).lower()
        if word in FUNCTION_WORDS:
            attention[i, i] = 0.1
        elif is_punct(tokens[i]):
            attention[i, i] = 0.05
        else:
            attention[i, i] = 0.2

        # Remaining mass is spread over the past
        for j in range(1, i):
            attention[i, j] = 0.1 / (i - 1) if i > 1 else 0.0

    return "bos_sink_with_self", make_row_stochastic(attention)


# Layer 1, Head 4
def previous_token_word_aware_L1H4(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    attention = np.zeros((n, n))
    attention[0, 0] = 1.0

    for i in range(1, n):
        continuation = not starts_word(tokens[i]) and not is_punct(tokens[i])
        if continuation:
            # Word pieces look almost exclusively at the preceding piece
            attention[i, i - 1] = 0.9
            attention[i, i] = 0.05
            attention[i, 0] += 0.05
        elif is_punct(tokens[i]):
            attention[i, i - 1] = 0.6
            attention[i, 0] += 0.3
            attention[i, i] += 0.1
        else:
            attention[i, i - 1] = 0.75
            attention[i, 0] += 0.15
            attention[i, i] += 0.1
            if i >= 2:
                attention[i, i - 2] += 0.08

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "previous_token_word_aware", attention


# Layer 2, Head 9
def repeated_token_last_occurrence_L2H9(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    attention = np.zeros((n, n))
    last_seen: Dict[str, int] = {}

    for i, token in enumerate(tokens):
        key = clean(token).lower()
        attention[i, i] = 0.25
        attention[i, 0] += 0.3

        if key in last_seen:
            prev = last_seen[key]
            # Function words and punctuation repeat all the time: less interesting
            if key in FUNCTION_WORDS or is_punct(token):
                attention[i, prev] += 0.3
            else:
                attention[i, prev] += 0.9
        elif i > 0:
            attention[i, i - 1] += 0.2

        if key:
            last_seen[key] = i

    return "repeated_token_last_occurrence", make_row_stochastic(apply_causal_mask(attention))


# Layer 5, Head 1
def induction_L5H1(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    attention = np.zeros((n, n))

    # positions[token] = every place where the token occurred so far
    positions = defaultdict(list)

    for i in range(n):
        key = clean(tokens[i]).lower()
        matched = False
        for p in positions[key]:
            if p + 1 < i:
                # attend to the token which followed the earlier copy
                weight = 1.0
                # two-token context match is stronger
                if p > 0 and i > 0 and clean(tokens[p - 1]).lower() == clean(tokens[i - 1]).lower():
                    weight = 2.0
                attention[i, p + 1] += weight
                matched = True

        if matched:
            attention[i, 0] += 0.6
        else:
            attention[i, 0] += 0.9
            attention[i, i] += 0.1
        positions[key].append(i)

    return "induction", make_row_stochastic(attention)


# Layer 3, Head 3
def punctuation_collector_L3H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    attention = np.zeros((n, n))
    punct_positions = [i for i, t in enumerate(tokens) if is_punct(t)]

    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] += 0.05

        earlier = [p for p in punct_positions if p <= i]
        if not earlier:
            if i > 0:
                attention[i, i - 1] += 0.1
            continue

        # The most recent mark gets most, older marks fade by half each
        weight = 0.4
        for p in reversed(earlier):
            attention[i, p] += weight
            weight *= 0.5
            if weight < 0.02:
                break

    attention = make_row_stochastic(attention)
    return "punctuation_collector", attention


# Layer 4, Head 8
def sentence_boundary_L4H8(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    attention = np.zeros((n, n))

    sentence_start = 0
    previous_end = None
    for i in range(n):
        attention[i, 0] += 0.3
        attention[i, sentence_start] += 0.35
        attention[i, i] += 0.1

        # Also look at the mark that closed the previous sentence
        if previous_end is not None:
            attention[i, previous_end] += 0.25

        if clean(tokens[i]) in SENT_END:
            # The end of the sentence gathers over the whole sentence
            span = i - sentence_start + 1
            for j in range(sentence_start, i + 1):
                attention[i, j] += 0.3 / span
            previous_end = i
            sentence_start = min(i + 1, n - 1)

    attention = apply_causal_mask(attention)
    return "sentence_boundary", make_row_stochastic(attention)


# Layer 6, Head 2
def quote_pairing_L6H2(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    attention = np.zeros((n, n))

    open_quote: Optional[int] = None
    last_close: Optional[int] = None
    for i in range(n):
        has_quote = '"' in tokens[i] or "“" in tokens[i] or "”" in tokens[i]
        attention[i, 0] += 0.4
        attention[i, i] += 0.1

        if has_quote:
            if open_quote is None:
                # An opening quote looks back at the last closed one
                if last_close is not None:
                    attention[i, last_close] += 0.5
                open_quote = i
            else:
                # A closing quote looks at its opening partner
                attention[i, open_quote] += 0.8
                last_close = i
                open_quote = None
        elif open_quote is not None:
            # Inside a quotation
            attention[i, open_quote] += 0.4
        else:
            if last_close is not None and i - last_close < 5:
                attention[i, last_close] += 0.3
            elif i > 0:
                attention[i, i - 1] += 0.15

    return "quote_pairing", make_row_stochastic(attention)


# Layer 3, Head 7
def verb_to_subject_L3H7(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    attention = np.zeros((n, n))

    subject_pronouns = {"i", "he", "she", "it", "we", "they", "you", "who"}
    common_verbs = {"said", "was", "is", "were", "are", "went", "saw", "had", "has", "did", "ran", "came",
                    "took", "made", "got", "felt", "found", "told", "gave", "knew", "thought", "can", "will", "could"}

    def looks_like_verb(tok: str) -> bool:
        w = clean(tok).lower()
        if w in common_verbs:
            return True
        return len(w) > 4 and (w.endswith("ed") or w.endswith("ing"))

    def looks_like_subject(idx: int) -> bool:
        w = clean(tokens[idx])
        if not w:
            return False
        if w.lower() in subject_pronouns:
            return True
        if w[0].isupper() and w.isalpha() and w.lower() not in FUNCTION_WORDS:
            return True
        # noun after a determiner
        return idx > 0 and clean(tokens[idx - 1]).lower() in DETERMINERS and w.isalpha()

    for i in range(n):
        attention[i, 0] += 0.4
        attention[i, i] += 0.2
        if looks_like_verb(tokens[i]):
            for j in range(i - 1, -1, -1):
                if clean(tokens[j]) in SENT_END:
                    break
                if looks_like_subject(j):
                    attention[i, j] += 1.0
                    break
        elif i > 0:
            attention[i, i - 1] += 0.1

    return "verb_to_subject", make_row_stochastic(apply_causal_mask(attention))


# Layer 7, Head 5
def pronoun_to_name_L7H5(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    words = [clean(t) for t in tokens]
    attention = np.zeros((n, n))

    # A name is a capitalised word which does not open a sentence, or one seen twice
    counts = Counter(w for w in words if w[:1].isupper())
    names = []
    for i, w in enumerate(words):
        if not w or not w[0].isupper() or w.lower() in FUNCTION_WORDS or len(w) < 2:
            continue
        sentence_initial = i == 0 or words[i - 1] in SENT_END or words[i - 1] == '"'
        if not sentence_initial or counts[w] > 1:
            names.append(i)

    for i, w in enumerate(words):
        attention[i, 0] = 0.45
        attention[i, i] += 0.15
        previous_names = [p for p in names if p < i]
        if not previous_names:
            continue
        if w.lower() in PRONOUNS:
            attention[i, previous_names[-1]] += 0.6
            if len(previous_names) > 1:
                attention[i, previous_names[-2]] += 0.25
        elif w in counts:
            for p in previous_names:
                if words[p] == w:
                    attention[i, p] += 0.4
        else:
            attention[i, previous_names[-1]] += 0.05

    return "pronoun_to_name", make_row_stochastic(attention)


# Layer 2, Head 1
def noun_to_determiner_L2H1(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    attention = np.eye(n) * 0.3
    attention[:, 0] += 0.3

    last_det = -1
    for i in range(n):
        word = clean(tokens[i]).lower()
        if word in DETERMINERS:
            last_det = i
            attention[i, max(0, i - 1)] += 0.3
            continue
        if is_punct(tokens[i]):
            # phrase is over
            last_det = -1
            attention[i, max(0, i - 1)] += 0.2
            continue
        if last_det >= 0 and i - last_det <= 3:
            distance = i - last_det
            attention[i, last_det] += 0.8 / distance

    attention = apply_causal_mask(attention)
    attention = make_row_stochastic(attention)
    return "noun_to_determiner", attention


# Layer 0, Head 6
def subword_to_word_start_L0H6(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    attention = np.zeros((n, n))

    # word_start[i] is the index of the first piece of the word which token i is in
    word_start = list(range(n))
    for i in range(1, n):
        if not starts_word(tokens[i]) and clean(tokens[i]).isalpha() and clean(tokens[i - 1]).isalpha():
            word_start[i] = word_start[i - 1]

    for i in range(n):
        start = word_start[i]
        if start < i:
            attention[i, start] = 0.6
            for j in range(start + 1, i):
                attention[i, j] = 0.2
            attention[i, i] = 0.3
        else:
            attention[i, i] = 0.8
            if i > 0:
                attention[i, i - 1] = 0.1
                attention[i, 0] += 0.1

    return "subword_to_word_start", make_row_stochastic(attention)


# Layer 1, Head 0
def exponential_decay_L1H0(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    positions = np.arange(n)
    distance = positions[:, None] - positions[None, :]

    # exp(-d / 3) towards the past, zero towards the future
    attention = np.where(distance >= 0, np.exp(-np.abs(distance) / 3.0), 0.0)

    # Punctuation is a little less attended as a key
    penalty = np.array([0.6 if is_punct(t) else 1.0 for t in tokens])
    attention = attention * penalty[None, :]

    # constant sink
    attention[:, 0] += 0.25
    return "exponential_decay", make_row_stochastic(attention)


# Layer 4, Head 2
def comma_clause_L4H2(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    attention = np.zeros((n, n))

    # Cut the text in clauses at commas and sentence ends
    clause_id = []
    current = 0
    for t in tokens:
        clause_id.append(current)
        c = clean(t)
        if c in SENT_END or c in {",", ";", ":", ',"'}:
            current += 1

    for i in range(n):
        for j in range(i + 1):
            if clause_id[i] == clause_id[j]:
                attention[i, j] = 1.0 / (1 + i - j)
            elif clause_id[i] - clause_id[j] == 1:
                attention[i, j] = 0.15 / (1 + i - j)
                if is_punct(tokens[j]):
                    attention[i, j] += 0.2
        attention[i, 0] += 0.5

    return "comma_clause", make_row_stochastic(attention)


# Layer 8, Head 3
def number_and_unit_L8H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    number_words = {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
                    "many", "few", "several", "hundred", "thousand", "first", "second", "third", "last"}

    def is_number(tok: str) -> bool:
        w = clean(tok).lower()
        return bool(re.fullmatch(r"\d+([.,]\d+)?(st|nd|rd|th)?", w)) or w in number_words

    numeric = [is_number(t) for t in tokens]
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] += 0.6
        attention[i, i] += 0.1
        if numeric[i]:
            # numbers compare themselves with earlier numbers
            for j in range(i):
                if numeric[j]:
                    attention[i, j] += 0.4
        else:
            # the thing counted is within three tokens after the number
            for j in range(max(0, i - 3), i):
                if numeric[j]:
                    attention[i, j] += 0.5 / (i - j)
    return "number_and_unit", make_row_stochastic(attention)


# Layer 5, Head 6
def conjunction_coordination_L5H6(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    words = [clean(t).lower() for t in tokens]
    attention = np.zeros((n, n))
    conj = {"and", "or", "but", "nor", "yet"}

    for i in range(n):
        attention[i, 0] += 0.35
        attention[i, i] += 0.2
        if words[i] in conj:
            # left conjunct
            if i >= 1:
                attention[i, i - 1] += 0.5
            if i >= 2 and words[i - 1] == ",":
                attention[i, i - 2] += 0.3
        elif i >= 1 and words[i - 1] in conj:
            # right conjunct: look at the conjunction and at the left conjunct
            attention[i, i - 1] += 0.4
            left = i - 2
            while left > 0 and (is_punct(tokens[left]) or words[left] in FUNCTION_WORDS):
                left -= 1
            if left >= 0:
                attention[i, left] += 0.4
        else:
            recent = [j for j in range(max(0, i - 6), i) if words[j] in conj]
            for j in recent:
                attention[i, j] += 0.15

    return "conjunction_coordination", make_row_stochastic(apply_causal_mask(attention))


def align_tokens_to_doc(sentence: str, tokens: List[str], doc) -> List[int]:
    """For each model token, the index of the spaCy token that holds its first character (or -1)."""
    alignment = []
    cursor = 0
    for t in tokens:
        text = clean(t)
        if t in SPECIAL_TOKENS or not text:
            alignment.append(-1)
            continue
        start = sentence.find(text, cursor)
        if start < 0:
            alignment.append(-1)
            continue
        cursor = start + len(text)
        found = -1
        for st in doc:
            if st.idx <= start < st.idx + len(st.text):
                found = st.i
                break
        alignment.append(found)
    return alignment


# Layer 6, Head 9
def dependency_head_L6H9(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = get_nlp()(sentence)
    align = align_tokens_to_doc(sentence, tokens, doc)

    # first model token for each spaCy token
    first_piece = {}
    for i, a in enumerate(align):
        if a >= 0 and a not in first_piece:
            first_piece[a] = i

    for i in range(n):
        attention[i, 0] += 0.4
        attention[i, i] += 0.1
        if align[i] < 0:
            continue
        tok = doc[align[i]]
        head_pos = first_piece.get(tok.head.i)
        if head_pos is not None and head_pos < i:
            attention[i, head_pos] += 0.5
        # left children that were already read
        for child in tok.lefts:
            child_pos = first_piece.get(child.i)
            if child_pos is not None and child_pos < i:
                attention[i, child_pos] += 0.3 if child.dep_ in ("nsubj", "nsubjpass") else 0.15

    attention = apply_causal_mask(attention)
    return "dependency_head", make_row_stochastic(attention)


# Layer 7, Head 0
def object_to_verb_L7H0(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    attention = np.zeros((n, n))
    doc = get_nlp()(sentence)
    align = align_tokens_to_doc(sentence, tokens, doc)

    for i in range(n):
        attention[i, 0] = 0.5
        attention[i, i] += 0.1
        if align[i] == -1:
            continue
        tok = doc[align[i]]
        if tok.dep_ in ["dobj", "attr", "pobj", "dative"]:
            # climb to the governing verb
            verb = tok.head
            while verb.pos_ not in ("VERB", "AUX") and verb.head != verb:
                verb = verb.head
            for j in range(i):
                if align[j] == verb.i:
                    attention[i, j] += 0.6
        elif tok.pos_ in ("DET", "ADJ"):
            for j in range(max(0, i - 4), i):
                if align[j] >= 0 and doc[align[j]].pos_ == "VERB":
                    attention[i, j] += 0.3
        elif tok.pos_ == "PUNCT":
            verbs = [j for j in range(i) if align[j] >= 0 and doc[align[j]].pos_ == "VERB"]
            if verbs:
                attention[i, verbs[-1]] += 0.4

    return "object_to_verb", make_row_stochastic(attention)


# Layer 9, Head 2
def capitalized_names_L9H2(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    words = [clean(t) for t in tokens]
    capital = np.array([float(len(w) > 1 and w[0].isupper() and w.lower() not in FUNCTION_WORDS) for w in words])

    attention = np.zeros((n, n))
    for i in range(n):
        row = 0.4 * capital[: i + 1]
        # recency: names mentioned lately are more active
        ages = i - np.arange(i + 1)
        row = row * (0.95 ** ages)
        attention[i, : i + 1] = row
        attention[i, 0] += 0.5
        attention[i, i] += 0.1
    return "capitalized_names", make_row_stochastic(attention)


# Layer 8, Head 7
def negation_scope_L8H7(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    attention = np.zeros((n, n))
    negators = ("not", "no", "never", "nothing", "none", "nobody", "n't", "'t", "cannot")

    scope = None  # index of the negator whose scope is open
    for i in range(n):
        word = clean(tokens[i]).lower()
        attention[i, 0] += 0.5
        attention[i, i] += 0.15
        if i > 0:
            attention[i, i - 1] += 0.1

        if word in negators:
            scope = i
            # the negator looks at its auxiliary
            if i > 0:
                attention[i, i - 1] += 0.4
        elif word in SENT_END or word in {",", "but", ";"}:
            if scope is not None:
                attention[i, scope] += 0.2
            scope = None
        elif scope is not None:
            attention[i, scope] += 0.6 * 0.85 ** (i - scope - 1)

    return "negation_scope", make_row_stochastic(attention)


# Layer 2, Head 5
def local_window_band_L2H5(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    tokens = get_tokens(sentence, tokenizer)
    n = len(tokens)
    attention = np.zeros((n, n))
    window = [0.15, 0.3, 0.25, 0.15, 0.1]

    for i in range(n):
        for offset, weight in enumerate(window):
            j = i - offset
            if j < 0:
                break
            attention[i, j] += weight
            # words carry more than marks
            if not is_punct(tokens[j]) and clean(tokens[j]).lower() not in FUNCTION_WORDS:
                attention[i, j] *= 1.3
        attention[i, 0] += 0.2

    return "local_window_band", make_row_stochastic(attention)
