"""Texts to try: sentences of a corpus, texts in which a rule's words occur once, twice or never, and mutations.

A text is a tuple of pieces: words and signs, each with the white space before it, so that parts can be taken out and
moved and the rest still reads as text. Every choice comes from one seeded generator.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random

from attndsl.dsl import nodes as N
from attndsl.dsl.builtins import is_punctuation
from attndsl.dsl.checker import TypedProgram
from attndsl.runtime.falsify.rules import RuleOf

Pieces = tuple[str, ...]

_PIECE = re.compile(r"\s*(?:\w+(?:['’]\w+)*|[^\w\s])")
_ENDS = (".", "!", "?")
_CLOSING = ('"', "”", "’", "'")
_MARKS = "Ġ▁Ċ#"  # what vocabularies put into their strings for spaces and line ends
LEAST = 8
COMMON = 6  # the most frequent words of the corpus count as the simplest
# Words for conditions that name no literal.
_WORDS_FOR = {
    "is_punct": (",", ".", ";", "!"),
    "in_quotes": ('"', '"'),
    "depth": ("(", ")"),
    "line": ("\n",),
    "sentence": (".", "?"),
    "is_capitalized": ("Mary", "London"),
    "isdigit": ("7", "1999"),
    "like_num": ("7", "two"),
    "isupper": ("NASA", "I"),
    "istitle": ("Anna", "Paris"),
    "entity": ("Anna", "Paris"),
    "is_quote": ('"',),
    "is_bracket": ("(", ")"),
    "special": (),
}
# Words of a part of speech; the labels themselves are no words that a text is likely to have.
_WORDS_OF = {
    "NOUN": ("river", "fox"), "PROPN": ("Anna", "Paris"), "VERB": ("ran", "said"), "AUX": ("was", "can"),
    "ADJ": ("small", "red"), "ADV": ("quickly", "then"), "PRON": ("she", "it"), "DET": ("the", "every"),
    "ADP": ("in", "of"), "CCONJ": ("and", "or"), "SCONJ": ("because", "when"), "NUM": ("seven", "7"),
    "PUNCT": (",", "."), "PART": ("to", "not"), "INTJ": ("oh", "yes"),
}  # fmt: skip
_LABELS = frozenset(("pos", "tag", "dep", "entity", "entity_iob", "chunk_iob", "shape", "morph"))
NAMES = (" Anna", " Tom", " Mary", " river", " seven", " quickly")


def pieces_of(text: str) -> Pieces:
    """Words and signs with the white space before them."""
    return tuple(_PIECE.findall(text.strip()))


def text_of(pieces: Pieces) -> str:
    """The text; it never begins or ends with white space."""
    return "".join(pieces).strip()


class Changed(str):
    """A piece that is ``new`` in the changed text of a pair. A text of such pieces is cut, moved and shortened as any
    other, and takes its change along; what alters a changed piece itself leaves a plain one."""

    new: str
    __slots__ = ("new",)

    def __new__(cls, piece: str, new: str) -> Changed:
        made = super().__new__(cls, piece)
        made.new = new
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Changed) and (str(self), self.new) == (str(other), other.new)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((str(self), self.new))


def changed_text_of(pieces: Pieces) -> str:
    """The changed text of a pair."""
    return text_of(tuple(piece.new if isinstance(piece, Changed) else piece for piece in pieces))


def passages(texts: Sequence[str], most: int) -> list[Pieces]:
    """Sentences, and pairs of neighbouring ones, cut to ``most`` pieces, in order and each once.

    Shorter ones than ``LEAST`` pieces are left out, unless there are no others: on a text of three words a pattern has
    hardly room to be right, and such texts would say little of the mean over plain text.
    """
    found: dict[Pieces, None] = {}
    for text in texts:
        sentences = _sentences(pieces_of(text))
        pairs = [(*first, *second) for first, second in pairwise(sentences)]
        for pieces in (*sentences, *pairs):
            kept = pieces[:most]
            if len(kept) >= 2:
                found[kept] = None
    return [pieces for pieces in found if len(pieces) >= LEAST] or list(found)


def _sentences(pieces: Pieces) -> list[Pieces]:
    """Cut where white space follows an end of sentence, closing quotes taken along."""
    found: list[Pieces] = []
    begun = 0
    for at, piece in enumerate(pieces):
        before = [p.strip() for p in pieces[max(begun, at - 2) : at] if p.strip() not in _CLOSING]
        if at > begun and piece[:1].isspace() and before and before[-1] in _ENDS:
            found.append(pieces[begun:at])
            begun = at
    return [*found, pieces[begun:]] if pieces[begun:] else found


def _spaced(piece: str) -> str:
    return piece if piece[:1].isspace() or is_punctuation(piece) else " " + piece


def words_of_rule(typed: TypedProgram, rule: RuleOf) -> Pieces:
    """Pieces that make the rule's conditions likely to hold: its literals, and words for the features it asks for."""
    return words_of(typed, typed.program.items[rule.item])


def words_of(typed: TypedProgram, item: N.Item) -> Pieces:
    """``words_of_rule`` for any statement, such as a claim."""
    words: dict[str, None] = {}
    nodes = _walk(item, typed)
    labels = {label for node in nodes for label in _labels(node, typed)}
    for node in nodes:
        if isinstance(node, N.Text) and node.value in labels:
            words.update(dict.fromkeys(_spaced(word) for word in _WORDS_OF.get(node.value, ())))
        elif isinstance(node, N.Text):
            for word in pieces_of(node.value.strip(_MARKS)) or ((node.value,) if node.value.isspace() else ()):
                words[_spaced(word)] = None
        elif isinstance(node, N.Feature | N.Method):
            words.update(dict.fromkeys(_spaced(word) for word in _WORDS_FOR.get(node.name.lstrip("."), ())))
    return tuple(words)


def _labels(node: N.Node, typed: TypedProgram) -> list[str]:
    """The labels that a comparison asks for, as in ``t.pos == "NOUN"`` and ``t.pos in {"NOUN", "PROPN"}``."""
    match node:
        case N.Compare(left=left, right=right) | N.Member(item=left, collection=right):
            asks = any(isinstance(side, N.Feature) and side.name in _LABELS for side in (left, right))
            sides = [*_walk(left, typed), *_walk(right, typed)] if asks else []
            return [node.value for node in sides if isinstance(node, N.Text)]
    return []


def _walk(node: N.Node, typed: TypedProgram, below: frozenset[str] = frozenset()) -> list[N.Node]:
    """The node and all below it, into the definitions that it uses."""
    found: list[N.Node] = []
    for inner in N.walk(node):
        found.append(inner)
        if isinstance(inner, N.Name | N.Call) and inner.name in typed.lets and inner.name not in below:
            found += _walk(typed.lets[inner.name].value, typed, below | {inner.name})
    return found


class TextMaker:
    """Makes texts for one program from the passages of a corpus; ``seed`` fixes everything."""

    def __init__(self, corpus: Sequence[Pieces], words: Sequence[Pieces], most: int, seed: int) -> None:
        self.corpus = list(corpus)
        self.words = list(words)
        self.most = most
        self.random = Random(seed)
        counts = Counter(piece for pieces in corpus for piece in pieces[1:])
        self.frequent = tuple(piece for piece, _ in counts.most_common(200)) or (" the",)
        plain = [p for p in self.frequent if p.strip().isalpha() and p.strip().islower()]
        self.simple: Pieces = tuple(plain[:COMMON]) or (" the",)

    def passage(self) -> Pieces:
        """Some passage of the corpus."""
        return self.random.choice(self.corpus)

    def probes(self) -> list[Pieces]:
        """Texts of little but one word: what a plain corpus never has, and where patterns are simplest to read."""
        words = [*self.simple[:3], *(word for words in self.words for word in words[:1])]
        alone = [(word,) * times for word in dict.fromkeys(words) for times in (2, 4)]
        return [*alone, tuple(reversed(self.corpus[0]))]

    def about(self, rule: int) -> Pieces:
        """A passage in which words of a rule occur once, or several times, or none of them does."""
        pieces, words = self.passage(), self.words[rule]
        if not words:
            return self.echo(pieces)
        times = self.random.choice((0, 1, 2, 3))
        if times == 0:
            gone = {word.strip().lower() for word in words}
            return tuple(p for p in pieces if p.strip().lower() not in gone) or pieces
        chosen = [self.random.choice(words)] * times if self.random.random() < 0.5 else self._some(words, times)
        for word in chosen:
            pieces = self._insert(pieces, word)
        return pieces[: self.most]

    def mutate(self, pieces: Pieces) -> Pieces:
        """One to three mutations, one after the other."""
        for _ in range(self.random.choice((1, 1, 2, 3))):
            change: Callable[[Pieces], Pieces] = self.random.choice(self._changes)
            pieces = change(pieces)[: self.most] or pieces
        return pieces

    @property
    def _changes(self) -> tuple[Callable[[Pieces], Pieces], ...]:
        return (
            self.swap, self.drop, self.repeat, self.echo, self.rename, self.move_sign, self.put_in, self.put_in,
            self.exchange, self.recase, self.window, self.join, self.twice,
        )  # fmt: skip

    # ------------------------------------------------------------ mutations

    def swap(self, pieces: Pieces) -> Pieces:
        """Two words change places."""
        a, b = self._at(pieces), self._at(pieces)
        changed = list(pieces)
        changed[a], changed[b] = changed[b], changed[a]
        return tuple(changed)

    def drop(self, pieces: Pieces) -> Pieces:
        at = self._at(pieces)
        return pieces[:at] + pieces[at + self.random.choice((1, 1, 2, 4)) :]

    def repeat(self, pieces: Pieces) -> Pieces:
        """A word twice, or many times, in a row."""
        at = self._at(pieces)
        return pieces[:at] + (_spaced(pieces[at]),) * self.random.choice((1, 1, 2, 5)) + pieces[at:]

    def echo(self, pieces: Pieces) -> Pieces:
        """One to three words come again later in the text."""
        at = self._at(pieces)
        again = tuple(_spaced(p) for p in pieces[at : at + self.random.choice((1, 2, 3))])
        to = self.random.randint(min(at + 1, len(pieces)), len(pieces))
        return pieces[:to] + again + pieces[to:]

    def rename(self, pieces: Pieces) -> Pieces:
        """Every copy of one word becomes another word."""
        old, new = pieces[self._at(pieces)].strip(), self.word().strip()
        return tuple(p.replace(p.strip(), new) if p.strip() == old else p for p in pieces)

    def move_sign(self, pieces: Pieces) -> Pieces:
        """A punctuation sign goes to another place; without one, one is put in."""
        signs = [i for i, p in enumerate(pieces) if is_punctuation(p.strip())]
        if not signs:
            return self._insert(pieces, self.random.choice((",", ".", "!", ";")))
        at = self.random.choice(signs)
        return self._insert(pieces[:at] + pieces[at + 1 :], pieces[at].strip())

    def put_in(self, pieces: Pieces) -> Pieces:
        return self._insert(pieces, self.word())

    def exchange(self, pieces: Pieces) -> Pieces:
        """One word becomes another."""
        at = self._at(pieces)
        return (*pieces[:at], self.word(), *pieces[at + 1 :])

    def recase(self, pieces: Pieces) -> Pieces:
        at = self._at(pieces)
        change = self.random.choice((str.lower, str.upper, str.title))
        return (*pieces[:at], change(pieces[at]), *pieces[at + 1 :])

    def window(self, pieces: Pieces) -> Pieces:
        """A part of the text."""
        a, b = sorted((self._at(pieces), self._at(pieces)))
        return pieces[a : b + 2]

    def join(self, pieces: Pieces) -> Pieces:
        """The text, and a passage after it."""
        other = self.passage()
        return (*pieces[: self._at(pieces) + 1], _spaced(other[0]), *other[1:])

    def twice(self, pieces: Pieces) -> Pieces:
        return (*pieces, _spaced(pieces[0]), *pieces[1:])

    # ------------------------------------------------------------ choices

    def _at(self, pieces: Pieces) -> int:
        return self.random.randrange(len(pieces))

    def word(self) -> str:
        """A word of the program, of the corpus, or a name."""
        own = [word for words in self.words for word in words]
        kind = self.random.random()
        if own and kind < 0.5:
            return self.random.choice(own)
        return self.random.choice(self.frequent if kind < 0.85 else NAMES)

    def _some(self, words: Pieces, count: int) -> list[str]:
        return [self.random.choice(words) for _ in range(count)]

    def _insert(self, pieces: Pieces, word: str) -> Pieces:
        at = self.random.randint(0, len(pieces))
        return (*pieces[:at], word, *pieces[at:])
