"""A parsed text with the face of a spaCy document: what ``spacy.load(...)(sentence)`` gives a program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attndsl.runtime.sandbox.guards import Marker
from attndsl.runtime.sandbox.names import ATTRIBUTES, listed
from attndsl.runtime.sandbox.words import TOKEN_NAMES, Morph, Token, Words


class Doc:
    """A parsed text: a sequence of tokens."""

    __slots__ = ("_tokens", "_words")

    def __init__(self, words: Words) -> None:
        self._words = words
        self._tokens: list[Token | None] = [None] * words.size

    def _token(self, i: int) -> Token:
        token = self._tokens[i]
        if token is None:
            token = self._tokens[i] = Token(self, i)
        return token

    def _span(self, start: int, end: int) -> Span:
        return Span(self, start, end)

    def __len__(self) -> int:
        return self._words.size

    def __iter__(self) -> Iterator[Token]:
        return (self._token(i) for i in range(self._words.size))

    def __getitem__(self, at: Any) -> Any:
        return _item(self, at, 0, self._words.size)

    def __str__(self) -> str:
        return self._words.text

    __repr__ = __str__

    @property
    def text(self) -> str:
        return self._words.text

    @property
    def sents(self) -> Iterator[Span]:
        starts = [w for w in range(self._words.size) if self._token(w).is_sent_start]
        return (Span(self, a, b) for a, b in zip(starts, [*starts[1:], self._words.size], strict=False))

    @property
    def ents(self) -> tuple[Span, ...]:
        return tuple(Span(self, a, b, label) for a, b, label in self._words.ents)

    @property
    def noun_chunks(self) -> Iterator[Span]:
        if self._words.noun_chunks is None:  # as spaCy has it
            raise NotImplementedError("the pipeline's language has no rule for noun chunks")
        return (Span(self, a, b, "NP") for a, b, _ in self._words.noun_chunks)


class Span:
    """A slice of a document."""

    __slots__ = ("doc", "end", "label_", "start")

    def __init__(self, doc: Doc, start: int, end: int, label: str = "") -> None:
        self.doc, self.start, self.end, self.label_ = doc, start, end, label

    def __len__(self) -> int:
        return self.end - self.start

    def __iter__(self) -> Iterator[Token]:
        return (self.doc._token(i) for i in range(self.start, self.end))

    def __getitem__(self, at: Any) -> Any:
        return _item(self.doc, at, self.start, self.end)

    def __eq__(self, other: object) -> bool:
        if type(other) is not Span or other.doc is not self.doc:
            return False
        return (self.start, self.end, self.label_) == (other.start, other.end, other.label_)

    # As spaCy compares: False with anything that is no span, ``!=`` included.

    def __ne__(self, other: object) -> bool:
        return other is None or (type(other) is Span and not self == other)

    def __lt__(self, other: object) -> bool:
        return type(other) is Span and (self.start, self.end) < (other.start, other.end)

    def __gt__(self, other: object) -> bool:
        return other is None or (type(other) is Span and (self.start, self.end) > (other.start, other.end))

    def __le__(self, other: object) -> bool:
        return self < other or self == other

    def __ge__(self, other: object) -> bool:
        return self > other or self == other

    def __hash__(self) -> int:
        return hash((self.start, self.end, self.label_))

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    @property
    def text(self) -> str:
        return self.doc._words.text[self.start_char : self.end_char]

    @property
    def lemma_(self) -> str:
        return "".join(f"{t.lemma_}{t.whitespace_}" for t in self).strip()  # type: ignore[attr-defined]

    @property
    def start_char(self) -> int:
        starts = self.doc._words.columns["start"]
        return int(starts[self.start]) if self.start < len(starts) else len(self.doc._words.text)

    @property
    def end_char(self) -> int:
        return int(self.doc._words.columns["end"][self.end - 1]) if self.end > self.start else self.start_char

    @property
    def root(self) -> Token:
        """The token nearest to the root of the sentence, of those whose head lies outside; the first of several."""
        heads = self.doc._words.head
        outer = [i for i in range(self.start, self.end) if heads[i] == i or not self.start <= heads[i] < self.end]
        if not outer:
            return self.doc._token(self.start)
        return self.doc._token(min(outer, key=lambda i: len(list(self.doc._token(i).ancestors))))

    @property
    def sent(self) -> Span:
        sent: Span = self.doc._token(self.start).sent
        return sent

    @property
    def ents(self) -> tuple[Span, ...]:
        return tuple(span for span in self.doc.ents if span.start >= self.start and span.end <= self.end)


def _item(doc: Doc, at: Any, start: int, end: int) -> Any:
    size = end - start
    if isinstance(at, slice):
        first, last, step = at.indices(size)
        if step != 1:
            raise ValueError("a document is sliced without a step")
        return Span(doc, start + first, start + max(first, last))
    index = at + size if at < 0 else at
    if not 0 <= index < size:
        raise IndexError(f"word {at} of a text of {size} words")
    return doc._token(start + index)


class _Pipeline:
    """``nlp`` of a program: gives the parse of the one sentence that was parsed before the program started."""

    __slots__ = ("words",)

    def __init__(self) -> None:
        self.words: Words | None = None

    def load(self, name: str = "", **options: Any) -> _Pipeline:
        return self

    def __call__(self, text: str) -> Doc:
        if self.words is None:
            raise RuntimeError("the sentence was not parsed before the program started")
        if text != self.words.text:
            raise ValueError("only the sentence itself is parsed before the program starts, not other texts")
        return Doc(self.words)


NLP = _Pipeline()
ATTRIBUTES[Token] = TOKEN_NAMES
ATTRIBUTES[Doc] = frozenset(listed("text sents ents noun_chunks"))
ATTRIBUTES[Span] = frozenset(listed("doc start end label_ text lemma_ start_char end_char root sent ents"))
ATTRIBUTES[Morph] = frozenset({"get"})
ATTRIBUTES[_Pipeline] = frozenset()
TEXT_TYPES: dict[str, Any] = {
    "Token": Marker("spacy.tokens.Token", Token),
    "Doc": Marker("spacy.tokens.Doc", Doc),
    "Span": Marker("spacy.tokens.Span", Span),
}
