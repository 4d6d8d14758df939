"""numpy as a program sees it: a fixed list of functions over numeric and text arrays, without callbacks.

Every function is wrapped: ``dtype`` arguments must name a numeric type, no argument may be a type string where
numpy expects data, and what comes back must be numbers (or texts, for comparisons with tokens) of a bounded size.
There is no way to files, memory, strings of code, object arrays, or numpy's global state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from attndsl.runtime.sandbox.guards import SPECIAL, TEXT, Facade, Marker, NumberType
from attndsl.runtime.sandbox.names import ATTRIBUTES

MAX_ARRAY_BYTES = 256 * 1024 * 1024

NUMBERS = {
    name: NumberType(name, getattr(np, real))
    for name, real in {
        "float64": "float64", "float32": "float32", "float16": "float16", "double": "float64", "single": "float32",
        "int64": "int64", "int32": "int32", "int16": "int16", "int8": "int8", "intp": "intp", "int_": "int64",
        "uint64": "uint64", "uint32": "uint32", "uint16": "uint16", "uint8": "uint8", "bool_": "bool_",
        "bool": "bool_",
    }.items()
}  # fmt: skip
KINDS = {"integer": np.integer, "floating": np.floating, "number": np.number, "generic": np.generic}

PLAIN_FUNCTIONS = ["abs", "absolute", "add", "all", "allclose", "any", "append", "argmax", "argmin", "argsort", "argwhere", "around", "array_equal", "average", "bincount", "broadcast_to", "ceil", "clip", "column_stack", "concatenate", "convolve", "corrcoef", "cos", "cosh", "count_nonzero", "cross", "cumprod", "cumsum", "deg2rad", "delete", "diag", "diagonal", "diff", "digitize", "divide", "dot", "dstack", "einsum", "equal", "exp", "exp2", "expand_dims", "expm1", "fill_diagonal", "flatnonzero", "flip", "fliplr", "flipud", "floor", "floor_divide", "fmax", "fmin", "gradient", "greater", "greater_equal", "heaviside", "histogram", "hstack", "hypot", "in1d", "indices", "inner", "insert", "interp", "intersect1d", "isclose", "isfinite", "isin", "isinf", "isnan", "ix_", "kron", "less", "less_equal", "log", "log10", "log1p", "log2", "logaddexp", "logical_and", "logical_not", "logical_or", "logical_xor", "logspace", "matmul", "max", "maximum", "mean", "median", "meshgrid", "min", "minimum", "mod", "moveaxis", "multiply", "nan_to_num", "nanargmax", "nanmax", "nanmean", "nanmin", "nansum", "ndim", "negative", "nonzero", "not_equal", "outer", "percentile", "power", "prod", "ptp", "put_along_axis", "quantile", "ravel", "real", "reciprocal", "remainder", "repeat", "reshape", "roll", "rot90", "round", "searchsorted", "select", "setdiff1d", "shape", "sign", "sin", "sinh", "size", "sort", "split", "sqrt", "square", "squeeze", "stack", "std", "subtract", "sum", "swapaxes", "take", "take_along_axis", "tan", "tanh", "tensordot", "tile", "trace", "transpose", "trapezoid", "tri", "tril", "tril_indices", "triu", "triu_indices", "true_divide", "trunc", "union1d", "unique", "unravel_index", "vander", "var", "vdot", "vstack", "where", "diag_indices", "atleast_1d", "atleast_2d", "cov", "array_split", "lexsort", "partition", "argpartition", "nanstd"]

DTYPE_AT = {
    "array": 1, "asarray": 1, "zeros": 1, "ones": 1, "full": 2, "identity": 1, "zeros_like": 1, "ones_like": 1,
    "full_like": 2, "arange": 4, "eye": 3, "linspace": 5, "ascontiguousarray": 1, "sum": 2, "mean": 2, "prod": 2,
    "cumsum": 2, "tri": 3, "std": 2, "var": 2, "fromiter": 1, "asanyarray": 1, "cumprod": 2,
}  # fmt: skip
CREATORS = ["array", "asarray", "zeros", "ones", "full", "identity", "zeros_like", "ones_like", "full_like", "arange", "eye", "linspace", "asanyarray"]
UFUNC_PARTS = {"maximum": ("accumulate", "reduce", "outer"), "minimum": ("accumulate", "reduce", "outer"),
               "add": ("accumulate", "reduce", "outer"), "subtract": ("outer",), "multiply": ("accumulate", "reduce",
               "outer"), "logical_or": ("reduce", "accumulate"), "logical_and": ("reduce", "accumulate"),
               "equal": ("outer",)}  # fmt: skip
ARRAY_METHODS = ["all", "any", "argmax", "argmin", "argsort", "argpartition", "clip", "copy", "cumprod", "cumsum", "diagonal", "dot", "fill", "flatten", "item", "max", "mean", "min", "nonzero", "prod", "ravel", "repeat", "reshape", "round", "searchsorted", "sort", "squeeze", "std", "sum", "swapaxes", "take", "tolist", "trace", "transpose", "var"]
ARRAY_FIELDS = ["shape", "ndim", "size", "T", "nbytes", "real", "flat"]
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


def _empty(shape: Any, dtype: Any = float, order: str = "C") -> Any:
    return np.zeros(shape, dtype, order)


def _pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    if type(mode) is not str:
        raise TypeError("pad() takes no function here")
    return np.pad(array, pad_width, mode, **kwargs)


class _ErrorState:
    """``with np.errstate(...)``: warnings are off here anyway, so that there is nothing to switch."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: Any) -> None:
        return None


def _errstate(**kwargs: str) -> _ErrorState:
    return _ErrorState()


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
_SCALAR_METHODS = ["item", "max", "mean", "min", "round", "sum", "tolist", "all", "any", "copy", "clip", "std"]


def _register_types() -> None:
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


def numpy_facade(random: Facade) -> Facade:
    """The ``numpy`` module for programs; ``random`` is its seeded ``numpy.random``."""
    members: dict[str, Any] = {name: wrap(getattr(np, name), DTYPE_AT.get(name)) for name in CREATORS}
    names = [name for name in PLAIN_FUNCTIONS if hasattr(np, name)]
    members.update({name: wrap(getattr(np, name), DTYPE_AT.get(name)) for name in names})
    members.update({name: Ufunc(getattr(np, name), parts) for name, parts in UFUNC_PARTS.items()})
    members.update(empty=wrap(_empty, 1), empty_like=wrap(np.zeros_like, 1), pad=wrap(_pad), errstate=_errstate)
    members.update(NUMBERS)
    members.update({name: Marker(f"numpy.{name}", real) for name, real in KINDS.items()})
    members.update(ndarray=Marker("numpy.ndarray", np.ndarray), pi=np.pi, e=np.e, inf=np.inf, nan=np.nan, newaxis=None)
    linalg = Facade("numpy.linalg", {"norm": wrap(np.linalg.norm)})
    members.update(linalg=linalg, random=random, finfo=_finfo, iinfo=_iinfo)
    return Facade("numpy", members)


class NumberLimits:
    """``np.finfo`` and ``np.iinfo``."""

    __slots__ = ("eps", "max", "min", "tiny")

    def __init__(self, real: Any) -> None:
        self.max, self.min = real.max, real.min
        self.eps, self.tiny = getattr(real, "eps", None), getattr(real, "tiny", None)


def _finfo(kind: Any) -> NumberLimits:
    return NumberLimits(np.finfo(number_type(kind)))


def _iinfo(kind: Any) -> NumberLimits:
    return NumberLimits(np.iinfo(number_type(kind)))


ATTRIBUTES[NumberLimits] = frozenset({"eps", "max", "min", "tiny"})
_register_types()
