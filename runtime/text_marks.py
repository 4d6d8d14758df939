"""Sentence numbers, double quotes and word starts of a text, by plain rules on characters; no parser needed.

Every rule reads the text from left to right, so a mark never depends on later words: what a causal program sees of
a prefix is what it sees of the whole text.
"""

from __future__ import annotations

import re
import unicodedata

# An end mark, any closing quotes or brackets, then white space or the end; or a line end. Abbreviations are not
# known: "Mr. Smith" is cut after "Mr.", "3.14" and "U.S.A" are not.
_SENTENCE_END = re.compile(r"""[.!?]["'”’»)\]}]*(?=\s|\Z)|[\r\n]""")


def sentence_numbers(text: str) -> list[int]:
    """The sentence of each character, counted from 0; white space belongs to the sentence before it.

    >>> sentence_numbers("Hi! No.")
    [0, 0, 0, 0, 1, 1, 1]
    """
    ends = {match.end() - 1 for match in _SENTENCE_END.finditer(text)}
    numbers: list[int] = []
    current = 0
    begun = ended = False
    for at, char in enumerate(text):
        if not char.isspace():
            current += begun and ended
            begun, ended = True, False
        numbers.append(current)
        ended = ended or at in ends
    return numbers


def quoted(text: str) -> list[bool]:
    """Whether each character lies between double quotes; the quote marks themselves do not.

    “ opens and ” closes; a straight \" does either in turn. A line end closes what is open, so that one missing
    quote does not turn the rest of the text around.

    >>> quoted('a "b" c')
    [False, False, False, True, False, False, False]
    """
    flags: list[bool] = []
    inside = False
    for char in text:
        mark = True
        if char == '"':
            inside = not inside
        elif char in "“”":
            inside = char == "“"
        elif char in "\r\n":
            inside = False
        else:
            mark = False
        flags.append(inside and not mark)
    return flags


def is_word_character(char: str) -> bool:
    """Letters, digits, the underscore and combining marks; everything else separates words."""
    return char.isalnum() or char == "_" or unicodedata.category(char)[0] == "M"


def starts_word(text: str, at: int) -> bool:
    """Whether the character at ``at`` begins a piece separated by white space or punctuation.

    A punctuation sign is a piece of its own, so it always does, and so does the letter after it.

    >>> [starts_word("don't", at) for at in range(5)]
    [True, False, False, True, True]
    """
    if text[at].isspace():
        return False
    return at == 0 or not is_word_character(text[at]) or not is_word_character(text[at - 1])
