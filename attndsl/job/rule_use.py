"""Stage: what each rule of a head's program does for that head, on a few held-out texts."""

from __future__ import annotations

from typing import Any

from attndsl.dsl.printer import statement
from attndsl.job.run import Run
from attndsl.job.scores import chosen_programs
from attndsl.runtime.falsify.coverage import Coverage, rule_coverage
from attndsl.runtime.falsify.rules import lifted, rules_of
from attndsl.runtime.program import Outcome, Program
from attndsl.runtime.table import Table

TEXTS = 4
PATTERN_BYTES = 2**29
"""What the patterns of the texts may take, all heads together: they are held while head after head is looked at."""
RuleFigures = dict[str, Any]


def rule_stage(run: Run, table: Table) -> tuple[dict[str, list[RuleFigures]], int]:
    """Head name -> ``start`` and ``end`` of each rule in the program's text, and its figures in
    ``runtime.falsify.coverage.RuleUse``; and the number of texts watched.

    Heads are left out whose program has no rules (it was not lifted), or failed on every text.
    """
    texts = min(TEXTS, len(run.texts("heldout")), max(1, PATTERN_BYTES // _bytes_of_a_text(run)))
    key = run.key("rules", texts, list(table["program"]))
    known = run.stages.load("rules", key)
    if known is None:
        known = _measured(run, table, texts)
        run.stages.save("rules", key, known)
    return known, texts


def _bytes_of_a_text(run: Run) -> int:
    longest = max(text.tokens for text in run.texts("heldout"))
    return 4 * len(run.heads) * longest * longest


def _measured(run: Run, table: Table, texts: int) -> dict[str, list[RuleFigures]]:
    split = run.split("heldout", run.programs[:1])
    tables = [split.table(number) for number in range(texts)]
    patterns = [split.heads(number) for number in range(texts)]
    found: dict[str, list[RuleFigures]] = {}
    chosen = list(chosen_programs(run, table).values())
    with run.progress.bar("watching the rules", len(chosen)) as advance:
        for number, (name, program) in enumerate(zip(run.head_names, chosen, strict=True)):
            if program.outcome is Outcome.LIFTED:
                covered = rule_coverage(program, tables, run.causal, [of_text[number] for of_text in patterns])
                if covered.texts:
                    found[name] = _figures(program, covered)
            advance(number + 1, len(chosen))
    return found


def _figures(program: Program, covered: Coverage) -> list[RuleFigures]:
    places = rule_places(program)
    return [
        {"start": start, "end": end, "texts": use.texts, "rows": use.rows, "mass": use.mass,
         "iou_lost": use.iou_lost, "verdict": use.verdict}
        for (start, end), use in zip(places, covered.rules, strict=True)
    ]  # fmt: skip


def rule_places(program: Program) -> list[tuple[int, int]]:
    """Where each rule stands in ``program.to_attn()``: start and end in characters. Raises DiagnosticError E0802."""
    text, reached, found = program.to_attn(), 0, []
    items = lifted(program).program.items
    for rule in rules_of(program):
        shown = statement(items[rule.item])
        start = text.index(shown, reached)
        reached = start + len(shown)
        found.append((start, reached))
    return found
