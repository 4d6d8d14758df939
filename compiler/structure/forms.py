"""What a matrix is made of when no cell needs to be computed by itself.

    matrix := term+                      the sum of its terms
    term   := coefficient(row) * weight(key) * distance(row - key) on a box
    box    := where row(row), key(key), lo(row) <= key <= hi(row), same(row) == same(key), far(row - key)
            | where row(row), key == at(row)

Every part is an operation over one axis, so n values each. A box with ``at`` has one key per row and nothing else but
``row``: whatever else was known of the key has been asked at that key already.
"""

from __future__ import annotations

from dataclasses import dataclass

from attndsl.compiler.ir import Op


class Unstructured(Exception):
    """The matrix, or a value it needs, has no such form; the message says which part has none."""


@dataclass(frozen=True, slots=True)
class Box:
    """A set of cells. ``far`` has the distance ``row - key >= 0`` along its key axis."""

    row: Op
    key: Op
    lo: tuple[Op, ...] = ()
    hi: tuple[Op, ...] = ()
    same: tuple[tuple[Op, Op], ...] = ()
    far: Op | None = None
    at: Op | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """One addend; ``distance`` has the distance along its key axis, as ``Box.far`` has."""

    box: Box
    coefficient: Op
    weight: Op
    distance: Op | None = None

    def parts(self) -> tuple[Op, ...]:
        """Every operation that evaluating the term needs."""
        distance = () if self.distance is None else (self.distance,)
        return (self.coefficient, self.weight, *distance, *parts_of(self.box))


def parts_of(box: Box) -> tuple[Op, ...]:
    """Every operation that evaluating the box needs."""
    optional = tuple(op for op in (box.far, box.at) if op is not None)
    pairs = tuple(op for pair in box.same for op in pair)
    return (box.row, box.key, *box.lo, *box.hi, *pairs, *optional)
