"""What a text says word by word, whether or not it can be parsed: half-typed files still have names and heads."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from attndsl.dsl.source import Span

_PIECE = re.compile(
    r"""(?P<text>"(?:[^"\\\n\r]|\\[^\n\r])*"?)|(?P<comment>\#[^\n\r]*)|(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"""
    r"""|(?P<feature>\.[A-Za-z_]\w*)|(?P<word>[^\W\d]\w*)|(?P<sign>[=!<>]=|//|\*\*|\S)"""
)
_STATEMENTS = frozenset(
    ("head", "claim", "let", "matrix", "set", "add", "scale", "raise", "cap", "share", "normalize", "softmax", "mask")
)


@dataclass(frozen=True, slots=True)
class Piece:
    """One word, sign, text or comment; ``kind`` is the name of its group in the pattern."""

    kind: str
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Definition:
    """A ``let`` or ``matrix``: ``name`` with the span of the name, and the span of the whole statement."""

    kind: str
    name: str
    span: Span
    statement: Span


@dataclass(frozen=True, slots=True)
class Head:
    """A head with its definitions; ``span`` reaches to the next head, ``name_span`` is the text after ``head``."""

    name: str
    span: Span
    name_span: Span
    definitions: tuple[Definition, ...]


class Pieces:
    """A text of our language in pieces."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.all = [Piece(str(m.lastgroup), m[0], Span(*m.span())) for m in _PIECE.finditer(text)]
        self._starts = [piece.span.start for piece in self.all]

    def index_at(self, offset: int) -> int | None:
        """Index of the piece at a character offset; a caret right behind a word means that word."""
        at = bisect_right(self._starts, offset) - 1
        for index in (at, at - 1):
            if index >= 0:
                span = self.all[index].span
                if span.start <= offset < span.end or (offset == span.end and self.all[index].kind != "sign"):
                    return index
        return None

    def beside(self, index: int, step: int) -> str:
        """The text of the next piece that is no comment; "" at the ends."""
        index += step
        while 0 <= index < len(self.all) and self.all[index].kind == "comment":
            index += step
        return self.all[index].text if 0 <= index < len(self.all) else ""

    @cached_property
    def heads(self) -> list[Head]:
        """The heads in order; what stands before the first belongs to none."""
        begins = [i for i, piece in enumerate(self.all) if piece.kind == "word" and piece.text == "head"]
        heads = []
        for number, begin in enumerate(begins):
            stop = begins[number + 1] if number + 1 < len(begins) else len(self.all)
            start = self.all[begin].span.start
            end = self.all[stop].span.start if stop < len(self.all) else len(self.text)
            named = begin + 1 < stop and self.all[begin + 1].kind == "text"
            name = self.all[begin + 1 if named else begin]
            shown = _unquoted(name.text) if named else ""
            definitions = tuple(self._definitions(begin, stop, end))
            heads.append(Head(shown or "head", Span(start, end), name.span, definitions))
        return heads

    def head_at(self, offset: int) -> Head | None:
        return next((head for head in self.heads if head.span.start <= offset <= head.span.end), None)

    def _definitions(self, begin: int, stop: int, end: int) -> Iterator[Definition]:
        begins = [i for i in range(begin, stop) if self.all[i].kind == "word" and self.all[i].text in _STATEMENTS]
        for number, at in enumerate(begins):
            kind = self.all[at].text
            if kind not in ("let", "matrix") or at + 1 >= stop or not self.all[at + 1].text[:1].isupper():
                continue
            name = self.all[at + 1]
            last = begins[number + 1] if number + 1 < len(begins) else stop
            while last > at + 2 and self.all[last - 1].kind == "comment":
                last -= 1
            yield Definition(kind, name.text, name.span, Span(self.all[at].span.start, self.all[last - 1].span.end))


def _unquoted(text: str) -> str:
    """A text literal's value: its escapes are JSON's. Half-typed ones are shown as they stand."""
    try:
        return str(json.loads(text))
    except ValueError:
        return text.strip('"')


_DEF = re.compile(r"^def[ \t]+([^\W\d]\w*)[ \t]*\(([^)]*)\)", re.MULTILINE)
_SENTENCE = r"(?:sentence|text|sent|input_text|s|sentence_text)"
_PROGRAM_PARAMETERS = re.compile(
    rf"\s*{_SENTENCE}\s*(?::[^,]*)?,\s*(?:tokenizer|tok|tokeniser|tokens)\s*(?::[^,]*)?,?\s*\Z"
)


def python_functions(text: str) -> Iterator[tuple[str, Span, Span, bool]]:
    """Module-level functions of a Python text: name, span of the name, span of the whole, and whether its parameters
    are those of a program."""
    for found in _DEF.finditer(text):
        after = re.compile(r"^[^\s#)\]}]", re.MULTILINE).search(text, found.end())
        whole = text[found.start() : after.start() if after else len(text)].rstrip()
        span = Span(found.start(), found.start() + len(whole))
        yield found[1], Span(*found.span(1)), span, _PROGRAM_PARAMETERS.match(found[2]) is not None


def holds_programs(text: str) -> bool:
    """Whether a Python text means to be a program file: some function has the parameters of one."""
    return any(is_program for _, _, _, is_program in python_functions(text))
