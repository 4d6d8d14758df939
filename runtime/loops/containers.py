"""Containers of ``collections`` that may hold one another without end: Python frees chains of its own ones by way of
the C stack, those of a class that is written in Python not."""

from __future__ import annotations

import collections
from typing import Any


class deque(collections.deque[Any]):
    """``collections.deque``."""

    __slots__ = ()


class defaultdict(collections.defaultdict[Any, Any]):
    """``collections.defaultdict``."""

    __slots__ = ()


def public(kind: type) -> type:
    """The class as a program knows it."""
    if kind is deque:
        return collections.deque
    return collections.defaultdict if kind is defaultdict else kind
