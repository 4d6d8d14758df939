"""What the search can say: tests of a key, of a query and of the two together, written in the language itself.

Every entry is text of the language, so that what is searched and what is printed cannot differ: the columns of the
search are computed by the compiled programs that these texts make. A rule takes relations and query tests from here
and sets of literals from the texts (``proposals.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

EVERY = "true"
"""The relation that holds for all pairs."""

_FIRST_OF_ITS_TEXT = "not any(t before k where t.text == k.text)"
_STARTS_SENTENCE = "(k - 1).sentence != k.sentence"
_BOTH = (
    EVERY,
    "k == q", "k == q - 1", "k == q - 2", "k == q - 3", "k == first", "k == 1",
    "k < 4", "k < 16",
    "k.text.lower() == q.text.lower() and k < q",
    "(k - 1).text.lower() == q.text.lower()",
    "(k - 2).text == (q - 1).text and (k - 1).text == q.text",
    "(k + 1).text == q.text and k < q - 1",
    "(k - 1).text == (q - 1).text and k < q",
    "k.sentence == q.sentence", "k.sentence == q.sentence - 1", "k.sentence == 0",
    "k.line == q.line",
    _STARTS_SENTENCE,
    f"{_STARTS_SENTENCE} and k.sentence == q.sentence",
    "k.is_punct", "k.is_capitalized", "k.word_start", "not k.word_start", 'k.text == ""',
    "len(k.text) >= 4", "len(k.text) >= 7",
    "k.in_quotes", "k.in_quotes and q.in_quotes",
    _FIRST_OF_ITS_TEXT,
    "k.is_punct and not any(t before k where t.is_punct)",
)  # fmt: skip
_CAUSAL = (
    "k >= q - 2", "k >= q - 4", "k >= q - 8", "k >= q - 16", "k >= q - 32",
    "not any(t after k where t.text == k.text)",
    "k == last(t where t.is_punct)", "k == last(t where t.is_capitalized)", "k == last(t where t.word_start)",
    'k == last(t where t.text == "")', "k == last(t where len(t.text) >= 4)",
)  # fmt: skip
_BIDIRECTIONAL = (
    "k == q + 1", "k == q + 2", "k == q + 3", "k == n - 1", "k == n - 2", "k < q", "k.special", "q.special",
    "abs(k - q) <= 1", "abs(k - q) <= 2", "abs(k - q) <= 4", "abs(k - q) <= 8",
    "k.text.lower() == q.text.lower() and k != q",
    "k == last(t before q where t.is_punct)", "k == first(t after q where t.is_punct)",
    "not k.word_start and not q.word_start and abs(k - q) <= 3",
    "(k + 1).text.lower() == q.text.lower() and k != q - 1",
    "(k + 1).text == (q + 1).text and k != q",
)  # fmt: skip
_QUERY_TESTS = (
    "q.is_punct", "q.is_capitalized", "q.word_start", "not q.word_start", "q.in_quotes", "len(q.text) >= 4",
    'q.text == ""', "(q - 1).sentence != q.sentence", "any(t before q where t.text.lower() == q.text.lower())",
    "q < 8", "q < 32", "q >= 64", "(q - 1).is_punct", "(q - 1).is_capitalized",
)  # fmt: skip


@dataclass(frozen=True)
class Slope:
    """A number that rises along the text, ``value``, on the keys where ``where`` holds; 0 on others."""

    value: str
    where: str = EVERY


_SLOPES = (
    Slope("log(1 + abs(q - k))"), Slope("abs(q - k) / 16"), Slope("log(1 + k)"), Slope("log(1 + q)", "k == first"),
)  # fmt: skip
GATED = (0, 3)
"""Slopes that are worth looking for among some keys or queries only: of distance, and of the first token."""

_BENDS = (
    "log(1 + abs(q - k))", "min(abs(q - k), 1)", "min(abs(q - k), 4)", "min(abs(q - k), 24) / 8",
    "min(abs(q - k), 64) / 16", "log(1 + q)", "log(1 + k)", "1",
    "min(abs(q.sentence - k.sentence), 4)", "len(k.text) / 4", "len(q.text) / 4",
    "log(1 + k - first(t where t.sentence == k.sentence))", "log(1 + q - first(t where t.sentence == q.sentence))",
    "min(abs(count(t before q where t.is_punct) - count(t before k where t.is_punct)), 6)",
    "min(count(t before k where t.text == k.text), 4)", "min(count(t before q where t.text == q.text), 4)",
)  # fmt: skip
"""What a rule's weight may change with, in one rule: near and far differ, in tokens, sentences and clauses; early and
late in the text and in the sentence; long words and short ones; new ones and known ones. "1" is for slopes, which have
no constant of their own."""


@dataclass(frozen=True)
class Vocabulary:
    """``relations`` are tests of q and k, the first is ``EVERY``; ``query_tests`` test q alone; ``slopes`` are numbers
    that rise along the text; ``bends`` are numbers that a rule's weight may change with."""

    causal: bool
    relations: tuple[str, ...]
    query_tests: tuple[str, ...]
    slopes: tuple[Slope, ...]
    bends: tuple[str, ...]


def vocabulary(causal: bool) -> Vocabulary:
    """What can be said of a causal or a bidirectional head."""
    return Vocabulary(causal, _BOTH + (_CAUSAL if causal else _BIDIRECTIONAL), _QUERY_TESTS, _SLOPES, _BENDS)
