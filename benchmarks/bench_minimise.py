"""Programs made smaller: rules, size and fit before and after.

    python benchmarks/bench_minimise.py FILE.py ... [--programs 50] [--epsilon 0.02] [--train 40] [--tokens 64]
        [--model NAME] [--bidirectional] [--seed 0]

Programs of the files that lift, drawn at random, made smaller on train texts and held against themselves on held-out
texts.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from random import Random

import numpy as np

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.job.minimise import Setting, on_heldout, text_tables
from attndsl.job.progress import Silent
from attndsl.runtime.library import load_library
from attndsl.runtime.minimise.search import minimise


def run_minimise(files: list[Path], setting: Setting, count: int, seed: int) -> None:
    causal = not setting.bidirectional
    programs = [p for p in load_library(files, causal=causal).values() if p.typed is not None]
    Random(seed).shuffle(programs)
    train, heldout = text_tables(setting, Silent())
    rows: list[tuple[float, ...]] = []
    print(f"{'rules':>9} {'size':>13} {'train':>7} {'held-out [95% over texts]':>26} {'CPU s':>6}  program")
    for program in programs:
        if len(rows) == count:
            break
        start = time.process_time()
        try:
            found = minimise(program, train, causal, setting.epsilon, setting.seconds)
        except DiagnosticError as error:  # it fails on every text
            print(f"left out: {program.name}: {error}")
            continue
        taken = time.process_time() - start
        held = on_heldout(program, found, heldout, causal)
        (rules, size), (fewer, smaller) = found.before, found.after
        rows.append((rules, fewer, size, smaller, held.point, held.low, taken))
        print(
            f"{rules:>3} -> {fewer:<3} {size:>4} -> {smaller:<5} {found.train:7.4f} {held.point:10.4f} "
            f"[{held.low:.4f}, {held.high:.4f}] {taken:6.1f}  {program.name}{', proved' * found.proved}",
            flush=True,
        )
    table = np.array(rows)
    kept = int((table[:, 4] >= 1 - setting.epsilon).sum())
    print(
        f"\n{len(rows)} programs, epsilon {setting.epsilon:g}: "
        f"rules {table[:, 0].sum():.0f} -> {table[:, 1].sum():.0f}, "
        f"size {table[:, 2].sum():.0f} -> {table[:, 3].sum():.0f}\n"
        f"held-out IoU with the original: mean {table[:, 4].mean():.4f}, least {table[:, 4].min():.4f}; "
        f"at least {1 - setting.epsilon:g} for {kept} of {len(rows)}; CPU seconds: median {np.median(table[:, 6]):.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--programs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epsilon", type=float, default=0.02)
    parser.add_argument("--train", type=int, default=40)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--bidirectional", action="store_true")
    given = parser.parse_args()
    setting = Setting(
        given.epsilon, given.model, tokens=given.tokens, train=given.train, bidirectional=given.bidirectional
    )
    run_minimise(given.files, setting, given.programs, given.seed)


if __name__ == "__main__":
    main()
