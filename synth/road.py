"""What every road to programs has in common: the patterns it is given, the candidates it gives back.

A road is a function ``road(given, settings, watch)`` that yields candidates. It sees train and validation texts; the
test texts never reach it. The caller keeps each candidate the moment it is yielded, so that stopping loses nothing;
what a road needs to go on where it stopped it keeps itself, in a folder that its settings name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.program import Program

Head = tuple[int, int]
"""(layer, head), zero-based."""

Watch = Callable[[Head, float], None]
"""``watch(head, best)``: the best train IoU of a head so far, whenever it rises or the head is finished."""


def head_name(head: Head) -> str:
    """``L5H3``."""
    return f"L{head[0]}H{head[1]}"


@dataclass(frozen=True, eq=False)
class Example:
    """One text: its tokens, and the patterns of all heads on it, float32 [heads, n, n], read when asked for."""

    id: str
    table: TokenTable
    load: Callable[[], NDArray[np.float32]]

    @property
    def patterns(self) -> NDArray[np.float32]:
        return self.load()


@dataclass(frozen=True, eq=False)
class HeadPatterns:
    """What a road works on. ``heads`` name the first axis of every example's patterns; ``seeds`` are programs that
    are there already, the first to be beaten. A road fits on ``train`` and may choose on ``validation``."""

    heads: tuple[Head, ...]
    causal: bool
    train: Sequence[Example]
    validation: Sequence[Example] = ()
    seeds: Sequence[Program] = ()


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a program came from: the road, what was asked (a hash of the whole request), of which model, the seed or
    number of the sample, and the addresses of the programs it was made from."""

    road: str
    prompt: str = ""
    model: str = ""
    seed: int = 0
    parents: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "parents": list(self.parents)}


@dataclass(frozen=True, eq=False)
class Candidate:
    """A program found for ``head``, the head it was intended for; ``train_iou`` is its score there when known."""

    head: Head
    program: Program
    provenance: Provenance
    train_iou: float | None = None


S = TypeVar("S", contravariant=True)


class Road(Protocol[S]):
    """A way to programs. Yields each candidate once, as soon as it is found."""

    def __call__(self, given: HeadPatterns, settings: S, watch: Watch) -> Iterator[Candidate]: ...
