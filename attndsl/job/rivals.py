"""Stage: for every head, the programs that come nearest to it on held-out text, beside the one chosen on train text.

They are there to be looked at. Nothing is chosen by them: where one of them scores higher than the chosen program, that
is what choosing on other texts costs.
"""

from __future__ import annotations

import numpy as np

from attndsl.job.run import Run
from attndsl.runtime.scorer import Scorer
from attndsl.runtime.table import Table

SHOWN = 3
"""Rivals a head: a page holds four pictures in a row, and below the third place libraries repeat themselves."""
Rivals = dict[str, list[tuple[str, float]]]


def rivals_stage(run: Run, table: Table, shown: int = SHOWN) -> Rivals:
    """Head name -> (program, mean held-out IoU) of the best programs other than the chosen one, best first."""
    shown = min(shown, len(run.programs) - 1)
    if shown < 1:
        return {}
    key = run.key("rivals", shown, list(table["program"]))
    known = run.stages.load("rivals", key)
    if known is None:
        known = _measured(run, table, shown)
        run.stages.save("rivals", key, known)
    return {head: [(str(name), float(iou)) for name, iou in rows] for head, rows in known.items()}


def _measured(run: Run, table: Table, shown: int) -> Rivals:
    split = run.split("heldout", run.programs)
    everything = np.arange(len(run.programs))
    total = np.zeros((len(run.programs), len(run.heads)))
    with run.progress.bar("comparing programs on held-out texts", len(split)) as advance:
        for text in range(len(split)):
            with Scorer(len(run.programs), len(run.heads), causal=run.causal, precision="float64") as scorer:
                scorer.add_sentence(split.programs(text, everything), split.heads(text))
                total += scorer.mean
            advance(text + 1, len(split))
    places = {program.name: place for place, program in enumerate(run.programs)}
    chosen = [places[str(name)] for name in table["program"]]
    total[chosen, range(len(chosen))] = -1.0
    best = np.argsort(-total, axis=0, kind="stable")[:shown]
    return {
        name: [(run.programs[p].name, float(total[p, head] / len(split))) for p in best[:, head]]
        for head, name in enumerate(run.head_names)
    }
