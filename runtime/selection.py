"""Choose on the train split, report on held-out text: the best program of each head and what it is worth.

    selection = select(train, names=library_names, heads=["L0H0", ...], causal=True)
    table = report(selection, held_out, lengths={16: held_out_16, 32: held_out_32})

A split is anything that gives, for sentence s, the heads' patterns and the programs' patterns (``Split``); it is read
sentence by sentence, so it may compute or load them as they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import fail
from attndsl.runtime.allpairs import vector_lanes
from attndsl.runtime.baselines import KINDS, BaselineChoice, baselines, by_kind, choose_baselines
from attndsl.runtime.choice import Choice
from attndsl.runtime.exact import pair_ious, pair_scores
from attndsl.runtime.packing import Precision
from attndsl.runtime.pattern import check
from attndsl.runtime.scorer import Scorer
from attndsl.runtime.shares import available_threads
from attndsl.runtime.statistics import mean_intervals, over_heads
from attndsl.runtime.table import Cell, Table
from attndsl.runtime.vectors import WIDE

TOP_K = 5
LONG = 4e10
"""Minima of a pass (programs, heads, sentences, weights of a pattern multiplied) from which two faster passes pay:
about four seconds in float64 on one core."""
Progress = Callable[[int, int], None]


class Split(Protocol):
    """Sentences of one split. Patterns are float32, normalised; both methods may be called more than once."""

    def __len__(self) -> int: ...

    def heads(self, sentence: int) -> NDArray[np.float32]:
        """The model's patterns ``[H, n, n]`` of one sentence, always the same heads in the same order."""

    def programs(self, sentence: int, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """The patterns ``[len(ids), n, n]`` of the programs with these numbers on the same tokens."""


@dataclass(frozen=True)
class ArraySplit:
    """A split held in memory: per sentence (programs ``[P, n, n]``, heads ``[H, n, n]``)."""

    sentences: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]

    def __len__(self) -> int:
        return len(self.sentences)

    def heads(self, sentence: int) -> NDArray[np.float32]:
        return self.sentences[sentence][1]

    def programs(self, sentence: int, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.sentences[sentence][0][ids]


@dataclass(frozen=True, eq=False)
class Selection:
    """What train decided: the program and the baselines of each head. ``train`` is the split it was decided on."""

    names: tuple[str, ...]
    heads: tuple[str, ...]
    causal: bool
    choice: Choice
    baselines: BaselineChoice
    train: Split


@dataclass(frozen=True, eq=False)
class Measured:
    """The chosen programs on one split, per head and sentence: float64 ``[H, S]``; ``baselines`` ``[H, K, S]``."""

    tokens: NDArray[np.int64]
    iou: NDArray[np.float64]
    js: NDArray[np.float64]
    iou_without_sink: NDArray[np.float64]
    top_k: NDArray[np.float64]
    baselines: NDArray[np.float64]

    def best_baseline(self, choice: BaselineChoice) -> NDArray[np.float64]:
        """IoU ``[H, S]`` of each head's best baseline kind, the kind being the one that train chose."""
        return self.baselines[np.arange(len(self.iou)), choice.best]


def _need(split: Split, what: str) -> int:
    if not len(split):
        raise fail("E0535", f"the {what} split has no sentence", help="add texts to the corpus or change the split")
    return len(split)


def select(
    train: Split,
    *,
    names: Sequence[str],
    heads: Sequence[str],
    causal: bool,
    precision: Precision | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Selection:
    """The program of each head with the highest mean train IoU, and its baselines, from the train split alone.

    ``names``: the P programs; ``heads``: the H heads, such as "L5H3". ``precision``: all but "float64" read the
    split twice and choose exactly what "float64" chooses; None takes ``fitting_precision``. ``progress(done, total)``
    is called per sentence and pass.
    Raises E0535 (nothing to score) and what ``Scorer`` raises.
    """
    count = _need(train, "train")
    if precision is None:
        precision = fitting_precision(len(names), len(heads), count, train.heads(0).shape[1], causal)
    passes = count if precision == "float64" else 2 * count
    everything = np.arange(len(names))
    trivial_mean = None
    with Scorer(len(names), len(heads), causal=causal, precision=precision, threads=threads) as scorer:
        for s in range(count):
            patterns = train.heads(s)
            scorer.add_sentence(train.programs(s, everything), patterns)
            given = baselines(patterns.shape[1], causal=causal)
            with Scorer(len(given.kind), len(heads), causal=causal, threads=threads) as trivial:
                trivial.add_sentence(given.patterns, patterns)
                trivial_mean = trivial.mean if trivial_mean is None else trivial_mean + trivial.mean
            if progress:
                progress(s + 1, passes)
        if precision != "float64":
            ids = np.unique(scorer.candidates()[:, 0])
            for s in range(count):
                scorer.rescore(s, train.programs(s, ids), ids, train.heads(s))
                if progress:
                    progress(count + s + 1, passes)
        choice = scorer.choice()
    assert trivial_mean is not None
    trivia = choose_baselines(trivial_mean / count, given.kind)
    return Selection(tuple(names), tuple(heads), causal, choice, trivia, train)


def fitting_precision(programs: int, heads: int, sentences: int, n: int, causal: bool) -> Precision:
    """The precision that chooses soonest: one exact pass for small jobs, bounds and an exact pass for large ones."""
    weights = n * (n + 1) // 2 if causal else n * n
    if float(programs) * heads * sentences * weights < LONG:
        return "float64"
    return "int16" if vector_lanes() == WIDE else "uint8"


def measure(
    selection: Selection, split: Split, *, threads: int | None = None, progress: Progress | None = None
) -> Measured:
    """Score the chosen programs and baselines on a split, exactly. Raises E0533, E0535, and E0531 or E0532
    for what is no pattern (rows may sum to less than one)."""
    count, heads = _need(split, "held-out"), len(selection.heads)
    ids, local = np.unique(selection.choice.program, return_inverse=True)
    pairs = np.stack([local, np.arange(heads)], axis=1)
    figures: list[tuple[NDArray[np.float64], ...]] = []
    tokens = []
    with ThreadPoolExecutor(threads or available_threads()) as pool:
        for s in range(count):
            patterns = split.heads(s)
            if len(patterns) != heads:
                raise fail("E0533", f"sentence {s} has {len(patterns)} heads", help=f"the selection has {heads}")
            tokens.append(patterns.shape[1])
            causal = selection.causal
            programs = check(split.programs(s, ids), causal=causal, partial_rows=True, name="a program's pattern")
            patterns = check(patterns, causal=causal, partial_rows=True, name="a head's pattern")
            scores = pair_scores(programs, patterns, pairs, causal=causal, top=TOP_K, executor=pool)
            trivial = _baseline_ious(selection, patterns, pool)
            figures.append((scores.iou, scores.js, scores.iou_without_sink, scores.top_k, trivial))
            if progress:
                progress(s + 1, count)
    stacked = [np.stack(column, axis=-1) for column in zip(*figures, strict=True)]
    return Measured(np.array(tokens), *stacked)


def _baseline_ious(
    selection: Selection, patterns: NDArray[np.float32], pool: ThreadPoolExecutor
) -> NDArray[np.float64]:
    """IoU per head and kind ``[H, K]`` of the baselines that train chose."""
    given = baselines(patterns.shape[1], causal=selection.causal)
    heads = len(patterns)
    random = np.flatnonzero([kind.startswith("random") for kind in given.kind])
    chosen = selection.baselines.pattern
    wanted = [np.concatenate([random, row[row >= 0]]) for row in chosen]
    pairs = np.array([(program, head) for head in range(heads) for program in wanted[head]])
    values = np.zeros((len(given.kind), heads))
    values[pairs[:, 0], pairs[:, 1]] = pair_ious(
        given.patterns, patterns, pairs, causal=selection.causal, executor=pool
    )
    return by_kind(values, given.kind, chosen)


def report(
    selection: Selection,
    held_out: Split,
    *,
    lengths: Mapping[int, Split] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Table:
    """One row per head: its program, train and held-out IoU with interval, the other scores, baselines and lift.

    ``lengths``: context length -> the held-out split cropped to that many tokens (programs evaluated on the cropped
    text); program and baseline stay those chosen at full length. Lift is held-out IoU minus the best baseline's, on the
    same sentences. Raises E0536 when ``held_out`` is the train split itself, and what ``measure`` raises.
    """
    splits = [held_out, *(lengths or {}).values()]
    if any(split is selection.train for split in splits):
        raise fail("E0536", "the held-out split is the train split", help="report on text that chose nothing")
    measured = measure(selection, held_out, threads=threads, progress=progress)
    at = {length: measure(selection, split, threads=threads) for length, split in (lengths or {}).items()}
    return tabulate(selection, measured, at)


def tabulate(selection: Selection, measured: Measured, at: Mapping[int, Measured]) -> Table:
    """The table of ``report`` from what was measured on held-out text, at full length and cut to fewer tokens."""
    columns = _columns(selection, measured)
    meta = _totals(selection, measured)
    for length, cut in sorted(at.items()):
        best = cut.best_baseline(selection.baselines)
        columns[f"iou_at_{length}"] = cut.iou.mean(axis=1).tolist()
        columns[f"first_token_at_{length}"] = cut.baselines[:, KINDS.index("first token")].mean(axis=1).tolist()
        columns[f"best_baseline_at_{length}"] = best.mean(axis=1).tolist()
        columns[f"lift_at_{length}"] = (cut.iou - best).mean(axis=1).tolist()
        meta[f"at_{length}"] = _totals(selection, cut)
    return Table(columns, meta)


def _columns(selection: Selection, measured: Measured) -> dict[str, list[Cell]]:
    choice, trivial = selection.choice, selection.baselines
    best = measured.best_baseline(trivial)
    columns: dict[str, Any] = {
        "head": selection.heads,
        "program": [selection.names[p] for p in choice.program],
        "train_iou": choice.mean_iou,
    }
    for name, values in (("held_out_iou", measured.iou), ("lift", measured.iou - best)):
        columns[name], columns[f"{name}_low"], columns[f"{name}_high"] = mean_intervals(values)
    columns["held_out_median"] = np.median(measured.iou, axis=1)
    columns["js_distance"] = measured.js.mean(axis=1)
    columns["iou_without_sink"] = measured.iou_without_sink.mean(axis=1)
    columns[f"top_{TOP_K}_overlap"] = measured.top_k.mean(axis=1)
    for index, kind in enumerate(KINDS):
        columns[f"baseline_{kind.replace(' ', '_')}"] = measured.baselines[:, index].mean(axis=1)
    columns["best_baseline"] = [KINDS[k] for k in trivial.best]
    columns["best_baseline_iou"] = best.mean(axis=1)
    return {name: list(getattr(values, "tolist", lambda v=values: v)()) for name, values in columns.items()}


def _totals(selection: Selection, measured: Measured) -> dict[str, Any]:
    """Figures over all heads: mean with interval over sentences, median over heads, and the tokens they hold for."""
    first = measured.baselines[:, KINDS.index("first token")]
    best = measured.best_baseline(selection.baselines)
    kinds = {
        "held_out_iou": measured.iou,
        "first_token_iou": first,
        "best_baseline_iou": best,
        "lift": measured.iou - best,
        "js_distance": measured.js,
        "iou_without_sink": measured.iou_without_sink,
    }
    totals: dict[str, Any] = {
        "heads": len(selection.heads),
        "programs": len(selection.names),
        "train_sentences": len(selection.train),
        "held_out_sentences": len(measured.tokens),
        "tokens": {
            "least": int(measured.tokens.min()),
            "median": float(np.median(measured.tokens)),
            "most": int(measured.tokens.max()),
        },
    }
    for name, values in kinds.items():
        summary = over_heads(values)
        totals[name] = {
            "mean": summary.mean.point,
            "low": summary.mean.low,
            "high": summary.mean.high,
            "median": summary.median,
        }
    return totals
