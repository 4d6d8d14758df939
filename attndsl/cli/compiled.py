"""What became of program files: as the contract's JSON, and as tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attndsl.cli.output import counted, print_table, show_diagnostics

if TYPE_CHECKING:
    from attndsl.dsl.diagnostics import Diagnostic
    from attndsl.runtime.program import Program

REASONS_SHOWN = 10
FEATURES_SHOWN = 12
_LIFTING = re.compile(r"E03\d\d")
IN_FULL = 20  # diagnostics; more are shown one line each


def compiled_as_json(programs: Sequence[Program], about_files: Sequence[Diagnostic]) -> dict[str, Any]:
    """The contract's object: one entry per program, and a summary with the counts and what concerns no one program."""
    from attndsl.dsl.render import as_dict
    from attndsl.runtime.program import describe_outcomes

    reasons = Counter(first.code for program in programs if (first := _reason(program)) is not None)
    return {
        "programs": [
            {
                "name": program.name,
                "outcome": program.outcome.value,
                "diagnostics": [as_dict(d) for d in program.diagnostics],
                "cost": program.cost,
                "reads": list(program.reads),
            }
            for program in programs
        ],
        "summary": {
            "programs": len(programs),
            **describe_outcomes(programs),
            "refusals": dict(reasons.most_common()),
            "diagnostics": [as_dict(d) for d in about_files],
        },
    }


def print_compiled(programs: Sequence[Program], about_files: Sequence[Diagnostic]) -> None:
    """Diagnostics on stderr; counts, reasons, costs and features on stdout."""
    from attndsl.runtime.program import describe_outcomes

    found = [*about_files, *(d for program in programs for d in program.diagnostics)]
    if found:
        show_diagnostics(found, "full" if len(found) <= IN_FULL else "concise")
    counts = describe_outcomes(programs)
    print(f"{counted(len(programs), 'program')}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    _print_reasons(programs)
    costs = Counter(p.cost for p in programs if p.cost is not None)
    if costs:
        print_table("\ncost in the number of tokens", ["class", "programs"], list(costs.most_common()))
    features = Counter(read for p in programs for read in p.reads)
    if features:
        print_table("\nfeatures read", ["feature", "programs"], list(features.most_common(FEATURES_SHOWN)))


def _print_reasons(programs: Sequence[Program]) -> None:
    """How many programs have each reason for a refusal, and how many no other; then what kept programs bounded."""
    from attndsl.dsl.codes import code_name

    every, alone = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for program in programs:
        found = _reasons(program)
        every.update(found)
        alone.update(found if len(found) == 1 else ())
    if every:
        rows = [[code, name, count, alone[code, name]] for (code, name), count in every.most_common(REASONS_SHOWN)]
        print_table("\nrefused", ["code", "reason", "programs", "for this alone"], rows)
    bounded = [d for p in programs for d in p.diagnostics if d.code == "W0301"]
    kept = Counter(code for d in bounded for code in _LIFTING.findall(" ".join(d.notes)))
    if kept:
        rows = [[code, code_name(code), count] for code, count in kept.most_common(REASONS_SHOWN)]
        print_table("\nkept bounded, by what was not lifted", ["code", "reason", "programs"], rows)


def print_costs(programs: Sequence[Program]) -> None:
    """One line per program: outcome, cost class, features, and the terms of its linear form or why it has none."""
    rows = [[p.name, p.outcome.value, p.cost, ", ".join(p.reads), p.structure] for p in programs]
    print_table("", ["program", "outcome", "cost", "reads", "inside a model"], rows)


def _reasons(program: Program) -> set[tuple[str, str]]:
    """(code, name) of every error of a refused program."""
    from attndsl.dsl.diagnostics import Severity

    if program.outcome != "refused":
        return set()
    return {(d.code, d.name) for d in program.diagnostics if d.severity is Severity.ERROR}


def _reason(program: Program) -> Diagnostic | None:
    """The first error of a refused program."""
    from attndsl.dsl.diagnostics import Severity

    if program.outcome != "refused":
        return None
    return next((d for d in program.diagnostics if d.severity is Severity.ERROR), None)
