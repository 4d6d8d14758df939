"""Parts of a report that a run may or may not have: other programs, rule coverage, counterexamples, damage."""

from __future__ import annotations

from dataclasses import dataclass

from attndsl.cli.report.picture import PatternPicture

VERDICTS = ("used", "idle", "dead", "harmful")


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95% interval, in the unit of the figure it belongs to."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another program that was scored for the same head. IoU in [0, 1]; ``program_text`` may be left out ("")."""

    program: str
    train_iou: float | None = None
    heldout_iou: float | None = None
    program_text: str = ""
    claim: str = ""


@dataclass(frozen=True, slots=True)
class OtherPicture:
    """The pattern an alternative predicts on an example, and its IoU with the real one before rounding."""

    program: str
    predicted: PatternPicture
    iou: float


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule of a head's program on some held-out texts.

    ``start`` and ``end`` delimit the rule in the program's text. ``texts`` and ``rows`` are shares on which it fires;
    ``mass`` is the share of the pattern's weight that lies elsewhere without it; ``iou_lost`` is the IoU lost without
    it, below 0 where the program is better off; ``verdict`` is one of ``VERDICTS``.
    """

    start: int
    end: int
    texts: float
    rows: float
    mass: float
    iou_lost: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A text on which a head's program was shown to fail, run again when the report was made.

    ``iou`` below ``below`` breaks the program. ``blamed`` is the text of the rule that was blamed ("" without one).
    """

    head: str
    program: str
    tokens: tuple[str, ...]
    iou: float
    below: float
    predicted: PatternPicture
    real: PatternPicture
    blamed: str = ""


@dataclass(frozen=True, slots=True)
class HeadDamage:
    """What replacing this head alone costs: rise of the mean loss, nats per token, and its interval over texts."""

    nats: float
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Correlation:
    """Spearman's rank correlation of damage with a score, in [-1, 1]."""

    score: str
    point: float | None
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class DamageStep:
    """Perplexity increase with ``share`` of heads replaced in an ``order``, by the ``programs`` named."""

    order: str
    programs: str
    share: float
    heads: int
    increase_percent: float
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class DamageStudy:
    """The damage measured in the run's folder: on how many train texts, its correlations, and curves."""

    texts: int
    heldout_texts: int
    correlations: tuple[Correlation, ...] = ()
    curves: tuple[DamageStep, ...] = ()
