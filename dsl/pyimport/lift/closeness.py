"""What is known of a number that may be rounded in another way than in CPython, and how operations carry it on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

from attndsl.dsl.pyimport.lift.rounding import MOST_BITS, bits_of, is_power_of_two

EXACT, CLOSE, LOOSE = 0, 1, 2
"""CPython's number; off by a few bits of itself, so zero where that is zero; off by a few bits of its parts."""

Values = tuple[tuple[Fraction, Fraction, bool], ...]
"""What a number can be, without rounding: one of these, each ``start + step * k`` for whole k; true for constants."""

_MOST = 8  # alternatives
_GAP = Fraction(1, 10**10)  # more than all the rounding there is, of numbers that are not large
_LARGE, _FAR = 100, 1e100


@dataclass(frozen=True, slots=True)
class Number:
    """How close a number is to CPython's, its sign, its bits behind the point (None: many), and what it can be."""

    grade: int = EXACT
    not_negative: bool = False
    not_positive: bool = False
    bits: int | None = None
    values: Values | None = None

    @property
    def signed(self) -> bool:
        return self.not_negative or self.not_positive

    @property
    def is_zero(self) -> bool:
        return self.not_negative and self.not_positive

    @property
    def rounded(self) -> int:
        """Its grade; numbers of few bits are added up without rounding, in whatever order."""
        return EXACT if self.bits is not None else self.grade


def constant(value: float) -> Number:
    if not math.isfinite(value):
        return Number(EXACT, value > 0, value < 0)
    plain = abs(value) <= _LARGE or abs(value) >= _FAR
    values = ((Fraction(repr(value)), Fraction(0), True),) if plain else None
    return Number(EXACT, value >= 0, value <= 0, bits_of(value), values)


WHOLE = Number(EXACT, bits=0, values=((Fraction(0), Fraction(1), True),))
ZERO = constant(0)
HALVES = Number(EXACT, values=((Fraction(1, 2), Fraction(1), True),))


def negated(a: Number) -> Number:
    values = None if a.values is None else tuple((-start, step, sure) for start, step, sure in a.values)
    return Number(a.grade, a.not_positive, a.not_negative, a.bits, values)


def total(a: Number, b: Number) -> Number:
    if a.is_zero or b.is_zero:
        return b if a.is_zero else a
    positive, negative = a.not_negative and b.not_negative, a.not_positive and b.not_positive
    grade = max(a.grade, b.grade)
    if grade and not (positive or negative):
        grade = LOOSE
    bits = None if a.bits is None or b.bits is None else max(a.bits, b.bits)
    values = _few((x + y, _common(s, t), False) for x, s, _ in a.values for y, t, _ in b.values) if (
        a.values is not None and b.values is not None
    ) else None  # fmt: skip
    return Number(grade, positive, negative, bits, values)


def repeated(a: Number) -> Number:
    """Any number of such numbers, added up in the order in which CPython does it."""
    grade = LOOSE if a.grade and not a.signed else a.grade
    values = None
    if a.values is not None:
        step = Fraction(0)
        for x, s, _ in a.values:
            step = _common(step, _common(x, s))
        values = ((Fraction(0), step, False),)
    return replace(a, grade=grade, values=values)


def product(a: Number, b: Number) -> Number:
    positive = (a.not_negative and b.not_negative) or (a.not_positive and b.not_positive)
    negative = (a.not_negative and b.not_positive) or (a.not_positive and b.not_negative)
    none = a.is_zero or b.is_zero
    bits = None if a.bits is None or b.bits is None else a.bits + b.bits
    if bits is not None and bits > MOST_BITS:
        bits = None
    return Number(max(a.grade, b.grade), positive or none, negative or none, bits, _products(a.values, b.values))


def _products(a: Values | None, b: Values | None) -> Values | None:
    if a is None or b is None:
        return None
    out = []
    for x, s, _ in a:
        for y, t, _ in b:
            if s and t:
                out.append((x * y, _common(_common(x * t, y * s), s * t), False))
            else:
                out.append((x * y, x * t + y * s, False))
    return _few(out)


def power(a: Number, b: Number) -> Number:
    """The first, multiplied with any number of the second kind."""
    return replace(product(a, b), bits=a.bits if b.bits == 0 else None, values=None)


def quotient(a: Number, b: Number, by: float | None) -> Number:
    """``by``: the divisor, where it is a constant."""
    if not by or not math.isfinite(by):
        return replace(product(a, b), bits=None, values=None)
    found = product(a, b)
    shifts = is_power_of_two(by) and a.bits is not None
    bits = max(0, (a.bits or 0) + math.frexp(by)[1] - 1) if shifts else None
    exact = Fraction(repr(by))
    values = None if a.values is None else tuple((x / exact, s / exact, False) for x, s, _ in a.values)
    return replace(found, bits=bits if bits is not None and bits <= MOST_BITS else None, values=values)


def either(a: Number, b: Number) -> Number:
    bits = None if a.bits is None or b.bits is None else max(a.bits, b.bits)
    values = None if a.values is None or b.values is None else _few((*a.values, *b.values))
    positive, negative = a.not_negative and b.not_negative, a.not_positive and b.not_positive
    return Number(max(a.grade, b.grade), positive, negative, bits, values)


def extreme(largest: bool, args: list[Number]) -> Number:
    single = [a.values[0][0] for a in args if a.values is not None and len(a.values) == 1 and not a.values[0][1]]
    if len(single) == len(args) and len({*single}) == len(single):
        return args[single.index(max(single) if largest else min(single))]
    out = args[0]
    for a in args[1:]:
        out = either(out, a)
    some, every = any(a.not_negative for a in args), all(a.not_negative for a in args)
    under, all_under = any(a.not_positive for a in args), all(a.not_positive for a in args)
    return replace(out, not_negative=some if largest else every, not_positive=all_under if largest else under)


def _few(values: object) -> Values | None:
    out = tuple(dict.fromkeys(values))  # type: ignore[call-overload]
    return out if len(out) <= _MOST else None


def _common(a: Fraction, b: Fraction) -> Fraction:
    """The largest number of which both are multiples."""
    top, bottom = math.gcd(a.numerator * b.denominator, b.numerator * a.denominator), a.denominator * b.denominator
    return Fraction(top, bottom)


def apart(a: Number, b: Number) -> bool:
    """The two are the same only where both are what CPython has; else they are far from each other."""
    if a.rounded == b.rounded == EXACT:
        return True
    if a.values is not None and b.values is not None and len(a.values) * len(b.values) <= _MOST * _MOST:
        return all(_differ(x, y) for x in a.values for y in b.values)
    return False


def _differ(x: tuple[Fraction, Fraction, bool], y: tuple[Fraction, Fraction, bool]) -> bool:
    if x[2] and y[2]:
        return True
    gap, step = abs(x[0] - y[0]), _common(x[1], y[1])
    if step:
        gap = min(gap % step, step - gap % step)
    return gap >= _GAP


def is_away_from_zero(a: Number) -> bool:
    return a.values is not None and all(_differ((x, s, False), ZERO.values[0]) for x, s, _ in a.values)  # type: ignore[index]


def compares_well(a: Number, b: Number) -> bool:
    """A comparison of the two comes out as CPython's: they are apart, or on either side of zero, or one is zero and the
    other is so where CPython's is, or beyond all weights."""
    if apart(a, b):
        return True
    if max(a.rounded, b.rounded) == LOOSE and not (_is_far(a) or _is_far(b)):
        return False
    if a.rounded and b.rounded:
        return False
    value, limit = (a, b) if a.rounded else (b, a)
    if limit.is_zero or _is_far(limit):
        return True
    return (value.not_negative and limit.not_positive) or (value.not_positive and limit.not_negative)


def _is_far(a: Number) -> bool:
    """The limits of floats themselves, as in ``np.nan_to_num``."""
    return a.values is not None and len(a.values) == 1 and a.values[0][1] == 0 and abs(a.values[0][0]) > _FAR
