"""Rules that would raise the fit most, by the second-order estimate that a gradient and a variance allow.

A rule over cells S moves every score in S by one weight. With g the summed derivative of the fit over S and h the
variance of the pattern's mass on S, its gain is about ``g^2 / (h + RIDGE)``. For sets of words this is a split of a
categorical variable: sorted by the step that each word asks for, the best set is a prefix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.runtime.rule_fit import best_prefixes, sums_by_relation, sums_by_test
from attndsl.synth.search.facts import Facts
from attndsl.synth.search.rule import Rule, Words

RIDGE = 8.0
"""Rows' worth of doubt: a rule that touches less mass than this gains little, however well it fits."""
TOLL = 0.97
"""A gain counts this much less for each part of the description, so that of equals the shorter rule wins."""
MOST_WORDS = 12
"""Words in one set: more cannot be read."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Kind:
    """One way to narrow a rule, for all relations at once: gains ``[relations, choices]``, and the rule of a choice.

    ``length`` is what it adds to the rule's description.
    """

    gains: NDArray[np.float64]
    rule: Callable[[Rule, int, int], Rule]
    length: int


def propose(
    facts: Facts, root: Rule, inside: NDArray[np.uint8], pattern: Floats, gradient: Floats, spread: Floats
) -> Iterator[Rule]:
    """Every rule that asks one or two things more than ``root`` (whose cells are ``inside``), best first."""
    relations, literals = len(facts.relations), len(facts.words)
    by_text = np.zeros((2, relations, literals), np.float32)
    by_before = np.zeros_like(by_text)
    by_row = np.zeros((2, relations, len(facts.cells.start) - 1), np.float32)
    sums_by_relation(
        facts.relations, inside, pattern, gradient, spread, facts.cells.start, facts.cells.first_key,
        facts.literal, facts.before, by_text, by_before, by_row,
    )  # fmt: skip
    rise, variance = by_row[0], by_row[1] * (1 - by_row[1])
    total = variance.sum(axis=1, dtype=np.float64)
    kinds = [_Kind(_gain(rise.sum(axis=1), total)[:, None], lambda rule, i, choice: rule, 0)]
    kinds += _word_kinds(facts, root, {"key": by_text, "before_key": by_before})
    kinds += _word_kinds(facts, root, _by_query(facts, rise, variance))
    kinds.append(_tests(facts, root, rise, variance))
    possible = total > 1e-6
    possible[list(root.relations)] = False
    yield from _best_first(root, kinds, possible)


def _best_first(root: Rule, kinds: list[_Kind], possible: NDArray[np.bool_]) -> Iterator[Rule]:
    gains = np.concatenate([np.where(possible[:, None], kind.gains, 0.0) * TOLL**kind.length for kind in kinds], axis=1)
    owner = np.concatenate([np.full(kind.gains.shape[1], at) for at, kind in enumerate(kinds)])
    first = np.concatenate([[0], np.cumsum([kind.gains.shape[1] for kind in kinds])])
    for flat in np.argsort(-gains, axis=None, kind="stable"):
        relation, column = divmod(int(flat), gains.shape[1])
        if gains[relation, column] <= 0:
            return
        at = int(owner[column])
        yield kinds[at].rule(root.also(relation), relation, column - int(first[at]))


def spread_out(rules: Iterable[Rule], most: int, each: int) -> list[Rule]:
    """The first ``most`` rules, at most ``each`` of them about the same relations."""
    seen: dict[tuple[int, ...], int] = {}
    found: list[Rule] = []
    for rule in rules:
        if seen.get(rule.relations, 0) < each:
            seen[rule.relations] = seen.get(rule.relations, 0) + 1
            found.append(rule)
            if len(found) == most:
                break
    return found


def _gain(rise: NDArray[np.floating], variance: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(rise, np.float64) ** 2 / (variance + RIDGE)


def _by_query(facts: Facts, rise: Floats, variance: Floats) -> dict[str, Floats]:
    """Sums by the text of the query and by the text before it, ``[2, relations, literals]``."""
    both = np.stack([rise, variance])
    sums = {}
    for name, column in (("query", facts.literal), ("before_query", facts.before)):
        of_row = column[facts.cells.query]
        order = np.argsort(of_row, kind="stable")
        present, starts = np.unique(of_row[order], return_index=True)
        sums[name] = np.zeros((*both.shape[:2], len(facts.words)), np.float32)
        sums[name][:, :, present] = np.add.reduceat(both[:, :, order], starts, axis=2)
    return sums


def _word_kinds(facts: Facts, root: Rule, sums: dict[str, Floats]) -> Iterator[_Kind]:
    for name, (rise, variance) in sums.items():
        if getattr(root, name) is None:
            for sign in (1.0, -1.0):
                gains, sets = best_sets(sign * rise, variance)
                yield _Kind(gains[:, None], partial(_with_set, name, sets), 2)


def _with_set(name: str, sets: list[Callable[[], Words]], rule: Rule, relation: int, choice: int) -> Rule:
    found: Any = {name: sets[relation]()}
    return replace(rule, **found)


def _tests(facts: Facts, root: Rule, rise: Floats, variance: Floats) -> _Kind:
    tests = facts.tests_by_row
    gains = _gain(sums_by_test(rise, tests), sums_by_test(variance, tests))
    gains[:, list(root.query_tests)] = 0.0
    return _Kind(gains, lambda rule, i, test: replace(rule, query_tests=(*rule.query_tests, test)), 1)


def best_sets(rise: Floats, variance: Floats) -> tuple[NDArray[np.float64], list[Callable[[], Words]]]:
    """For every row of sums ``[relations, words]`` the set of at most ``MOST_WORDS`` words that it pays most to raise:
    its gain, and a function that gives it. Word 0 (any other text) is in no set. Words are taken in the order of their
    own steps, shrunk by ``RIDGE``: a rare word must not be first by chance."""
    gains, chosen = best_prefixes(rise, variance, RIDGE, MOST_WORDS)

    def words(i: int) -> Words:
        return tuple(sorted(int(word) for word in chosen[i] if word))

    return gains, [partial(words, i) for i in range(len(rise))]
