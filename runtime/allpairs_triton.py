"""The all-pairs sums of minima in a Triton kernel, for a CUDA GPU: packed float32 patterns are read once per tile.

A tile of programs meets a tile of heads; the minima of ``CHUNK`` weights are added in float32, chunks in float64, so
that ``allpairs.sum_error`` holds as it does on the CPU: a chunk is no longer than a window of the float32 path.
Triton comes with torch's CUDA builds. Its interpreter (``TRITON_INTERPRET=1``) runs the same kernel on the CPU.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator, import-not-found, unused-ignore"
from __future__ import annotations

import importlib.util
import os
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import fail
from attndsl.runtime.allpairs_torch import torch_device
from attndsl.runtime.packing import Packed

TILE, CHUNK = 16, 32
"""Programs and heads of a tile, and weights added in float32: 16 * 16 * 32 numbers are 64 registers of 128 threads."""

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
        # Offsets of a block of programs can pass 2**31.
        rows, columns = p.to(tl.int64)[:, None] * size, h.to(tl.int64)[:, None] * size
        total = tl.zeros((TILE, TILE), dtype=tl.float64)
        for start in range(0, size, CHUNK):
            i = start + tl.arange(0, CHUNK)[None, :]
            a = tl.load(left + rows + i, mask=(p[:, None] < programs) & (i < size), other=0.0)
            b = tl.load(right + columns + i, mask=(h[:, None] < heads) & (i < size), other=0.0)
            total += tl.sum(tl.minimum(a[:, None, :], b[None, :, :]), axis=2).to(tl.float64)
        inside = (p[:, None] < programs) & (h[None, :] < heads)
        tl.store(out + p.to(tl.int64)[:, None] * heads + h[None, :], total, mask=inside)

    return sums


def min_sums_triton(programs: Packed, heads: Packed, *, device: str = "cuda") -> NDArray[np.float64]:
    """``sum(min(A_p, B_h))`` for every program and head, float64 ``[P, H]``, computed on ``device``.

    Both sides are packed as "float32" with one layout. Memory on the device: the heads, and ``DEVICE_BYTES`` of
    programs. Error: ``allpairs.sum_error``. Raises E0533 for other packing, E0536 for a device without Triton.
    """
    import torch

    if programs.form != heads.form or programs.precision != "float32":
        raise fail("E0533", "programs and heads are not packed alike as float32", help="pack both as float32")
    if not runs_on(device):
        raise fail("E0536", f"Triton cannot score on device '{device}'", help="score in float64")
    place = torch_device(device)
    size = programs.layout.size
    right = torch.from_numpy(heads.data[: heads.rows]).to(place)
    step = max(TILE, DEVICE_BYTES // (4 * size))
    found = np.empty((programs.rows, heads.rows))
    for first in range(0, programs.rows, step):
        left = torch.from_numpy(programs.data[first : min(first + step, programs.rows)]).to(place)
        sums = torch.empty((len(left), len(right)), dtype=torch.float64, device=place)
        tiles = (-(-len(left) // TILE), -(-len(right) // TILE))
        _kernel()[tiles](left, right, sums, len(left), len(right), size, TILE, CHUNK)
        found[first : first + len(left)] = sums.cpu().numpy()
    return found
