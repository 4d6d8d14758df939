"""What stands between a running program and the objects of Python: attribute access, text of objects, types.

A program reaches an attribute only through ``get_attribute``, which looks up the exact type of the object in an
allow-list: subclasses, functions, generators, classes and modules have none. Texts of objects that hold memory
addresses are refused, since a program could read the layout of its process from them.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from typing import Any

from attndsl.runtime.sandbox.names import (
    ATTRIBUTES,
    CLASS_ATTRIBUTES,
    EXCEPTION_ATTRIBUTES,
    SAFE_BUILTINS,
    SAFE_EXCEPTIONS,
)

_PLAIN = frozenset({str, int, float, bool, type(None)})


class Facade:
    """A module as a program sees it: a fixed, read-only set of members."""

    __slots__ = ("members", "name")

    def __init__(self, name: str, members: dict[str, Any]) -> None:
        self.name = name
        self.members = members

    def __repr__(self) -> str:
        return f"<module {self.name!r}>"


class Marker:
    """A class that exists only to be named, as in annotations; subscripting gives itself."""

    __slots__ = ("name", "real")

    def __init__(self, name: str, real: Any = None) -> None:
        self.name = name
        self.real = real

    def __getitem__(self, item: Any) -> Marker:
        return self

    def __or__(self, other: Any) -> Marker:
        return self

    __ror__ = __or__

    def __repr__(self) -> str:
        return self.name


class NumberType(Marker):
    """A numeric type such as ``np.float64``: callable to convert, usable as ``dtype``."""

    __slots__ = ()

    def __call__(self, value: Any = 0) -> Any:
        return self.real(value)

    def __eq__(self, other: Any) -> bool:
        if isinstance(other, NumberType):
            return self.real is other.real
        return bool(self.real == other)

    def __hash__(self) -> int:
        return hash(self.real)


class TextType:
    """``str`` and ``repr`` as a program sees them: conversion that never shows a memory address."""

    __slots__ = ("convert", "name")

    def __init__(self, name: str, convert: Callable[..., str]) -> None:
        self.name = name
        self.convert = convert

    def __call__(self, *args: Any) -> str:
        if len(args) == 1 and type(args[0]) in _PLAIN:
            return self.convert(args[0])
        return checked_text(self.convert(*args))

    def __getitem__(self, item: Any) -> TextType:
        return self

    def __or__(self, other: Any) -> TextType:
        return self

    __ror__ = __or__

    def __repr__(self) -> str:
        return f"<class {self.name!r}>"


TEXT = TextType("str", str)


def checked_text(text: str) -> str:
    """The text, unless it shows a memory address. Raises TypeError then."""
    if " at 0x" in text:
        raise TypeError("the text of this object shows a memory address")
    return text


def get_attribute(obj: Any, name: str) -> Any:
    """``obj.name`` by the allow-list of the exact type. Raises AttributeError without a reference to the object."""
    kind = type(obj)
    allowed = ATTRIBUTES.get(kind)
    if allowed is not None:
        if name in allowed:
            special = SPECIAL.get((kind, name))
            return getattr(obj, name) if special is None else special(obj)
    elif kind is Facade:
        if name in obj.members:
            return obj.members[name]
        raise AttributeError(f"module {obj.name!r} has no attribute {name!r} here")
    elif kind is type or obj is TEXT:
        real = str if obj is TEXT else obj
        if name in CLASS_ATTRIBUTES.get(real, ()):
            return getattr(real, name)
    elif isinstance(obj, BaseException) and name in EXCEPTION_ATTRIBUTES:
        return obj.args
    raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r} here")


SPECIAL: dict[tuple[type, str], Callable[[Any], Any]] = {}
"""Attributes that are built by a function of the object, such as array methods with checked arguments."""


def has_attribute(obj: Any, name: str) -> bool:
    """``hasattr`` under the same allow-list."""
    try:
        get_attribute(obj, name)
    except AttributeError:
        return False
    return True


def get_attribute_or(obj: Any, name: str, *default: Any) -> Any:
    """``getattr`` with a literal name, under the same allow-list."""
    try:
        return get_attribute(obj, name)
    except AttributeError:
        if default:
            return default[0]
        raise


def is_instance(obj: Any, kinds: Any) -> bool:
    """``isinstance`` for real classes, the facade's types and (nested) tuples of them."""
    if type(kinds) is tuple:
        return any(is_instance(obj, kind) for kind in kinds)
    if kinds is TEXT:
        return isinstance(obj, str)
    if isinstance(kinds, Marker):
        if kinds.real is None:
            raise TypeError(f"isinstance() with {kinds.name} is not available here")
        return isinstance(obj, kinds.real)
    return isinstance(obj, kinds)


_VISIBLE_TYPES = frozenset({int, float, bool, list, tuple, dict, set, frozenset, range, type(None), complex, bytes})


def type_of(obj: Any) -> Any:
    """``type(x)`` for plain data only."""
    kind = type(obj)
    if kind is str:
        return TEXT
    if kind in _VISIBLE_TYPES:
        return kind
    raise TypeError("type() is available for plain data only")


def format_field(value: Any, conversion: int, spec: str) -> str:
    """One replacement field of an f-string."""
    if conversion == 114:
        value = repr(value)
    elif conversion == 97:
        value = ascii(value)
    elif conversion == 115:
        value = str(value)
    if type(value) in _PLAIN and not spec:
        return checked_text(str(value)) if type(value) is str else str(value)
    return checked_text(format(value, spec))


def format_literal(template: str, *args: Any, **kwargs: Any) -> str:
    """``"...".format(...)`` of a literal whose fields the policy has checked to be plain names or numbers."""
    return checked_text(template.format(*args, **kwargs))


def modulo(left: Any, right: Any) -> Any:
    """``left % right``; for a string, formatting that never shows a memory address."""
    if isinstance(left, str | bytes):
        result = left % right
        return checked_text(result) if isinstance(result, str) else result
    return left % right


def format_value(value: Any, spec: str = "") -> str:
    return checked_text(format(value, spec))


def discard(*args: Any, **kwargs: Any) -> None:
    """``print``: programs have nowhere to print to."""


def import_inside(name: str, *details: Any) -> Any:
    """``__import__`` for numpy's own code: C functions look up their Python halves through the running frame.

    No program can name it, and it loads nothing. Raises ImportError for anything that is not numpy's or loaded.
    """
    if (name == "_pylong" or name.split(".")[0] == "numpy") and name in sys.modules:
        return sys.modules[name]
    raise ImportError(f"the module {name!r} is not available")


def builtins_for_programs() -> dict[str, Any]:
    """A fresh ``__builtins__`` for one program; nothing else of Python's builtins exists in it."""
    table = {name: getattr(builtins, name) for name in (*SAFE_BUILTINS, *SAFE_EXCEPTIONS)}
    table.update(
        str=TEXT,
        repr=TextType("repr", repr),
        ascii=TextType("ascii", ascii),
        format=format_value,
        print=discard,
        isinstance=is_instance,
        hasattr=has_attribute,
        getattr=get_attribute_or,
        type=type_of,
        __import__=import_inside,
    )
    return table


GUARDS: dict[str, Any] = {
    "@getattr": get_attribute,
    "@field": format_field,
    "@format": format_literal,
    "@mod": modulo,
}
"""The guards by names that no source text can spell, so that no program can shadow them."""
