"""Attributes and methods of values, by exact type: the only way from a value to anything else.

``METHODS[type][name]`` is a function of (value, arguments...); ``SIZED[type][name]`` takes the run first, for methods
whose result can be large; ``READ[type][name]`` reads a plain attribute. A name that the type has in CPython but not
here ends the run (E0466); a name that it does not have raises AttributeError as in CPython.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Callable
from difflib import SequenceMatcher
from functools import lru_cache, partial
from typing import Any

import numpy as np

from attndsl.dsl.pyimport import vocabulary as words
from attndsl.runtime.loops import sized
from attndsl.runtime.loops.containers import defaultdict, deque
from attndsl.runtime.loops.state import Run, Stop, check_levels

Table = dict[type, dict[str, Callable[..., Any]]]


def _methods(kind: type, names: frozenset[str], without: dict[str, Any]) -> dict[str, Callable[..., Any]]:
    return {n: getattr(kind, n) for n in names if hasattr(kind, n) and n not in without}


METHODS: Table = {}
SIZED: Table = {
    str: sized.STR,
    list: sized.LIST,
    tuple: sized.TUPLE,
    dict: sized.DICT,
    set: sized.SET,
    frozenset: {k: v for k, v in sized.SET.items() if k not in ("pop", "update")},
    np.ndarray: sized.ARRAY,
    defaultdict: sized.DICT,
    Counter: sized.COUNTER,
    OrderedDict: sized.DICT,
    deque: sized.DEQUE,
}
for _kind, _names in {
    str: words.STR_METHODS,
    list: words.LIST_METHODS,
    tuple: words.TUPLE_METHODS,
    dict: words.DICT_METHODS,
    set: words.SET_METHODS,
    frozenset: words.SET_METHODS,
    np.ndarray: words.ARRAY_METHODS,
    defaultdict: words.DICT_METHODS,
    Counter: words.DICT_METHODS,
    OrderedDict: words.DICT_METHODS,
    deque: words.LIST_METHODS | words.DICT_METHODS,
}.items():
    METHODS[_kind] = _methods(_kind, _names, SIZED[_kind])
_NUMBER_METHODS = frozenset({"bit_length", "is_integer", "conjugate"})
for _kind in (int, bool, float):
    METHODS[_kind] = _methods(_kind, _NUMBER_METHODS, {})
_SCALARS = (np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.int8, np.uint8, np.bool_)
for _kind in _SCALARS:
    METHODS[_kind] = _methods(_kind, frozenset({"is_integer", "conjugate"}), {})
    SIZED[_kind] = {n: method for n, method in sized.SCALAR.items() if hasattr(_kind, n)}
METHODS[np.str_] = _methods(np.str_, words.STR_METHODS, sized.STR)
SIZED[np.str_] = sized.STR
METHODS[re.Match] = _methods(re.Match, frozenset({"start", "end", "span"}), {})
SIZED[re.Match] = sized.MATCH
METHODS[range] = {}
SIZED[range] = {n: sized.in_range(n) for n in ("index", "count")}
METHODS[re.Pattern] = {}
SIZED[re.Pattern] = sized.PATTERN
METHODS[SequenceMatcher] = {}
SIZED[SequenceMatcher] = sized.MATCHER

def _field(name: str, value: Any) -> Any:
    return getattr(value, name)


READ: Table = {
    np.ndarray: {
        "T": lambda a: a.T, "shape": lambda a: a.shape, "size": lambda a: a.size, "ndim": lambda a: a.ndim,
        "dtype": lambda a: a.dtype, "real": lambda a: a.real, "flat": lambda a: a.ravel(), "nbytes": lambda a: a.nbytes,
        "itemsize": lambda a: a.itemsize,
    },
    np.finfo: {n: partial(_field, n) for n in ("eps", "max", "min", "tiny")},
    np.iinfo: {n: partial(_field, n) for n in ("max", "min")},
    deque: {"maxlen": lambda d: d.maxlen},
    range: {"start": lambda r: r.start, "stop": lambda r: r.stop, "step": lambda r: r.step},
    re.Match: {"lastindex": lambda m: m.lastindex, "string": lambda m: m.string},
    re.Pattern: {"pattern": lambda p: p.pattern, "groups": lambda p: p.groups, "flags": lambda p: p.flags},
    slice: {"start": lambda s: s.start, "stop": lambda s: s.stop, "step": lambda s: s.step},
}  # fmt: skip
for _kind in (int, bool, float, *_SCALARS):
    READ[_kind] = {"real": lambda v: v.real, "imag": lambda v: v.imag}
    if _kind in _SCALARS:
        READ[_kind].update({n: READ[np.ndarray][n] for n in ("T", "shape", "size", "ndim", "dtype")})


def register(
    kind: type, read: dict[str, Callable[..., Any]], methods: dict[str, Callable[..., Any]],
    sized_methods: dict[str, Callable[..., Any]] | None = None,
) -> None:  # fmt: skip
    """Add a type of our own (words, tokenizers)."""
    READ[kind] = read
    METHODS[kind] = methods
    SIZED[kind] = sized_methods or {}


def missing(value: Any, name: str) -> BaseException:
    """What reading ``value.name`` ends in when our tables do not have it."""
    kind = type(value)
    if isinstance(value, Exception) and name == "args":
        raise AssertionError("handled by the reader")
    if kind in READ or kind in METHODS:
        known = getattr(kind, "python_attributes", None)
        has = name in known if known is not None else hasattr(kind, name)
        if not has:
            return AttributeError(f"'{kind.__name__}' object has no attribute '{name}'")
    elif not hasattr(value, name):
        return AttributeError(f"'{kind.__name__}' object has no attribute '{name}'")
    return Stop("E0466", f"`.{name}` of a {kind.__name__} value is not one that programs may use")


def plain_readers(name: str) -> dict[type, Callable[[Any], Any]]:
    """The types that have the plain attribute ``name``, each with its reader."""
    return {kind: table[name] for kind, table in READ.items() if name in table}


def attribute_reader(name: str) -> Callable[[Run, Any], Any]:
    """The function that reads ``.name`` of any value (a method becomes a bound function)."""
    plain = plain_readers(name)
    bound = {kind: table[name] for kind, table in METHODS.items() if name in table}
    large = {kind: table[name] for kind, table in SIZED.items() if name in table}

    def read(run: Run, value: Any) -> Any:
        kind = value.__class__
        found = plain.get(kind)
        if found is not None:
            return found(value)
        method = bound.get(kind)
        if method is not None:
            return BoundMethod(method, (value,))
        method = large.get(kind)
        if method is not None:
            return BoundMethod(method, (run, value))
        if name == "args" and isinstance(value, Exception):
            return check_levels(run, value.args)
        raise missing(value, name)

    return read


class BoundMethod:
    """A method taken from its value: ``f = text.startswith``."""

    __slots__ = ("first", "function")

    def __init__(self, function: Callable[..., Any], first: tuple[Any, ...]) -> None:
        self.function = function
        self.first = first

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*self.first, *args, **kwargs)


class TypeMethod:
    """A method taken from a type: ``key=str.lower``, ``dict.fromkeys(...)``."""

    __slots__ = ("kind", "name", "run")

    def __init__(self, run: Run, kind: type, name: str) -> None:
        if name not in METHODS.get(kind, {}) and name not in SIZED.get(kind, {}):
            raise Stop("E0466", f"`{kind.__name__}.{name}` is not one that programs may use")
        self.run = run
        self.kind = kind
        self.name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.name in ("fromkeys", "maketrans"):  # of the type itself
            return SIZED[self.kind][self.name](self.run, None, *args, **kwargs)
        if not args or not isinstance(args[0], self.kind):
            kind = type(args[0]).__name__ if args else "nothing"
            wanted = self.kind.__name__
            raise TypeError(f"descriptor '{self.name}' for '{wanted}' objects doesn't apply to a '{kind}' object")
        method = METHODS[self.kind].get(self.name)
        if method is not None:
            return method(*args, **kwargs)
        return SIZED[self.kind][self.name](self.run, *args, **kwargs)


CALLABLE: set[Any] = {BoundMethod, TypeMethod, partial, type(lru_cache(len))}
"""Classes whose values a program may call: by exact class, a class is no value of its own."""


def register_callable(kind: type) -> type:
    """Programs may call the values of this class."""
    CALLABLE.add(kind)
    return kind
