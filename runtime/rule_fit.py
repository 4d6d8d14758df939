"""Kernels of the search for programs: softmax rows of weighted columns, their fit to a head, and what would raise it.

A *packed* array holds the cells of many rows one after the other; row r is ``start[r]:start[r + 1]``, its cells are
the keys that its query may see. A rule is a *column*: one value for every cell, which its weight multiplies before
the softmax. The fit is the sum of minima with the head's pattern: rows sum to one, so IoU rises with it alone.
Everything is deterministic: no threads, and additions in a fixed order.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

F32 = np.float32
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Ints = NDArray[np.int32]
Starts = NDArray[np.int64]


@njit(fastmath=True, nogil=True, cache=True)
def softmax_fit(columns: Floats, weights: Floats, head: Floats, start: Starts, pattern: Floats) -> float:
    """Write ``softmax(weights @ columns)`` row by row into ``pattern``; the sum of minima with ``head``."""
    total = 0.0
    for r in range(len(start) - 1):
        a, b = start[r], start[r + 1]
        row = pattern[a:b]
        row[:] = 0
        for i in range(len(weights)):
            weight = weights[i]
            column = columns[i, a:b]
            for j in range(b - a):
                row[j] += weight * column[j]
        most = row[0]
        for j in range(b - a):
            most = max(most, row[j])
        mass = F32(0)
        for j in range(b - a):
            row[j] = np.exp(row[j] - most)
            mass += row[j]
        target = head[a:b]
        common = F32(0)
        for j in range(b - a):
            row[j] /= mass
            common += min(row[j], target[j])
        total += float(common)
    return total


@njit(fastmath=True, nogil=True, cache=True)
def score_gradient(pattern: Floats, head: Floats, start: Starts, gradient: Floats, spread: Floats) -> None:
    """The derivative of the fit by every score (before softmax) and the variance ``p (1 - p)`` of every weight."""
    for r in range(len(start) - 1):
        a, b = start[r], start[r + 1]
        p, target = pattern[a:b], head[a:b]
        low = F32(0)  # the mass that lies where the pattern has too little
        for j in range(b - a):
            low += p[j] if p[j] < target[j] else F32(0)
        for j in range(b - a):
            gradient[a + j] = p[j] * ((F32(1) if p[j] < target[j] else F32(0)) - low)
            spread[a + j] = p[j] * (F32(1) - p[j])


@njit(fastmath=True, nogil=True, cache=True)
def weight_gradient(columns: Floats, gradient: Floats, start: Starts) -> NDArray[np.float64]:
    """The derivative of the fit by every rule's weight, float64 ``[rules]``."""
    found = np.zeros(len(columns))
    for i in range(len(columns)):
        for r in range(len(start) - 1):
            part = F32(0)
            for j in range(start[r], start[r + 1]):
                part += columns[i, j] * gradient[j]
            found[i] += part
    return found


@njit(fastmath=True, nogil=True, cache=True)
def information(columns: Floats, pattern: Floats, start: Starts, step: int) -> NDArray[np.float64]:
    """The Fisher information of the weights, float64 ``[rules, rules]``, estimated from every ``step``-th row."""
    count = len(columns)
    found = np.zeros((count, count))
    mean = np.zeros(count)
    for r in range(0, len(start) - 1, step):
        a, b = start[r], start[r + 1]
        p = pattern[a:b]
        for i in range(count):
            column = columns[i, a:b]
            part = F32(0)
            for j in range(b - a):
                part += column[j] * p[j]
            mean[i] = part
        for i in range(count):
            if mean[i] == 0:
                continue
            one = columns[i, a:b]
            for k in range(i + 1):
                if mean[k] == 0:
                    continue
                other = columns[k, a:b]
                part = F32(0)
                for j in range(b - a):
                    part += one[j] * other[j] * p[j]
                found[i, k] += part - mean[i] * mean[k]
    for i in range(count):
        for k in range(i + 1):
            found[i, k] *= step
            found[k, i] = found[i, k]
    return found


@njit(fastmath=True, nogil=True, cache=True)
def sums_by_relation(
    relations: Bytes, inside: Bytes, pattern: Floats, gradient: Floats, spread: Floats,
    start: Starts, first_key: Ints, text: Ints, before: Ints,
    by_text: Floats, by_before: Floats, by_row: Floats,
) -> None:  # fmt: skip
    """What every relation (uint8 ``[N, cells]``), narrowed to ``inside``, could gain, by kind of key and by row.

    ``text`` and ``before`` name the literal of each token and of the one before it. ``by_text`` and ``by_before``,
    float32 ``[2, N, literals]``, get sums of gradient and spread; ``by_row``, ``[2, N, rows]``, of gradient and weight.
    """
    for i in range(len(relations)):
        for r in range(len(start) - 1):
            a = start[r]
            key = first_key[r]
            rise, mass = F32(0), F32(0)
            for j in range(start[r + 1] - a):
                if relations[i, a + j] and inside[a + j]:
                    g, h = gradient[a + j], spread[a + j]
                    rise += g
                    mass += pattern[a + j]
                    literal = text[key + j]
                    by_text[0, i, literal] += g
                    by_text[1, i, literal] += h
                    literal = before[key + j]
                    by_before[0, i, literal] += g
                    by_before[1, i, literal] += h
            by_row[0, i, r] = rise
            by_row[1, i, r] = mass


@njit(fastmath=True, nogil=True, cache=True)
def gain_of_cells(
    cells: Bytes, pattern: Floats, head: Floats, start: Starts, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """By how much the fit rises when a rule over ``cells`` (0 or 1) joins with each of ``weights``, float64."""
    found = np.zeros(len(weights))
    for r in range(len(start) - 1):
        a, b = start[r], start[r + 1]
        inside, p, target = cells[a:b], pattern[a:b], head[a:b]
        mass, before = F32(0), F32(0)
        for j in range(b - a):
            mass += inside[j] * p[j]
        if mass <= 1e-9:
            continue
        for j in range(b - a):
            before += min(p[j], target[j])
        for i in range(len(weights)):
            more = F32(np.exp(weights[i]) - 1)
            scale = F32(1) / (F32(1) + more * mass)
            after = F32(0)
            for j in range(b - a):
                after += min(p[j] * (F32(1) + more * inside[j]) * scale, target[j])
            found[i] += after - before
    return found


@njit(fastmath=True, nogil=True, cache=True)
def gain_of_column(
    column: Floats, pattern: Floats, head: Floats, start: Starts, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """As ``gain_of_cells`` for a column of any values."""
    found = np.zeros(len(weights))
    longest = 0
    for r in range(len(start) - 1):
        longest = max(longest, start[r + 1] - start[r])
    raised = np.empty(longest, F32)
    for r in range(len(start) - 1):
        a, b = start[r], start[r + 1]
        values, p, target = column[a:b], pattern[a:b], head[a:b]
        before = F32(0)
        for j in range(b - a):
            before += min(p[j], target[j])
        for i in range(len(weights)):
            mass, after = F32(0), F32(0)
            for j in range(b - a):
                raised[j] = p[j] * np.exp(F32(weights[i]) * values[j])
                mass += raised[j]
            for j in range(b - a):
                after += min(raised[j] / mass, target[j])
            found[i] += after - before
    return found


@njit(fastmath=True, nogil=True, cache=True)
def bend_sums(
    column: Floats, cells: Floats, value: Floats, pattern: Floats, gradient: Floats, start: Starts, step: int
) -> NDArray[np.float64]:
    """For a rule's ``column`` and the product ``cells * value``: the derivatives of the fit by both weights, then
    the information of the first, of both, and of the second; float64 ``[5]``, from every ``step``-th row."""
    found = np.zeros(5)
    for r in range(0, len(start) - 1, step):
        a, b = start[r], start[r + 1]
        m0 = m1 = p00 = p01 = p11 = s0 = s1 = F32(0)
        for j in range(a, b):
            c, v, p = column[j], cells[j] * value[j], pattern[j]
            s0 += c * gradient[j]
            s1 += v * gradient[j]
            m0 += c * p
            m1 += v * p
            p00 += c * c * p
            p01 += c * v * p
            p11 += v * v * p
        found[0] += s0
        found[1] += s1
        found[2] += p00 - m0 * m0
        found[3] += p01 - m0 * m1
        found[4] += p11 - m1 * m1
    return found * step


@njit(nogil=True, cache=True)
def narrow(cells: Bytes, keys: Bytes, queries: Bytes, start: Starts, first_key: Ints, query: Ints) -> None:
    """Keep of ``cells``, in place, those whose key token and query token are marked."""
    for r in range(len(start) - 1):
        a, b = start[r], start[r + 1]
        if queries[query[r]]:
            for j in range(b - a):
                cells[a + j] &= keys[first_key[r] + j]
        else:
            cells[a:b] = 0


@njit(fastmath=True, nogil=True, cache=True)
def minima_by_row(pattern: Floats, head: Floats, start: Starts) -> NDArray[np.float64]:
    """The sum of minima of every row, float64."""
    found = np.zeros(len(start) - 1)
    for r in range(len(start) - 1):
        part = F32(0)
        for j in range(start[r], start[r + 1]):
            part += min(pattern[j], head[j])
        found[r] = part
    return found
