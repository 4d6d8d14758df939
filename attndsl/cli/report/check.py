"""What must be true of report data before a page is drawn from it. Finds every fault, raises nothing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from attndsl.cli.report.data import Example, HeadRow, LengthRow, PerplexityStep, ReportData
from attndsl.cli.report.parts import VERDICTS, Counterexample, DamageStudy, Interval, RuleRow
from attndsl.cli.report.picture import PatternPicture
from attndsl.dsl.diagnostics import Diagnostic, diagnostic

MOST_FAULTS = 20
"""More than this many faults have one cause; the rest are counted."""


def check_report(data: ReportData) -> tuple[Diagnostic, ...]:
    """Every fault of the data as E0840 (E0841 for pictures), at most 20 and a line that counts the rest."""
    faults = list(_faults(data))
    if len(faults) <= MOST_FAULTS:
        return tuple(faults)
    rest = len(faults) - MOST_FAULTS
    return (*faults[:MOST_FAULTS], _fault(f"{rest} more values of the report are out of range"))


def _faults(data: ReportData) -> Iterator[Diagnostic]:
    if data.model.layers < 1 or data.model.heads < 1:
        yield _fault(f"model {data.model.name!r} has {data.model.layers} layers of {data.model.heads} heads")
    if data.n < 1 or (data.n_min is not None and not 1 <= data.n_min <= data.n):
        yield _fault(f"context length n={data.n}, n_min={data.n_min}: both must be at least 1, n_min at most n")
    if not data.heads:
        yield diagnostic(
            "E0840", "report without heads", help="score at least one head first: `attndsl score` or `attndsl explain`"
        )
    for name, count in Counter(row.name for row in data.heads).items():
        if count > 1:
            yield _fault(f"head {name} occurs {count} times")
    for row in data.heads:
        yield from _head(row, data)
    for split in data.splits:
        if split.texts < 0 or (split.tokens is not None and split.tokens < 0):
            yield _fault(f"split {split.name!r} has {split.texts} texts, {split.tokens} tokens")
    for name in ("mean", "median"):
        yield from _interval(getattr(data.intervals, name), f"headline {name}", 0, 1)
    yield from _interval(data.intervals.lift, "headline lift", -1, 1)
    for step in data.perplexity:
        yield from _step(step, data.model.layers * data.model.heads)
    for row_n in data.by_length:
        yield from _length(row_n)
    for item in data.left_out:
        if item.count < 0:
            yield _fault(f"left out: {item.what!r} counts {item.count}")
    for key, value in data.settings.items():
        if isinstance(value, float) and not math.isfinite(value):
            yield _fault(f"setting {key!r} is {value}")
    known = {row.name for row in data.heads}
    for broken in data.counterexamples:
        yield from _counterexample(broken, known, data.model.causal)
    if data.damage is not None:
        yield from _damage(data.damage)
    rivals = {row.name: {other.program for other in row.alternatives} for row in data.heads}
    for example in data.examples:
        yield from _example(example, rivals, data.model.causal)


def _head(row: HeadRow, data: ReportData) -> Iterator[Diagnostic]:
    if not (0 <= row.layer < data.model.layers and 0 <= row.head < data.model.heads):
        yield _fault(f"head {row.name} is outside a model of {data.model.layers} layers with {data.model.heads} heads")
    yield from _within(row.train_iou, f"{row.name} train IoU", 0, 1)
    yield from _within(row.heldout_iou, f"{row.name} held-out IoU", 0, 1)
    yield from _within(row.js, f"{row.name} Jensen-Shannon distance", 0, 1)
    yield from _within(row.iou_no_sink, f"{row.name} IoU without the sink", 0, 1)
    yield from _within(row.lift, f"{row.name} lift", -1, 1)
    yield from _interval(row.interval, f"{row.name} held-out IoU", 0, 1)
    for name, value in row.baselines.items():
        yield from _within(value, f"{row.name} baseline {name!r}", 0, 1)
    if row.best_baseline not in row.baselines:
        yield _fault(f"{row.name} names {row.best_baseline!r} as its best baseline, which was not measured")
    for other in row.alternatives:
        yield from _within(other.train_iou, f"{row.name} train IoU of {other.program!r}", 0, 1)
        yield from _within(other.heldout_iou, f"{row.name} held-out IoU of {other.program!r}", 0, 1)
    for number, rule in enumerate(row.rules):
        yield from _rule(rule, f"{row.name} rule {number}", len(row.program_text))
    if row.damage is not None:
        yield from _within(row.damage.nats, f"{row.name} damage", -math.inf, math.inf)
        yield from _interval(row.damage.interval, f"{row.name} damage", -math.inf, math.inf)


def _rule(rule: RuleRow, what: str, length: int) -> Iterator[Diagnostic]:
    for name in ("texts", "rows", "mass"):
        yield from _within(getattr(rule, name), f"{what} {name}", 0, 1 + 1e-6)
    yield from _within(rule.iou_lost, f"{what} IoU lost", -1, 1)
    if rule.verdict not in VERDICTS:
        yield _fault(f"{what} has the verdict {rule.verdict!r}")
    if not 0 <= rule.start < rule.end <= length:
        yield _fault(f"{what} is outside its program's text: {rule.start} to {rule.end}")


def _counterexample(broken: Counterexample, known: set[str], causal: bool) -> Iterator[Diagnostic]:
    what = f"counterexample of {broken.head}"
    if broken.head not in known:
        yield _fault(f"{what}, which the report does not list")
    yield from _within(broken.iou, f"{what} IoU", 0, 1)
    yield from _within(broken.below, f"{what} limit", 0, 1)
    for side, picture in (("predicted", broken.predicted), ("real", broken.real)):
        yield from _picture(picture, len(broken.tokens), causal, f"{side} picture in the {what}")


def _damage(study: DamageStudy) -> Iterator[Diagnostic]:
    for found in study.correlations:
        yield from _within(found.point, f"correlation of damage with {found.score}", -1, 1)
        yield from _interval(found.interval, f"correlation of damage with {found.score}", -1, 1)
    for step in study.curves:
        what = f"curve of {step.programs} in the order of {step.order} at {step.share:.0%}"
        yield from _within(step.share, f"{what} share", 0, 1)
        yield from _within(step.increase_percent, f"{what} increase", -100, math.inf)
        yield from _interval(step.interval, f"{what} increase", -100, math.inf)


def _step(step: PerplexityStep, heads: int) -> Iterator[Diagnostic]:
    what = f"perplexity step at {step.share:.0%}"
    yield from _within(step.share, f"{what} share", 0, 1)
    yield from _within(step.heads, f"{what} heads", 0, heads)
    yield from _within(step.perplexity, f"{what} perplexity", 1, math.inf)
    yield from _within(step.increase_percent, f"{what} increase", -100, math.inf)
    yield from _interval(step.interval, f"{what} increase", -100, math.inf)


def _length(row: LengthRow) -> Iterator[Diagnostic]:
    if row.n < 1:
        yield _fault(f"score by length at n={row.n}")
    for name in ("mean", "median", "first_token", "best_baseline"):
        yield from _within(getattr(row, name), f"{name} at n={row.n}", 0, 1)
    yield from _within(row.lift, f"lift at n={row.n}", -1, 1)


def _example(example: Example, rivals: dict[str, set[str]], causal: bool) -> Iterator[Diagnostic]:
    strangers = sorted((set(example.heads) | set(example.others)) - set(rivals))
    if strangers:
        yield _fault(f"example {example.text_id!r} pictures {', '.join(strangers[:5])}, which the report does not list")
    for name, pair in example.heads.items():
        yield from _within(pair.iou, f"IoU of {name} on {example.text_id!r}", 0, 1)
        for side, picture in (("predicted", pair.predicted), ("real", pair.real)):
            yield from _picture(
                picture, len(example.tokens), causal, f"{side} picture of {name} on {example.text_id!r}"
            )
    for name, others in example.others.items():
        strangers = sorted({other.program for other in others} - rivals.get(name, set()))
        if strangers:
            yield _fault(f"example {example.text_id!r} pictures {strangers[0]!r} for {name}, not one of its programs")
        for other in others:
            what = f"picture of {other.program!r} for {name} on {example.text_id!r}"
            yield from _within(other.iou, f"IoU in the {what}", 0, 1)
            yield from _picture(other.predicted, len(example.tokens), causal, what)


def _picture(picture: PatternPicture, tokens: int, causal: bool, what: str) -> Iterator[Diagnostic]:
    good = picture.n == tokens and picture.causal == causal and picture.has_right_size()
    if not good or not 0 <= picture.scale <= 1.01:
        yield diagnostic("E0841", f"{what} does not fit its tokens")


def _interval(value: Interval | None, what: str, low: float, high: float) -> Iterator[Diagnostic]:
    if value is None:
        return
    yield from _within(value.low, f"{what} interval, low end", low, high)
    yield from _within(value.high, f"{what} interval, high end", low, high)
    if value.low > value.high:
        yield _fault(f"{what} interval is upside down: {value.low} to {value.high}")


def _within(value: float | None, what: str, low: float, high: float) -> Iterator[Diagnostic]:
    if value is None:
        return
    if not math.isfinite(value) or not low <= value <= high:
        yield _fault(f"{what} is {value}, outside {low} to {high}")


def _fault(headline: str) -> Diagnostic:
    return diagnostic("E0840", headline)
