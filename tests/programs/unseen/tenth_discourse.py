import re
import numpy as np
from collections import Counter, defaultdict
from typing import List, Tuple
from transformers import PreTrainedTokenizerBase

try:
    import spacy
    NLP = spacy.load("en_core_web_sm")
except Exception:
    NLP = None

MALE = {"he", "him", "his", "himself"}
FEMALE = {"she", "her", "hers", "herself"}
MALE_NOUNS = {"boy", "man", "father", "dad", "brother", "king", "uncle", "grandpa", "son", "tom", "tim", "ben", "max", "jack", "john", "sam", "bob"}
FEMALE_NOUNS = {"girl", "woman", "mother", "mom", "sister", "queen", "aunt", "grandma", "daughter", "lily", "sue", "anna", "mia", "mary", "lucy", "jane", "sara"}


def _words(sentence: str, tokenizer: PreTrainedTokenizerBase) -> List[str]:
    encoding = tokenizer([sentence], return_tensors="pt")
    tokens = tokenizer.convert_ids_to_tokens(encoding["input_ids"][0])
    return [re.sub(r"[Ġ▁]|^##", "", t) for t in tokens]


def _finish(m: np.ndarray) -> np.ndarray:
    m = np.tril(m)
    s = m.sum(axis=1, keepdims=True)
    return np.divide(m, s, out=np.zeros_like(m), where=s > 0)


def gendered_pronoun_L8H10(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = _words(sentence, tokenizer)
    n = len(words)
    m = np.zeros((n, n))
    last_male, last_female = None, None
    for i, w in enumerate(words):
        lw = w.lower()
        m[i, 0] += 0.5
        m[i, i] += 0.1
        if lw in MALE and last_male is not None:
            m[i, last_male] += 0.8
        elif lw in FEMALE and last_female is not None:
            m[i, last_female] += 0.8
        elif lw in ("they", "them", "their"):
            # both of the people
            for ref in (last_male, last_female):
                if ref is not None:
                    m[i, ref] += 0.4
        if lw in MALE_NOUNS:
            last_male = i
        elif lw in FEMALE_NOUNS:
            last_female = i
    return "gendered_pronoun_L8H10", _finish(m)


def cause_effect_L10H6(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = [w.lower() for w in _words(sentence, tokenizer)]
    n = len(words)
    m = np.zeros((n, n))
    markers = {"because", "so", "since", "therefore", "thus", "hence"}
    marker_at = -1
    for i in range(n):
        if words[i] in markers:
            marker_at = i
            # the marker gathers what came before it in the sentence
            j = i - 1
            while j > 0 and words[j] not in {".", "!", "?"}:
                m[i, j] += 0.1
                j -= 1
        elif words[i] in {".", "!", "?"}:
            if marker_at >= 0:
                m[i, marker_at] += 0.5
            marker_at = -1
        elif marker_at >= 0:
            m[i, marker_at] += 0.5
        m[i, 0] += 0.5
        m[i, i] += 0.1
    return "cause_effect_L10H6", _finish(m)


def dialogue_turns_L9H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = _words(sentence, tokenizer)
    n = len(words)
    inside = False
    state = []      # (inside a quotation?, number of the quotation)
    turn = 0
    for w in words:
        if w.count('"') % 2 == 1:
            if not inside:
                turn += 1
            inside = not inside
        state.append((inside, turn))

    m = np.zeros((n, n))
    for i in range(n):
        m[i, 0] = 0.5
        for j in range(1, i + 1):
            if state[i][0] and state[j][0]:
                # within the same turn, or with the turn before
                if state[i][1] == state[j][1]:
                    m[i, j] = 0.5
                elif state[i][1] == state[j][1] + 1:
                    m[i, j] = 0.2
                else:
                    m[i, j] = 0.05
            elif state[i][0] == state[j][0]:
                m[i, j] = 0.3 * np.exp(-(i - j) / 5)
    return "dialogue_turns_L9H3", _finish(m)


def fixed_phrases_L2H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = [w.lower() for w in _words(sentence, tokenizer)]
    n = len(words)
    phrases = [
        ["once", "upon", "a", "time"], ["one", "day"], ["a", "lot", "of"], ["at", "the", "end"],
        ["there", "was"], ["of", "course"], ["in", "front", "of"], ["look", "at"], ["as", "well", "as"],
    ]
    m = np.eye(n) * 0.2
    m[:, 0] += 0.3
    for start in range(n):
        for phrase in phrases:
            length = len(phrase)
            if words[start:start + length] == phrase:
                for a in range(start, start + length):
                    for b in range(start, a):
                        m[a, b] += 0.5
                # the token after the phrase reads its last word
                if start + length < n:
                    m[start + length, start + length - 1] += 0.4
    for i in range(1, n):
        m[i, i - 1] += 0.1
    return "fixed_phrases_L2H3", _finish(m)


def tense_chain_L6H7(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = _words(sentence, tokenizer)
    n = len(words)
    irregular = {"was", "were", "had", "did", "went", "saw", "said", "came", "ran", "took", "made", "got", "gave", "found", "felt", "told", "ate"}
    past = re.compile(r"^[a-z]{2,}ed$")
    present = re.compile(r"^(is|are|am|has|have|do|does|can|will|[a-z]{3,}ing)$")

    def tense(w):
        w = w.lower()
        if w in irregular or past.match(w):
            return "past"
        if present.match(w):
            return "present"
        return None

    tenses = [tense(w) for w in words]
    m = np.zeros((n, n))
    for i, t in enumerate(tenses):
        m[i, 0] += 0.5
        m[i, i] += 0.2
        if t is None:
            continue
        earlier = [j for j in range(i) if tenses[j] == t]
        for rank, j in enumerate(reversed(earlier)):
            m[i, j] += 0.6 / (rank + 1)
    return "tense_chain_L6H7", _finish(m)


def comparative_L7H9(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = [w.lower() for w in _words(sentence, tokenizer)]
    n = len(words)
    m = np.zeros((n, n))
    for i, w in enumerate(words):
        m[i, 0] += 0.6
        m[i, i] += 0.1
        if i > 0:
            m[i, i - 1] += 0.2
        if w in ("than", "as"):
            # find the comparative form
            for j in range(i - 1, max(-1, i - 8), -1):
                if words[j] in ("more", "less", "as", "better", "worse", "rather") or re.search(r"\w{2}er$", words[j]):
                    m[i, j] += 1.0
                    break
        elif re.fullmatch(r"\w{2,}est", w) or w == "most":
            for j in range(max(0, i - 3), i):
                if words[j] == "the":
                    m[i, j] += 0.7
    return "comparative_L7H9", _finish(m)


def plural_agreement_L5H0(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = [w.lower() for w in _words(sentence, tokenizer)]
    n = len(words)
    plural_det = {"these", "those", "many", "some", "all", "two", "three", "four", "few", "several", "both"}
    plural_verbs = {"are", "were", "have", "do"}
    is_plural = [len(w) > 3 and w.endswith("s") and not w.endswith("ss") for w in words]
    m = np.zeros((n, n))
    for i in range(n):
        row = np.zeros(n)
        row[0] = 0.5
        row[i] += 0.2
        if is_plural[i]:
            hits = [j for j in range(max(0, i - 4), i) if words[j] in plural_det]
        elif words[i] in plural_verbs:
            hits = [j for j in range(i) if is_plural[j] or words[j] in {"they", "we", "you"}][-1:]
        else:
            hits = []
        if hits:
            row[hits] += 0.7 / len(hits)
        m[i] = row
    return "plural_agreement_L5H0", _finish(m)


def numbered_list_L10H9(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = _words(sentence, tokenizer)
    n = len(words)
    m = np.zeros((n, n))
    items = []
    order = {"first": 1, "second": 2, "third": 3, "then": 4, "next": 4, "finally": 9, "last": 9}
    for i, w in enumerate(words):
        m[i, 0] += 0.6
        m[i, i] += 0.1
        is_item = w.isdigit() or w.lower() in order
        if is_item:
            for k, p in enumerate(items[::-1]):
                m[i, p] += 0.5 * 0.6 ** k
            items.append(i)
        elif items:
            m[i, items[-1]] += 0.2
    return "numbered_list_L10H9", _finish(m)


def relative_clause_L7H2(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = [w.lower() for w in _words(sentence, tokenizer)]
    n = len(words)
    relatives = {"who", "which", "that", "whose", "whom", "where"}
    small = {"the", "a", "an", "of", "to", "in", "on", "and", ",", ".", "is", "was"}
    antecedent = {}
    for i, w in enumerate(words):
        if w in relatives:
            j = i - 1
            while j >= 0 and words[j] in small:
                j -= 1
            if j >= 0:
                antecedent[i] = j
    m = np.zeros((n, n))
    for i in range(n):
        m[i, 0] += 0.5
        m[i, i] += 0.15
        if i in antecedent:
            m[i, antecedent[i]] += 0.8
        for r, a in antecedent.items():
            # the four words after the relative pronoun see both
            if 0 < i - r <= 4:
                m[i, r] += 0.3
                m[i, a] += 0.2
    return "relative_clause_L7H2", _finish(m)


def colon_introduces_L9H8(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = _words(sentence, tokenizer)
    n = len(words)
    m = np.zeros((n, n))
    colon = next((i for i, w in enumerate(words) if w in (":", ";", "--", "—")), None)
    for i in range(n):
        m[i, i] = 0.2
        m[i, 0] += 0.5
        if colon is None:
            m[i, max(0, i - 1)] += 0.3
        elif i > colon:
            m[i, colon] += 0.4
            m[i, max(0, colon - 1)] += 0.2
        elif i == colon:
            m[i, :i] += 0.5 / max(i, 1)
    return "colon_introduces_L9H8", _finish(m)


def hyphen_compound_L1H6(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    enc = tokenizer(sentence, return_tensors="pt")
    raw = tokenizer.convert_ids_to_tokens(enc.input_ids[0])
    n = len(raw)
    m = np.zeros((n, n))
    for i in range(n):
        m[i, i] += 0.3
        m[i, 0] += 0.2
        if i == 0:
            continue
        glued = not raw[i].startswith(("Ġ", "▁"))
        j = i
        # walk back over everything glued to this token without a space
        while j > 0 and not raw[j].startswith(("Ġ", "▁")):
            j -= 1
            m[i, j] += 0.5 if raw[j + 1] in ("-", "'", "’") else 0.3
        if not glued:
            m[i, i - 1] += 0.4
    return "hyphen_compound_L1H6", _finish(m)


def dates_and_times_L8H4(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = _words(sentence, tokenizer)
    n = len(words)
    months = "january february march april may june july august september october november december".split()
    days = "monday tuesday wednesday thursday friday saturday sunday".split()
    vague = ["day", "morning", "night", "evening", "yesterday", "today", "tomorrow", "week", "year", "later", "soon", "once", "time"]
    temporal = set(months) | set(days) | set(vague)

    flags = np.array([w.lower() in temporal or bool(re.match(r"^(1[0-9]|20)\d\d$", w)) for w in words])
    m = np.zeros((n, n))
    for i in range(n):
        m[i, 0] += 0.6
        m[i, i] += 0.1
        past = np.where(flags[:i])[0]
        if len(past):
            # time expressions look at each other, all other words at the latest
            if flags[i]:
                m[i, past] += 0.5 / len(past)
            else:
                m[i, past[-1]] += 0.2
    return "dates_and_times_L8H4", _finish(m)


def emphasis_L5H8(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = _words(sentence, tokenizer)
    n = len(words)
    intensifiers = {"very", "so", "really", "too", "such", "quite", "extremely"}

    def weight(w: str) -> float:
        if len(w) > 1 and w.isupper():
            return 0.8
        if "!" in w:
            return 0.6
        if w.lower() in intensifiers:
            return 0.5
        return 0.0

    key_w = [weight(w) for w in words]
    m = np.zeros((n, n))
    for i in range(n):
        for j in range(max(0, i - 10), i + 1):
            m[i, j] = key_w[j]
        # word right after an intensifier
        if i and words[i - 1].lower() in intensifiers:
            m[i, i - 1] += 0.5
        m[i, 0] += 0.6
        m[i, i] += 0.1
    return "emphasis_L5H8", _finish(m)


def main_character_L11H0(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = _words(sentence, tokenizer)
    n = len(words)
    m = np.zeros((n, n))
    not_names = {"The", "A", "An", "He", "She", "It", "They", "One", "But", "And", "So", "Then", "When", "I", "We", "You", "There", "In", "On", "His", "Her", "What", "Yes", "No"}
    names = Counter(w for w in words if re.match(r"^[A-Z][a-z]+$", w) and w not in not_names)
    if not names:
        m[:, 0] = 1.0
        return "main_character_L11H0", _finish(m)

    # ties are broken by the alphabet
    hero = min(names, key=lambda w: (-names[w], w))
    for i, w in enumerate(words):
        m[i, 0] += 0.5
        m[i, i] += 0.1
        mentions = [j for j in range(i + 1) if words[j] == hero]
        if mentions:
            m[i, mentions[-1]] += 0.3
            m[i, mentions[0]] += 0.1
        if w in names and w != hero:
            m[i, [j for j in range(i) if words[j] == w]] += 0.2
    return "main_character_L11H0", _finish(m)


def contrast_L8H0(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = [w.lower() for w in _words(sentence, tokenizer)]
    n = len(words)
    m = np.zeros((n, n))
    contrastive = ["but", "however", "although", "though", "instead", "yet", "still"]
    sentence_id = []
    k = 0
    for w in words:
        sentence_id.append(k)
        if re.fullmatch(r"[.!?]+[\"”']?", w):
            k += 1
    for i, w in enumerate(words):
        m[i, 0] += 0.4
        m[i, i] += 0.1
        if w in contrastive:
            # compare with the previous sentence, or the part before the comma
            target = [j for j in range(i) if sentence_id[j] in (sentence_id[i], sentence_id[i] - 1) and words[j].isalpha()]
            for j in target:
                m[i, j] += 0.5 / len(target)
        else:
            cues = [j for j in range(i) if words[j] in contrastive and sentence_id[j] == sentence_id[i]]
            if cues:
                m[i, cues[-1]] += 0.4
            elif i > 0:
                m[i, i - 1] += 0.2
    return "contrast_L8H0", _finish(m)


def clause_verbs_L6H5(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = _words(sentence, tokenizer)
    n = len(words)
    m = np.zeros((n, n))
    m[:, 0] = 0.4
    m[np.diag_indices(n)] += 0.1

    verbs = []
    if NLP is not None:
        doc = NLP(sentence)
        verb_texts = {t.text for t in doc if t.pos_ in ("VERB", "AUX")}
        root_texts = {t.text for t in doc if t.dep_ == "ROOT"}
        verbs = [i for i, w in enumerate(words) if w in verb_texts]
    else:
        root_texts = set()
        verbs = [i for i, w in enumerate(words) if w.endswith("ed")]

    for i in range(n):
        visible = [v for v in verbs if v < i]
        if not visible:
            continue
        m[i, visible[-1]] += 0.4
        for v in visible[:-1]:
            m[i, v] += 0.3 if words[v] in root_texts else 0.05
    return "clause_verbs_L6H5", _finish(m)


def alternating_quotes_comma_L4H6(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = _words(sentence, tokenizer)
    n = len(words)
    kinds = {",": "comma", ".": "stop", "!": "stop", "?": "stop", '"': "quote", "'": "quote", ":": "comma", ";": "comma"}
    m = np.zeros((n, n))
    last_by_kind = {}
    for i, w in enumerate(words):
        kind = kinds.get(w[-1:], "word")
        if kind == "word":
            m[i, i] += 0.3
            if i > 0:
                m[i, i - 1] += 0.3
            if "stop" in last_by_kind:
                m[i, last_by_kind["stop"]] += 0.2
        else:
            m[i, i] += 0.1
            if kind in last_by_kind:
                m[i, last_by_kind[kind]] += 0.6
            elif last_by_kind:
                m[i, max(last_by_kind.values())] += 0.3
            last_by_kind[kind] = i
        m[i, 0] += 0.4
    return "alternating_quotes_comma_L4H6", _finish(m)


def modal_and_verb_L3H6(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = [w.lower() for w in _words(sentence, tokenizer)]
    n = len(words)
    modals = {"can", "could", "will", "would", "shall", "should", "may", "might", "must", "did", "do", "does",
              "have", "has", "had", "is", "are", "was", "were"}
    m = np.zeros((n, n))
    i = 0
    while i < n:
        m[i, 0] += 0.5
        m[i, i] += 0.2
        if words[i] in modals:
            if i > 0:
                m[i, i - 1] += 0.4
            # main verb at most two words further on ("did not see")
            for j in range(i + 1, min(n, i + 3)):
                if words[j] not in ("not", "n't", "'t", "t", "also", "never"):
                    m[j, i] += 0.8
                    break
        i += 1
    return "modal_and_verb_L3H6", _finish(m)


def rhyme_and_alliteration_L1H9(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = [w.lower() for w in _words(sentence, tokenizer)]
    n = len(words)
    ending, beginning = defaultdict(list), defaultdict(list)
    m = np.zeros((n, n))
    for i, w in enumerate(words):
        m[i, 0] += 0.4
        m[i, i] += 0.3
        if len(w) < 3 or not w.isalpha():
            continue
        for j in ending[w[-2:]]:
            if words[j] != w:
                m[i, j] += 0.3
        for j in beginning[w[0]]:
            m[i, j] += 0.1
        ending[w[-2:]].append(i)
        beginning[w[0]].append(i)
    return "rhyme_and_alliteration_L1H9", _finish(m)


def subject_tracking_L10H3(sentence: str, tokenizer: PreTrainedTokenizerBase) -> Tuple[str, np.ndarray]:
    words = _words(sentence, tokenizer)
    n = len(words)
    m = np.zeros((n, n))
    pron = {"he", "she", "it", "they", "i", "we", "you"}
    subject = 0
    at_start = True
    for i, w in enumerate(words):
        # the first noun-like or pronoun token of a sentence is taken as its subject
        if at_start and w.isalpha() and (w.lower() in pron or w.lower() not in {"the", "a", "an", "one", "then", "and", "but", "so", "when", "in", "on", "his", "her", "day"}):
            subject = i
            at_start = False
        m[i, subject] += 0.45
        m[i, 0] += 0.35
        m[i, i] += 0.2
        if w and w[0] in ".!?":
            at_start = True
    return "subject_tracking_L10H3", _finish(m)
