"""Answers about texts read from tables: the rows of a table at the codes of a text, a table of pairs at two."""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

from numba import uint64

from attndsl.runtime.jit import cached_njit


@cached_njit(nogil=True, boundscheck=False)
def fill_rows(heap, places, table, rows, codes):
    """``heap[places[i] + j] = table[rows[i], codes[j]]``; a code below zero counts from the end."""
    width = table.shape[1]
    for i in range(len(rows)):
        row, place = rows[i], uint64(places[i])
        for j in range(uint64(len(codes))):
            code = codes[j]
            heap[place + j] = table[row, uint64(code if code >= 0 else code + width)]


@cached_njit(nogil=True, boundscheck=False)
def read_pairs(out, table, known, rows, columns):
    """``out[i, j] = table[rows[i], columns[j]]``; False when one of them is not known yet."""
    complete = True
    for i in range(len(rows)):
        row = uint64(rows[i])
        for j in range(uint64(len(columns))):
            column = uint64(columns[j])
            out[i, j] = table[row, column]
            complete &= known[row, column]
    return complete
