"""Progress as the stages see it; the command line shows it, tests and notebooks may not."""

from __future__ import annotations

import time
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


class Timed:
    """Passes everything on, and keeps how long each stage took: ``seconds``, in the order of their first start."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self.seconds: dict[str, float] = {}

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator[Advance]:
        with self._counted(what), self._shown.bar(what, total) as advance:
            yield advance

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        with self._counted(what), self._shown.step(what):
            yield

    def note(self, text: str) -> None:
        self._shown.note(text)

    @contextmanager
    def _counted(self, what: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[what] = self.seconds.get(what, 0.0) + time.monotonic() - start
