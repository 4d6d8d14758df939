"""Whole numbers that grow: numpy's wrap round at 2 ** 63, and from 2 ** 53 on those of the language lose digits.

Python's have all their digits, so that ``7 ** i % 10`` is the last one. How great a number may be is worked out for
texts of up to ``LONGEST`` tokens; positions, counts and lengths are taken to be no greater than that.
"""

from __future__ import annotations

import math

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Machine, NotLiftable
from attndsl.dsl.pyimport.lift.terms import Term

LONGEST = 1024
EXACT = 2**53
WRAPS = 2**63 - 1
_MOST_BITS = 1000

Ends = tuple[float, float]
_UNKNOWN: Ends = (-math.inf, math.inf)


def wraps(m: Machine, t: Term, where: tuple[Term, ...] = ()) -> None:
    """Stop where numpy's whole number may be too great for its 64 bits."""
    if _Sizes(m, (*m.state.path, *where)).may_exceed(t, WRAPS):
        raise m.stop("whole numbers of numpy that may be too great for it", code="E0314")


def check(m: Machine) -> None:
    """Stop where the last digits of numbers decide that have lost them."""
    for e in m.events:
        if not any(t.marks & T.GROWS for t in e.terms()):
            continue
        asked = [t for t in T.walk_all(e.terms()) if _asks(t)]
        bounds = (c for loop in e.loops for c in loop.binder.conditions())
        sizes = _Sizes(m, (*e.path, *bounds)) if asked else None
        if sizes is not None and any(sizes.needs_digits(t) for t in asked):
            found = NotLiftable("whole numbers that may have more digits than a float", None, "E0314")
            found.span = e.span
            raise found


def _asks(t: Term) -> bool:
    return (t.op == "bin" and t.data in ("%", "//")) or t.op == "cmp"


class _Sizes:
    """How great whole numbers may be, where the path holds."""

    def __init__(self, m: Machine, path: tuple[Term, ...]) -> None:
        self.m, self.path = m, path
        self.known: dict[Term, Ends | None] = {}

    def may_exceed(self, t: Term, limit: int) -> bool:
        """The term is a whole number that may be greater than the limit (or less than its negative)."""
        ends = self.ends(t)
        return ends is not None and max(-ends[0], ends[1]) > limit

    def needs_digits(self, t: Term) -> bool:
        if t.op == "bin":
            return self.may_exceed(t.args[0], EXACT)
        return all(self.may_exceed(a, EXACT - 1) for a in t.args)

    def ends(self, t: Term) -> Ends | None:
        """The least and the greatest value of a whole number; None for other terms."""
        if t not in self.known:
            self.known[t] = self._worked_out(t)
        return self.known[t]

    def _worked_out(self, t: Term) -> Ends | None:
        match t.op:
            case "const":
                return (t.data, t.data) if t.kind == "int" else None
            case "n":
                return 1, LONGEST
            case "linear":
                total: Ends = (t.data[-1], t.data[-1])
                for c, a in zip(t.data, t.args, strict=False):
                    total = _plus(total, _times((c, c), self.ends(a) or _UNKNOWN))
                return total
            case "ite":
                sides = [x for x in map(self.ends, t.args[1:]) if x is not None]
                return (min(a for a, _ in sides), max(b for _, b in sides)) if sides else None
            case "bin" if t.data != "/":
                return self._operation(t)
            case "agg" if t.data in ("sum", "product", "maximum", "minimum"):
                return self._aggregate(t)
            case "func" if t.data in ("max", "min", "abs"):
                return self._extreme(t)
        return (-LONGEST, LONGEST) if t.kind == "int" else None

    def _operation(self, t: Term) -> Ends | None:
        a, b = map(self.ends, t.args)
        if a is None or b is None:
            return None
        match t.data:
            case "+":
                return _plus(a, b)
            case "-":
                return _plus(a, (-b[1], -b[0]))
            case "*":
                return _times(a, b)
            case "**":
                base = max(-a[0], a[1])
                most = _power(base, self._exponent(base, t.args[1], b[1]))
                return (-most if a[0] < 0 else 0), most
        most = max(-b[0], b[1]) if t.data == "%" else max(-a[0], a[1])
        return -most, most

    def _exponent(self, base: float, t: Term, most: float) -> float:
        """The greatest exponent: what the path says of it, where that keeps the power small."""
        if 1 < base < math.inf:
            small = int(math.log(EXACT) / math.log(base))
            if most > small and self.m.prover.implies(self.path, T.compare("<=", t, T.const(small))):
                return small
        return most

    def _extreme(self, t: Term) -> Ends | None:
        ends = [x for x in map(self.ends, t.args) if x is not None]
        if len(ends) < len(t.args):
            return None
        if t.data == "abs":
            return 0, max(-ends[0][0], ends[0][1])
        pick = max if t.data == "max" else min
        return pick(a for a, _ in ends), pick(b for _, b in ends)

    def _aggregate(self, t: Term) -> Ends | None:
        domain, var, low, high, where, value = T.opened(t)
        bounds = () if domain is not T.NONE else (T.compare(">=", var, low), T.compare("<", var, high))
        held = self.path
        self.path = (*held, *bounds, *T.parts(where))
        ends = self.ends(value)
        self.path = held
        if ends is None or t.data in ("maximum", "minimum"):
            return ends
        if t.data == "sum":
            return _times((0, LONGEST), ends)
        return (-1, 1) if max(-ends[0], ends[1]) <= 1 else _UNKNOWN


def _plus(a: Ends, b: Ends) -> Ends:
    return a[0] + b[0], a[1] + b[1]


def _times(a: Ends, b: Ends) -> Ends:
    found = [x * y if x and y else 0 for x in a for y in b]
    return min(found), max(found)


def _power(base: float, exponent: float) -> float:
    if base <= 1 or exponent <= 0:
        return 1
    if math.inf in (base, exponent) or math.log2(base) * exponent > _MOST_BITS:
        return math.inf
    return float(base**exponent)
