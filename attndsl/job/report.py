"""Stage: the numbers and pictures of a run as one HTML page."""

from __future__ import annotations

import ast
import math
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from attndsl.cli.report.data import (
    HeadlineIntervals,
    HeadRow,
    LeftOut,
    LengthRow,
    ModelInfo,
    PerplexityStep,
    ReportData,
    Split,
)
from attndsl.cli.report.parts import Alternative, Interval, RuleRow
from attndsl.job.replacement import Step
from attndsl.job.report_pictures import examples_of
from attndsl.job.rivals import Rivals, rivals_stage
from attndsl.job.rule_use import rule_stage
from attndsl.job.run import Run
from attndsl.job.run_extras import Extras, read_extras
from attndsl.job.scores import chosen_programs
from attndsl.runtime.program import Outcome, Program
from attndsl.runtime.table import Table
from attndsl.synth.categories import kinds_of


def report_data(run: Run, table: Table, steps: list[Step]) -> ReportData:
    """The page's data: scores, replacement curve, rivals, rules, predicted beside real patterns on a few held-out
    texts, and what other commands left in the folder of the run (see ``run_extras``, with what it raises)."""
    info, meta = run.loaded.info, table.meta
    extras = read_extras(run, table)
    rivals = rivals_stage(run, table)
    rules, rule_texts = rule_stage(run, table)
    examples, note = examples_of(run, table, rivals)
    return ReportData(
        model=ModelInfo(
            name=info.name,
            layers=info.layers,
            heads=max(info.heads_per_layer.values()),
            causal=info.causal,
            revision=info.revision or "",
            architecture=info.architecture,
        ),
        corpus=run.settings.corpus,
        n=int(meta["tokens"]["most"]),
        n_min=int(meta["tokens"]["least"]),
        splits=tuple(
            Split(shown, len(run.texts(name)), sum(t.tokens for t in run.texts(name)))
            for name, shown in (("train", "train"), ("heldout", "held-out"))
        ),
        heads=_heads(run, table, rivals, rules, extras),
        intervals=HeadlineIntervals(
            mean=_of(meta["held_out_iou"]),
            lift=_of(meta["lift"]),
            over="texts",
        ),
        perplexity=tuple(
            PerplexityStep(
                s["share"], s["heads"], s["perplexity"], s["increase_percent"], _interval(s["low"], s["high"])
            )
            for s in steps
        ),
        by_length=_by_length(meta),
        examples=examples,
        left_out=(*_left_out(run, meta), *extras.left_out),
        rule_texts=rule_texts,
        counterexamples=tuple(extras.counterexamples),
        damage=extras.damage,
        notes=(note,) if note else (),
        settings=_settings(run),
        versions=versions(),
        created=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )


def versions() -> dict[str, str]:
    """Versions of what the figures depend on."""
    names = ("attndsl", "torch", "transformers", "numpy", "numba", "spacy")
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _interval(low: Any, high: Any) -> Interval | None:
    """None where there is no interval: one text has no spread."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return None
    return Interval(float(low), float(high))


def _of(total: dict[str, Any]) -> Interval | None:
    return _interval(total["low"], total["high"])


def _heads(
    run: Run, table: Table, rivals: Rivals, rules: Mapping[str, Sequence[Mapping[str, Any]]], extras: Extras
) -> tuple[HeadRow, ...]:
    chosen = chosen_programs(run, table)
    programs = {program.name: program for program in run.programs}
    kinds = {program.name: kinds_of(program) for program in chosen.values()}
    found = []
    for (layer, head), name, cells in zip(run.heads, run.head_names, table.rows(), strict=True):
        row: dict[str, Any] = dict(cells)
        program = chosen[layer, head]
        found.append(
            HeadRow(
                **_figures(row),
                layer=layer,
                head=head,
                program=program.name,
                program_text=_text(program),
                claim=program.claim,
                alternatives=tuple(
                    Alternative(other, None, iou, _text(programs[other]), programs[other].claim)
                    for other, iou in rivals.get(name, ())
                ),
                kinds=kinds[program.name],
                rules=tuple(RuleRow(**rule) for rule in rules.get(name, ())),
                damage=extras.damage_of.get(name),
            )
        )
    return tuple(found)


def _text(program: Program) -> str:
    """The program in our language; of one that was not lifted its own function, not the whole file."""
    if program.typed is not None:
        return program.to_attn()
    source = program.source or ""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == program.source_name:
            return ast.get_source_segment(source, node) or source
    return source


def _figures(row: Mapping[str, Any]) -> dict[str, Any]:
    baselines = {name.removeprefix("baseline_"): value for name, value in row.items() if name.startswith("baseline_")}
    return {
        "train_iou": row["train_iou"],
        "heldout_iou": row["held_out_iou"],
        "baselines": baselines,
        "best_baseline": row["best_baseline"].replace(" ", "_"),
        "lift": row["lift"],
        "interval": _interval(row["held_out_iou_low"], row["held_out_iou_high"]),
        "js": row["js_distance"],
        "iou_no_sink": row["iou_without_sink"],
    }


def _by_length(meta: Mapping[str, Any]) -> tuple[LengthRow, ...]:
    rows = []
    for name, at in meta.items():
        if name.startswith("at_"):
            rows.append(
                LengthRow(
                    int(name.removeprefix("at_")),
                    at["held_out_iou"]["mean"],
                    at["held_out_iou"]["median"],
                    at["first_token_iou"]["mean"],
                    at["best_baseline_iou"]["mean"],
                    at["lift"]["mean"],
                )
            )
    return tuple(rows)


def _left_out(run: Run, meta: Mapping[str, Any]) -> tuple[LeftOut, ...]:
    found = []
    refused = [p for p in run.library.values() if p.outcome is Outcome.REFUSED]
    by_code: dict[str, int] = {}
    for program in refused:
        code = next((d.code for d in program.diagnostics), "")
        by_code[code] = by_code.get(code, 0) + 1
    found += [LeftOut("programs refused", count, code) for code, count in sorted(by_code.items())]
    if meta["failures"]:
        found.append(LeftOut("program runs that failed", len(meta["failures"]), reason=meta["failures"][0]["error"]))
    if run.left_out_texts:
        short = f"fewer than {run.settings.least_tokens} tokens"
        found.append(LeftOut("texts too short", run.left_out_texts, reason=short))
    return tuple(found)


def _settings(run: Run) -> dict[str, Any]:
    s = run.settings
    return {
        "model": s.model,
        "revision": s.revision or "",
        "corpus": s.corpus,
        "tokens": s.tokens,
        "min tokens": s.least_tokens,
        "programs": len(run.programs),
        "heads": len(run.heads),
        "device": s.device,
        "model dtype": run.loaded.info.dtype,
        "order of replacement": "train IoU",
        "seed": s.seed,
    }
