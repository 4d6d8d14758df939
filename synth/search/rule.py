"""A rule of the search, and its text in the language."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from attndsl.runtime.rule_fit import narrow
from attndsl.synth.search.facts import Facts
from attndsl.synth.search.vocabulary import EVERY, Vocabulary

_POSITIONS = {
    "k == q": "self", "k == first": "first",
    **{f"k == q - {d}": f"q - {d}" for d in (1, 2, 3)}, **{f"k == q + {d}": f"q + {d}" for d in (1, 2, 3)},
}  # fmt: skip
"""Relations that name one key: as a target they read better than as a test."""

Words = tuple[int, ...]
SETS = ("key", "before_key", "query", "before_query")
"""The fields of a rule that hold sets of words."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which cells a rule raises or lowers: those where everything that it names holds.

    ``relations`` and ``query_tests`` are numbers in the vocabulary. A set of words (numbers in ``Facts.words``) is None
    where the rule does not ask. ``slope`` is a number in the vocabulary: the weight is multiplied by it. ``bends`` too
    are numbers in the vocabulary: each adds a number to the weight, multiplied by it.
    """

    relations: tuple[int, ...] = ()
    key: Words | None = None
    before_key: Words | None = None
    query: Words | None = None
    before_query: Words | None = None
    query_tests: tuple[int, ...] = ()
    slope: int | None = None
    bends: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """Numbers in the rule's weight."""
        return 1 + len(self.bends)

    @property
    def straight(self) -> Rule:
        """The rule with one number."""
        return replace(self, bends=())

    @property
    def size(self) -> int:
        """Length of the description: a test counts one, a set of words two."""
        own = 0 if self.slope is None or self.straight == Rule(slope=self.slope) else 1
        own += len(self.bends)
        return own + len(self.relations) + len(self.query_tests) + 2 * len(self._sets)

    @property
    def plain(self) -> bool:
        """Whether it names no words."""
        return not self._sets

    @property
    def _sets(self) -> list[Words]:
        return [words for words in (getattr(self, name) for name in SETS) if words is not None]

    def wider(self) -> Iterator[Rule]:
        """The rules that ask one thing less, those that ask nothing left out."""
        found = [replace(self, relations=_without(self.relations, i)) for i in range(len(self.relations))]
        found += [replace(self, query_tests=_without(self.query_tests, i)) for i in range(len(self.query_tests))]
        found += [replace(self, **{name: None}) for name in SETS if getattr(self, name) is not None]  # type: ignore[arg-type]
        found += [replace(self, slope=None)] if self.slope is not None else []
        return (rule for rule in found if rule.straight != Rule())

    def also(self, relation: int) -> Rule:
        """The rule with one relation more (0 is the relation that always holds)."""
        return self if relation == 0 else replace(self, relations=(*self.relations, relation))


def _without(values: tuple[int, ...], at: int) -> tuple[int, ...]:
    return (*values[:at], *values[at + 1 :])


def cells_of_rule(rule: Rule, facts: Facts) -> NDArray[np.uint8]:
    """1 where the rule applies, uint8 ``[cells]``."""
    cells: NDArray[np.uint8]
    cells = facts.relations[rule.relations[0]].copy() if rule.relations else np.ones_like(facts.relations[0])
    for relation in (*rule.relations[1:], *([] if rule.slope is None else [facts.slope_relation[rule.slope]])):
        cells &= facts.relations[relation]
    keys = _marked(facts.literal, rule.key) & _marked(facts.before, rule.before_key)
    queries = _marked(facts.literal, rule.query) & _marked(facts.before, rule.before_query)
    for test in rule.query_tests:
        queries &= facts.query_tests[test]
    if not (keys.all() and queries.all()):
        narrow(cells, keys, queries, facts.cells.start, facts.cells.first_key, facts.cells.query)
    return cells


def column_of_rule(rule: Rule, facts: Facts) -> NDArray[np.float32]:
    """What the rule's first number multiplies, float32 ``[cells]``."""
    cells = cells_of_rule(rule, facts).astype(np.float32)
    return cells if rule.slope is None else cells * facts.slopes[rule.slope]


def columns_of_rule(rule: Rule, facts: Facts) -> NDArray[np.float32]:
    """What each number of the rule's weight multiplies, float32 ``[width, cells]``."""
    found = np.empty((rule.width, int(facts.cells.start[-1])), np.float32)
    cells = cells_of_rule(rule, facts)
    found[0] = cells if rule.slope is None else cells * facts.slopes[rule.slope]
    for column, bend in zip(found[1:], rule.bends, strict=True):
        np.multiply(cells, facts.bends[bend], out=column)
    return found


def spans(rules: Sequence[Rule]) -> list[slice]:
    """Where each rule's numbers are among all."""
    ends = np.cumsum([0, *(rule.width for rule in rules)])
    return [slice(int(a), int(b)) for a, b in pairwise(ends)]


def _marked(tokens: NDArray[np.int32], words: Words | None) -> NDArray[np.uint8]:
    if words is None:
        return np.ones(len(tokens), dtype=np.uint8)
    return np.isin(tokens, words).astype(np.uint8)


def write_program(
    name: str, rules: Sequence[Rule], weights: Sequence[float], vocabulary: Vocabulary, words: tuple[str, ...]
) -> str:
    """The program in the language; every weight is written as given."""
    lines = [f"head {json.dumps(name)} {'causal' if vocabulary.causal else 'bidirectional'}"]
    lines += [_rule_text(rule, weights[at], vocabulary, words) for rule, at in zip(rules, spans(rules), strict=True)]
    return "\n".join([*lines, "softmax rows"]) + "\n"


def _rule_text(rule: Rule, weights: Sequence[float], vocabulary: Vocabulary, words: tuple[str, ...]) -> str:
    tests = [vocabulary.relations[i] for i in rule.relations]
    if rule.slope is not None:
        slope = vocabulary.slopes[rule.slope]
        tests = list(dict.fromkeys([slope.where, *tests] if slope.where != EVERY else tests))
    tests += _set_tests("k", rule.key, rule.before_key, words)
    when = [vocabulary.query_tests[i] for i in rule.query_tests]
    when += _set_tests("q", rule.query, rule.before_query, words)
    if len(tests) == 1 and tests[0] in _POSITIONS:
        target = _POSITIONS[tests[0]]
    else:
        target = f"each k where {' and '.join(f'({t})' for t in tests)}" if tests else "each k"
    condition = f" when {' and '.join(f'({t})' for t in when)}" if when else ""
    return f"add {_weight_text(rule, weights, vocabulary)} to {target}{condition}"


def _weight_text(rule: Rule, weights: Sequence[float], vocabulary: Vocabulary) -> str:
    values = ["1" if rule.slope is None else vocabulary.slopes[rule.slope].value]
    values += [vocabulary.bends[i] for i in rule.bends]
    text = ""
    for weight, value in zip(weights, values, strict=True):
        if weight:
            sign = ("-" if weight < 0 else "") if not text else (" - " if weight < 0 else " + ")
            text += f"{sign}{abs(weight):g}" + ("" if value == "1" else f" * {value}")
    return text or "0"


def _set_tests(token: str, own: Words | None, before: Words | None, words: tuple[str, ...]) -> list[str]:
    found = []
    for place, chosen in ((token, own), (f"({token} - 1)", before)):
        if chosen is not None:
            found.append(f"{place}.text in {{{', '.join(_string(words[i]) for i in sorted(chosen))}}}")
    return found


def _string(text: str) -> str:
    """A string literal: escapes of the language are JSON's, except for a character beyond 16 bits, kept as it is."""
    return json.dumps(text, ensure_ascii=False)
