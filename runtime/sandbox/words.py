"""A parsed text as plain data, with the face of a spaCy document.

The parent parses the sentence before a program starts and sends columns; ``spacy.load(...)(sentence)`` in a program
gives a ``Doc`` over those columns. The attributes follow spaCy's documentation, for the ones in ``TOKEN_NAMES``;
any other does not exist here. Every call makes a new ``Doc``, as in spaCy, so tokens of two calls are never equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attndsl.runtime.sandbox.guards import Marker
from attndsl.runtime.sandbox.names import ATTRIBUTES

_COLUMNS = {
    "text": "text", "lemma_": "lemma", "pos_": "pos", "tag_": "tag", "dep_": "dep", "ent_type_": "ent_type",
    "ent_iob_": "ent_iob", "shape_": "shape", "whitespace_": "whitespace", "idx": "start", "orth_": "text",
}  # fmt: skip


class Words:
    """The columns of one sentence, shared by every Doc over it."""

    __slots__ = ("children", "columns", "ents", "flags", "head", "noun_chunks", "sentence", "size", "text")

    def __init__(self, text: str, data: dict[str, Any]) -> None:
        self.text = text
        self.columns = data["columns"]
        self.flags = data["flags"]
        self.head = self.columns["head"]
        self.sentence = self.columns["sentence"]
        self.size = len(self.head)
        self.ents = data["entities"]
        self.noun_chunks = data["noun_chunks"]
        self.children: list[list[int]] = [[] for _ in range(self.size)]
        for word, head in enumerate(self.head):
            if head != word:
                self.children[head].append(word)

    def subtree(self, word: int) -> list[int]:
        """A word and all its descendants, in spaCy's order: left subtrees, the word, right subtrees."""
        order: list[int] = []
        stack: list[tuple[int, bool]] = [(word, False)]
        while stack:
            at, opened = stack.pop()
            if opened:
                order.append(at)
                continue
            left = [c for c in self.children[at] if c < at]
            right = [c for c in self.children[at] if c > at]
            stack.extend((c, False) for c in reversed(right))
            stack.append((at, True))
            stack.extend((c, False) for c in reversed(left))
        return order


class Morph:
    """Morphological features: ``str(token.morph)`` and ``token.morph.get(field)``."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get(self, field: str, default: Any = None) -> list[str]:
        for part in self._text.split("|"):
            name, _, values = part.partition("=")
            if name == field and values:
                return values.split(",")
        return [] if default is None else default

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__


class Token:
    """One word of a document."""

    __slots__ = ("_words", "doc", "i")

    def __init__(self, doc: Doc, i: int) -> None:
        self.doc = doc
        self.i = i
        self._words = doc._words

    def __len__(self) -> int:
        return len(self._words.columns["text"][self.i])

    def __str__(self) -> str:
        return str(self._words.columns["text"][self.i])

    __repr__ = __str__

    def __hash__(self) -> int:
        return hash((self._words.size, self.i))

    def __eq__(self, other: object) -> bool:
        return type(other) is Token and other.doc is self.doc and other.i == self.i

    def __lt__(self, other: Token) -> bool:
        return self.i < other.i

    def __le__(self, other: Token) -> bool:
        return self.i <= other.i

    def __gt__(self, other: Token) -> bool:
        return self.i > other.i

    def __ge__(self, other: Token) -> bool:
        return self.i >= other.i

    def _many(self, words: list[int]) -> Iterator[Token]:
        return (self.doc._token(word) for word in words)

    @property
    def lower_(self) -> str:
        return str(self).lower()

    @property
    def prefix_(self) -> str:
        return str(self)[:1]

    @property
    def suffix_(self) -> str:
        return str(self)[-3:]

    @property
    def text_with_ws(self) -> str:
        return str(self) + str(self._words.columns["whitespace"][self.i])

    @property
    def morph(self) -> Morph:
        return Morph(self._words.columns["morph"][self.i])

    @property
    def head(self) -> Token:
        return self.doc._token(self._words.head[self.i])

    @property
    def children(self) -> Iterator[Token]:
        return self._many(self._words.children[self.i])

    @property
    def lefts(self) -> Iterator[Token]:
        return self._many([c for c in self._words.children[self.i] if c < self.i])

    @property
    def rights(self) -> Iterator[Token]:
        return self._many([c for c in self._words.children[self.i] if c > self.i])

    @property
    def n_lefts(self) -> int:
        return sum(c < self.i for c in self._words.children[self.i])

    @property
    def n_rights(self) -> int:
        return sum(c > self.i for c in self._words.children[self.i])

    @property
    def subtree(self) -> Iterator[Token]:
        return self._many(self._words.subtree(self.i))

    @property
    def left_edge(self) -> Token:
        return self.doc._token(min(self._words.subtree(self.i)))

    @property
    def right_edge(self) -> Token:
        return self.doc._token(max(self._words.subtree(self.i)))

    @property
    def ancestors(self) -> Iterator[Token]:
        chain: list[int] = []
        at = self.i
        while self._words.head[at] != at and len(chain) < self._words.size:
            at = self._words.head[at]
            chain.append(at)
        return self._many(chain)

    @property
    def conjuncts(self) -> tuple[Token, ...]:
        dep = self._words.columns["dep"]
        start = self.i
        while dep[start] == "conj" and self._words.head[start] != start:
            start = self._words.head[start]
        queue, found = [start], [start]
        for word in queue:
            for child in self._words.children[word]:
                if child > word and dep[child] == "conj" and child not in found:
                    found.append(child)
                    queue.append(child)
        return tuple(self.doc._token(word) for word in found if word != self.i)

    @property
    def sent(self) -> Span:
        number = self._words.sentence[self.i]
        words = [w for w in range(self._words.size) if self._words.sentence[w] == number]
        return Span(self.doc, words[0], words[-1] + 1)

    @property
    def is_sent_start(self) -> bool:
        return self.i == 0 or self._words.sentence[self.i] != self._words.sentence[self.i - 1]

    @property
    def is_sent_end(self) -> bool:
        last = self.i + 1 == self._words.size
        return last or self._words.sentence[self.i] != self._words.sentence[self.i + 1]

    def nbor(self, i: int = 1) -> Token:
        if not 0 <= self.i + i < self._words.size:
            raise IndexError(f"Error accessing doc[{self.i}].nbor({i}), for doc of length {self._words.size}")
        return self.doc._token(self.i + i)

    def is_ancestor(self, descendant: Token) -> bool:
        return self.doc is descendant.doc and any(token.i == self.i for token in descendant.ancestors)


def _column(name: str) -> property:
    def read(token: Token) -> Any:
        return token._words.columns[name][token.i]

    return property(read)


def _flag(name: str) -> property:
    def read(token: Token) -> bool:
        values = token._words.flags.get(name)
        if values is None:
            raise AttributeError(f"the sentence was parsed without {name!r}")
        return bool(values[token.i])

    return property(read)


FLAGS = ["is_alpha", "is_ascii", "is_digit", "is_lower", "is_upper", "is_title", "is_punct", "is_space", "is_bracket", "is_quote", "is_left_punct", "is_right_punct", "is_currency", "is_stop", "is_oov", "like_num", "like_url", "like_email"]
for _name, _source in _COLUMNS.items():
    setattr(Token, _name, _column(_source))
for _name in FLAGS:
    setattr(Token, _name, _flag(_name))


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
        return (Span(self, a, b) for a, b in zip(starts, [*starts[1:], self._words.size], strict=True))

    @property
    def ents(self) -> tuple[Span, ...]:
        return tuple(Span(self, a, b, label) for a, b, label in self._words.ents)

    @property
    def noun_chunks(self) -> Iterator[Span]:
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
        """The token of the span whose head lies outside it (the first such one)."""
        heads = self.doc._words.head
        for i in range(self.start, self.end):
            if heads[i] == i or not self.start <= heads[i] < self.end:
                return self.doc._token(i)
        raise ValueError("an empty span has no root")

    @property
    def sent(self) -> Span:
        return self.doc._token(self.start).sent

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
TOKEN_NAMES = frozenset(
    [*_COLUMNS, *FLAGS]
    + ["i", "doc", "lower_", "prefix_", "suffix_", "text_with_ws", "morph", "head", "children", "lefts", "rights", "n_lefts", "n_rights", "subtree", "left_edge", "right_edge", "ancestors", "conjuncts", "sent", "is_sent_start", "is_sent_end", "nbor", "is_ancestor"]
)
ATTRIBUTES[Token] = TOKEN_NAMES
ATTRIBUTES[Doc] = frozenset(["text", "sents", "ents", "noun_chunks"])
ATTRIBUTES[Span] = frozenset(["doc", "start", "end", "label_", "text", "lemma_", "start_char", "end_char", "root", "sent", "ents"])
ATTRIBUTES[Morph] = frozenset({"get"})
ATTRIBUTES[_Pipeline] = frozenset()
TEXT_TYPES: dict[str, Any] = {
    "Token": Marker("spacy.tokens.Token", Token),
    "Doc": Marker("spacy.tokens.Doc", Doc),
    "Span": Marker("spacy.tokens.Span", Span),
}
