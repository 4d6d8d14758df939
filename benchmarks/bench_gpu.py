"""Scoring and evaluation on a CUDA GPU beside this machine's CPU: ``python benchmarks/bench_gpu.py --patterns FILE``.

Sums of minima of programs x heads patterns of n = 128 tokens, patterns as in ``bench_scoring.py``, repeated to the
size of the paper: device time by CUDA events (the median of ``triton.testing.do_bench``), the whole call with transfers
by the clock, and the CPU's kernels on one thread. Then the built-in library on bundled stories: the torch graph on the
GPU, the torch graph and the compiled machine on the CPU. Prints a table; docs/scoring.md has the last one.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from attndsl.models.corpus import load_corpus
from attndsl.runtime import allpairs_triton
from attndsl.runtime.allpairs import min_sums, sum_error, vector_lanes
from attndsl.runtime.allpairs_torch import min_sums_torch
from attndsl.runtime.allpairs_triton import CHUNK, min_sums_triton
from attndsl.runtime.kernel import LibraryKernel
from attndsl.runtime.library import builtin_library
from attndsl.runtime.tokenize import token_table_of_ids

sys.path.insert(0, str(Path(__file__).parent))
from bench_scoring import cpu_name
from scoring_methods import load_patterns, pack

PROGRAMS, HEADS = 1664, 672


def clock(work: Callable[[], Any], rounds: int = 7) -> float:
    """Median seconds of a call, after one that is not counted."""
    spent = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        spent.append(time.perf_counter() - start)
    return float(np.median(spent[1:]))


def on_device(work: Callable[[], Any]) -> float:
    from triton.testing import do_bench

    return float(do_bench(work, warmup=50, rep=300, return_mode="median")) / 1000


def repeated(patterns: np.ndarray, count: int) -> np.ndarray:
    return patterns[np.arange(count) % len(patterns)]


def scoring(patterns: np.ndarray) -> list[tuple[str, float]]:
    """Seconds of all sums of one sentence. Raises SystemExit if the kernel's error is beyond its bound."""
    a, b = repeated(patterns[0], PROGRAMS), repeated(patterns[-1], HEADS)
    left, right = (pack(x, "float32", vector_lanes()) for x in (a, b))
    wide = [torch.from_numpy(x.data[: x.rows]).to("cuda", torch.float64) for x in (left, right)]
    exact = min_sums(*(pack(x, "float64", vector_lanes()) for x in (a, b)))
    if not (np.abs(min_sums_triton(left, right) - exact) <= sum_error(left, right, exact)).all():
        raise SystemExit("the Triton kernel is farther from float64 than its bound")
    laid = [allpairs_triton._by_weight(x.data[: x.rows], CHUNK, torch.device("cuda")) for x in (left, right)]
    narrow = [x.float() for x in wide]
    bytes_of = [pack(x, "uint8", vector_lanes()) for x in (a, b)]
    return [
        ("Triton kernel, on the device", on_device(lambda: allpairs_triton._launch(*laid, CHUNK))),
        ("torch.cdist float32, on the device", on_device(lambda: torch.cdist(*narrow, p=1.0))),
        ("torch.cdist float64, on the device", on_device(lambda: torch.cdist(*wide, p=1.0))),
        ("Triton kernel with transfers (`precision=\"float32\"`)", clock(lambda: min_sums_triton(left, right))),
        ("torch.cdist float64 with transfers", clock(lambda: min_sums_torch(left, right, device="cuda"))),
        ("CPU, float32, one thread", clock(lambda: min_sums(left, right), 3)),
        ("CPU, uint8, one thread", clock(lambda: min_sums(*bytes_of), 3)),
    ]  # fmt: skip


def evaluation(tokenizer: Any) -> list[tuple[str, float]]:
    """Seconds per program and text, features included: the first texts of the bundled stories."""
    programs = [program for program in builtin_library().values() if program.typed is not None]
    texts = [tokenizer(text.text)["input_ids"][:128] for text in load_corpus("stories")[:8]]
    tables = [token_table_of_ids(ids, tokenizer) for ids in texts]
    found = []
    for backend, device in (("numba", "cpu"), ("torch", "cpu"), ("torch", "cuda")):
        kernel = LibraryKernel(programs, True, backend=backend, device=device)
        kernel.predict(tables[0])
        spent = [clock(lambda table=table, kernel=kernel: kernel.predict(table), 1) for table in tables[1:]]
        found.append((f"{backend} on {device}", float(np.median(spent)) / len(programs)))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patterns", type=Path, help="array 'patterns', float32 [S, H, 128, 128]")
    parser.add_argument("--tokenizer", default="gpt2", help="a model's name or folder")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("torch finds no CUDA device")
    patterns, what = load_patterns(options.patterns)
    print(f"{torch.cuda.get_device_name()}, {cpu_name()}; torch {torch.__version__}; {what}\n")
    print(f"| {PROGRAMS:,} x {HEADS} sums of one text, n = 128 | ms |\n|---|---|")
    for name, seconds in scoring(patterns):
        print(f"| {name} | {seconds * 1000:.2f} |")
    from transformers import AutoTokenizer

    print("\n| built-in library | µs per program and text |\n|---|---|")
    for name, seconds in evaluation(AutoTokenizer.from_pretrained(options.tokenizer)):
        print(f"| {name} | {seconds * 1e6:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
