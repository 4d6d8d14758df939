"""Stage: the best program of every head on train text, and what it is worth on held-out text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from attndsl.job.run import Run
from attndsl.job.settings import LENGTHS
from attndsl.job.splits import StoreSplit
from attndsl.runtime.scorer import Choice
from attndsl.runtime.selection import Selection, measure, report, select
from attndsl.runtime.table import Table


def score_stage(run: Run) -> Table:
    """One row per head (see ``runtime.selection.report``), with scores at shorter context lengths.

    ``meta`` holds the totals and the run-time failures of programs. Raises DiagnosticError E0535, E0536.
    """
    by_distance = run.settings.choose == "distance"
    key = run.key("scores", LENGTHS, *(["distance"] if by_distance else []))
    known = run.stages.load("scores", key)
    if known is not None:
        return Table(known["columns"], known["meta"])
    train, held_out = run.split("train", run.programs), run.split("heldout", run.programs)
    total = len(train)
    with run.progress.bar("scoring train texts", total) as advance:
        selection = select(
            train, names=[p.name for p in run.programs], heads=run.head_names, causal=run.causal, progress=advance
        )
    if by_distance:
        selection = replace(selection, choice=_closest(run, train, selection))
    lengths = _at_lengths(run)
    with run.progress.bar("scoring held-out texts", len(held_out)) as advance:
        table = report(selection, held_out, lengths=lengths, progress=advance)
    failures = [
        {"program": run.programs[index].name, "text": text, "error": str(error)}
        for split in (train, held_out)
        for (index, text), error in sorted(split.errors.items())
    ]
    table = Table(table.columns, {**table.meta, "failures": failures})
    run.stages.save("scores", key, {"columns": dict(table.columns), "meta": table.meta})
    return table


def _closest(run: Run, train: StoreSplit, selection: Selection) -> Choice:
    """The program of each head that moves what the head writes least, on train texts; of equal ones the first."""
    from attndsl.models.output_distance import output_distances

    everything = np.arange(len(run.programs))
    total = np.zeros((len(run.heads), len(everything)))
    with run.progress.bar("measuring distances on train texts", len(train)) as advance:
        for sentence, text in enumerate(train.texts):
            ids, patterns = run.store.ids(text.id).tolist(), train.programs(sentence, everything)
            found = output_distances(run.loaded.model, ids, run.heads, patterns, layout=run.loaded.layout)
            total += found.nan_to_num(nan=np.inf).numpy()
            advance(sentence + 1, len(train))
    best = total.argmin(axis=1)
    chosen = replace(selection, choice=Choice(best, np.empty(0), np.empty((0, 0))))
    iou = measure(chosen, train).iou
    return Choice(best, iou.mean(axis=1), iou)


def _at_lengths(run: Run) -> dict[int, StoreSplit]:
    """Held-out texts cut to the first tokens, for every length that they have."""
    texts = run.texts("heldout")
    shortest = min(text.tokens for text in texts)
    longest = max(text.tokens for text in texts)
    found: dict[int, StoreSplit] = {}
    for length in LENGTHS:
        if length > longest:
            continue
        if run.causal:
            split = run.split("heldout", run.programs, length)
        elif length < shortest:
            split = _cut_bidirectional(run, length)
        else:
            continue
        if len(split):
            found[length] = split
    return found


def _cut_bidirectional(run: Run, length: int) -> StoreSplit:
    """A bidirectional head sees what follows, so the model runs again on texts cut to ``length`` tokens."""
    from attndsl.models.corpus import Text
    from attndsl.models.encode import cut_texts
    from attndsl.models.extract import extract

    texts = [Text(t.id, t.text, t.split) for t in run.texts("heldout")]
    cut, _ = cut_texts(texts, run.loaded.tokenizer, max_tokens=length, min_tokens=length)
    if not cut:
        cut, _ = cut_texts(texts, run.loaded.tokenizer, max_tokens=length, min_tokens=max(2, length - 1))
    split = run.split("heldout", run.programs)
    if not cut:
        return replace(split, texts=[])
    with run.progress.bar(f"extracting patterns at {length} tokens", len(cut)) as advance:
        folder = Path(run.settings.out) / f"patterns-{length}"
        store = extract(run.loaded, cut, folder, heads=run.heads, progress=lambda done, total, _: advance(done, total))
    return replace(split, store=store, texts=store.texts("heldout"))


def chosen_programs(run: Run, table: Table) -> dict[tuple[int, int], Any]:
    """(layer, head) -> the program that was chosen for it."""
    by_name = {program.name: program for program in run.programs}
    return {head: by_name[str(name)] for head, name in zip(run.heads, table["program"], strict=True)}


def in_iou_order(run: Run, table: Table) -> list[tuple[int, int]]:
    """Heads by train IoU, best first; equal ones in layer order."""
    scores = [float(x) for x in table["train_iou"]]  # type: ignore[arg-type]
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    return [run.heads[i] for i in order]
