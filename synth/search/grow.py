"""The search for one head: grow a rule at a time with look-ahead, refit, swap, and remember every size on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attndsl.runtime.rule_fit import gain_of_cells, gain_of_column
from attndsl.synth.search.bending import bend
from attndsl.synth.search.facts import Facts
from attndsl.synth.search.fitting import Fit
from attndsl.synth.search.proposals import TOLL, propose, spread_out
from attndsl.synth.search.rule import Rule, cells_of_rule, column_of_rule, columns_of_rule, spans
from attndsl.synth.search.vocabulary import GATED

Floats = NDArray[np.float32]

WEIGHTS = np.array([-6, -4, -2.5, -1.5, -0.8, -0.4, 0.4, 0.8, 1.5, 2.5, 4, 6, 9])
SLOPE_WEIGHTS = np.array([-2, -1, -0.6, -0.3, 0.3, 0.6, 1, 2])
_BETWEEN = 9
_SCALES = np.array([0.25, 0.5, 0.75, 1, 1.25])


@dataclass(frozen=True)
class Effort:
    """How hard to look. ``tried``: first rules measured; ``beam`` of them are made narrower, ``depth`` times, each in
    ``narrower`` ways; ``final`` are measured on all texts. ``screened`` texts serve for all but that last measure.
    One of the first ``plain`` rules names no words if it gains at least
    ``plain_share`` of what the best rule gains: the words that texts begin with would stand for the first token, and
    the fit would not find out of that again. ``gated``: slopes of the vocabulary (distance, growth of the first token)
    that are looked for among some keys or queries only, in ``sloped`` ways each. ``swaps``: times that the weakest rule
    makes room for a better one, at the end. ``bends``: weights that may begin to change with one of the vocabulary's
    bends after each rule, and ``last_bends`` when all rules are there."""

    tried: int = 24
    beam: int = 4
    depth: int = 2
    narrower: int = 6
    final: int = 4
    screened: int = 20
    plain: int = 2
    plain_share: float = 0.5
    gated: tuple[int, ...] = GATED
    sloped: int = 6
    swaps: int = 6
    bends: int = 4
    last_bends: int = 12


@dataclass(frozen=True, slots=True)
class Found:
    """Rules with their weights, and the IoU over all train rows."""

    rules: tuple[Rule, ...]
    weights: tuple[float, ...]
    train_iou: float


def grow(
    facts: Facts, few: Facts, target: Floats, most: int, effort: Effort, watch: Callable[[float], None]
) -> Iterator[Found]:
    """The best rules of every size up to ``most``, as they are found (fewer where no rule helps), and the last size
    once more, after swaps.

    ``few`` are the facts of the first ``effort.screened`` texts.
    """
    fit = Fit.empty(facts, target)
    while len(fit.rules) < most:
        if not _add_best(fit, few, effort):
            break
        fit.refit(4)
        bend(fit, effort.bends)
        yield _snapshot(fit)
        watch(fit.iou)
    fit.refit(12)
    _widen(fit)
    fit.refit(6)
    bend(fit, effort.last_bends)
    for _ in range(effort.swaps if fit.rules else 0):
        before = (fit.rules, fit.weights, fit.columns, fit.common)
        fit.drop(int(np.argmin(fit.losses())))
        added = _add_best(fit, few, effort)
        fit.refit(6)
        bend(fit, effort.bends)
        if not added or fit.common <= before[3]:
            fit.set(*before[:3])
            break
    fit.refit(20, least_gain=5e-5)
    yield _snapshot(fit)
    watch(fit.iou)


def _widen(fit: Fit) -> None:
    """Ask one thing less in each rule where that is better: what a rule asked for was better when it joined."""
    for rule in fit.rules:
        at = fit.rules.index(rule)
        before = (fit.rules, fit.weights, fit.columns)
        weights = fit.weights[spans(fit.rules)[at]]
        fit.drop(at)
        best = (_scaled(fit, rule, weights, np.ones(1))[0] * TOLL**rule.size, weights, rule)
        for wider in rule.wider():
            if wider.straight not in fit.straight and (wider.slope == rule.slope or not rule.bends):
                best = max(best, _refilled(fit, wider, weights), key=lambda found: found[0])
        if best[2] == rule:
            fit.set(*before)
        else:
            fit.add(best[2], *best[1])


def _refilled(fit: Fit, rule: Rule, weights: Floats) -> tuple[float, Floats, Rule]:
    """The gain of a rule that takes another's place, and its weights: with bends, those of the other to scale."""
    if not rule.bends:
        gain, weight, _ = _priced(fit, rule)
        return gain, np.array([weight], np.float32), rule
    gain, scale = _scaled(fit, rule, weights, _SCALES)
    return gain * TOLL**rule.size, weights * np.float32(scale), rule


def _scaled(fit: Fit, rule: Rule, weights: Floats, scales: NDArray[np.float64]) -> tuple[float, float]:
    """The gain of a rule with the best of some multiples of these weights, and the multiple."""
    column = weights @ columns_of_rule(rule, fit.facts)
    gains = gain_of_column(column, fit.pattern, fit.target, fit.facts.cells.start, scales)
    best = int(np.argmax(gains))
    return float(gains[best]), float(scales[best])


def refitted(found: Found, facts: Facts, target: Floats) -> Found:
    """The same rules with their weights fitted to the end."""
    fit = Fit.empty(facts, target)
    for rule, own in zip(found.rules, spans(found.rules), strict=True):
        fit.add(rule, *found.weights[own])
    fit.refit(20, least_gain=5e-5)
    return _snapshot(fit)


def _snapshot(fit: Fit) -> Found:
    return Found(fit.rules, tuple(float(w) for w in fit.weights), fit.iou)


def _add_best(fit: Fit, few: Facts, effort: Effort) -> bool:
    """Add the rule that raises the fit most, with the best of a few weights; False when none does."""
    best = _best_rule(fit, few, effort, plain=False)
    if len(fit.rules) < effort.plain:
        plain = _best_rule(fit, few, effort, plain=True)
        if plain[0] >= effort.plain_share * best[0]:
            best = plain
    gain, weight, rule = best
    if gain <= 0:
        return False
    fit.add(rule, weight)
    return True


def _best_rule(fit: Fit, few: Facts, effort: Effort, plain: bool) -> tuple[float, float, Rule]:
    """The gain (0 when no rule gains), the weight and the rule."""
    nothing = (0.0, 0.0, Rule())
    found = [_priced(fit, rule) for _, rule in _look(fit, few, effort, plain)[: effort.final]]
    best = max([nothing, *found], key=lambda each: each[0])
    # The look is on few texts with few weights, which can put the rule that asks one thing more first.
    wider = [_priced(fit, rule) for rule in best[2].wider() if rule not in fit.straight]
    return max([best, *wider], key=lambda each: each[0])


def _priced(fit: Fit, rule: Rule) -> tuple[float, float, Rule]:
    gain, weight = _best_weight(fit, rule)
    return gain * TOLL**rule.size, weight, rule


def _best_weight(fit: Fit, rule: Rule) -> tuple[float, float]:
    """The gain of a rule on all texts, and the weight for it: the best of a few, then between its neighbours."""
    weights = _weights_of(rule)
    at = int(np.argmax(_gains(fit, fit.facts, rule, weights)))
    between = np.linspace(weights[max(at - 1, 0)], weights[min(at + 1, len(weights) - 1)], _BETWEEN)
    gains = _gains(fit, fit.facts, rule, between)
    return float(gains.max()), float(between[int(np.argmax(gains))])


def _weights_of(rule: Rule) -> NDArray[np.float64]:
    return WEIGHTS if rule.slope is None else SLOPE_WEIGHTS


def _gains(fit: Fit, facts: Facts, rule: Rule, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the rule gains on the texts of ``facts``, with each of some weights."""
    start = facts.cells.start
    size = int(start[-1])
    pattern, target = fit.pattern[:size], fit.target[:size]
    gains: NDArray[np.float64]
    if rule.slope is not None:
        gains = gain_of_column(column_of_rule(rule, facts), pattern, target, start, weights)
    else:
        gains = gain_of_cells(cells_of_rule(rule, facts), pattern, target, start, weights)
    return gains


def _look(fit: Fit, few: Facts, effort: Effort, plain: bool) -> list[tuple[float, Rule]]:
    """Rules (without words, if ``plain``) with what they gain on the few texts, best first."""
    size = int(few.cells.start[-1])
    pattern = fit.pattern[:size]
    known = fit.straight
    gradient, spread = fit.slopes()
    # Two views of what is missing: how the fit would rise now, and the mass itself. The first is blind to keys whose
    # weight is near zero, the second to how a gain is lost elsewhere.
    views = (gradient[:size], fit.target[:size] - pattern)

    def proposed(root: Rule, view: Floats) -> Iterator[Rule]:
        cells, mass, variance = cells_of_rule(root, few), pattern, spread[:size]
        if root.slope is not None:  # a cell counts by how far the slope moves it, at most 1
            by = few.slopes[root.slope] / max(float(np.abs(few.slopes[root.slope]).max()), 1e-9)
            mass, view, variance = mass * by * by, view * by, variance * by * by
        rules = propose(few, root, cells, mass, view, variance)
        return (rule for rule in rules if rule not in known and (rule.plain or not plain))

    def measured(root: Rule, most: int) -> list[tuple[float, Rule]]:
        rules = [
            rule for view in views
            for rule in spread_out(proposed(root, view), most // 2, 2)
        ]  # fmt: skip
        return _ranked((float(_gains(fit, few, rule, _weights_of(rule)).max()), rule) for rule in dict.fromkeys(rules))

    def _ranked(pairs: Iterable[tuple[float, Rule]]) -> list[tuple[float, Rule]]:
        priced = ((gain * TOLL**rule.size, rule) for gain, rule in pairs)
        return sorted(priced, key=lambda pair: -pair[0])

    ranked = measured(Rule(), effort.tried)
    ranked += [pair for at in effort.gated for pair in measured(_slope(at), effort.sloped)]
    ranked.sort(key=lambda pair: -pair[0])
    front = ranked[: effort.beam]
    for _ in range(0 if plain else effort.depth):
        found = {rule: gain for _, root in front for gain, rule in measured(root, effort.narrower)}
        front = sorted(((gain, rule) for rule, gain in found.items()), key=lambda pair: -pair[0])
        ranked += front
        front = front[: max(1, effort.beam // 2)]
    slopes = [rule for rule in map(_slope, range(len(few.slopes))) if rule not in known]
    ranked += [(float(_gains(fit, few, rule, _weights_of(rule)).max()), rule) for rule in slopes]
    return list(dict.fromkeys(sorted(ranked, key=lambda pair: -pair[0])))


def _slope(at: int) -> Rule:
    return Rule(slope=at)
