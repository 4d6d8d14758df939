"""A rule's weight that changes with distance or along the text, instead of one number: found after the rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from attndsl.runtime.rule_fit import bend_sums, gain_of_column
from attndsl.synth.search.fitting import Fit
from attndsl.synth.search.proposals import RIDGE
from attndsl.synth.search.rule import Rule, cells_of_rule, spans

MOST_BENDS = 3
"""In one rule: more cannot be read."""
LEAST_GAIN = 4e-4
"""A bend raises the fit by at least this share."""
_STEPS = np.array([0.3, 0.6, 1.0, 1.6, 2.5])
_MEASURED = 3


def bend(fit: Fit, most: int) -> None:
    """Let the weights of the rules of ``fit`` change with what gains most, ``most`` times, while it is worth it."""
    for _ in range(most):
        if not _bend_once(fit):
            return
        fit.refit(3)


def _bend_once(fit: Fit) -> bool:
    start = fit.facts.cells.start
    best: tuple[float, int, int, float, float] = (LEAST_GAIN * fit.common, -1, 0, 0.0, 0.0)
    found = _estimates(fit)
    for _, at, which, step, shift in found[:_MEASURED]:
        rule = fit.rules[at]
        own = _cells(rule, fit)
        column = own * fit.facts.bends[which] - np.float32(shift) * fit.columns[spans(fit.rules)[at].start]
        gains = gain_of_column(column, fit.pattern, fit.target, start, step * _STEPS)
        i = int(np.argmax(gains))
        best = max(best, (float(gains[i]), at, which, step * float(_STEPS[i]), shift))
    _, at, which, weight, shift = best
    if at < 0:
        return False
    _put(fit, at, which, weight, shift)
    return True


def _estimates(fit: Fit) -> list[tuple[float, int, int, float, float]]:
    """Gain to second order, rule, bend, step of its weight, and how far the rule's first number moves against it."""
    gradient, _ = fit.slopes()
    found = []
    for at, (rule, own) in enumerate(zip(fit.rules, spans(fit.rules), strict=True)):
        if rule.width > MOST_BENDS:
            continue
        column, cells = fit.columns[own.start], _cells(rule, fit)
        for which, value in enumerate(fit.facts.bends):
            if which in rule.bends:
                continue
            g0, g1, h00, h01, h11 = bend_sums(column, cells, value, fit.pattern, gradient, fit.facts.cells.start)
            shift = h01 / max(h00, 1e-6)
            rise, own_share = g1 - shift * g0, h11 - shift * h01
            if own_share > 1e-3 * h11 and own_share > 1e-6:
                found.append((rise * rise / (own_share + RIDGE), at, which, rise / (own_share + RIDGE), shift))
    return sorted(found, reverse=True)


def _cells(rule: Rule, fit: Fit) -> np.ndarray:
    cells = cells_of_rule(rule, fit.facts).astype(np.float32)
    return cells if rule.slope is None else cells * (fit.facts.slopes[rule.slope] != 0)


def _put(fit: Fit, at: int, which: int, weight: float, shift: float) -> None:
    rule, own = fit.rules[at], spans(fit.rules)[at]
    weights = np.insert(fit.weights, own.stop, np.float32(weight))
    weights[own.start] -= np.float32(weight * shift)
    column = _cells(rule, fit) * fit.facts.bends[which]
    bent = replace(rule, bends=(*rule.bends, which))
    fit.set((*fit.rules[:at], bent, *fit.rules[at + 1 :]), weights, np.insert(fit.columns, own.stop, column, axis=0))
