"""Methods whose result or work can be large: each takes the run first and pays before it works."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from attndsl.runtime.loops import patterns
from attndsl.runtime.loops.array_types import check_types
from attndsl.runtime.loops.arrays import weigh
from attndsl.runtime.loops.containers import deque
from attndsl.runtime.loops.state import (
    HOLDING,
    LONG_TEXT,
    Run,
    Stop,
    bounded_list,
    check_items,
    check_levels,
    check_size,
    compared,
    counted,
    ordered,
    paced,
    too_long_text,
    walk,
)

Method = Callable[..., Any]


def _text(run: Run, size: int) -> None:
    if size > run.limits.characters:
        raise too_long_text(run)
    run.grow(max(size, 0) >> 3)


def _join(run: Run, text: str, items: Any) -> str:
    parts = bounded_list(run, items)
    _text(run, sum(len(p) for p in parts if isinstance(p, str)) + len(text) * len(parts))
    return text.join(parts)


def _replace(run: Run, text: str, old: str, new: str, count: Any = -1) -> str:
    if isinstance(old, str) and isinstance(new, str) and len(new) > len(old):
        _text(run, len(text) + (text.count(old)) * (len(new) - len(old)))
    return text.replace(old, new, count)


def _pad(name: str) -> Method:
    method = getattr(str, name)

    def pad(run: Run, text: str, width: Any, *fill: Any) -> str:
        if isinstance(width, int):
            _text(run, width)
        made: str = method(text, width, *fill)
        return made

    return pad


def _format(run: Run, text: str, *args: Any, **kwargs: Any) -> str:
    from attndsl.runtime.loops.texts import format_template

    return format_template(run, text, args, kwargs)


def _translate(run: Run, text: str, table: Any) -> str:
    _text(run, len(text) * 8)
    if not isinstance(table, dict) or any(isinstance(v, str) and len(v) > 8 for v in table.values()):
        raise Stop("E0466", "`.translate` is read with a dictionary of short strings only")
    return text.translate(table)


def _expand_tabs(run: Run, text: str, tabsize: Any = 8) -> str:
    if isinstance(tabsize, int):
        _text(run, len(text) + text.count("\t") * max(tabsize, 0))
    return text.expandtabs(tabsize)


def make_table(run: Run, *args: Any) -> Any:
    """``str.maketrans``."""
    for value in args:
        run.grow(len(value) if isinstance(value, str | dict) else 0)
    return str.maketrans(*args)


def _splitting(name: str) -> Method:
    method = getattr(str, name)

    def split(run: Run, text: str, *args: Any, **kwargs: Any) -> Any:
        made = method(text, *args, **kwargs)
        run.grow(len(made))
        return made

    return split


STR: dict[str, Method] = {
    "join": _join,
    "replace": _replace,
    "format": _format,
    "translate": _translate,
    "expandtabs": _expand_tabs,
    "maketrans": lambda run, text, *args: make_table(run, *args),
    **{name: _pad(name) for name in ("center", "ljust", "rjust", "zfill")},
    **{name: _splitting(name) for name in ("split", "rsplit", "splitlines")},
}


def _extend(run: Run, value: Any, items: Any) -> None:
    items = walk(run, items)
    before = len(value)
    value.extend(items)
    run.grow(len(value) - before)


def _extend_left(run: Run, value: Any, items: Any) -> None:
    value.extendleft(bounded_list(run, items))


def _sort(run: Run, value: list[Any], *, key: Any = None, reverse: Any = False) -> None:
    from attndsl.runtime.loops.calls import ordering

    run.step(len(value) >> 2)
    if key is None:
        compared(run, value)
    value.sort(key=ordering(run, key), reverse=reverse)


def _searching(kind: type, name: str) -> Method:
    method = getattr(kind, name)

    def search(run: Run, value: Any, *args: Any) -> Any:
        run.step(len(value) >> 6)
        if args:
            pay_item(run, value, args[0])
            compared(run, args[0])  # an error shows what was not found
        return method(value, *args)

    return search


def pay_item(run: Run, holder: Any, item: Any) -> None:
    """Pay for comparisons of the item with all that a list holds."""
    if item.__class__ in HOLDING or item.__class__ is np.ndarray:
        compared(run, holder, item)
    elif item.__class__ is str and len(item) > LONG_TEXT:
        run.step(len(holder) * len(item) >> 14)


def in_range(name: str) -> Method:
    """``range.index`` and ``range.count``: Python looks for what is no integer place by place."""
    method = getattr(range, name)

    def search(run: Run, value: range, item: Any, /) -> Any:
        if item.__class__ is not int:
            run.step(min(len(value), 1 << 62) >> 4)
        return method(value, item)

    return search


def _copying(run: Run, value: Any) -> Any:
    run.grow(len(value))
    return value.copy()


_IN_LISTS = ("index", "count", "remove", "insert", "pop", "reverse")
LIST: dict[str, Method] = {
    "extend": _extend,
    "sort": _sort,
    "copy": _copying,
    **{name: _searching(list, name) for name in _IN_LISTS},
}
TUPLE: dict[str, Method] = {name: _searching(tuple, name) for name in ("index", "count")}
DEQUE: dict[str, Method] = {
    "extend": _extend,
    "extendleft": _extend_left,
    "copy": _copying,
    **{name: _searching(deque, name) for name in _IN_LISTS},
}


def _update(run: Run, value: Any, *others: Any, **items: Any) -> None:
    before = len(value)
    for other in others:
        if hasattr(other, "keys"):
            run.grow(len(other))
            value.update(other)
        else:
            value.update(paced(run, other))
    if items:
        value.update(**items)
    run.grow(len(value) - before)


def _from_keys(run: Run, value: Any, keys: Any, *default: Any) -> Any:
    return dict.fromkeys(paced(run, bounded_list(run, keys)), *default)


def _most_common(run: Run, value: Any, n: Any = None) -> Any:
    run.grow(len(value))
    compared(run, value)
    check_items(run, value)
    return value.most_common(n)


def _dict_items(run: Run, value: Any) -> Any:
    check_items(run, value)
    check_items(run, value.values())
    return value.items()


def _pop_item(run: Run, value: Any, *place: Any, **last: Any) -> Any:
    return check_levels(run, value.popitem(*place, **last))


def _elements(run: Run, value: Any) -> Any:
    return counted(run, value.elements())


def counts(run: Run, *values: Any) -> None:
    """Stop before what is no number is added to a count: texts and arrays would grow with it."""
    for value in values:
        if isinstance(value, dict):
            run.step(len(value) >> 4)
            for count in value.values():
                if not isinstance(count, _COUNTS):
                    raise Stop("E0466", f"a Counter counts with a {type(count).__name__}", "count with numbers")
                if count.__class__ is int:
                    check_size(run, count)


_COUNTS = (int, float, np.number, np.bool_)


def _counting(name: str) -> Method:
    method = getattr(Counter, name)

    def count(run: Run, value: Any, *others: Any, **items: Any) -> None:
        counts(run, value, *others, items)
        before = len(value)
        method(value, *[o if isinstance(o, dict) or o is None else paced(run, o) for o in others], **items)
        run.grow(len(value) - before)

    return count


def _total(run: Run, value: Any) -> Any:
    counts(run, value)
    return value.total()


DICT: dict[str, Method] = {
    "update": _update,
    "copy": _copying,
    "fromkeys": _from_keys,
    "items": _dict_items,
    "popitem": _pop_item,
}
COUNTER: dict[str, Method] = {
    **DICT,
    "most_common": _most_common,
    "elements": _elements,
    "total": _total,
    "update": _counting("update"),
    "subtract": _counting("subtract"),
}


def _pop(run: Run, value: set[Any]) -> Any:
    items = ordered(run, value)
    if items is value:
        return value.pop()
    value.remove(items[0])
    return items[0]


def _combining(name: str) -> Method:
    method = getattr(set, name)
    frozen: Any = getattr(frozenset, name, None)

    def combine(run: Run, value: Any, *others: Any) -> Any:
        paid = [o if isinstance(o, set | frozenset | dict) else paced(run, bounded_list(run, o)) for o in others]
        run.grow(len(value))
        made = (method if isinstance(value, set) else frozen)(value, *paid)
        if isinstance(made, set | frozenset):
            check_size(run, made)
        return made

    return combine


SET: dict[str, Method] = {
    "pop": _pop,
    "copy": _copying,
    **{
        name: _combining(name)
        for name in ("union", "intersection", "difference", "symmetric_difference", "issubset", "issuperset")
    },
    "isdisjoint": _combining("isdisjoint"),
    "update": _combining("update"),
    "difference_update": _combining("difference_update"),
    "intersection_update": _combining("intersection_update"),
    "symmetric_difference_update": _combining("symmetric_difference_update"),
}


def _array(name: str) -> Method:
    method = getattr(np.ndarray, name)

    def apply(run: Run, value: Any, *args: Any, **kwargs: Any) -> Any:
        run.step(value.size >> 10)
        if name == "dot" and args:
            from attndsl.runtime.loops.operators import matmul_cost

            matmul_cost(run, value, args[0])
        if args or kwargs:
            check_types(name, args, kwargs, 1)
        if value.itemsize > 16 or args or kwargs:
            weigh(run, value, *args, *kwargs.values())
        if name == "take" and args:
            run.grow(int(np.size(args[0])) * (value.size // max(value.shape[0], 1) if value.ndim > 1 else 1))
        if name == "repeat":
            times = args[0] if args else kwargs.get("repeats", 1)
            run.grow(int(value.size * np.max(times)) * max(value.itemsize >> 3, 1) if np.size(times) else 0)
        made = method(value, *args, **kwargs)
        check_size(run, made)
        return made

    return apply


_ARRAY_NAMES = (
    "all any argmax argmin argsort astype clip copy cumprod cumsum diagonal dot fill flatten max mean min nonzero prod "
    "ravel repeat reshape round searchsorted sort squeeze std sum swapaxes take tolist trace transpose var"
)
ARRAY: dict[str, Method] = {name: _array(name) for name in _ARRAY_NAMES.split()}


def _scalar(name: str) -> Method:
    def apply(run: Run, value: Any, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs:
            check_types(name, args, kwargs, 1)
            weigh(run, *args, *kwargs.values())
        made = getattr(value, name)(*args, **kwargs)
        check_size(run, made)
        return made

    return apply


SCALAR: dict[str, Method] = {name: _scalar(name) for name in ("item", *_ARRAY_NAMES.split()) if name != "repeat"}
"""Methods of a single number of numpy's."""


def _with_text(name: str) -> Method:
    def search(run: Run, pattern: Any, *args: Any, **kwargs: Any) -> Any:
        return patterns.apply(run, name, pattern, args, kwargs)

    return search


PATTERN: dict[str, Method] = {name: _with_text(name) for name in patterns.NAMES}


def _ratio(name: str) -> Method:
    def ratio(run: Run, value: Any) -> float:
        run.step(len(value.a) * len(value.b) * (8 + min(len(value.a), len(value.b))) >> 14)
        made: float = getattr(value, name)()
        return made

    return ratio


def _found(name: str) -> Method:
    """``group``, ``groups`` and ``groupdict``: each group is a text of its own, and one may lie in another."""
    method = getattr(re.Match, name)

    def found(run: Run, match: Any, *args: Any, **kwargs: Any) -> Any:
        if len(args) > 1 or name != "group":
            longest = max([end - start for start, end in match.regs])
            run.grow(longest * max(len(args), len(match.regs)) >> 3)
        return method(match, *args, **kwargs)

    return found


MATCH: dict[str, Method] = {name: _found(name) for name in ("group", "groups", "groupdict")}
MATCHER: dict[str, Method] = {name: _ratio(name) for name in ("ratio", "quick_ratio", "real_quick_ratio")}
