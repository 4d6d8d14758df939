"""The all-pairs sums of minima in a Triton kernel, for a CUDA GPU: packed float32 patterns, four weights a load.

A tile of programs meets a tile of heads, in one warp. On the device four weights of one pattern lie beside the same
four of the next, so that each step reads two rows of short vectors and adds a tile of minima in registers, four times.
``CHUNK`` of them are added in float32, chunks in float64, so that ``allpairs.sum_error`` holds as it does on the CPU:
no chunk is longer than a window of the float32 path. On an H100, 1,664 x 672 patterns of 128 tokens take 1.6 ms
(docs/scoring.md); one weight a load took 3.0 ms, tiles that are summed along an axis of weights 7.8 ms. Triton comes
with torch's CUDA builds. Its interpreter (``TRITON_INTERPRET=1``) runs the same kernel on the CPU.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator, import-not-found, unused-ignore"
from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import fail
from attndsl.runtime.allpairs_torch import torch_device
from attndsl.runtime.packing import Packed

TILE, CHUNK, LOAD = 32, 32, 4
"""Programs and heads of a tile; weights added in float32; weights of one load, which the kernel takes apart."""

DEVICE_BYTES = 512 << 20
"""Device memory for one block of programs."""


def runs_on(device: str) -> bool:
    """True when Triton is installed and can run on this torch device (its interpreter: on any)."""
    interpreted = os.environ.get("TRITON_INTERPRET") == "1"
    return importlib.util.find_spec("triton") is not None and (interpreted or device.split(":")[0] == "cuda")


@cache
def _kernel() -> Any:
    import triton
    import triton.language as tl

    @triton.jit
    def sums(left, right, out, programs, heads, size, TILE: tl.constexpr, CHUNK: tl.constexpr):
        p = tl.program_id(0) * TILE + tl.arange(0, TILE)
        h = tl.program_id(1) * TILE + tl.arange(0, TILE)
        two = tl.arange(0, 2)
        four = 2 * two[None, :, None] + two[None, None, :]
        # Pointers walk along: offsets of a block of programs can pass 2**31.
        a, b = left + 4 * p[:, None, None] + four, right + 4 * h[:, None, None] + four
        total = tl.zeros((TILE, TILE), dtype=tl.float64)
        for _ in range(0, size, CHUNK):
            part = tl.zeros((TILE, TILE), dtype=tl.float32)
            for _ in range(0, CHUNK, 4):
                a_odd, a_even = tl.split(tl.load(a))
                b_odd, b_even = tl.split(tl.load(b))
                a1, a3 = tl.split(a_odd)
                a2, a4 = tl.split(a_even)
                b1, b3 = tl.split(b_odd)
                b2, b4 = tl.split(b_even)
                part += tl.minimum(a1[:, None], b1[None, :])
                part += tl.minimum(a2[:, None], b2[None, :])
                part += tl.minimum(a3[:, None], b3[None, :])
                part += tl.minimum(a4[:, None], b4[None, :])
                a += 4 * programs
                b += 4 * heads
            total += part.to(tl.float64)
        tl.store(out + p.to(tl.int64)[:, None] * heads + h[None, :], total)

    return sums


def min_sums_triton(programs: Packed, heads: Packed, *, device: str = "cuda") -> NDArray[np.float64]:
    """``sum(min(A_p, B_h))`` for every program and head, float64 ``[P, H]``, computed on ``device``.

    Both sides are packed as "float32" with one layout. Memory on the device: the heads, and twice ``DEVICE_BYTES`` of
    programs. Error: ``allpairs.sum_error``. Raises E0533 for other packing, E0536 for a device without Triton.
    """
    return triton_sums(heads, device)(programs)


def triton_sums(heads: Packed, device: str) -> Callable[[Packed], NDArray[np.float64]]:
    """``min_sums_triton`` for many blocks of programs: the heads are brought to the device once."""
    if heads.precision != "float32":
        raise fail("E0533", f"heads are packed as {heads.precision}", help="pack them as float32")
    if not runs_on(device):
        raise fail("E0536", f"Triton cannot score on device '{device}'", help="score in float64")
    place = torch_device(device)
    # Error is bounded by the window of the packed form. A shorter one than a load holds all weights of the pattern.
    chunk = max(LOAD, min(CHUNK, 1 << (heads.layout.window.bit_length() - 1)))
    right = _by_weight(heads.data[: heads.rows], chunk, place)
    step = max(TILE, DEVICE_BYTES // (4 * heads.layout.size))

    def sums(programs: Packed) -> NDArray[np.float64]:
        if programs.form != heads.form:
            raise fail("E0533", "programs and heads are packed differently", help="pack both as float32")
        found = np.empty((programs.rows, heads.rows))
        for first in range(0, programs.rows, step):
            block = programs.data[first : min(first + step, programs.rows)]
            part = _launch(_by_weight(block, chunk, place), right, chunk)
            found[first : first + len(block)] = part[: len(block), : heads.rows].cpu().numpy()
        return found

    return sums


def _launch(left: Any, right: Any, chunk: int) -> Any:
    """Sums float64 ``[P, H]`` on the device, of patterns by weight."""
    import torch

    rows, columns = left.shape[1], right.shape[1]
    sums = torch.empty((rows, columns), dtype=torch.float64, device=left.device)
    tiles = (rows // TILE, columns // TILE)
    _kernel()[tiles](left, right, sums, rows, columns, LOAD * len(left), TILE, chunk, num_warps=1)
    return sums


def _by_weight(data: NDArray[np.float32], chunk: int, place: Any) -> Any:
    """Patterns ``[rows, size]`` as a tensor ``[size / LOAD, rows, LOAD]`` on the device, both sides filled with zeros
    to whole chunks and tiles."""
    import torch

    rows, size = data.shape
    wide = torch.zeros((-(-rows // TILE) * TILE, -(-size // chunk) * chunk), dtype=torch.float32, device=place)
    wide[:rows, :size] = torch.from_numpy(data).to(place)
    return wide.reshape(len(wide), -1, LOAD).transpose(0, 1).contiguous()
