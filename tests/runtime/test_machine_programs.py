"""The compiled machine against the numpy back end and the interpreter, on programs that use all of it."""

import numpy as np
import pytest
from conformance import disagreement, outcome, outcome_of_interpreter
from machine_programs import FAILING, PROGRAMS, WITH_WORDS, near, source, text
from strategies import ProgramMaker, RandomChoices

from attndsl.compiler import Leaves, compile_library, machine
from attndsl.compiler.bytecode import OPCODES
from attndsl.compiler.emit_bytecode import emit_bytecode
from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.parser import parse_program
from attndsl.runtime.machine import BytecodeMachine
from attndsl.runtime.packing import empty_packed, layout, pack_into
from attndsl.runtime.pattern import normalise

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # inf and nan are asked for in places
ALL = (*PROGRAMS, *WITH_WORDS, *FAILING)
HOST = {"near": near}
TOKENS = 43  # three blocks of rows, the last one short


def typed(causal):
    return [check(parse_program(source(body, causal, number))) for number, body in enumerate(ALL)]


def numpy_outcomes(programs, leaves):
    return [outcome(found) for found in machine(programs, "numpy").run(leaves)]


def random_library(seed, count=12):
    """Programs for one text; those that the checker refuses are left out."""
    programs = []
    for number in range(count):
        maker = ProgramMaker(RandomChoices(1000 * seed + number), words=number % 3 == 0)
        programs.append(check(maker.program(2 + number % 3)))
    return programs


def test_the_programs_use_every_operation():
    used = set()
    for causal in (True, False):
        used |= set(emit_bytecode(compile_library(typed(causal))).code[:, 0].tolist())
    assert {OPCODES[number] for number in used} == set(OPCODES)


@pytest.mark.parametrize("causal", [True, False], ids=["causal", "bidirectional"])
@pytest.mark.parametrize("body", ALL)
def test_each_program_alone_is_what_the_interpreter_says(body, causal):
    program = check(parse_program(source(body, causal)))
    table = text(7, 21, words=True)
    expected = outcome_of_interpreter(program, table, HOST)
    (found,) = BytecodeMachine(compile_library([program])).run(Leaves(table, HOST))
    assert disagreement(expected, outcome(found)) is None


@pytest.mark.parametrize("causal", [True, False], ids=["causal", "bidirectional"])
@pytest.mark.parametrize("tokens", [1, 2, 15, 16, 17, TOKENS])
def test_a_library_gives_what_numpy_gives(causal, tokens):
    programs = compile_library(typed(causal))
    leaves = Leaves(text(tokens, tokens, words=True), HOST)
    compiled = BytecodeMachine(programs)
    for _ in range(2):  # the second text finds registers as the first one left them
        results = zip(programs, numpy_outcomes(programs, leaves), compiled.run(leaves), strict=True)
        for program, expected, found in results:
            problem = disagreement(expected, outcome(found))
            assert problem is None, f"{program.name}: {problem}"


@pytest.mark.parametrize("seed", range(12))
def test_random_libraries(seed):
    programs = compile_library(random_library(seed))
    leaves = Leaves(text(seed, 19 + seed, words=True), HOST)
    found = BytecodeMachine(programs, rows=4 + seed).run(leaves)
    for program, expected, result in zip(programs, numpy_outcomes(programs, leaves), found, strict=True):
        problem = disagreement(expected, outcome(result))
        assert problem is None, f"{program.name}: {problem}"


def expected_patterns(programs, leaves, causal):
    for program, found in zip(programs, machine(programs, "numpy").run(leaves), strict=True):
        try:
            yield found if isinstance(found, DiagnosticError) else normalise(found, causal=causal, name=program.name)
        except DiagnosticError as error:
            yield error


@pytest.mark.parametrize("contract", [True, False], ids=["as causal", "as bidirectional"])
@pytest.mark.parametrize("causal", [True, False], ids=["causal", "bidirectional"])
def test_patterns_are_the_normalised_matrices(causal, contract):
    programs = compile_library([*typed(causal), *random_library(3)])
    leaves = Leaves(text(5, TOKENS, words=True), HOST)
    patterns, errors = BytecodeMachine(programs).patterns(leaves, contract)
    for number, expected in enumerate(expected_patterns(programs, leaves, contract)):
        if isinstance(expected, DiagnosticError):
            assert str(errors[number]) == str(expected)
            assert not patterns[number].any()
        else:
            assert number not in errors, errors.get(number)
            np.testing.assert_allclose(patterns[number], expected, rtol=1e-6, atol=1e-9, err_msg=programs[number].name)


@pytest.mark.parametrize(
    "body", ["add 1e200 to each k\nscale each k by 1e108", "add 1e-320 to each k", "add -1 to each k"]
)
def test_weights_at_the_ends_of_float64_make_the_pattern_that_normalise_makes(body):
    programs = compile_library([check(parse_program(source(body, True)))])
    leaves = Leaves(text(5, 20))
    patterns, errors = BytecodeMachine(programs).patterns(leaves, True)
    (expected,) = expected_patterns(programs, leaves, True)
    np.testing.assert_allclose(patterns[0], expected, rtol=1e-6)
    assert errors == {}


@pytest.mark.parametrize("precision", ["uint8", "int16", "float32"])
@pytest.mark.parametrize("causal", [True, False], ids=["causal", "bidirectional"])
def test_packed_results_are_packed_patterns(causal, precision):
    programs = compile_library(typed(causal))
    leaves = Leaves(text(5, TOKENS, words=True), HOST)
    compiled = BytecodeMachine(programs)
    patterns, errors = compiled.patterns(leaves, causal)
    place = layout(TOKENS, causal, 16)
    packed, expected = (empty_packed(place, precision, len(programs) + 3, draw=4) for _ in range(2))
    assert compiled.pack(leaves, packed, first=2).keys() == errors.keys()
    pack_into(expected, 2, patterns)
    if precision in ("uint8", "int16"):
        assert np.abs(packed.data.astype(int) - expected.data.astype(int)).max() <= 1  # of float32 and float64 weights
    else:
        np.testing.assert_array_equal(packed.data, expected.data)
    np.testing.assert_allclose(packed.sums, expected.sums, rtol=1e-6)
    np.testing.assert_allclose(packed.errors, expected.errors, atol=1e-3)


@pytest.mark.parametrize("start", [0, 1, 30, TOKENS - 1])
def test_last_rows_are_those_of_the_whole_matrix(start):
    programs = compile_library(typed(True))
    leaves = Leaves(text(9, TOKENS, words=True), HOST)
    expected = machine(programs, "numpy").run_rows(leaves, start)
    for program, rows, found in zip(programs, expected, BytecodeMachine(programs).run_rows(leaves, start), strict=True):
        problem = disagreement(outcome(rows), outcome(found))
        assert problem is None, f"{program.name}: {problem}"
