"""Programs against heads: every program against every head, or each against its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.runtime.exact import pair_ious
from attndsl.runtime.kernel import LibraryKernel
from attndsl.runtime.program import Program
from attndsl.runtime.scorer import Scorer
from attndsl.synth.road import Example

BLOCK = 512
"""Programs whose patterns on one text are held at once: 32 MiB at 128 tokens."""


@dataclass(frozen=True, eq=False)
class OwnScores:
    """IoU of each program with its own head, float64 [programs, examples]; ``errors`` are first run-time errors."""

    iou: NDArray[np.float64]
    errors: Mapping[int, DiagnosticError]


def own_scores(
    programs: Sequence[Program], places: Sequence[int], examples: Sequence[Example], causal: bool
) -> OwnScores:
    """Score program number i against head number ``places[i]``; a program that fails on a text has 0 there."""
    kernel = LibraryKernel(programs, causal)
    wanted, local = np.unique(np.array(places), return_inverse=True)
    pairs = np.stack([np.arange(len(programs)), local], axis=1)
    errors: dict[int, DiagnosticError] = {}
    columns = []
    for example in examples:
        predicted = kernel.predict(example.table)
        for index, error in predicted.errors.items():
            errors.setdefault(index, error)
        heads = np.ascontiguousarray(example.patterns[wanted])
        columns.append(pair_ious(predicted.patterns, heads, pairs, causal=causal))
    return OwnScores(np.stack(columns, axis=1), errors)


def all_scores(
    programs: Sequence[Program], heads: int, examples: Sequence[Example], causal: bool
) -> NDArray[np.float64]:
    """Mean IoU over the examples of every program with every head, float64 [programs, heads]."""
    blocks = [
        (first, LibraryKernel(programs[first : first + BLOCK], causal)) for first in range(0, len(programs), BLOCK)
    ]
    with Scorer(len(programs), heads, causal=causal, keep_sentences=False) as scorer:
        for example in examples:
            with scorer.sentence(np.ascontiguousarray(example.patterns)) as sentence:
                for first, kernel in blocks:
                    sentence.add(kernel.predict(example.table).patterns, first=first)
        return scorer.mean


def predictions(program: Program, examples: Sequence[Example], causal: bool) -> list[NDArray[np.float32]]:
    """A program's patterns on the examples, zero where it fails."""
    kernel = LibraryKernel([program], causal)
    return [kernel.predict(example.table).patterns[0] for example in examples]
