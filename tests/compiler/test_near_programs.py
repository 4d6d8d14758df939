"""Programs that differ from the recorded ones in one piece: the meaning is the interpreter's on texts of no, one and
more tokens, and the IR has the size that is recorded.

What a rule of the compiler asks for fails in some of these programs alone, and holds in others: a rule that applies too
often changes a matrix or an error, one that applies too seldom leaves more work.
Record anew: ``pytest tests/compiler/test_near_programs.py --update-golden``, then read ``git diff``: what became more?
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from cases import near as relation
from conformance import Outcome, Result, disagreement, outcome, outcome_of_interpreter
from near_programs import near
from strategies import RandomChoices, make_table

from attndsl.compiler import Leaves, compile_library, machine
from attndsl.compiler.build import Builder
from attndsl.compiler.bytecode_rewrite import fuse, rewrite, without_floor, without_normalisation
from attndsl.compiler.ir import IRProgram, reachable
from attndsl.compiler.lower import lower
from attndsl.compiler.passes import optimize
from attndsl.dsl.checker import TypedProgram, check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.parser import parse_program
from attndsl.dsl.printer import to_text
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.machine import BytecodeMachine
from attndsl.runtime.pattern import normalise

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "golden" / "near"
BODIES = (ROOT / "programs" / "rules.txt").read_text(encoding="utf-8").partition("\n")[2].strip().split("\n\n")
CHUNK = 4
HOST = {"near": relation}
SEEDS = ((8, 6, 8), (3, 1, 1))  # of the texts, and how many pieces they have
PATTERN_ERROR = 2e-7  # patterns are float32
KINDS_OF_PATTERN = {True: (True,), False: (False, True)}
"""Of a program for causal heads, and of one for bidirectional ones, which may be asked for a causal pattern too."""
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@cache
def tables() -> tuple[TokenTable, ...]:
    return tuple(make_table(RandomChoices(seed), least=least, most=most) for seed, least, most in SEEDS)


def programs(body: str, kind: str) -> list[TypedProgram]:
    """The body, and of its neighbours that the checker accepts every other one: the rest is for the other kind."""
    first = parse_program(f'head "x" {kind}\n{body}')
    found: dict[str, TypedProgram] = {}
    for program in near(first):
        text = to_text(program)
        if text not in found:
            try:
                found[text] = check(program)
            except DiagnosticError:
                continue
    return [check(first), *list(found.values())[kind == "causal" :: 2]]


def size(program: IRProgram) -> str:
    """Operations, of them those over pairs of positions, and checks."""
    ops = list(reachable(program.roots()))
    return f"{len(ops)}/{sum(len(op.axes) > 1 for op in ops)}/{len(program.checks)}"


def sizes(typed: TypedProgram) -> str:
    """As lowered, after the passes, and for the machine, which may leave out the last steps; or why it is refused."""
    builder = Builder()
    try:
        plain = lower(typed, builder)
    except DiagnosticError as error:
        return error.diagnostics[0].code
    (better,) = optimize([plain], builder)
    ends = [last_steps(better, causal) for causal in KINDS_OF_PATTERN[typed.causal]]
    return " ".join([size(plain), size(better), *ends])


def last_steps(better: IRProgram, causal: bool) -> str:
    short = without_normalisation(better, causal)
    last = without_floor(short or better)
    (fused,) = fuse(rewrite([last]))
    return size(fused) + ("n" if short else "") + ("" if last.result is (short or better).result else "f")


def pattern_of(matrix: Outcome, causal: bool) -> Outcome:
    if isinstance(matrix, str):
        return matrix
    try:
        return normalise(matrix, causal=causal, name="x")
    except DiagnosticError as error:
        return outcome(error)


def problems(typed: list[TypedProgram]) -> Iterator[str]:
    """Where the array machine, the compiled machine, or its patterns differ from the interpreter."""
    library = compile_library(typed)
    arrays, compiled = machine(library), BytecodeMachine(library)
    for table in tables():
        leaves = Leaves(table, HOST)
        expected = [outcome_of_interpreter(program, table, HOST) for program in typed]
        found = {"numpy": list(arrays.run(leaves)), "numba": list(compiled.run(leaves))}
        for name, results in found.items():
            yield from told(name, typed, expected, results, 1e-9)
        for causal in KINDS_OF_PATTERN[typed[0].causal]:
            patterns, errors = compiled.patterns(leaves, causal)
            wanted = [pattern_of(matrix, causal) for matrix in expected]
            results = [errors.get(number, pattern) for number, pattern in enumerate(patterns)]
            yield from told(f"pattern, {causal=}", typed, wanted, results, PATTERN_ERROR)


def told(
    name: str, typed: list[TypedProgram], expected: list[Outcome], results: list[Result], tolerance: float
) -> Iterator[str]:
    for program, wanted, result in zip(typed, expected, results, strict=True):
        problem = disagreement(wanted, outcome(result), tolerance)
        if problem is not None:
            yield f"{to_text(program.program)}\n{name}: {problem}"


@pytest.mark.parametrize("kind", ["causal", "bidirectional"])
@pytest.mark.parametrize("first", range(0, len(BODIES), CHUNK))
def test_neighbours_mean_what_the_interpreter_says_at_the_recorded_size(
    first: int, kind: str, request: pytest.FixtureRequest
) -> None:
    lines = []
    for body in BODIES[first : first + CHUNK]:
        typed = programs(body, kind)
        found = [sizes(program) for program in typed]
        lines += [body, *found]
        compiled = [program for program, line in zip(typed, found, strict=True) if not line.startswith("E")]
        assert next(problems(compiled), None) is None
    path, record = GOLDEN / f"{kind}-{first}.txt", "\n".join(lines) + "\n"
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(record, encoding="utf-8")
    assert record == path.read_text(encoding="utf-8")
