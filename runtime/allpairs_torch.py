"""The all-pairs sums of minima through torch, for a GPU or any other device torch knows.

``sum(min(a, b)) = (sum(a) + sum(b) - sum(|a - b|)) / 2``, and the last is ``torch.cdist(p=1)``, which keeps no
``[P, H, N]`` array. Everything is in float64: the subtraction cancels, and single precision would lose what selection
needs. Reads the packed form of ``packing.py``, whose padding is zero and adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import fail
from attndsl.runtime.packing import Packed

DEVICE_BYTES = 512 << 20
"""Device memory for one block of programs."""


def torch_device(name: str) -> Any:
    """The torch device of that name. Raises E0536 when torch does not know it or the machine does not have it."""
    import torch

    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        text = str(error).split("\n", 1)[0]
        raise fail("E0536", f"cannot use device '{name}': {text}", help="'cpu', or leave the device out") from error
    return device


def min_sums_torch(programs: Packed, heads: Packed, *, device: str = "cpu") -> NDArray[np.float64]:
    """``sum(min(A_p, B_h))`` for every program and head, float64 ``[P, H]``, computed on ``device``.

    Both sides are packed as "float32" or "float64" with one layout. Memory: the heads in float64, and blocks of
    programs of ``DEVICE_BYTES``. Error: float64 rounding of sums of the size of n, about 1e-13. Raises E0533, E0536.
    """
    return torch_sums(heads, device)(programs)


def torch_sums(heads: Packed, device: str) -> Callable[[Packed], NDArray[np.float64]]:
    """``min_sums_torch`` for many blocks of programs: the heads are brought to the device once."""
    import torch

    place = torch_device(device)
    right = torch.from_numpy(heads.data[: heads.rows]).to(place, torch.float64)
    block = max(1, DEVICE_BYTES // (8 * heads.layout.size))

    def sums(programs: Packed) -> NDArray[np.float64]:
        if programs.form != heads.form or programs.precision not in ("float32", "float64"):
            message = "programs and heads are packed differently, or in fixed point"
            raise fail("E0533", message, help="pack both as float64")
        parts = []
        for first in range(0, programs.rows, block):
            left = torch.from_numpy(programs.data[first : min(first + block, programs.rows)]).to(place, torch.float64)
            parts.append(torch.cdist(left, right, p=1.0).cpu().numpy())
        distance = np.concatenate(parts)
        found: NDArray[np.float64] = np.maximum((np.add.outer(programs.sums, heads.sums) - distance) / 2, 0.0)
        return found

    return sums
