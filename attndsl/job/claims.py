"""Job: texts on which a program's claims are false, of its own pattern or of a head's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import fail
from attndsl.job.falsify import Asked, Search, Sides, check_corpus, prepare, text_maker
from attndsl.job.progress import Progress
from attndsl.runtime.falsify.changes import ChangeJudge, moved
from attndsl.runtime.falsify.claims import SLACK, ClaimJudge, ClaimKernel, claims_of
from attndsl.runtime.falsify.judge import Trial
from attndsl.runtime.falsify.proposals import Proposals
from attndsl.runtime.falsify.report import shown_tokens, top_keys
from attndsl.runtime.falsify.rules import RuleKernel, lifted
from attndsl.runtime.falsify.search import Hunt, Limits, hunt
from attndsl.runtime.falsify.shrink import shrink
from attndsl.runtime.falsify.texts import words_of

Keys = tuple[tuple[int, float], ...]
"""Keys of a row with their weights, the largest first."""


@dataclass(frozen=True)
class BrokenRow:
    """The row that misses the bound most. ``amount`` is its mass on the target, or the share of its weight that moved;
    ``after`` has its keys on the changed text (of a claim about mass: none)."""

    tokens: tuple[str, ...]
    query: int
    amount: float
    keys: Keys
    changed_tokens: tuple[str, ...] = ()
    after: Keys = ()


@dataclass(frozen=True)
class ClaimTried:
    """One claim after a search: ``trial`` is the shortest text found on which it is false (None: it held on all),
    ``found`` the one it was shrunk from; ``row`` is None where the program fails on the text."""

    names: str
    claim: str
    asked: Asked
    program: str
    hunt: Hunt
    trial: Trial | None = None
    found: Trial | None = None
    row: BrokenRow | None = None


def falsify_claims(asked: Asked, search: Search, progress: Progress) -> list[ClaimTried]:
    """Search for texts on which claims of the program are false; without a head, no model is run.

    Raises DiagnosticError as ``prepare``; E0807 for a program without a claim that can be checked; E0808 when no
    passage of the corpus fits.
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


def claim_judge(
    sides: Sides, kernel: RuleKernel, claim: ClaimKernel, least: int, most: int, proposals: Proposals | None = None
) -> ClaimJudge:
    """The judge for this kind of claim."""
    if claim.about_changes:
        return ChangeJudge(kernel, claim, sides.head, sides.tokenizer, least, most, proposals)
    return ClaimJudge(kernel, claim, sides.head, sides.tokenizer, least, most)


def _try_claim(
    asked: Asked, sides: Sides, kernel: RuleKernel, claim: ClaimKernel, search: Search, progress: Progress
) -> ClaimTried:
    words = words_of(lifted(sides.program), claim.claim)
    maker = text_maker(sides.program, kernel, search, words)
    proposals = Proposals(claim.claim, maker, words, sides.tokenizer)
    judge = claim_judge(sides, kernel, claim, search.least_tokens, search.most_tokens, proposals)
    check_corpus(judge, maker, search)
    limits = Limits(1.0 - SLACK, search.limits.texts, search.limits.seconds)
    with progress.bar("searching against a claim", limits.texts) as advance:
        state = hunt(judge, maker, limits, advance)
    outcome = ClaimTried(sides.names, claim.text, asked, sides.program.name, state)
    if not state.found:
        return outcome
    first = min(state.breaking, key=lambda trial: trial.iou)
    trial = shrink(judge, first, state.threshold, maker.simple).trial
    row = None if trial.error is not None else broken_row(judge, trial)
    return ClaimTried(sides.names, claim.text, asked, sides.program.name, state, trial, first, row)


def broken_row(judge: ClaimJudge, trial: Trial) -> BrokenRow:
    """The row of a trial that misses the bound most."""
    claim, table, pattern = judge.claim, judge.table(trial.text), judge.head_on(trial)
    bound = claim.claim.bound
    if not isinstance(judge, ChangeJudge):
        gaps = claim.gaps(table, pattern)
        query = int(gaps.argmax())
        mass = bound - gaps[query] if claim.claim.kind == "mass_at_least" else bound + gaps[query]
        return BrokenRow(shown_tokens(table), query, float(mass), top_keys(pattern[query]))
    assert trial.changed is not None
    after = judge.pattern_on(trial.changed)
    query = int(judge.gaps_of(trial.pieces).argmax())
    before, now = _moved_keys(pattern[query], after[query])
    tokens = shown_tokens(table), shown_tokens(judge.table(trial.changed))
    return BrokenRow(tokens[0], query, float(moved(pattern, after)[query]), before, tokens[1], now)


def _moved_keys(before: NDArray[np.float32], after: NDArray[np.float32]) -> tuple[Keys, Keys]:
    """The keys that matter in either row, with their weights in both: what moved little is seen only side by side."""
    keys = sorted({k for row in (before, after) for k, _ in top_keys(row)})
    return tuple((k, float(before[k])) for k in keys), tuple((k, float(after[k])) for k in keys)
