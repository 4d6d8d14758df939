"""Marks of numbers that CPython rounds in another way; ``near.py`` says what they are for."""

from __future__ import annotations

import math

from attndsl.dsl.pyimport.lift.term import Term, is_const, mk

MOST_BITS = 30
"""Behind the point, of numbers that are added up without rounding: what is left is for the length of the text."""


def near(t: Term, *beside: Term) -> Term:
    """The term, marked unless it and what it is put together with are numbers that need no rounding."""
    if t.kind not in ("float", "num") or all(is_plain(x) for x in (t, *beside)):
        return t
    return mk("near", None, (t,), t.kind)


def is_plain(t: Term) -> bool:
    """Seen at once to have few bits; what is not is looked at again in the end."""
    if t.kind in ("int", "bool"):
        return True
    if is_const(t):
        return bits_of(t.data) is not None
    return t.op == "bin" and t.data == "*" and all(map(is_plain, t.args))


def is_power_of_two(value: float) -> bool:
    return math.isfinite(value) and abs(math.frexp(value)[0]) == 0.5


def bits_of(value: float) -> int | None:
    if not math.isfinite(value) or abs(value) > 2.0**20:
        return None
    bits = float(value).as_integer_ratio()[1].bit_length() - 1
    return bits if bits <= MOST_BITS // 2 else None
