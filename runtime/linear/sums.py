"""Sums over ranges of keys for all queries at once, without a matrix and without differences of running sums.

Differences of running sums lose digits where the running sum is large, and powers of a decay's inverse overflow; here
every sum is built from parts that lie inside the range, and every power is at most one.
"""

from __future__ import annotations

import torch

CHUNK = 128  # rows of one block product of a scan, and of one short running sum


def prefix_sum(x: torch.Tensor, hi: torch.Tensor) -> torch.Tensor:
    """``out[q] = sum of x[0..hi[q]]``, zero where hi is -1; ``x`` is [n, m].

    In two levels, so that float32 adds up hundreds of numbers in a row and not thousands.
    """
    _n, m = x.shape
    blocks = _blocks(x)
    inner = blocks.cumsum(1)
    before = inner[:, -1].cumsum(0) - inner[:, -1] if x.dtype == torch.float64 else _exclusive(inner[:, -1])
    total = (inner + before[:, None]).reshape(-1, m)
    return total[hi.clamp(min=0)] * (hi >= 0)[:, None]


def _exclusive(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([torch.zeros_like(x[:1]), x[:-1].cumsum(0)])


def decayed_prefix_sum(x: torch.Tensor, hi: torch.Tensor, slope: float) -> torch.Tensor:
    """``out[q] = sum over k <= hi[q] of exp(slope * (q - k)) * x[k]``, with ``slope <= 0`` and ``hi[q] <= q``."""
    _n, m = x.shape
    blocks = _blocks(x)
    step = torch.arange(CHUNK, device=x.device, dtype=torch.float64)
    away = step[:, None] - step[None, :]
    inside = torch.where(away >= 0, torch.exp(slope * away.clamp(min=0)), 0.0).to(x.dtype)
    local = inside @ blocks
    whole, state = float(torch.exp(torch.tensor(slope * CHUNK, dtype=torch.float64))), torch.zeros_like(local[0, -1])
    states = []
    for last in local[:, -1].unbind(0):
        states.append(state)
        state = state * whole + last
    entering = torch.exp(slope * (step + 1)).to(x.dtype)
    total = (local + entering[None, :, None] * torch.stack(states)[:, None]).reshape(-1, m)
    row = torch.arange(len(hi), device=x.device)
    since = torch.exp(slope * (row - hi).to(torch.float64)).to(x.dtype) * (hi >= 0)
    return total[hi.clamp(min=0)] * since[:, None]


def _blocks(x: torch.Tensor) -> torch.Tensor:
    """[n, m] as [blocks, CHUNK, m], zeros at the end."""
    n, m = x.shape
    return torch.nn.functional.pad(x, (0, 0, 0, -n % CHUNK)).reshape(-1, CHUNK, m)


def range_sum(
    x: torch.Tensor,
    lo: torch.Tensor,
    hi: torch.Tensor,
    slope: float = 0.0,
    places: torch.Tensor | None = None,
    rows: torch.Tensor | None = None,
) -> torch.Tensor:
    """``out[q] = sum of exp(slope * (rows[q] - places[k])) * x[k] over k in [lo[q], hi[q]]``, empty where hi < lo.

    A tree of sums over 2, 4, 8 ... neighbours: each range is at most two nodes of each size. ``places`` are the
    positions of the elements of ``x`` (their index, where not given), ``rows`` those of the queries.
    """
    out = x.new_zeros((len(lo), x.shape[1]))
    left, right = lo.clone(), torch.maximum(hi + 1, lo)
    ends = places if places is not None else torch.arange(len(x), device=x.device)
    level = x
    while True:
        active = left < right
        if not bool(active.any()):
            return out
        for odd, at in ((active & (left % 2 == 1), left), (active & (right % 2 == 1), right - 1)):
            chosen = odd.nonzero()[:, 0]
            if len(chosen):
                node = at[chosen]
                part = level[node]
                if slope and rows is not None:
                    part = part * _decay(slope, rows[chosen] - ends[node], x.dtype)[:, None]
                out.index_add_(0, chosen, part)
        left, right = (left + 1) // 2, right // 2
        if len(level) % 2:
            level = torch.cat([level, torch.zeros_like(level[:1])])
            ends = torch.cat([ends, ends[-1:]])
        if slope:
            # Across the border of two groups positions go back; no range uses such a node.
            fade = _decay(slope, (ends[1::2] - ends[0::2]).clamp(min=0), x.dtype)
            level = level[0::2] * fade[:, None] + level[1::2]
        else:
            level = level[0::2] + level[1::2]
        ends = ends[1::2]


def _decay(slope: float, away: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return torch.exp(slope * away.to(torch.float64)).to(dtype)


def toeplitz(x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """``out[q] = sum over k <= q of kernel[q - k] * x[k]`` by a Fourier transform in float64; O(n log n)."""
    n = len(x)
    size = 1 << (2 * n - 1).bit_length()
    columns = x.to(torch.float64).T.contiguous()  # a transform along far apart places is many times slower
    spectrum = torch.fft.rfft(columns, size)
    spectrum *= torch.fft.rfft(kernel.to(torch.float64), size)
    found: torch.Tensor = torch.fft.irfft(spectrum, size)
    return found[:, :n].T.to(x.dtype)


def range_extreme(values: torch.Tensor, lo: torch.Tensor, hi: torch.Tensor, largest: bool) -> torch.Tensor:
    """The largest or smallest of ``values`` in each range, infinite where it is empty: two overlapping parts."""
    pick = torch.maximum if largest else torch.minimum
    table = [values]
    while 2 ** len(table) <= len(values):
        last, step = table[-1], 2 ** (len(table) - 1)
        table.append(torch.cat([pick(last[:-step], last[step:]), last[-step:]]))
    length = (hi - lo + 1).clamp(min=1)
    level = torch.log2(length.to(torch.float64)).floor().to(torch.int64)
    level = torch.where(2**level > length, level - 1, level)
    stack = torch.stack(table)
    first = stack[level, lo.clamp(0, len(values) - 1)]
    second = stack[level, (hi - 2**level + 1).clamp(0, len(values) - 1)]
    return torch.where(hi >= lo, pick(first, second), float("-inf") if largest else float("inf"))
