"""Stage: heads replaced by their programs, in the order of train IoU, and what that does to perplexity."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from attndsl.job.repairs import repair_stage
from attndsl.job.run import Run
from attndsl.job.scores import chosen_programs, in_iou_order
from attndsl.runtime.program import Program
from attndsl.runtime.surrogates import Surrogates
from attndsl.runtime.table import Table
from attndsl.store.folder import Written
from attndsl.store.units import Unit

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
    units = {share: step_unit(run, order[: round(share * len(order))], programs) for share in shares}
    fixed: dict[float, Unit] = {}
    if run.settings.repair:
        repairs = repair_stage(run, order[: round(shares[-1] * len(order))], programs)
        fixed = {
            share: step_unit(run, order[: round(share * len(order))], programs, repairs)
            for share, unit in units.items() if unit.args["heads"]
        }  # fmt: skip
    run.do("replacing heads", list({unit.id: unit for unit in (*units.values(), *fixed.values())}.values()))
    for share, unit in units.items():
        step = _step(run, share, unit)
        base = base or step
        step |= increase(base, step, run.settings.seed)
        if share in fixed:
            repaired = _step(run, share, fixed[share])
            step["repaired"] = repaired | increase(base, repaired, run.settings.seed)
        steps.append(step)
    return steps


def _step(run: Run, share: float, unit: Unit) -> Step:
    return {"share": share, "heads": len(unit.args["heads"]), **json.loads(run.units.read(unit))}


def step_unit(
    run: Run, heads: Sequence[Head], programs: dict[Head, Program], repairs: Mapping[Head, Repair] | None = None
) -> Unit:
    """The losses on held-out texts with these heads replaced, and repaired."""
    known = repairs or {}
    wanted = [[list(head), known[head].scale, list(known[head].bias)] for head in heads if head in known]
    number = {id(program): i for i, program in enumerate(run.programs)}
    key = run.key("replace", [(head, programs[head].name) for head in heads], *([wanted] if wanted else []))
    args = {
        "heads": [list(head) for head in heads], "programs": [number[id(programs[head])] for head in heads],
        "texts": [[text.id, text.text, text.split] for text in run.texts("heldout")],
        "repairs": wanted,
    }  # fmt: skip
    return Unit("replace", key, f"{len(heads)} of {len(run.heads)} heads", args, accelerator=True)


def measure_step(run: Run, unit: Unit) -> list[Written]:
    """The work of a unit ``replace``."""
    from attndsl.models.inject import inject
    from attndsl.models.perplexity import losses
    from attndsl.models.repair import Repair

    loaded, args = run.loaded, unit.args
    heads = [(layer, head) for layer, head in args["heads"]]
    programs = [run.programs[number] for number in args["programs"]]
    provider = provider_of(programs, True, loaded.tokenizer, **run._backend())
    repairs = {(layer, head): Repair(scale, tuple(bias)) for (layer, head), scale, bias in args["repairs"]}
    with inject(loaded.model, heads, provider, layout=loaded.layout, outside_window="renormalize", repairs=repairs):
        found = losses(loaded.model, loaded.tokenizer, [text for _, text, _ in args["texts"]])
    step = {"perplexity": found.perplexity, "nll": found.nll.tolist(), "tokens": found.tokens.tolist()}
    return [run.folder.put(f"stages/{unit.id}.json", json.dumps(step).encode())]


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
