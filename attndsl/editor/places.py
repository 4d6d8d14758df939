"""Character offsets of a text <-> the lines and columns of the Language Server Protocol.

Lines and columns count from 0. A column counts code units of the encoding that client and server agreed on: UTF-16
unless the client offers another. A line ends at LF, CR or CRLF.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

ENCODINGS = ("utf-16", "utf-8", "utf-32")


class Places:
    """The lines of one text. CRLF must already be LF (``with_plain_ends``): columns do not change by that."""

    def __init__(self, text: str, encoding: str = "utf-16") -> None:
        if encoding not in ENCODINGS:
            raise ValueError(f"unknown position encoding {encoding!r}")
        self.text = text
        self.encoding = encoding

    @cached_property
    def starts(self) -> list[int]:
        return [0, *[found.end() for found in re.finditer(r"[\n\r]", self.text)]]

    @cached_property
    def _plain(self) -> bool:
        return self.encoding == "utf-32" or self.text.isascii()

    def position(self, offset: int) -> tuple[int, int]:
        """(line, column) of a character offset."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self.starts, offset) - 1
        start = self.starts[line]
        return line, offset - start if self._plain else self._units(self.text[start:offset])

    def offset(self, line: int, column: int) -> int:
        """Character offset of a position; what lies outside the text means the nearest place in it."""
        if line < 0:
            return 0
        if line >= len(self.starts):
            return len(self.text)
        start = self.starts[line]
        end = self.starts[line + 1] - 1 if line + 1 < len(self.starts) else len(self.text)
        if self._plain:
            return min(start + max(column, 0), end)
        for at in range(start, end):
            if column <= 0:
                return at
            column -= self._units(self.text[at])
        return end

    def _units(self, piece: str) -> int:
        if self.encoding == "utf-8":
            return len(piece.encode("utf-8", "surrogatepass"))
        if self.encoding == "utf-16":
            return len(piece) + sum(char > "\uffff" for char in piece)
        return len(piece)


def with_plain_ends(text: str) -> str:
    """The text with CRLF as LF, as the compiler reads it."""
    return text.replace("\r\n", "\n")
