"""A vocabulary made small: entries that two programs cannot tell apart stand for one another.

A program asks of a text only: functions of one token's text (is it in this set, how long is it), whether two texts are
equal, and marks of the running text (sentences, quotes). Entries with the same answers and the same kind of text are
one *class*. Where texts are compared with each other, entries that share a compared value form a *group*; in place of
any row of tokens there is one of the same answers that takes groups of the same kind in their order, so ``length``
groups of each kind are enough for all rows of ``length`` tokens.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.compiler.ir import IRProgram, Op, reachable
from attndsl.compiler.texts import code_of, codes_of, text_map
from attndsl.dsl.builtins import is_punctuation
from attndsl.runtime.pieces import PieceStyle, piece_bytes
from attndsl.runtime.text_marks import is_word_character
from attndsl.runtime.vocabulary import VocabularyView, vocabulary

_RUNNING = frozenset({"word_start", "sentence", "line", "in_quotes", "depth"})
_OF_ONE = frozenset({"raw", "text", "special", "is_punct", "is_capitalized"})
_CLOSING = "'’»"


class NotEnumerable(Exception):
    """Why the texts of a pair of programs cannot be enumerated; the message is for people."""


@dataclass(frozen=True)
class Letter:
    """One vocabulary entry that stands for its class; ``copy`` counts groups of one ``kind``."""

    id: int
    kind: int
    copy: int


@dataclass(frozen=True)
class Vocabulary:
    """The entries that spell whole characters, with what a program may see of each."""

    ids: tuple[int, ...]
    raw: tuple[str, ...]
    text: tuple[str, ...]
    special: tuple[bool, ...]
    spelled: tuple[str, ...]  # with the white space around it
    running: bool  # whether the running text is the pieces one after the other


def readable(tokenizer: Any) -> Vocabulary:
    """The entries of a tokenizer that stand for whole characters (a part of one never stands alone in a text)."""
    view = vocabulary(tokenizer)
    rows = []
    for number, raw in enumerate(view.raw):
        spelled = None if raw is None else _spelled(view, number, raw)
        if raw is not None and spelled is not None:
            rows.append((number, raw, spelled.strip(), number in view.special, spelled))
    ids, raws, texts, special, whole = zip(*rows, strict=True)
    return Vocabulary(ids, raws, texts, special, whole, view.style is PieceStyle.BYTE_LEVEL)


def _spelled(view: VocabularyView, number: int, raw: str) -> str | None:
    if number in view.special:
        return ""
    if number == view.unknown:
        return None
    try:
        return raw if number in view.literal else piece_bytes(raw, view.style).decode()
    except UnicodeDecodeError:
        return None


def letters(programs: Sequence[IRProgram], entries: Vocabulary, copies: int) -> list[Letter]:
    """Entries that stand for all, ``copies`` groups of each kind where texts are compared with each other.

    Raises NotEnumerable for programs that read words, a host, or compare texts other than for being equal.
    """
    asked = _Asked(programs, entries)
    classes = asked.classes()
    if not asked.compared:
        _, first = np.unique(classes, return_index=True)
        return [Letter(entries.ids[i], kind, 0) for kind, i in enumerate(sorted(first.tolist()))]
    values = np.stack(asked.compared, axis=1)
    kinds: dict[Hashable, int] = {}
    taken: dict[int, int] = defaultdict(int)
    found: list[Letter] = []
    for group in _groups(values):
        members = {(int(classes[i]), *values[i].tolist()): i for i in reversed(group)}  # one for each that is alike
        rows = sorted(members)
        names: dict[int, int] = {}
        signature = tuple((row[0], *(names.setdefault(v, len(names)) for v in row[1:])) for row in rows)
        kind = kinds.setdefault(signature, len(kinds))
        if taken[kind] < copies:
            found += [Letter(entries.ids[members[row]], kind, taken[kind]) for row in rows]
            taken[kind] += 1
    return found


def telling_entries(programs: Sequence[IRProgram], entries: Vocabulary, most: int) -> list[str]:
    """One spelled entry of each class, the rarest class first: what a program asks of few words is what plain texts
    do not show. What cannot be answered for the vocabulary is left out, and a word is taken for its token's text."""
    asked = _Asked(programs, entries, strict=False)
    _, first, counts = np.unique(asked.classes(), return_index=True, return_counts=True)
    rarest = sorted(zip(counts.tolist(), first.tolist(), strict=True))
    return [entries.spelled[i] for _, i in rarest[:most] if entries.spelled[i].strip()]


def _groups(values: NDArray[np.int64]) -> list[list[int]]:
    """Entries joined by any value that they share, in the order of their first entries."""
    parent = list(range(len(values)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    owner: dict[int, int] = {}
    for i, row in enumerate(values.tolist()):
        for value in row:
            other = root(owner.setdefault(value, i))
            parent[max(other, root(i))] = min(other, root(i))
    groups: dict[int, list[int]] = defaultdict(list)
    for i in range(len(values)):
        groups[root(i)].append(i)
    return list(groups.values())


def rows_of(alphabet: Sequence[Letter], length: int) -> Iterator[tuple[int, ...]]:
    """Every row of ``length`` letters; a further group of a kind comes only after the one before it."""

    def grow(row: tuple[int, ...], used: dict[int, int]) -> Iterator[tuple[int, ...]]:
        if len(row) == length:
            yield row
            return
        for letter in alphabet:
            seen = used.get(letter.kind, 0)
            if letter.copy <= seen:
                yield from grow((*row, letter.id), used if letter.copy < seen else {**used, letter.kind: seen + 1})

    return grow((), {})


class _Asked:
    """What the operations of some programs ask of one token's text, answered for the whole vocabulary."""

    def __init__(self, programs: Sequence[IRProgram], entries: Vocabulary, strict: bool = True) -> None:
        self.entries = entries
        self.strict = strict
        self.answers: list[NDArray[Any]] = []
        self.compared: list[NDArray[np.int64]] = []
        self.running = False
        self._texts: dict[int, list[NDArray[np.int64]]] = {}
        if strict and any(program.needs_words or program.hosts for program in programs):
            raise NotEnumerable("the programs read words of a parser, or a relation of the host")
        seen: set[bytes] = set()
        for op in reachable(root for program in programs for root in program.roots()):
            for answer in self._known_answers(op):
                if answer.tobytes() not in seen:
                    seen.add(answer.tobytes())
                    self.answers.append(answer)
        if strict and self.running and not entries.running:
            raise NotEnumerable("sentences, quotes, brackets and word starts depend on spaces, which these tokens lack")
        if self.running:
            shapes: dict[str, int] = {}
            kinds = [shapes.setdefault(_shape(text), len(shapes)) for text in entries.spelled]
            self.answers.append(np.array(kinds))
            self.answers.append(np.array(entries.special))

    def classes(self) -> NDArray[np.int64]:
        """The class of every entry."""
        if not self.answers:
            return np.zeros(len(self.entries.ids), dtype=np.int64)
        table = np.stack([np.unique(answer, return_inverse=True)[1] for answer in self.answers], axis=1)
        return np.asarray(np.unique(table, axis=0, return_inverse=True)[1], dtype=np.int64).ravel()

    def _known_answers(self, op: Op) -> list[NDArray[Any]]:
        try:
            return list(self._answers(op))
        except NotEnumerable:
            if self.strict:
                raise
            return []

    def _answers(self, op: Op) -> Iterator[NDArray[Any]]:
        if op.name == "column" and op.dtype != "s":
            yield from self._column(op.attr.removeprefix("token."))
        elif op.name == "map_text" and op.dtype != "s":
            name, constants = op.attr
            if len(op.args) > 1:
                raise NotEnumerable(f"the programs compare two texts by {name}")
            yield from (_map(name, constants, op.dtype, texts) for texts in self.texts(op.args[0]))
        elif op.name == "eq" and op.args[0].dtype == "s":
            literal = next((arg for arg in op.args if arg.name == "text"), None)
            for side in op.args:
                if side.name == "text":
                    continue
                if literal is not None:
                    yield from (texts == code_of(literal.attr) for texts in self.texts(side))
                else:
                    self._compare(self.texts(side))
        elif op.name in ("relation", "host"):
            raise NotEnumerable("the programs read words of a parser, or a relation of the host")

    def _compare(self, values: list[NDArray[np.int64]]) -> None:
        self.compared += [v for v in values if not any(np.array_equal(v, known) for known in self.compared)]

    def _column(self, name: str) -> Iterator[NDArray[Any]]:
        if name in _RUNNING:
            self.running = True
        elif name not in _OF_ONE:
            raise NotEnumerable(f"the programs read {name}")
        elif name == "special":
            yield np.array(self.entries.special)
        else:
            test = is_punctuation if name == "is_punct" else lambda text: text[:1].isupper()
            yield np.array([test(text) for text in self.entries.text])

    def texts(self, op: Op) -> list[NDArray[np.int64]]:
        """What a text may be, as functions of one token: one array of text codes over the vocabulary for each."""
        if op.id not in self._texts:
            self._texts[op.id] = list(self._possible(op))
        return self._texts[op.id]

    def _possible(self, op: Op) -> Iterator[NDArray[np.int64]]:
        match op.name:
            case "column":
                if self.strict and op.attr not in ("token.raw", "token.text"):
                    raise NotEnumerable(f"the programs read {op.attr}")
                yield codes_of(self.entries.raw if op.attr == "token.raw" else self.entries.text)
            case "text":
                yield np.full(len(self.entries.ids), code_of(op.attr))
            case "gather" | "rename":
                yield from self.texts(op.args[0])
            case "select":
                yield from self.texts(op.args[1])
                yield from self.texts(op.args[2])
            case "map_text" if len(op.args) == 1:
                name, constants = op.attr
                yield from (_map(name, constants, "s", texts) for texts in self.texts(op.args[0]))
            case _:
                raise NotEnumerable("the programs put two texts together")


def _map(name: str, constants: tuple[Hashable, ...], dtype: str, codes: NDArray[np.int64]) -> NDArray[Any]:
    return np.asarray(text_map(name, constants, dtype, 1)(codes))


def _shape(text: str) -> str:
    """The kinds of characters as far as marks of the running text depend on them; runs of one plain kind are one."""
    shape = ""
    for char in text:
        kind = _kind(char)
        if not (shape.endswith(kind) and kind in "a-_."):
            shape += kind
    return shape


def _kind(char: str) -> str:
    if char in '\r\n"“”':
        return char
    if char.isspace():
        return "_"
    if char in ".!?":
        return "."
    if char in "([{":
        return "("
    if char in ")]}":
        return ")"
    if char in _CLOSING:
        return "'"
    return "a" if is_word_character(char) else "-"
