"""What a program may see of one text: its tokens, and (when asked for) its words.

*Token* and *word* are never mixed: a token is an item of the model's tokenizer, a word is a spaCy token, a span
of the text. Everything here is plain data. ``runtime/tokenize.py`` builds these tables from a tokenizer,
``runtime/parse_words.py`` builds the words with spaCy; the language, the compiler and the sandbox only read them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from attndsl.dsl.diagnostics import fail


@dataclass(frozen=True)
class WordTable:
    """The words of one text as columns; every tuple has length ``m``, the number of words.

    White space that does more than part two words (a second space, a line end) is a word of its own. Strings are
    spaCy's own (``pos`` is ``pos_`` and so on). ``head`` is the index of the syntactic head, a root is its own head.
    ``start``/``end`` are character offsets into the text, ``sentence`` numbers the sentences from 0.
    ``flags`` holds boolean columns named as spaCy's attributes (``is_stop``, ``is_punct``, ``like_num``, ...).
    ``entities`` and ``noun_chunks`` are (first word, one past the last word, label) spans; a chunk's label is "".
    ``noun_chunks`` is None where the language has no rule for them; who needs them asks ``chunks``.
    """

    text: tuple[str, ...]
    lemma: tuple[str, ...]
    pos: tuple[str, ...]
    tag: tuple[str, ...]
    dep: tuple[str, ...]
    ent_type: tuple[str, ...]
    ent_iob: tuple[str, ...]
    shape: tuple[str, ...]
    morph: tuple[str, ...]
    whitespace: tuple[str, ...]
    head: tuple[int, ...]
    start: tuple[int, ...]
    end: tuple[int, ...]
    sentence: tuple[int, ...]
    flags: dict[str, tuple[bool, ...]]
    entities: tuple[tuple[int, int, str], ...] = ()
    noun_chunks: tuple[tuple[int, int, str], ...] | None = ()

    def __len__(self) -> int:
        return len(self.text)

    @property
    def chunks(self) -> tuple[tuple[int, int, str], ...]:
        """The noun chunks. Raises DiagnosticError E0643 where the language has no rule for them."""
        if self.noun_chunks is None:
            raise fail(
                "E0643",
                "the program reads noun chunks, but spaCy has no rule for them in the pipeline's language",
                help="use a pipeline of a language that has them, such as en_core_web_sm",
            )
        return self.noun_chunks

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Syntactic children of each word, in text order."""
        found: list[list[int]] = [[] for _ in self.text]
        for word, head in enumerate(self.head):
            if head != word:
                found[head].append(word)
        return tuple(tuple(words) for words in found)

    @cached_property
    def ancestors(self) -> tuple[tuple[int, ...], ...]:
        """For each word its head, its head's head, ... up to the root (empty for a root)."""
        chains: list[tuple[int, ...]] = []
        for word in range(len(self.text)):
            chain: list[int] = []
            at = word
            while self.head[at] != at and len(chain) < len(self.text):
                at = self.head[at]
                chain.append(at)
            chains.append(tuple(chain))
        return tuple(chains)


SPECIAL_ROLES = ("bos", "eos", "cls", "sep", "pad", "mask", "unk")


@dataclass(frozen=True)
class SpecialTokens:
    """A tokenizer's special tokens. ``roles`` has (role, vocabulary string, id) for those of ``SPECIAL_ROLES`` that it
    has; ``tokens`` and ``ids`` are all of them, in its own order."""

    roles: tuple[tuple[str, str, int], ...]
    tokens: tuple[str, ...]
    ids: tuple[int, ...]


@dataclass(frozen=True)
class TokenTable:
    """The tokens of one text as columns; every tuple has length ``n``.

    ``raw`` is the vocabulary string ('Ġthe', '▁the', '##ing'); ``surface`` is the clean text the token stands for,
    ``text[start:end]`` ('' for special tokens and for white space). ``start``/``end`` are character offsets into
    ``text`` from the tokenizer, without the white space around the token's text, (0, 0) for special tokens; a token
    of nothing but white space spans it, and each part of a character split over several tokens spans the whole
    character. ``special`` marks tokens that stand for no text; the unknown token stands for the text it replaced.
    ``word_start`` is true where the token begins a whitespace-or-punctuation-separated piece of the text (a
    punctuation sign is a piece of its own); ``sentence`` numbers sentences from 0 by a plain rule on ``.``, ``!``,
    ``?`` and line ends (no parser needed; "Mr." ends one), white space and special tokens counting to the sentence
    before them; ``in_quotes`` is true between double quotes (not on them, and not beyond the line). No column of a
    token depends on later tokens, save for a character that is split over several.
    ``decoded`` is what the tokenizer's ``decode`` gives for each token alone, which imported programs may ask for; None
    where it has none.
    ``specials`` are the tokenizer's special tokens, None where it does not say.
    ``parse`` gives the words when first asked for; it raises DiagnosticError E0611 when no parser is installed.
    """

    text: str
    ids: tuple[int, ...]
    raw: tuple[str, ...]
    start: tuple[int, ...]
    end: tuple[int, ...]
    surface: tuple[str, ...]
    special: tuple[bool, ...]
    word_start: tuple[bool, ...]
    sentence: tuple[int, ...]
    in_quotes: tuple[bool, ...]
    parse: Callable[[str], WordTable] | None = None
    decoded: tuple[str, ...] | None = None
    specials: SpecialTokens | None = None

    def __len__(self) -> int:
        return len(self.raw)

    @cached_property
    def words(self) -> WordTable:
        """The parsed words. Raises DiagnosticError E0611 when no parser is at hand."""
        if self.parse is None:
            raise fail(
                "E0611",
                "the program reads word features, but no spaCy pipeline is at hand",
                help="install spaCy and a pipeline: "
                "pip install 'attndsl[spacy]' && python -m spacy download en_core_web_sm",
            )
        return self.parse(self.text)

    @cached_property
    def token_words(self) -> tuple[tuple[int, ...], ...]:
        """For each token the indices of the words whose character span overlaps the token's, by true offsets."""
        words = self.words
        found: list[tuple[int, ...]] = []
        for start, end in zip(self.start, self.end, strict=True):
            first = bisect_right(words.end, start)  # words are in text order and do not overlap
            last = bisect_left(words.start, end)
            found.append(tuple(range(first, last)) if end > start else ())
        return tuple(found)
