"""Which program explains which head: all programs against all heads on train, choice on validation, report on test.

The choice on validation is among the few best on train of each head: a large library would otherwise find its lucky
program on any small set of texts. The report is the one of ``runtime/selection.py``, with its baselines and intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import fail
from attndsl.runtime.baselines import BaselineChoice, baselines, choose_baselines
from attndsl.runtime.choice import Choice
from attndsl.runtime.exact import pair_ious
from attndsl.runtime.kernel import LastKernel, LibraryKernel
from attndsl.runtime.program import Program
from attndsl.runtime.scorer import Scorer
from attndsl.runtime.selection import Selection, report
from attndsl.runtime.table import Table
from attndsl.synth.categories import kinds_of
from attndsl.synth.library import Entry
from attndsl.synth.measure import all_scores
from attndsl.synth.road import Example, Head, head_name

SHORTLIST = 8
"""Programs of each head, best on train, among which validation chooses."""
ENSEMBLE = 3
TENTHS = 10
GIVEN = "given"
"""The road of programs that were there before."""


@dataclass(eq=False)
class ExampleSplit:
    """Examples with a library's predictions, as ``runtime.selection`` reads a split."""

    examples: Sequence[Example]
    programs_: Sequence[Program]
    causal: bool

    def __post_init__(self) -> None:
        self._some = LastKernel(lambda ids: LibraryKernel([self.programs_[i] for i in ids], self.causal))

    def __len__(self) -> int:
        return len(self.examples)

    def heads(self, sentence: int) -> NDArray[np.float32]:
        return np.ascontiguousarray(self.examples[sentence].patterns)

    def programs(self, sentence: int, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        return self._some.of(ids).predict(self.examples[sentence].table).patterns


@dataclass(frozen=True, eq=False)
class Ranking:
    """``train`` and ``validation``: mean IoU, float64 [programs, heads]; ``chosen``: the program of each head."""

    entries: Sequence[Entry]
    heads: Sequence[Head]
    causal: bool
    train: NDArray[np.float64]
    validation: NDArray[np.float64]
    chosen: NDArray[np.int64]

    @property
    def programs(self) -> list[Program]:
        return [entry.program for entry in self.entries]

    def shortlist(self, place: int, most: int = SHORTLIST) -> NDArray[np.int64]:
        """The best programs of a head on train, best first; of equal ones the earlier."""
        return np.argsort(-self.train[:, place], kind="stable")[:most]


def rank(
    entries: Sequence[Entry],
    heads: Sequence[Head],
    causal: bool,
    train: Sequence[Example],
    validation: Sequence[Example],
) -> Ranking:
    """Score and choose. Raises E0535 without texts or programs, E0536 when a text is in both splits."""
    if not entries or not train or not validation:
        raise fail("E0535", "there is nothing to rank", help="give programs, train texts and validation texts")
    _apart(train=train, validation=validation)
    programs = [entry.program for entry in entries]
    scores = all_scores(programs, len(heads), train, causal)
    checked = all_scores(programs, len(heads), validation, causal)
    found = Ranking(entries, heads, causal, scores, checked, np.zeros(len(heads), dtype=np.int64))
    for place in range(len(heads)):
        few = found.shortlist(place)
        found.chosen[place] = few[np.argmax(checked[few, place])]
    return found


def report_on(ranking: Ranking, train: Sequence[Example], test: Sequence[Example]) -> Table:
    """One row per head as ``runtime.selection.report`` gives it, on the test texts, with the program's address, kinds
    and origin. Raises E0536 when a test text chose something."""
    _apart(train=train, test=test)
    heads = np.arange(len(ranking.heads))
    choice = Choice(ranking.chosen, ranking.train[ranking.chosen, heads], np.zeros((len(heads), 0)))
    programs, names = ranking.programs, tuple(head_name(head) for head in ranking.heads)
    baseline = _baseline_choice(ranking, train)
    split = ExampleSplit(train, programs, ranking.causal)
    shown = tuple(program.name for program in programs)
    selection = Selection(shown, names, ranking.causal, choice, baseline, split)
    table = report(selection, ExampleSplit(test, programs, ranking.causal))
    chosen = [ranking.entries[i] for i in ranking.chosen]
    columns = {
        **table.columns,
        "validation_iou": ranking.validation[ranking.chosen, heads].tolist(),
        "address": [entry.address for entry in chosen],
        "kinds": [", ".join(kinds_of(entry.program)) for entry in chosen],
        "road": [entry.origins[0].provenance.road if entry.origins else GIVEN for entry in chosen],
        "intended": [" ".join(head_name(head) for head in entry.heads) for entry in chosen],
    }
    return Table(columns, table.meta)


def _apart(**splits: Sequence[Example]) -> None:
    for (first, a), (second, b) in combinations(splits.items(), 2):
        common = {example.table.text for example in a} & {example.table.text for example in b}
        if common:
            raise fail(
                "E0536", f"{len(common)} of the {second} texts are {first} texts too", help="keep the splits apart"
            )


def _baseline_choice(ranking: Ranking, train: Sequence[Example]) -> BaselineChoice:
    total = None
    for example in train:
        patterns = np.ascontiguousarray(example.patterns)
        given = baselines(patterns.shape[1], causal=ranking.causal)
        with Scorer(len(given.kind), len(ranking.heads), causal=ranking.causal) as scorer:
            scorer.add_sentence(given.patterns, patterns)
            total = scorer.mean if total is None else total + scorer.mean
    assert total is not None
    return choose_baselines(total / len(train), given.kind)


# ---------------------------------------------------------------- what the library says as a whole


def intended_against_best(ranking: Ranking) -> dict[str, float | int]:
    """How often the program that was written for a head is the one chosen for it, and what the choice gains on
    validation over the best of those that were written for it. Heads without such a program are counted apart."""
    own = [[i for i, entry in enumerate(ranking.entries) if head in entry.heads] for head in ranking.heads]
    with_own = [place for place, programs in enumerate(own) if programs]
    kept = [place for place in with_own if int(ranking.chosen[place]) in own[place]]
    gains = [ranking.validation[ranking.chosen[p], p] - max(ranking.validation[i, p] for i in own[p]) for p in with_own]
    return {
        "heads": len(ranking.heads),
        "heads_with_own_programs": len(with_own),
        "own_program_chosen": len(kept),
        "mean_gain_over_own": float(np.mean(gains)) if gains else 0.0,
    }


def coverage(ranking: Ranking) -> list[tuple[int, int]]:
    """(k, heads): for how many heads the k most chosen programs are chosen; the last k counts the distinct ones."""
    _, counts = np.unique(ranking.chosen, return_counts=True)
    covered = np.cumsum(np.sort(counts)[::-1])
    return [(k, int(heads)) for k, heads in enumerate(covered, start=1)]


def kind_counts(ranking: Ranking) -> dict[str, int]:
    """Heads by main kind of their program, most first."""
    names = [kinds_of(ranking.entries[i].program)[0] for i in ranking.chosen]
    return {name: names.count(name) for name in sorted(set(names), key=lambda n: (-names.count(n), n))}


# ---------------------------------------------------------------- ensembles


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Programs of one head with weights in tenths that sum to one, and the mixture's validation IoU."""

    programs: tuple[int, ...]
    weights: tuple[float, ...]
    validation_iou: float


def ensembles(ranking: Ranking, validation: Sequence[Example], size: int = ENSEMBLE) -> list[Ensemble]:
    """For every head the best mixture of at most ``size`` of its shortlisted programs, grown greedily on validation:
    the chosen program first, then whichever program and share in tenths raises IoU most; it ends when none does."""
    wanted = sorted({int(i) for place in range(len(ranking.heads)) for i in ranking.shortlist(place)})
    kernel = LibraryKernel([ranking.entries[i].program for i in wanted], ranking.causal)
    at = {program: number for number, program in enumerate(wanted)}
    patterns = [kernel.predict(example.table).patterns for example in validation]
    return [_grow(ranking, place, size, at, patterns, validation) for place in range(len(ranking.heads))]


def _grow(
    ranking: Ranking,
    place: int,
    size: int,
    at: dict[int, int],
    patterns: Sequence[NDArray[np.float32]],
    validation: Sequence[Example],
) -> Ensemble:
    heads = [np.ascontiguousarray(example.patterns[place : place + 1]) for example in validation]
    first = int(ranking.chosen[place])
    chosen, weights = [first], np.array([1.0])
    score = float(ranking.validation[first, place])
    few = [int(i) for i in ranking.shortlist(place)]
    while len(chosen) < size:
        best: tuple[float, int, int] | None = None
        mixed = [_mixed(pattern, [at[p] for p in chosen], weights) for pattern in patterns]
        for program in (p for p in few if p not in chosen):
            pairs = zip(mixed, patterns, strict=True)
            stacks = [_shares(before, pattern[at[program]]) for before, pattern in pairs]
            values = _mean_ious(stacks, heads, ranking.causal)
            tenth = int(np.argmax(values))
            if values[tenth] > (best[0] if best else score) + 1e-9:
                best = (float(values[tenth]), program, tenth + 1)
        if best is None:
            break
        score = best[0]
        weights = np.append(weights * (1 - best[2] / TENTHS), best[2] / TENTHS)
        chosen.append(best[1])
    return Ensemble(tuple(chosen), tuple(float(w) for w in weights), score)


def _mixed(patterns: NDArray[np.float32], members: list[int], weights: NDArray[np.float64]) -> NDArray[np.float32]:
    """The members with their weights, float32 [n, n]."""
    found = np.zeros(patterns.shape[1:], np.float32)
    for member, weight in zip(members, weights.astype(np.float32), strict=True):
        found += weight * patterns[member]
    return found


def _shares(before: NDArray[np.float32], member: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mixtures in which the new member has 1, 2, ... 9 tenths, float32 [9, n, n]."""
    tenths = np.arange(1, TENTHS, dtype=np.float32)[:, None, None] / TENTHS
    mixed: NDArray[np.float32] = before + tenths * (member - before)
    return mixed


def _mean_ious(
    stacks: Sequence[NDArray[np.float32]], heads: Sequence[NDArray[np.float32]], causal: bool
) -> NDArray[np.float64]:  # fmt: skip
    pairs = np.stack([np.arange(TENTHS - 1), np.zeros(TENTHS - 1, dtype=np.int64)], axis=1)
    values = [pair_ious(stack, head, pairs, causal=causal) for stack, head in zip(stacks, heads, strict=True)]
    result: NDArray[np.float64] = np.mean(values, axis=0)
    return result


def mixtures_table(ranking: Ranking, found: Sequence[Ensemble]) -> list[dict[str, Any]]:
    """The ensembles as data: head, addresses, weights, validation IoU, and what the chosen program alone has."""
    return [
        {
            "head": head_name(head),
            "programs": [ranking.entries[i].address for i in one.programs],
            "weights": list(one.weights),
            "validation_iou": one.validation_iou,
            "alone": float(ranking.validation[ranking.chosen[place], place]),
        }
        for place, (head, one) in enumerate(zip(ranking.heads, found, strict=True))
    ]
