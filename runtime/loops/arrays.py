"""numpy for programs: the functions of the vocabulary, with a look at sizes before they allocate."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from attndsl.dsl.pyimport import vocabulary as words
from attndsl.runtime.loops.state import Run, Stop, bounded_list, check_size, too_many_cells, walk

Wrapper = Callable[..., Any]
_SHAPED = ("zeros", "ones", "full", "empty")
_REPEATING = ("tile", "repeat", "broadcast_to", "pad", "resize", "indices", "meshgrid", "tri", "diag", "diag_indices")
_PRODUCT = ("outer", "convolve", "isin", "searchsorted", "digitize", "interp", "meshgrid")
_TRIANGLES = ("tril_indices", "triu_indices", "diag_indices")


def wrappers() -> dict[Any, Wrapper]:
    """Every numpy callable of the vocabulary with its wrapper."""
    return {function: _weighed(wrapper) for function, wrapper in _wrappers().items()}


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


def _extent(shape: Any) -> int:
    total = 1
    for part in shape if isinstance(shape, tuple | list | np.ndarray) else (shape,):
        if isinstance(part, int | np.integer):
            total *= max(int(part), 0)
    return total


def _room(run: Run, count: int) -> None:
    if count * run.weight > run.cells:
        raise too_many_cells(run)


def _weighed(wrapper: Wrapper) -> Wrapper:
    """An array of texts has room for the longest of them in every item: numpy is asked for no more than there is."""

    def call(run: Run, *args: Any, **kwargs: Any) -> Any:
        given = (*args, *kwargs.values())
        item = max([_item_bytes(value, 0) for value in given], default=0)
        if item <= 16:
            return wrapper(run, *args, **kwargs)
        run.weight = item >> 3
        try:
            _room(run, max(sum([_items(v, 0) for v in given]), _broadcast_size(given)))
            return wrapper(run, *args, **kwargs)
        finally:
            run.weight = 1

    return call


def weigh(run: Run, *values: Any) -> None:
    """Stop before an operation on arrays of texts, or one that makes such, would take more than there is."""
    item = max([_item_bytes(value, 0) for value in values], default=0)
    if item <= 16:
        return
    if max(sum([_items(v, 0) for v in values]), _broadcast_size(values)) * (item >> 3) > run.cells:
        raise too_many_cells(run)


def _item_bytes(value: Any, depth: int) -> int:
    """The bytes of an item of an array of these values, or of this type (``"U20"``, ``str``)."""
    kind = type(value)
    if kind is str:
        named = _TEXT_TYPE.fullmatch(value)
        return max(4 * len(value), 4 * int(named[1] or 0) if named else 0)
    if kind is np.ndarray:
        return int(value.itemsize)
    if value is str or value is np.str_ or value is bytes or value is np.bytes_:
        return _TEXT_OF_NUMBER
    if (kind is list or kind is tuple) and depth < 4:
        return max([_item_bytes(v, depth + 1) for v in value if type(v) in _HOLDING], default=0)
    return int(value.itemsize) if isinstance(value, np.str_ | np.bytes_) else 0


_HOLDING = (str, list, tuple, np.ndarray, np.str_)
_TEXT_TYPE = re.compile(r"[<>=|]?[SUa](\d{0,12})")
_TEXT_OF_NUMBER = 128
"""Bytes that numpy takes for the text of a number."""


def _items(value: Any, depth: int) -> int:
    """The items of an array, or in lists of lists or arrays."""
    if isinstance(value, np.ndarray):
        return value.size
    return sum([_items(v, depth + 1) for v in value]) if isinstance(value, list | tuple) and depth < 4 else 1


def _broadcast_size(values: Iterable[Any]) -> int:
    """The items of what the arrays among these make together."""
    try:
        return math.prod(np.broadcast_shapes(*(v.shape for v in values if isinstance(v, np.ndarray))))
    except ValueError:
        return 0  # they do not go together


def _ready(run: Run, value: Any) -> Any:
    """An argument as numpy may take it: sets and iterators as Python gives them to numpy, functions not at all."""
    if isinstance(value, list | tuple):
        run.grow(len(value))
    elif isinstance(value, range):
        _room(run, len(value))
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
        if product and len(args) >= 2:
            work = int(np.size(args[0]) * np.size(args[1]))
            _room(run, work)
            run.step(work >> 10)
        if matrix and len(args) == 2:
            from attndsl.runtime.loops.operators import before

            before(run, "MatMult", np.asarray(args[0]), np.asarray(args[1]))
        elif len(args) >= 2 and isinstance(args[0], np.ndarray) and isinstance(args[1], np.ndarray):
            _broadcast_room(run, args)
        made = function(*args, **kwargs)
        _look(run, made)
        return made

    return apply


def _broadcast_room(run: Run, args: tuple[Any, ...]) -> None:
    from attndsl.runtime.loops.operators import before

    before(run, "Add", args[0], args[1])


def _look(run: Run, made: Any) -> None:
    if isinstance(made, tuple | list):
        for part in made:
            check_size(run, part)
    else:
        check_size(run, made)


def _scalar(kind: Callable[..., Any]) -> Wrapper:
    def make(run: Run, *args: Any) -> Any:
        made = kind(*args)
        check_size(run, made)
        return made

    return make


def _shaped(name: str) -> Wrapper:
    function = getattr(np, name)

    def make(run: Run, *args: Any, **kwargs: Any) -> Any:
        _room(run, _extent(kwargs.get("shape", args[0] if args else 1)))
        made = function(*args, **kwargs)
        check_size(run, made)
        return made

    return make


def _square(name: str) -> Wrapper:
    function = getattr(np, name)

    def make(run: Run, *args: Any, **kwargs: Any) -> Any:
        rows = _extent(kwargs.get("N", args[0] if args else 1))
        columns = args[1] if len(args) > 1 and args[1] is not None else kwargs.get("M")
        _room(run, rows * (rows if columns is None or name != "eye" else max(_extent(columns), 1)))
        made = function(*args, **kwargs)
        _look(run, made)
        return made

    return make


def _arange(run: Run, *args: Any, **kwargs: Any) -> Any:
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
        _room(run, _extent(kwargs.get("num", args[2] if len(args) > 2 else 50)))
        made = function(*args, **kwargs)
        _look(run, made)
        return made

    return make


def _repeating(name: str) -> Wrapper:
    function = getattr(np, name)

    def make(run: Run, *args: Any, **kwargs: Any) -> Any:
        _room(run, _repeated_size(name, args, kwargs))
        made = function(*args, **kwargs)
        _look(run, made)
        return made

    return make


def _repeated_size(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    size = int(np.size(args[0])) if args else 1
    second = args[1] if len(args) > 1 else next(iter(kwargs.values()), 1)
    if name == "tile":
        return size * _extent(second)
    if name == "repeat":
        return size * max(int(np.max(second)) if np.size(second) else 0, 0)
    if name == "broadcast_to":
        return _extent(second)
    if name == "pad":
        total, widths = 1, int(np.max(second)) if np.size(second) and not isinstance(second, str) else 0
        for extent in np.shape(args[0]):
            total *= extent + 2 * max(widths, 0)
        return total
    if name == "indices":
        return _extent(args[0]) * max(len(np.atleast_1d(args[0])), 1)
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
            _room(run, _nested_size(value, 0))
        if isinstance(value, set | frozenset | dict) or (hasattr(value, "__next__")):
            raise Stop("E0465", f"the program makes an array of a {type(value).__name__}", "write np.array(list(...))")
        made = function(value, *args, **kwargs)
        check_size(run, made)
        return made

    return make


def _nested_size(value: Any, depth: int) -> int:
    first = value[0] if len(value) else None
    if isinstance(first, list | tuple | range) and depth < 4:
        return len(value) * max(_nested_size(first, depth + 1), 1)
    return len(value)


def _bincount(run: Run, value: Any, *args: Any, **kwargs: Any) -> Any:
    _room(run, int(np.max(value)) if np.size(value) else 0)
    _room(run, _extent(kwargs.get("minlength", 0)))
    made = np.bincount(bounded_list(run, value) if not isinstance(value, np.ndarray) else value, *args, **kwargs)
    check_size(run, made)
    return made


def _ufunc_method(head: str, method: str) -> Wrapper:
    function = getattr(getattr(np, head), method)

    def apply(run: Run, *args: Any, **kwargs: Any) -> Any:
        if method == "outer" and len(args) >= 2:
            _room(run, int(np.size(args[0]) * np.size(args[1])))
        for value in args:
            if isinstance(value, set | frozenset):
                walk(run, value)
            _ready(run, value)
        made = function(*args, **kwargs)
        _look(run, made)
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
