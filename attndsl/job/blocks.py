"""Scoring as units of work: programs are chosen on blocks of train texts and measured on blocks of held-out texts.

First pass: sums over every program and head (``score``). Second pass, where the sums are not exact: the exact figures
of the pairs that could be best (``rescore``). Last: the chosen programs on held-out texts (``measure``). The blocks
depend on the texts alone, so one process and a hundred workers add the same numbers in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from attndsl.job.patterns import RunPatterns, texts_of
from attndsl.job.splits import StoreSplit
from attndsl.runtime.baselines import BaselineChoice
from attndsl.runtime.blocks import (
    Part,
    candidates,
    decided,
    first_pass,
    from_bytes,
    joined,
    measured_from_bytes,
    measured_to_bytes,
    merged,
    second_pass,
    sums_from_bytes,
    sums_to_bytes,
    to_bytes,
)
from attndsl.runtime.choice import Choice
from attndsl.runtime.packing import Precision
from attndsl.runtime.pattern_store import TextEntry
from attndsl.runtime.selection import Measured, Selection, fitting_precision, measure
from attndsl.store.folder import Written
from attndsl.store.units import Unit

if TYPE_CHECKING:
    from attndsl.job.run import Run

LEAST = 4
"""Texts of a block: few, so that a kill loses little; more in a large corpus, so that sums take little room."""
MOST_BLOCKS = 256
FOLDER = "blocks"
Failure = dict[str, str]


@dataclass(frozen=True, eq=False)
class Chosen:
    """What train decided, with the run-time failures of programs on train texts."""

    selection: Selection
    failures: list[list[Any]]
    mean: NDArray[np.float64]
    """Train IoU float64 [programs, heads] as the first pass gives it; exact where its sums are."""


def blocks_of(texts: Sequence[TextEntry]) -> list[tuple[int, Sequence[TextEntry]]]:
    """Consecutive texts, with the number of the first of them."""
    size = max(LEAST, -(-len(texts) // MOST_BLOCKS))
    return [(at, texts[at : at + size]) for at in range(0, len(texts), size)]


# ---------------------------------------------------------------- by the process that leads the run


def choose(run: Run) -> Chosen:
    """The program of every head, from the train texts alone."""
    texts = run.texts("train")
    precision = precision_of(len(run.programs), len(run.heads), texts, run.causal)
    units = [run.text_unit("score", first, block, {"precision": precision}) for first, block in blocks_of(texts)]
    run.do_on_patterns("scoring train texts", units, texts)
    read = [sums_from_bytes(run.units.read(unit)) for unit in units]
    total = merged(block for block, _ in read)
    failures = [failure for _, facts in read for failure in facts["failures"]]
    pairs = candidates(total, causal=run.causal, precision=precision)
    exact = None if pairs is None else _exact(run, texts, pairs)
    selection = decided(
        total, exact, train=run.split("train", run.programs), names=[p.name for p in run.programs],
        heads=run.head_names, causal=run.causal, precision=precision,
    )  # fmt: skip
    return Chosen(selection, sorted(failures), total.sums.iou / total.sums.sentences)


def _exact(run: Run, texts: Sequence[TextEntry], pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    wanted = {"pairs": pairs.tolist()}
    units = [run.text_unit("rescore", first, block, wanted) for first, block in blocks_of(texts)]
    run.do_on_patterns("scoring the best again", units, texts)
    return np.concatenate([from_bytes(run.units.read(unit))[0]["exact"] for unit in units], axis=1)


def held_out(run: Run, selection: Selection, store: RunPatterns, what: str, length: int | None = None) -> tuple[
    Measured | None, list[list[Any]]
]:  # fmt: skip
    """The chosen programs on the held-out texts of a store, those of at least ``length`` tokens cut to it; None when
    there are none. With the failures of programs."""
    texts = [text for text in store.texts("heldout") if length is None or text.tokens >= length]
    if not texts:
        return None, []
    about = {
        "length": length, "chosen": selection.choice.program.tolist(),
        "pattern": selection.baselines.pattern.tolist(), "best": selection.baselines.best.tolist(),
    }  # fmt: skip
    units = [run.text_unit("measure", first, block, about, store) for first, block in blocks_of(texts)]
    run.do_on_patterns(what, units, texts, store)
    read = [measured_from_bytes(run.units.read(unit)) for unit in units]
    return joined(found for found, _ in read), sorted(f for _, facts in read for f in facts["failures"])


def precision_of(programs: int, heads: int, texts: Sequence[TextEntry], causal: bool) -> Precision:
    """The same for every block: that of the whole job."""
    return fitting_precision(programs, heads, len(texts), texts[0].tokens, causal)


# ---------------------------------------------------------------- by whoever does the unit


def _split(run: Run, unit: Unit) -> StoreSplit:
    view = run.store_named(unit.args["where"]).view(texts_of(unit.args), run.loaded, unit.args["shards"])
    view.compute = run.store.compute
    return StoreSplit(view, view.texts(), run.whole_kernel, run.loaded.tokenizer, unit.args.get("length"))


def _failures(run: Run, split: StoreSplit) -> dict[str, Any]:
    found = sorted((index, text, str(error)) for (index, text), error in split.errors.items())
    return {"failures": [list(failure) for failure in found]}


def _put(run: Run, unit: Unit, data: bytes) -> list[Written]:
    return [run.folder.put(f"{FOLDER}/{unit.id}.safetensors", data)]


def score_unit(run: Run, unit: Unit) -> list[Written]:
    """First pass over a block."""
    split = _split(run, unit)
    part = Part(split, 0, len(split), before=unit.args["first"])
    block = first_pass(
        part, len(run.programs), len(run.heads), causal=run.causal, precision=unit.args["precision"]
    )  # fmt: skip
    return _put(run, unit, sums_to_bytes(block, _failures(run, split)))


def rescore_unit(run: Run, unit: Unit) -> list[Written]:
    """Second pass over a block."""
    split = _split(run, unit)
    pairs = np.array(unit.args["pairs"], dtype=np.int64)
    exact = second_pass(Part(split, 0, len(split)), pairs, causal=run.causal)
    return _put(run, unit, to_bytes({"exact": exact}, {}))


def measure_unit(run: Run, unit: Unit) -> list[Written]:
    """What train chose, on a block of held-out texts."""
    split, args = _split(run, unit), unit.args
    choice = Choice(np.array(args["chosen"], dtype=np.int64), np.empty(0), np.empty((0, 0)))
    trivia = BaselineChoice(np.array(args["pattern"]), np.array(args["best"]), np.empty((0, 0)))
    names = tuple(p.name for p in run.programs)
    selection = Selection(names, tuple(run.head_names), run.causal, choice, trivia, split)
    return _put(run, unit, measured_to_bytes(measure(selection, split), _failures(run, split)))
