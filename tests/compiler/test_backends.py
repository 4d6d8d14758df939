"""Every back end at hand passes the conformance suite."""

import numpy as np
import pytest
import torch
from cases import CASES, aba, near, parsed
from conformance import (
    BACKENDS,
    array_backend,
    check_cases,
    check_failures,
    check_library,
    check_prefixes,
    disagreement,
    outcome,
)  # fmt: skip

from attndsl.compiler import Leaves, compile_library, machine
from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.parser import parse_program

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # inf and nan are asked for in places
PARTS = (check_cases, check_failures, check_library, check_prefixes)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
@pytest.mark.parametrize("name", BACKENDS)
def test_conformance(name, part):
    part(BACKENDS[name])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no accelerator")
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_conformance_of_torch_on_an_accelerator(part):
    part(array_backend("torch", "cuda"))


@pytest.mark.parametrize("name", BACKENDS)
def test_cases_compiled_as_one_library(name):
    chosen = [case for case in CASES if case.table is aba]
    run = BACKENDS[name]([check(parse_program(case.program)) for case in chosen])
    for case, found in zip(chosen, run(aba(), {"near": near}), strict=True):
        assert disagreement(np.array(case.expected, dtype=np.float64), outcome(found)) is None, case.name


@pytest.mark.parametrize("name", BACKENDS)
def test_a_program_that_cannot_run_leaves_the_others_alone(name):
    shared = "add 1 / (q + 3) to each k where k.text == q.text"
    sources = (
        f'head "a" causal\n{shared}\nadd host("far", q, k) to each k',
        f'head "b" causal\nadd 1 / (q - 1) to first\n{shared}',
        f'head "c" causal\n{shared}',
        f'head "d" causal\n{shared}\nadd 1 to each k where k.pos == "NOUN"',
        f'head "e" causal\n{shared}',
    )
    run = BACKENDS[name]([check(parse_program(source)) for source in sources])
    found = [outcome(result) for result in run(aba(), {})]
    assert (found[0], found[1], found[3]) == ("E0405 at query None", "E0401 at query 1", "E0611 at query None")
    expected = np.array([[1 / 3, 0, 0], [0, 1 / 4, 0], [1 / 5, 0, 1 / 5]])
    assert disagreement(expected, found[2]) is None
    assert disagreement(expected, found[4]) is None


@pytest.mark.parametrize("name", ["numpy", "torch"])
@pytest.mark.parametrize("case", [case for case in CASES if len(case.table()) > 2], ids=lambda case: case.name)
def test_last_rows(name, case):
    table = case.table()
    compiled = machine(compile_library([check(parse_program(case.program))]), name)
    (rows,) = compiled.run_rows(Leaves(table, {"near": near}), len(table) - 2)
    expected = np.array(case.expected, dtype=np.float64)[-2:]
    assert disagreement(expected, np.asarray(rows)) is None


def test_errors_point_into_the_source():
    source = 'head "x" causal\nadd 1 to self\nadd 1 / (q - 1) to first'
    for name in BACKENDS:
        (error,) = BACKENDS[name]([check(parse_program(source))])(aba(), {})
        assert isinstance(error, DiagnosticError)
        assert (error.diagnostics[0].line, error.diagnostics[0].column) == (3, 5)
        assert str(error) == "E0401 division by zero at query 1, key 0 in 'x'"


def test_refused_by_the_compiled_back_ends():
    for body in ('q.text[q] == "a"', 'q.text[:q] == "a"', 'q.text.replace(q.raw, q.text) == "a"'):
        with pytest.raises(DiagnosticError, match="E0351"):
            compile_library([check(parse_program(f'head "x"\nset 1 to first when {body}'))])


def test_unknown_back_end():
    with pytest.raises(DiagnosticError, match="E0501 no back end is named 'abacus'"):
        machine([], "abacus")


def test_sums_are_added_in_order():
    # 0.1 + 0.2 + ... in ascending order is not what pairwise summation gives
    source = 'head "x"\nadd 1 / (k + 3) to each k\nset if row.sum == sum(1 / (t + 3) for t) then 1 else 0 to each k'
    table = parsed()
    for name in BACKENDS:
        (found,) = BACKENDS[name]([check(parse_program(source))])(table, {})
        assert np.asarray(found).tolist() == np.ones((len(table), len(table))).tolist()
