"""spaCy's Doc, Token and Span for programs, over the columns of a WordTable.

Each behaves as spaCy 3's own object does in everything a program can see: equality by place in one parse, order by
character, negative positions, the errors. A second parse of the same text gives other tokens, as in spaCy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attndsl.dsl.tokens import WordTable
from attndsl.runtime.loops.state import Run


class Doc:
    """A parsed text."""

    __slots__ = ("run", "table", "text", "words")
    plain_text = True
    python_attributes = frozenset({"copy", "doc", "text_with_ws", "to_dict", "tensor"})

    def __init__(self, run: Run, text: str, table: WordTable) -> None:
        self.run = run
        self.text = text
        self.table = table
        table_columns = (table.text, table.pos, table.tag, table.dep, table.lemma, table.ent_type)
        columns = zip(*table_columns, table.start, table.head, strict=True)
        self.words = [Word(self, i, *row) for i, row in enumerate(columns)]

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[Word]:
        return iter(self.words)

    def __getitem__(self, index: Any) -> Any:
        size = len(self.words)
        if index.__class__ is int:
            if -size <= index < size:
                return self.words[index]
        elif isinstance(index, slice):
            start, stop = normalize_slice(size, index)
            return Span(self, start, stop)
        at = size + index if index < 0 else index
        if isinstance(at, float):
            raise TypeError("expected an integer position")
        at = int(at.__index__()) if hasattr(at, "__index__") else range(size)[at]
        if not 0 <= at < size:
            raise IndexError(f"[E040] Attempt to access token at {at}, max length {size}.")
        return self.words[at]

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def sents(self) -> Iterator[Span]:
        """The sentences, in order."""
        sentence = self.table.sentence
        start = 0
        for i in range(1, len(sentence)):
            if sentence[i] != sentence[i - 1]:
                yield Span(self, start, i)
                start = i
        if sentence:
            yield Span(self, start, len(sentence))

    def ents(self) -> tuple[Span, ...]:
        """The named entities."""
        return tuple(Span(self, s, e, label) for s, e, label in self.table.entities)

    def noun_chunks(self) -> Iterator[Span]:
        """The base noun phrases."""
        if self.table.noun_chunks is None:  # as spaCy has it, so that a program's own `except` sees it
            raise NotImplementedError("spaCy has no rule for noun chunks in the pipeline's language")
        return iter([Span(self, s, e, "NP") for s, e, _ in self.table.noun_chunks])


def normalize_slice(size: int, index: slice) -> tuple[int, int]:
    """First and last position of a slice, as spaCy takes it: no steps, cut to the text."""
    if index.step not in (None, 1):
        raise ValueError("[E057] Stepped slices not supported in Span objects.")
    start = 0 if index.start is None else index.start
    start = min(size, max(0, start + size if start < 0 else start))
    stop = size if index.stop is None else index.stop
    stop = min(size, max(start, stop + size if stop < 0 else stop))
    return start, stop


def text_with_ws(word: Word) -> str:
    """The text of a word and the white space after it."""
    return word.text + word.doc.table.whitespace[word.i]


class Word:
    """One token of spaCy: a word."""

    __slots__ = ("dep", "doc", "ent_type", "head", "i", "lemma", "pos", "start", "tag", "text")
    plain_text = True
    python_attributes = frozenset({"tensor"})

    def __init__(
        self, doc: Doc, i: int, text: str, pos: str, tag: str, dep: str, lemma: str, ent_type: str, start: int,
        head: int,
    ) -> None:  # fmt: skip
        self.doc = doc
        self.i = i
        self.text = text
        self.pos = pos
        self.tag = tag
        self.dep = dep
        self.lemma = lemma
        self.ent_type = ent_type
        self.start = start
        self.head = head

    def __hash__(self) -> int:
        return hash((id(self.doc), self.i))

    def __len__(self) -> int:
        return len(self.text)

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Word) and self.doc is other.doc and self.start == other.start

    def __ne__(self, other: object) -> bool:
        if other is None:
            return True
        if not isinstance(other, Word):
            return False  # spaCy's own answer, whatever the other value is
        return self.doc is not other.doc or self.start != other.start

    def __lt__(self, other: object) -> bool:
        return isinstance(other, Word) and self.start < other.start

    def __le__(self, other: object) -> bool:
        return isinstance(other, Word) and self.start <= other.start

    def __gt__(self, other: object) -> bool:
        return other is None or (isinstance(other, Word) and self.start > other.start)

    def __ge__(self, other: object) -> bool:
        return other is None or (isinstance(other, Word) and self.start >= other.start)


class Span:
    """A run of words: a sentence, an entity, a slice."""

    __slots__ = ("doc", "end", "label", "start")
    plain_text = True

    def __init__(self, doc: Doc, start: int, end: int, label: str = "") -> None:
        self.doc = doc
        self.start = start
        self.end = end
        self.label = label

    def start_char(self) -> int:
        table = self.doc.table
        return table.start[self.start] if self.start < len(table) else len(self.doc.text)

    def end_char(self) -> int:
        return self.start_char() if self.start == self.end else self.doc.table.end[self.end - 1]

    def _key(self) -> tuple[Any, ...]:
        return self.start_char(), self.end_char(), self.label, id(self.doc)

    def __hash__(self) -> int:
        return hash(self._key())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Span) and self._key() == other._key()

    def __ne__(self, other: object) -> bool:
        return other is None or (isinstance(other, Span) and self._key() != other._key())

    def __lt__(self, other: object) -> bool:
        return isinstance(other, Span) and self._key()[:2] < other._key()[:2]

    def __gt__(self, other: object) -> bool:
        return other is None or (isinstance(other, Span) and self._key()[:2] > other._key()[:2])

    def __le__(self, other: object) -> bool:
        return self < other or self == other

    def __ge__(self, other: object) -> bool:
        return self > other or self == other

    def __len__(self) -> int:
        return max(0, self.end - self.start)

    def __iter__(self) -> Iterator[Word]:
        return iter(self.doc.words[self.start : self.end])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            start, stop = normalize_slice(len(self), index)
            return Span(self.doc, start + self.start, stop + self.start)
        at = (self.end if index < 0 else self.start) + index
        if self.start <= at < self.end:
            return self.doc[at]
        raise IndexError("[E1002] Span index out of range.")

    def text(self) -> str:
        made = "".join(text_with_ws(w) for w in self)
        if len(self) > 0 and self.doc.table.whitespace[self.end - 1]:
            made = made[:-1]
        return made

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__

    def root(self) -> Word:
        """The word nearest to the root of the sentence; the first of several."""
        table = self.doc.table
        inside = range(self.start, self.end)
        for i in inside:
            if table.head[i] == i:
                return self.doc[i]  # type: ignore[no-any-return]
        outer = [i for i in inside if table.head[i] not in inside]
        if not outer:
            return self.doc[self.start]  # type: ignore[no-any-return]
        return self.doc[min(outer, key=lambda i: len(table.ancestors[i]))]  # type: ignore[no-any-return]


class Morph:
    """The morphology of a word."""

    __slots__ = ("text",)
    plain_text = True

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            raise ValueError("[E977] Can not compare a MorphAnalysis with a string object.")
        return isinstance(other, Morph) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __len__(self) -> int:
        return len(self.to_dict())

    def __iter__(self) -> Iterator[str]:
        return iter(self.text.split("|") if self.text else [])

    def __contains__(self, item: object) -> bool:
        return item in list(self)

    def to_dict(self) -> dict[str, str]:
        return dict(part.split("=", 1) for part in self.text.split("|")) if self.text else {}

    def get(self, name: Any, default: Any = None) -> list[str]:
        found = self.to_dict().get(name)
        if found is None:
            return [] if default is None else default
        return found.split(",")
