"""What an expression lowers to: operations for its value and its presence, or a node set."""

from __future__ import annotations

from dataclasses import dataclass

from attndsl.compiler.ir import Op
from attndsl.dsl.types import Kind


@dataclass(frozen=True, slots=True)
class Value:
    """A number, truth value, text or word. ``present`` is None where the value always exists."""

    op: Op
    kind: Kind
    present: Op | None = None


@dataclass(frozen=True, slots=True)
class Literals:
    """A set of literal texts or numbers."""

    items: frozenset[str] | frozenset[float]

    @property
    def numbers(self) -> list[float]:
        """The numbers of a set of numbers, ascending."""
        return sorted(float(item) for item in self.items)


@dataclass(frozen=True, slots=True)
class NodeSet:
    """Words or tokens related to ``base``: where row ``base`` of the relation is true; all words without relation."""

    kind: Kind
    relation: str | None = None
    base: Value | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """One of two sets, by a condition."""

    condition: Op
    then: Lowered
    other: Lowered


Lowered = Value | Literals | NodeSet | Chosen
