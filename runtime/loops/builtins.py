"""Python's builtin functions for programs.

``WRAPPED`` maps each value that programs may call to a function that takes the run first.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from attndsl.dsl.pyimport import vocabulary as words
from attndsl.runtime.loops.containers import public
from attndsl.runtime.loops.state import (
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
    too_big_number,
    too_many_steps,
    walk,
)
from attndsl.runtime.loops.texts import format_value, to_ascii, to_repr, to_text

BUILTINS: dict[str, Any] = {n: getattr(builtins, n) for n in words.BUILTIN_FUNCTIONS | words.EXCEPTIONS}

_NOTHING = object()


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda run, *args, **kwargs: function(*args, **kwargs)


def _range(run: Run, *args: Any) -> range:
    return range(*args)


def _sorted(run: Run, items: Any, /, *, key: Any = None, reverse: Any = False) -> list[Any]:
    from attndsl.runtime.loops.calls import ordering

    if isinstance(items, set | frozenset) and key is None:
        made = list(items)  # a total order does not show the order of the set
        run.grow(len(made))
    else:
        made = bounded_list(run, items)
    run.step(len(made) >> 2)
    if key is None:
        compared(run, made)
    made.sort(key=ordering(run, key), reverse=reverse)
    return made


def _extreme(function: Callable[..., Any]) -> Callable[..., Any]:
    def extreme(run: Run, *args: Any, **kwargs: Any) -> Any:
        if kwargs:
            from attndsl.runtime.loops.calls import ordering

            if "key" in kwargs:
                kwargs["key"] = ordering(run, kwargs["key"])
        if len(args) == 1:
            items = args[0]
            if isinstance(items, set | frozenset) and kwargs.get("key") is None:
                run.step(len(items) >> 4)
                return function(items, **kwargs)
            if kwargs.get("key") is None:
                compared(run, items)
            return function(walk(run, items), **kwargs)
        compared(run, args)
        return function(*args, **kwargs)

    return extreme


def _sum(run: Run, items: Any, start: Any = 0) -> Any:
    if not isinstance(start, int | float | np.number | np.bool_):
        from attndsl.runtime.loops.operators import binary

        if start.__class__ is str:
            return sum([], start)  # an error
        for item in walk(run, items):
            start = binary(run, "Add", start, item)
        return start
    plain = items.__class__ in _WALKED or (items.__class__ in (list, tuple) and np.ndarray not in set(map(type, items)))
    made = sum(paced(run, items) if plain else _summed(run, items), start)
    check_size(run, made)
    return made


_WALKED: Any = frozenset({set, frozenset, dict, str, range, np.ndarray})


def _summed(run: Run, items: Any) -> Any:
    """What may hold arrays, with a look at each of them before it is added."""
    shape: tuple[int, ...] = ()
    for item in items:
        run.step()
        if item.__class__ is np.ndarray:
            with suppress(ValueError):  # numpy raises its own error
                shape = np.broadcast_shapes(shape, item.shape)
            run.grow(math.prod(shape))
        yield item


def _truth(function: Callable[[Any], bool]) -> Callable[..., bool]:
    def test(run: Run, items: Any, /) -> bool:
        if isinstance(items, set | frozenset):
            return function(items)
        return function(walk(run, items))

    return test


def _list(run: Run, items: Any = ()) -> list[Any]:
    return bounded_list(run, items)


def _tuple(run: Run, items: Any = ()) -> tuple[Any, ...]:
    return items if type(items) is tuple else check_levels(run, tuple(bounded_list(run, items)))


def _set(run: Run, items: Any = ()) -> set[Any]:
    if isinstance(items, set | frozenset):
        run.grow(len(items))
        return set(items)
    return set(_sized_source(run, items))


def _frozenset(run: Run, items: Any = ()) -> frozenset[Any]:
    if isinstance(items, set | frozenset):
        run.grow(len(items))
        return frozenset(items)
    made = frozenset(_sized_source(run, items))
    check_levels(run, made)
    return made


def _sized_source(run: Run, items: Any) -> Any:
    """The iterable itself where Python's constructor may walk it (it sizes its table by what it is given)."""
    if isinstance(items, range):
        if len(items) > run.left:
            raise too_many_steps(run)
        run.grow(len(items))
        return items
    return paced(run, items)


def _dict(run: Run, *args: Any, **kwargs: Any) -> dict[Any, Any]:
    if not args:
        return dict(**kwargs)
    if len(args) == 1 and not hasattr(args[0], "keys"):
        return dict(paced(run, args[0]), **kwargs)
    made = dict(*args, **kwargs)
    run.grow(len(made))
    return made


def _zip(run: Run, *items: Any, strict: Any = False) -> Any:
    return zip(*[_source(run, i) for i in items], strict=strict)


def _enumerate(run: Run, items: Any, start: Any = 0) -> Any:
    return enumerate(_source(run, items), start)


def _lazy(run: Run, items: Any) -> Any:
    return ordered(run, items) if isinstance(items, set | frozenset) else items


def _map(run: Run, function: Any, *items: Any) -> Any:
    from attndsl.runtime.loops.calls import callback

    return map(callback(run, function), *[_source(run, i) for i in items])


def _filter(run: Run, function: Any, items: Any) -> Any:
    from attndsl.runtime.loops.calls import callback

    return counted(run, filter(callback(run, function), counted(run, _lazy(run, items))))


def _source(run: Run, items: Any) -> Any:
    """What Python's own iterator may go through. Iterators inside iterators pass through one of ours: Python's take
    the C stack for each of them, and end the process without it."""
    if items.__class__ is list or items.__class__ is tuple:
        check_items(run, items)
        return items
    return counted(run, items) if hasattr(items, "__next__") else _lazy(run, items)


def _iter(run: Run, items: Any, *sentinel: Any) -> Any:
    if sentinel:
        raise Stop("E0466", "`iter` with a second argument is not read", "write a `while` loop")
    return iter(_lazy(run, items))


def _next(run: Run, items: Any, default: Any = _NOTHING) -> Any:
    run.step()
    return next(items) if default is _NOTHING else next(items, default)


def _isinstance(run: Run, value: Any, kinds: Any) -> bool:
    return isinstance(value, kinds)


def _type(run: Run, value: Any) -> Any:
    """``type(value)``, of values that a program may make itself: the classes of ours can be called, too."""
    kind = public(type(value))
    if kind in WRAPPED or kind in _PLAIN_TYPES:
        return kind
    raise Stop("E0466", f"the type of a {kind.__name__} value is not one that programs may ask for")


_PLAIN_TYPES = frozenset({type(None), np.ndarray, np.str_, np.uint16, np.uint32, np.uint64})
_WITH_FIELDS = (OSError, ImportError, AttributeError, NameError)


def _exception(kind: type[BaseException]) -> Callable[..., BaseException]:
    """Without fields of its own (``obj=``, ``filename``): Python frees what they hold by way of the C stack."""

    def make(run: Run, *args: Any, **fields: Any) -> BaseException:
        if fields or (len(args) > 1 and issubclass(kind, _WITH_FIELDS)):
            raise Stop("E0466", f"a {kind.__name__} is made with one text", f'write {kind.__name__}("...")')
        return kind(*args)

    return make


def _slice(run: Run, *parts: Any) -> slice:
    if any(isinstance(part, slice) for part in parts):
        raise TypeError("slice indices must be integers or None or have an __index__ method")
    return slice(*parts)


def _int(run: Run, *args: Any, **kwargs: Any) -> int:
    if args and isinstance(args[0], str):
        if len(args[0]) > 4000:
            raise too_big_number(run)
        run.step(len(args[0]) >> 4)
    return int(*args, **kwargs)


def _round(run: Run, number: Any, ndigits: Any = None) -> Any:
    if isinstance(ndigits, int) and ndigits < -run.limits.bits:
        raise too_big_number(run)  # Python makes the power of ten
    return round(number) if ndigits is None else round(number, ndigits)


def _pow(run: Run, base: Any, exp: Any, mod: Any = None) -> Any:
    from attndsl.runtime.loops.operators import binary

    if mod is None:
        return binary(run, "Pow", base, exp)
    if isinstance(exp, int) and isinstance(mod, int):
        run.step(exp.bit_length() * (1 + (mod.bit_length() >> 6)) ** 2 >> 4)
    return pow(base, exp, mod)


def _digits(function: Callable[[Any], str]) -> Callable[..., str]:
    """``bin``, ``hex`` and ``oct``."""

    def digits(run: Run, number: Any, /) -> str:
        made = function(number)
        check_size(run, made)
        return made

    return digits


def _print(run: Run, *args: Any, **kwargs: Any) -> None:
    """Nothing is printed: a program's output is its matrix."""
    for value in args:
        to_text(run, value)


def _format(run: Run, value: Any, spec: str = "") -> str:
    return format_value(run, value, "", spec)


def _reversed(run: Run, items: Any) -> Any:
    return reversed(items)


def _callable(run: Run, value: Any) -> bool:
    return callable(value)


def _abs(run: Run, value: Any) -> Any:
    made = abs(value)
    if made.__class__ is np.ndarray:
        check_size(run, made)
    return made


WRAPPED: dict[Any, Callable[..., Any]] = {
    abs: _abs, all: _truth(all), any: _truth(any), bool: _plain(bool), callable: _callable, chr: _plain(chr),
    dict: _dict, divmod: _plain(divmod), enumerate: _enumerate, filter: _filter, float: _plain(float),
    format: _format, frozenset: _frozenset, int: _int, isinstance: _isinstance, iter: _iter, len: _plain(len),
    list: _list, map: _map, max: _extreme(max), min: _extreme(min), next: _next, ord: _plain(ord), pow: _pow,
    print: _print, range: _range, repr: to_repr, ascii: to_ascii, reversed: _reversed, round: _round, set: _set,
    **{function: _digits(function) for function in (bin, hex, oct)},
    slice: _slice, sorted: _sorted, str: to_text, sum: _sum, tuple: _tuple, type: _type, zip: _zip,
}  # fmt: skip
for _name in words.EXCEPTIONS:
    WRAPPED[BUILTINS[_name]] = _exception(BUILTINS[_name])


def register(value: Any, wrapper: Callable[..., Any]) -> None:
    """Make ``value`` callable in programs."""
    WRAPPED[value] = wrapper
