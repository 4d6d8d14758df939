"""Is ``attndsl plan`` right? Three small runs of a packaged model, each planned from this machine's measured rates and
from the ledger of the first run, against the processor seconds that their own ledgers then say.

    python benchmarks/plan_accuracy.py FOLDER [MODEL]

The last columns are planned divided by measured, asked to be between 1/1.5 and 1.5 for the sum of all stages.
"""

from __future__ import annotations

import sys
from pathlib import Path

from attndsl.cli.main import run
from attndsl.job.calibrate import measured_rates, sizes_of
from attndsl.store.plan import rates_of_run, stages_of
from attndsl.store.status import status

RUNS = (  # train, held-out texts, tokens
    (8, 4, 64),
    (12, 4, 96),
    (6, 6, 128),
)


def main() -> None:
    folder, model = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "smollm2-135m"
    print("train heldout    n | unit     measured CPU s  planned  ratio | like the first  ratio", file=sys.stderr)
    first = None
    for train, heldout, tokens in RUNS:
        out = folder / f"{train}-{heldout}-{tokens}"
        options = ["--train", str(train), "--heldout", str(heldout), "--tokens", str(tokens), "--quiet"]
        if run(["explain", model, *options, "--out", str(out), "--format", "json"]):
            sys.exit("the run failed")
        sizes, rates = sizes_of(out), measured_rates(tokens)
        took = {name: kind.cpu_seconds for name, kind in status(out).kinds.items()}
        first = first or (sizes, took)
        plans = [stages_of(sizes, rates), stages_of(sizes, rates_of_run(*first, rates))]
        sums = [0.0, 0.0, 0.0]
        for here, like in zip(*plans, strict=True):
            row = (took[here.kind], here.cpu_seconds, like.cpu_seconds)
            sums = [total + value for total, value in zip(sums, row, strict=True)]
            show(sizes, here.kind, row)
        show(sizes, "all", sums)


def show(sizes: object, kind: str, row: object) -> None:
    measured, here, like = row  # type: ignore[misc]
    print(
        f"{sizes.train:5d} {sizes.heldout:7d} {sizes.tokens:4d} | {kind:<8} {measured:14.1f} {here:8.1f} "  # type: ignore[attr-defined]
        f"{here / measured:6.2f} | {like:14.1f} {like / measured:6.2f}",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    main()
