"""What the sandbox costs: a call, the start of a program, and many programs over a few sentences.

    python benchmarks/bench_sandbox.py [--programs FILE...] [--count 1000] [--sentences 4] [--workers 2]

Without ``--programs``, a library of the usual shape is written here (a helper, a double loop, a causal mask). Prints
medians in milliseconds; a busy machine shows in the 90th percentile. The overhead of a call is measured with a
program that only returns a ready matrix, so that what remains is ours: sending, module start, both runs, checks.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.parse_words import word_parser
from attndsl.runtime.sandbox import Job, Limits, SandboxError, SandboxPool, Values, prepare, program_names

READY = "import numpy as np\ndef predict(sentence, tokens):\n    n = len(tokens)\n    return np.ones((n, n))\n"
HELPERS = """
import numpy as np

def make_row_stochastic(matrix):
    sums = matrix.sum(axis=1, keepdims=True)
    sums[sums == 0] = 1.0
    return matrix / sums

def apply_causal_mask(matrix):
    return matrix * np.tril(np.ones(matrix.shape))
"""
PROGRAM = """
def program_{number}(sentence, tokenizer):
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    attention = np.zeros((n, n))
    for i in range(n):
        attention[i, 0] += 0.{number}
        for j in range(i + 1):
            if tokens[j].strip().lower() in ["the", "a", "{number}"]:
                attention[i, j] += 0.8 ** (i - j)
            elif len(tokens[j]) > {number} % 7 and tokens[j].isalpha():
                attention[i, j] += 1.0 / (1 + i - j)
    return "program", make_row_stochastic(apply_causal_mask(attention))
"""
LIBRARY = HELPERS + "".join(PROGRAM.format(number=number) for number in range(1, 101))
TEXT = "Once upon a time there was the little dog who ran over a big red hill and saw the sun ."
PIECES = TEXT.split(" ")


def sentence(size: int, shift: int = 0) -> TokenTable:
    """A made-up sentence of ``size`` tokens."""
    tokens = tuple(PIECES[(i + shift) % len(PIECES)] for i in range(size))
    starts = [0]
    for token in tokens[:-1]:
        starts.append(starts[-1] + len(token) + 1)
    ends = tuple(start + len(token) for start, token in zip(starts, tokens, strict=False))
    ids = tuple(PIECES.index(token) for token in tokens)
    no, yes = (False,) * size, (True,) * size
    parse = word_parser()  # loads a pipeline only for programs that read words
    return TokenTable(" ".join(tokens), ids, tokens, tuple(starts), ends, tokens, no, yes, (0,) * size, no, parse)


def spread(seconds: list[float]) -> str:
    """Median and 90th percentile, in milliseconds."""
    ranked = sorted(1000 * value for value in seconds)
    return f"{statistics.median(ranked):.3f} ms (90%: {ranked[int(0.9 * len(ranked))]:.3f})"


def calls(pool: SandboxPool, size: int, runs: int, count: int = 300) -> list[float]:
    table, seconds = sentence(size), []
    with pool.session(prepare(READY), Limits(runs=runs)) as session:
        for _ in range(count):
            started = time.perf_counter()
            session.run(table)
            seconds.append(time.perf_counter() - started)
    return seconds


def starts(pool: SandboxPool, source: str, names: list[str], count: int = 60) -> list[float]:
    seconds = []
    for index in range(count):
        prepared = prepare(source, names[index % len(names)])
        with pool.session(prepared) as session:
            started = time.perf_counter()
            session.start()
            seconds.append(time.perf_counter() - started)
    return seconds


def start_cpu(source: str, count: int = 60) -> float:
    """Processor time in ms of a child from fork to ready to kill, as the kernel counts it for a fresh zygote."""

    def used(pid: int) -> int:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split(" ")
        return sum(int(fields[i]) for i in (11, 12, 13, 14))  # own and waited-for children's user and system time

    with SandboxPool(workers=1) as pool:
        pid, names = pool._zygotes[0].pid, program_names(source)
        before = used(pid)
        starts(pool, source, names, count)
        return 1000 * (used(pid) - before) / os.sysconf("SC_CLK_TCK") / count


def many(pool: SandboxPool, sources: list[str], count: int, tables: list[TokenTable]) -> str:
    known = [(source, name) for source in sources for name in program_names(source)]
    chosen = [known[i % len(known)] for i in range(count)]
    taken = Values(True, True, True)
    started = time.perf_counter()
    reports = pool.map(Job(source, tables, name, values=taken) for source, name in chosen)
    seconds = time.perf_counter() - started
    outcomes: dict[str, int] = {}
    for report in reports:
        for result in report.results:
            kind = result.outcome if isinstance(result, SandboxError) else "ok"
            outcomes[kind] = outcomes.get(kind, 0) + 1
    each = 1000 * seconds / max(1, count)
    return f"{count} programs x {len(tables)} sentences: {seconds:.1f} s, {each:.1f} ms a program, {outcomes}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--programs", nargs="*", type=Path, default=[])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--sentences", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    sources = [path.read_text(encoding="utf-8") for path in options.programs] or [LIBRARY]
    print(f"cores {os.cpu_count()}, load {os.getloadavg()[0]:.1f}")
    began = time.perf_counter()
    with SandboxPool(workers=options.workers) as pool:
        print(f"start of a pool: {1000 * (time.perf_counter() - began):.0f} ms")
        for size in (64, 256):
            for runs in (1, 2):
                print(f"call, n={size}, {runs} run(s): {spread(calls(pool, size, runs))}")
        print(f"start of a program: {spread(starts(pool, sources[0], program_names(sources[0])))}")
        print(f"start of a program, processor time of its process: {start_cpu(sources[0]):.1f} ms (mean)")
        tables = [sentence(options.tokens, shift) for shift in range(options.sentences)]
        for table in tables:
            if options.programs:
                _ = table.words  # parsed before the clock starts
        print(many(pool, sources, options.count, tables))
        print(f"zygotes alive: {pool.alive()}, starts: {pool.starts}, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
