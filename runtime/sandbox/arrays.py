"""Arrays as a program sees them: which attributes they have, and how calls into numpy are checked.

Arguments that choose a type must choose a numeric one, and every result must be numbers or texts of a bounded size:
object arrays, which could hold and call anything, never come into being.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from attndsl.runtime.sandbox.guards import SPECIAL, TEXT, NumberType
from attndsl.runtime.sandbox.names import ATTRIBUTES, listed

MAX_ARRAY_BYTES = 256 * 1024 * 1024


ARRAY_METHODS = listed(
    "all any argmax argmin argsort argpartition clip copy cumprod cumsum diagonal dot fill flatten item max mean min "
    "nonzero prod ravel repeat reshape round searchsorted sort squeeze std sum swapaxes take tolist trace transpose var"
)
ARRAY_FIELDS = listed("shape ndim size T nbytes real flat")
_FORBIDDEN_KEYWORDS = frozenset({"like", "casting", "subok", "signature", "order_by", "object"})


def number_type(value: Any) -> Any:
    """The numpy dtype for what a program gave as ``dtype``. Raises TypeError unless it is numeric or text."""
    if value is None or (type(value) is type and value in (int, float, bool)):
        return value
    if type(value) is NumberType:
        return value.real
    if value is TEXT:
        return np.str_
    if type(value) is str and np.dtype(value).kind in "biufU" and np.dtype(value).names is None:
        return np.dtype(value)
    if type(value) is DTypeView:
        return value.real
    raise TypeError("dtype must be a numeric type")


class DTypeView:
    """``array.dtype``: comparable and printable."""

    __slots__ = ("real",)

    def __init__(self, real: Any) -> None:
        self.real = real

    @property
    def kind(self) -> str:
        return str(self.real.kind)

    @property
    def name(self) -> str:
        return str(self.real.name)

    def __eq__(self, other: Any) -> bool:
        try:
            return bool(self.real == np.dtype(number_type(other)))
        except TypeError:
            return False

    def __hash__(self) -> int:
        return hash(self.real)

    def __repr__(self) -> str:
        return str(self.real)


def checked(result: Any) -> Any:
    """The result of a numpy call, if it is numbers or texts of a bounded size."""
    kind = type(result)
    if kind is np.ndarray:
        if result.dtype.kind not in "biufU":
            raise TypeError(f"arrays of {result.dtype} are not available here")
        if result.nbytes > MAX_ARRAY_BYTES:
            raise MemoryError(f"an array of {result.nbytes} bytes")
    elif kind is list or isinstance(result, tuple):
        return (list if kind is list else tuple)(checked(item) for item in result)
    elif isinstance(result, complex):
        raise TypeError("complex numbers are not available here")
    return result


def _arguments(args: tuple[Any, ...], kwargs: dict[str, Any], dtype_at: int | None) -> tuple[Any, ...]:
    if kwargs:
        if _FORBIDDEN_KEYWORDS & kwargs.keys():
            raise TypeError(f"the argument {sorted(_FORBIDDEN_KEYWORDS & kwargs.keys())[0]!r} is not available here")
        if "dtype" in kwargs:
            kwargs["dtype"] = number_type(kwargs["dtype"])
    if dtype_at is not None and len(args) > dtype_at:
        args = (*args[:dtype_at], number_type(args[dtype_at]), *args[dtype_at + 1 :])
    return args


def wrap(function: Callable[..., Any], dtype_at: int | None = None) -> Callable[..., Any]:
    """The function with checked arguments and a checked result."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return checked(function(*_arguments(args, kwargs, dtype_at), **kwargs))

    return call


class Ufunc:
    """A numpy function that also has ``reduce``, ``accumulate`` or ``outer``."""

    __slots__ = ("accumulate", "call", "outer", "reduce")

    def __init__(self, real: Any, parts: tuple[str, ...]) -> None:
        self.call = wrap(real)
        for part in ("accumulate", "outer", "reduce"):
            setattr(self, part, wrap(getattr(real, part)) if part in parts else None)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.call(*args, **kwargs)


class NumberLimits:
    """``np.finfo`` and ``np.iinfo``."""

    __slots__ = ("eps", "max", "min", "tiny")

    def __init__(self, real: Any) -> None:
        self.max, self.min = real.max, real.min
        self.eps, self.tiny = getattr(real, "eps", None), getattr(real, "tiny", None)


def _astype(array: Any) -> Callable[..., Any]:
    def astype(dtype: Any, copy: bool = True) -> Any:
        return checked(array.astype(number_type(dtype), copy=copy))

    return astype


def _method(name: str) -> Callable[[Any], Any]:
    dtype_at = {"sum": 1, "mean": 1, "prod": 1, "cumsum": 1, "cumprod": 1, "std": 1, "var": 1}.get(name)

    def bound(array: Any) -> Any:
        return wrap(getattr(array, name), dtype_at)

    return bound


_SCALARS = (np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.int8, np.uint64, np.uint32,
            np.uint16, np.uint8, np.bool_)  # fmt: skip
_SCALAR_METHODS = listed("item max mean min round sum tolist all any copy clip std")


def register_types() -> None:
    ATTRIBUTES[np.ndarray] = frozenset({*ARRAY_METHODS, *ARRAY_FIELDS, "astype", "dtype"})
    for scalar in _SCALARS:
        ATTRIBUTES[scalar] = frozenset({*_SCALAR_METHODS, "shape", "ndim", "size", "T", "astype", "dtype", "real"})
    ATTRIBUTES[np.str_] = ATTRIBUTES[str]
    for kind in (np.ndarray, *_SCALARS):
        SPECIAL[(kind, "astype")] = _astype
        SPECIAL[(kind, "dtype")] = lambda array: DTypeView(array.dtype)
        for name in ("sum", "mean", "prod", "cumsum", "cumprod", "std", "var", "repeat", "fill", "take"):
            if name in ATTRIBUTES[kind]:
                SPECIAL[(kind, name)] = _method(name)
    ATTRIBUTES[DTypeView] = frozenset({"kind", "name"})
    ATTRIBUTES[Ufunc] = frozenset({"accumulate", "outer", "reduce"})
    ATTRIBUTES[np.flatiter] = frozenset()


ATTRIBUTES[NumberLimits] = frozenset({"eps", "max", "min", "tiny"})
register_types()
