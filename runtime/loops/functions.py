"""Functions of a program: values that can be called, with Python's rules for arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from attndsl.dsl.pyimport import loops as lt
from attndsl.runtime.loops.dispatch import Evaluate, Frame, block, expr
from attndsl.runtime.loops.state import Run, check_levels, is_pythons_own, refuel, too_deep


class _Unbound:
    def __repr__(self) -> str:
        return "<unbound>"


UNBOUND = _Unbound()
MOST_CALLS = 200
"""Calls inside calls of a program's own functions. Python's own stack may end sooner: at about 100."""


@dataclass(frozen=True, slots=True)
class HostFunction:
    """A function that the caller of attndsl registered."""

    name: str
    function: Callable[..., Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


def unbound(name: str, free: bool) -> NameError:
    """The error of reading a variable before it has a value."""
    if free:
        return NameError(
            f"cannot access free variable '{name}' where it is not associated with a value in enclosing scope"
        )
    return UnboundLocalError(f"cannot access local variable '{name}' where it is not associated with a value")


def make_function(node: lt.MakeFunction) -> Evaluate:
    """The closure that makes the function value, each time the ``def`` or ``lambda`` is reached."""
    code = node.code
    defaults = tuple(expr(d) for d in node.defaults)
    single = code.body[0] if len(code.body) == 1 else None
    only = expr(single.value) if isinstance(single, lt.Return) and single.value is not None else None
    body = block(code.body)

    def make(f: Frame) -> Any:
        return _function(code, f, tuple(d(f) for d in defaults), only, body)

    if node.cache is not None:
        size, typed = node.cache

        def make_cached(f: Frame) -> Any:
            return lru_cache(size, typed)(_paid_entries(f[1], make(f)))

        return make_cached

    return make


def _paid_entries(run: Run, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which pays for what a cache keeps of each call."""

    def called(*args: Any, **kwargs: Any) -> Any:
        run.grow(_ENTRY + len(args))
        check_levels(run, args)
        return function(*args, **kwargs)

    return called


_ENTRY = 16  # cells


def _function(
    code: lt.Code, outer: Frame, defaults: tuple[Any, ...], only: Evaluate | None, body: Evaluate
) -> Callable[..., Any]:
    run: Run = outer[1]
    names = code.names
    plain = sum(p.kind == "positional" for p in code.parameters) if _all_positional(code) else -1
    empty = [UNBOUND] * (len(names) - 3 - len(code.parameters))

    def program_function(*args: Any, **kwargs: Any) -> Any:
        run.steps -= 1
        if run.steps < 0:
            refuel(run)
        if len(args) == plain and not kwargs:
            frame = [outer, run, code, *args, *empty]
        else:
            frame = [outer, run, code, *bind(run, code, defaults, args, kwargs), *empty]
        if run.depth > MOST_CALLS:
            raise too_deep(code.name)
        run.depth += 1
        try:
            if only is not None:
                return only(frame)
            result = body(frame)
            return None if result is None else result[0]
        except RecursionError as error:  # closures take several of Python's frames for each call
            if run.depth > 2 and is_pythons_own(error):
                raise too_deep(code.name) from None
            raise
        finally:
            run.depth -= 1

    return program_function


_PROGRAM_CODE = next(c for c in _function.__code__.co_consts if getattr(c, "co_name", "") == "program_function")


def is_program_function(value: Any) -> bool:
    """True for the functions made here, and for no other Python function."""
    return getattr(value, "__code__", None) is _PROGRAM_CODE


def _all_positional(code: lt.Code) -> bool:
    return all(p.kind == "positional" for p in code.parameters)


def bind(
    run: Run, code: lt.Code, defaults: tuple[Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> list[Any]:
    """The values of the parameters, in order. Raises TypeError with Python's words where they do not fit."""
    values: list[Any] = [UNBOUND] * len(code.parameters)
    positional = [k for k, p in enumerate(code.parameters) if p.kind == "positional"]
    rest = next((k for k, p in enumerate(code.parameters) if p.kind == "rest"), None)
    options = next((k for k, p in enumerate(code.parameters) if p.kind == "options"), None)
    for place, value in zip(positional, args, strict=False):
        values[place] = value
    if rest is not None:
        values[rest] = check_levels(run, args[len(positional) :])
    elif len(args) > len(positional):
        raise TypeError(_too_many(code, len(positional), len(args)))
    extra = _keywords(code, kwargs, values, options is not None)
    if options is not None:
        values[options] = extra
    with_default = [k for k, p in enumerate(code.parameters) if p.has_default]
    for place, value in zip(with_default, defaults, strict=True):
        if values[place] is UNBOUND:
            values[place] = value
    missing = [p.name for k, p in enumerate(code.parameters) if values[k] is UNBOUND]
    if missing:
        raise TypeError(f"{code.name}() missing {len(missing)} required argument(s): {', '.join(missing)}")
    return values


def _keywords(code: lt.Code, kwargs: dict[str, Any], values: list[Any], open_ended: bool) -> dict[str, Any]:
    places = {p.name: k for k, p in enumerate(code.parameters) if p.kind in ("positional", "keyword")}
    extra: dict[str, Any] = {}
    for name, value in kwargs.items():
        place = places.get(name)
        if place is None or place < code.positional_only:
            if not open_ended:
                raise TypeError(f"{code.name}() got an unexpected keyword argument '{name}'")
            extra[name] = value
        elif values[place] is not UNBOUND:
            raise TypeError(f"{code.name}() got multiple values for argument '{name}'")
        else:
            values[place] = value
    return extra


def _too_many(code: lt.Code, most: int, given: int) -> str:
    return f"{code.name}() takes {most} positional argument(s) but {given} were given"
