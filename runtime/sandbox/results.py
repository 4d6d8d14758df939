"""From what a program returned to a matrix, without trusting its shape, its types, or its size."""

from __future__ import annotations

from typing import Any

import numpy as np


class BadResult(Exception):
    """The program returned something that is not an n by n matrix of numbers."""


def as_matrix(result: Any, size: int, style: str) -> Any:
    """The returned value as float64 [n, n]. Raises BadResult with what it is instead."""
    if style == "tokenizer":
        if type(result) is not tuple or len(result) != 2:
            raise BadResult(f"expected (name, matrix), got {_describe(result)}")
        result = result[1]
    if type(result) is list or type(result) is tuple:
        result = _from_rows(result, size)
    if type(result) is not np.ndarray or result.dtype.kind not in "biuf":
        raise BadResult(f"expected a matrix of numbers, got {_describe(result)}")
    if result.shape != (size, size):
        raise BadResult(f"expected a matrix of shape ({size}, {size}), got {result.shape}")
    return np.ascontiguousarray(result, dtype=np.float64)


def _from_rows(rows: Any, size: int) -> Any:
    if len(rows) != size:
        raise BadResult(f"expected {size} rows, got {len(rows)}")
    for index, row in enumerate(rows):
        if type(row) not in (list, tuple, np.ndarray):
            raise BadResult(f"row {index} is {_describe(row)}, not a list of numbers")
        if len(row) != size:
            raise BadResult(f"row {index} has {len(row)} values, not {size}")
    if size == 0:
        return np.zeros((0, 0))
    try:
        return np.array(rows)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise BadResult("the rows are not all numbers") from error


def _describe(value: Any) -> str:
    if type(value) is np.ndarray:
        return f"an array of {value.dtype} of shape {value.shape}"
    return f"a value of type {type(value).__name__}"
