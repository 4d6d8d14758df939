"""Things Python and numpy load when they are first used, loaded in the zygote while files can still be read.

A locked child can open no file, so whatever a permitted function imports on its first call must be there before.
"""

from __future__ import annotations

import contextlib
import importlib
import warnings
from typing import Any

import numpy as np

from attndsl.runtime.sandbox.arrays import ARRAY_METHODS
from attndsl.runtime.sandbox.guards import get_attribute
from attndsl.runtime.sandbox.modules import MODULES

_ENCODINGS = ("ascii", "latin-1", "utf-8", "utf-16", "utf-32", "cp1252", "unicode_escape", "raw_unicode_escape")
_SKIPPED = frozenset({"seed", "RandomState", "default_rng", "errstate"})


def _try(function: Any, *args: Any) -> None:
    """Call for the sake of what the call loads; an argument that does not fit does no harm."""
    with contextlib.suppress(Exception):
        function(*args)


def warm_up() -> None:
    """Call every permitted numpy function and array method once, and load codecs and arithmetic helpers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix, row = np.eye(3), np.array([1.0, 2.0, 3.0])
        for name, function in MODULES["numpy"].members.items():
            if callable(function) and name not in _SKIPPED:
                for args in ((matrix,), (row, row), (matrix, 1), (3,), ((3, 3), 1.0), (matrix, 0, 1)):
                    _try(function, *args)
        for value in (matrix, row, np.float64(1.0), np.int64(1), row > 1):
            for name in ARRAY_METHODS:
                with contextlib.suppress(AttributeError):
                    method = get_attribute(value, name)
                    for few in ((), (1,), (0, 1)):
                        _try(method, *few)
        for shown in (matrix, row, np.float64(1.0), np.array(["a"])):
            _try(str, shown)
            _try(repr, shown)
        for function in MODULES["numpy.linalg"].members.values():
            for args in ((matrix,), (matrix, row), (matrix, 2)):
                _try(function, *args)
    for encoding in _ENCODINGS:
        _try("a".encode, encoding)
    with contextlib.suppress(ImportError):
        importlib.import_module("_pylong")
