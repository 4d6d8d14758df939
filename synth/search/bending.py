"""A rule's weight that changes with one of the vocabulary's bends, instead of one number: found after the rule."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attndsl.runtime.rule_fit import bend_sums, gain_of_column
from attndsl.synth.search.fitting import Fit
from attndsl.synth.search.proposals import RIDGE
from attndsl.synth.search.rule import cells_of_rule, spans

MOST_BENDS = 3
"""In one rule: more cannot be read."""
LEAST_GAIN = 4e-4
"""A bend raises the fit by at least this share of it: it is one number more to read."""
_STEPS = np.array([0.3, 0.6, 1.0, 1.6, 2.5])
_MEASURED = 3
_EVERY = 3  # rows that the estimate is made from: the gain is measured on all

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, order=True)
class _Bend:
    """The rule at ``at`` with ``bend`` more: ``gain``, the new ``weight``, and ``shift``, by how much of it the rule's
    first number falls, so that the bend alone is what changes."""

    gain: float
    at: int
    bend: int
    weight: float
    shift: float


def bend(fit: Fit, most: int) -> None:
    """Let weights of the rules of ``fit`` change with what gains most, ``most`` times at most, while it is worth it."""
    for _ in range(most):
        found = [_measured(fit, each) for each in _estimates(fit)[:_MEASURED]]
        best = max(found, default=None)
        if best is None or best.gain < LEAST_GAIN * fit.common:
            return
        _put(fit, best)
        fit.refit(3)


def _estimates(fit: Fit) -> list[_Bend]:
    """All bends with their gain to second order and the step that they ask for, best first."""
    gradient, _ = fit.slopes()
    found = []
    for at, (rule, own) in enumerate(zip(fit.rules, spans(fit.rules), strict=True)):
        if len(rule.bends) >= MOST_BENDS:
            continue
        column, cells = fit.columns[own.start], _cells(fit, at)
        all_sums = bend_sums(column, cells, fit.facts.bends, fit.pattern, gradient, fit.facts.cells.start, _EVERY)
        for which, sums in enumerate(all_sums):
            if which in rule.bends:
                continue
            first, both, other = (float(x) for x in sums[2:])
            shift = both / max(first, 1e-6)
            rise, spread = float(sums[1] - shift * sums[0]), other - shift * both
            if spread > max(1e-3 * other, 1e-6):  # else it is what the rule's first number says already
                step = rise / (spread + RIDGE)
                found.append(_Bend(rise * step, at, which, step, shift))
    return sorted(found, reverse=True)


def _measured(fit: Fit, one: _Bend) -> _Bend:
    column = _column(fit, one) - np.float32(one.shift) * fit.columns[spans(fit.rules)[one.at].start]
    gains = gain_of_column(column, fit.pattern, fit.target, fit.facts.cells.start, one.weight * _STEPS)
    best = int(np.argmax(gains))
    return replace(one, gain=float(gains[best]), weight=float(one.weight * _STEPS[best]))


def _put(fit: Fit, one: _Bend) -> None:
    rule, own = fit.rules[one.at], spans(fit.rules)[one.at]
    weights = np.insert(fit.weights, own.stop, np.float32(one.weight))
    weights[own.start] -= np.float32(one.weight * one.shift)
    bent = replace(rule, bends=(*rule.bends, one.bend))
    columns = np.insert(fit.columns, own.stop, _column(fit, one), axis=0)
    fit.set((*fit.rules[: one.at], bent, *fit.rules[one.at + 1 :]), weights, columns)


def _column(fit: Fit, one: _Bend) -> Floats:
    column: Floats = _cells(fit, one.at) * fit.facts.bends[one.bend]
    return column


def _cells(fit: Fit, at: int) -> Floats:
    """1 where the rule applies: its first column, unless that is a slope."""
    rule = fit.rules[at]
    if rule.slope is None:
        column: Floats = fit.columns[spans(fit.rules)[at].start]
        return column
    return cells_of_rule(rule, fit.facts).astype(np.float32)
