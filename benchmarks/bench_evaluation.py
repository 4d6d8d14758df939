"""Evaluation: the compiled machine, numpy and torch graphs, and a numba kernel per program; growth with n; memory.

    python benchmarks/bench_evaluation.py                                  # the built-in library, on bundled stories
    python benchmarks/bench_evaluation.py --programs FILE.py FILE.py ...   # and these programs
    python benchmarks/bench_evaluation.py --bidirectional FILE.py ...      # for bidirectional heads
    python benchmarks/bench_evaluation.py --model gpt2                     # another tokenizer

Token and word features, and host tables, are given: what is timed is programs on one text of n tokens, result float32
patterns. Every way runs on one thread, interleaved with the others; figures are medians of CPU time, which other work
on
the machine disturbs less than the clock. Writes docs/benchmarks-evaluation.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba
import numpy as np

from attndsl.compiler import IRProgram, Leaves, compile_library, machine
from attndsl.compiler.emit_bytecode import emit_bytecode
from attndsl.compiler.texts import code_of
from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.library import builtin_programs
from attndsl.dsl.parser import parse_library
from attndsl.dsl.source import SourceFile
from attndsl.models.corpus import load_corpus
from attndsl.models.load_tokenizer import load_tokenizer
from attndsl.runtime.library import load_library
from attndsl.runtime.machine import BytecodeMachine
from attndsl.runtime.packing import empty_packed, layout
from attndsl.runtime.pattern import normalise
from attndsl.runtime.program import Outcome, Program
from attndsl.runtime.tokenize import token_table_of_ids

sys.path.insert(0, str(Path(__file__).parent))
from bench_scoring import cpu_name
from evaluation_jit import SAME_IN_OUR_LANGUAGE, compiled

DOCS = Path(__file__).resolve().parent.parent / "docs" / "benchmarks-evaluation.md"
OURS, PACKED = "compiled machine, float32 patterns", "compiled machine, packed int16 for scoring"
RAW, NUMPY, TORCH = "compiled machine, float64 matrices", "numpy graph", "torch graph"
Way = Callable[[], Any]


def similarity(tokens: list[str], a: int, b: int) -> float:
    """A cheap stand-in for the embedding similarity that published programs ask their host for."""
    left, right = set(tokens[a].lower()), set(tokens[b].lower())
    return len(left & right) / max(len(left | right), 1)


def leaves_of(tokenizer: Any, n: int, number: int = 0) -> Leaves:
    """The data of one bundled text of n tokens; short stories are joined."""
    stories = [text.text for text in load_corpus("stories")]
    ids: list[int] = []
    while len(ids) < n:
        ids += tokenizer(stories[number % len(stories)], add_special_tokens=False)["input_ids"]
        number += 1
    return Leaves(token_table_of_ids(ids[:n], tokenizer), {"embedding_similarity": similarity})


def numpy_patterns(compiled_: Any, leaves: Leaves, causal: bool, names: Sequence[str]) -> int:
    """Patterns through an array machine: the matrices, and the normalisation that every pattern gets."""
    failed = 0
    with np.errstate(all="ignore"):
        for found, name in zip(compiled_.run(leaves), names, strict=True):
            try:
                normalise(np.asarray(found), causal=causal, name=name)
            except DiagnosticError:
                failed += 1
    return failed


def interleaved(ways: dict[str, Way], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each way; each is run once before."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for name, way in ways.items():
        way()
        del name
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.thread_time()
            way()
            times[name].append(time.thread_time() - started)
    return {name: float(np.median(found)) for name, found in times.items()}


def ways_of(programs: list[IRProgram], leaves: Leaves, causal: bool, torch: bool = True) -> dict[str, Way]:
    run = BytecodeMachine(programs)
    n, names = leaves.tokens, [program.name for program in programs]
    room = np.empty((len(programs), n, n), dtype=np.float32)
    packed = empty_packed(layout(n, causal, 32), "int16", len(programs))
    graph = machine(programs, "numpy")
    ways: dict[str, Way] = {
        OURS: lambda: run.patterns(leaves, causal, room),
        PACKED: lambda: run.pack(leaves, packed),
        RAW: lambda: list(run.run(leaves)),
        NUMPY: lambda: numpy_patterns(graph, leaves, causal, names),
    }
    if torch:
        torch_graph = machine(programs, "torch")
        ways[TORCH] = lambda: numpy_patterns(torch_graph, leaves, causal, names)
    return ways


def table(title: str, programs: list[IRProgram], leaves: Leaves, causal: bool, rounds: int) -> tuple[list[str], float]:
    """One table, every way on one set of programs; and the seconds of the compiled machine."""
    found = interleaved(ways_of(programs, leaves, causal), rounds)
    started = time.process_time()
    code = emit_bytecode(programs, causal)
    emitted = time.process_time() - started
    lines = [
        f"## {title}", "",
        f"{len(programs)} programs, {len(code.code)} instructions. Bytecode for all of them takes {emitted:.2f} CPU s, "
        "once; nothing is compiled per program.", "",
        "| way | µs per program and sentence | times the numpy graph |", "|---|---|---|",
    ]  # fmt: skip
    for name, seconds in found.items():
        lines.append(f"| {name} | {1e6 * seconds / len(programs):.1f} | {found[NUMPY] / seconds:.1f} |")
    return [*lines, ""], found[OURS]


def jit_table(leaves: Leaves, rounds: int) -> list[str]:
    """Five programs: a kernel each, and the machine."""
    kernels, compile_seconds = compiled()
    trees = parse_library(SourceFile("jit.attn", SAME_IN_OUR_LANGUAGE))
    programs = compile_library([check(tree) for tree in trees])
    n = leaves.tokens
    texts, comma = leaves.column("token.text", "s"), np.int64(code_of(","))
    rooms = [np.empty((n, n), dtype=np.float32) for _ in kernels]
    ways = {
        OURS: ways_of(programs, leaves, True)[OURS],
        "a numba kernel per program": lambda: [k(texts, comma, out) for k, out in zip(kernels, rooms, strict=True)],
    }
    patterns, _ = BytecodeMachine(programs).patterns(leaves, True)
    ways["a numba kernel per program"]()
    np.testing.assert_allclose(np.stack(rooms), patterns, atol=1e-6)
    found = interleaved(ways, rounds)
    lines = [
        "## Five programs with a kernel of their own",
        "",
        "| way | µs per program and sentence | to compile one |",
    ]
    lines.append("|---|---|---|")
    for name, seconds in found.items():
        cost = "nothing" if name == OURS else f"{compile_seconds:.2f} CPU s"
        lines.append(f"| {name} | {1e6 * seconds / len(programs):.1f} | {cost} |")
    return [
        *lines,
        "",
        "The patterns are equal to 1e-6. Few programs share little: a library costs less per program.",
        "",
    ]


def growth(programs: list[IRProgram], tokenizer: Any) -> list[str]:
    """CPU time and memory over n."""
    lines = [
        "## Growth with the text (built-in library, float32 patterns)", "",
        "| n | µs per program and sentence | registers of the machine, MiB |", "|---|---|---|",
    ]  # fmt: skip
    sizes, seconds = (32, 64, 128, 256, 512, 1024), []
    run = BytecodeMachine(programs)
    for n in sizes:
        leaves = leaves_of(tokenizer, n)
        room = np.empty((len(programs), n, n), dtype=np.float32)
        run.patterns(leaves, True, room)
        seconds.append(interleaved({"": lambda a=leaves, b=room: run.patterns(a, True, b)}, 3)[""] / len(programs))
        tracemalloc.start()
        BytecodeMachine(programs).patterns(leaves, True, room)
        mebibytes = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        lines.append(f"| {n} | {1e6 * seconds[-1]:.1f} | {mebibytes:.1f} |")
    slope = np.polyfit(np.log(sizes[2:]), np.log(seconds[2:]), 1)[0]
    return [*lines, "", f"From 128 tokens on the time grows with n to the {slope:.2f}; patterns have n² weights.", ""]


@dataclass(frozen=True)
class Imported:
    """Counts and CPU seconds of one file on one text."""

    lifted: int
    lifted_seconds: float
    bounded: int
    bounded_seconds: float
    failed: int


def bounded_seconds(programs: list[Program], leaves: Leaves, causal: bool, rounds: int) -> tuple[float, int]:
    """Median CPU seconds of all loop programs on one text, pattern included, and how many of them failed on it."""
    failed = 0

    def once() -> None:
        nonlocal failed
        failed = 0
        for program in programs:
            try:
                matrix = program.bounded.run(leaves.table, program.host)
                normalise(np.asarray(matrix, dtype=np.float64), causal=causal, name=program.name)
            except DiagnosticError:
                failed += 1

    return interleaved({"": once}, rounds)[""], failed


def imported_tables(path: str, causal: bool, leaves: Leaves, number: int, rounds: int) -> tuple[list[str], Imported]:
    """The table of one file: lifted programs every way, then its loop programs and the average over both."""
    library = load_library([path], host={"embedding_similarity": similarity}, causal=causal)
    lifted = compile_library([program.typed for program in library.values() if program.typed is not None])
    loops = [program for program in library.values() if program.outcome is Outcome.BOUNDED]
    kind = "causal" if causal else "bidirectional"
    lines, seconds = table(f"Imported programs, file {number}, {kind}", lifted, leaves, causal, rounds)
    found = Imported(len(lifted), seconds, len(loops), *bounded_seconds(loops, leaves, causal, rounds))
    refused = len(library) - len(lifted) - len(loops)
    lines += [
        f"Beside these {found.lifted} lifted programs the file has {found.bounded} bounded loop programs, "
        f"{1e6 * found.bounded_seconds / max(found.bounded, 1):.0f} µs each ({found.failed} of them end in a run-time "
        f"error on this text), and {refused} that are refused.", "",
    ]  # fmt: skip
    return lines, found


def averages(files: list[Imported]) -> list[str]:
    """The average over all imported programs, lifted only and with the loop programs."""
    lifted, bounded = sum(f.lifted for f in files), sum(f.bounded for f in files)
    seconds = sum(f.lifted_seconds for f in files)
    every = seconds + sum(f.bounded_seconds for f in files)
    return [
        "## Imported programs, all files", "", "| programs | number | µs per program and sentence |", "|---|---|---|",
        f"| lifted | {lifted} | {1e6 * seconds / lifted:.1f} |",
        f"| lifted and bounded | {lifted + bounded} | {1e6 * every / (lifted + bounded):.1f} |", "",
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m", help="whose tokenizer splits the texts")
    parser.add_argument("--programs", nargs="*", default=[], help="further files of programs")
    parser.add_argument("--bidirectional", nargs="*", default=[], help="files of programs for bidirectional heads")
    parser.add_argument("--bidirectional-model", default="minilm-l6", help="whose tokenizer splits texts for those")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    tokenizer = load_tokenizer(options.model)
    leaves = leaves_of(tokenizer, 128)
    causal = compile_library([check(tree) for tree in builtin_programs("causal")])
    both = compile_library([check(tree) for tree in builtin_programs("bidirectional")])
    lines = [
        "# Evaluation benchmarks", "",
        f"Last run of `python benchmarks/bench_evaluation.py`: bundled stories, n = 128, tokenizer of {options.model}. "
        f"{cpu_name()}, {os.cpu_count()} CPUs, load average {load:.1f} at the start; "
        f"{platform.python_implementation()} "
        f"{platform.python_version()}, numba {numba.__version__}, numpy {np.__version__}. "
        "CPU time of one thread, medians "
        f"of {options.rounds} interleaved runs; features of tokens and words are given.", "",
        *table("The built-in library, causal", causal, leaves, True, options.rounds)[0],
        *table("The built-in library, bidirectional", both, leaves, False, options.rounds)[0],
    ]  # fmt: skip
    files = []
    for number, path in enumerate([*options.programs, *options.bidirectional], 1):
        is_causal = number <= len(options.programs)
        text = leaves if is_causal else leaves_of(load_tokenizer(options.bidirectional_model), 128)
        more, found = imported_tables(path, is_causal, text, number, 3)
        lines += more
        files.append(found)
    if files:
        lines += averages(files)
    lines += jit_table(leaves, options.rounds) + growth(causal, tokenizer)
    lines.append(f"Load average at the end: {os.getloadavg()[0]:.1f}.")
    DOCS.parent.mkdir(exist_ok=True)
    DOCS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
