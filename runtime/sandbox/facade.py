"""numpy as a program sees it: a fixed list of functions over numeric and text arrays, without callbacks.

Every function is wrapped: ``dtype`` arguments must name a numeric type, no argument may be a type string where
numpy expects data, and what comes back must be numbers (or texts, for comparisons with tokens) of a bounded size.
There is no way to files, memory, strings of code, object arrays, or numpy's global state.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from attndsl.runtime.sandbox.arrays import NumberLimits, Ufunc, number_type, wrap
from attndsl.runtime.sandbox.guards import Facade, Marker, NumberType
from attndsl.runtime.sandbox.names import listed

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

PLAIN_FUNCTIONS = listed(
    "arccos arccosh arcsin arcsinh arctan arctan2 arctanh array_equiv bitwise_and bitwise_or bitwise_xor block "
    "broadcast_arrays cbrt choose compress copy copysign copyto degrees diag_indices_from diagflat ediff1d "
    "extract fabs "
    "float_power geomspace hsplit invert isclose iscomplex isneginf isposinf isreal isscalar left_shift nancumsum "
    "nanmedian nanpercentile nanprod nanquantile nanvar ndenumerate ndindex place positive putmask radians resize "
    "right_shift rint setxor1d signbit sinc tril_indices_from trim_zeros triu_indices_from vsplit "
    "abs absolute add all allclose any append argmax argmin argsort argwhere around array_equal average bincount "
    "broadcast_to ceil clip column_stack concatenate convolve corrcoef cos cosh count_nonzero cross cumprod cumsum "
    "deg2rad delete diag diagonal diff digitize divide dot dstack einsum equal exp exp2 expand_dims "
    "expm1 fill_diagonal fmod "
    "flatnonzero flip fliplr flipud floor floor_divide fmax fmin gradient greater greater_equal heaviside histogram "
    "hstack hypot in1d indices inner insert interp intersect1d isclose isfinite isin isinf isnan ix_ kron less "
    "less_equal log log10 log1p log2 logaddexp logical_and logical_not logical_or logical_xor logspace matmul max "
    "maximum mean median meshgrid min minimum mod moveaxis multiply nan_to_num nanargmax nanmax nanmean nanmin nansum "
    "ndim negative nonzero not_equal outer percentile power prod ptp put_along_axis quantile ravel real reciprocal "
    "remainder repeat reshape roll rot90 round searchsorted select setdiff1d shape sign sin sinh size sort split "
    "sqrt square squeeze stack std subtract sum swapaxes take take_along_axis tan tanh tensordot tile trace transpose "
    "trapezoid tri tril tril_indices triu triu_indices true_divide trunc union1d unique unravel_index vander var vdot "
    "vstack where diag_indices atleast_1d atleast_2d cov array_split lexsort partition argpartition nanstd"
)

LINEAR_ALGEBRA = listed("cholesky det eigh inv lstsq matrix_power matrix_rank norm pinv qr solve svd")

DTYPE_AT = {
    "array": 1, "asarray": 1, "zeros": 1, "ones": 1, "full": 2, "identity": 1, "zeros_like": 1, "ones_like": 1,
    "full_like": 2, "arange": 4, "eye": 3, "linspace": 5, "ascontiguousarray": 1, "sum": 2, "mean": 2, "prod": 2,
    "cumsum": 2, "tri": 3, "std": 2, "var": 2, "fromiter": 1, "asanyarray": 1, "cumprod": 2,
}  # fmt: skip
CREATORS = listed(
    "array asarray zeros ones full identity zeros_like ones_like full_like arange eye linspace asanyarray"
)
UFUNC_PARTS = {
    **dict.fromkeys(("add", "multiply", "maximum", "minimum"), ("accumulate", "reduce", "outer")),
    **dict.fromkeys(("logical_or", "logical_and"), ("accumulate", "reduce", "outer")),
    **dict.fromkeys(
        ("subtract", "divide", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal"), ("outer",)
    ),
}


def _empty(shape: Any, dtype: Any = float, order: Any = "C") -> Any:
    return np.zeros(shape, dtype, order)


def _pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    if mode.__class__ is not str:
        raise TypeError("pad() takes no function here")
    pad: Any = np.pad
    return pad(array, pad_width, mode, **kwargs)


class _ErrorState:
    """``with np.errstate(...)``: warnings are off here anyway, so that there is nothing to switch."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: Any) -> None:
        return None


def _errstate(**kwargs: str) -> _ErrorState:
    return _ErrorState()


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
    linalg = Facade("numpy.linalg", {name: wrap(getattr(np.linalg, name)) for name in LINEAR_ALGEBRA})
    members.update(linalg=linalg, random=random, finfo=_finfo, iinfo=_iinfo)
    return Facade("numpy", members)


def _finfo(kind: Any) -> NumberLimits:
    return NumberLimits(np.finfo(number_type(kind)))


def _iinfo(kind: Any) -> NumberLimits:
    return NumberLimits(np.iinfo(number_type(kind)))
