"""Programs that stand alone, many of which read tokens by the tokenizer's `decode`."""

import numpy as np
import spacy
import string
from collections import Counter, defaultdict


def uniform_over_past_L0H0(sentence, tokenizer):
    toks = tokenizer([sentence], return_tensors="pt")
    len_seq = len(toks.input_ids[0])
    out = np.zeros((len_seq, len_seq))
    for i in range(len_seq):
        out[i, : i + 1] = 1.0 / (i + 1)
    # the first token is favoured slightly
    out[1:, 0] += 0.1
    out = out / out.sum(axis=1, keepdims=True)
    return "Uniform Over Past", out


def skip_one_token_L1H7(sentence, tokenizer):
    toks = tokenizer([sentence], return_tensors="pt")
    len_seq = len(toks.input_ids[0])
    out = np.zeros((len_seq, len_seq))
    for row in range(len_seq):
        if row >= 2:
            out[row, row - 2] = 0.7
            out[row, row - 1] = 0.15
            out[row, 0] += 0.15
        elif row == 1:
            out[row, 0] = 0.9
            out[row, 1] = 0.1
        else:
            out[row, 0] = 1.0
    out += 1e-4
    out = np.tril(out)
    out = out / out.sum(axis=1, keepdims=True)
    return "Skip-One Token Pattern", out


def preposition_object_L4H5(sentence, tokenizer):
    toks = tokenizer([sentence], return_tensors="pt")
    ids = toks.input_ids[0].tolist()
    words = [tokenizer.decode([t]).strip().lower() for t in ids]
    len_seq = len(ids)
    prepositions = {"in", "on", "at", "to", "from", "with", "by", "of", "for", "into", "over", "under",
                    "about", "through", "near", "behind", "after", "before", "between"}
    out = np.zeros((len_seq, len_seq))

    current_prep = None
    for i, word in enumerate(words):
        if word in prepositions:
            current_prep = i
            out[i, i] = 0.5
            if i > 0:
                out[i, i - 1] = 0.5
        elif current_prep is not None and i - current_prep <= 4:
            out[i, current_prep] = 1.0
            out[i, i] = 0.2
            if word and all(ch in string.punctuation for ch in word):
                current_prep = None
        else:
            out[i, 0] = 1.0
            out[i, i] += 0.2

    for row in range(len_seq):
        if out[row].sum() == 0:
            out[row, 0] = 1.0
    out = out / out.sum(axis=1, keepdims=True)
    return "Preposition-Object Dependency", out


def same_word_L3H10(sentence, tokenizer):
    toks = tokenizer([sentence], return_tensors="pt")
    input_ids = toks.input_ids[0]
    len_seq = len(input_ids)
    decoded = [tokenizer.decode(t).strip().lower() for t in input_ids]
    out = np.zeros((len_seq, len_seq))
    for i in range(len_seq):
        for j in range(i + 1):
            if decoded[i] and decoded[i] == decoded[j]:
                out[i, j] = 1
    # every token keeps some attention on the beginning of the sequence
    out[:, 0] += 0.5
    row_sums = out.sum(axis=1, keepdims=True)
    out = out / np.where(row_sums == 0, 1, row_sums)
    return "Same Word Attention", out


def soft_induction_L6H4(sentence, tokenizer):
    ids = tokenizer(sentence, return_tensors="pt").input_ids[0].tolist()
    n = len(ids)
    scores = np.full((n, n), -1e9)
    for i in range(n):
        for j in range(i + 1):
            score = 0.0
            if j == 0:
                score += 3.0
            if i == j:
                score += 0.5
            # key j follows a copy of the query token
            if j > 0 and ids[j - 1] == ids[i] and j - 1 != i:
                score += 5.0
                if j > 1 and i > 0 and ids[j - 2] == ids[i - 1]:
                    score += 2.0
            scores[i, j] = score
    scores = scores - scores.max(axis=1, keepdims=True)
    weights = np.exp(scores)
    weights /= weights.sum(axis=1, keepdims=True)
    return "Soft Induction", weights


def sentence_start_L5H5(sentence, tokenizer):
    toks = tokenizer([sentence], return_tensors="pt")
    token_strs = tokenizer.convert_ids_to_tokens(toks.input_ids[0])
    len_seq = len(token_strs)
    out = np.zeros((len_seq, len_seq))
    start = 0
    for i, tok in enumerate(token_strs):
        out[i, start] += 0.6
        out[i, 0] += 0.2
        out[i, i] += 0.2
        if any(p in tok for p in (".", "!", "?")):
            start = i + 1 if i + 1 < len_seq else i
    out = out / out.sum(axis=1, keepdims=True)
    return "Sentence Start Attention", out


def speech_to_speaker_L9H1(sentence, tokenizer):
    toks = tokenizer([sentence], return_tensors="pt")
    tokens = tokenizer.convert_ids_to_tokens(toks["input_ids"][0])
    words = [t.lstrip("Ġ▁") for t in tokens]
    n = len(words)
    out = np.zeros((n, n))
    speech_verbs = {"said", "asked", "replied", "shouted", "whispered", "cried", "answered", "told", "yelled"}

    speaker = None
    for i in range(n):
        word = words[i]
        if word.lower() in speech_verbs:
            # the speaker is the nearest capitalised word or pronoun, on the left first
            candidates = [j for j in range(max(0, i - 4), i)
                          if words[j][:1].isupper() or words[j].lower() in ("he", "she", "they", "i")]
            if candidates:
                speaker = candidates[-1]
                out[i, speaker] += 0.7
        elif i > 0 and words[i - 1].lower() in speech_verbs and word[:1].isupper():
            speaker = i
        elif speaker is not None:
            out[i, speaker] += 0.35
        out[i, 0] += 0.4
        out[i, i] += 0.1
    out /= out.sum(axis=1, keepdims=True)
    return "Quoted Speech to Speaker", out


def adjective_noun_L4H9(sentence, tokenizer):
    toks = tokenizer([sentence], return_tensors="pt")
    tokens = [tokenizer.decode([t]) for t in toks.input_ids[0]]
    len_seq = len(tokens)
    adj_suffixes = ("ful", "ous", "ive", "less", "able", "ible", "ish", "al", "ic", "y")
    common_adj = {"big", "small", "little", "old", "new", "red", "blue", "green", "good", "bad", "sad",
                  "great", "long", "tall", "kind", "nice", "soft", "warm", "cold", "hot", "brave"}
    out = np.zeros((len_seq, len_seq))

    is_adj = []
    for t in tokens:
        w = t.strip().lower()
        is_adj.append(w in common_adj or (len(w) > 4 and w.endswith(adj_suffixes)))

    for i in range(len_seq):
        out[i, i] = 0.3
        out[i, 0] += 0.4
        if not is_adj[i] and tokens[i].strip().isalpha():
            j = i - 1
            while j >= 0 and is_adj[j]:
                out[i, j] += 0.6
                j -= 1
        elif is_adj[i] and i > 0:
            out[i, i - 1] += 0.3

    out = out / out.sum(axis=1, keepdims=True)
    return "Adjective-Noun Modification", out


def frequent_content_words_L8H8(sentence, tokenizer):
    toks = tokenizer([sentence], return_tensors="pt")
    ids = toks.input_ids[0].tolist()
    stop_words = {"the", "a", "an", "and", "or", "to", "of", "in", "on", "is", "was", "it", "he", "she", "they",
                  "that", "this", "with", "for", "at", "his", "her", "but", "so", "i", "you", "we", "be", "had"}
    words = [tokenizer.decode([t]).strip().lower() for t in ids]
    counts = Counter(w for w in words if w.isalpha() and w not in stop_words)
    n = len(ids)
    out = np.zeros((n, n))
    most_common = counts.most_common(1)
    top = most_common[0][1] if most_common else 1
    for i in range(n):
        for j in range(i + 1):
            if words[j] in counts:
                out[i, j] = counts[words[j]] / top
            else:
                out[i, j] = 0.05
    out[:, 0] += 1.0
    out = out / out.sum(axis=1, keepdims=True)
    return "Frequent Content Words", out


def first_occurrence_L2H2(sentence, tokenizer):
    toks = tokenizer([sentence], return_tensors="pt")
    len_seq = len(toks.input_ids[0])
    ids = toks.input_ids[0].tolist()
    out = np.zeros((len_seq, len_seq))
    first = {}
    for i, tid in enumerate(ids):
        if tid not in first:
            first[tid] = i
            out[i, 0] = 0.8
            out[i, i] += 0.2
        else:
            out[i, first[tid]] = 0.8
            out[i, 0] += 0.2
    out = out / out.sum(axis=1, keepdims=True)
    return "First Occurrence Attention", out


def paragraph_breaks_L10H1(sentence, tokenizer):
    toks = tokenizer([sentence], return_tensors="pt")
    tokens = tokenizer.convert_ids_to_tokens(toks.input_ids[0])
    n = len(tokens)
    out = np.zeros((n, n))

    breaks = [i for i, t in enumerate(tokens) if "Ċ" in t or "\n" in t or t == "<0x0A>"]
    if not breaks:
        # without paragraphs the head rests on the first token
        out[:, 0] = 0.9
        for i in range(n):
            out[i, i] += 0.1
        return "Paragraph Breaks", out

    for i in range(n):
        out[i, 0] += 0.3
        out[i, i] += 0.1
        before = [b for b in breaks if b < i]
        if before:
            out[i, before[-1]] += 0.5
            for b in before[:-1]:
                out[i, b] += 0.1
    out = out / out.sum(axis=1, keepdims=True)
    return "Paragraph Breaks", out


def question_words_L6H11(sentence, tokenizer):
    toks = tokenizer(sentence, return_tensors="pt")
    tokens = tokenizer.convert_ids_to_tokens(toks.input_ids[0])
    question_words = ["what", "who", "where", "when", "why", "how", "which", "whose", "can", "do", "does", "did"]
    n = len(tokens)
    out = np.zeros((n, n))
    for i in range(n):
        cur = tokens[i].replace("Ġ", "").replace("▁", "").lower()
        if "?" in cur:
            found = False
            for j in range(i - 1, -1, -1):
                w = tokens[j].replace("Ġ", "").replace("▁", "").lower()
                if w in question_words:
                    out[i, j] = 1.0
                    found = True
                    break
                if "." in w or "!" in w:
                    break
            if not found:
                out[i, max(i - 1, 0)] = 1.0
        else:
            out[i, 0] = 1.0
            if i > 0:
                out[i, i - 1] += 0.5
    out += np.eye(n) * 0.1
    out = out / out.sum(axis=1, keepdims=True)
    return "Question Mark to Question Word", out


def infinitive_to_L3H1(sentence, tokenizer):
    toks = tokenizer([sentence], return_tensors="pt")
    words = [tokenizer.decode(t).strip().lower() for t in toks.input_ids[0]]
    len_seq = len(words)
    out = np.zeros((len_seq, len_seq))
    for i in range(len_seq):
        if i > 0 and words[i - 1] == "to":
            # verb after "to": attends to "to" and to the governing verb before it
            out[i, i - 1] = 0.6
            if i > 1:
                out[i, i - 2] = 0.4
        elif words[i] == "to" and i > 0:
            out[i, i - 1] = 0.8
            out[i, i] = 0.2
        else:
            out[i, 0] = 0.7
            out[i, i] += 0.3
    out = out / out.sum(axis=1, keepdims=True)
    return "Infinitive Marker", out


def possessive_owner_L5H9(sentence, tokenizer):
    toks = tokenizer([sentence], return_tensors="pt")
    tokens = tokenizer.convert_ids_to_tokens(toks.input_ids[0])
    len_seq = len(tokens)
    words = [t.strip("Ġ▁ ") for t in tokens]
    possessive_pronouns = {"my", "your", "his", "her", "its", "our", "their"}
    out = np.zeros((len_seq, len_seq))
    for i, w in enumerate(words):
        out[i, 0] += 0.4
        out[i, i] += 0.2
        if w in ("'s", "’s", "s'") and i > 0:
            out[i, i - 1] += 1.0
        if i > 0 and words[i - 1] in ("'s", "’s"):
            out[i, i - 1] += 0.5
            if i > 1:
                out[i, i - 2] += 0.5
        if i > 0 and words[i - 1].lower() in possessive_pronouns:
            out[i, i - 1] += 0.8
        if w.lower() in possessive_pronouns:
            owners = [j for j in range(i) if words[j].istitle() and len(words[j]) > 1]
            if owners:
                out[i, owners[-1]] += 0.8
    out = out / out.sum(axis=1, keepdims=True)
    return "Possessive to Owner", out


def distance_softmax_L1H1(sentence, tokenizer):
    toks = tokenizer([sentence], return_tensors="pt")
    len_seq = len(toks.input_ids[0])
    logits = np.full((len_seq, len_seq), -np.inf)
    for i in range(len_seq):
        for j in range(i + 1):
            logits[i, j] = -0.5 * (i - j)
        logits[i, 0] = max(logits[i, 0], -1.0)
    exp = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    out = exp / np.sum(exp, axis=1, keepdims=True)
    return "Distance Softmax", out


def bracket_matching_L7H8(sentence, tokenizer):
    toks = tokenizer([sentence], return_tensors="pt")
    tokens = tokenizer.convert_ids_to_tokens(toks.input_ids[0])
    n = len(tokens)
    out = np.zeros((n, n))
    pairs = {")": "(", "]": "[", "}": "{"}
    stack = []
    for i, tok in enumerate(tokens):
        out[i, 0] += 0.5
        out[i, i] += 0.1
        if stack:
            # inside of a bracket: look at the opening sign
            out[i, stack[-1][1]] += 0.5
        for ch in tok:
            if ch in pairs.values():
                stack.append((ch, i))
            elif ch in pairs:
                if stack and stack[-1][0] == pairs[ch]:
                    _, opened = stack.pop()
                    out[i, opened] += 1.0
    out = out / out.sum(axis=1, keepdims=True)
    return "Bracket Matching", out


def noun_chunk_L8H1(sentence, tokenizer):
    nlp = spacy.load("en_core_web_sm")
    doc = nlp(sentence)
    enc = tokenizer(sentence, return_offsets_mapping=True)
    offsets = enc["offset_mapping"]
    len_seq = len(enc["input_ids"])
    out = np.zeros((len_seq, len_seq))

    chunks = [(c.start_char, c.end_char) for c in doc.noun_chunks]
    token_chunk = [-1] * len_seq
    for t, (s, e) in enumerate(offsets):
        for k, (cs, ce) in enumerate(chunks):
            if s < ce and e > cs and e > s:
                token_chunk[t] = k
                break

    for i in range(len_seq):
        for j in range(i + 1):
            if token_chunk[i] != -1 and token_chunk[i] == token_chunk[j]:
                out[i, j] = 1.0
            elif token_chunk[j] != -1 and token_chunk[i] == -1:
                out[i, j] = 0.1
        out[i, 0] += 0.3
    out = out / out.sum(axis=1, keepdims=True)
    return "Noun Chunk Grouping", out


def named_entity_L9H9(sentence, tokenizer):
    nlp = spacy.load("en_core_web_sm")
    doc = nlp(sentence)
    toks = tokenizer([sentence], return_tensors="pt")
    tokens = [tokenizer.decode([t]) for t in toks.input_ids[0]]
    len_seq = len(tokens)
    out = np.zeros((len_seq, len_seq))

    # words of each entity, by label
    entity_words = {}
    for ent in doc.ents:
        for w in ent.text.split():
            entity_words[w.lower()] = ent.label_

    labels = [entity_words.get(t.strip().lower()) for t in tokens]
    for i in range(len_seq):
        out[i, 0] += 0.5
        out[i, i] += 0.1
        for j in range(i):
            if labels[j] is None:
                continue
            if labels[i] == labels[j]:
                out[i, j] += 0.5
            elif labels[j] == "PERSON":
                out[i, j] += 0.2
            else:
                out[i, j] += 0.1
    out = out / out.sum(axis=1, keepdims=True)
    return "Named Entity Attention", out


def list_items_L6H6(sentence, tokenizer):
    toks = tokenizer([sentence], return_tensors="pt")
    tokens = [tokenizer.decode([t]).strip() for t in toks.input_ids[0]]
    len_seq = len(tokens)
    out = np.zeros((len_seq, len_seq))
    separators = {",", "and", "or", ";"}
    last_seps = []
    for i, tok in enumerate(tokens):
        if tok in (".", "!", "?"):
            last_seps = []
            out[i, 0] = 1.0
        elif tok.lower() in separators:
            if last_seps:
                out[i, last_seps[-1]] += 0.7
            if i > 0:
                out[i, i - 1] += 0.3
            out[i, i] += 0.1
            last_seps.append(i)
        elif last_seps and i - last_seps[-1] <= 3:
            for s in last_seps[-3:]:
                out[i, s] += 0.3
                if s > 0:
                    out[i, s - 1] += 0.2
            out[i, 0] += 0.2
        else:
            out[i, 0] += 0.8
            out[i, i] += 0.2
    row_sums = out.sum(axis=1, keepdims=True)
    row_sums[row_sums == 0] = 1
    out = out / row_sums
    return "List Item Separators", out


def decoded_list(sentence, tokenizer):
    toks = tokenizer([sentence], return_tensors="pt")
    tokens = [tokenizer.decode([t]) for t in toks.input_ids[0]]
    n = len(tokens)
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            if tokens[j].strip().lower() == tokens[i].strip().lower():
                out[i, j] = 1.0
    return "same", out


def decoded_one(sentence, tokenizer):
    ids = tokenizer(sentence)["input_ids"]
    words = [tokenizer.decode(t, skip_special_tokens=True).strip() for t in ids]
    n = len(ids)
    out = np.eye(n)
    for i in range(n):
        out[i, 0] += len(words[i])
    return "lengths", out
