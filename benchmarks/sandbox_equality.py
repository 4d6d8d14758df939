"""Programs of files in the sandbox and in plain CPython: how many are accepted, and whether the matrices are the same.

    python benchmarks/sandbox_equality.py FILE.py... --tokenizer smollm2-135m [--texts 12]

Plain CPython runs a file as it stands, with numpy, spaCy and a Hugging Face tokenizer themselves, in a forked child
that has become nobody, without network, files or processes (``runtime/sandbox/lockdown``) and with a clock: enough for
files that one has looked at, unlike the sandbox. ``embedding_similarity`` is the share of common letters in both.
Random numbers start from the sandbox's seed in both. Prints counts per file, each difference, and the largest one.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import struct
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from attndsl.models.load_tokenizer import load_tokenizer
from attndsl.runtime.parse_words import word_parser
from attndsl.runtime.sandbox import Limits, SandboxError, SandboxPool, lockdown, program_names
from attndsl.runtime.tokenize import token_table

TEXTS = (
    "A",
    "?!...",
    "the the the cat the the dog dog the",
    'He said "go away and "stop. Then left (quickly)',
    "Zoë’s café, a naïve façade, 你好 über.",
    "The old man sat by the fire, and his dog slept near him because it was cold.",
    "Once upon a time, Tim and Sue (his sister) ran to the big park; it was fun!\nWho played? The cat, at 12.",
    "if x == 1 and y != 2: print(x, y)  # both were asked",
    "Solve 3 x + 4 = 10. First subtract 4 from both sides, then divide by 3.",
    '"Where is my red ball?" asked Lily. Her mother smiled. "It is under the bed," she said, and Lily laughed.',
    "In 2019, Dr. Smith of New York met Mr. Jones; they didn't agree on anything that mattered to either of them.",
    "A girl named Mia had a small boat. She loved the boat, and the boat loved the lake. One day the wind blew hard.",
)


def similarity(tokens: list[str], a: int, b: int) -> float:
    """A relation for programs that call ``embedding_similarity``."""
    x, y = set(tokens[a].lower()), set(tokens[b].lower())
    return len(x & y) / max(1, len(x | y))


def plain_answers(file: Path, name: str, tokenizer: Any, nlp: Any, seconds: int) -> list[np.ndarray | str]:
    """CPython's raw matrix, or the name of its exception, for each text. The child can do nothing but answer."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            _answer(file.read_text(encoding="utf-8"), name, tokenizer, nlp, write, seconds)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        data = stream.read()
    os.waitpid(pid, 0)
    found: list[np.ndarray | str] = []
    while data:
        size, rows = struct.unpack_from("<qq", data)
        body, data = data[16 : 16 + size], data[16 + size :]
        found.append(body.decode() if rows < 0 else np.frombuffer(body, dtype=np.float64).reshape(rows, -1))
    return found + ["no answer"] * (len(TEXTS) - len(found))


def _answer(source: str, name: str, tokenizer: Any, nlp: Any, pipe: int, seconds: int) -> None:
    signal.alarm(seconds)
    libc = lockdown.load_libc()
    lockdown.own_namespaces(libc)
    lockdown.lock_zygote(libc)
    for limit, value in ((resource.RLIMIT_NPROC, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CPU, seconds)):
        resource.setrlimit(limit, (value, value))
    space: dict[str, Any] = {"__name__": "programs"}
    exec(compile(source, "programs", "exec"), space)
    space.update(embedding_similarity=similarity, _nlp=nlp)
    for text in TEXTS:
        random.seed(0)
        np.random.seed(0)
        try:
            _, matrix = space[name](text, tokenizer)
            matrix = np.asarray(matrix, dtype=np.float64)
            body, rows = matrix.tobytes(), len(matrix)
        except Exception as error:
            body, rows = type(error).__name__.encode(), -1
        answer = struct.pack("<qq", len(body), rows) + body
        while answer:
            answer = answer[os.write(pipe, answer) :]


def sandboxed(pool: SandboxPool, source: str, name: str, table: Any) -> np.ndarray | SandboxError:
    tokens = list(table.raw)
    size = len(tokens)
    matrix = np.array([[similarity(tokens, a, b) for b in range(size)] for a in range(size)], dtype=np.float64)
    try:
        return pool.run_program(source, name, table, {"embedding_similarity": matrix}, allow_nonfinite=True)
    except SandboxError as error:
        return error


def same(ours: np.ndarray | SandboxError, plain: np.ndarray | str) -> float:
    """The largest difference; 0 when both raise the same exception, inf when only one does."""
    if isinstance(ours, SandboxError):
        return 0.0 if isinstance(plain, str) and plain in str(ours) else np.inf
    if isinstance(plain, str) or plain.shape != ours.shape:
        return np.inf
    equal = (ours == plain) | (np.isnan(ours) & np.isnan(plain))
    with np.errstate(all="ignore"):
        return float(np.where(equal, 0.0, np.abs(ours - plain)).max(initial=0.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--tokenizer", default="smollm2-135m")
    parser.add_argument("--seconds", type=int, default=60, help="clock of one plain child")
    args = parser.parse_args()
    tokenizer, parse = load_tokenizer(args.tokenizer), word_parser()
    tables = [token_table(text, tokenizer, parse) for text in TEXTS]
    import spacy.util

    nlp = spacy.load(next(name for name in spacy.util.get_installed_models() if name.startswith("en_core_web_sm")))
    bad = False
    with SandboxPool(workers=1, limits=Limits(runs=1, seconds=30)) as pool:
        for file in args.files:
            source = file.read_text(encoding="utf-8")
            counts: Counter[str] = Counter()
            largest = 0.0
            for name in program_names(source):
                ours = [sandboxed(pool, source, name, table) for table in tables]
                refused = [answer for answer in ours if isinstance(answer, SandboxError) and answer.outcome != "error"]
                counts["programs"] += 1
                if refused:
                    counts["not accepted"] += 1
                    print(f"{name}: {refused[0]}".split("\n")[0])
                    continue
                deltas = list(map(same, ours, plain_answers(file, name, tokenizer, nlp, args.seconds)))
                counts["accepted"] += 1
                counts["matrices"] += sum(not isinstance(answer, SandboxError) for answer in ours)
                counts["both raise"] += sum(isinstance(answer, SandboxError) for answer in ours)
                largest = max(largest, *(delta for delta in deltas if np.isfinite(delta)), 0.0)
                if max(deltas) > 1e-12:
                    counts["different"] += 1
                    print(f"{name}: differs by {max(deltas):.3g} on text {deltas.index(max(deltas))}")
            bad = bad or bool(counts["different"] or counts["not accepted"])
            print(f"{file.name}: {dict(counts)}, largest difference {largest:.3g}", flush=True)
    sys.exit(bad)


if __name__ == "__main__":
    main()
