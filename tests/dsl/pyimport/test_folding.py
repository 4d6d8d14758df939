"""Constants are worked out as Python works them out, and not at all where that would take long."""

from __future__ import annotations

import itertools
import operator

import pytest

from attndsl.dsl.pyimport.lift import folding
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.term import MAX_BITS, MAX_TEXT

_PYTHON = {
    "/": operator.truediv,
    "ratio": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}


@pytest.mark.parametrize("op", _PYTHON)
def test_numbers_are_those_of_python(op: str) -> None:
    for a, b in itertools.product((-7, -2, -0.5, 0, 0.0, 1, 2.5, 9), repeat=2):
        try:
            wanted = _PYTHON[op](a, b)
        except ZeroDivisionError:
            wanted = None
        found = folding.number(op, a, b)
        if wanted is None or isinstance(wanted, complex):
            assert found is None
        elif b != 0 or a != 0:  # 0 ** 0 is left to the program
            assert found == wanted
            assert type(found) is type(wanted)


def test_no_power_is_worked_out_that_has_no_end() -> None:
    assert folding.number("**", 2, 900) == 2**900
    assert folding.number("**", 9, 9**9) is None
    assert folding.number("**", 1, 9**9) == 1
    assert folding.number("**", -1, 9**9) == -1
    assert folding.number("**", 2, 9**9) is None


def test_no_number_is_worked_out_that_nears_the_largest() -> None:
    assert folding.number("/", 9.99e299, 1) == 9.99e299
    assert folding.number("/", 1e300, 1) is None
    assert folding.number("/", -1e300, 1) is None


def test_constants_have_a_largest_size() -> None:
    assert T.const(2 ** (MAX_BITS - 1)).data == 2 ** (MAX_BITS - 1)
    assert T.const("a" * MAX_TEXT).data == "a" * MAX_TEXT
    for value in (2**MAX_BITS, -(2**MAX_BITS), "a" * (MAX_TEXT + 1)):
        with pytest.raises(T.TooLarge):
            T.const(value)


def test_a_text_replaced_in_a_text_has_a_largest_size() -> None:
    assert folding.text(str.replace, "banana", ("an", "AN")) == "bANANa"
    assert len(folding.text(str.replace, "a" * 99, ("", "b" * MAX_TEXT))) == 99 + 100 * MAX_TEXT
    for base in ("a" * 100, "a" * MAX_TEXT):
        with pytest.raises(T.TooLarge):
            folding.text(str.replace, base, ("", "b" * MAX_TEXT))
