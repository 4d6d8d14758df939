"""Texts on which two programs differ: looked for widely, made short, and shown by the interpreter."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Any

import numpy as np

from attndsl.dsl import nodes as N
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.equivalence.pair import RAW_TOLERANCE, Cell, Meaning, Pair, difference
from attndsl.runtime.falsify.judge import Trial
from attndsl.runtime.falsify.report import shown_tokens
from attndsl.runtime.falsify.rules import rules_of
from attndsl.runtime.falsify.shrink import shrink
from attndsl.runtime.falsify.texts import Pieces, TextMaker, passages, pieces_of, text_of, words_of_rule
from attndsl.runtime.program import Program
from attndsl.runtime.tokenize import token_table

BATCH = 16
PASSAGES = 48
LONGEST = 512
MEANINGS: tuple[Meaning, ...] = ("raw", "pattern")
DIFFERENT, SAME = 0.0, 1.0


@dataclass(frozen=True)
class Witness:
    """A text on which two programs differ, the cell that differs most, by the interpreter. ``minimal``: no single word
    can be left out of the text."""

    text: str
    tokens: tuple[str, ...]
    cell: Cell
    minimal: bool


@dataclass
class Tried:
    """What both programs gave on the texts so far. ``above`` and ``below``: the first had a larger (smaller) weight
    than the second in some cell; ``texts`` counts, ``longest`` is in tokens."""

    texts: int = 0
    longest: int = 0
    failed: int = 0
    above: bool = False
    below: bool = False
    found: dict[Meaning, Pieces] = field(default_factory=dict)
    stopped: bool = False


class Differ:
    """Runs a pair on texts and remembers the first text of each meaning on which the programs differ."""

    def __init__(self, pair: Pair, tokenizer: Any) -> None:
        self.pair = pair
        self.tokenizer = tokenizer
        self.tried = Tried()
        self._known: dict[str, dict[Meaning, Cell | None]] = {}

    def seen(self) -> list[str]:
        """The texts so far, as they came."""
        return [text for text in self._known if text]

    def table(self, text: str) -> TokenTable:
        return token_table(text, self.tokenizer)

    def cells(self, pieces: Pieces) -> dict[Meaning, Cell | None]:
        """The difference in each meaning on one text (None: no difference); nothing for an empty text."""
        text = text_of(pieces)
        if text not in self._known:
            self._known[text] = self._run(text, pieces)
        return self._known[text]

    def _run(self, text: str, pieces: Pieces) -> dict[Meaning, Cell | None]:
        table = self.table(text) if text else None
        if table is None or len(table) == 0:
            return dict.fromkeys(MEANINGS)
        first, second = self.pair.run(table)
        self.tried.texts += 1
        self.tried.longest = max(self.tried.longest, len(table))
        if isinstance(first, DiagnosticError) or isinstance(second, DiagnosticError):
            self.tried.failed += 1
        else:
            with np.errstate(invalid="ignore"):
                gap = (first - second) / np.maximum(1.0, np.maximum(np.abs(first), np.abs(second)))
            self.tried.above |= bool((gap > RAW_TOLERANCE).any())
            self.tried.below |= bool((gap < -RAW_TOLERANCE).any())
        cells = {meaning: difference(first, second, meaning, self.pair.causal) for meaning in MEANINGS}
        for meaning, cell in cells.items():
            if cell is not None:
                self.tried.found.setdefault(meaning, pieces)
        return cells

    def witness(self, meaning: Meaning, simple: Sequence[str], texts: int = 600) -> Witness | None:
        """The text found, made short; None where the interpreter does not confirm it (which would be a bug in a
        kernel: the difference is then nobody's but ours)."""
        pieces = self.tried.found[meaning]
        trials = _Trials(self, meaning)
        (first,) = trials([pieces])
        shrunk = shrink(trials, first, 0.5, simple, texts)  # type: ignore[arg-type]  # asks for trials only
        for text in (shrunk.trial.text, text_of(pieces)):
            table = self.table(text)
            cell = self.pair.proved_different(table, meaning)
            if cell is not None:
                return Witness(text, shown_tokens(table), cell, shrunk.finished)
        return None


class _Trials:
    """A difference as a score that shrinking reads: 0 where the programs differ."""

    def __init__(self, differ: Differ, meaning: Meaning) -> None:
        self.differ = differ
        self.meaning = meaning
        self.tried = 0

    def __call__(self, texts: Sequence[Pieces]) -> list[Trial]:
        found = []
        for pieces in texts:
            self.tried += 1
            cell = self.differ.cells(pieces)[self.meaning]
            found.append(Trial(pieces, 0, SAME if cell is None else DIFFERENT, frozenset()))
        return found


# ---------------------------------------------------------------- texts to try


@dataclass(frozen=True)
class Sources:
    """Where texts come from: passages, words of both programs' rules, and vocabulary entries of every class."""

    maker: TextMaker
    lengths: tuple[int, ...]
    entries: tuple[str, ...] = ()


def sources(pair: Pair, corpus: Sequence[str], lengths: Iterable[int], entries: Sequence[str], seed: int) -> Sources:
    """Texts about a pair. ``lengths`` are numbers of tokens that somebody has a reason to try."""
    words = [words for program in (pair.first, pair.second) for words in _words(program)]
    wanted = {*lengths, *(length for p in (pair.first, pair.second) for length in _literal_lengths(p))}
    maker = TextMaker(passages(corpus, 32), words or [()], 48, seed)
    return Sources(maker, tuple(sorted(x for x in wanted if 1 < x <= LONGEST)), tuple(entries))


def _words(program: Program) -> list[Pieces]:
    if program.typed is None:
        literals = re.findall(r"['\"]([^'\"\n]{1,20})['\"]", program.source or "")
        return [tuple(_spaced(word) for word in dict.fromkeys(literals) if word.strip("Ġ▁# "))]
    return [words_of_rule(program.typed, rule) for rule in rules_of(program)]


def _spaced(word: str) -> str:
    return " " + word.strip("Ġ▁# ")


def _literal_lengths(program: Program) -> Iterator[int]:
    """A text a little longer than every whole number that a program mentions."""
    if program.typed is None:
        found = {int(digits) for digits in re.findall(r"\b\d{1,3}\b", program.source or "")}
    else:
        numbers = (node.value for node in N.walk(program.typed.program) if isinstance(node, N.Number))
        found = {int(x) for x in numbers if 1 < x <= LONGEST and float(x).is_integer()}
    yield from (x + 3 for x in sorted(found))


def texts(found: Sources) -> Iterator[Pieces]:
    """Texts without end: plain ones first, then probes, then what the rules and the vocabulary suggest, in turn."""
    maker, random = found.maker, Random(found.maker.random.random())
    yield from maker.corpus[:PASSAGES]  # the first look is at these alone
    yield from maker.probes()
    yield from (_long(maker, length) for length in found.lengths)
    yield from (_with_entry(maker, entry, random) for entry in found.entries)
    while True:
        for rule in range(len(maker.words)):
            yield maker.about(rule)
            yield _long_about(maker, rule, random)
        for _ in range(4):
            yield maker.mutate(maker.passage())
        if found.entries:
            yield from (_of_entries(found.entries, random) for _ in range(4))
            yield from (_with_entry(maker, random.choice(found.entries), random) for _ in range(4))
        for length in found.lengths[:8]:
            yield maker.mutate(_long(maker, length))


def _long(maker: TextMaker, length: int) -> Pieces:
    """Passages one after another, of at least ``length`` pieces: a piece is a token or more."""
    pieces: Pieces = ()
    while len(pieces) < length:
        more = maker.passage()
        pieces = (*pieces, _space(more[0]), *more[1:])
    return pieces[: max(length, 2)]


def _long_about(maker: TextMaker, rule: int, random: Random) -> Pieces:
    """Two or three passages about one rule: its words occur far from each other."""
    pieces: Pieces = ()
    for _ in range(random.choice((2, 3))):
        more = maker.about(rule)
        pieces = (*pieces, _space(more[0]), *more[1:])
    return pieces


def _space(piece: str) -> str:
    return piece if piece[:1].isspace() else " " + piece


def _with_entry(maker: TextMaker, entry: str, random: Random) -> Pieces:
    """A passage with one vocabulary entry put in at some places; one that begins a word stays one."""
    pieces = maker.passage()
    for _ in range(random.choice((1, 2, 4))):
        at = random.randint(0, len(pieces))
        pieces = (*pieces[:at], entry, *pieces[at:])
    return pieces


def _of_entries(entries: Sequence[str], random: Random) -> Pieces:
    """A few vocabulary entries, one after the other, some of them twice: what no plain text has."""
    few = [random.choice(entries) for _ in range(random.choice((1, 2, 3, 5)))]
    return pieces_of("".join(random.choice(few) for _ in range(random.choice((2, 4, 8, 16))))) or (" the",)


def look(
    differ: Differ, found: Iterator[Pieces], count: int, seconds: float, wanted: Sequence[Meaning],
    progress: Callable[[int, int], None] | None = None,
) -> None:  # fmt: skip
    """Try up to ``count`` texts, until the wanted meanings all differ somewhere. Ctrl-C ends it with what there is."""
    deadline = time.monotonic() + seconds
    try:
        for number, pieces in enumerate(islice(found, count)):
            differ.cells(pieces)
            if progress is not None and number % BATCH == 0:
                progress(number, count)
            if all(meaning in differ.tried.found for meaning in wanted) or time.monotonic() > deadline:
                break
    except KeyboardInterrupt:
        differ.tried.stopped = True
