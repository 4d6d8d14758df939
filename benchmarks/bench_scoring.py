"""Scoring: our kernels, the published way, scipy and torch; cost curves; a paper-size job; the budget's forecast.

    python benchmarks/bench_scoring.py --patterns PATTERNS.npz      # array "patterns": float32 [S, H, 128, 128]
    python benchmarks/bench_scoring.py                              # synthetic patterns, and says so

Every method runs on one thread, interleaved with the others; figures are medians of CPU time, which other work on the
machine disturbs less than the clock. Writes docs/benchmarks-scoring.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import numba
import numpy as np

from attndsl.runtime.allpairs import min_sums, vector_lanes
from attndsl.runtime.baselines import baselines
from attndsl.runtime.budget import budget
from attndsl.runtime.packing import Precision
from attndsl.runtime.pattern import normalise
from attndsl.runtime.scorer import Scorer

sys.path.insert(0, str(Path(__file__).parent))
from paper_size import EvaluatedJob
from scoring_methods import PAIRS_A, PAIRS_B, PUBLISHED, load_patterns, ours, pack, peaks, rivals, timed

HERE = Path(__file__).resolve().parent
CDIST = "scipy cdist cityblock"


def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown CPU"


def per_score(patterns: np.ndarray, path: Path | None, rounds: int) -> dict[str, float]:
    """Median CPU seconds of one (program, head, sentence) score by every method."""
    a, b = patterns[0, :PAIRS_A], patterns[1, :PAIRS_B]
    weights = a.shape[1] * (a.shape[1] + 1) // 2
    width = "AVX-512" if vector_lanes() == 32 else "256-bit"
    mine = {f"{name} ({width})": method for name, method in {**ours(a, b), **peaks(weights)}.items()}
    methods = {**rivals(a, b), **mine}
    environment = {**os.environ, "NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma,+bmi2"}
    command = [sys.executable, str(HERE / "scoring_methods.py"), *([str(path)] if path else [])]
    found: dict[str, list[float]] = {}
    with subprocess.Popen(command, env=environment, stdin=-1, stdout=-1, text=True) as worker:
        assert worker.stdin
        assert worker.stdout
        for _ in range(rounds):
            for name, method in methods.items():
                found.setdefault(name, []).append(method())
            worker.stdin.write("\n")
            worker.stdin.flush()
            for name, seconds in json.loads(worker.stdout.readline()).items():
                found.setdefault(f"{name} (AVX2)", []).append(seconds)
        worker.stdin.close()
    return {name: float(np.median(values[1:])) for name, values in found.items()}


def score_table(found: dict[str, float]) -> list[str]:
    lines = [
        "| method | µs per score | times the published way | times scipy cdist | of L1 peak |",
        "|---|---|---|---|---|",
    ]
    for name, seconds in sorted(found.items(), key=lambda item: -item[1]):
        kind, _, build = name.partition(" (")
        peak = found.get(f"{kind} peak in L1 ({build}") if "peak" not in name else None
        share = f"{peak / seconds:.0%}" if peak else ""
        ratios = f"{found[PUBLISHED] / seconds:.1f} | {found[CDIST] / seconds:.1f}"
        lines.append(f"| {name} | {seconds * 1e6:.4g} | {ratios} | {share} |")
    return lines


def stand_ins(patterns: np.ndarray, count: int) -> np.ndarray:
    """Patterns in place of programs': trivial ones and blends of the heads' means with them, ``[count, n, n]``."""
    rng = np.random.default_rng(1)
    trivial = baselines(patterns.shape[-1], causal=True).patterns
    mean = patterns.mean(axis=0)
    share = rng.dirichlet([1, 1, 1], count)[:, :, None, None].astype(np.float32)
    first, second = (mean[rng.integers(len(mean), size=count)] for _ in range(2))
    blends = share[:, 0] * first + share[:, 1] * second + share[:, 2] * trivial[rng.integers(len(trivial), size=count)]
    blends[: min(count, len(trivial))] = trivial[:count]
    return normalise(blends, causal=True)


def exactness(patterns: np.ndarray) -> list[str]:
    """How far the fast figures are off, and whether the choices after rescoring are those of float64."""
    programs = stand_ins(patterns, 900)
    lines = [
        "| precision | greatest error of a mean IoU | candidates per head | choices that differ |",
        "|---|---|---|---|",
    ]
    reference = None
    for precision in ("float64", "float32", "int16", "uint8"):
        with Scorer(len(programs), patterns.shape[1], precision=precision) as scorer:  # type: ignore[arg-type]
            for heads in patterns:
                scorer.add_sentence(programs, heads)
            candidates = scorer.candidates()
            if precision == "float64":
                reference = scorer.mean, scorer.choice().program
                continue
            ids = np.unique(candidates[:, 0])
            for s, heads in enumerate(patterns):
                scorer.rescore(s, programs[ids], ids, heads)
            assert reference is not None
            error = np.abs(scorer.mean - reference[0]).max()
            differ = int((scorer.choice().program != reference[1]).sum())
            lines.append(f"| {precision} | {error:.1e} | {len(candidates) / patterns.shape[1]:.2f} | {differ} |")
    return lines


def job(
    programs: np.ndarray, heads: np.ndarray, sentences: int, precision: Precision, threads: int
) -> tuple[float, float]:
    """(CPU seconds, wall seconds) of scoring, packing included, after one sentence to warm up."""
    with Scorer(len(programs), len(heads), precision=precision, threads=threads, keep_sentences=False) as scorer:
        scorer.add_sentence(programs, heads)
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(sentences):
            scorer.add_sentence(programs, heads)
        return time.process_time() - cpu, time.perf_counter() - wall


def paper_size(patterns: np.ndarray, programs: list[Path]) -> list[str]:
    """Evaluation, packing, sums and bookkeeping; the ways in turn, and the median of each."""
    heads = np.resize(patterns[0], (672, *patterns.shape[2:]))
    ways: tuple[tuple[Precision, int], ...] = (("int16", 1), ("uint8", 1), ("uint8", 2))
    jobs = {way: EvaluatedJob(heads, programs, way[1], way[0]) for way in ways}
    rounds = [{way: job() for way, job in jobs.items()} for _ in range(9)]
    lines = [
        f"{jobs[ways[0]].said} Repeated programs are evaluated again each time.",
        "",
        "| precision | threads | CPU s (100 sentences) | evaluation and packing | heads | sums and bookkeeping | "
        "wall s | times one thread |",
        "|---|---|---|---|---|---|---|---|",
    ]
    wall = {}
    for way in ways:
        precision, threads = way
        cpu, heads_, sums, wall[way], evaluating = (
            100 * float(np.median([found[way][at] for found in rounds])) for at in range(5)
        )
        gain = f"{wall[precision, 1] / wall[way]:.2f}"
        parts = f"{evaluating:.1f} | {heads_:.1f} | {sums:.1f} | {wall[way]:.1f}"
        lines.append(f"| {precision} | {threads} | {cpu:.1f} | {parts} | {gain} |")
    lines += ["", f"Peak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:.0f} MiB."]
    return lines


def curve(name: str, points: list[tuple[int, int, int, int]]) -> str:
    """Fitted exponents over one size: of the sums, of the whole job, and of ``P * H * S * n (n + 1) / 2``."""
    at = "PHSn".index(name)
    sums, jobs, forecasts = [], [], []
    for p, h, s, n in points:
        row = np.arange(1, n + 1, dtype=np.float64)
        one = normalise(1 / (row + row[:, None]), causal=True)
        programs, heads = (np.repeat(one[None], count, axis=0) for count in (p, h))
        left, right = (pack(x, "uint8", vector_lanes()) for x in (programs, heads))
        once = timed(lambda left=left, right=right, s=s: [min_sums(left, right) for _ in range(s)], 1)  # type: ignore[misc]
        sums.append(float(np.median([once() for _ in range(5)])))
        jobs.append(float(np.median([job(programs, heads, s, "uint8", 1)[0] for _ in range(5)])))
        forecasts.append(budget(p, h, s, n, precision="uint8", threads=1).cpu_seconds)
    sizes = np.log([point[at] for point in points])
    formula = [p * h * s * n * (n + 1) / 2 for p, h, s, n in points]
    slopes = [np.polyfit(sizes, np.log(values), 1)[0] for values in (sums, formula, jobs, forecasts)]
    worst = max(max(f / t, t / f) for f, t in zip(forecasts, jobs, strict=True))
    shown = ", ".join(f"{point[at]}: {1e3 * value:.3g}" for point, value in zip(points, sums, strict=True))
    return f"| {name} | {shown} | " + " | ".join(f"{slope:.2f}" for slope in slopes) + f" | {worst:.2f} |"


def curves() -> list[str]:
    lines = [
        "| size | CPU ms of the sums (uint8) | exponent | of the formula | of the whole job | of its forecast | "
        "forecast off by a factor of at most |",
        "|---|---|---|---|---|---|---|",
    ]
    lines.append(curve("n", [(240, 240, 1, n) for n in (32, 64, 128, 256, 512, 1024)]))
    lines.append(curve("P", [(p, 240, 1, 128) for p in (120, 240, 480, 960)]))
    lines.append(curve("H", [(240, h, 1, 128) for h in (120, 240, 480, 960)]))
    lines.append(curve("S", [(240, 240, s, 128) for s in (2, 4, 8, 16)]))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patterns", type=Path, help="npz or safetensors with float32 'patterns' [S, H, n, n]")
    parser.add_argument("--programs", type=Path, nargs="*", default=[], help="program files beside the built-in ones")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "benchmarks-scoring.md")
    options = parser.parse_args()
    patterns, said = load_patterns(options.patterns)
    load = os.getloadavg()
    lines = [
        "# Scoring benchmarks", "",
        f"Last run of `python benchmarks/bench_scoring.py{' --patterns FILE' if options.patterns else ''}`: {said}, "
        f"n = {patterns.shape[-1]}. {cpu_name()}, {os.cpu_count()} CPUs, load average {load[0]:.1f} at the start; "
        f"numba {numba.__version__}, numpy {np.__version__}. CPU time, one thread unless said, medians of interleaved "
        "runs.", "", "## One (program, head, sentence) score", "",
        "Packed patterns; 'peak in L1' is the same register tile on 16 KiB that never leaves the first-level cache. "
        "The AVX2 rows are compiled for a Haswell CPU in a second process.", "",
    ]  # fmt: skip
    lines += score_table(per_score(patterns, options.patterns, options.rounds))
    lines += [
        "",
        "## Exactness",
        "",
        "900 patterns in place of programs: trivial ones, and their blends with head means.",
        "",
    ]
    lines += exactness(patterns)
    lines += [
        "",
        "## Paper-size job: 1,664 programs × 672 heads, evaluation and packing included",
        "",
    ]
    lines += ["Medians over sentences, shown for 100; token features are given.", ""]
    lines += paper_size(patterns, options.programs)
    lines += ["", "## Cost curves", "", *curves(), ""]
    lines += [
        "Short texts cost a little more than the formula says: each tile ends with its lanes being added up, and what "
        "is found is turned into minima once more. The forecast of `--budget` measures rates at the job's own n.", "",
    ]  # fmt: skip
    lines += [f"Load average at the end: {os.getloadavg()[0]:.1f}.", ""]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
