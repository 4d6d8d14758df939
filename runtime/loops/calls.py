"""Calls -> closures. What may be called: functions of the program, of our tables, of the host. Nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np

from attndsl.dsl.pyimport import loops as lt
from attndsl.runtime.loops.attributes import CALLABLE, METHODS, SIZED, attribute_reader
from attndsl.runtime.loops.dispatch import Evaluate, Frame, expr, spanned
from attndsl.runtime.loops.functions import HostFunction, is_program_function
from attndsl.runtime.loops.memo import remembered
from attndsl.runtime.loops.state import HOLDING, LONG_TEXT, Run, Stop, compared, too_many_cells, walk

_LONG_TEXT = 2048  # characters from which a string's methods cost more than one step
_RESULTS = (int, float, str, bool, type(None), np.generic)


def invoke(run: Run, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Call a value. Raises TypeError as Python does when it cannot be called."""
    if function.__class__ is FunctionType and is_program_function(function):
        return function(*args, **kwargs)
    if isinstance(function, HostFunction):
        return _host(function, args, kwargs)
    if function.__class__ in CALLABLE:
        return function(*args, **kwargs)
    wrapped = _wrapped(function)
    if wrapped is not None:
        return wrapped(run, *args, **kwargs)
    raise TypeError(f"'{type(function).__name__}' object is not callable")


def _host(function: HostFunction, args: list[Any], kwargs: dict[str, Any]) -> Any:
    result = function.function(*args, **kwargs)
    if not isinstance(result, _RESULTS):
        raise Stop("E0467", f"`{function.name}` returned a {type(result).__name__}, not a number or a text")
    return result


def _wrapped(function: Any) -> Callable[..., Any] | None:
    from attndsl.runtime.loops.builtins import WRAPPED

    try:
        return WRAPPED.get(function)
    except TypeError:  # no hash: no function either
        return None


def callback(run: Run, function: Any) -> Any:
    """``function`` as something that Python's own functions may call (``key=``, ``map``); None stays None."""
    if function is None or (function.__class__ is FunctionType and is_program_function(function)):
        return function
    if function.__class__ in CALLABLE:
        return function
    if isinstance(function, HostFunction):
        return lambda *args: _host(function, list(args), {})
    wrapped = _wrapped(function)
    if wrapped is not None:
        return partial(wrapped, run)
    raise TypeError(f"'{type(function).__name__}' object is not callable")


def ordering(run: Run, key: Any) -> Any:
    """``callback`` for the keys that things are ordered or grouped by: what a key holds is compared."""
    function = callback(run, key)
    return function if function is None or key is len else compared_keys(run, function)


def compared_keys(run: Run, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which pays for comparisons of what it gives."""

    wide = most = 1  # items of the largest array with an axis of length 1, and of the largest one

    def made(*args: Any) -> Any:
        nonlocal wide, most
        found = function(*args)
        if found.__class__ in HOLDING or found.__class__ is np.ndarray:
            for array in compared(run, (found,)):
                most = max(most, array.size)
                wide = max(wide, array.size if array.ndim > 1 and 1 in array.shape else 1)
            if wide * most > run.cells:
                raise too_many_cells(run)
        elif found.__class__ is str and len(found) > LONG_TEXT:
            run.step(len(found) >> 10)
        return found

    return made


def _arguments(nodes: tuple[lt.Expr, ...]) -> Callable[[Frame], list[Any]]:
    if not any(isinstance(n, lt.Star) for n in nodes):
        plain = tuple(expr(n) for n in nodes)
        if len(plain) == 1:
            only = plain[0]
            return lambda f: [only(f)]
        if len(plain) == 2:
            first, second = plain
            return lambda f: [first(f), second(f)]
        return lambda f: [a(f) for a in plain]
    items = tuple((isinstance(n, lt.Star), expr(n.value if isinstance(n, lt.Star) else n)) for n in nodes)

    def gather(f: Frame) -> list[Any]:
        made: list[Any] = []
        for is_star, item in items:
            if is_star:
                made.extend(walk(f[1], item(f)))
            else:
                made.append(item(f))
        return made

    return gather


def _keywords(nodes: tuple[lt.Keyword, ...]) -> Callable[[Frame], dict[str, Any]]:
    items = tuple((k.name, expr(k.value)) for k in nodes)

    def gather(f: Frame) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, value in items:
            found = value(f)
            if name is not None:
                made[name] = found
                continue
            for key in found:
                if key in made:
                    raise TypeError(f"got multiple values for keyword argument '{key}'")
                made[key] = found[key]
        return made

    return gather


def call(node: lt.Call) -> Evaluate:
    """The closure of ``function(...)``."""
    from attndsl.runtime.loops.builtins import BUILTINS, WRAPPED
    from attndsl.runtime.loops.members import member_value

    known: Any = None
    if isinstance(node.function, lt.Builtin):
        known = BUILTINS[node.function.name]
    elif isinstance(node.function, lt.Member):
        known = member_value(node.function.target)
    wrapped = WRAPPED.get(known) if known is not None else None
    if wrapped is not None:
        return _known_call(node, known, wrapped)
    function, arguments = expr(node.function), _arguments(node.arguments)
    if not node.keywords:
        pure = node.function.pure if isinstance(node.function, lt.GetGlobal) and node.arguments else ""
        if pure:
            return spanned(lambda f, at_span=node.span: remembered(f[1], pure, function(f), arguments(f)))

        def positional(f: Frame, at_span: Any = node.span) -> Any:
            found = function(f)
            if found.__class__ is FunctionType and is_program_function(found):
                return found(*arguments(f))
            return invoke(f[1], found, arguments(f), {})

        return positional
    keywords = _keywords(node.keywords)

    def with_keywords(f: Frame, at_span: Any = node.span) -> Any:
        return invoke(f[1], function(f), arguments(f), keywords(f))

    return with_keywords


def _known_call(node: lt.Call, known: Any, wrapped: Callable[..., Any]) -> Evaluate:
    if not node.keywords and not any(isinstance(a, lt.Star) for a in node.arguments):
        if len(node.arguments) == 1:
            only = expr(node.arguments[0])
            if known is len or known is abs:
                return spanned(lambda f, at_span=node.span: known(only(f)))
            return spanned(lambda f, at_span=node.span: wrapped(f[1], only(f)))
        if len(node.arguments) == 2:
            first, second = expr(node.arguments[0]), expr(node.arguments[1])
            return spanned(lambda f, at_span=node.span: wrapped(f[1], first(f), second(f)))
    arguments = _arguments(node.arguments)
    if not node.keywords:
        return spanned(lambda f, at_span=node.span: wrapped(f[1], *arguments(f)))
    keywords = _keywords(node.keywords)
    return spanned(lambda f, at_span=node.span: wrapped(f[1], *arguments(f), **keywords(f)))


def method_call(node: lt.MethodCall) -> Evaluate:
    """The closure of ``value.name(...)``."""
    name = node.name
    if isinstance(node.value, lt.Builtin):
        return call(lt.Call(node.span, lt.Attribute(node.span, node.value, name), node.arguments, node.keywords))
    value, arguments = expr(node.value), _arguments(node.arguments)
    plain = {kind: table[name] for kind, table in METHODS.items() if name in table}
    large = {kind: table[name] for kind, table in SIZED.items() if name in table}
    read = attribute_reader(name)
    if node.keywords:
        keywords = _keywords(node.keywords)

        def with_keywords(f: Frame, at_span: Any = node.span) -> Any:
            return invoke(f[1], read(f[1], value(f)), arguments(f), keywords(f))

        return with_keywords
    if len(node.arguments) == 0:

        def no_arguments(f: Frame, at_span: Any = node.span) -> Any:
            holder = value(f)
            method = plain.get(holder.__class__)
            if method is not None:
                if holder.__class__ is str and len(holder) > _LONG_TEXT:
                    f[1].step(len(holder) >> 8)
                    f[1].grow(len(holder) >> 3)
                return method(holder)
            method = large.get(holder.__class__)
            if method is not None:
                return method(f[1], holder)
            return invoke(f[1], read(f[1], holder), [], {})

        return no_arguments

    def positional(f: Frame, at_span: Any = node.span) -> Any:
        holder = value(f)
        method = plain.get(holder.__class__)
        if method is not None:
            if holder.__class__ is str and len(holder) > _LONG_TEXT:
                f[1].step(len(holder) >> 8)
                f[1].grow(len(holder) >> 3)
            return method(holder, *arguments(f))
        method = large.get(holder.__class__)
        if method is not None:
            return method(f[1], holder, *arguments(f))
        return invoke(f[1], read(f[1], holder), arguments(f), {})

    return positional
