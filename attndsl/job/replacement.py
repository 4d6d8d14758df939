"""Stage: heads replaced by their programs, in the order of train IoU, and what that does to perplexity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from attndsl.job.repairs import repair_stage
from attndsl.job.run import Run
from attndsl.job.scores import chosen_programs, in_iou_order
from attndsl.runtime.program import Program
from attndsl.runtime.surrogates import Surrogates
from attndsl.runtime.table import Table

if TYPE_CHECKING:
    from attndsl.models.repair import Repair

BOOTSTRAP_DRAWS = 2000
Step = dict[str, Any]
Head = tuple[int, int]


def provider_of(programs: Sequence[Program], causal: bool, tokenizer: Any, **backend: Any) -> Surrogates:
    """The provider of ``models.inject`` for programs, one per head."""
    return Surrogates(programs, causal, tokenizer, **backend)


def replace_stage(run: Run, table: Table) -> list[Step]:
    """Perplexity on held-out text with growing shares of heads replaced; empty for a model without perplexity.

    Each step: ``share``, ``heads`` (number), ``perplexity``, ``increase_percent`` with a 95% bootstrap interval over
    texts (paired with the unmodified model), and ``nll``/``tokens`` per text; with ``settings.repair``, the same with
    the heads repaired, under ``repaired``. Finished steps are not run again.
    """
    if not run.causal:
        run.progress.note("a bidirectional model predicts no next tokens: perplexity is left out")
        return []
    order = in_iou_order(run, table)
    programs = chosen_programs(run, table)
    steps: list[Step] = []
    base: Step | None = None
    shares = sorted({0.0, *run.settings.steps})
    repairs: Mapping[Head, Repair] = {}
    if run.settings.repair:
        repairs = repair_stage(run, order[: round(shares[-1] * len(order))], programs)
    with run.progress.bar("replacing heads", len(shares)) as advance:
        for number, share in enumerate(shares, start=1):
            heads = order[: round(share * len(order))]
            step = _step(run, share, heads, programs)
            base = base or step
            step |= increase(base, step, run.settings.seed)
            if repairs and heads:
                fixed = _step(run, share, heads, programs, repairs)
                step["repaired"] = fixed | increase(base, fixed, run.settings.seed)
            steps.append(step)
            advance(number, len(shares))
    return steps


def _step(
    run: Run,
    share: float,
    heads: list[Head],
    programs: dict[Head, Program],
    repairs: Mapping[Head, Repair] | None = None,
) -> Step:
    wanted = {head: repairs[head] for head in heads if head in repairs} if repairs else {}
    fixed = [[(head, repair.scale, repair.bias) for head, repair in wanted.items()]] if wanted else []
    key = run.key("replace", [(head, programs[head].name) for head in heads], *fixed)
    known = run.stages.load("replace", key)
    if known is None:
        known = _measure(run, heads, programs, wanted)
        run.stages.save("replace", key, known)
    return {"share": share, "heads": len(heads), **known}


def _measure(run: Run, heads: list[Head], programs: dict[Head, Program], repairs: Mapping[Head, Repair]) -> Step:
    from attndsl.models.inject import inject
    from attndsl.models.perplexity import losses

    loaded = run.loaded
    texts = [text.text for text in run.texts("heldout")]
    provider = provider_of([programs[head] for head in heads], True, loaded.tokenizer, **run._backend())
    with inject(loaded.model, heads, provider, layout=loaded.layout, outside_window="renormalize", repairs=repairs):
        found = losses(loaded.model, loaded.tokenizer, texts)
    return {"perplexity": found.perplexity, "nll": found.nll.tolist(), "tokens": found.tokens.tolist()}


def increase(base: Step, step: Step, seed: int) -> Step:
    """Increase of perplexity in percent, with a 95% percentile bootstrap interval over texts.

    Texts are resampled in pairs (unmodified, replaced), so that hard texts do not widen the interval. One text has no
    interval: ``low`` and ``high`` are None.
    """
    before, now = np.array(base["nll"]), np.array(step["nll"])
    tokens = np.array(step["tokens"])
    point = float(100 * np.expm1((now - before).sum() / tokens.sum()))
    if len(tokens) < 2:
        return {"increase_percent": point, "low": None, "high": None}
    draws = np.random.default_rng(seed).integers(0, len(tokens), (BOOTSTRAP_DRAWS, len(tokens)))
    change = (now - before)[draws].sum(axis=1) / tokens[draws].sum(axis=1)
    low, high = np.percentile(100 * np.expm1(change), [2.5, 97.5])
    return {"increase_percent": point, "low": float(low), "high": float(high)}
