"""What a report shows, as frozen data that fits in JSON. ``render.py`` turns it into a page.

Figures are what the run measured; this file derives nothing but the headline means and medians, so that a headline
can never disagree with the rows below it. Every IoU belongs to a context length ``n``: length rules the score.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from attndsl.cli.report.parts import (
    Alternative,
    Counterexample,
    DamageStudy,
    HeadDamage,
    Interval,
    OtherPicture,
    RuleRow,
)
from attndsl.cli.report.picture import PatternPicture, check_tokens, picture_iou
from attndsl.dsl.diagnostics import DiagnosticError

FIRST_TOKEN = "first_token"
"""The key in ``HeadRow.baselines`` under which the first-token baseline is expected."""

Setting = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The model whose heads are explained. ``layers`` and ``heads`` (per layer) are the size of the heatmap."""

    name: str
    layers: int
    heads: int
    causal: bool = True
    revision: str = ""
    architecture: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """One split of the corpus: ``name`` (train, held-out), number of texts, and their tokens in all if known."""

    name: str
    texts: int
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class HeadRow:
    """One head and the program chosen for it on train text.

    IoU figures are in [0, 1], higher is better; ``js`` is the mean Jensen-Shannon distance in [0, 1], lower is
    better; ``iou_no_sink`` leaves key 0 out; ``baselines`` maps a name (``first_token``, ``previous``, ...) to its
    held-out IoU; ``best_baseline`` names one of them; ``lift`` is held-out IoU minus the best baseline, in [-1, 1].
    ``kinds`` are the kinds of its program, main kind first. ``rules`` is their coverage, in the order of the program.
    """

    layer: int
    head: int
    program: str
    program_text: str
    claim: str
    train_iou: float
    heldout_iou: float
    baselines: Mapping[str, float]
    best_baseline: str
    lift: float
    interval: Interval | None = None
    js: float | None = None
    iou_no_sink: float | None = None
    alternatives: tuple[Alternative, ...] = ()
    kinds: tuple[str, ...] = ()
    rules: tuple[RuleRow, ...] = ()
    damage: HeadDamage | None = None

    @property
    def name(self) -> str:
        """Zero-based name such as ``L5H3``."""
        return f"L{self.layer}H{self.head}"


@dataclass(frozen=True, slots=True)
class PerplexityStep:
    """Held-out perplexity with ``share`` (0 to 1) of all heads, that is ``heads`` of them, replaced.

    ``increase_percent`` is against no replacement; ``interval`` is in percent too; ``series`` tells curves apart
    (another order, another substitute).
    """

    share: float
    heads: int
    perplexity: float
    increase_percent: float
    interval: Interval | None = None
    series: str = "programs"


@dataclass(frozen=True, slots=True)
class LengthRow:
    """Held-out scores at context length ``n`` tokens, over all heads of the report."""

    n: int
    mean: float
    median: float
    first_token: float
    best_baseline: float
    lift: float


@dataclass(frozen=True, slots=True)
class HeadPicture:
    """The predicted and the real pattern of one head on one example, and their IoU before rounding."""

    predicted: PatternPicture
    real: PatternPicture
    iou: float


@dataclass(frozen=True, slots=True)
class Example:
    """One text: its tokens as a reader should see them, and the pictures of heads by name (``L5H3``).

    ``others``: what each head's alternatives predict, where they are pictured.
    """

    text_id: str
    tokens: tuple[str, ...]
    heads: Mapping[str, HeadPicture]
    others: Mapping[str, tuple[OtherPicture, ...]] = field(default_factory=dict)

    @classmethod
    def from_patterns(
        cls,
        text_id: str,
        tokens: Sequence[str],
        predicted: Mapping[str, npt.ArrayLike],
        real: Mapping[str, npt.ArrayLike],
        *,
        causal: bool = True,
    ) -> Example:
        """Build an example from float patterns ``[q, k]`` by head name; both mappings must name the same heads.

        Raises DiagnosticError E0841 with every pattern that is not one of ``len(tokens)`` square, finite, not
        negative, with rows that sum to at most 1 and, if causal, nothing after the query.
        """
        check_tokens(text_id, tokens, predicted, real)
        heads: dict[str, HeadPicture] = {}
        faults: list[DiagnosticError] = []
        for name in predicted:
            try:
                left = _matrix(predicted[name])
                right = _matrix(real[name])
                pictures = (
                    PatternPicture.from_matrix(left, len(tokens), causal, f"predicted {name} on {text_id}"),
                    PatternPicture.from_matrix(right, len(tokens), causal, f"real {name} on {text_id}"),
                )
                heads[name] = HeadPicture(*pictures, picture_iou(left, right))
            except DiagnosticError as error:
                faults.append(error)
        if faults:
            raise DiagnosticError(d for fault in faults for d in fault.diagnostics)
        return cls(text_id, tuple(tokens), heads)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something a reader might think is in the figures and is not: refused programs, mismatched heads."""

    what: str
    count: int
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HeadlineIntervals:
    """95% intervals of the headline figures; ``over`` says what was resampled (texts, heads)."""

    mean: Interval | None = None
    median: Interval | None = None
    lift: Interval | None = None
    over: str = "texts"


@dataclass(frozen=True, slots=True)
class Headline:
    """Means over the heads of a report (and the median IoU), derived from its rows by ``headline``."""

    mean: float
    median: float
    first_token: float | None
    best_baseline: float
    lift: float
    no_sink: float | None
    heads: int


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything on the page. ``n`` is the longest context in tokens that was scored, ``n_min`` the shortest.
    ``rule_texts``: the number of held-out texts on which rules were watched.

    Checked on construction; raises DiagnosticError E0840 with every value that cannot be true (a head outside the
    model, an IoU outside [0, 1], a best baseline that was not measured, ...).
    """

    model: ModelInfo
    corpus: str
    n: int
    splits: tuple[Split, ...]
    heads: tuple[HeadRow, ...]
    n_min: int | None = None
    intervals: HeadlineIntervals = HeadlineIntervals()
    perplexity: tuple[PerplexityStep, ...] = ()
    by_length: tuple[LengthRow, ...] = ()
    examples: tuple[Example, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    rule_texts: int = 0
    counterexamples: tuple[Counterexample, ...] = ()
    damage: DamageStudy | None = None
    settings: Mapping[str, Setting] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    created: str = ""

    def __post_init__(self) -> None:
        from attndsl.cli.report.check import check_report

        faults = check_report(self)
        if faults:
            raise DiagnosticError(faults)


def headline(data: ReportData) -> Headline:
    """The figures at the top of the page: plain means over heads, and the median of held-out IoU.

    A figure that some head lacks is None: a mean over fewer heads than its neighbours would mislead.
    """
    rows = data.heads
    return Headline(
        mean=statistics.fmean(r.heldout_iou for r in rows),
        median=statistics.median(r.heldout_iou for r in rows),
        first_token=_mean([r.baselines.get(FIRST_TOKEN) for r in rows]),
        best_baseline=statistics.fmean(r.baselines[r.best_baseline] for r in rows),
        lift=statistics.fmean(r.lift for r in rows),
        no_sink=_mean([r.iou_no_sink for r in rows]),
        heads=len(rows),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    present = [v for v in values if v is not None]
    return statistics.fmean(present) if present and len(present) == len(values) else None


def _matrix(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)
