"""Conditions on cells as disjoint boxes."""

from __future__ import annotations

from dataclasses import replace

from attndsl.compiler.build import Builder
from attndsl.compiler.ir import Op
from attndsl.compiler.structure.affine import key_bound, of_distance, rebuild
from attndsl.compiler.structure.forms import Box, Unstructured

MAX_PIECES = 48  # boxes or terms; beyond, computing every cell is the better way

Boxes = tuple[Box, ...]


class Masks:
    """Boxes of conditions over the axes ``row`` and ``key``. ``below``: no cell after the diagonal matters."""

    def __init__(self, b: Builder, row: str, key: str, below: bool) -> None:
        self.b, self.row, self.key, self.below = b, row, key, below
        self.everything = Box(b.const(True), b.const(True))

    # ------------------------------------------------------------ conditions

    def boxes(self, op: Op) -> Boxes:
        """Disjoint boxes that cover where ``op`` holds."""
        if op.name == "const":
            return (self.everything,) if op.attr else ()
        if self.key not in op.axes and self._plain(op):
            return (replace(self.everything, row=op),)
        match op.name:
            case "and":
                return self.meet(self.boxes(op.args[0]), self.boxes(op.args[1]))
            case "or":
                return self.union(op.args[0], op.args[1])
            case "not":
                return self.outside(op.args[0])
            case "select":
                condition, then, other = op.args
                yes = self.meet(self.boxes(condition), self.boxes(then))
                return limited((*yes, *self.meet(self.outside(condition), self.boxes(other))))
        return (self.atom(op),)

    def union(self, a: Op, b: Op) -> Boxes:
        return limited((*self.boxes(a), *self.meet(self.boxes(b), self.outside(a))))

    def outside(self, op: Op) -> Boxes:
        """Disjoint boxes that cover where ``op`` does not hold."""
        if op.name == "const" or (self.key not in op.axes and self._plain(op)):
            return self.boxes(self.b.not_(op))
        match op.name:
            case "and":
                a, b = op.args
                return limited((*self.outside(a), *self.meet(self.boxes(a), self.outside(b))))
            case "or":
                return self.meet(self.outside(op.args[0]), self.outside(op.args[1]))
            case "not":
                return self.boxes(op.args[0])
            case "select":
                condition, then, other = op.args
                return self.boxes(self.b.select(condition, self.b.not_(then), self.b.not_(other)))
        return self.complement(self.atom(op))

    def atom(self, op: Op) -> Box:
        """A comparison, or a condition on the key or the distance alone, as one box."""
        if op.name in ("lt", "le", "eq") and op.args[0].dtype != "s":
            bound = self.bound(op)
            if bound is not None:
                return bound
        if op.axes == (self.key,):
            return replace(self.everything, key=op)
        if op.name == "eq":
            for a, b in (op.args, op.args[::-1]):
                if self.key not in a.axes and b.axes == (self.key,) and self._plain(a):
                    return replace(self.everything, same=((a, b),))
        far = of_distance(self.b, op, self.row, self.key) if self.below else None
        if far is not None:
            return replace(self.everything, far=far)
        raise Unstructured(f"a condition on query and key ({describe(op)})")

    def bound(self, op: Op) -> Box | None:
        """``sign * key + rest`` compared with zero."""
        left, right = (key_bound(self.b, arg, self.key) for arg in op.args)
        if left is None or right is None or left[0] == right[0]:
            return None
        sign = left[0] - right[0]
        if abs(sign) != 1 or not (self.b.integral(left[1]) and self.b.integral(right[1])):
            return None
        sides = (right[1], left[1]) if sign > 0 else (left[1], right[1])
        place = self.b.binary("sub", *sides)
        if not self._plain(place):
            return None
        one = self.b.const(1.0)
        if op.name == "eq":
            return Box(self.b.const(True), self.b.const(True), at=place)
        if sign > 0:
            hi = self.b.binary("sub", place, one) if op.name == "lt" else place
            return replace(self.everything, hi=(hi,))
        lo = self.b.binary("add", place, one) if op.name == "lt" else place
        return replace(self.everything, lo=(lo,))

    def _plain(self, op: Op) -> bool:
        return set(op.axes) <= {self.row}

    # ------------------------------------------------------------ sets of cells

    def meet(self, left: Boxes, right: Boxes) -> Boxes:
        return limited(tuple(self.both(a, b) for a in left for b in right if not (self.empty(a) or self.empty(b))))

    def empty(self, box: Box) -> bool:
        return any(op.name == "const" and not op.attr for op in (box.row, box.key))

    def both(self, a: Box, b: Box) -> Box:
        if b.at is not None:
            a, b = b, a
        if a.at is not None:
            return replace(a, row=self.b.and_(a.row, self.holds_at(b, a.at)))
        far = a.far if b.far is None else b.far if a.far is None else self.b.and_(a.far, b.far)
        return Box(
            self.b.and_(a.row, b.row),
            self.b.and_(a.key, b.key),
            tuple(dict.fromkeys((*a.lo, *b.lo))),
            tuple(dict.fromkeys((*a.hi, *b.hi))),
            tuple(dict.fromkeys((*a.same, *b.same))),
            far,
        )

    def holds_at(self, box: Box, at: Op) -> Op:
        """Whether the key ``at`` of each row is in the box."""
        b = self.b
        if box.at is not None:
            return b.and_(box.row, b.binary("eq", box.at, at))
        terms = [box.row, self.at(box.key, at)]
        terms += [b.binary("le", lo, at) for lo in box.lo] + [b.binary("le", at, hi) for hi in box.hi]
        terms += [b.binary("eq", mine, self.at(theirs, at)) for mine, theirs in box.same]
        if box.far is not None:
            terms.append(self.at(box.far, b.binary("sub", b.iota(self.row), at)))
        return b.and_(*terms)

    def complement(self, box: Box) -> Boxes:
        """Disjoint boxes around one box."""
        b, every = self.b, self.everything
        one = b.const(1.0)
        if box.at is not None:
            # Where the row has no such key the first piece is empty and the second is the row.
            at = b.select(box.row, box.at, b.const(-1.0))
            return (
                replace(every, hi=(b.binary("sub", at, one),)),
                replace(every, lo=(b.binary("add", at, one),)),
            )
        if box.same:
            raise Unstructured("all keys but those that equal the query in some feature")
        conditions = [(replace(every, row=box.row), replace(every, row=b.not_(box.row)))]
        conditions.append((replace(every, key=box.key), replace(every, key=b.not_(box.key))))
        conditions += [(replace(every, lo=(lo,)), replace(every, hi=(b.binary("sub", lo, one),))) for lo in box.lo]
        conditions += [(replace(every, hi=(hi,)), replace(every, lo=(b.binary("add", hi, one),))) for hi in box.hi]
        if box.far is not None:
            conditions.append((replace(every, far=box.far), replace(every, far=b.not_(box.far))))
        pieces: list[Box] = []
        before = every
        for inside, beyond in conditions:
            piece = self.both(before, beyond)
            if not self.empty(piece):
                pieces.append(piece)
            before = self.both(before, inside)
        return tuple(pieces)

    def at(self, op: Op, place: Op) -> Op:
        """``op`` at one key per row."""
        if self.key not in op.axes:
            return op
        if op.name == "iota":
            return place
        if op.axes == (self.key,):
            return self.b.gather(op, self.key, place)
        return rebuild(self.b, op, tuple(self.at(arg, place) for arg in op.args))


def limited(pieces: tuple[Box, ...]) -> tuple[Box, ...]:
    if len(pieces) > MAX_PIECES:
        raise Unstructured(f"more than {MAX_PIECES} pieces")
    return pieces


def describe(op: Op) -> str:
    """An operation in a few words, for messages."""
    if op.name == "rename":
        return describe(op.args[0])
    if op.name == "map_text":
        return f"the text function {op.attr[0]}"
    return {"relation": "a relation between words", "host": f"the host relation {op.attr}"}.get(op.name, op.name)
