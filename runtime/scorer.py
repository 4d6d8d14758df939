"""Scores of every (program, head) pair, sentence by sentence, and the best program of each head.

    scorer = Scorer(programs=len(library), heads=270, causal=True)
    for sentence in train:
        scorer.add_sentence(programs_of(sentence), heads_of(sentence))     # float32 [P, n, n] and [H, n, n]
    chosen = scorer.choice()                                              # program per head, exact train IoU

With ``precision="float64"`` one pass is exact. The others are faster and bound their own error: only the
programs that could be the best of some head (``candidates``) are scored again, exactly, by giving each sentence to
``rescore``; then ``choice`` is the float64 choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import fail
from attndsl.runtime.allpairs import Figures, padded_sums, pair_bounds, vector_lanes
from attndsl.runtime.allpairs_torch import torch_sums
from attndsl.runtime.allpairs_triton import runs_on, triton_sums
from attndsl.runtime.choice import Choice, Sums
from attndsl.runtime.dither import margin
from attndsl.runtime.exact import pair_ious
from attndsl.runtime.packing import (
    BLOCK_BYTES,
    PRECISIONS,
    Layout,
    Packed,
    Precision,
    block_rows,
    empty_packed,
    layout,
    pack_into,
)
from attndsl.runtime.shares import available_threads, shared

TIE = 1e-12
"""Mean IoUs closer than this are equal; the earlier program wins. Float64 sums in another order differ by 1e-14."""


class Scorer:
    """Accumulates scores over sentences; see the module's example.

    ``programs``, ``heads``: how many (P, H). ``causal``: whether keys after the query are left out. ``precision``:
    "float64", "float32", "int16" or "uint8". ``threads``: None for all CPUs of the process. ``block_bytes``: packed
    programs held at once (never fewer than 48 per thread). ``keep_sentences=False`` keeps only means, so that memory
    does not grow with the number of sentences.
    ``lanes`` is chosen by CPU features; 16 or 32 forces one kernel (not of "uint8"). ``device`` (such as "cuda")
    computes the sums through torch, in float64, or in "float32" by a Triton kernel. ``before``: sentences of the same
    job that other scorers take, so that no two sentences are rounded by the same draw. Raises E0535 and E0536 for
    impossible settings.
    """

    def __init__(
        self,
        programs: int,
        heads: int,
        *,
        causal: bool = True,
        precision: Precision = "float64",
        threads: int | None = None,
        block_bytes: int = BLOCK_BYTES,
        keep_sentences: bool = True,
        lanes: int | None = None,
        device: str | None = None,
        before: int = 0,
    ) -> None:
        if programs < 1 or heads < 1:
            raise fail("E0535", f"cannot score {programs} programs on {heads} heads", help="give at least one of each")
        if precision not in PRECISIONS:
            raise fail("E0536", f"unknown precision '{precision}'", help=f"one of {', '.join(PRECISIONS)}")
        if threads is not None and threads < 1:
            raise fail("E0536", f"cannot score on {threads} threads", help="give 1 or more, or None for all CPUs")
        if device is not None and precision != "float64" and not (precision == "float32" and runs_on(device)):
            raise fail("E0536", f"device '{device}' cannot score in {precision}", help="leave the precision out")
        self.device = device
        self.programs, self.heads, self.causal, self.precision = programs, heads, causal, precision
        self.threads = threads or available_threads()
        self.lanes = lanes or vector_lanes()
        self.block_bytes = block_bytes
        self._before = before
        self.sentences = 0
        self._keep = keep_sentences
        self._per_sentence: list[NDArray[np.float32]] = []
        self._sum = np.zeros((programs, heads))
        # Sums over sentences of what ``Figures`` holds beside the IoU.
        self._first, self._second = (np.zeros_like(self._sum) if precision != "float64" else self._sum for _ in "12")
        self._steepest = 0.0
        self._exact: dict[int, NDArray[np.float64]] = {}
        self._pairs: NDArray[np.int64] | None = None
        # Packed stacks to fill again: fresh memory costs as much as packing. Taken out while in use.
        self._packed_heads: Packed | None = None
        self._rooms: list[Packed] = []
        self._figures: Figures | None = None
        self._pool = ThreadPoolExecutor(self.threads - 1) if self.threads > 1 else None

    def __enter__(self) -> Scorer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the threads. Everything still works, on one thread."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def add_sentence(self, programs: NDArray[np.float32], heads: NDArray[np.float32]) -> None:
        """Score one sentence: ``programs`` float32 ``[P, n, n]``, ``heads`` ``[H, n, n]``, both patterns.

        Raises E0533 for other sizes, E0531 and E0532 for matrices that are no patterns; then nothing is counted.
        """
        with self.sentence(heads) as sentence:
            sentence.add(programs)

    @contextmanager
    def sentence(self, heads: NDArray[np.float32]) -> Iterator[SentenceScorer]:
        """Score one sentence whose programs come in blocks; counted when the block of code ends without an error.

        Packed heads (H patterns) stay in memory, programs only ``block_bytes`` at a time. Raises E0534 at the end when
        programs are missing.
        """
        if heads.ndim != 3 or heads.shape[0] != self.heads or heads.shape[1] != heads.shape[2] or heads.shape[1] == 0:
            raise fail(
                "E0533", f"heads have shape {heads.shape}", help=f"expected [{self.heads}, n, n] with n at least 1"
            )
        place = layout(heads.shape[1], self.causal, self.lanes).packs(self.precision)
        figures, self._figures = self._figures or Figures.empty((self.programs, self.heads), self.precision), None
        current = SentenceScorer(self, self._pack(place, heads, self._before + self.sentences), figures)
        yield current
        missing = self.programs - int(current.seen.sum())
        if missing:
            raise fail(
                "E0534",
                f"{missing} of {self.programs} programs were not given for sentence {self.sentences}",
                help="add every program's pattern to every sentence",
            )
        self._count(current)
        self._packed_heads, self._figures = current.packed_heads, figures

    def _pack(self, place: Layout, heads: NDArray[np.float32], draw: int) -> Packed:
        known, self._packed_heads = self._packed_heads, None
        packed = self._room(place, len(heads), known, draw)
        self._spread(lambda start, stop: pack_into(packed, 0, heads, start=start, stop=stop, what="head"), len(heads))
        return packed

    def _room(self, place: Layout, rows: int, known: Packed | None, draw: int) -> Packed:
        """``known`` for another sentence, where it fits, or a fresh stack."""
        if known is None or known.layout.key != place.key or known.rows != rows or known.precision != self.precision:
            return empty_packed(place, self.precision, rows, draw=draw)
        return replace(known, draw=draw)

    def _spread(self, work, count: int) -> None:  # type: ignore[no-untyped-def]
        """Run ``work(start, stop)`` over ``count`` items on all threads; the first error is raised."""
        shares = 1 if self._pool is None or count < 2 * self.threads else self.threads
        shared(work, pairwise(np.linspace(0, count, shares + 1).astype(int).tolist()), self._pool)

    def _count(self, current: SentenceScorer) -> None:
        figures = current.figures
        sums = [(self._sum, figures.iou)]
        if self.precision != "float64":
            sums += [(self._first, figures.first), (self._second, figures.second)]
            self._steepest = max(self._steepest, current.steepest)

        def add(start: int, stop: int) -> None:
            for total, found in sums:
                total[start:stop] += found[start:stop]

        self._spread(add, self.programs)
        if self._keep:
            self._per_sentence.append(figures.iou.astype(np.float32))
        self.sentences += 1
        self._pairs = None
        self._exact = {}

    @property
    def sums(self) -> Sums:
        """What the sentences so far add up to."""
        first, second = (None, None) if self.precision == "float64" else (self._first, self._second)
        return Sums(self.sentences, self._sum, first, second, self._steepest)

    def resume(self, sums: Sums) -> None:
        """Take what other scorers of the same settings added up, in place of what was added here; without figures per
        sentence, so ``keep_sentences=False`` is needed."""
        self.sentences, self._sum, self._steepest = sums.sentences, sums.iou, sums.steepest
        self._first = sums.iou if sums.first is None else sums.first
        self._second = sums.iou if sums.second is None else sums.second
        self._pairs, self._exact = None, {}

    def _need_sentences(self) -> None:
        if not self.sentences:
            raise fail("E0535", "no sentence has been scored", help="add at least one sentence")

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean IoU over sentences, float64 ``[P, H]``; exact for "float64", else as the precision gives it: a figure of
        "uint8" near 1 may be above it. E0535."""
        self._need_sentences()
        return self._sum / self.sentences

    @property
    def iou(self) -> NDArray[np.float32]:
        """IoU of every pair and sentence, float32 ``[P, H, S]``. E0535 without sentences, E0534 when not kept."""
        self._need_sentences()
        if not self._keep:
            raise fail("E0534", "scores per sentence were not kept", help="build the scorer with keep_sentences=True")
        return np.stack(self._per_sentence, axis=-1)

    @property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Least and greatest mean IoU that the figures of every pair allow, float64 ``[P, H]`` each. E0535.

        ``sum_error`` bounds each sum of minima, IoU rises with the sum, and the mean of bounds bounds the mean. For
        "uint8" the errors of sentences are independent and partly cancel; ``dither.margin`` bounds what remains, and
        docs/scoring.md says how surely.
        """
        self._need_sentences()
        low, high = self._first, self._second
        if self.precision == "uint8":
            around = margin(self._first, self._second, self._steepest)
            low, high = self._sum - around, self._sum + around
        return low / self.sentences, high / self.sentences

    def candidates(self) -> NDArray[np.int64]:
        """Pairs (program, head), int ``[M, 2]`` by head, of which one per head is sure to hold the best program.

        A program stays when its upper bound (``bounds``) reaches the best lower bound of that head, but for ``TIE``.
        """
        if self._pairs is None:
            low, high = self.bounds
            high = high + TIE
            head, program = np.nonzero((high >= low.max(axis=0)).T)
            self._pairs = np.stack([program, head], axis=1).astype(np.int64)
        return self._pairs

    def rescore(
        self, sentence: int, programs: NDArray[np.float32], ids: NDArray[np.int64], heads: NDArray[np.float32]
    ) -> None:
        """Score the candidates exactly on sentence number ``sentence`` (in the order of adding).

        ``ids`` int [m] are the program numbers of ``programs`` float32 ``[m, n, n]`` and must include every program
        that ``candidates`` names (E0534).
        """
        pairs = self.candidates()
        if not 0 <= sentence < self.sentences:
            raise fail("E0534", f"there is no sentence {sentence}", help=f"{self.sentences} were added, from 0")
        row = np.full(self.programs, -1, dtype=np.int64)
        row[np.asarray(ids, dtype=np.int64)] = np.arange(len(programs))
        lacking = np.unique(pairs[row[pairs[:, 0]] < 0, 0])
        if len(lacking):
            raise fail(
                "E0534", f"candidate program {lacking[0]} was not given", help="give all that candidates() names"
            )
        local = np.stack([row[pairs[:, 0]], pairs[:, 1]], axis=1)
        self._exact[sentence] = pair_ious(programs, heads, local, causal=self.causal, executor=self._pool)

    def choice(self) -> Choice:
        """The program with the highest mean IoU of each head; of equal ones (``TIE``) the first.

        Raises E0535 without sentences and E0534 while sentences lack their exact pass ("int16", "float32").
        """
        self._need_sentences()
        if self.precision == "float64" and self._keep:
            found = self.choice_by_sums()
            head = np.arange(self.heads)
            rows = np.stack([layer[found.program, head] for layer in self._per_sentence], axis=1).astype(np.float64)
            return Choice(found.program, found.mean_iou, rows)
        lacking = [s for s in range(self.sentences) if s not in self._exact]
        if lacking:
            raise fail(
                "E0534",
                f"{len(lacking)} of {self.sentences} sentences lack their exact pass",
                help="call rescore(sentence, programs, ids, heads) for each, or use precision='float64'",
            )
        return self.choice_of(np.stack([self._exact[s] for s in range(self.sentences)], axis=1))

    def choice_by_sums(self) -> Choice:
        """The choice that exact sums ("float64") make alone, without figures per sentence."""
        mean = self.mean
        best = np.argmax(mean >= mean.max(axis=0) - TIE, axis=0).astype(np.int64)
        return Choice(best, mean[best, np.arange(self.heads)], np.empty((self.heads, 0)))

    def choice_of(self, exact: NDArray[np.float64]) -> Choice:
        """The choice among ``candidates`` by their exact IoU, float64 ``[M, S]``."""
        pairs = self.candidates()
        mean = exact.mean(axis=1)
        best = np.empty(self.heads, dtype=np.int64)
        for head in range(self.heads):
            mine = np.flatnonzero(pairs[:, 1] == head)
            best[head] = mine[np.argmax(mean[mine] >= mean[mine].max() - TIE)]
        return Choice(pairs[best, 0], mean[best], exact[best])


def _sums_with(heads: Packed, device: str | None) -> Callable[[Packed], NDArray[np.float64]]:
    """What adds up the minima of a block of programs and these heads: the CPU's kernels, or a device."""
    if device is None:
        return lambda programs: padded_sums(programs, heads)
    return triton_sums(heads, device) if heads.precision == "float32" else torch_sums(heads, device)


class SentenceScorer:
    """One sentence in progress, made by ``Scorer.sentence``. ``layout`` says where packed weights go."""

    def __init__(self, scorer: Scorer, heads: Packed, figures: Figures) -> None:
        self.layout = heads.layout
        self._scorer, self.packed_heads, self.figures = scorer, heads, figures
        self.seen = np.zeros(scorer.programs, dtype=bool)
        self.steepest = 0.0
        self._sums = _sums_with(heads, scorer.device)

    def block(self, rows: int, used: Packed | None = None) -> Packed:
        """Packed room for ``rows`` programs, for code that writes packed rows itself; see ``empty_packed``.

        ``used``: a block of an earlier sentence, whose memory is taken over where it fits; write all its rows.
        """
        return self._scorer._room(self.layout, rows, used, self.packed_heads.draw)

    def add(self, programs: NDArray[np.float32], *, first: int = 0) -> None:
        """Score programs ``first ...`` given as float32 ``[count, n, n]``."""
        scorer, threads = self._scorer, self._workers
        rows = block_rows(self.layout, scorer.precision, scorer.block_bytes, scorer.threads) // threads
        shares = max(1, -(-len(programs) // rows), min(threads, len(programs)))
        edges = np.linspace(first, first + len(programs), shares + 1).astype(int).tolist()

        def fill(room: Packed, at: int, stop: int) -> None:
            pack_into(room, first - at, programs, start=at - first, stop=stop - first, what="program", number=first)

        self.add_filled(list(pairwise(edges)), fill)

    def add_filled(self, spans: Sequence[tuple[int, int]], fill: Callable[[Packed, int, int], None]) -> None:
        """Score programs ``start`` to ``stop - 1`` of every span, which ``fill(room, start, stop)`` packs.

        Each thread takes a span, packs it into its own room, scores it and takes the next: no thread waits for another
        but at the end. ``fill`` is called from several threads and writes all rows of the room. Raises E0533 for a span
        beyond the last program, before anything is done, and what ``fill`` raises.
        """
        for start, stop in spans:
            self._check(start, stop)
        waiting = iter(list(spans))  # one iterator for all threads: whoever is free takes the next
        most = max((stop - start for start, stop in spans), default=0)

        def work(_: int) -> float:
            known = self._scorer._rooms.pop() if self._scorer._rooms else None
            room, steepest = self.block(most, known), 0.0
            for start, stop in waiting:
                part = room.part(stop - start)
                fill(part, start, stop)
                steepest = max(steepest, self._score(part, start))
            self._scorer._rooms.append(room)
            return steepest

        count = min(self._workers, max(len(spans), 1))
        found = shared(work, [(number,) for number in range(count)], self._scorer._pool)
        self.steepest = max(self.steepest, *found)

    def add_packed(self, programs: Packed, *, first: int = 0) -> None:
        """Score a packed block as programs ``first ...``. Raises E0533 when it reaches beyond the last program."""
        self._check(first, first + programs.rows)
        self.steepest = max(self.steepest, self._score(programs, first))

    @property
    def _workers(self) -> int:
        """Threads that take spans: one where a device computes, or after ``close``."""
        return 1 if self._scorer.device is not None or self._scorer._pool is None else self._scorer.threads

    def _check(self, first: int, stop: int) -> None:
        count = self._scorer.programs
        if first < 0 or stop > count:
            raise fail("E0533", f"programs {first} to {stop - 1} were given", help=f"the scorer has {count}")

    def _score(self, programs: Packed, first: int) -> float:
        stop = first + programs.rows
        found = pair_bounds(programs, self.packed_heads, self._sums(programs), into=self.figures.rows(first, stop))
        self.seen[first:stop] = True
        return found.steepest
