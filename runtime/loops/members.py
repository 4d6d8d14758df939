"""Functions and constants of modules for programs: numpy, math, string, re, collections, itertools, ..."""

from __future__ import annotations

import collections
import copy
import difflib
import functools
import importlib
import itertools
import operator
import re
import unicodedata
from collections.abc import Callable
from typing import Any

import numpy as np

from attndsl.dsl.pyimport import vocabulary as words
from attndsl.runtime.loops import arithmetic, array_sizes, arrays, ordering, patterns
from attndsl.runtime.loops.attributes import register_callable
from attndsl.runtime.loops.builtins import WRAPPED
from attndsl.runtime.loops.containers import defaultdict, deque
from attndsl.runtime.loops.state import (
    Run,
    Stop,
    bounded_list,
    check_levels,
    check_size,
    counted,
    paced,
    too_long_text,
    walk,
)

_MODULES = (
    "math", "string", "collections", "itertools", "functools", "operator", "copy", "difflib", "re", "bisect", "heapq",
    "statistics", "unicodedata",
)  # fmt: skip


def member_value(target: str) -> Any:
    """The value of a dotted name that the name check has allowed.

    Raises Stop E0466 for a member that has no meaning in a compiled program.
    """
    if target == "spacy.load":
        from attndsl.runtime.loops.word_features import LOAD

        return LOAD
    module, _, name = target.partition(".")
    if module == "numpy":
        value: Any = np
        for part in name.split("."):
            value = getattr(value, part)
        return value
    allowed = words.MODULES.get(module)
    if module in _MODULES and allowed is not None and name.split(".")[0] in allowed:
        value = importlib.import_module(module)
        for part in name.split("."):
            value = getattr(value, part)
        return value
    return _Nameless(target)


@register_callable
class _Nameless:
    """A name that is there for annotations only; using it for anything else ends the run."""

    def __init__(self, target: str) -> None:
        self.target = target

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise Stop("E0466", f"`{self.target}` is not one that programs may call")


def _callbacks(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    """A function whose first ``count`` arguments are functions and whose others are iterables."""

    def apply(run: Run, *args: Any, **kwargs: Any) -> Any:
        from attndsl.runtime.loops.calls import callback

        ready = [callback(run, a) for a in args[:count]] + [_paced(run, a) for a in args[count:]]
        return function(*ready, **kwargs)

    return apply


def _paced(run: Run, value: Any) -> Any:
    return paced(run, value) if hasattr(value, "__iter__") else value


def _items(run: Run, value: Any) -> Any:
    return walk(run, value) if hasattr(value, "__iter__") else value


def _lazy(function: Callable[..., Any]) -> Callable[..., Any]:
    """An itertools function: its arguments are made lists when they are iterators, its result is counted."""

    def apply(run: Run, *args: Any, **kwargs: Any) -> Any:
        return counted(run, function(*[_items(run, a) for a in args], **kwargs))

    return apply


def _product(run: Run, *args: Any, repeat: Any = 1) -> Any:
    pools = [bounded_list(run, a) for a in args]
    if isinstance(repeat, int) and repeat * len(pools) > 16:
        raise Stop("E0466", "`itertools.product` of more than 16 pools")
    return counted(run, itertools.product(*pools, repeat=repeat))


def _accumulate(run: Run, items: Any, function: Any = None, *, initial: Any = None) -> Any:
    from attndsl.runtime.loops.calls import callback

    added = callback(run, operator.add if function is None else function)
    return counted(run, itertools.accumulate(walk(run, items), added, initial=initial))


def _groupby(run: Run, items: Any, key: Any = None) -> Any:
    from attndsl.runtime.loops.calls import compared_keys, ordering

    return counted(run, itertools.groupby(walk(run, items), ordering(run, key) or compared_keys(run, lambda x: x)))


def _choosing(function: Callable[..., Any]) -> Callable[..., Any]:
    """``combinations`` and ``permutations``: Python takes room for all r places at once."""

    def choose(run: Run, iterable: Any, r: Any = None) -> Any:
        pool = bounded_list(run, iterable)
        run.grow(max(r, 0) if isinstance(r, int) else 0)
        short = r is None and function is not itertools.permutations
        return counted(run, function(pool) if short else function(pool, r))

    return choose


def _count(run: Run, start: Any = 0, step: Any = 1) -> Any:
    if not all(isinstance(x, int | float | np.number | np.bool_) for x in (start, step)):
        raise TypeError("a number is required")
    return counted(run, itertools.count(start, step))


def _filter_false(run: Run, predicate: Any, iterable: Any) -> Any:
    from attndsl.runtime.loops.calls import callback

    return counted(run, itertools.filterfalse(callback(run, predicate), counted(run, iterable)))


def _tee(run: Run, iterable: Any, n: Any = 2) -> Any:
    run.grow(max(n, 0) * _OF_A_DEQUE if isinstance(n, int) else 0)
    return tuple([counted(run, each) for each in itertools.tee(counted(run, iterable), n)])


def _repeat(run: Run, value: Any, times: Any = None) -> Any:
    return counted(run, itertools.repeat(value) if times is None else itertools.repeat(value, times))


def _defaultdict(run: Run, factory: Any = None, *args: Any, **kwargs: Any) -> Any:
    from attndsl.runtime.loops.calls import callback

    if not isinstance(factory, type) or factory not in (int, float, list, set, dict, str, bool, tuple):
        factory = callback(run, factory)
    return defaultdict(factory, WRAPPED[dict](run, *args, **kwargs))


def _ordered_dict(run: Run, *args: Any, **kwargs: Any) -> Any:
    return collections.OrderedDict(WRAPPED[dict](run, *args, **kwargs))


def _counter(run: Run, items: Any = None, **kwargs: Any) -> Any:
    if items is None or isinstance(items, dict):
        return collections.Counter(items, **kwargs)
    return collections.Counter(paced(run, items), **kwargs)


def _deque(run: Run, items: Any = (), maxlen: Any = None) -> Any:
    run.grow(_OF_A_DEQUE)
    return deque(bounded_list(run, items), maxlen)


_OF_A_DEQUE = 80  # cells that an empty one takes


def _partial(run: Run, function: Any, *args: Any, **kwargs: Any) -> Any:
    from attndsl.runtime.loops.calls import callback

    return functools.partial(callback(run, function), *args, **kwargs)


def _copied(function: Callable[[Any], Any]) -> Callable[..., Any]:
    def apply(run: Run, value: Any) -> Any:
        run.grow(_extent(run, value, 0))
        if not isinstance(value, list | tuple | dict | set | frozenset | np.ndarray | int | float | str | None):
            raise Stop("E0466", f"a {type(value).__name__} value cannot be copied")
        return function(value)

    return apply


_DEEP = 500


def _extent(run: Run, value: Any, depth: int) -> int:
    run.step()
    if isinstance(value, np.ndarray):
        return int(value.size)
    if isinstance(value, list | tuple | set | frozenset) and depth < _DEEP:
        return len(value) + sum(_extent(run, v, depth + 1) for v in value)
    if isinstance(value, dict) and depth < _DEEP:
        return len(value) + sum(_extent(run, v, depth + 1) for v in value.values())
    return 1


def _matcher(run: Run, junk: Any = None, a: Any = "", b: Any = "", autojunk: Any = True) -> Any:
    if junk is not None:
        raise Stop("E0466", "SequenceMatcher is read with None as its first argument")
    return difflib.SequenceMatcher(None, a, b, autojunk)


def _pattern(name: str) -> Callable[..., Any]:
    return lambda run, pattern, *args, **kwargs: patterns.apply(run, name, pattern, args, kwargs)


def _escaped(run: Run, pattern: Any) -> Any:
    if isinstance(pattern, str) and 2 * len(pattern) > run.limits.characters:
        raise too_long_text(run)
    made = re.escape(pattern)
    check_size(run, made)
    return made


def _pure(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda run, *args, **kwargs: function(*args, **kwargs)


def _normalised(run: Run, form: Any, text: Any, /) -> str:
    if isinstance(text, str) and len(text) * _LONGEST_FORM > run.limits.characters:
        raise too_long_text(run)
    made = unicodedata.normalize(form, text)
    check_size(run, made)
    return made


_LONGEST_FORM = 18
"""Characters that one becomes at most."""


WRAPPED.update(arithmetic.wrappers())
WRAPPED.update(ordering.wrappers())
WRAPPED.update(arrays.wrappers())
WRAPPED.update(array_sizes.wrappers())
WRAPPED.update(
    {
        collections.defaultdict: _defaultdict, collections.Counter: _counter, collections.deque: _deque,
        collections.OrderedDict: _ordered_dict,
        functools.reduce: _callbacks(functools.reduce, 1), functools.partial: _partial,
        itertools.chain: _lazy(itertools.chain), itertools.combinations: _choosing(itertools.combinations),
        itertools.chain.from_iterable: _lazy(itertools.chain.from_iterable),
        itertools.permutations: _choosing(itertools.permutations), itertools.product: _product,
        itertools.combinations_with_replacement: _choosing(itertools.combinations_with_replacement),
        itertools.count: _count, itertools.cycle: _lazy(itertools.cycle), itertools.compress: _lazy(itertools.compress),
        itertools.filterfalse: _filter_false, itertools.tee: _tee,
        itertools.islice: _lazy(itertools.islice), itertools.accumulate: _accumulate,
        itertools.zip_longest: _lazy(itertools.zip_longest), itertools.pairwise: _lazy(itertools.pairwise),
        itertools.takewhile: _callbacks(itertools.takewhile, 1), itertools.starmap: _callbacks(itertools.starmap, 1),
        itertools.dropwhile: _callbacks(itertools.dropwhile, 1), itertools.groupby: _groupby,
        itertools.repeat: _repeat,
        copy.copy: _copied(copy.copy), copy.deepcopy: _copied(copy.deepcopy), difflib.SequenceMatcher: _matcher,
        re.compile: patterns.compiled, re.escape: _escaped,
        **{getattr(re, n): _pattern(n) for n in patterns.NAMES},
        unicodedata.category: _pure(unicodedata.category), unicodedata.combining: _pure(unicodedata.combining),
        unicodedata.name: _pure(unicodedata.name), unicodedata.normalize: _normalised,
    }
)  # fmt: skip


def _item_getter(run: Run, *keys: Any) -> Any:
    return _Getter(run, operator.itemgetter(*keys))


@register_callable
class _Getter:
    """``operator.itemgetter(...)``."""

    def __init__(self, run: Run, function: Callable[[Any], Any]) -> None:
        self.run = run
        self.function = function

    def __call__(self, value: Any) -> Any:
        found = self.function(value)
        return check_levels(self.run, found) if found.__class__ is tuple else found


WRAPPED[operator.itemgetter] = _item_getter
