"""Numbers on cells as sums of terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from attndsl.compiler.build import Builder
from attndsl.compiler.ir import Op
from attndsl.compiler.structure.affine import of_distance
from attndsl.compiler.structure.forms import Box, Term, Unstructured
from attndsl.compiler.structure.masks import MAX_PIECES, Boxes, Masks, describe

Terms = tuple[Term, ...]


class Numbers:
    """Terms of numbers over the axes of ``masks``."""

    def __init__(self, masks: Masks) -> None:
        self.masks = masks
        self.b: Builder = masks.b
        self._known: dict[tuple[int, int | None], Terms] = {}
        self.assumed: list[Term] = []  # taken to have no negative cell; to be checked on each text
        self._empty: Op | None = None  # a matrix that is known to be zero in the rows at hand

    def terms(self, op: Op) -> Terms:
        """Terms that sum to ``op`` in every cell. Raises Unstructured."""
        key = (op.id, None if self._empty is None else self._empty.id)
        if key not in self._known:
            self._known[key] = _merged(self.b, self._terms(op))
        return self._known[key]

    def _terms(self, op: Op) -> Terms:
        masks, b, one = self.masks, self.b, self.b.const(1.0)
        if op is self._empty or (op.name == "const" and not op.attr):
            return ()
        if masks.key not in op.axes:
            return (Term(masks.everything, op, one),)
        if op.axes == (masks.key,) and op.name != "select":
            return (Term(masks.everything, one, op),)
        match op.name:
            case "add":
                return (*self.terms(op.args[0]), *self.terms(op.args[1]))
            case "sub":
                return (*self.terms(op.args[0]), *self._scaled(self.terms(op.args[1]), b.const(-1.0)))
            case "neg":
                return self._scaled(self.terms(op.args[0]), b.const(-1.0))
            case "float":
                return tuple(Term(box, one, one) for box in masks.boxes(op.args[0]))
            case "select":
                return self.select(op)
        distance = of_distance(b, op, masks.row, masks.key) if masks.below else None
        if distance is not None:
            return (Term(masks.everything, one, one, distance),)
        match op.name:
            case "mul":
                return self._product(self.terms(op.args[0]), self.terms(op.args[1]))
            case "div":
                return self._quotient(op)
            case "max":
                return self._clipped(op)
        raise Unstructured(f"{describe(op)} of query and key together")

    def select(self, op: Op) -> Terms:
        condition, then, other = op.args
        # Where the sum of a matrix is zero the matrix has nothing but zeros.
        inside = _empty_total(self.b, condition) or self._empty
        yes = self._within(then, lambda: self.masks.boxes(condition), inside)
        no = self._within(other, lambda: self.masks.outside(condition), self._empty)
        return (*yes, *no)

    def _within(self, op: Op, boxes_of: Callable[[], Boxes], empty: Op | None) -> Terms:
        if op is empty or (op.name == "const" and not op.attr):
            return ()
        before, self._empty = self._empty, empty
        try:
            return tuple(term for box in boxes_of() for term in self.restrict(op, box))
        finally:
            self._empty = before

    def restrict(self, op: Op, box: Box) -> Terms:
        """The terms of ``op`` inside one box."""
        masks = self.masks
        if masks.empty(box):
            return ()
        if box.at is not None:
            return (Term(box, masks.at(op, box.at), self.b.const(1.0)),)
        found = tuple(self._inside(term, box) for term in self.terms(op))
        return tuple(term for term in found if not masks.empty(term.box))

    def _inside(self, term: Term, box: Box) -> Term:
        return replace(term, box=self.masks.both(term.box, box))

    def _scaled(self, terms: Terms, factor: Op) -> Terms:
        return tuple(replace(t, coefficient=self.b.binary("mul", t.coefficient, factor)) for t in terms)

    def _product(self, left: Terms, right: Terms) -> Terms:
        return tuple(self._times(a, c) for a in left for c in right)

    def _times(self, a: Term, c: Term) -> Term:
        masks, b = self.masks, self.b
        if c.box.at is not None:
            a, c = c, a
        coefficient = b.binary("mul", a.coefficient, c.coefficient)
        box = masks.both(a.box, c.box)
        if a.box.at is not None:
            at = a.box.at
            factor = masks.at(c.weight, at)
            if c.distance is not None:
                factor = b.binary("mul", factor, masks.at(c.distance, b.binary("sub", b.iota(masks.row), at)))
            return Term(box, b.binary("mul", coefficient, factor), b.const(1.0))
        weight = b.binary("mul", a.weight, c.weight)
        if a.distance is None or c.distance is None:
            return Term(box, coefficient, weight, a.distance or c.distance)
        return Term(box, coefficient, weight, b.binary("mul", a.distance, c.distance))

    def _clipped(self, op: Op) -> Terms:
        """``max(x, 0)``: x itself, where x has no negative cell."""
        for matrix, floor in (op.args, op.args[::-1]):
            if floor.name == "const" and floor.attr == 0:
                found = self.terms(matrix)
                self.assumed.extend(found)
                return found
        raise Unstructured("max of query and key together")

    def _quotient(self, op: Op) -> Terms:
        top, below = self.terms(op.args[0]), op.args[1]
        masks, b = self.masks, self.b
        if masks.key not in below.axes:
            return tuple(replace(t, coefficient=b.binary("div", t.coefficient, below)) for t in top)
        one = b.const(1.0)
        if below.axes == (masks.key,):
            return self._product(top, (Term(masks.everything, one, b.binary("div", one, below)),))
        distance = of_distance(b, below, masks.row, masks.key) if masks.below else None
        if distance is not None:
            return self._product(top, (Term(masks.everything, one, one, b.binary("div", one, distance)),))
        raise Unstructured("a division by a value of query and key together")


def _empty_total(b: Builder, condition: Op) -> Op | None:
    """M, where the condition is ``sum of a row of M == 0`` and M has no negative cell."""
    if condition.name != "eq":
        return None
    for total, zero in (condition.args, condition.args[::-1]):
        if total.name == "sum" and zero.name == "const" and zero.attr == 0 and nonnegative(b, total.args[0]):
            return total.args[0]
    return None


def nonnegative(b: Builder, op: Op) -> bool:
    """Whether no value is below zero (nan is possible), as far as the operations show."""
    known: dict[int, bool] = {}

    def ask(at: Op) -> bool:
        if at.id not in known:
            known[at.id] = b.low(at) >= 0 or _keeps_sign(at, ask)
        return known[at.id]

    return ask(op)


def _keeps_sign(op: Op, ask: Callable[[Op], bool]) -> bool:
    match op.name:
        case "add" | "mul" | "div" | "min":
            return all(ask(arg) for arg in op.args)
        case "max":
            return any(ask(arg) for arg in op.args)
        case "select":
            return ask(op.args[1]) and ask(op.args[2])
        case "sum" | "product" | "rename" | "gather" | "pow":
            return ask(op.args[0])
    return False


def _merged(b: Builder, terms: Terms) -> Terms:
    """Terms on the same box and with the same weights as one."""
    known: dict[tuple[object, ...], Term] = {}
    for term in terms:
        box = term.box
        key = (box.at, box.key, box.lo, box.hi, box.same, box.far, term.weight, term.distance)
        coefficient = b.select(box.row, term.coefficient, b.const(0.0))
        if key in known:
            coefficient = b.binary("add", known[key].coefficient, coefficient)
        known[key] = replace(term, box=replace(box, row=b.const(True)), coefficient=coefficient)
        if len(known) > MAX_PIECES:
            raise Unstructured(f"more than {MAX_PIECES} pieces")
    return tuple(known.values())
