"""Results of pure helpers, kept across runs: a library's programs all align the same sentence with the same helper.

A helper qualifies when the lowering found that it reads nothing but its arguments, constants and the parser. A call
qualifies when its arguments are numbers, strings and lists of these, left as they were, and its result is numbers,
strings and freshly made lists. The steps of the first call are paid again on each hit, so limits do not depend on
what ran before.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from attndsl.runtime.loops.state import Run

_KEPT = 512
_kept: OrderedDict[Any, tuple[Any, Any, int]] = OrderedDict()
_lock = threading.Lock()
_ATOMS = frozenset({int, float, str, bool, type(None)})
_MOST = 20_000  # items of a result that is kept


class _NotPlain(Exception):
    pass


def remembered(run: Run, key: str, function: Callable[..., Any], args: list[Any]) -> Any:
    """``function(*args)``, or a copy of its result from before. ``key`` stands for the text of the helper."""
    try:
        given = tuple(_frozen(a) for a in args)
        place = (key, id(run.table.parse), run.table.text, given)
        hash(place)
    except (_NotPlain, TypeError):
        return function(*args)
    with _lock:
        found = _kept.get(place)
    if found is not None:
        run.step(found[2])
        return _thawed(found[0])
    before, unordered = run.left, run.unordered
    result = function(*args)
    if run.unordered == unordered and not run.unordered and tuple(_frozen(a) for a in args) == given:
        try:
            seen = {id(a) for a in args if a.__class__ is list}
            _keep(place, (_frozen_result(result, seen), run.table.parse, before - run.left))
        except _NotPlain:
            pass
    return result


def _keep(place: Any, entry: tuple[Any, Any, int]) -> None:
    with _lock:
        _kept[place] = entry
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)


def _frozen(value: Any) -> Any:
    """A hashable stand-in for an argument; equal only for arguments of the same types and values."""
    kind = value.__class__
    if kind in _ATOMS:
        return kind, value
    if kind is list:
        if all(item.__class__ is str for item in value):
            return list, tuple(value)
        return list, tuple(_frozen(item) for item in value)
    raise _NotPlain


def _frozen_result(value: Any, seen: set[int]) -> Any:
    kind = value.__class__
    if kind in _ATOMS:
        return value
    if kind is not list or id(value) in seen or len(value) > _MOST:
        raise _NotPlain  # a shared list would come apart in a copy
    seen.add(id(value))
    return tuple(_frozen_result(item, seen) for item in value)


def _thawed(value: Any) -> Any:
    if value.__class__ is tuple:
        return [_thawed(item) if item.__class__ is tuple else item for item in value]
    return value
