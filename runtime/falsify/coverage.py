"""Rule coverage: which rules of a program fire on texts, what each moves, and what is lost without it.

The words are those of line coverage and of ablation studies: a rule *fires* on a text or it does not; to *ablate* it is
to run the program without it, everything else unchanged. Nothing is estimated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.falsify.rules import RuleKernel, RuleOf
from attndsl.runtime.program import Program

UNCHANGED = 1e-6
"""Weight that has to move in some row of some text before a rule counts as changing anything: float32 rounding of a
row of 128 weights stays below it."""


@dataclass(frozen=True)
class RuleUse:
    """One rule over some texts.

    ``texts`` and ``rows`` are the shares of texts and of query rows on which it fires. ``mass`` is the share of the
    pattern's weight that lies elsewhere without it, 0 to 1: half the sum of absolute differences, mean over rows.
    ``iou_lost`` is the mean IoU with the head less the mean IoU without the rule: negative where the program is better
    off without it; None without a head. ``verdict``: ``dead`` (fires nowhere), ``idle`` (fires, and changes nothing),
    ``harmful`` (IoU rises without it) or ``used``.
    """

    rule: RuleOf
    texts: float
    rows: float
    mass: float
    iou_lost: float | None
    verdict: str


@dataclass(frozen=True)
class Coverage:
    """Rule coverage of one program. ``failures``: (number of the text, error) where the program could not be run."""

    program: str
    rules: tuple[RuleUse, ...]
    texts: int
    rows: int
    iou: float | None
    failures: tuple[tuple[int, DiagnosticError], ...] = ()

    @property
    def fired(self) -> float:
        """Share of the rules that fire on some text; 1 for a program without rules."""
        return sum(use.texts > 0 for use in self.rules) / len(self.rules) if self.rules else 1.0

    def _repr_html_(self) -> str:
        from attndsl.runtime.shown import coverage_html

        return coverage_html(self)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "program": self.program,
            "texts": self.texts,
            "rows": self.rows,
            "iou": self.iou,
            "fired": self.fired,
            "rules": [
                {**asdict(use), "rule": use.rule.number, "line": use.rule.line, "text": use.rule.text}
                for use in self.rules
            ],
            "failures": [{"text": text, "error": str(error)} for text, error in self.failures],
        }


@dataclass
class _Sums:
    texts: NDArray[np.float64]
    rows: NDArray[np.float64]
    mass: NDArray[np.float64]
    most: NDArray[np.float64]
    iou: NDArray[np.float64]
    failures: list[tuple[int, DiagnosticError]] = field(default_factory=list)


def rule_coverage(
    program: Program,
    tables: Sequence[TokenTable],
    causal: bool,
    head: Sequence[NDArray[np.float32]] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Coverage:
    """Coverage of a lifted program's rules on texts, and what each is worth against the patterns of ``head`` there.

    A text on which the program fails is left out of every figure and is in ``failures``; one on which it only fails
    without a rule counts that rule's whole mass and IoU. Raises DiagnosticError E0802 (not lifted).
    """
    kernel = RuleKernel(program, causal)
    count = len(kernel.rules)
    sums = _Sums(np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count + 1))
    rows = texts = 0
    for number, table in enumerate(tables):
        predicted = kernel.patterns(table)
        if 0 in predicted.errors:
            sums.failures.append((number, predicted.errors[0]))
        else:
            _add(sums, kernel.fired(table), predicted.patterns, None if head is None else head[number])
            rows, texts = rows + len(table), texts + 1
        if progress is not None:
            progress(number + 1, len(tables))
    means = sums.iou / max(texts, 1)
    uses = [
        _use(rule, sums, at, max(texts, 1), max(rows, 1), None if head is None else means[0] - means[at + 1])
        for at, rule in enumerate(kernel.rules)
    ]
    iou = None if head is None else float(means[0])
    return Coverage(program.name, tuple(uses), texts, rows, iou, tuple(sums.failures))


def _add(
    sums: _Sums, fired: NDArray[np.bool_], patterns: NDArray[np.float32], head: NDArray[np.float32] | None
) -> None:
    """Add one text; a pattern that failed without a rule is all zero, and so counts as all of the mass moved."""
    by_row = np.asarray(fired.any(axis=2), dtype=np.bool_)
    sums.texts += by_row.any(axis=1)
    sums.rows += by_row.sum(axis=1)
    full, ablated = patterns[0].astype(np.float64), patterns[1:].astype(np.float64)
    moved = np.maximum(full - ablated, 0).sum(axis=2)  # both sums are one: what one side gains the other loses
    sums.mass += moved.sum(axis=1)
    np.maximum(sums.most, moved.max(axis=1, initial=0.0), out=sums.most)
    if head is not None:
        sums.iou += ious(patterns, head)


def _use(rule: RuleOf, sums: _Sums, at: int, texts: int, rows: int, lost: float | None) -> RuleUse:
    if sums.texts[at] == 0:
        verdict = "dead"
    elif sums.most[at] <= UNCHANGED:
        verdict = "idle"
    else:
        verdict = "harmful" if lost is not None and lost < 0 else "used"
    return RuleUse(
        rule,
        float(sums.texts[at] / texts),
        float(sums.rows[at] / rows),
        float(sums.mass[at] / rows),
        None if lost is None else float(lost),
        verdict,
    )


def ious(patterns: NDArray[np.float32], head: NDArray[np.float32]) -> NDArray[np.float64]:
    """IoU (``runtime.scoring.iou``) of every pattern [programs, n, n] with one [n, n]."""
    wide, one = patterns.astype(np.float64), head.astype(np.float64)
    union = np.maximum(wide, one).sum(axis=(1, 2))
    shared = np.minimum(wide, one).sum(axis=(1, 2))
    result: NDArray[np.float64] = np.divide(shared, union, out=np.ones_like(union), where=union > 0)
    return result
