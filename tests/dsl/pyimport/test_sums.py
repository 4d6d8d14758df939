"""Whole-number terms in one normal form: however a sum was put together, it is one term."""

from __future__ import annotations

import itertools

import pytest

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.rounding import bits_of
from attndsl.dsl.pyimport.lift.sums import from_linear, gap_of, linear, plus

Numbers = tuple[T.Term, list[T.Term]]


@pytest.fixture
def numbers() -> Numbers:
    """A variable, and whole numbers of all forms: terms of one program, as other tests begin programs of their own."""
    T.clear()
    x, y = T.mk("var", "x", (), "int"), T.mk("var", "y", (), "int")
    found = [
        *map(T.const, (-70, -1, 0, 1, 70)), x, y, T.N,
        *(from_linear({x: a}, c) for a in (-1, 1, 2) for c in (-1, 0, 70)),
        *(from_linear({x: a, y: b}, c) for a in (-1, 1) for b in (1, 3) for c in (0, 1)),
    ]  # fmt: skip
    return x, found


def _slowly(a: T.Term, b: T.Term, times: int) -> T.Term:
    sums, constant = linear(a)
    for atom, k in linear(b)[0].items():
        sums[atom] = sums.get(atom, 0) + times * k
    return from_linear(sums, constant + times * linear(b)[1])


def test_a_sum_is_one_term_however_it_was_made(numbers: Numbers) -> None:
    for a, b, times in itertools.product(numbers[1], numbers[1], (-2, -1, 1, 3)):
        assert plus(a, b, times) is _slowly(a, b, times), (a, b, times)


def test_two_terms_differ_by_a_constant_where_their_atoms_are_the_same(numbers: Numbers) -> None:
    for a, b in itertools.product(numbers[1], numbers[1]):
        rest, constant = linear(_slowly(a, b, -1))
        assert gap_of(a, b) == (None if rest else constant), (a, b)


def test_a_number_alone_is_no_sum(numbers: Numbers) -> None:
    x = numbers[0]
    assert plus(plus(x, T.const(5), 1), T.const(5), -1) is x
    assert plus(from_linear({x: 2}, 5), T.const(5), -1).op == "linear"
    assert plus(x, T.ZERO, 1) is x


@pytest.mark.parametrize(
    ("value", "bits"),
    [(2.0**20, 0), (-(2.0**20), 0), (2.0**20 + 1, None), (2.5, 1), (2.0**-15, 15), (2.0**-16, None), (0.1, None)],
)
def test_bits_behind_the_point_of_numbers_that_are_added_up_without_rounding(value: float, bits: int | None) -> None:
    assert bits_of(value) == bits
