"""The job of the paper's size: programs evaluated into packed rows, scored on all heads, one sentence at a time."""

from __future__ import annotations

import time
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from attndsl.compiler import Leaves, compile_library
from attndsl.models.corpus import load_corpus
from attndsl.models.load_tokenizer import load_tokenizer
from attndsl.runtime.library import builtin_library, load_library
from attndsl.runtime.machine import BytecodeMachine
from attndsl.runtime.packing import Packed, Precision
from attndsl.runtime.scorer import Scorer
from attndsl.runtime.tokenize import token_table_of_ids

PROGRAMS = 1664


def similarity(tokens: list[str], a: int, b: int) -> float:
    """A stand-in for the embedding similarity that published programs ask their host for."""
    left, right = set(tokens[a].lower()), set(tokens[b].lower())
    return len(left & right) / max(len(left | right), 1)


class EvaluatedJob:
    """Each call does one sentence: (CPU, heads, sums, wall, evaluation) seconds, the parts in CPU seconds."""

    def __init__(
        self,
        heads: np.ndarray,
        files: list[Path],
        threads: int,
        precision: Precision = "uint8",
        model: str = "smollm2-135m",
    ) -> None:
        self.heads, self.threads = heads, threads
        host = {"embedding_similarity": similarity}
        library = [*builtin_library(True).compiled(), *(load_library(files, host=host).compiled() if files else ())]
        typed = [program.typed for program in library if program.typed is not None]
        # Ranges of one library are machines of their own, so that threads share the work; a range is never repeated
        # within a machine, where equal programs would be evaluated once.
        ranges = np.array_split(np.arange(len(typed)), max(1, -(-len(typed) // 208)))
        machines = [BytecodeMachine(compile_library([typed[i] for i in part])) for part in ranges]
        self.said = f"{len(typed)} programs and 270 heads, repeated to {PROGRAMS} and {len(heads)}."
        self.work = self._blocks(machines)
        tokenizer, n = load_tokenizer(model), heads.shape[-1]
        ids: list[int] = []
        for text in load_corpus("stories"):
            ids += tokenizer(text.text, add_special_tokens=False)["input_ids"]
            if len(ids) >= n:
                break
        self.leaves = Leaves(token_table_of_ids(ids[:n], tokenizer), host)
        self.scorer = Scorer(PROGRAMS, len(heads), precision=precision, threads=threads, keep_sentences=False)
        self()

    @staticmethod
    def _blocks(machines: list[BytecodeMachine]) -> dict[tuple[int, int], BytecodeMachine]:
        """Which machine fills which programs; the last is cut short."""
        blocks: dict[tuple[int, int], BytecodeMachine] = {}
        count = 0
        for machine in cycle(machines):
            take = min(len(machine.programs), PROGRAMS - count)
            blocks[count, count + take] = BytecodeMachine(machine.programs[:take])
            count += take
            if count == PROGRAMS:
                return blocks

    def _fill(self, room: Packed, start: int, stop: int) -> None:
        before = time.thread_time()
        self.work[start, stop].pack(self.leaves, room)
        self.evaluating.append(time.thread_time() - before)

    def __call__(self) -> tuple[float, ...]:
        clock: Any = time.process_time
        began, wall = clock(), time.perf_counter()
        self.evaluating: list[float] = []
        with self.scorer.sentence(self.heads) as sentence:
            heads = clock() - began
            sentence.add_filled(list(self.work), self._fill)
        cpu, evaluating = clock() - began, sum(self.evaluating)
        return cpu, heads, cpu - heads - evaluating, time.perf_counter() - wall, evaluating
