"""Positions as affine functions: which comparison bounds a key, and which value depends on the distance alone."""

from __future__ import annotations

from dataclasses import dataclass

from attndsl.compiler.build import Builder
from attndsl.compiler.ir import ARITHMETIC, COMPARISONS, FUNCTIONS, LOGIC, Op
from attndsl.compiler.structure.forms import Unstructured

ELEMENTWISE = frozenset((*ARITHMETIC, *FUNCTIONS, *COMPARISONS, *LOGIC, "float", "select", "map_text"))


def rebuild(b: Builder, op: Op, args: tuple[Op, ...]) -> Op:
    """An elementwise operation on other arguments, folded where it can be."""
    match op.name:
        case "select":
            return b.select(*args)
        case "and":
            return b.and_(*args)
        case "or":
            return b.or_(*args)
        case "not":
            return b.not_(args[0])
        case "float":
            return b.number(args[0])
        case "map_text":
            name, constants = op.attr
            return b.map_text(name, args, constants, op.dtype)
    if op.name in ELEMENTWISE:
        return b.unary(op.name, args[0]) if len(args) == 1 else b.binary(op.name, args[0], args[1])
    raise Unstructured(f"{op.name} over two axes")


def key_bound(b: Builder, op: Op, key: str) -> tuple[int, Op] | None:
    """``op`` as ``sign * key + rest``, ``rest`` free of the key; None when it is not of that form.

    The sign is 1 or -1 (0: free of the key). Other slopes are left alone: dividing by them rounds.
    """
    if key not in op.axes:
        return (0, op)
    if op.name == "iota":
        return (1, b.const(0.0))
    if op.name not in ("add", "sub", "neg"):
        return None
    sides = [key_bound(b, arg, key) for arg in op.args]
    if any(side is None for side in sides):
        return None
    known = [side for side in sides if side is not None]
    if op.name == "neg":
        return (-known[0][0], b.unary("neg", known[0][1]))
    (left, rest), (right, other) = known
    sign = left + right if op.name == "add" else left - right
    # Sums of whole numbers are exact, so they may be regrouped; others may not.
    if abs(sign) > 1 or not (b.integral(rest) and b.integral(other)):
        return None
    return (sign, b.binary(op.name, rest, other))


def of_distance(b: Builder, op: Op, row: str, key: str) -> Op | None:
    """``op`` as a function of ``row - key``, which then lies along the key axis; None when it is none."""
    found = _Distance(b, row, key).of(op)
    return found


class _Distance:
    def __init__(self, b: Builder, row: str, key: str) -> None:
        self.b, self.row, self.key = b, row, key

    def of(self, op: Op) -> Op | None:
        if not op.axes:
            return op
        affine = self._affine(op)
        if affine is not None:
            slope, constant = affine
            if slope == (0, 0):
                return self.b.const(constant)
            if slope[0] == -slope[1]:
                distance = self.b.binary("mul", self.b.const(float(slope[0])), self.b.iota(self.key))
                return self.b.binary("add", distance, self.b.const(constant))
            return None
        if op.name not in ELEMENTWISE or op.name == "map_text":
            return None
        args = [self.of(arg) for arg in op.args]
        if any(arg is None for arg in args):
            return None
        return rebuild(self.b, op, tuple(arg for arg in args if arg is not None))

    def _affine(self, op: Op) -> tuple[tuple[int, int], float] | None:
        """``a * row + b * key + c`` with whole a, b, c, where sums are exact; None for anything else."""
        if op.name == "const" and op.dtype == "f" and float(op.attr).is_integer():
            return (0, 0), float(op.attr)
        if op.name == "iota" and op.attr in (self.row, self.key):
            return ((1, 0) if op.attr == self.row else (0, 1)), 0.0
        if op.name not in ("add", "sub", "neg"):
            return None
        sides = [self._affine(arg) for arg in op.args]
        if any(side is None for side in sides):
            return None
        known = [side for side in sides if side is not None]
        if op.name == "neg":
            (a, c) = known[0]
            return (-a[0], -a[1]), -c
        (a, c), (e, f) = known
        sign = 1 if op.name == "add" else -1
        return (a[0] + sign * e[0], a[1] + sign * e[1]), c + sign * f


@dataclass(frozen=True, slots=True)
class Decay:
    """``scale * exp(slope * distance)`` with ``slope <= 0``."""

    scale: float
    slope: float


def decay_of(op: Op) -> Decay | None:
    """A function of the distance (the iota of ``op``) as an exponential decay; None when it is none, or grows."""
    import math

    match op.name:
        case "const":
            return Decay(float(op.attr), 0.0)
        case "mul":
            sides = [decay_of(arg) for arg in op.args]
            if sides[0] is None or sides[1] is None:
                return None
            return Decay(sides[0].scale * sides[1].scale, sides[0].slope + sides[1].slope)
        case "div":
            top, below = decay_of(op.args[0]), op.args[1]
            if top is None or below.name != "const" or not below.attr:
                return None
            return Decay(top.scale / below.attr, top.slope)
        case "pow" if op.args[0].name == "const" and op.args[0].attr > 0:
            line, factor = _line(op.args[1]), math.log(op.args[0].attr)
        case "exp":
            line, factor = _line(op.args[0]), 1.0
        case _:
            return None
    if line is None or line[0] * factor > 0:
        return None
    return Decay(math.exp(line[1] * factor), line[0] * factor)


def _line(op: Op) -> tuple[float, float] | None:
    """``slope * distance + constant``."""
    if op.name == "const":
        return 0.0, float(op.attr)
    if op.name == "iota":
        return 1.0, 0.0
    sides = [_line(arg) for arg in op.args] if op.name in ("add", "sub", "neg", "mul", "div") else [None]
    if any(side is None for side in sides):
        return None
    known = [side for side in sides if side is not None]
    if op.name == "neg":
        return -known[0][0], -known[0][1]
    (a, c), (e, f) = known
    match op.name:
        case "add":
            return a + e, c + f
        case "sub":
            return a - e, c - f
        case "mul" if a == 0 or e == 0:
            return a * f + e * c, c * f
        case "div" if e == 0 and f != 0:
            return a / f, c / f
    return None
