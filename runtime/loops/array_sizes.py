"""More of numpy for programs: functions whose result or work does not follow from the sizes of what they are given,
and those that call a function of the program."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from attndsl.runtime.loops.array_types import check_type
from attndsl.runtime.loops.arrays import extent_of, look, room, weighed
from attndsl.runtime.loops.attributes import register_callable
from attndsl.runtime.loops.calls import callback
from attndsl.runtime.loops.state import Run, Stop, check_size, counted

Wrapper = Callable[..., Any]


def wrappers() -> dict[Any, Wrapper]:
    """Each function with its wrapper."""
    found = {getattr(np, name): weighed(wrapper) for name, wrapper in _SIZED.items()}
    found.update({getattr(np.linalg, name): weighed(_linear(name)) for name in ("inv", "det", "solve", "matrix_power")})
    return {**found, np.fromfunction: _from_function, np.vectorize: _vectorize, np.ndindex: _every_index}


def _shape(value: Any) -> tuple[int, ...]:
    return value.shape if isinstance(value, np.ndarray) else np.shape(value)


# ---------------------------------------------------------------- functions of the program


def _from_function(run: Run, function: Any, shape: Any, *, dtype: Any = float, **kwargs: Any) -> Any:
    if "like" in kwargs:
        raise Stop("E0466", "numpy.fromfunction is called with like=", "leave it out")
    axes = len(shape) if isinstance(shape, tuple | list) else 1
    room(run, extent_of(shape) * axes)
    check_type(dtype)
    made = np.indices(shape, dtype=dtype)
    check_size(run, made)
    return callback(run, function)(*made, **kwargs)


def _vectorize(run: Run, pyfunc: Any, otypes: Any = None, *args: Any, **kwargs: Any) -> Any:
    if args or kwargs:
        raise Stop("E0466", "numpy.vectorize is read with otypes= alone", "leave the others out")
    if not callable(pyfunc):
        raise TypeError("When used as a decorator, only accepts keyword arguments.")
    return _Vectorized(run, callback(run, pyfunc), otypes)


@register_callable
class _Vectorized:
    """``np.vectorize(...)``."""

    __slots__ = ("called", "function", "items", "run")

    def __init__(self, run: Run, called: Any, otypes: Any) -> None:
        self.run, self.called, self.items = run, called, 0
        self.function = np.vectorize(self._one, otypes=otypes)

    def _one(self, *args: Any, **kwargs: Any) -> Any:
        made = self.called(*args, **kwargs)
        if made.__class__ is str:  # the array has room for the longest in every item
            room(self.run, self.items * len(made) >> 1)
        return made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        shapes = [_shape(value) for value in (*args, *kwargs.values())]
        every = math.prod(np.broadcast_shapes(*shapes))
        self.items = max(self.items, every)
        room(self.run, _OF_AN_OBJECT * every)  # each number becomes one of Python's
        self.run.step(every >> 2)
        made = self.function(*args, **kwargs)
        look(self.run, made)
        return made


_OF_AN_OBJECT = 10  # cells


# ---------------------------------------------------------------- sizes


def _select(run: Run, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    parts = [default]
    for value in (condlist, choicelist):
        parts += list(value) if isinstance(value, list | tuple | np.ndarray) else [value]
    _together(run, [_shape(part) for part in parts])
    made = np.select(condlist, choicelist, default)
    check_size(run, made)
    return made


def _together(run: Run, shapes: list[tuple[int, ...]]) -> None:
    with suppress(ValueError):  # numpy raises its own error
        room(run, math.prod(np.broadcast_shapes(*shapes)))


_SUBSCRIPTS = re.compile(r"[a-zA-Z]*(,[a-zA-Z]*)*(->[a-zA-Z]*)?")


def _einsum(run: Run, subscripts: Any, *operands: Any, **kwargs: Any) -> Any:
    text = subscripts.replace(" ", "") if isinstance(subscripts, str) else "..."
    if _SUBSCRIPTS.fullmatch(text) is None or kwargs:
        raise Stop("E0466", "numpy.einsum is read with letters alone", "write np.einsum('ij,jk->ik', a, b)")
    given, _, out = text.partition("->")
    if "->" not in text:  # what stands once
        out = "".join(sorted({c for c in given if given.count(c) == 1} - {","}))
    arrays = [np.asarray(operand) for operand in operands]
    extents: dict[str, int] = {}
    for letters, array in zip(given.split(","), arrays, strict=False):
        for letter, extent in zip(letters, array.shape, strict=False):
            extents[letter] = max(extents.get(letter, 1), extent)
    room(run, math.prod([extents.get(letter, 1) for letter in out]))
    run.step(min(math.prod(extents.values()), 1 << 62) >> 6)
    made = np.einsum(text, *arrays)
    check_size(run, made)
    return made


def _histogram(run: Run, a: Any, bins: Any = 10, *args: Any, **kwargs: Any) -> Any:
    if isinstance(bins, str):
        raise Stop("E0466", "numpy.histogram chooses the bins itself", "give their number, or their edges")
    room(run, extent_of(bins) if np.ndim(bins) == 0 else 1)
    made = np.histogram(a, bins, *args, **kwargs)
    look(run, made)
    return made


def _kron(run: Run, a: Any, b: Any) -> Any:
    room(run, math.prod(_shape(a)) * math.prod(_shape(b)))
    made = np.kron(a, b)
    check_size(run, made)
    return made


def _correlate(run: Run, a: Any, v: Any, mode: Any = "valid") -> Any:
    work = math.prod(_shape(a)) * math.prod(_shape(v))
    run.step(work >> 10)
    made = np.correlate(a, v, mode)
    check_size(run, made)
    return made


def _covariance(name: str) -> Wrapper:
    function = getattr(np, name)

    def apply(run: Run, m: Any, y: Any = None, rowvar: Any = True, **kwargs: Any) -> Any:
        rows, work = 0, 0
        for value in (m, y):
            shape = _shape(value) if value is not None else ()
            if len(shape) == 2:
                rows += shape[0] if rowvar else shape[1]
            elif shape:
                rows += 1
            work += math.prod(shape)
        room(run, rows * rows)
        run.step(rows * work >> 6)
        made = function(m, y, rowvar, **kwargs)
        look(run, made)
        return made

    return apply


def _parts(name: str) -> Wrapper:
    function = getattr(np, name)

    def split(run: Run, ary: Any, indices_or_sections: Any, *axis: Any, **kwargs: Any) -> Any:
        if np.ndim(indices_or_sections) == 0:
            room(run, 16 * extent_of(indices_or_sections))
        made = function(ary, indices_or_sections, *axis, **kwargs)
        look(run, made)
        return made

    return split


def _diagonal(name: str) -> Wrapper:
    function = getattr(np, name)

    def make(run: Run, v: Any, k: Any = 0) -> Any:
        shape = _shape(v)
        size = math.prod(shape) + abs(int(k))
        room(run, size * size if name == "diagflat" or len(shape) == 1 else math.prod(shape))
        made = function(v, k)
        check_size(run, made)
        return made

    return make


def _geometric(run: Run, start: Any, stop: Any, num: Any = 50, **kwargs: Any) -> Any:
    room(run, extent_of(num) * int(max(np.size(start), np.size(stop))))
    made = np.geomspace(start, stop, num, **kwargs)
    check_size(run, made)
    return made


def _by_keys(run: Run, keys: Any, axis: Any = -1) -> Any:
    room(run, 128 * len(keys) if hasattr(keys, "__len__") else 1)  # numpy walks each with an iterator
    return np.lexsort(keys, axis)


def _limits(kind: str) -> Wrapper:
    return lambda run, dtype: getattr(np, kind)(dtype)


def _numbered(run: Run, array: Any) -> Any:
    return counted(run, np.ndenumerate(array))


def _every_index(run: Run, *shape: Any) -> Any:
    return counted(run, np.ndindex(*shape))


def _linear(name: str) -> Wrapper:
    """Work that grows with the third power of the side."""
    function = getattr(np.linalg, name)

    def solve(run: Run, a: Any, *args: Any, **named: Any) -> Any:
        args = (*args, *named.values())  # there is one more
        shape = _shape(a)
        times = abs(args[0]).bit_length() if name == "matrix_power" and args and isinstance(args[0], int) else 1
        columns = _shape(args[0])[-1] if name == "solve" and args and len(_shape(args[0])) > 1 else 0
        if shape:
            run.step(math.prod(shape) * (shape[-1] + columns) * max(times, 1) >> 6)
        made = function(a, **named) if named else function(a, *args)
        look(run, made)
        return made

    return solve


_SIZED: dict[str, Wrapper] = {
    "select": _select, "einsum": _einsum, "histogram": _histogram, "kron": _kron, "correlate": _correlate,
    **{name: _covariance(name) for name in ("cov", "corrcoef")},
    **{name: _parts(name) for name in ("split", "array_split", "hsplit", "vsplit")},
    **{name: _diagonal(name) for name in ("diag", "diagflat")},
    "geomspace": _geometric, "ndenumerate": _numbered, "lexsort": _by_keys,
    **{name: _limits(name) for name in ("finfo", "iinfo")},
}  # fmt: skip
