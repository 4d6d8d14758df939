"""The guesses at what sort of value a name hands on from iteration to iteration: each one once, then none."""

from __future__ import annotations

import pytest

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.carry import carry
from attndsl.dsl.pyimport.lift.values import Choice, NoneValue, Scalar, Value, Word, known


def _guesses(old: Value, sort: str | None = None) -> list[str]:
    """The kinds of the variables, one attempt after the other."""
    kinds = []
    for attempt in range(9):
        found = carry("x", old, attempt, sort)
        if found is None:
            assert carry("x", old, attempt + 1, sort) is None
            return kinds
        assert (found.name, found.attempt) == ("x", attempt)
        assert (found.unset is None) == (not isinstance(old, NoneValue))
        kinds.append(found.var.kind)
    return kinds


@pytest.mark.parametrize(
    ("old", "kinds"),
    [
        (known(3), ["int", "float"]),
        (known(0.5), ["float"]),
        (known(True), ["bool"]),
        (known("a"), ["str"]),
        (Word(T.fresh("word")), ["word"]),
        (NoneValue(), ["int", "word", "str", "float"]),
        (Choice(T.TRUE, known(1), NoneValue()), []),
    ],
)
def test_each_guess_comes_once(old: Value, kinds: list[str]) -> None:
    assert _guesses(old) == kinds


def test_what_a_name_seems_to_become_is_guessed_first() -> None:
    assert _guesses(NoneValue(), "str") == ["str", "int", "word", "float"]


def test_only_a_number_with_a_fraction_may_be_numpys() -> None:
    values = [found.value for attempt in (0, 1) if (found := carry("x", known(3), attempt))]
    assert [value.numpy for value in values if isinstance(value, Scalar)] == [False, None]
