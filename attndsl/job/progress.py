"""Progress as the stages see it; the command line shows it, tests and notebooks may not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

Advance = Callable[[int, int], None]
"""``advance(done, total)``."""


class Progress(Protocol):
    """Bars with an end in sight, steps without one, and notes."""

    def bar(self, what: str, total: int) -> AbstractContextManager[Advance]: ...
    def step(self, what: str) -> AbstractContextManager[None]: ...
    def note(self, text: str) -> None: ...


class Silent:
    """Shows nothing."""

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator[Advance]:
        yield lambda done, total: None

    def step(self, what: str) -> AbstractContextManager[None]:
        return nullcontext()

    def note(self, text: str) -> None:
        return None
