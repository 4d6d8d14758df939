"""Scores as tables in long form, for polars, DuckDB and whatever else reads Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from attndsl.runtime.selection import Measured, Selection
from attndsl.runtime.table import Table

if TYPE_CHECKING:
    from attndsl.job.run import Run


def of_pairs(run: Run, mean: NDArray[np.float64]) -> Table:
    """One row per program and head: ``program``, ``layer``, ``head``, ``train_iou``."""
    programs, heads = mean.shape
    layers, numbers = np.array(run.heads).T
    columns = {
        "program": [program.name for program in run.programs for _ in range(heads)],
        "layer": np.tile(layers, programs).tolist(),
        "head": np.tile(numbers, programs).tolist(),
        "train_iou": mean.reshape(-1).tolist(),
    }
    return Table(columns, _about(run))


def of_texts(run: Run, selection: Selection, measured: Measured) -> Table:
    """One row per head and held-out text: the head's program and its scores on that text."""
    heads, count = measured.iou.shape
    layers, numbers = np.array(run.heads).T
    names = [selection.names[program] for program in selection.choice.program]
    best = measured.best_baseline(selection.baselines)
    columns = {
        "layer": np.repeat(layers, count).tolist(),
        "head": np.repeat(numbers, count).tolist(),
        "program": [name for name in names for _ in range(count)],
        "text": [text.id for text in run.texts("heldout")] * heads,
        "tokens": np.tile(measured.tokens, heads).tolist(),
        "iou": measured.iou.reshape(-1).tolist(),
        "best_baseline_iou": best.reshape(-1).tolist(),
        "js_distance": measured.js.reshape(-1).tolist(),
        "iou_without_sink": measured.iou_without_sink.reshape(-1).tolist(),
    }
    return Table(columns, _about(run))


def _about(run: Run) -> dict[str, str]:
    info = run.loaded.info
    return {"model": info.name, "fingerprint": info.fingerprint, "corpus": run.settings.corpus}
