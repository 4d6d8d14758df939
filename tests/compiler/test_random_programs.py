"""Random programs on random texts: every back end gives the interpreter's matrix or its error at its query."""

import pytest
from conformance import BACKENDS, compare, near, outcome_of_interpreter
from hypothesis import HealthCheck, given, settings
from strategies import ProgramMaker, RandomChoices, make_table, programs, token_tables

from attndsl.dsl.checker import check

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
steady = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize("name", BACKENDS)
def test_drawn_programs(name):
    @steady
    @given(programs(depth=2), token_tables())
    def agree(program, table):
        typed = check(program)
        expected = outcome_of_interpreter(typed, table, {"near": near})
        assert compare(typed, table, expected, BACKENDS[name], {"near": near}) is None

    agree()


@pytest.mark.parametrize("name", BACKENDS)
def test_seeded_programs(name):
    kinds = set()
    for seed in range(200):
        choices = RandomChoices(seed)
        typed = check(ProgramMaker(choices, words=seed % 3 == 0).program(2 + seed % 3))
        table = make_table(choices, words=seed % 3 == 0)
        expected = outcome_of_interpreter(typed, table, {"near": near})
        kinds.add(expected[:5] if isinstance(expected, str) else bool(expected.any()))
        assert compare(typed, table, expected, BACKENDS[name], {"near": near}) is None, seed
    assert {True, "E0401", "E0402"} <= kinds  # the programs do something, and fail in both ways
