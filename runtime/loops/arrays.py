"""numpy for programs: the functions of the vocabulary, with a look at sizes before they allocate."""

from __future__ import annotations

import math
import re
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from attndsl.dsl.pyimport import vocabulary as words
from attndsl.runtime.loops.array_types import TYPES, check_types
from attndsl.runtime.loops.containers import defaultdict, deque
from attndsl.runtime.loops.state import Run, Stop, bounded_list, check_size, too_many_cells, walk

Wrapper = Callable[..., Any]
_SHAPED = ("zeros", "ones", "full", "empty")
_REPEATING = ("tile", "repeat", "broadcast_to", "pad", "resize", "indices", "meshgrid", "tri", "diag", "diag_indices")
_PRODUCT = ("outer", "polyval", "convolve", "isin", "searchsorted", "digitize", "interp", "meshgrid")
_TRIANGLES = ("tril_indices", "triu_indices", "diag_indices")


def wrappers() -> dict[Any, Wrapper]:
    """Every numpy callable of the vocabulary with its wrapper."""
    return {function: weighed(wrapper, getattr(function, "__name__", "")) for function, wrapper in _wrappers().items()}


def _wrappers() -> dict[Any, Wrapper]:
    found: dict[Any, Wrapper] = {}
    for name in words.NUMPY_FUNCTIONS:
        function = getattr(np, name)
        found.setdefault(function, _CREATORS.get(name) or _wrapper(name, function))
    for name in words.NUMPY_TYPES - {"ndarray", "floating", "integer"}:
        found[getattr(np, name)] = _scalar(getattr(np, name))
    found[np.linalg.norm] = _wrapper("norm", np.linalg.norm)
    for dotted in words.UFUNC_METHODS:
        head, method = dotted.split(".")
        if hasattr(np, head):
            found[getattr(getattr(np, head), method)] = _ufunc_method(head, method)
    return found


def extent_of(shape: Any) -> int:
    if isinstance(shape, np.ndarray) and shape.ndim == 0:
        shape = shape.item()
    total = 1
    parts = shape if isinstance(shape, tuple | list | np.ndarray | range | deque) else (shape,)
    for part in parts if len(parts) <= _MOST_AXES else ():  # of which numpy makes no array
        if isinstance(part, int | np.integer):
            total *= max(int(part), 0)
    return total


def room(run: Run, count: int) -> None:
    if count * run.weight > run.cells:
        raise too_many_cells(run)


def weighed(wrapper: Wrapper, name: str = "") -> Wrapper:
    """A call of numpy with a look at what it may make: as many items as all that it is given, or as that makes
    together; an array of texts has room for the longest of them in every item."""

    def call(run: Run, *args: Any, **kwargs: Any) -> Any:
        given = (*args, *kwargs.values())
        check_types(name, args, kwargs)
        for value in given:
            if callable(value) and value not in TYPES:
                raise Stop("E0466", "numpy is given a function, which it would call", "call it in a comprehension")
        run.weight = _weight(run, given)
        try:
            room(run, max(_most_items(run, given), extent_of(kwargs["shape"]) if "shape" in kwargs else 0))
            return wrapper(run, *args, **kwargs)
        finally:
            run.weight = 1

    return call


def weigh(run: Run, *values: Any) -> None:
    """Stop before an operation with arrays would take more than there is."""
    if _most_items(run, values) * _weight(run, values) > run.cells:
        raise too_many_cells(run)


def _weight(run: Run, values: tuple[Any, ...]) -> int:
    """Cells of 8 bytes that an item of an array of these values, or of this type, takes."""
    return max([_item_bytes(run, value, 0) for value in values], default=0) >> 3 or 1


def _item_bytes(run: Run, value: Any, depth: int) -> int:
    """The bytes of an item of an array of these values, or of this type (``"U20"``, ``str``): 0 for a number."""
    kind = type(value)
    if kind is str:
        named = _TEXT_TYPE.fullmatch(value)
        return max(4 * len(value), 4 * int(named[1] or 0) if named else 0)
    if kind is np.ndarray:
        return int(value.itemsize) if value.itemsize > 16 else 0
    if kind is int and value.bit_length() > 64:
        raise Stop("E0465", "numpy is given an integer of more than 64 bits", "use a float")
    if value is str or value is np.str_ or value is bytes or value is np.bytes_:
        return _TEXT_OF_NUMBER
    if (kind is list or kind is tuple) and depth < _MOST_AXES:
        run.step(1 + (len(value) >> 6))
        return max([_item_bytes(run, v, depth + 1) for v in value if type(v) in _HOLDING], default=0)
    if depth and isinstance(value, dict):
        raise Stop("E0465", "numpy is given a list of dictionaries", "use lists, or arrays of numbers or strings")
    return int(value.itemsize) if isinstance(value, np.str_ | np.bytes_) else 0


_HOLDING = (str, int, list, tuple, np.ndarray, np.str_, dict, defaultdict, Counter, OrderedDict)
_TEXT_TYPE = re.compile(r"[<>=|]?[SUVa](\d{0,12})")
_TEXT_OF_NUMBER = 128
"""Bytes that numpy takes for the text of a number."""
_MOST_AXES = 64  # of numpy's arrays


def _most_items(run: Run, values: tuple[Any, ...]) -> int:
    """The items of all these arrays and lists one after the other, or of what they make together."""
    if len(values) == 1 and not isinstance(values[0], list | tuple | range):
        return int(np.size(values[0])) if isinstance(values[0], np.ndarray) else 1
    total, shapes = 0, []
    for value in values:
        if isinstance(value, np.ndarray):
            total += value.size
            shapes.append(value.shape)
        elif isinstance(value, list | tuple | range | deque):
            total += _items(run, value, 0)
            shapes.append((len(value),))
    if len(shapes) > 1:
        try:
            return max(total, math.prod(np.broadcast_shapes(*shapes)))
        except ValueError:
            pass  # they do not go together
    return total


def _items(run: Run, value: Any, depth: int) -> int:
    """The items of an array, or in lists of lists or arrays."""
    if isinstance(value, np.ndarray):
        return value.size
    if isinstance(value, list | tuple) and depth < _MOST_AXES:
        run.step(1 + (len(value) >> 6))
        inside = [v for v in value if isinstance(v, list | tuple | range | np.ndarray)]
        return len(value) - len(inside) + sum([_items(run, v, depth + 1) for v in inside])
    return len(value) if isinstance(value, range | deque) else 1


def check_index(run: Run, array: np.ndarray[Any, Any], at: Any) -> None:
    """Stop before many places of an array are asked for at once: each gives all that is below it."""
    parts = at if isinstance(at, tuple) else (at,)
    size, taken = 1, 0
    for part in parts:
        if isinstance(part, list | np.ndarray | range) and not _is_mask(part):
            size = max(size, _items(run, part, 0))
            taken += 1
    if taken:
        below = math.prod(array.shape[len([p for p in parts if p is not None and p is not Ellipsis]) :])
        slices = math.prod([n for n, p in zip(array.shape, parts, strict=False) if isinstance(p, slice)])
        if size * below * slices * max(array.itemsize >> 3, 1) > run.cells:
            raise too_many_cells(run)


def _is_mask(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype == bool


def _ready(run: Run, value: Any) -> Any:
    """An argument as numpy may take it: sets and iterators as Python gives them to numpy, functions not at all."""
    if isinstance(value, list | tuple):
        run.grow(len(value))
    elif isinstance(value, range):
        room(run, len(value))
    elif isinstance(value, np.ndarray):
        run.step(value.size >> 10)
    return value


def _wrapper(name: str, function: Callable[..., Any]) -> Wrapper:
    product = name in _PRODUCT
    matrix = name in ("dot", "matmul", "inner")

    def apply(run: Run, *args: Any, **kwargs: Any) -> Any:
        for value in args:
            _ready(run, value)
        for value in kwargs.values():
            _ready(run, value)
        both = (*args, *kwargs.values())[:2]
        if product and len(both) == 2:
            work = int(np.size(both[0]) * np.size(both[1]))
            room(run, work)
            run.step(work >> 10)
        if matrix and len(both) == 2:
            from attndsl.runtime.loops.operators import before

            before(run, "MatMult", np.asarray(both[0]), np.asarray(both[1]))
        if name in _MORE and len(both) == 2:
            room(run, _made_of(name, *both, kwargs.get("axis", args[2] if len(args) > 2 else None)))
        if name == "norm" and np.ndim(both[0]) == 2 and len(both) > 1:  # a singular value decomposition, most often
            rows, columns = np.shape(both[0])
            run.step(rows * columns * min(rows, columns) >> 10)
        made = function(*args, **kwargs)
        look(run, made)
        return made

    return apply


_MORE = ("take", "inner", "percentile", "quantile", "nanpercentile", "nanquantile")


def _made_of(name: str, array: Any, other: Any, axis: Any) -> int:
    """The most items of ``np.take(array, other, axis)`` and others that make more than they are given."""
    size, many, shape = int(np.size(array)), int(np.size(other)), np.shape(array) or (1,)
    if name == "inner":
        return (size // max(shape[-1], 1)) * (many // max((np.shape(other) or (1,))[-1], 1))
    if name == "take":
        taken = shape[axis] if isinstance(axis, int) and -len(shape) <= axis < len(shape) else size
        return many * (size // max(taken, 1))
    return size * many


def look(run: Run, made: Any) -> None:
    if isinstance(made, tuple | list):
        for part in made:
            check_size(run, part)
    else:
        check_size(run, made)


def _scalar(kind: Callable[..., Any]) -> Wrapper:
    def make(run: Run, *args: Any) -> Any:
        weigh(run, *args)
        made = kind(*args)
        check_size(run, made)
        return made

    return make


def _shaped(name: str) -> Wrapper:
    function = getattr(np, name)

    def make(run: Run, *args: Any, **kwargs: Any) -> Any:
        room(run, extent_of(kwargs.get("shape", args[0] if args else 1)))
        made = function(*args, **kwargs)
        check_size(run, made)
        return made

    return make


def _square(name: str) -> Wrapper:
    function = getattr(np, name)

    def make(run: Run, *args: Any, **kwargs: Any) -> Any:
        rows = extent_of(kwargs.get("N", args[0] if args else 1))
        columns = args[1] if len(args) > 1 and args[1] is not None else kwargs.get("M")
        if name in _TRIANGLES:
            columns = args[2] if len(args) > 2 else kwargs.get("m")
            rows = extent_of(kwargs.get("n", rows))
        room(run, rows * (rows if columns is None or name == "identity" else max(extent_of(columns), 1)))
        made = function(*args, **kwargs)
        look(run, made)
        return made

    return make


def _arange(run: Run, *args: Any, **kwargs: Any) -> Any:
    if any(isinstance(a, np.ndarray) for a in (*args, *kwargs.values())):
        raise Stop("E0466", "numpy.arange is given an array", "give it numbers")
    if set(kwargs) - {"dtype"}:
        raise Stop("E0466", "numpy.arange is given keywords", "write np.arange(start, stop, step)")
    numbers = [a for a in args[:3] if isinstance(a, int | float | np.number)]
    if len(numbers) == len(args[:3]) and numbers:
        start, stop = (0, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])
        step = numbers[2] if len(numbers) > 2 else 1
        if step != 0 and abs((stop - start) / step) > run.cells:
            raise too_many_cells(run)
    made = np.arange(*args, **kwargs)
    check_size(run, made)
    return made


def _linspace(name: str) -> Wrapper:
    function = getattr(np, name)

    def make(run: Run, *args: Any, **kwargs: Any) -> Any:
        many = max([np.size(a) for a in (*args[:2], *kwargs.values())], default=1)
        room(run, extent_of(kwargs.get("num", args[2] if len(args) > 2 else 50)) * int(many))
        made = function(*args, **kwargs)
        look(run, made)
        return made

    return make


def _repeating(name: str) -> Wrapper:
    function = getattr(np, name)

    def make(run: Run, *args: Any, **kwargs: Any) -> Any:
        room(run, _repeated_size(name, args, kwargs))
        made = function(*args, **kwargs)
        look(run, made)
        return made

    return make


_TIMES = ("reps", "repeats", "shape", "pad_width")


def _repeated_size(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    if not args:
        raise Stop("E0466", f"numpy.{name} is called with keywords alone", "give it the array first")
    size = int(np.size(args[0]))
    second = args[1] if len(args) > 1 else next((kwargs[k] for k in _TIMES if k in kwargs), 1)
    if name == "tile":
        return size * extent_of(second)
    if name == "repeat":
        return size * max(int(np.max(second)) if np.size(second) else 0, 0)
    if name == "broadcast_to":
        return extent_of(second)
    if name == "pad":
        total, widths = 1, int(np.max(second)) if np.size(second) and not isinstance(second, str) else 0
        for extent in np.shape(args[0]):
            total *= extent + 2 * max(widths, 0)
        return total
    if name == "indices":
        return extent_of(args[0]) * max(len(np.atleast_1d(args[0])), 1)
    if name == "meshgrid":
        total = len(args)
        for value in args:
            total *= max(int(np.size(value)), 1)
        return total
    if name == "diag":
        return size * size if np.ndim(args[0]) == 1 else size
    return size


def _array(name: str) -> Wrapper:
    function = getattr(np, name)

    def make(run: Run, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, list | tuple | range):
            room(run, _nested_size(value, 0))
        if isinstance(value, set | frozenset | dict) or (hasattr(value, "__next__")):
            raise Stop("E0465", f"the program makes an array of a {type(value).__name__}", "write np.array(list(...))")
        made = function(value, *args, **kwargs)
        check_size(run, made)
        return made

    return make


def _nested_size(value: Any, depth: int) -> int:
    first = value[0] if len(value) else None
    if isinstance(first, list | tuple | range) and depth < _MOST_AXES:
        return len(value) * max(_nested_size(first, depth + 1), 1)
    return len(value)


def _bincount(run: Run, value: Any, *args: Any, **kwargs: Any) -> Any:
    room(run, int(np.max(value)) if np.size(value) else 0)
    room(run, extent_of(kwargs.get("minlength", 0)))
    made = np.bincount(bounded_list(run, value) if not isinstance(value, np.ndarray) else value, *args, **kwargs)
    check_size(run, made)
    return made


def _ufunc_method(head: str, method: str) -> Wrapper:
    function = getattr(getattr(np, head), method)

    def apply(run: Run, *args: Any, **kwargs: Any) -> Any:
        if method == "outer" and len(args) >= 2:
            room(run, int(np.size(args[0]) * np.size(args[1])))
        for value in args:
            if isinstance(value, set | frozenset):
                walk(run, value)
            _ready(run, value)
        made = function(*args, **kwargs)
        look(run, made)
        return made

    return apply


_CREATORS: dict[str, Wrapper] = {
    **{name: _shaped(name) for name in _SHAPED},
    **{name: _square(name) for name in ("eye", "identity", "tri", *_TRIANGLES)},
    **{name: _linspace(name) for name in ("linspace", "logspace")},
    **{name: _repeating(name) for name in ("tile", "repeat", "broadcast_to", "pad", "indices", "meshgrid", "diag")},
    **{name: _array(name) for name in ("array", "asarray")},
    "arange": _arange,
    "bincount": _bincount,
}
