"""Whole-number terms in one normal form: however a sum was put together, it is one term."""

from __future__ import annotations

import itertools

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.sums import from_linear, gap_of, linear, plus

X, Y = T.mk("var", "x of sums", (), "int"), T.mk("var", "y of sums", (), "int")
NUMBERS = [T.const(c) for c in (-70, -1, 0, 1, 70)]
TERMS = [
    *NUMBERS, X, Y, T.N, *(from_linear({X: a}, c) for a in (-1, 1, 2) for c in (-1, 0, 70)),
    *(from_linear({X: a, Y: b}, c) for a in (-1, 1) for b in (1, 3) for c in (0, 1)),
]  # fmt: skip


def _slowly(a: T.Term, b: T.Term, times: int) -> T.Term:
    sums, constant = linear(a)
    for atom, k in linear(b)[0].items():
        sums[atom] = sums.get(atom, 0) + times * k
    return from_linear(sums, constant + times * linear(b)[1])


def test_a_sum_is_one_term_however_it_was_made() -> None:
    for a, b, times in itertools.product(TERMS, TERMS, (-2, -1, 1, 3)):
        assert plus(a, b, times) is _slowly(a, b, times), (a, b, times)


def test_two_terms_differ_by_a_constant_where_their_atoms_are_the_same() -> None:
    for a, b in itertools.product(TERMS, TERMS):
        rest, constant = linear(_slowly(a, b, -1))
        assert gap_of(a, b) == (None if rest else constant), (a, b)


def test_a_number_alone_is_no_sum() -> None:
    assert plus(plus(X, T.const(5), 1), T.const(5), -1) is X
    assert plus(from_linear({X: 2}, 5), T.const(5), -1).op == "linear"
    assert plus(X, T.ZERO, 1) is X
