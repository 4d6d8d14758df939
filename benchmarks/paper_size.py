"""The job of the paper's size: programs evaluated into packed rows, scored on all heads, one sentence at a time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
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

PROGRAMS, BLOCK, THREADS = 1664, 416, 2
"""A block holds as many whole machines for each of up to so many threads."""


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
        self.pool = ThreadPoolExecutor(threads)
        self._kept: dict[int, Packed] = {}
        self()

    @staticmethod
    def _blocks(machines: list[BytecodeMachine]) -> list[list[tuple[BytecodeMachine, int, int]]]:
        """(machine, first row, programs of it) for each block; the last machine of a block may be cut short."""
        blocks, count, at = [], 0, 0
        each = THREADS * len(machines[0].programs)
        most = max(1, BLOCK // each) * each
        while count < PROGRAMS:
            block: list[tuple[BytecodeMachine, int, int]] = []
            used = 0
            while used < most and count + used < PROGRAMS:
                machine = machines[at % len(machines)]
                at += 1
                take = min(len(machine.programs), most - used, PROGRAMS - count - used)
                if take < len(machine.programs):
                    machine = BytecodeMachine(machine.programs[:take])
                block.append((machine, used, take))
                used += take
            blocks.append(block)
            count += used
        return blocks

    def _evaluate(self, block: list[tuple[BytecodeMachine, int, int]], room: Packed) -> None:
        work = [self.pool.submit(machine.pack, self.leaves, room, first) for machine, first, _ in block]
        for task in work:
            task.result()

    def __call__(self) -> tuple[float, ...]:
        clock: Any = time.process_time
        began, wall, evaluating, first = clock(), time.perf_counter(), 0.0, 0
        with self.scorer.sentence(self.heads) as sentence:
            heads = clock() - began
            for block in self.work:
                rows = sum(take for _, _, take in block)
                room = self._room(sentence, rows)
                before = clock()
                self._evaluate(block, room)
                evaluating += clock() - before
                sentence.add_packed(room, first=first)
                first += rows
        cpu = clock() - began
        return cpu, heads, cpu - heads - evaluating, time.perf_counter() - wall, evaluating

    def _room(self, sentence: Any, rows: int) -> Packed:
        self._kept[rows] = sentence.block(rows, self._kept.get(rows))
        return self._kept[rows]
