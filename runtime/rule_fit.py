"""Kernels of the search for programs: softmax rows of weighted columns, their fit to a head, and what would raise it.

A *packed* array holds the cells of many rows one after the other; row r is ``start[r]:start[r + 1]``, its cells are
the keys that its query may see. A rule is a *column*: one value for every cell, which its weight multiplies before
the softmax. The fit is the sum of minima with the head's pattern: rows sum to one, so IoU rises with it alone.
Everything is deterministic: no threads, and additions in a fixed order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from attndsl.runtime.jit import cached_njit

F32 = np.float32
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Ints = NDArray[np.int32]
Starts = NDArray[np.int64]


_LOG2_E = F32(1.44269504088896341)
_LN2_HIGH, _LN2_LOW = F32(0.693359375), F32(-2.12194440e-4)
_E0, _E1, _E2 = F32(1.9875691500e-4), F32(1.3981999507e-3), F32(8.3334519073e-3)
_E3, _E4, _E5 = F32(4.1665795894e-2), F32(1.6666665459e-1), F32(5.0000001201e-1)
_LEAST, _MOST = F32(-87), F32(88)


@cached_njit(fastmath={"contract"}, nogil=True)
def exp32(x):  # type: ignore[no-untyped-def]
    """``exp`` in single precision, within 2e-7 of it from -87 to 88 and constant beyond; a compiler can make vectors
    of it, which it cannot of a call. After expf of the Cephes library (S. Moshier): x = i ln 2 + f and a polynomial
    for exp(f).
    """
    x = min(max(x, _LEAST), _MOST)
    i = np.floor(x * _LOG2_E + F32(0.5))
    f = x - i * _LN2_HIGH - i * _LN2_LOW
    y = _E0 * f + _E1
    y = y * f + _E2
    y = y * f + _E3
    y = y * f + _E4
    y = y * f + _E5
    y = y * f * f + f + F32(1)
    return y * np.int32((np.int32(i) + np.int32(127)) << np.int32(23)).view(np.float32)


@cached_njit(fastmath=True, nogil=True)
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
            row[j] = exp32(row[j] - most)
            mass += row[j]
        target = head[a:b]
        common = F32(0)
        for j in range(b - a):
            row[j] /= mass
            common += min(row[j], target[j])
        total += float(common)
    return total


@cached_njit(fastmath=True, nogil=True)
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


@cached_njit(fastmath=True, nogil=True)
def weight_gradient(columns: Floats, gradient: Floats, start: Starts) -> NDArray[np.float64]:
    """The derivative of the fit by every rule's weight, float64 ``[rules]``."""
    found = np.zeros(len(columns))
    for i in range(len(columns)):
        for r in range(len(start) - 1):
            a, b = start[r], start[r + 1]
            column, slope = columns[i, a:b], gradient[a:b]
            part = F32(0)
            for j in range(b - a):
                part += column[j] * slope[j]
            found[i] += part
    return found


@cached_njit(fastmath=True, nogil=True)
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


@cached_njit(fastmath=True, nogil=True)
def sums_by_relation(
    relations: Bytes, inside: Bytes, pattern: Floats, gradient: Floats, spread: Floats,
    start: Starts, first_key: Ints, text: Ints, before: Ints,
    by_text: Floats, by_before: Floats, by_row: Floats,
) -> None:  # fmt: skip
    """What every relation (uint8 ``[N, cells]``), narrowed to ``inside``, could gain, by kind of key and by row.

    ``text`` and ``before`` name the literal of each token and of the one before it. ``by_text`` and ``by_before``,
    float32 ``[2, N, literals]``, get sums of gradient and spread; ``by_row``, ``[2, N, rows]``, of gradient and weight.
    """
    rows = len(start) - 1
    held = np.zeros(rows, np.bool_)
    longest = 0
    for r in range(rows):
        held[r] = inside[start[r] : start[r + 1]].any()
        longest = max(longest, start[r + 1] - start[r])
    # Rows of one text see the same keys in the same places: sums by key first, then by what the keys are.
    by_key = np.empty((2, longest), F32)
    rises, spreads = by_key[0], by_key[1]
    for i in range(len(relations)):
        r = 0
        while r < rows:
            key, keys = first_key[r], 0
            by_key[:] = 0
            while r < rows and first_key[r] == key:
                if held[r]:
                    a, b = start[r], start[r + 1]
                    relation, chosen = relations[i, a:b], inside[a:b]
                    p, g, h = pattern[a:b], gradient[a:b], spread[a:b]
                    rise, mass = F32(0), F32(0)
                    for j in range(b - a):
                        one = F32(relation[j] & chosen[j])
                        rises[j] += one * g[j]
                        spreads[j] += one * h[j]
                        rise += one * g[j]
                        mass += one * p[j]
                    by_row[0, i, r] = rise
                    by_row[1, i, r] = mass
                    keys = max(keys, b - a)
                r += 1
            for j in range(keys):
                literal = text[key + j]
                by_text[0, i, literal] += rises[j]
                by_text[1, i, literal] += spreads[j]
                literal = before[key + j]
                by_before[0, i, literal] += rises[j]
                by_before[1, i, literal] += spreads[j]


@cached_njit(fastmath=True, nogil=True)
def sums_by_test(values: Floats, tests: Floats) -> Floats:
    """The product of ``[N, rows]`` and ``[rows, tests]``. It is small: threads of a library would cost more than they
    do."""
    found = np.zeros((len(values), tests.shape[1]), F32)
    for i in range(len(values)):
        for r in range(len(tests)):
            value = values[i, r]
            if value != 0:
                for c in range(tests.shape[1]):
                    found[i, c] += value * tests[r, c]
    return found


@cached_njit(nogil=True)
def best_prefixes(
    rise: Floats, variance: Floats, ridge: float, most: int
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """For every row of sums ``[rows, words]`` the set of at most ``most`` words with the largest ``R^2 / (V + ridge)``,
    R and V its sums of rise and variance: float64 ``[rows]``, and the words, int32 ``[rows, most]``, filled up with 0.

    Words are taken in the order of ``rise / (variance + ridge)``, as far as that gains; of a longer set the words stay
    that raise most. Word 0, and words that do not raise, are in no set.
    """
    rows, words = rise.shape
    gains = np.zeros(rows)
    chosen = np.zeros((rows, most), np.int32)
    useful = np.empty(words, np.int32)
    falling = np.empty(words, F32)
    for i in range(rows):
        count = 0
        for word in range(1, words):
            if rise[i, word] > 0 and variance[i, word] > 0:
                useful[count] = word
                falling[count] = -rise[i, word] / (variance[i, word] + F32(ridge))
                count += 1
        order = useful[:count][np.argsort(falling[:count], kind="mergesort")]
        total, doubt, best, size = 0.0, ridge, 0.0, 0
        for at in range(count):
            total += rise[i, order[at]]
            doubt += variance[i, order[at]]
            if total * total / doubt > best:
                best, size = total * total / doubt, at + 1
        if size > most:
            for at in range(size):
                falling[at] = -rise[i, order[at]]
            order = order[np.argsort(falling[:size], kind="mergesort")]
            total, doubt, size = 0.0, ridge, most
            for at in range(size):
                total += rise[i, order[at]]
                doubt += variance[i, order[at]]
            best = total * total / doubt
        gains[i] = best
        for at in range(size):
            chosen[i, at] = order[at]
    return gains, chosen


@cached_njit(fastmath=True, nogil=True)
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


@cached_njit(fastmath=True, nogil=True)
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
        before, any_value = F32(0), F32(0)
        for j in range(b - a):
            before += min(p[j], target[j])
            any_value = max(any_value, abs(values[j]))
        if any_value == 0:
            continue
        for i in range(len(weights)):
            weight, mass, after = F32(weights[i]), F32(0), F32(0)
            for j in range(b - a):
                raised[j] = p[j] * exp32(weight * values[j])
                mass += raised[j]
            scale = F32(1) / mass
            for j in range(b - a):
                after += min(raised[j] * scale, target[j])
            found[i] += after - before
    return found


@cached_njit(fastmath=True, nogil=True)
def bend_sums(
    column: Floats, cells: Floats, values: Floats, pattern: Floats, gradient: Floats, start: Starts, step: int
) -> NDArray[np.float64]:
    """For a rule's ``column`` and the product ``cells * value`` of each of some ``values`` (``[values, cells]``): the
    derivatives of the fit by both weights, then the information of the first, of both, and of the second; float64
    ``[values, 5]``, from every ``step``-th row. The column is 0 where ``cells`` are."""
    found = np.zeros((len(values), 5))
    for r in range(0, len(start) - 1, step):
        a, b = start[r], start[r + 1]
        one, inside, p, slope = column[a:b], cells[a:b], pattern[a:b], gradient[a:b]
        most = s0 = m0 = p00 = F32(0)
        for j in range(b - a):
            most = max(most, inside[j])
            s0 += one[j] * slope[j]
            m0 += one[j] * p[j]
            p00 += one[j] * one[j] * p[j]
        if most == 0:
            continue
        for i in range(len(values)):
            value = values[i, a:b]
            s1 = m1 = p01 = p11 = F32(0)
            for j in range(b - a):
                v = inside[j] * value[j]
                s1 += v * slope[j]
                v_mass = v * p[j]
                m1 += v_mass
                p01 += one[j] * v_mass
                p11 += v * v_mass
            found[i, 0] += s0
            found[i, 1] += s1
            found[i, 2] += p00 - m0 * m0
            found[i, 3] += p01 - m0 * m1
            found[i, 4] += p11 - m1 * m1
    return found * step


@cached_njit(nogil=True)
def narrow(cells: Bytes, keys: Bytes, queries: Bytes, start: Starts, first_key: Ints, query: Ints) -> None:
    """Keep of ``cells``, in place, those whose key token and query token are marked."""
    for r in range(len(start) - 1):
        a, b = start[r], start[r + 1]
        if queries[query[r]]:
            for j in range(b - a):
                cells[a + j] &= keys[first_key[r] + j]
        else:
            cells[a:b] = 0


@cached_njit(fastmath=True, nogil=True)
def minima_by_row(pattern: Floats, head: Floats, start: Starts) -> NDArray[np.float64]:
    """The sum of minima of every row, float64."""
    found = np.zeros(len(start) - 1)
    for r in range(len(start) - 1):
        a, b = start[r], start[r + 1]
        p, target = pattern[a:b], head[a:b]
        part = F32(0)
        for j in range(b - a):
            part += min(p[j], target[j])
        found[r] = part
    return found
