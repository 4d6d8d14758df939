"""Random programs on random texts: where do the back ends disagree with the interpreter?

    python benchmarks/fuzz_backends.py 20000 [first seed] [--passes]

``--passes`` reads each printed program again, which must give the same tree, and runs the IR as it was lowered and
after each pass alone on the numpy machine.

Prints each disagreement with its program, then counts and time. Exit status 1 when there was any.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from conformance import BACKENDS, Outcome, compare, disagreement, near, outcome, outcome_of_interpreter
from strategies import ProgramMaker, RandomChoices, make_table

from attndsl.compiler import Leaves, machine
from attndsl.compiler.build import Builder
from attndsl.compiler.lower import lower
from attndsl.compiler.passes import PASSES
from attndsl.compiler.verify import verify
from attndsl.dsl.checker import TypedProgram, check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.parser import parse_program
from attndsl.dsl.printer import to_text
from attndsl.dsl.tokens import TokenTable


def passes(typed: TypedProgram, table: TokenTable, expected: Outcome) -> str | None:
    """What the round trip or a pass alone changes, or None."""
    text = to_text(typed.program)
    if to_text(parse_program(text)) != text or parse_program(text) != typed.program:
        return "the printed program is another one"
    leaves = Leaves(table, {"near": near})
    for name, change in (("lowered", None), *PASSES):
        builder = Builder()
        ir = lower(typed, builder)
        ir = ir if change is None else change(ir, builder)
        try:
            verify([ir])
            (found,) = machine([ir], "numpy").run(leaves)
        except DiagnosticError as error:
            found = error
        problem = disagreement(expected, outcome(found))
        if problem is not None:
            return f"{name}: {problem}"
    return None


def main(count: int, first: int, with_passes: bool) -> int:
    outcomes: Counter[str] = Counter()
    started = time.perf_counter()
    wrong = 0
    for seed in range(first, first + count):
        choices = RandomChoices(seed)
        words = seed % 3 == 0
        program = ProgramMaker(choices, words=words).program(2 + seed % 3)
        table = make_table(choices, words=words)
        try:
            typed = check(program)
            expected = outcome_of_interpreter(typed, table, {"near": near})
        except Exception as error:  # a crash is a finding, and the run goes on
            wrong += 1
            print(
                f"--- seed {seed}, checker or interpreter: {error!r}\n{to_text(program)}{table.surface}\n", flush=True
            )
            continue
        outcomes[expected if isinstance(expected, str) else "matrix"] += 1
        runs = {name: partial(compare, factory=factory, host={"near": near}) for name, factory in BACKENDS.items()}
        for name, run in ({"passes": passes} if with_passes else runs).items():
            try:
                found = run(typed, table, expected)
            except Exception as error:
                found = repr(error)
            if found is not None:
                wrong += 1
                print(f"--- seed {seed}, {name}: {found}\n{to_text(program)}{table.surface}\n", flush=True)
    print(f"{count} programs, {wrong} disagreements, {time.perf_counter() - started:.0f} s; {dict(outcomes)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int, nargs="?", default=0)
    parser.add_argument("--passes", action="store_true")
    options = parser.parse_args()
    np.seterr(all="ignore")
    sys.exit(main(options.count, options.seed, options.passes))
