"""Source texts and the spans that point into them.

Every node, instruction and diagnostic of attndsl carries a ``Span``, so that a late error can still show
the place in the user's file that it comes from.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range ``[start, end)`` of characters (not bytes) in one source text."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The smallest span that holds both."""
        return Span(min(self.start, other.start), max(self.end, other.end))


NO_SPAN = Span(0, 0)


@dataclass(frozen=True)
class SourceFile:
    """A named text; ``name`` is a path as the user gave it, or a description such as ``<text>``."""

    name: str
    text: str

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        return (0, *[found.end() for found in re.finditer("\n", self.text)])

    def position(self, offset: int) -> tuple[int, int]:
        """One-based (line, column) of a character offset; columns count characters."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a one-based line, without its line end."""
        start = self.line_starts[number - 1]
        end = self.line_starts[number] if number < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def offset(self, line: int, column: int) -> int:
        """Character offset of a one-based line and one-based column."""
        line = max(1, min(line, len(self.line_starts)))
        return min(self.line_starts[line - 1] + column - 1, len(self.text))

    def span_of_bytes(self, line: int, byte_column: int, end_line: int, end_byte_column: int) -> Span:
        """Span of an ``ast`` node: one-based lines, zero-based UTF-8 byte columns."""
        return Span(self._byte_offset(line, byte_column), self._byte_offset(end_line, end_byte_column))

    @cached_property
    def _wide_lines(self) -> frozenset[int]:
        """The lines that hold characters of more than one byte."""
        if self.text.isascii():
            return frozenset()
        return frozenset(self.position(found.start())[0] for found in re.finditer(r"[^\x00-\x7f]+", self.text))

    def _byte_offset(self, line: int, byte_column: int) -> int:
        if line not in self._wide_lines:
            return self.line_starts[line - 1] + byte_column
        text = self.line(line)
        return self.line_starts[line - 1] + len(text.encode("utf-8")[:byte_column].decode("utf-8", "ignore"))
