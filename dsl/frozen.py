"""Dataclasses whose objects never change, where the type checker alone sees to that.

``dataclass(frozen=True)`` sees to it while the program runs, too: a class takes twice as long to define, and an object
of it twice as long to make. The lifter makes hundreds of thousands of objects for a file of programs. What users hold,
the nodes of our own language among them, is frozen for them as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

_Kind = TypeVar("_Kind")


@dataclass_transform(frozen_default=True)
def frozen(kind: type[_Kind]) -> type[_Kind]:
    """A dataclass with slots whose objects are equal where their fields are."""
    return dataclass(slots=True, unsafe_hash=True)(kind)


@dataclass_transform(frozen_default=True, eq_default=False)
def frozen_by_identity(kind: type[_Kind]) -> type[_Kind]:
    """The same, where each object equals itself alone."""
    return dataclass(slots=True, eq=False)(kind)
