"""Selection in blocks of sentences: what ``selection.select`` and ``measure`` do, in parts that are done apart.

    sums = merged(first_pass(part, ...) for part in parts)      # in the order of the sentences
    pairs = candidates(sums, ...)                               # None: the sums decide alone ("float64")
    selection = decided(sums, pairs, exact figures of the pairs, ...)
    measured = joined(measure(selection, part) for part in held-out parts)

The parts and their order decide how floating-point sums round, so the same parts give the same bits, whoever does them.
Memory of a part does not grow with the number of its sentences, but for the figures that are kept of each.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.runtime.baselines import baselines, choose_baselines
from attndsl.runtime.choice import Sums
from attndsl.runtime.exact import pair_ious
from attndsl.runtime.packing import Precision
from attndsl.runtime.scorer import Scorer
from attndsl.runtime.selection import Measured, Selection, Split


@dataclass(frozen=True, eq=False)
class Part:
    """Sentences ``first`` to ``first + count - 1`` of a split, as a split; ``before`` of the whole job come before."""

    split: Split
    first: int
    count: int
    before: int = 0

    def __len__(self) -> int:
        return self.count

    def heads(self, sentence: int) -> NDArray[np.float32]:
        return self.split.heads(self.first + sentence)

    def programs(self, sentence: int, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.split.programs(self.first + sentence, ids)


@dataclass(frozen=True, eq=False)
class BlockSums:
    """What one block adds: ``sums`` of programs and heads, ``trivial`` float64 [B, H] of the baselines."""

    sums: Sums
    trivial: NDArray[np.float64]

    def plus(self, other: BlockSums) -> BlockSums:
        return BlockSums(self.sums.plus(other.sums), self.trivial + other.trivial)


def first_pass(part: Part, programs: int, heads: int, *, causal: bool, precision: Precision) -> BlockSums:
    """Score every program on every head of these sentences. Raises what ``Scorer`` raises."""
    everything = np.arange(programs)
    trivial_sum: NDArray[np.float64] | None = None
    with Scorer(
        programs, heads, causal=causal, precision=precision, keep_sentences=False, before=part.before
    ) as scorer:
        for s in range(len(part)):
            patterns = part.heads(s)
            scorer.add_sentence(part.programs(s, everything), patterns)
            given = baselines(patterns.shape[1], causal=causal).patterns
            with Scorer(len(given), heads, causal=causal, keep_sentences=False) as trivial:
                trivial.add_sentence(given, patterns)
                trivial_sum = trivial.mean if trivial_sum is None else trivial_sum + trivial.mean
        assert trivial_sum is not None
        return BlockSums(scorer.sums, trivial_sum)


def merged(blocks: Iterable[BlockSums]) -> BlockSums:
    """All blocks together, added in the order given."""
    return reduce(BlockSums.plus, blocks)


def _resumed(total: BlockSums, causal: bool, precision: Precision) -> Scorer:
    programs, heads = total.sums.iou.shape
    scorer = Scorer(programs, heads, causal=causal, precision=precision, threads=1, keep_sentences=False)
    scorer.resume(total.sums)
    return scorer


def candidates(total: BlockSums, *, causal: bool, precision: Precision) -> NDArray[np.int64] | None:
    """Pairs (program, head) that a second, exact pass has to decide on, int [M, 2]; None where the sums are exact."""
    return None if precision == "float64" else _resumed(total, causal, precision).candidates()


def second_pass(part: Part, pairs: NDArray[np.int64], *, causal: bool) -> NDArray[np.float64]:
    """Exact IoU of the pairs on these sentences, float64 [M, sentences]."""
    ids, local = np.unique(pairs[:, 0], return_inverse=True)
    own = np.stack([local, pairs[:, 1]], axis=1)
    columns = [pair_ious(part.programs(s, ids), part.heads(s), own, causal=causal) for s in range(len(part))]
    return np.stack(columns, axis=1)


def decided(
    total: BlockSums,
    exact: NDArray[np.float64] | None,
    *,
    train: Split,
    names: Sequence[str],
    heads: Sequence[str],
    causal: bool,
    precision: Precision,
) -> Selection:
    """The program and the baselines of each head; ``exact`` float64 [M, S] are the figures of ``candidates``."""
    scorer = _resumed(total, causal, precision)
    choice = scorer.choice_by_sums() if exact is None else scorer.choice_of(exact)
    kinds = baselines(2, causal=causal).kind  # the same for every length
    trivia = choose_baselines(total.trivial / total.sums.sentences, kinds)
    return Selection(tuple(names), tuple(heads), causal, choice, trivia, train)


def joined(parts: Iterable[Measured]) -> Measured:
    """Measurements of consecutive sentences as one."""
    found = list(parts)
    columns = {f.name: np.concatenate([getattr(m, f.name) for m in found], axis=-1) for f in fields(Measured)}
    return Measured(**columns)


# ---------------------------------------------------------------- as files


def to_bytes(arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> bytes:
    """Arrays and facts as one safetensors file, the same bytes for the same content."""
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return bytes(save(contiguous, {"facts": json.dumps(facts, sort_keys=True, ensure_ascii=False)}))


def from_bytes(data: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """What ``to_bytes`` was given."""
    from safetensors.numpy import load

    length = int.from_bytes(data[:8], "little")
    facts = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["facts"])
    return load(data), facts


def sums_to_bytes(block: BlockSums, facts: dict[str, Any]) -> bytes:
    """A block as a file."""
    sums = block.sums
    arrays = {"iou": sums.iou, "trivial": block.trivial, "steepest": np.array([sums.steepest])}
    if sums.first is not None and sums.second is not None:
        arrays |= {"first": sums.first, "second": sums.second}
    return to_bytes(arrays, {**facts, "sentences": sums.sentences})


def sums_from_bytes(data: bytes) -> tuple[BlockSums, dict[str, Any]]:
    arrays, facts = from_bytes(data)
    sums = Sums(
        int(facts["sentences"]), arrays["iou"], arrays.get("first"), arrays.get("second"), float(arrays["steepest"][0])
    )
    return BlockSums(sums, arrays["trivial"]), facts


def measured_to_bytes(measured: Measured, facts: dict[str, Any]) -> bytes:
    return to_bytes({f.name: getattr(measured, f.name) for f in fields(Measured)}, facts)


def measured_from_bytes(data: bytes) -> tuple[Measured, dict[str, Any]]:
    arrays, facts = from_bytes(data)
    return Measured(**arrays), facts
