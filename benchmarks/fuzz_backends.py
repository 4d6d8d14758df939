"""Random programs on random texts: where do the back ends disagree with the interpreter?

    python benchmarks/fuzz_backends.py 20000 [first seed]

Prints each disagreement with its program, then counts and time. Exit status 1 when there was any.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from conformance import BACKENDS, compare, near, outcome_of_interpreter
from strategies import ProgramMaker, RandomChoices, make_table

from attndsl.dsl.checker import check
from attndsl.dsl.printer import to_text


def main(count: int, first: int) -> int:
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
        for name, factory in BACKENDS.items():
            try:
                found = compare(typed, table, expected, factory, {"near": near})
            except Exception as error:
                found = repr(error)
            if found is not None:
                wrong += 1
                print(f"--- seed {seed}, {name}: {found}\n{to_text(program)}{table.surface}\n", flush=True)
    print(f"{count} programs, {wrong} disagreements, {time.perf_counter() - started:.0f} s; {dict(outcomes)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    np.seterr(all="ignore")
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
