"""Patterns in the form the all-pairs kernels read: no upper triangle, vector lanes side by side.

A causal pattern of ``n`` tokens has ``N = n (n + 1) / 2`` weights, a bidirectional one ``n * n``. They are put in one
stream and the stream is cut into ``lanes`` runs of ``steps`` weights; the packed row holds step 0 of every run, step 1
of every run, and so on. Causal rows enter the stream in pairs, the longest with the shortest (n-1, 0, n-2, 1, ...),
so that any ``n + 1`` consecutive weights touch at most three rows. Rows sum to at most one. Hence within a window of
``n + 1`` steps a lane sums to at most 3, and with ``scale = 65535 / 3``, less rounding, sums of uint16 fixed point
never overflow: the kernel needs one minimum and one 16-bit addition per vector, and widens once per window.

"uint8" is rounded up or down by a threshold per cell that all patterns share (``dither.py`` says why). Its sums of
bytes are taken in 64-bit lanes and cannot overflow, so it uses the layout of one lane: the stream as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.runtime.dither import STEPS, dither
from attndsl.runtime.jit import cached_njit
from attndsl.runtime.pattern import ROW_SUM_TOLERANCE

Precision = Literal["float64", "float32", "int16", "uint8"]
PRECISIONS: tuple[Precision, ...] = ("float64", "float32", "int16", "uint8")

ROW_MULTIPLE = 12
"""Packed stacks are padded with zero patterns to a multiple of every register tile (6x4, 4x4 and 3x3)."""

BLOCK_BYTES = 8 << 20
"""Packed programs at once. Larger blocks were slower: they touch fresh memory for every sentence."""

MAX_WINDOW = 256
"""Steps between two widenings: small enough for the first-level cache, large enough to make widening free."""

BYTES_WINDOW = 9 << 10
"""Bytes of a "uint8" window at most: three of them, the heads of a tile, fit the first-level cache."""

_PROBLEMS = {
    1: ("E0531", "holds a weight that is not finite"),
    2: ("E0532", "holds a negative weight"),
    3: ("E0532", "gives weight to a key after the query"),
    4: ("E0532", "has a row that sums to more than one"),
}


@dataclass(frozen=True, eq=False)
class Layout:
    """Where each weight of an ``n``-token pattern goes. Build it with ``layout``.

    ``starts`` int64 [n]: stream position of key 0 of each query row. Weight ``(q, k)`` has stream position
    ``p = starts[q] + k`` and lies at ``(p % steps) * lanes + p // steps`` of the packed row of ``size`` numbers.
    ``window``: steps a uint16 lane may sum without overflow. ``scale``: fixed-point units per weight of 1.
    """

    n: int
    causal: bool
    lanes: int
    steps: int
    window: int
    scale: int
    starts: NDArray[np.int64]

    @property
    def key(self) -> tuple[int, bool, int]:
        """What the layout is made from; layouts with one key are the same."""
        return self.n, self.causal, self.lanes

    @property
    def size(self) -> int:
        """Numbers in one packed pattern, padding included."""
        return self.steps * self.lanes

    def bytes_per_pattern(self, precision: Precision) -> int:
        """Bytes of one packed pattern."""
        return self.size * {"uint8": 1, "int16": 2}.get(precision, 4)

    def packs(self, precision: Precision) -> Layout:
        """This layout, or for "uint8" the one of the same patterns with one lane."""
        return layout(self.n, self.causal, 1) if precision == "uint8" else self


@lru_cache(maxsize=64)
def layout(n: int, causal: bool, lanes: int) -> Layout:
    """The layout for ``n`` tokens and vectors of ``lanes`` 16-bit numbers; with one lane, for vectors of bytes.

    A single lane is as long as a whole number of cache lines, and its ``window`` counts vectors of 32 bytes.
    """
    rows = np.arange(n, dtype=np.int64)
    total = n * (n + 1) // 2 if causal else n * n
    if causal:
        # Pair i starts at i (n + 1): row n-1-i first (n - i keys), then row i.
        mirrored = n - 1 - rows
        starts = np.where(rows >= mirrored, mirrored * (n + 1), rows * (n + 1) + n - rows)
    else:
        starts = rows * n
    starts.setflags(write=False)
    if lanes == 1:
        lines = -(-total // 64)
        # Windows of one length: each ends with the lanes of every sum added up, which a short one would not repay.
        window = 2 * -(-lines // -(-lines * 64 // BYTES_WINDOW))
        return Layout(n, causal, lanes, lines * 64, window, STEPS, starts)
    window = min(n + 1, MAX_WINDOW)
    scale = int((65535 - (window + 1) / 2) / (3 * (1 + ROW_SUM_TOLERANCE)))
    return Layout(n, causal, lanes, -(-total // lanes), window, scale, starts)


@dataclass(frozen=True, eq=False)
class Packed:
    """A stack of packed patterns.

    ``data`` uint8, uint16 or float32 ``[rows padded, layout.size]``, 64-byte aligned. ``sums`` float64 [rows]: exact
    sum of the weights. ``errors`` float64 [rows]: sum of ``|stored - exact|`` over the weights, zero for float data;
    for "uint8" the pattern's share of the variance of a sum of minima, in squared weights. ``draw``: which thresholds
    "uint8" uses.
    """

    layout: Layout
    precision: Precision
    data: NDArray[Any]
    sums: NDArray[np.float64]
    errors: NDArray[np.float64]
    draw: int = 0

    @property
    def form(self) -> tuple[Any, ...]:
        """What two stacks must share to be compared."""
        return self.layout.key, self.precision, self.draw

    @property
    def thresholds(self) -> NDArray[np.float32]:
        """The thresholds of "uint8" in stream order; no other precision has any."""
        return dither(self.layout.size if self.precision == "uint8" else 0, self.draw)

    @property
    def rows(self) -> int:
        """Number of patterns."""
        return int(self.sums.shape[0])

    def part(self, rows: int) -> Packed:
        """The first ``rows`` patterns, in the same memory."""
        padded = -(-max(rows, 1) // ROW_MULTIPLE) * ROW_MULTIPLE
        return replace(self, data=self.data[:padded], sums=self.sums[:rows], errors=self.errors[:rows])


def block_rows(place: Layout, precision: Precision, block_bytes: int, threads: int) -> int:
    """Programs to pack at once: about ``block_bytes``, but at least four groups of the register tile per thread."""
    return max(block_bytes // place.bytes_per_pattern(precision), 4 * ROW_MULTIPLE * threads)


def aligned_zeros(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Zeros whose first byte lies on a cache line, so that no vector load crosses two."""
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(count + 64, np.uint8)
    offset = -raw.ctypes.data % 64
    aligned: NDArray[Any] = raw[offset : offset + count].view(dtype).reshape(shape)
    return aligned


def empty_packed(place: Layout, precision: Precision, rows: int, *, draw: int = 0) -> Packed:
    """Room for ``rows`` patterns, all zero; fill it with ``pack_into``. ``layout`` becomes ``place.packs(precision)``.

    Compiled code that makes rows can skip the square matrix: keep a zeroed stream of ``layout.size`` numbers, give
    each query row to ``quantise_row`` or ``copy_row`` with ``stream[starts[q]:]``, then ``interleave`` it into
    ``data[i]`` and set ``sums[i]`` and ``errors[i]`` (units divided by ``layout.scale``); "uint8" takes ``dither_row``,
    straight to ``data[i]``, and divides its variance by ``layout.scale ** 2``. Rows are not checked.
    Raises E0536 for an unknown precision."""
    if precision not in PRECISIONS:
        raise fail("E0536", f"unknown precision '{precision}'", help=f"one of {', '.join(PRECISIONS)}")
    padded = -(-max(rows, 1) // ROW_MULTIPLE) * ROW_MULTIPLE
    dtype = {"uint8": np.uint8, "int16": np.uint16}.get(precision, np.float32)
    place = place.packs(precision)
    data = aligned_zeros((padded, place.size), dtype)
    return Packed(place, precision, data, np.zeros(rows), np.zeros(rows), draw)


@cached_njit(nogil=True)
def _signs(bits, length):  # type: ignore[no-untyped-def]
    """(sign bits of keys 0..length-1, bits of the other keys) or-ed, of a row seen as int32.

    Or-ing is one vector operation where comparing floats is several; -0.0 has a sign bit but is no negative weight.
    """
    signs = np.int32(0)
    for k in range(length):
        signs |= bits[k]
    stray = np.int32(0)
    for k in range(length, bits.shape[0]):
        stray |= bits[k]
    return signs, stray & 0x7FFFFFFF


@cached_njit(nogil=True)
def _problem(row, signs, stray, length, total, limit):  # type: ignore[no-untyped-def]
    """What is wrong with a row, 0 for nothing; ``total`` is the sum of its keys 0..length-1."""
    if not np.isfinite(total):
        return 1
    if signs < 0 and row[:length].min() < 0.0:
        return 2
    if stray != 0:
        return 3
    return 4 if total > limit else 0


@cached_njit(nogil=True, fastmath={"reassoc"})
def quantise_row(row, length, scale, out):  # type: ignore[no-untyped-def]
    """Fixed point of keys 0..length-1 to ``out``; returns (sum, sum of rounding errors in units)."""
    total = 0.0
    error = 0.0
    for k in range(length):
        weight = np.float64(row[k])
        total += weight
        exact = weight * scale
        units = np.int32(exact + 0.5)
        error += abs(exact - units)
        out[k] = np.uint16(units)
    return total, error


@cached_njit(nogil=True, fastmath={"reassoc"})
def dither_row(row, length, scale, thresholds, out):  # type: ignore[no-untyped-def]
    """Bytes ``floor(scale * weight + threshold)`` of keys 0..length-1; returns (sum, share of the variance in steps).

    A difference of x steps has variance f (1 - f), f its fraction, which is at most min(x, 1/4), and half a difference
    a quarter of that; two weights have no greater difference than the larger one.
    """
    total = 0.0
    variance = np.float32(0.0)
    steps = np.float32(scale)
    for k in range(length):
        weight = row[k]
        exact = weight * steps
        total += np.float64(weight)
        variance += min(exact, np.float32(0.25))
        out[k] = np.uint8(np.int32(exact + thresholds[k]))
    return total, np.float64(variance) * 0.250025  # a quarter, and room for single precision


@cached_njit(nogil=True, fastmath={"reassoc"})
def copy_row(row, length, out):  # type: ignore[no-untyped-def]
    """Keys 0..length-1 to ``out``; returns their sum."""
    total = 0.0
    for k in range(length):
        total += np.float64(row[k])
        out[k] = row[k]
    return total


@cached_njit(nogil=True)
def interleave(stream, out, steps, lanes):  # type: ignore[no-untyped-def]
    """Turn a stream of ``steps * lanes`` numbers, runs one after the other, into a packed row."""
    for step in range(steps):
        target = out[step * lanes : (step + 1) * lanes]
        for lane in range(lanes):
            target[lane] = stream[lane * steps + step]


def unwritable(patterns: NDArray[np.float32]) -> NDArray[np.float32]:
    """``patterns``, contiguous float32, as an array that cannot be written to; the same memory where it fits.

    Patterns mapped from a file cannot be, computed ones can. To numba these are two types, and a kernel is compiled
    for each, the second in the middle of a job.
    """
    shown = np.ascontiguousarray(patterns, dtype=np.float32).view()
    shown.flags.writeable = False
    return shown


@cached_njit(nogil=True)
def _pack_stack(patterns, first, stop, to, causal, starts, steps, lanes, scale, data, sums, errors, limit, thresholds):  # type: ignore[no-untyped-def]
    """Pack patterns first..stop-1 to rows to+first...; returns (index, problem) of the first bad one, or (-1, 0)."""
    n = patterns.shape[1]
    own = np.zeros(steps * lanes if lanes > 1 else 0, data.dtype)
    bits = patterns.view(np.int32)
    for i in range(first, stop):
        total = 0.0
        error = 0.0
        stream = own if lanes > 1 else data[to + i]
        for q in range(n):
            length = q + 1 if causal else n
            row = patterns[i, q]
            place = stream[starts[q] : starts[q] + length]
            lost = 0.0
            if lanes == 1:
                part, lost = dither_row(row, length, scale, thresholds[starts[q] : starts[q] + length], place)
            elif scale > 0:
                part, lost = quantise_row(row, length, scale, place)
            else:
                part = copy_row(row, length, place)
            signs, stray = _signs(bits[i, q], length)
            problem = _problem(row, signs, stray, length, part, limit)
            if problem != 0:
                return i, problem
            total += part
            error += lost
        sums[to + i] = total
        errors[to + i] = error / scale if scale > 0 else 0.0
        if lanes > 1:
            interleave(stream, data[to + i], steps, lanes)
        else:
            errors[to + i] /= scale  # a variance
    return -1, 0


def pack_into(
    packed: Packed,
    first: int,
    patterns: NDArray[np.float32],
    *,
    start: int = 0,
    stop: int | None = None,
    what: str = "pattern",
    number: int | None = None,
) -> None:
    """Pack ``patterns[start:stop]`` of float32 ``[count, n, n]`` into rows ``first + start ...`` of ``packed``.

    Releases the interpreter lock, so disjoint ranges may be packed by several threads. Raises E0533 for another size
    and E0531 or E0532 for the first matrix that is no pattern (rows may sum to less than one), which they call
    ``what`` and its place in ``patterns``, counted from ``number`` (None: from ``first``).
    """
    place = packed.layout
    stop = len(patterns) if stop is None else stop
    if patterns.ndim != 3 or patterns.shape[1:] != (place.n, place.n) or first + stop > packed.rows:
        raise fail(
            "E0533",
            f"{what} stack has shape {patterns.shape}, expected [.., {place.n}, {place.n}] for rows "
            f"{first} to {packed.rows - 1}",
            help="programs and heads of one sentence must cover the same tokens",
        )
    scale = place.scale if packed.precision in ("int16", "uint8") else 0
    where, problem = _pack_stack(
        unwritable(patterns),
        start,
        stop,
        first,
        place.causal,
        place.starts,
        place.steps,
        place.lanes,
        scale,
        packed.data,
        packed.sums,
        packed.errors,
        1 + ROW_SUM_TOLERANCE,
        packed.thresholds,
    )
    if problem:
        raise packing_error(int(problem), f"{what} {(first if number is None else number) + int(where)}")


def packing_error(problem: int, name: str) -> DiagnosticError:
    """The diagnostic for a problem number that packing a row returned."""
    code, text = _PROBLEMS[problem]
    return fail(code, f"{name} {text}", help="call normalise(matrix, causal=...) first")
