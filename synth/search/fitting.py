"""The rules of one head with their weights, fitted together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attndsl.runtime.rule_fit import information, minima_by_row, score_gradient, softmax_fit, weight_gradient
from attndsl.synth.search.facts import Cells, Facts
from attndsl.synth.search.rule import Rule, columns_of_rule, spans

MOST_WEIGHT = 12.0
"""Scores beyond this change nothing in float32 rows, and would let a weight run away."""
_EVERY = 3  # rows that the information is estimated from: it only shapes the step
_DAMP = 4.0

Floats = NDArray[np.float32]


@dataclass(eq=False)
class Fit:
    """A head's cells ``target`` on the texts of ``facts``, the rules so far, and the pattern they give."""

    facts: Facts
    target: Floats
    rules: tuple[Rule, ...]
    weights: Floats
    columns: Floats
    pattern: Floats
    common: float

    @classmethod
    def empty(cls, facts: Facts, target: Floats) -> Fit:
        """No rule: every row is uniform."""
        nothing = np.zeros((0, len(target)), np.float32)
        fit = cls(facts, target, (), np.zeros(0, np.float32), nothing, np.empty_like(target), 0.0)
        fit._evaluate()
        return fit

    @property
    def iou(self) -> float:
        """IoU over all rows of all texts at once."""
        rows = len(self.facts.cells.start) - 1
        return self.common / (2 * rows - self.common)

    def _evaluate(self) -> None:
        self.common = softmax_fit(self.columns, self.weights, self.target, self.facts.cells.start, self.pattern)

    @property
    def straight(self) -> set[Rule]:
        """The rules, whatever their weights change with."""
        return {rule.straight for rule in self.rules}

    def add(self, rule: Rule, *weights: float) -> None:
        """One rule more."""
        columns = columns_of_rule(rule, self.facts)
        own = np.array(weights, np.float32)
        self.set((*self.rules, rule), np.append(self.weights, own), np.vstack([self.columns, columns]))

    def drop(self, at: int) -> None:
        """One rule less; the others keep their weights."""
        rules, own = (*self.rules[:at], *self.rules[at + 1 :]), spans(self.rules)[at]
        self.set(rules, np.delete(self.weights, own), np.delete(self.columns, own, axis=0))

    def set(self, rules: tuple[Rule, ...], weights: Floats, columns: Floats) -> None:
        """Other rules, with their weights and columns."""
        self.rules, self.weights, self.columns = rules, weights, columns
        self._evaluate()

    def slopes(self) -> tuple[Floats, Floats]:
        """Derivative of the fit by every cell's score, and every cell's variance."""
        gradient, spread = np.empty_like(self.target), np.empty_like(self.target)
        score_gradient(self.pattern, self.target, self.facts.cells.start, gradient, spread)
        return gradient, spread

    def refit(self, rounds: int, least_gain: float = 2e-4) -> None:
        """Move all weights uphill: natural gradient steps, halved until they help, while a step gains that share."""
        start = self.facts.cells.start
        other = np.empty_like(self.pattern)
        size = 2.0
        for _ in range(rounds):
            rise = weight_gradient(self.columns, self.slopes()[0], start)
            shape = information(self.columns, self.pattern, start, _EVERY)
            shape[np.diag_indices_from(shape)] *= 1.02
            shape[np.diag_indices_from(shape)] += _DAMP
            step = np.linalg.solve(shape, rise)
            while size > 0.05:
                moved = np.clip(self.weights + size * step, -MOST_WEIGHT, MOST_WEIGHT).astype(np.float32)
                common = softmax_fit(self.columns, moved, self.target, start, other)
                if common > self.common:
                    break
                size /= 2
            else:
                return
            gained = common - self.common
            self.weights, self.common = moved, common
            self.pattern, other = other, self.pattern
            size *= 2
            if gained < least_gain * self.common:
                return

    def losses(self) -> NDArray[np.float64]:
        """What the fit loses without each rule, the others' weights unchanged."""
        other = np.empty_like(self.pattern)
        found = np.zeros(len(self.rules))
        for i, own in enumerate(spans(self.rules)):
            weights = self.weights.copy()
            weights[own] = 0
            found[i] = self.common - softmax_fit(self.columns, weights, self.target, self.facts.cells.start, other)
        return found


def pattern_of(rules: tuple[Rule, ...], weights: Floats, facts: Facts) -> Floats:
    """The cells of the pattern that rules give on some texts."""
    size = int(facts.cells.start[-1])
    columns = np.zeros((len(weights), size), np.float32)
    for rule, own in zip(rules, spans(rules), strict=True):
        columns[own] = columns_of_rule(rule, facts)
    pattern = np.empty(size, np.float32)
    softmax_fit(columns, weights, pattern, facts.cells.start, pattern)
    return pattern


def iou_by_text(rules: tuple[Rule, ...], weights: Floats, facts: Facts, target: Floats) -> NDArray[np.float64]:
    """IoU of every text, for rules that were fitted elsewhere."""
    pattern = pattern_of(rules, weights, facts)
    return text_scores(minima_by_row(pattern, target, facts.cells.start), facts.cells)


def text_scores(minima: NDArray[np.float64], cells: Cells) -> NDArray[np.float64]:
    """IoU of every text from the minima of its rows, which sum to one."""
    common = np.bincount(cells.text, minima, len(cells.tokens))
    return common / (2 * cells.tokens - common)
