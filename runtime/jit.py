"""``cached_njit``: numba's ``njit`` with kernels kept on disk, for several processes and read-only installs.

numba numbers the files of a function's kernels by what the folder holds at the moment. Two processes that compile the
function at the same time, each for its own kind of arrays, choose the same number, and from then on the index gives
one kind of arrays the kernel of the other. Here a file is named by what its kernel is for, and is written before the
index names it: the worst that a race costs is that a kernel is compiled again.
"""
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from numba import njit
from numba.core.caching import IndexDataCacheFile

_log = logging.getLogger("attndsl")


class NamedByKey(IndexDataCacheFile):
    """The files of one function's kernels."""

    def save(self, key: Any, data: Any) -> None:
        """Keep ``data``, the kernel for ``key``: signature, processor and code."""
        digest = hashlib.sha256(repr((self._source_stamp, key)).encode()).hexdigest()
        name = self._data_name_pattern.format(number=int(digest[:15], 16))
        self._save_data(name, data)
        self._save_index({**self._load_index(), key: name})


def cached_njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A decorator: ``njit(cache=True, **options)``, safe for several processes.

    Where neither the package's folder, nor the user's cache folder, nor ``NUMBA_CACHE_DIR`` can be written to, kernels
    are compiled in every process anew, which is said once.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            compiled = njit(cache=True, **options)(function)
        except RuntimeError as error:
            if "no locator available" not in str(error):
                raise
            _say_not_kept()
            return njit(**options)(function)
        files = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
        if isinstance(files, IndexDataCacheFile):  # not so under NUMBA_DISABLE_JIT
            files.__class__ = NamedByKey
        return compiled

    return decorate


@cache
def _say_not_kept() -> None:
    _log.warning(
        "no folder to keep compiled kernels in can be written to, so each start compiles them anew (a minute); "
        "set NUMBA_CACHE_DIR to a folder that can be written to"
    )
