"""The words of a parsed text as plain data, with the face of spaCy tokens.

The parent parses the sentence before a program starts and sends columns; ``spacy.load(...)(sentence)`` in a program
gives a ``Doc`` over those columns. The attributes follow spaCy's documentation, for the ones in ``TOKEN_NAMES``;
any other does not exist here. Every call makes a new ``Doc``, as in spaCy, so tokens of two calls are never equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attndsl.runtime.sandbox.names import listed

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

    def __init__(self, doc: Any, i: int) -> None:
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

    # Comparisons are spaCy's own: it answers False to anything that is no token, ``!=`` included.

    def __eq__(self, other: object) -> bool:
        return type(other) is Token and other.doc is self.doc and other.i == self.i

    def __ne__(self, other: object) -> bool:
        return other is None or (type(other) is Token and (other.doc is not self.doc or other.i != self.i))

    def __lt__(self, other: object) -> bool:
        return type(other) is Token and self.i < other.i

    def __le__(self, other: object) -> bool:
        return type(other) is Token and self.i <= other.i

    def __gt__(self, other: object) -> bool:
        return other is None or (type(other) is Token and self.i > other.i)

    def __ge__(self, other: object) -> bool:
        return other is None or (type(other) is Token and self.i >= other.i)

    def _at(self, word: int) -> Token:
        token: Token = self.doc._token(word)
        return token

    def _many(self, words: list[int]) -> Iterator[Token]:
        return (self._at(word) for word in words)

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
        return self._at(self._words.head[self.i])

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
        return self._at(min(self._words.subtree(self.i)))

    @property
    def right_edge(self) -> Token:
        return self._at(max(self._words.subtree(self.i)))

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
        return tuple(self._at(word) for word in found if word != self.i)

    @property
    def sent(self) -> Any:
        number = self._words.sentence[self.i]
        words = [w for w in range(self._words.size) if self._words.sentence[w] == number]
        return self.doc._span(words[0], words[-1] + 1)

    @property
    def is_sent_start(self) -> bool:
        return bool(self.i == 0 or self._words.sentence[self.i] != self._words.sentence[self.i - 1])

    @property
    def is_sent_end(self) -> bool:
        last = self.i + 1 == self._words.size
        return bool(last or self._words.sentence[self.i] != self._words.sentence[self.i + 1])

    def nbor(self, i: int = 1) -> Token:
        if not 0 <= self.i + i < self._words.size:
            raise IndexError(f"Error accessing doc[{self.i}].nbor({i}), for doc of length {self._words.size}")
        return self._at(self.i + i)

    def is_ancestor(self, descendant: Token) -> bool:
        same: bool = descendant.doc is self.doc
        return same and any(token.i == self.i for token in descendant.ancestors)


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


FLAGS = listed(
    "is_alpha is_ascii is_digit is_lower is_upper is_title is_punct is_space is_bracket is_quote is_left_punct "
    "is_right_punct is_currency is_stop is_oov like_num like_url like_email"
)
for _name, _source in _COLUMNS.items():
    setattr(Token, _name, _column(_source))
for _name in FLAGS:
    setattr(Token, _name, _flag(_name))

TOKEN_NAMES = frozenset(
    [
        *_COLUMNS,
        *FLAGS,
        *listed(
            "i doc lower_ prefix_ suffix_ text_with_ws morph head children lefts rights n_lefts n_rights "
            "subtree left_edge "
            "right_edge ancestors conjuncts sent is_sent_start is_sent_end nbor is_ancestor"
        ),
    ]
)
