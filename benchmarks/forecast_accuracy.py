"""Is ``attndsl score --budget`` right? Forecast against what choosing and reporting then take, for several sizes.

    python benchmarks/forecast_accuracy.py PATTERNS [FILE.py ...]   # PATTERNS: OUT/patterns of a run

CPU seconds and peak memory of a process of its own per size, less what it had before; the last columns are forecast
divided by what was measured, asked to be between 1/1.5 and 1.5.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attndsl.job.forecast import find_store, forecast
from attndsl.job.score import splits_of
from attndsl.job.splits import StoreSplit
from attndsl.runtime.library import builtin_library, load_library
from attndsl.runtime.selection import report, select

SIZES = (  # repeats of the library, heads, train texts, held-out texts, tokens
    (1, 270, 40, 20, 128), (1, 30, 40, 20, 128), (1, 270, 10, 5, 64), (6, 270, 20, 10, 128),
    (4, 90, 40, 20, 32), (10, 270, 40, 20, 64),
)  # fmt: skip


@dataclass
class SomeHeads(StoreSplit):
    """A split with the first heads only."""

    count: int = 0

    def heads(self, sentence: int) -> NDArray[np.float32]:
        return np.ascontiguousarray(super().heads(sentence)[: self.count])


def measured(folder: str, files: list[str], size: tuple[int, ...]) -> dict[str, float]:
    """Forecast one size, do it, and compare."""
    repeats, heads, train, held_out, tokens = size
    store = find_store(Path(folder))
    causal = store.settings.causal
    once = load_library(files, causal=causal, host={"embedding_similarity": lambda *_: 0.5}) if files else (
        builtin_library(causal)
    )  # fmt: skip
    library = {f"{name} {i}": program for i in range(repeats) for name, program in once.items()}
    splits = splits_of(library, store)
    kernel = splits[0].kernel
    parts = [
        SomeHeads(store, split.texts[:most], kernel, split.tokenizer, length=tokens, count=heads)
        for split, most in zip(splits, (train, held_out), strict=True)
    ]
    parts[0].programs(0, np.arange(len(kernel.programs)))  # compiles what is not cached
    parts[0]._last = None
    expected = forecast(*parts)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    selection = select(
        parts[0], names=list(map(str, range(len(kernel.programs)))), heads=list(map(str, range(heads))), causal=causal
    )
    report(selection, parts[1])
    cpu = time.process_time() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "programs": expected.programs, "forecast": expected.cpu_seconds, "cpu": cpu,
        "forecast_mb": expected.bytes / 2**20, "mb": (after - before) / 1024,
    }  # fmt: skip


def main() -> None:
    folder, files = sys.argv[1], sys.argv[2:]
    print("programs heads texts    n | CPU forecast  measured  ratio | MB forecast  measured")
    for size in SIZES:
        command = [sys.executable, __file__, "--one", json.dumps(size), folder, *files]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        _, heads, train, held_out, tokens = size
        print(
            f"{found['programs']:8d} {heads:5d} {train:2d}+{held_out:2d} {tokens:4d} | {found['forecast']:12.2f} "
            f"{found['cpu']:9.2f} {found['forecast'] / found['cpu']:6.2f} | {found['forecast_mb']:11.0f} "
            f"{found['mb']:9.0f}",
            flush=True,
        )


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        print(json.dumps(measured(sys.argv[3], sys.argv[4:], tuple(json.loads(sys.argv[2])))))
    else:
        main()
