"""Stage: the best program of every head on train text, and what it is worth on held-out text."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from attndsl.dsl.diagnostics import fail
from attndsl.job import blocks, score_tables
from attndsl.job.patterns import RunPatterns
from attndsl.job.run import Run
from attndsl.job.settings import LENGTHS
from attndsl.runtime.choice import Choice
from attndsl.runtime.selection import Measured, Selection, measure, tabulate
from attndsl.runtime.table import Table
from attndsl.store.units import Unit


def score_stage(run: Run) -> Table:
    """One row per head (see ``runtime.selection.report``), with scores at shorter context lengths.

    ``meta`` holds the totals and the run-time failures of programs. Also written as Parquet into ``OUT/scores``: the
    table, the train IoU of every program and head, and the scores of every head and held-out text.
    Raises DiagnosticError E0535, E0536.
    """
    by_distance = run.settings.choose == "distance"
    key = run.key("scores", LENGTHS, *(["distance"] if by_distance else []))
    tables = Unit("tables", key, "scores")
    if not run.units.whole(tables):
        _make_tables(run, tables, by_distance)
    content = json.loads(run.units.read(tables))
    return Table(content["columns"], content["meta"])


def _make_tables(run: Run, unit: Unit, by_distance: bool) -> None:
    run.extract()
    chosen = blocks.choose(run)
    selection = replace(chosen.selection, choice=_closest(run, chosen.selection)) if by_distance else chosen.selection
    measured, failures = blocks.held_out(run, selection, run.store, "scoring held-out texts")
    if measured is None:
        raise fail("E0535", "the held-out split has no sentence", help="add texts to the corpus or change the split")
    table = tabulate(selection, measured, _at_lengths(run, selection))
    failed = [
        {"program": run.programs[index].name, "text": text, "error": error}
        for index, text, error in (*chosen.failures, *failures)
    ]
    table = Table(table.columns, {**table.meta, "failures": failed})
    with run.units.logged(unit) as outputs:
        content = {"columns": dict(table.columns), "meta": table.meta}
        outputs.append(run.folder.put(f"stages/{unit.id}.json", json.dumps(content, ensure_ascii=False).encode()))
        for name, each in (
            ("heads", table),
            ("pairs", score_tables.of_pairs(run, chosen.mean)),
            ("texts", score_tables.of_texts(run, selection, measured)),
        ):
            outputs.append(run.folder.put(f"scores/{name}-{unit.key}.parquet", each.to_parquet()))


def _closest(run: Run, selection: Selection) -> Choice:
    """The program of each head that moves what the head writes least, on train texts; of equal ones the first."""
    key = run.key("distance")
    known = run.stages.load("distance", key)
    if known is not None:
        return Choice(np.array(known["program"]), np.array(known["iou"]).mean(axis=1), np.array(known["iou"]))
    found = _measured_closest(run, selection)
    run.stages.save("distance", key, {"program": found.program.tolist(), "iou": found.iou.tolist()})
    return found


def _measured_closest(run: Run, selection: Selection) -> Choice:
    from attndsl.models.output_distance import output_distances

    train = run.split("train", run.programs)
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


def _at_lengths(run: Run, selection: Selection) -> dict[int, Measured]:
    """The chosen programs on held-out texts cut to their first tokens, for every length that they have."""
    tokens = [text.tokens for text in run.texts("heldout")]
    found: dict[int, Measured] = {}
    for length in LENGTHS:
        if length > max(tokens) or (not run.causal and length >= min(tokens)):
            continue
        store, cut = (run.store, length) if run.causal else (_cut_store(run, length), None)
        if store is None:
            continue
        measured, _ = blocks.held_out(run, selection, store, f"scoring at {length} tokens", cut)
        if measured is not None:
            found[length] = measured
    return found


def _cut_store(run: Run, length: int) -> RunPatterns | None:
    """A bidirectional head sees what follows, so the model runs again on texts cut to ``length`` tokens."""
    from attndsl.models.corpus import Text
    from attndsl.models.encode import cut_texts

    texts = [Text(t.id, t.text, t.split) for t in run.texts("heldout")]
    cut, _ = cut_texts(texts, run.loaded.tokenizer, max_tokens=length, min_tokens=length)
    if not cut:
        cut, _ = cut_texts(texts, run.loaded.tokenizer, max_tokens=length, min_tokens=max(2, length - 1))
    if not cut:
        return None
    store = run.patterns_in(f"patterns-{length}")
    store.know(cut, run.loaded)
    return store


def chosen_programs(run: Run, table: Table) -> dict[tuple[int, int], Any]:
    """(layer, head) -> the program that was chosen for it."""
    by_name = {program.name: program for program in run.programs}
    return {head: by_name[str(name)] for head, name in zip(run.heads, table["program"], strict=True)}


def in_iou_order(run: Run, table: Table) -> list[tuple[int, int]]:
    """Heads by train IoU, best first; equal ones in layer order."""
    scores = [float(x) for x in table["train_iou"]]  # type: ignore[arg-type]
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    return [run.heads[i] for i in order]
