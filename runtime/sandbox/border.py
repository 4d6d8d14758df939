"""The border, parent side: what goes down as plain data, and what is believed of what comes up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.tokens import TokenTable, WordTable
from attndsl.runtime.sandbox import frames
from attndsl.runtime.sandbox.errors import clean, sandbox_error
from attndsl.runtime.sandbox.limits import Limits
from attndsl.runtime.sandbox.programs import Prepared

Matrix = NDArray[np.float64]
_WORD_COLUMNS = [
    "text",
    "lemma",
    "pos",
    "tag",
    "dep",
    "ent_type",
    "ent_iob",
    "shape",
    "morph",
    "whitespace",
    "head",
    "start",
    "end",
    "sentence",
]


def message(kind: bytes, request: dict[str, Any], block: bytes = b"") -> bytes:
    """One frame for a child."""
    text = json.dumps(request).encode()
    return frames.DOWN.pack(kind, len(text), len(block)) + text + block


def program_message(program: Prepared, limits: Limits) -> bytes:
    """The frame that makes a child compile a program."""
    request = {
        "source": program.text,
        "entry": program.entry,
        "style": program.style,
        "runs": limits.runs,
        "seed": limits.seed,
    }
    return message(frames.PROGRAM, request)


def word_columns(words: WordTable) -> dict[str, Any]:
    """The words of a text as plain data."""
    return {
        "columns": {name: list(getattr(words, name)) for name in _WORD_COLUMNS},
        "flags": {name: list(values) for name, values in words.flags.items()},
        "entities": [list(span) for span in words.entities],
        "noun_chunks": None if words.noun_chunks is None else [list(span) for span in words.noun_chunks],
    }


def sentence_message(table: TokenTable, with_words: bool, host: Mapping[str, Matrix]) -> bytes:
    """The frame that makes a child run its program on a sentence; kept on the table, since a thousand programs ask.

    Raises DiagnosticError E0611 when words are needed and cannot be parsed, SandboxError E0423 for a host matrix
    that is not finite float [n, n].
    """
    kept: dict[bool, bytes] = table.__dict__.setdefault("_sandbox_messages", {})
    if not host and with_words in kept:
        return kept[with_words]
    request: dict[str, Any] = {
        "text": table.text,
        "tokens": {
            **{name: list(getattr(table, name)) for name in ("ids", "raw", "special", "start", "end")},
            "decoded": table.decoded,
            "specials": None if table.specials is None else [list(part) for part in vars(table.specials).values()],
        },
        "host": sorted(host),
    }
    if with_words:
        request["words"] = word_columns(table.words)
        request["words_text"] = table.text
    block = b"".join(_host_block(name, host[name], len(table)) for name in sorted(host))
    data = message(frames.SENTENCE, request, block)
    if not host:
        kept[with_words] = data
    return data


def _host_block(name: str, matrix: Any, size: int) -> bytes:
    values = np.ascontiguousarray(matrix, dtype=np.float64)
    if values.shape != (size, size) or not np.isfinite(values).all():
        raise sandbox_error(
            "E0423", "refused", f"the host matrix {name!r} must be finite and of shape ({size}, {size})"
        )
    return values.tobytes()


def check_values(
    matrix: Matrix, limits: Limits, *, allow_nonfinite: bool, allow_negative: bool, allow_empty_rows: bool
) -> None:
    """Raise SandboxError E0414 unless the values may be used as they are.

    Finite, at most ``limits.largest`` in size, not negative, some mass in every row, each unless allowed.
    """
    if matrix.size == 0:
        return
    lows, highs = matrix.min(axis=1), matrix.max(axis=1)
    low, high = float(lows.min()), float(highs.max())
    if not allow_nonfinite and not (np.isfinite(low) and np.isfinite(high)):
        raise _bad_values("the result holds NaN or infinite values")
    if not allow_negative and low < 0:
        raise _bad_values(f"the result holds negative values (the least is {low:.3g})")
    if max(-low, high) > limits.largest and not allow_nonfinite:
        raise _bad_values(f"the result holds values beyond {limits.largest:.0e}")
    if not allow_empty_rows:
        empty = np.flatnonzero((lows == 0) & (highs == 0))
        if empty.size:
            raise _bad_values(f"row {empty[0]} of the result has no mass ({empty.size} such rows)")


def _bad_values(headline: str) -> Exception:
    return sandbox_error("E0414", "bad_result", headline)


def split_text(payload: bytes) -> tuple[str, str]:
    """(type name, message) of a text answer, cleaned for show."""
    kind, _, text = payload.decode("utf-8", "replace").partition("\0")
    return clean(kind, 60), clean(text)
