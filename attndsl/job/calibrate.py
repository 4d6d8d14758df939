"""The rates of this machine, for the planner: a short measurement, or what the ledger of a finished run says."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

from attndsl.dsl.diagnostics import fail
from attndsl.dsl.tokens import TokenTable
from attndsl.job.forecast import without_programs
from attndsl.runtime.budget import rates as scoring_rates
from attndsl.runtime.kernel import LibraryKernel
from attndsl.runtime.library import builtin_library
from attndsl.runtime.pattern import normalise
from attndsl.store.opened import RUN
from attndsl.store.plan import Rates, Shape, Sizes, rates_of_run
from attndsl.store.status import existing, status

REPEATS = 3
HEADS = 16
LONGEST = 256
"""Longer texts are measured at this length: by then cost per weight no longer changes."""


def measured_rates(tokens: int) -> Rates:
    """Measure this machine at this length of texts; a few seconds once the kernels are compiled."""
    from attndsl.models.calibration import measure_rates

    n = min(tokens, LONGEST)
    model = measure_rates()
    pair = scoring_rates(n, True, "float64").pair_weight
    some = np.repeat(normalise(np.ones((n, n)), causal=True)[None], HEADS, axis=0)
    choosing, reporting = (seconds / (HEADS * n * n) for seconds in without_programs(some, causal=True))
    return Rates(model.multiply, model.weight, _evaluation(n), pair, choosing, reporting)


def _evaluation(n: int) -> float:
    """Processor seconds of the built-in programs, per program and weight of its pattern."""
    kernel = LibraryKernel(builtin_library(True).compiled(), True)
    tables = [_words(n, number) for number in range(REPEATS + 1)]
    kernel.predict(tables[0])  # compiles what is not cached
    taken = []
    for table in tables[1:]:
        start = time.process_time()
        kernel.predict(table)
        taken.append(time.process_time() - start)
    return float(np.median(taken)) / (len(kernel.programs) * n * n)


def _words(n: int, number: int) -> TokenTable:
    """A text of n words as tokens."""
    words = [
        f"{'The' if i % 7 == 0 else f'word{(i * (number + 3)) % 41}'}{'.' if i % 7 == 6 else ''}" for i in range(n)
    ]
    ends = np.cumsum([len(word) + 1 for word in words]).tolist()
    starts = [0, *ends[:-1]]
    return TokenTable(
        text=" ".join(words), ids=tuple(range(n)), raw=tuple(words), start=tuple(starts),
        end=tuple(end - 1 for end in ends), surface=tuple(words), special=(False,) * n, word_start=(True,) * n,
        sentence=tuple(i // 7 for i in range(n)), in_quotes=(False,) * n,
    )  # fmt: skip


def rates_like(run: str, rates: Rates) -> Rates:
    """The rates that a finished run had. Raises DiagnosticError E0812 for a run that is not there or not finished."""
    folder = existing(run)
    sizes = sizes_of(folder.path)
    cpu_seconds = {name: kind.cpu_seconds for name, kind in status(run).kinds.items()}
    return rates_of_run(sizes, cpu_seconds, rates)


def sizes_of(folder: Path) -> Sizes:
    """The sizes of a finished run. Raises DiagnosticError E0812."""
    try:
        results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        shape = json.loads((folder / RUN).read_text(encoding="utf-8"))["model"]["shape"]
        totals, steps = results["totals"], {tuple(step["nll"]) for step in results["perplexity"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise fail(
            "E0812", f"there is no finished run in {folder} ({error})", help="attndsl explain --out FOLDER makes one"
        ) from error  # fmt: skip
    return Sizes(
        Shape(**shape), totals["programs"], totals["train_sentences"], totals["held_out_sentences"],
        round(totals["tokens"]["median"]), steps=len(steps),
    )  # fmt: skip
