"""Every text of up to N tokens, by representatives of the vocabulary (``classes``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.runtime.equivalence.classes import Letter, NotEnumerable, letters, readable, rows_of
from attndsl.runtime.equivalence.differences import MEANINGS, Differ
from attndsl.runtime.equivalence.pair import Meaning, Pair, difference
from attndsl.runtime.falsify.texts import pieces_of
from attndsl.runtime.tokenize import token_table_of_ids

Ids = tuple[int, ...]
MOST_TOKENS = 64
COPIES = 12
"""Groups of one kind that are told apart: texts of more tokens than these are not enumerated where texts are compared
with each other."""


@dataclass(frozen=True)
class Enumerated:
    """``tokens``: both programs agree, in each meaning, on every text of up to that many tokens (0: not shown).

    ``rows`` were run, of ``letters`` representatives. ``unreal``: meanings that differ on a row of tokens which is no
    tokenizer's answer to any text that was tried for it. ``why``: the reason where nothing could be enumerated.
    """

    tokens: dict[Meaning, int]
    letters: int = 0
    rows: int = 0
    unreal: frozenset[Meaning] = frozenset()
    why: str = ""


def enumerate_texts(
    differ: Differ, most_rows: int, most_tokens: int = MOST_TOKENS, progress: Callable[[int, int], None] | None = None
) -> Enumerated:
    """Run a pair on a representative of every text of up to N tokens, the largest N of at most ``most_rows`` rows.

    A difference that a real text shows is noted with ``differ``.
    """
    nothing = dict.fromkeys(MEANINGS, 0)
    compiled = differ.pair.ir()
    if compiled is None:
        return Enumerated(nothing, why="a program was not lifted")
    entries = readable(differ.tokenizer)
    try:
        alphabet, length, count = _largest(compiled, entries, most_rows, most_tokens, differ.pair.prefix_closed)
    except NotEnumerable as error:
        return Enumerated(nothing, why=str(error))
    if length == 0:
        return Enumerated(nothing, len(alphabet), why=f"there are {len(alphabet)} kinds of tokens to tell apart")
    apart = _run(differ, _rows(alphabet, length, differ.pair.prefix_closed), count, progress)
    shown: dict[Meaning, int] = {m: 0 if m in apart else length for m in MEANINGS}
    unreal = frozenset(m for m in apart if m not in differ.tried.found)
    return Enumerated(shown, len(alphabet), count, unreal)


def _largest(
    compiled: Any, entries: Any, most_rows: int, most_tokens: int, causal: bool
) -> tuple[list[Letter], int, int]:
    """The representatives, the largest number of tokens within the limit (0: none), and the number of rows."""
    everything = letters(compiled, entries, COPIES)
    whole = all(letter.copy < COPIES - 1 for letter in everything)  # no kind has more groups than were taken
    best: tuple[list[Letter], int, int] = ([], 0, 0)
    for length in range(1, (most_tokens if whole else COPIES) + 1):
        alphabet = [letter for letter in everything if letter.copy < length]
        count = sum(1 for _ in islice(_rows(alphabet, length, causal), most_rows + 1))
        if count > most_rows:
            return best if best[1] else (alphabet, 0, 0)
        best = alphabet, length, count
    return best


def _rows(alphabet: Sequence[Letter], length: int, causal: bool) -> Iterator[tuple[int, ...]]:
    """In a causal head a shorter text is the beginning of a longer one (``_differs`` sees to those on which both fail);
    otherwise every length is run."""
    for n in (length,) if causal else range(1, length + 1):
        yield from rows_of(alphabet, n)


def _run(
    differ: Differ, rows: Iterator[tuple[int, ...]], count: int, progress: Callable[[int, int], None] | None
) -> set[Meaning]:
    """The meanings in which the pair differs on some row."""
    before, after = frame(differ.tokenizer)
    apart: set[Meaning] = set()
    for number, ids in enumerate(rows):
        if progress is not None and number % 64 == 0:
            progress(number, count)
        here = _differs(differ.pair, before, ids, after, differ.tokenizer)
        if here:
            apart |= here
            text = token_table_of_ids(ids, differ.tokenizer, None).text
            if text.strip():
                differ.cells(pieces_of(text))
        if all(meaning in differ.tried.found for meaning in MEANINGS):
            break
    return apart


def _differs(pair: Pair, before: Ids, ids: Ids, after: Ids, tokenizer: Any) -> set[Meaning]:
    """The meanings that differ on a row. Where both programs fail on it, one may fail on a beginning of it alone."""
    first, second = pair.run(token_table_of_ids((*before, *ids, *after), tokenizer, None))
    both_fail = isinstance(first, DiagnosticError) and isinstance(second, DiagnosticError)
    if both_fail and pair.prefix_closed and len(ids) > 1:
        return _differs(pair, before, ids[:-1], after, tokenizer)
    return {meaning for meaning in MEANINGS if difference(first, second, meaning, pair.causal) is not None}


def frame(tokenizer: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The special tokens that a tokenizer puts before and after every text."""
    whole = list(tokenizer("a")["input_ids"])
    inner = list(tokenizer("a", add_special_tokens=False)["input_ids"])
    for at in range(len(whole) - len(inner) + 1):
        if whole[at : at + len(inner)] == inner:
            return tuple(whole[:at]), tuple(whole[at + len(inner) :])
    raise NotEnumerable("the tokenizer adds tokens in between")
