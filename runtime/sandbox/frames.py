"""The wire between parent and child: fixed headers, JSON downwards, raw numbers and short texts upwards.

Parent to child: ``kind, JSON length, block length``, then both. The child trusts its parent. Child to parent:
``status, source line, payload length``; the parent trusts nothing of it (``border.py``).
"""

from __future__ import annotations

import os
import struct

DOWN = struct.Struct("=cxxxII")
UP = struct.Struct("=cxxxIIxxxx")
"""16 bytes, so that a matrix behind it is aligned."""


PROGRAM, SENTENCE, PROBE = b"P", b"S", b"T"
READY, MATRIX = b"C", b"O"
REFUSED, FAILED, BAD_RESULT, DIFFERS, PROBED = b"R", b"E", b"B", b"D", b"T"
TEXT_STATUSES = frozenset({REFUSED, FAILED, BAD_RESULT, DIFFERS, PROBED})
MAX_TEXT = 4096


def read_exactly(descriptor: int, size: int) -> bytes:
    """``size`` bytes from a blocking descriptor. Raises EOFError when it ends first."""
    parts: list[bytes] = []
    while size:
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """All of ``data`` to a blocking descriptor."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
