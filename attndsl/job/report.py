"""Stage: the numbers and pictures of a run as one HTML page."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import numpy as np

from attndsl.cli.report.data import (
    Example,
    HeadlineIntervals,
    HeadRow,
    Interval,
    LeftOut,
    LengthRow,
    ModelInfo,
    PerplexityStep,
    ReportData,
    Split,
)
from attndsl.dsl.tokens import TokenTable
from attndsl.job.replacement import Step, provider_of
from attndsl.job.run import Run
from attndsl.job.scores import chosen_programs
from attndsl.runtime.program import Outcome, Program
from attndsl.runtime.table import Table
from attndsl.runtime.tokenize import token_table

EXAMPLE_TOKENS = 40


def report_data(run: Run, table: Table, steps: list[Step]) -> ReportData:
    """The page's data: scores, replacement curve, and predicted beside real patterns on a few held-out texts."""
    info, meta = run.loaded.info, table.meta
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
        heads=_heads(run, table),
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
        examples=_examples(run, table),
        left_out=_left_out(run, meta),
        settings=_settings(run),
        versions=versions(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
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


def _heads(run: Run, table: Table) -> tuple[HeadRow, ...]:
    programs = chosen_programs(run, table)
    rows: list[dict[str, Any]] = [dict(row) for row in table.rows()]
    return tuple(
        _head(layer, head, programs[layer, head], row) for (layer, head), row in zip(run.heads, rows, strict=True)
    )


def _head(layer: int, head: int, program: Program, row: dict[str, Any]) -> HeadRow:
    return HeadRow(
        layer=layer,
        head=head,
        program=program.name,
        program_text=program.to_attn() if program.typed is not None else (program.source or ""),
        claim=program.claim,
        train_iou=row["train_iou"],
        heldout_iou=row["held_out_iou"],
        baselines={
            name.removeprefix("baseline_"): value for name, value in row.items() if name.startswith("baseline_")
        },
        best_baseline=row["best_baseline"].replace(" ", "_"),
        lift=row["lift"],
        interval=_interval(row["held_out_iou_low"], row["held_out_iou_high"]),
        js=row["js_distance"],
        iou_no_sink=row["iou_without_sink"],
    )


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


def _examples(run: Run, table: Table) -> tuple[Example, ...]:
    """Held-out texts cut to a readable length, spread over the split."""
    texts = run.texts("heldout")
    if run.settings.examples < 1 or not texts:
        return ()
    places = np.unique(np.linspace(0, len(texts) - 1, min(run.settings.examples, len(texts))).astype(int))
    programs = chosen_programs(run, table)
    provider = provider_of([programs[head] for head in run.heads], run.causal, run.loaded.tokenizer, **run._backend())
    return tuple(_example(run, texts[place].id, texts[place].text, provider) for place in places)


def _example(run: Run, text_id: str, text: str, provider: Any) -> Example:
    from attndsl.models.encode import cut_text, encode
    from attndsl.models.extract import patterns_of

    tokenizer = run.loaded.tokenizer
    short = cut_text(text, tokenizer, EXAMPLE_TOKENS)
    ids = encode(short, tokenizer)
    real = patterns_of(run.loaded.model, ids, run.heads, layout=run.loaded.layout).numpy()
    predicted = provider(ids)
    table = token_table(short, tokenizer)
    tokens = _shown_tokens(table)
    names = run.head_names
    return Example.from_patterns(
        text_id,
        tokens,
        dict(zip(names, predicted, strict=True)),
        dict(zip(names, real, strict=True)),
        causal=run.causal,
    )


def _shown_tokens(table: TokenTable) -> list[str]:
    """Tokens with the white space before them, so that the page can show running text; special ones by their name."""
    shown, reached = [], 0
    for start, end, raw, special in zip(table.start, table.end, table.raw, table.special, strict=True):
        if special or end <= start:
            shown.append(raw)
            continue
        shown.append(table.text[min(reached, start) : end] if end > reached else table.text[start:end])
        reached = max(reached, end)
    return shown


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
