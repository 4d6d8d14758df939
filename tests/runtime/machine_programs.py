"""Hand-made programs that between them use every operation of the machine, and texts long enough for several blocks."""

from strategies import RandomChoices, make_table

PROGRAMS = (
    "add 0.4 to first\nadd 0.3 to last(k before q where k.is_punct)\nadd 0.2 to q - 1\nset 1 to self when q == first",
    "share 0.7 over each k from q - 9 upto q by 1 / (q - k + 1)\nshare 0.3 over each k where k.word_start",
    "add 0.8 ** (q - k) to each k where k.text != q.text\nnormalize rows",
    "add exp(-abs(q - k) / 7) to each k\nsoftmax rows temperature 0.5",
    "add (q - k) % 3 + (q * 2) // 3 + (k - 5) % -4 + (k - 7) // -3 to each k",
    "add tanh(k / 10) * sqrt(k + 1) + log(k + 2) - trunc(k / 3) to each k\nraise each k to at least q / 20",
    "add sin(k) * cos(q / 3) - cos(2 * k) to each k",
    "add floor(k / 4) + ceil(k / 4) - round(k / 4) + abs(2 - k) to each k\ncap each k at 3",
    'add min(k, q, 9) + max(q - k, 2) - -k to each k where not (k.text == "the") or k > 3',
    "add count(t from k upto q where t.text == k.text) to each k",
    "add sum(t for t before k where t.text == k.text) to each k",
    "add largest(len(t.text) for t before q) otherwise 0 to first\n"
    "add smallest(t for t after first) otherwise 1 to self",
    "add 1 to argmax(len(t.text) for t before q)\nadd 0.5 to nth(-2, t where t.is_punct)",
    "add 1 to nth(2, t before q where t.word_start)\nadd product(1 + t / 50 for t before k where t > k - 3) to each k",
    "add 1 to each k where any(t before k where t.text == q.text and t.is_capitalized)",
    "add overlap(q.text, k.text) + common_prefix(k.raw, q.raw) to each k where q.text.lower() < k.text",
    'add 1 to each k where q.text in k.text\nadd 1 to each k where (k.text + "s").endswith({"es", "ts"})',
    "let Back(q) = last(t before q where t.text == q.text)\nadd 1 to Back(q) + 1\n"
    "add 0.2 to Back(q) when Back(q) is some",
    "add 1 to each k where (if q.is_punct then k.is_punct else k.word_start)\nadd 0.5 to each k where k.text in q.text",
    'add 1 to each k where k.text in {"the", "cat"}\nscale each k by W[q, first] + 2\nadd row.sum + row.count to self',
    "add k to each k\nadd row.max - row.min to first\nadd W[q, q - 1] otherwise 0 to first",
    "add len(k.text) to each k\nadd 1 to self\nadd 0.1 * (W[first, k]) to each k where k <= first",
    "add k + 1 to each k\nadd W[k, first] + (W[q - 1, k] otherwise 0) to each k when q > 0",
    "matrix Base\nadd k to each k of Base\nnormalize rows of Base\nadd Base[q, k] * 2 to each k when q.is_punct",
    'add host("near", q, k) to each k where host("near", k, q) > 0.3',
    'set if k.text == "a" then 3 else (q - k) / 5 to each k\nnormalize rows else uniform',
    "add all(t.word_start for t from k upto q) * 1 to each k\nadd first(t where t.text == k.text) to each k",
    "add ratio(1, q - 40) to each k where k.text == q.text",
    "normalize rows else first\nadd W[first, self] to self",  # rows that are the same for every query
    "normalize rows else first\nscale self by W[first(t where t.is_punct), self] otherwise 0.5",
)
WITH_WORDS = (
    'add 1 to each k where k.pos == "NOUN" and q.dep != k.dep\nadd 0.5 to q.head',
    'add count(w in q.words) + count(w in words where w.pos == "VERB") to each k where k.lemma == q.lemma',
    "add 1 to each k where k.word in q.word.children\n"
    "add 1 to each k where any(w in k.word.ancestors where w.pos == q.pos)",
    "add sum(w.index for w in k.words where w in q.word.subtree) to each k",
    "add count(t in q.word.tokens where t.text == k.text) to each k\nadd len(k.word.head.text) to each k",
    # tables of tokens and words, read by way of a third axis
    "let Covers(t, w) = w in t.words\n"
    'add 0.3 * count(w in words where Covers(q, w) and w.pos != "DET" and Covers(k, w.head)) to each k\n'
    "add 1 to each k where any(w in words where Covers(q, w) and any(v in w.children where Covers(k, v)))\n"
    "add sum(0.1 * count(v in w.children where Covers(k, v)) for w in words where Covers(q, w)) to each k",
    "add 1 to each k where any(w in words where w in q.words and k == q - w.index + 3 and k.is_punct)\n"
    "add count(w in words where w in q.words and k == w.index + q - 4) to each k",
    "add 1 to each k where any(w in words where any(t where w in t.words and t == k) and w.pos == q.pos)",
    "let Covers(t, w) = w in t.words\n"
    "add (largest(w.index + 0.5 for w in q.words where Covers(k, w) or Covers(k, w.head)) otherwise 0) to each k\n"
    "add (largest(w.index - 0.5 * q for w in q.words where Covers(k, w.head)) otherwise 0) to each k",
    "let Covers(t, w) = w in t.words\n"
    "add (smallest(w.index + 0.5 for w in q.words where Covers(k, w) or Covers(k, w.head)) otherwise 0) to each k\n"
    "add (smallest(w.index - 0.5 * q for w in q.words where Covers(k, w.head)) otherwise 0) to each k",
    "let Covers(t, w) = w in t.words\n"
    "add (product(w.index + 0.5 for w in q.words where Covers(k, w) or Covers(k, w.head)) otherwise 0) to each k\n"
    "add (product(w.index - 0.5 * q for w in q.words where Covers(k, w.head)) otherwise 0) to each k",
    "let Covers(t, w) = w in t.words\n"
    "add (sum(w.index + 0.5 for w in q.words where Covers(k, w) or Covers(k, w.head)) otherwise 0) to each k\n"
    "add (sum(w.index - 0.5 * q for w in q.words where Covers(k, w.head)) otherwise 0) to each k",
    # running values: bounds of every kind
    "add count(t before q.word.index where t.word_start) + sum(len(t.text) for t upto k) to each k\n"
    "add first(t from q - 4 upto q - 1 where t.is_punct) otherwise 0 to first\n"
    "add last(t from k - 3 before q where t.word_start) otherwise 0 to self\n"
    "add count(t after q - 5 before q where t.word_start) to self\n"
    "add 0.5 to first(t from q - 6 before q where t.word_start)",
)
FAILING = (
    "add 1 / (q - 11) to first\nadd 1 / (q - 3) to self",
    "add 1 / (k - 4) to each k",
    'add last(t before k where t.text == "the") to each k where k > 20',
    "add (0 - k) ** 0.5 to each k where k > 17",
    "softmax rows temperature q - 2",
)


def near(tokens, a, b):
    """A host relation with a value for every pair."""
    return ((7 * a + 3 * b) % 11) / 10


def source(body, causal, number=0):
    return f'head "program {number}" {"causal" if causal else "bidirectional"}\n{body}'


def text(seed, tokens, words=False):
    """A random text of that many tokens, with one more in front for some seeds."""
    return make_table(RandomChoices(seed), least=tokens, most=tokens, words=words)
