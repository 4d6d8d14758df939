"""Job: texts on which a program's own claims are false."""

from __future__ import annotations

from dataclasses import dataclass

from attndsl.dsl.diagnostics import fail
from attndsl.job.falsify import Asked, Search, Sides, prepare, text_maker
from attndsl.job.progress import Progress
from attndsl.runtime.falsify.claims import SLACK, ClaimJudge, ClaimKernel, claims_of
from attndsl.runtime.falsify.judge import Trial
from attndsl.runtime.falsify.report import shown_tokens, top_keys
from attndsl.runtime.falsify.rules import RuleKernel
from attndsl.runtime.falsify.search import Hunt, Limits, hunt
from attndsl.runtime.falsify.shrink import shrink


@dataclass(frozen=True)
class ClaimTried:
    """One claim after a search: ``trial`` is the shortest text found on which it is false (None: it held on all), with
    the row that misses the limit most, its mass there, and its largest keys."""

    program: str
    claim: str
    asked: Asked
    hunt: Hunt
    trial: Trial | None = None
    found: Trial | None = None
    tokens: tuple[str, ...] = ()
    query: int = -1
    mass: float = 0.0
    keys: tuple[tuple[int, float], ...] = ()


def falsify_claims(asked: Asked, search: Search, progress: Progress) -> list[ClaimTried]:
    """Search for texts on which claims of the program are false; no model is run.

    Raises DiagnosticError as ``prepare``; E0807 for a program without a claim that can be checked.
    """
    sides = prepare(asked, progress)
    claims = claims_of(sides.program)
    if not claims:
        raise fail(
            "E0807", f"there is nothing to hold {sides.program.name!r} against",
            help="give --head L5H3 or --against NAME, or claim something that can be checked: "
            "claim mass at least 0.6 on q - 1 when q > 0",
        )  # fmt: skip
    kernel = RuleKernel(sides.program, sides.causal)
    return [_try_claim(asked, sides, kernel, ClaimKernel(sides.program, claim), search, progress) for claim in claims]


def _try_claim(
    asked: Asked, sides: Sides, kernel: RuleKernel, claim: ClaimKernel, search: Search, progress: Progress
) -> ClaimTried:
    judge = ClaimJudge(kernel, claim, sides.tokenizer, search.least_tokens, search.most_tokens)
    maker = text_maker(sides.program, kernel, search)
    limits = Limits(1.0 - SLACK, search.limits.texts, search.limits.seconds)
    with progress.bar("searching against a claim", limits.texts) as advance:
        state = hunt(judge, maker, limits, advance)
    if not state.found:
        return ClaimTried(sides.program.name, claim.text, asked, state)
    first = min(state.breaking, key=lambda trial: trial.iou)
    trial = shrink(judge, first, state.threshold, maker.simple).trial
    table = judge.table(trial.text)
    if trial.error is not None:
        return ClaimTried(sides.program.name, claim.text, asked, state, trial, first, shown_tokens(table))
    pattern = judge.head_on(trial)
    gaps = claim.gaps(table, pattern)
    query = int(gaps.argmax())
    mass = claim.claim.bound - gaps[query] if claim.claim.least else claim.claim.bound + gaps[query]
    return ClaimTried(
        sides.program.name,
        claim.text,
        asked,
        state,
        trial,
        first,
        shown_tokens(table),
        query,
        float(mass),
        top_keys(pattern[query]),
    )
