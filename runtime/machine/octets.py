"""The next true value of a row, or the last, eight asked at once as one 64-bit number (an *octet*).

A vector loop cannot stop at what it finds, and one value at a time costs more than the work that the rare true ones
bring.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types, uint64
from numba.extending import intrinsic

from attndsl.runtime.machine.loops import OPTIONS

OCTET = 8


@intrinsic
def _load(typing_context: Any, u: Any, at: Any) -> Any:
    """The eight bytes from u[at] on."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        place = builder.bitcast(builder.gep(data, [args[1]]), ir.PointerType(ir.IntType(64)))
        octet = builder.load(place, align=1)
        return octet if _LITTLE else builder.bswap(octet)

    return types.uint64(u, types.uint64), code


def _zeros(name: str) -> Any:
    """How many bits of an octet are zero, from the end that ``name`` says."""

    @intrinsic
    def zeros(typing_context: Any, octet: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return getattr(builder, name)(args[0], ir.Constant(ir.IntType(1), 0))

        return types.uint64(types.uint64), code

    return zeros


_trailing_zeros, _leading_zeros = _zeros("cttz"), _zeros("ctlz")

_LITTLE = np.dtype("<u8") == np.dtype(np.uint64)


@njit(**OPTIONS)
def first_true(u, at, step, low, high):
    """The first of the places low..high-1 that is true, or high; place j lies at u[at + j * step]."""
    j = low
    if step == 1:
        # numba gives its intrinsics their first argument itself
        while j + OCTET <= high:
            octet: Any = _load(u, uint64(at + j))  # type: ignore[call-arg]
            if octet != 0:
                return j + np.int64(_trailing_zeros(octet) >> uint64(3))
            j += OCTET
    while j < high and not u[uint64(at + j * step)]:
        j += 1
    return j


@njit(**OPTIONS)
def last_true(u, at, step, high):
    """The last of the places 0..high-1 that is true, or -1."""
    j = high
    if step == 1:
        while j >= OCTET:
            octet: Any = _load(u, uint64(at + j - OCTET))  # type: ignore[call-arg]
            if octet != 0:
                return j - 1 - np.int64(_leading_zeros(octet) >> uint64(3))
            j -= OCTET
    while j > 0 and not u[uint64(at + (j - 1) * step)]:
        j -= 1
    return j - 1
