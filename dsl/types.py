"""Kinds of values in the language. A position is a number; words are a domain of their own."""

from __future__ import annotations

from enum import Enum

from attndsl.dsl.frozen import frozen


class Kind(Enum):
    """What a value is. ``UNKNOWN`` follows an error and keeps the rest of the check quiet."""

    NUM = "number"
    BOOL = "truth value"
    STR = "text"
    WORD = "word"
    TOKENS = "set of tokens"
    WORDS = "set of words"
    TEXTS = "set of texts"
    NUMBERS = "set of numbers"
    UNKNOWN = "unknown"

    __hash__ = object.__hash__  # there is one object of each; Enum's own hash of the name is a call in Python


NUM, BOOL, STR, WORD, TOKENS, WORDS = Kind.NUM, Kind.BOOL, Kind.STR, Kind.WORD, Kind.TOKENS, Kind.WORDS
TEXTS, NUMBERS, UNKNOWN = Kind.TEXTS, Kind.NUMBERS, Kind.UNKNOWN


@frozen
class Type:
    """A kind, and whether none is possible."""

    kind: Kind
    optional: bool = False

    def __str__(self) -> str:
        return f"{self.kind.value} or none" if self.optional else self.kind.value
