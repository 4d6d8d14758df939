"""``try``, ``raise`` and ``assert`` -> closures. Errors are Python's own exception objects.

Only ``Exception`` can be caught by a program: the signals of this package (``Stop``) pass through every handler.
"""

from __future__ import annotations

from typing import Any

from attndsl.dsl.pyimport import loops as lt
from attndsl.runtime.loops.dispatch import Evaluate, Frame, block, expr
from attndsl.runtime.loops.functions import UNBOUND
from attndsl.runtime.loops.state import Stop, is_pythons_own
from attndsl.runtime.loops.targets import store


def raising(node: lt.Raise) -> Evaluate:
    """``raise value from cause``; a bare ``raise`` repeats the error being handled."""
    value = None if node.value is None else expr(node.value)
    cause = None if node.cause is None else expr(node.cause)

    def throw(f: Frame, at_span: Any = node.span) -> None:
        if value is None:
            current = f[1].handled[-1] if f[1].handled else None
            if current is None:
                raise RuntimeError("No active exception to reraise")
            raise current
        error = value(f)
        if isinstance(error, type) and issubclass(error, BaseException):
            error = error()
        if not isinstance(error, BaseException):
            raise TypeError("exceptions must derive from BaseException")
        if not isinstance(error, Exception):
            raise Stop("E0459", f"the program ends itself with {type(error).__name__}")
        if cause is not None:
            cause(f)
        raise error

    return throw


def assertion(node: lt.Assert) -> Evaluate:
    """``assert test, message``."""
    test = expr(node.test)
    message = None if node.message is None else expr(node.message)

    def check(f: Frame, at_span: Any = node.span) -> None:
        if not test(f):
            if message is None:
                raise AssertionError
            raise AssertionError(message(f))

    return check


def trying(node: lt.Try) -> Evaluate:
    """``try`` with its handlers, ``else`` and ``finally``."""
    body, otherwise, last = block(node.body), block(node.otherwise), block(node.finally_)
    handlers = tuple(_handler(h) for h in node.handlers)

    def guarded(f: Frame) -> Any:
        try:
            result = body(f)
        except Exception as error:
            if is_pythons_own(error):  # CPython has more levels: it may not have come to an error here
                raise Stop("E0463", "calls or iterators are too many levels deep", "write a loop") from None
            for matches, handle in handlers:
                if matches(f, error):
                    return handle(f, error)
            raise
        return otherwise(f) if result is None else result

    if not node.finally_:
        return guarded

    def with_finally(f: Frame) -> Any:
        try:
            result = guarded(f)
        except Exception as error:
            if is_pythons_own(error):
                raise
            ending = last(f)
            if ending is not None:  # `return`, `break` or `continue` in `finally` drops the error
                return ending
            raise
        ending = last(f)
        return result if ending is None else ending

    return with_finally


def _handler(node: lt.Handler) -> tuple[Any, Any]:
    kinds = None if node.kinds is None else expr(node.kinds)
    body = block(node.body)
    target = node.target

    def matches(f: Frame, error: Exception, at_span: Any = node.span) -> bool:
        if kinds is None:
            return True
        wanted = kinds(f)
        for kind in wanted if isinstance(wanted, tuple) else (wanted,):
            if not (isinstance(kind, type) and issubclass(kind, BaseException)):
                raise TypeError("catching classes that do not inherit from BaseException is not allowed")
        return isinstance(error, wanted)

    def handle(f: Frame, error: Exception) -> Any:
        f[1].handled.append(error)
        try:
            if target is None:
                return body(f)
            put = store(target)
            put(f, error)
            try:
                return body(f)
            finally:
                put(f, UNBOUND)  # Python unbinds the name when the handler ends
        finally:
            f[1].handled.pop()

    return matches, handle
