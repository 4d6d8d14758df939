"""``bisect``, ``heapq`` and ``statistics`` for programs: comparisons are paid for, keys are the program's own."""

from __future__ import annotations

import bisect
import functools
import heapq
import operator
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

from attndsl.runtime.loops.attributes import register_callable
from attndsl.runtime.loops.calls import callback, compared_keys, ordering
from attndsl.runtime.loops.state import HOLDING, Run, bounded_list, compared, counted

Wrapper = Callable[..., Any]


def wrappers() -> dict[Any, Wrapper]:
    """Every function of these modules that programs may call."""
    found: dict[Any, Wrapper] = {f: _searching(f) for f in (bisect.bisect_left, bisect.bisect_right)}
    found.update({f: _inserting(f) for f in (bisect.insort_left, bisect.insort_right)})
    found.update({f: _on_heap(f, 0) for f in (heapq.heapify, heapq.heappop)})
    found.update({f: _on_heap(f, 1) for f in (heapq.heappush, heapq.heappushpop, heapq.heapreplace)})
    found.update({f: _of_most(f) for f in (heapq.nlargest, heapq.nsmallest)})
    found[heapq.merge] = _merge
    found[functools.cmp_to_key] = lambda run, mycmp: _KeyMaker(callback(run, mycmp))
    found.update({getattr(statistics, name): _statistic(getattr(statistics, name)) for name in _STATISTICS})
    return found


@register_callable
class _KeyMaker:
    """``functools.cmp_to_key(...)``: Python frees its own ones inside one another by way of the C stack."""

    __slots__ = ("compare",)

    def __init__(self, compare: Wrapper) -> None:
        self.compare = compare

    def __call__(self, obj: Any) -> _Key:
        return _Key(self.compare, obj)


class _Key:
    __slots__ = ("compare", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, compare: Wrapper, value: Any) -> None:
        self.compare, self.value = compare, value


def _compared_by(operation: Wrapper) -> Wrapper:
    def compare(one: _Key, two: Any) -> Any:
        if two.__class__ is not _Key:
            raise TypeError("other argument must be K instance")
        return operation(one.compare(one.value, two.value), 0)

    return compare


for _name in ("lt", "le", "gt", "ge", "eq"):
    setattr(_Key, f"__{_name}__", _compared_by(getattr(operator, _name)))


_STATISTICS = ("fmean", "mean", "median", "mode", "pstdev", "pvariance", "stdev", "variance")


def _pay_search(run: Run, items: Any, item: Any) -> None:
    """Half of what is left is left out with each comparison."""
    many = len(items).bit_length() if hasattr(items, "__len__") else 1
    run.step(1 + (many >> 2))
    if item.__class__ in HOLDING:
        compared(run, [item] * many, items)
    elif item.__class__ is np.ndarray:
        compared(run, items, item)


def _searching(function: Wrapper) -> Wrapper:
    def search(run: Run, a: Any, x: Any, lo: Any = 0, hi: Any = None, *, key: Any = None) -> Any:
        _pay_search(run, a, x)
        return function(a, x, lo, hi, key=ordering(run, key))

    return search


def _inserting(function: Wrapper) -> Wrapper:
    def insert(run: Run, a: Any, x: Any, lo: Any = 0, hi: Any = None, *, key: Any = None) -> Any:
        _pay_search(run, a, x)
        run.grow(1)
        run.step(len(a) >> 6 if hasattr(a, "__len__") else 0)
        return function(a, x, lo, hi, key=ordering(run, key))

    return insert


def _on_heap(function: Wrapper, grown: int) -> Wrapper:
    def change(run: Run, heap: Any, *item: Any) -> Any:
        if heap.__class__ is list:
            compared(run, heap)
            run.step(1 + (len(heap) >> 6))
        if item:
            compared(run, item, heap)
        run.grow(grown)
        return function(heap, *item)

    return change


def _of_most(function: Wrapper) -> Wrapper:
    def most(run: Run, n: Any, iterable: Any, key: Any = None) -> Any:
        made = bounded_list(run, iterable)
        run.step(len(made) >> 2)
        if key is None:
            compared(run, made)
        found = function(n, made if hasattr(iterable, "__len__") else iter(made), ordering(run, key))
        run.grow(len(found))
        return found

    return most


def _merge(run: Run, *iterables: Any, key: Any = None, reverse: Any = False) -> Any:
    key = ordering(run, key) or compared_keys(run, _itself)
    return counted(run, heapq.merge(*[counted(run, i) for i in iterables], key=key, reverse=reverse))


def _itself(value: Any) -> Any:
    return value


def _statistic(function: Wrapper) -> Wrapper:
    def apply(run: Run, data: Any, *args: Any, **kwargs: Any) -> Any:
        made = bounded_list(run, data)
        compared(run, made)
        run.step(len(made) >> 2)
        args = tuple([_listed(run, a) for a in args])
        named = {name: _listed(run, a) for name, a in kwargs.items()}
        return function(counted(run, made) if len(made) > _MANY else made, *args, **named)

    return apply


_MANY = 1024


def _listed(run: Run, value: Any) -> Any:
    return bounded_list(run, value) if hasattr(value, "__iter__") else value
