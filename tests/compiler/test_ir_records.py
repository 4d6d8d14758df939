"""The IR of many small programs as it is listed: what the lowering and the passes make of each rule shows in the diff.

The same programs are compared with the interpreter here, so that what is recorded is right; an improvement that no
longer applies keeps the meaning, and is found by its record.
Record anew: ``pytest tests/compiler/test_ir_records.py --update-golden``, then read ``git diff``.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cases import near
from conformance import BACKENDS, Outcome, disagreement, outcome, outcome_of_interpreter
from strategies import RandomChoices, make_table

from attndsl.compiler import compile_library
from attndsl.compiler.bytecode_rewrite import fuse, rewrite, without_normalisation
from attndsl.compiler.dump import dump
from attndsl.compiler.ir import reachable
from attndsl.compiler.lower import lower
from attndsl.dsl.checker import TypedProgram, check
from attndsl.dsl.parser import parse_program

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "golden" / "ir"
BODIES = (ROOT / "programs" / "rules.txt").read_text(encoding="utf-8").partition("\n")[2].strip().split("\n\n")


HOST = {"near": near}
CHUNK = 9
TEXTS = (8, 11)  # seeds of texts with words, on which most programs run without an error


def stages(body: str, typed: TypedProgram) -> str:
    """The body, then its IR: how much was lowered, what the passes leave (with the places of its checks), and how much
    of that is another operation for the machine."""
    plain = lower(typed)
    (better,) = compile_library([typed])
    short = without_normalisation(better, causal=typed.causal)
    (fused,) = fuse(rewrite([short or better]))
    places = [f"  check at {c.span.start}-{c.span.end}, statement {c.group}, phase {c.phase}" for c in better.checks]
    lines = [body, f"lowered: {len(list(reachable(plain.roots())))} operations, {len(plain.checks)} checks"]
    lines += [dump(better).rstrip(), *places, "machine" + (", without the last step" if short else "")]
    return "\n".join([*lines, *_otherwise(dump(fused), dump(better))]) + "\n"


def _otherwise(listing: str, before: str) -> list[str]:
    """The operations of a listing that another one has not, whatever their numbers, and where each of them is."""
    known = {re.sub(r"%\d+", "%", line) for line in before.splitlines()}
    return [line for line in listing.splitlines() if re.sub(r"%\d+", "%", line) not in known or "result" in line]


def typed_programs(kind: str, bodies: list[str]) -> list[TypedProgram]:
    return [check(parse_program(f'head "x" {kind}\n{body}')) for body in bodies]


@pytest.mark.parametrize("kind", ["causal", "bidirectional"])
@pytest.mark.parametrize("first", range(0, len(BODIES), CHUNK))
def test_programs_compile_as_recorded(first: int, kind: str, request: pytest.FixtureRequest) -> None:
    bodies = BODIES[first : first + CHUNK]
    path, text = GOLDEN / f"{kind}-{first}.txt", "\n".join(map(stages, bodies, typed_programs(kind, bodies)))
    if request.config.getoption("--update-golden"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", ["causal", "bidirectional"])
@pytest.mark.parametrize("first", range(0, len(BODIES), CHUNK))
def test_the_recorded_programs_give_what_the_interpreter_gives(first: int, kind: str) -> None:
    bodies = BODIES[first : first + CHUNK]
    typed = typed_programs(kind, bodies)
    run = BACKENDS["numpy"](typed)
    matrices = 0
    for seed in TEXTS:
        table = make_table(RandomChoices(seed), least=7, most=9)
        for body, program, found in zip(bodies, typed, run(table, HOST), strict=True):
            expected: Outcome = outcome_of_interpreter(program, table, HOST)
            assert disagreement(expected, outcome(found)) is None, (body, seed)
            matrices += not isinstance(expected, str)
    assert matrices > 0.5 * len(bodies)  # the others are the same error at the same query
